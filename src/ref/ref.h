/* ref.h -- every op in double on host memory, slow and obvious.
 *
 * Tests, `clnorm verify` and the bench compare the device with this. It shares nothing with cl/ or src/op/:
 * it reads the descriptor, loops over the shape and follows SEMANTICS to the letter. */
#ifndef REF_H
#define REF_H

#include "clnorm.h"

#include <stdbool.h>
#include <stddef.h>

/* Host memory of an op's slots; each points at element (0,0,..) of its tensor, strides as in the descriptor.
 *
 *  slot     inputs have the types of their tensors: x, dy and the residual as the descriptor says, gamma and
 *           beta param_dtype, statistics f32, the mask bits. Outputs are double, but for count (uint64_t) and
 *           the mask. Where the descriptor accumulates, an output holds what the gradient is added to.
 *  scale    of an output: S of the error measure, laid out like the output.
 *  any      the same for inputs of any kind, of which it knows more (docs/bounds.md).
 *  moved    the running mean and variance (of iternorm the running whitener, of spectralnorm u and v) after the batch; slot
 *           holds those before it. */
typedef struct ref_io {
    void *slot[CLNORM_SLOTS];
    double *scale[CLNORM_SLOTS], *any[CLNORM_SLOTS];
    double *moved[2];
    double momentum; /* 0: the descriptor's */
    uint64_t count;  /* batches seen before, where cumulative */
    bool cumulative;
} ref_io;

/* Runs a descriptor that clnorm_op_check has completed. y and the other float outputs are dense, in the order
 * of the axes (y, sum, dx and dresidual: x's shape; the others: the shape of clnorm_op_slot), and unrounded
 * whatever the type of y: ref_error and ref_set round. A quantized y is y / out_scale + out_zero. Bit k of a
 * mask is the element that lies k elements behind the first by y's strides. Absent slots, scales, any and
 * moved are NULL.
 *
 * S is, of y, |gamma * xhat| + |beta| + |residual| or what the op has in its place; of dx and dresidual, the
 * largest |ref| of the set, of dx also the largest |g * rstd|, since sets of two or three elements are all
 * cancellation; of dgamma and dbeta, 1e-2 of the sum of |terms|; of a mean, the largest |x| of
 * the set, and of a running mean its share of that; of others 0. Of any kind of input it is also, where a mean is
 * subtracted, |gamma| and, of dgamma, the sum of |dy|; of dgamma and dbeta the whole sum of |terms|; of dx that of
 * those that it is a difference of. Returns false for an op that it does not
 * know, where an input is missing, and out of memory. */
bool ref_run(const clnorm_any *desc, const ref_io *io);

/* Element i, in the order of the axes, as a place relative to element (0,..). */
int64_t ref_place(const clnorm_tensor *t, int64_t i);

/* Element i of an array of a storage type as double, and back (rounded to nearest even, integers saturated).
 */
double ref_get(uint32_t dtype, const void *p, int64_t i);
void ref_set(uint32_t dtype, void *p, int64_t i, double value);

/* The distance of two values in the error measure of SEMANTICS section 4, as a multiple of the bound: got was
 * read from an output of type dtype, want is the reference before rounding, s its scale, bound the f32 bound
 * of the op (5e-7). <= 1 passes. NaN equals NaN; for f16 and bf16 one unit in the last place passes. What
 * rounds to an infinity of the type must be one, and nothing else may, but for what the bound spans.
 * Integers: NaN is 0, and one step off passes where want is within the f32 bound of a tie. */
double ref_error(uint32_t dtype, double got, double want, double s, double bound);

#endif

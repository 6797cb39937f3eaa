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
 */
typedef struct ref_io {
    void *slot[CLNORM_SLOTS];
} ref_io;

/* Runs a descriptor that clnorm_op_check has completed. y and the other float outputs are written as DOUBLE
 * arrays, dense, in the order of the axes (y: x's shape; statistics and the y of moments: the shape of
 * clnorm_op_slot), unrounded whatever the type of y: ref_error and ref_set round. count is uint64_t. The
 * inputs min, max, mean and rstd of denormalize are read as dense f32. Absent slots are NULL. scale (same
 * layout as y) receives S of the error measure, |gamma * xhat| + |beta| or what the op has in its place; may
 * be NULL. Returns false for an op that it does not know, and out of memory. */
bool ref_run(const clnorm_any *desc, const ref_io *io, double *scale);

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

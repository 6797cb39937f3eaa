/* clnorm_fold.h -- a batch normalization folded into the convolution before it. */
#ifndef CLNORM_FOLD_H
#define CLNORM_FOLD_H

#include "clnorm_status.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A batch normalization in evaluation, for clnorm_fold_batchnorm: host arrays of `outputs` floats. */
typedef struct clnorm_fold {
    uint32_t size; /* sizeof(clnorm_fold) */
    uint32_t reserved;
    size_t outputs, inputs;    /* channels of the convolution's output; weights of each, I * kh * kw */
    const float *gamma, *beta; /* NULL: 1 and 0 */
    const float *mean, *var;   /* RUNNING_MEAN and RUNNING_VAR */
    double eps;                /* added to var */
} clnorm_fold;
#define CLNORM_FOLD_INIT                                                     \
    {                                                                        \
        (uint32_t)sizeof(clnorm_fold), 0, 0, 0, NULL, NULL, NULL, NULL, 1e-5 \
    }

/** Folds a batch normalization into the convolution (or linear layer) before it, so that inference needs no
 *  normalization at all: w = w * a, b = (b - mean) * a + beta, a = gamma / sqrt(var + eps), per output
 *  channel.
 *
 *  Shape    weight (O, I, kh, kw) dense, or (O, I); bias (O): zeros where the convolution has none.
 *  Types    f32, on the host; computed in f64, rounded once. No device is needed.
 *  Units    eps in units of var, >= 0.
 *  Buffers  weight and bias are changed in place, and may not overlap the arrays of fold. After an error they
 *           are as they were.
 *  Edges    gamma 0 gives weights 0 and the bias beta; what is no finite number gives such weights. A transposed
 *           convolution has (I, O, ..): not this one.
 *  Errors   EARG where an array is NULL or var + eps is not above 0.
 *  Threads  any.
 *  Source   Jacob et al. 2018, arXiv:1712.05877, section 3.2. */
CLNORM_API clnorm_status clnorm_fold_batchnorm(float *weight, float *bias, const clnorm_fold *fold);

#ifdef __cplusplus
}
#endif
#endif

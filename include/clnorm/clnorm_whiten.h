/* clnorm_whiten.h -- from the statistics of samples to the matrix that whitens them.
 *
 * What this header has runs on the host, no device is needed:
 *
 *   clnorm_whiten, task FIT, once a batch      count, mean, m2 on the device       (clnorm_ops_matrix.h)
 *   read them back                             clnorm_whiten_stats
 *   clnorm_whiten_merge                        those of another device or machine, if there are any
 *   clnorm_whiten_fit                          W, its inverse, the eigenvalues
 *   clnorm_whiten, task WHITEN or UNWHITEN     with mean and W, or mean and the inverse */
#ifndef CLNORM_WHITEN_H
#define CLNORM_WHITEN_H

#include "clnorm_ops_matrix.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What FIT has gathered: arrays of the caller's, as the slots have them. */
typedef struct clnorm_whiten_stats {
    uint32_t size; /* sizeof(clnorm_whiten_stats) */
    uint32_t dims; /* D */
    uint64_t count;
    float *mean; /* (2,D) */
    float *m2;   /* (2,D,D) */
} clnorm_whiten_stats;

/** Adds the samples of another to those of `into`, by Chan's formula, in f64.
 *
 *  Errors   EARG where an array is NULL or dims differ; EUNSUPPORTED in a build without CLBlast and
 *           LAPACKE. */
CLNORM_API clnorm_status clnorm_whiten_merge(clnorm_whiten_stats *into, const clnorm_whiten_stats *other);

/** Which of all matrices that whiten. */
typedef enum clnorm_whitening {
    CLNORM_ZCA =
        0, /* W is symmetric: of all outputs those nearest to the inputs; whitened images look like images */
    CLNORM_PCA = 1 /* outputs are the principal components, of falling variance before they are scaled */
} clnorm_whitening;

/** What to make of them. Results are arrays of the caller's; NULL is not wanted. */
typedef struct clnorm_whitener {
    uint32_t size;       /* sizeof(clnorm_whitener) */
    uint32_t form;       /* clnorm_whitening */
    uint32_t components; /* principal components that are kept, those of the largest eigenvalues; 0: all */
    uint32_t outputs;    /* receives K: components of PCA, D of ZCA */
    double eps;          /* added to the eigenvalues, in units of x squared, >= 0 */
    float *whitener;     /* (K,D) */
    float *inverse; /* (D,K): the pseudo-inverse where components are left out; what eps damped is restored */
    float *eigenvalues; /* (D), of the covariance M2 / (count - 1), falling */
} clnorm_whitener;
#define CLNORM_WHITENER_INIT                                                       \
    {                                                                              \
        (uint32_t)sizeof(clnorm_whitener), CLNORM_ZCA, 0, 0, 0.0, NULL, NULL, NULL \
    }

/** W of statistics: by the eigenvectors u and values l of the covariance,
 *  PCA W = diag(1 / sqrt(l + eps)) U^T and ZCA W = U diag(1 / sqrt(l + eps)) U^T; in f64,
 *  rounded once. Each u points where its largest entry is positive.
 *
 *  What has no inverse is refused, and the sentence says why: fewer samples than
 *  dimensions, a constant value, eigenvalues that are 0 within the rounding of f32. An
 *  eps above 0 makes one, and so do fewer components.
 *  Errors   EARG; EDATA where the statistics are NaN or infinite or have no inverse;
 *           ENOMEM; EUNSUPPORTED in a build without CLBlast and LAPACKE. After an error
 *           the arrays are as they were.
 *  Threads  any. */
CLNORM_API clnorm_status clnorm_whiten_fit(clnorm_whitener *out, const clnorm_whiten_stats *stats);

#ifdef __cplusplus
}
#endif
#endif

/* whiten.h -- whitening in double: samples, covariance, eigenvectors, the matrix. */
#ifndef REF_WHITEN_H
#define REF_WHITEN_H

#include "ref/ref.h"

/* The samples of a tensor, count x dims, for free(); NULL out of memory. */
double *ref_samples(const clnorm_whiten *d, const clnorm_tensor *t, const void *data, size_t *count,
                    size_t *dims);
/* Their mean and sums of squares and products about it. */
void ref_moments_of(double *mean, double *m2, const double *x, size_t count, size_t dims);
/* Eigenvalues of a (which is used up), falling, and eigenvectors, one a row. */
void ref_jacobi(double *values, double *v, double *a, size_t n);
/* The matrix, or its inverse, that clnorm_whiten_fit makes; returns how many outputs there are. */
size_t ref_whitener(double *w, const clnorm_whitener *how, const double *values, const double *v, size_t dims,
                    bool inverse);
/* ref_run of the tasks that write y. */
bool ref_whiten_run(const clnorm_any *desc, const ref_io *io);

#endif

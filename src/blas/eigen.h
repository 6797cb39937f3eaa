/* eigen.h -- eigenvectors of a symmetric matrix, by LAPACKE, and a product that they are put together by. */
#ifndef CLN_EIGEN_H
#define CLN_EIGEN_H

#include "clnorm.h"

/* a, n x n and symmetric, becomes its eigenvectors, one a row, of falling eigenvalues, which go to `values`. */
clnorm_status cln_eigen(double *a, double *values, uint32_t n);
/* c = a^T a, where a is rows x n and c n x n. */
void cln_gram(double *c, const double *a, uint32_t rows, uint32_t n);

#endif

/* matrix.h -- the matrix ops of the reference: dense matrices of doubles. */
#ifndef REF_MATRIX_H
#define REF_MATRIX_H

#include "ref/ref.h"

/* A tensor as rows x columns of doubles, the axis `row` along the rows, malloc'ed; NULL: no memory. And the place of an element
 * in the tensor's own order. */
double *ref_matrix_of(const clnorm_tensor *t, const void *data, uint32_t row);
int64_t ref_matrix_index(const clnorm_tensor *t, uint32_t row, int64_t r, int64_t c);
/* c = a b, n x n; c is neither. */
void ref_multiply(double *c, const double *a, const double *b, int64_t n);

bool ref_spectralnorm(const clnorm_any *desc, const ref_io *io);
bool ref_iternorm(const clnorm_any *desc, const ref_io *io);

#endif

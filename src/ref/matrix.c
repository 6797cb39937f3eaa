/* matrix.c -- see matrix.h. */
#include "ref/matrix.h"

#include <stdlib.h>

int64_t ref_matrix_index(const clnorm_tensor *t, uint32_t row, int64_t r, int64_t c)
{
    int64_t index = 0, dense = 1;
    for (uint32_t i = t->ndim; i-- > 0; dense *= t->shape[i]) {
        index += dense * (i == row ? r : c % t->shape[i]);
        c /= i == row ? 1 : t->shape[i];
    }
    return index;
}

double *ref_matrix_of(const clnorm_tensor *t, const void *data, uint32_t row)
{
    const int64_t rows = t->shape[row], columns = clnorm_tensor_count(t) / rows;
    double *m = (double *)malloc((size_t)(rows * columns) * sizeof *m);
    for (int64_t i = 0; m && i < rows * columns; i++)
        m[i] = ref_get(t->dtype, data, ref_place(t, ref_matrix_index(t, row, i / columns, i % columns)));
    return m;
}

void ref_multiply(double *c, const double *a, const double *b, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++) {
            double sum = 0;
            for (int64_t l = 0; l < n; l++)
                sum += a[i * n + l] * b[l * n + j];
            c[i * n + j] = sum;
        }
}

/* eigen.c -- see eigen.h. */
#include "blas/eigen.h"
#include "base/status.h"

#include <cblas.h>
#include <lapacke.h>
#include <stddef.h>

static void swap_rows(double *a, double *b, uint32_t n)
{
    for (uint32_t j = 0; j < n; j++) {
        const double t = a[j];
        a[j] = b[j];
        b[j] = t;
    }
}

/* Column-major, so that a vector is a row for us. */
clnorm_status cln_eigen(double *a, double *values, uint32_t n)
{
    const lapack_int code =
        LAPACKE_dsyevd(LAPACK_COL_MAJOR, 'V', 'L', (lapack_int)n, a, (lapack_int)n, values);
    if (code == LAPACK_WORK_MEMORY_ERROR || code == LAPACK_TRANSPOSE_MEMORY_ERROR)
        return cln_fail(CLNORM_ENOMEM, "no memory for the eigenvectors of %u dimensions", n);
    if (code)
        return cln_fail(CLNORM_EDATA, "the eigenvalues of %u dimensions do not converge (dsyevd %d)", n,
                        (int)code);
    for (uint32_t i = 0; i < n / 2; i++) {
        swap_rows(&values[i], &values[n - 1 - i], 1);
        swap_rows(a + (size_t)i * n, a + (size_t)(n - 1 - i) * n, n);
    }
    return CLNORM_OK;
}

void cln_gram(double *c, const double *a, uint32_t rows, uint32_t n)
{
    cblas_dsyrk(CblasRowMajor, CblasLower, CblasTrans, (int)n, (int)rows, 1.0, a, (int)n, 0.0, c, (int)n);
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t j = i + 1; j < n; j++)
            c[(size_t)i * n + j] = c[(size_t)j * n + i];
}

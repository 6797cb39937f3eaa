/* parameters.h -- what CLBlast's kernels run best with where its own database has nothing. */
#ifndef CLN_BLAS_PARAMETERS_H
#define CLN_BLAS_PARAMETERS_H

#include <stdbool.h>
#include <stddef.h>

#define CLN_GEMM_NAMES 16

/* All parameters of one of CLBlast's kernels, in single precision, for CPUs. */
typedef struct cln_gemm_row {
    bool pocl;
    const char *kernel; /* as CLBlast calls it; NULL ends the table */
    const char *name[CLN_GEMM_NAMES];
    size_t value[CLN_GEMM_NAMES];
} cln_gemm_row;

extern const cln_gemm_row cln_gemm_parameters[];

#endif

/* gemm.h -- matrix products by CLBlast: all that the library knows of it.
 *
 * CLBlast keeps compiled programs and parameters in caches that belong to the process, and 1.5.3 guards them badly: every call
 * goes through one lock. The caches are cleared when the last context that multiplies goes, and before it goes. The order of
 * its sums follows its parameters: the same device and library give the same bits, another may not. */
#ifndef CLN_GEMM_H
#define CLN_GEMM_H

#include "device/device.h"

#include <stdbool.h>

/* C = alpha A B + beta C, row-major: A is m x k (where ta k x m), B k x n (where tb n x k), C m x n; ld is from row to row. */
typedef struct cln_gemm {
    bool ta, tb;
    bool gram; /* B is A, ta and not tb: C is symmetric */
    uint32_t m, n, k, lda, ldb, ldc;
    float alpha, beta;
    uint32_t batch, a_step, b_step,
        c_step; /* products, and floats from one's matrices to the next's; batch 0 is 1 */
} cln_gemm;

/* A matrix in memory; first in floats. */
typedef struct cln_gemm_at {
    cl_mem mem;
    size_t first;
} cln_gemm_at;

/* One use of CLBlast by a context, which sets the parameters that CLBlast lacks, and the end of it. */
clnorm_status cln_gemm_enter(const cln_device *device);
void cln_gemm_leave(void);
/* Compiles what products need, on a queue of the context, and waits for it. */
clnorm_status cln_gemm_prepare(cl_context context, cl_command_queue queue);
/* Bytes of scratch that a product needs in front of `scratch`. */
clnorm_status cln_gemm_room(size_t *bytes, const cln_gemm *g, cl_command_queue queue);
/* Enqueues it behind `wait`; done (not NULL) receives its event. in_order: of the queue. */
clnorm_status cln_gemm_enqueue(cl_command_queue queue, bool in_order, const cln_gemm *g,
                               const cln_gemm_at at[3], cl_mem scratch, cl_uint nwait, const cl_event *wait,
                               cl_event *done);

#endif

/* gemm.c -- see gemm.h. */
#include "blas/gemm.h"
#include "base/compiler.h"
#include "base/status.h"
#include "blas/parameters.h"

#include <clblast_c.h>
#include <pthread.h>

/* CLBlast's state is the process's, and so is what guards it. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned users;

static clnorm_status check(CLBlastStatusCode code, const char *call)
{
    if (code == CLBlastSuccess)
        return CLNORM_OK;
    if (code > -1000) /* OpenCL's own codes end at -70, CLBlast's begin at -1000 */
        return CLN_CL_STATUS((cl_int)code, call);
    return cln_fail(CLNORM_ECL, "%s failed with CLBlast's error %d", call, (int)code);
}

static CLBlastTranspose transposed(bool t) { return t ? CLBlastTransposeYes : CLBlastTransposeNo; }

static clnorm_status override(const cln_device *device)
{
    for (size_t i = 0; cln_gemm_parameters[i].kernel; i++) {
        const cln_gemm_row *r = &cln_gemm_parameters[i];
        size_t n = 0;
        while (n < CLN_GEMM_NAMES && r->name[n])
            n++;
        if (r->pocl == device->pocl && device->cpu)
            CLN_TRY(check(CLBlastOverrideParameters(device->id, r->kernel, CLBlastPrecisionSingle, n,
                                                    (const char **)(uintptr_t)r->name, r->value),
                          "CLBlastOverrideParameters"));
    }
    return CLNORM_OK;
}

clnorm_status cln_gemm_enter(const cln_device *device)
{
    pthread_mutex_lock(&lock);
    const clnorm_status st = override(device);
    users += st == CLNORM_OK;
    pthread_mutex_unlock(&lock);
    return st;
}

void cln_gemm_leave(void)
{
    pthread_mutex_lock(&lock);
    if (--users == 0)
        CLBlastClearCache();
    pthread_mutex_unlock(&lock);
}

static clnorm_status enqueue_one(cl_command_queue queue, const cln_gemm *g, const cln_gemm_at at[3], size_t i,
                                 cl_mem scratch, cl_event *done)
{
    return check(CLBlastSgemmWithTempBuffer(
                     CLBlastLayoutRowMajor, transposed(g->ta), transposed(g->tb), g->m, g->n, g->k, g->alpha,
                     at[0].mem, at[0].first + i * g->a_step, g->lda, at[1].mem, at[1].first + i * g->b_step,
                     g->ldb, g->beta, at[2].mem, at[2].first + i * g->c_step, g->ldc, &queue, done, scratch),
                 "CLBlastSgemm");
}

clnorm_status cln_gemm_prepare(cl_context context, cl_command_queue queue)
{
    static const cln_gemm one = { .m = 1, .n = 1, .k = 1, .lda = 1, .ldb = 1, .ldc = 1 };
    cl_int code;
    const cl_mem mem = clCreateBuffer(context, CL_MEM_READ_WRITE, 64, NULL, &code);
    CLN_TRY(CLN_CL_STATUS(code, "clCreateBuffer"));
    const cln_gemm_at at[3] = { { mem, 0 }, { mem, 4 }, { mem, 8 } };
    pthread_mutex_lock(&lock);
    clnorm_status st = enqueue_one(queue, &one, at, 0, NULL, NULL);
    pthread_mutex_unlock(&lock);
    const cl_int finished = clFinish(queue);
    if (st == CLNORM_OK)
        st = CLN_CL_STATUS(finished, "clFinish");
    clReleaseMemObject(mem);
    return st;
}

clnorm_status cln_gemm_room(size_t *bytes, const cln_gemm *g, cl_command_queue queue)
{
    const size_t last = g->batch ? g->batch - 1 : 0; /* an offset may ask for more */
    *bytes = 0;
    pthread_mutex_lock(&lock);
    const clnorm_status st =
        check(CLBlastSGemmTempBufferSize(CLBlastLayoutRowMajor, transposed(g->ta), transposed(g->tb), g->m,
                                         g->n, g->k, last * g->a_step + 1, g->lda, last * g->b_step + 1,
                                         g->ldb, last * g->c_step + 1, g->ldc, &queue, bytes),
              "CLBlastSGemmTempBufferSize");
    pthread_mutex_unlock(&lock);
    return st;
}

/* CLBlast takes no events to wait for: a barrier does. */
static clnorm_status barrier(cl_command_queue queue, cl_uint nwait, const cl_event *wait)
{
    if (nwait)
        CLN_CL(clEnqueueBarrierWithWaitList(queue, nwait, wait, NULL));
    return CLNORM_OK;
}

/* Products of a batch share the scratch, so they follow each other. */
static clnorm_status enqueue_all(cl_command_queue queue, bool in_order, const cln_gemm *g,
                                 const cln_gemm_at at[3], cl_mem scratch, cl_event *done)
{
    const size_t n = g->batch ? g->batch : 1;
    for (size_t i = 0; i < n; i++) {
        cl_event before = NULL;
        const bool last = i + 1 == n;
        CLN_TRY(enqueue_one(queue, g, at, i, scratch, last ? done : in_order ? NULL : &before));
        if (before) {
            const clnorm_status st = barrier(queue, 1, &before);
            clReleaseEvent(before);
            CLN_TRY(st);
        }
    }
    return CLNORM_OK;
}

clnorm_status cln_gemm_enqueue(cl_command_queue queue, bool in_order, const cln_gemm *g,
                               const cln_gemm_at at[3], cl_mem scratch, cl_uint nwait, const cl_event *wait,
                               cl_event *done)
{
    if (done)
        *done = NULL;
    CLN_TRY(barrier(queue, nwait, wait));
    pthread_mutex_lock(&lock);
    const clnorm_status st = enqueue_all(queue, in_order, g, at, scratch, done);
    pthread_mutex_unlock(&lock);
    return st;
}

/* none.c -- a build without CLBlast: there is no op that multiplies. */
#include "base/status.h"
#include "blas/gemm.h"

static clnorm_status none(void)
{
    return cln_fail(CLNORM_EUNSUPPORTED, "the library was built without CLBlast");
}

clnorm_status cln_gemm_enter(const cln_device *device)
{
    (void)device;
    return none();
}

void cln_gemm_leave(void) {}

clnorm_status cln_gemm_prepare(cl_context context, cl_command_queue queue)
{
    (void)context, (void)queue;
    return none();
}

clnorm_status cln_gemm_room(size_t *bytes, const cln_gemm *g, cl_command_queue queue)
{
    (void)g, (void)queue;
    *bytes = 0;
    return none();
}

clnorm_status cln_gemm_enqueue(cl_command_queue queue, bool in_order, const cln_gemm *g,
                               const cln_gemm_at at[3], cl_mem scratch, cl_uint nwait, const cl_event *wait,
                               cl_event *done)
{
    (void)queue, (void)in_order, (void)g, (void)at, (void)scratch, (void)nwait, (void)wait, (void)done;
    return none();
}

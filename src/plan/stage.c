/* stage.c -- from a plan's numbers to kernels with arguments, enqueued in order.
 *
 * Every kernel of an op takes the same list: x, its first element, y, its first element, workspace, geometry,
 * four constants, the table where the op has one, then each optional tensor and its first element. */
#include "base/status.h"
#include "plan/plan.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARG_X, ARG_X0, ARG_Y, ARG_Y0, ARG_WORK, ARG_GEO, ARG_K, ARG_REST };

static int step_option(int64_t step, int64_t most) { return step >= 1 && step <= most ? (int)step : 0; }

void cln_stage_options(char *text, size_t room, const cln_body *body, const cln_params *params, int variant)
{
    const clnorm_any *d = &body->problem.desc;
    const bool wide = variant == CLN_WIDE;
    snprintf(text, room,
             "-cl-std=CL1.2 -cl-kernel-arg-info -DWG=%u -DVEC=%u -DALIGN=%d -DNT=%d -DSRC=%s -DDST=%s "
             "-DXSTEP=%d -DYSTEP=%d",
             body->choice.wg, body->choice.vec, wide, wide && params->stream,
             clnorm_dtype_name(d->head.x.dtype), clnorm_dtype_name(d->head.y.dtype),
             step_option(body->geo.step_x, 4), step_option(body->geo.step_y, 1));
}

static clnorm_status set_constants(cl_kernel k, const cln_body *body)
{
    CLN_CL(clSetKernelArg(k, ARG_GEO, sizeof body->geo, &body->geo));
    CLN_CL(clSetKernelArg(k, ARG_K, sizeof body->problem.k, body->problem.k));
    if (body->problem.op->table)
        CLN_CL(clSetKernelArg(k, ARG_REST, sizeof body->table, &body->table));
    return CLNORM_OK;
}

clnorm_status cln_stage_kernels(cln_kernels **out, const cln_body *body, int variant)
{
    clnorm_status st = CLNORM_OK;
    cln_kernels *set = (cln_kernels *)calloc(1, sizeof *set);
    *out = NULL;
    if (!set)
        return cln_fail(CLNORM_ENOMEM, "no memory for %zu kernels", body->nstages);
    for (size_t i = 0; i < body->nstages && st == CLNORM_OK; i++) {
        char name[64];
        cl_int code;
        snprintf(name, sizeof name, "%s_%s", body->problem.op->info.name, body->stages[i].kernel);
        set->k[i] = clCreateKernel(body->variants[variant].program, name, &code);
        st = CLN_CL_STATUS(code, "clCreateKernel");
        if (st == CLNORM_OK)
            st = set_constants(set->k[i], body);
    }
    if (st != CLNORM_OK) {
        cln_stage_free(set);
        return st;
    }
    *out = set;
    return CLNORM_OK;
}

void cln_stage_free(cln_kernels *kernels)
{
    for (size_t i = 0; i < CLN_MAX_STAGES; i++)
        if (kernels->k[i])
            clReleaseKernel(kernels->k[i]);
    free(kernels);
}

static clnorm_status set_buffer(cl_kernel k, cl_uint arg, const clnorm_buffer *b, size_t element)
{
    const cl_ulong first = b->mem ? b->byte_offset / element : 0;
    CLN_CL(clSetKernelArg(k, arg, sizeof b->mem, &b->mem));
    CLN_CL(clSetKernelArg(k, arg + 1, sizeof first, &first));
    return CLNORM_OK;
}

static clnorm_status set_buffers(cl_kernel k, const cln_body *body, const clnorm_args *args,
                                 const clnorm_buffer *workspace)
{
    const cln_op *op = body->problem.op;
    CLN_TRY(set_buffer(k, ARG_X, &args->slot[CLNORM_X], body->problem.x_bytes));
    CLN_TRY(set_buffer(k, ARG_Y, &args->slot[CLNORM_Y], body->problem.y_bytes));
    CLN_CL(clSetKernelArg(k, ARG_WORK, sizeof workspace->mem, &workspace->mem));
    for (size_t i = 0; op->slots[i].slot; i++)
        CLN_TRY(set_buffer(k, (cl_uint)(ARG_REST + op->table + 2 * i), &args->slot[op->slots[i].slot],
                           op->slots[i].u64 ? 8 : 4));
    return CLNORM_OK;
}

clnorm_status cln_stage_enqueue(const cln_body *body, const cln_kernels *kernels, cl_command_queue queue,
                                bool in_order, const clnorm_args *args, const clnorm_buffer *workspace,
                                cl_uint nwait, const cl_event *wait, cl_event *event)
{
    const size_t local = body->choice.wg;
    cl_event before = NULL;
    clnorm_status st = CLNORM_OK;
    assert(body->nstages > 0);
    for (size_t i = 0; i < body->nstages && st == CLNORM_OK; i++) {
        const bool last = i + 1 == body->nstages, chain = !in_order && i > 0;
        const size_t global = body->stages[i].groups * local;
        cl_event after = NULL;
        st = set_buffers(kernels->k[i], body, args, workspace);
        if (st == CLNORM_OK)
            st =
                CLN_CL_STATUS(clEnqueueNDRangeKernel(queue, kernels->k[i], 1, NULL, &global, &local,
                                                     chain    ? 1
                                                     : i == 0 ? nwait
                                                              : 0,
                                                     chain             ? &before
                                                     : i == 0 && nwait ? wait
                                                                       : NULL,
                                                     (last && event) || (!last && !in_order) ? &after : NULL),
                              "clEnqueueNDRangeKernel");
        if (before)
            clReleaseEvent(before);
        before = after;
    }
    if (st == CLNORM_OK && event)
        *event = before;
    else if (before)
        clReleaseEvent(before);
    return st;
}

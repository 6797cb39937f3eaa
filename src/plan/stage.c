/* stage.c -- from a plan's numbers to kernels with arguments, enqueued in order.
 *
 * Every kernel of an op takes the same list: x, its first element, y, its first element, workspace, geometry; of a layer the tensors
 * of `binds`; four constants (a layer: twelve), the table where the op has one, then each optional tensor and its first element. */
#include "base/status.h"
#include "plan/plan.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARG_X, ARG_X0, ARG_Y, ARG_Y0, ARG_WORK, ARG_GEO, ARG_REST };

bool cln_body_has(const cln_body *body, int variant)
{
    const bool both = body->problem.layer.both;
    return (!(variant & CLN_WIDE) || body->choice.wide) &&
           (variant & CLN_BOTH ? both && body->choice.calls != CLN_CALLS_GIVE
                               : !both || body->choice.calls != CLN_CALLS_LACK);
}

/* Index of the first constant, k; of the first optional tensor. */
static cl_uint arg_k(const cln_op *op) { return ARG_REST + (op->info.layer ? 2 * CLN_BINDS : 0); }
static cl_uint arg_slots(const cln_op *op) { return arg_k(op) + (op->info.layer ? 3 : 1) + op->table; }

static clnorm_status set_constants(cl_kernel k, const cln_body *body)
{
    static const float no_call[4] = { 0 };
    const cln_problem *p = &body->problem;
    CLN_CL(clSetKernelArg(k, ARG_GEO, sizeof body->geo, &body->geo));
    CLN_CL(clSetKernelArg(k, arg_k(p->op), sizeof p->k, p->k));
    if (p->op->info.layer) {
        CLN_CL(clSetKernelArg(k, arg_k(p->op) + 1, sizeof p->layer.post, p->layer.post));
        CLN_CL(clSetKernelArg(k, arg_k(p->op) + 2, sizeof no_call, no_call));
    }
    if (p->op->table)
        CLN_CL(clSetKernelArg(k, arg_k(p->op) + 1, sizeof body->table, &body->table));
    return CLNORM_OK;
}

const char *cln_body_kernel(const cln_body *body, size_t i)
{
    return body->steps ? body->steps->step[i].kernel : body->stages[i].kernel;
}

clnorm_status cln_stage_kernels(cln_kernels **out, const cln_body *body, int variant)
{
    clnorm_status st = CLNORM_OK;
    cln_kernels *set = (cln_kernels *)calloc(1, sizeof *set + body->nstages * sizeof *set->stage);
    *out = NULL;
    if (!set)
        return cln_fail(CLNORM_ENOMEM, "no memory for %zu kernels", body->nstages);
    set->count = body->nstages;
    for (size_t i = 0; i < body->nstages && st == CLNORM_OK; i++) {
        char name[64];
        cl_int code;
        if (!cln_body_kernel(body, i))
            continue;
        snprintf(name, sizeof name, "%s_%s", body->problem.op->info.name, cln_body_kernel(body, i));
        set->stage[i].k = clCreateKernel(body->variants[variant].program, name, &code);
        st = CLN_CL_STATUS(code, "clCreateKernel");
        if (st == CLNORM_OK)
            st = body->steps ? cln_step_constants(set->stage[i].k, &body->steps->step[i])
                             : set_constants(set->stage[i].k, body);
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
    for (size_t i = 0; i < kernels->count; i++)
        if (kernels->stage[i].k)
            clReleaseKernel(kernels->stage[i].k);
    free(kernels);
}

static bool is_absent(const cln_kernel *k, cl_uint arg, cl_mem mem) { return !mem && k->absent >> arg & 1; }

static clnorm_status set_memory(cln_kernel *k, cl_uint arg, cl_mem mem)
{
    const uint64_t bit = (uint64_t)1 << arg;
    assert(arg < 64);
    if (is_absent(k, arg, mem))
        return CLNORM_OK;
    k->absent &= ~bit;
    CLN_CL(clSetKernelArg(k->k, arg, sizeof mem, &mem));
    k->absent |= mem ? 0 : bit;
    return CLNORM_OK;
}

static clnorm_status set_buffer(cln_kernel *k, cl_uint arg, const clnorm_buffer *b, size_t element)
{
    const cl_ulong first = b->mem ? b->byte_offset / element : 0;
    if (!is_absent(k, arg, b->mem))
        CLN_CL(clSetKernelArg(k->k, arg + 1, sizeof first, &first));
    return set_memory(k, arg, b->mem);
}

/* Bytes of one element behind a layer's binding. */
static size_t bind_bytes(const cln_problem *p, size_t bind)
{
    return bind <= CLN_BIND_E      ? p->layer.d_bytes
           : bind <= CLN_BIND_BETA ? clnorm_dtype_bytes(p->desc.layered.layer.param_dtype)
           : bind == CLN_BIND_MASK ? 1
                                   : sizeof(float);
}

static clnorm_status set_layer(cln_kernel *k, const cln_problem *p, const clnorm_args *args)
{
    static const clnorm_buffer none = { NULL, 0, NULL, 0 };
    float call[4] = { 0 };
    for (size_t b = 0; b < CLN_BINDS; b++) {
        const uint32_t slot = p->layer.bind[b];
        CLN_TRY(set_buffer(k, (cl_uint)(ARG_REST + 2 * b), slot == CLN_NO_SLOT ? &none : &args->slot[slot],
                           bind_bytes(p, b)));
    }
    if (!p->layer.call)
        return CLNORM_OK;
    p->layer.call(call, p, args);
    CLN_CL(clSetKernelArg(k->k, arg_k(p->op) + 2, sizeof call, call));
    return CLNORM_OK;
}

static size_t slot_bytes(const cln_problem *p, const cln_slot_spec *s)
{
    const bool gradient = s->slot == CLNORM_DGAMMA || s->slot == CLNORM_DBETA;
    return s->u64 ? 8 : gradient ? clnorm_dtype_bytes(p->desc.layered.layer.param_dtype) : sizeof(float);
}

clnorm_status cln_stage_bind(cln_kernel *k, const cln_body *body, const clnorm_args *args,
                             const clnorm_buffer *workspace)
{
    static const clnorm_buffer none = { NULL, 0, NULL, 0 };
    const cln_problem *p = &body->problem;
    CLN_TRY(set_buffer(k, ARG_X, &args->slot[p->x], p->x_bytes));
    CLN_TRY(set_buffer(k, ARG_Y,
                       p->maps || body->choice.along || !p->op->info.layer ? &args->slot[p->y] : &none,
                       p->y_bytes));
    CLN_TRY(set_memory(k, ARG_WORK, workspace->mem));
    if (p->op->info.layer)
        CLN_TRY(set_layer(k, p, args));
    for (size_t i = 0; p->op->slots[i].slot; i++) {
        const cln_slot_spec *s = &p->op->slots[i];
        const bool hidden = p->op->info.layer && !(p->layer.saves >> s->slot & 1);
        CLN_TRY(set_buffer(k, (cl_uint)(arg_slots(p->op) + 2 * i), hidden ? &none : &args->slot[s->slot],
                           slot_bytes(p, s)));
    }
    return CLNORM_OK;
}

clnorm_status cln_stage_part(cl_command_queue queue, cln_kernel *k, const cln_body *body, size_t i,
                             size_t base, size_t count)
{
    const size_t local = body->choice.wg, global = count * local;
    cln_geo geo = body->geo;
    geo.base = (uint32_t)base;
    geo.all = (uint32_t)body->stages[i].groups;
    CLN_CL(clSetKernelArg(k->k, ARG_GEO, sizeof geo, &geo));
    CLN_CL(clEnqueueNDRangeKernel(queue, k->k, 1, NULL, &global, &local, 0, NULL, NULL));
    return CLNORM_OK;
}

clnorm_status cln_stage_whole(cln_kernel *k, const cln_body *body)
{
    CLN_CL(clSetKernelArg(k->k, ARG_GEO, sizeof body->geo, &body->geo));
    return CLNORM_OK;
}

static clnorm_status launch(cln_chain *c, cl_kernel k, size_t global, size_t local, bool want)
{
    const bool follows = c->last != NULL; /* all before it is behind this event */
    cl_event done = NULL;
    CLN_CL(clEnqueueNDRangeKernel(c->queue, k, 1, NULL, &global, &local, follows ? 1 : c->nwait,
                                  follows    ? &c->last
                                  : c->nwait ? c->wait
                                             : NULL,
                                  want || !c->in_order ? &done : NULL));
    c->nwait = 0;
    if (c->last)
        clReleaseEvent(c->last);
    c->last = done;
    return CLNORM_OK;
}

/* Behind what the caller names, or the launch before it. */
static clnorm_status record(cln_recording *r, cl_kernel k, size_t global, size_t local)
{
    cl_uint point;
    CLN_TRY(CLN_CL_STATUS(r->commands->kernel(r->buffer, NULL, NULL, k, 1, NULL, &global, &local, r->nwait,
                                              r->wait, &point, NULL),
                          "clCommandNDRangeKernelKHR"));
    r->last = point;
    r->nwait = 1;
    r->wait = &r->last;
    return CLNORM_OK;
}

clnorm_status cln_chain_launch(cln_chain *c, cl_kernel k, size_t global, size_t local, bool want)
{
    return c->recording ? record(c->recording, k, global, local) : launch(c, k, global, local, want);
}

static clnorm_status enqueue_one(cln_chain *c, const cln_body *body, size_t i, cln_kernel *k, bool want)
{
    if (body->steps)
        return cln_step_enqueue(c, body->steps, i, k->k, want);
    const size_t local = body->choice.wg, global = body->stages[i].groups * local;
    CLN_TRY(cln_stage_bind(k, body, c->args, c->workspace));
    return cln_chain_launch(c, k->k, global, local, want);
}

#define MASK_GROUP 1024 /* bytes of the mask */

size_t cln_stage_mask(cln_stage *out, const cln_problem *problem)
{
    const uint64_t groups = (problem->layer.mask_bytes + MASK_GROUP - 1) / MASK_GROUP;
    *out = (cln_stage){ "mask", groups < CLN_MAX_GROUPS ? (size_t)groups : CLN_MAX_GROUPS, 0 };
    return groups > 0;
}

/* The last stage packs a mask, or adds up gradients, that this call does not want. */
static bool last_is_idle(const cln_body *body, const clnorm_args *args)
{
    const cln_layer_problem *l = &body->problem.layer;
    return (l->mask_bytes && !args->slot[CLNORM_MASK].mem) ||
           (cln_gathers_last(&body->problem, &body->geo) && !args->slot[CLNORM_DGAMMA].mem &&
            !args->slot[CLNORM_DBETA].mem);
}

static bool runs(const cln_body *body, size_t i, const clnorm_args *args)
{
    return body->steps ? cln_step_runs(&body->steps->step[i], args)
                       : i + 1 < body->nstages || !last_is_idle(body, args);
}

size_t cln_stage_count(const cln_body *body, const clnorm_args *args)
{
    size_t n = body->nstages;
    while (n > 0 && !runs(body, n - 1, args))
        n--;
    return n;
}

clnorm_status cln_stage_enqueue(cln_chain *chain, const cln_body *body, cln_kernels *kernels, bool want)
{
    const size_t n = cln_stage_count(body, chain->args);
    assert(n > 0);
    for (size_t i = 0; i < n; i++)
        if (runs(body, i, chain->args))
            CLN_TRY(enqueue_one(chain, body, i, &kernels->stage[i], want && i + 1 == n));
    return CLNORM_OK;
}

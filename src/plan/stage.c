/* stage.c -- from a plan's numbers to kernels with arguments, enqueued in order.
 *
 * Every kernel of an op takes the same list: x, its first element, y, its first element, workspace, geometry; of a layer the tensors
 * of `binds`; four constants (a layer: twelve), the table where the op has one, then each optional tensor and its first element. */
#include "base/status.h"
#include "plan/plan.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARG_X, ARG_X0, ARG_Y, ARG_Y0, ARG_WORK, ARG_GEO, ARG_REST };

static int step_option(int64_t step, int64_t most) { return step >= 1 && step <= most ? (int)step : 0; }

/* WSTEP and SSTEP of cl/common/place.clh. */
static int shared_step(const cln_body *body, int view, uint32_t div)
{
    const cln_strides *v = &body->geo.view[view];
    const bool same_in_rows = !v->run[0] && !v->run[1] && !v->run[2];
    return v->step == 0 ? 1 : body->problem.columns && same_in_rows ? 4 : v->step == 1 && div == 1 ? 2 : 3;
}

/* Of weights that come again along a run: a CPU lays out those that are no whole vectors. */
static int repeated_step(const cln_body *body)
{
    const cln_strides *w = &body->geo.view[CLN_VIEW_W];
    const uint32_t vec = body->choice.vec, mod = body->geo.wmod;
    bool same_in_sets = true;
    for (size_t k = 0; k < CLN_COUNT(w->kept); k++)
        same_in_sets &= !w->kept[k];
    for (size_t k = 0; k < CLN_COUNT(w->run); k++)
        same_in_sets &= !w->run[k];
    const bool lay_out = body->choice.wg == 1 && mod % vec && mod <= CLN_MOST_TURNS && same_in_sets;
    return body->choice.bundle > 1 || lay_out ? 6 : 5;
}

bool cln_body_has(const cln_body *body, int variant)
{
    const bool both = body->problem.layer.both;
    return (!(variant & CLN_WIDE) || body->choice.wide) &&
           (variant & CLN_BOTH ? both && body->choice.calls != CLN_CALLS_GIVE
                               : !both || body->choice.calls != CLN_CALLS_LACK);
}

/* Whether sets of fewer elements than a vector can be turned: TURNED of cl/common/op.clh. */
static bool turns(const cln_body *body, int wstep)
{
    const cln_layer_problem *l = &body->problem.layer;
    const cln_strides *v = body->geo.view;
    return v[CLN_VIEW_X].step == 1 && v[CLN_VIEW_Y].step == 1 && v[CLN_VIEW_D].step == 1 && wstep <= 2 &&
           wstep > 0 && l->bind[CLN_BIND_R] == CLN_NO_SLOT && l->bind[CLN_BIND_E] == CLN_NO_SLOT &&
           !body->problem.desc.layered.layer.act;
}

/* SHORT of cl/common/op.clh, where STRIPS there, or GRN's `clan`, reads it and finds VEC neighbours; else 0: the same programs. */
static uint32_t short_sets(const cln_body *body, bool both, int wstep, int sstep)
{
    const cln_problem *p = &body->problem;
    const cln_layer_problem *l = &p->layer;
    const cln_geo *g = &body->geo;
    const uint32_t vec = body->choice.vec;
    const bool run = g->runs == 1 && g->len <= CLN_SHORT && g->kept[3] >= vec;
    if (body->choice.wg > 1 || body->choice.bundle > 1 || !p->stat_bytes || both || l->variance)
        return 0;
    if (l->family)
        return p->op->info.kind == CLNORM_OP_GRN && !p->columns && run && g->len >= vec ? CLN_SHORT : 0;
    if (l->merged || body->choice.along || l->role == CLN_ROLE_PARAMS)
        return 0;
    const bool beside = g->span == 1 && wstep != 4 && sstep == (l->role == CLN_ROLE_DX ? 4 : 1);
    if (p->columns)
        return !beside || g->runs > CLN_LEAF ? 0 : g->runs <= CLN_HEAD_ROWS ? CLN_HEAD_ROWS : CLN_LEAF;
    if (!run || l->fuses || sstep != 1)
        return 0;
    return g->len >= vec ? CLN_SHORT : turns(body, wstep) ? g->len : 0;
}

/* What of a layer is decided at compile time. */
static void add_layer_options(char *text, size_t room, const cln_body *body, bool both)
{
    const cln_layer_problem *l = &body->problem.layer;
    const clnorm_layer *d = &body->problem.desc.layered.layer;
    const cln_geo walked = cln_walked(&body->problem, &body->choice);
    const bool zero_gamma = body->problem.op->info.kind == CLNORM_OP_GRN;
    const int wstep = body->geo.wmod       ? repeated_step(body)
                      : body->choice.along ? 2 /* each column's own */
                                           : shared_step(body, CLN_VIEW_W, body->geo.wdiv),
              sstep = both ? 1 : shared_step(body, CLN_VIEW_S, body->geo.sdiv);
    const uint32_t few = short_sets(body, both, wstep, sstep);
    int used = snprintf(
        text, room,
        " -DLAYER=1 -DROLE=%d -DFAMILY_STAGE=%d -DDTY=%s -DDSTEP=%d -DPAR=%s -DWSTEP=%d "
        "-DSSTEP=%d -DRES=%d -DREADS_D=%d -DMERGED=%d -DGATHERS=%d -DVARIANCE=%d -DACT=%u -DQUANT=%d "
        "-DACCUMULATE=%d -DGAMMA_ABSENT=%s -DGAMMA_ADDED=%s -DWRITES_E=%d -DFUSES=%d -DBOTH=%d -DALONG=%d",
        (int)l->role, l->by_weight ? 2 : l->family != 0, clnorm_dtype_name(l->d_dtype),
        step_option(walked.view[CLN_VIEW_D].step, 1), clnorm_dtype_name(d->param_dtype), wstep, sstep,
        l->bind[CLN_BIND_R] == CLN_NO_SLOT ? 0 : (int)d->residual, l->reads_d, l->merged, l->weights != 0,
        l->variance, d->act, d->out_scale != 0.0f, l->accumulate,
        l->zero_centred || zero_gamma ? "0.0f" : "1.0f", l->zero_centred ? "1.0f" : "0.0f",
        l->bind[CLN_BIND_E] != CLN_NO_SLOT, l->fuses, both, body->choice.along);
    if (few)
        used += snprintf(text + used, room - (size_t)used, " -DSHORT=%u", few);
    if (l->lp > FLT_MAX)
        snprintf(text + used, room - (size_t)used, " -DLP=INFINITY -DLP_INF=1");
    else if (l->lp > 0.0f) { /* by whole numbers: %a and %f print the point of the process's locale */
        int exponent;
        const uint32_t digits = (uint32_t)ldexpf(frexpf(l->lp, &exponent), 24);
        snprintf(text + used, room - (size_t)used, " -DLP=0x%xp%df -DLP_INF=0", digits, exponent - 24);
    }
}

static void add_window_options(char *text, size_t room, const cln_body *body)
{
    snprintf(text, room, " -DWINDOW=%u -DBEFORE=%u -DPIXELS=%d", body->problem.window, body->problem.before,
             body->geo.channel_div == 1);
}

/* Columns have no lanes to fold. */
uint32_t cln_body_subgroup(const cln_body *body, const cln_params *params)
{
    const bool folds = body->problem.stat_bytes && !body->problem.columns;
    return folds && params->subgroup && body->choice.wg % params->subgroup == 0 ? params->subgroup : 0;
}

void cln_stage_options(char *text, size_t room, const cln_body *body, const cln_params *params, int variant)
{
    const cln_problem *p = &body->problem;
    const bool wide = variant & CLN_WIDE;
    const uint32_t subgroup = cln_body_subgroup(body, params);
    const cln_geo walked = cln_walked(p, &body->choice);
    if (body->steps) {
        cln_steps_options(text, room, body->steps);
        return;
    }
    const int used =
        snprintf(text, room,
                 "-cl-std=CL1.2 -cl-kernel-arg-info -DWG=%u -DVEC=%u -DALIGN=%d -DNT=%d -DSRC=%s -DDST=%s "
                 "-DXSTEP=%d -DYSTEP=%d -DCOLUMNS=%d",
                 body->choice.wg, body->choice.vec, wide, wide ? params->stream : body->choice.leads,
                 clnorm_dtype_name(p->desc.head.x.dtype), clnorm_dtype_name(p->y_dtype),
                 step_option(walked.view[CLN_VIEW_X].step, 4),
                 body->choice.planes ? 0 : step_option(walked.view[CLN_VIEW_Y].step, 1),
                 p->columns ? 1 + (body->geo.span > 1) : 0);
    if (p->op->info.layer)
        add_layer_options(text + used, room - (size_t)used, body, variant & CLN_BOTH);
    if (p->window)
        add_window_options(text + strlen(text), room - strlen(text), body);
    if (body->choice.bundle > 1)
        snprintf(text + strlen(text), room - strlen(text), " -DBUNDLE=%u -DBUNDLED_RUNS=%d",
                 body->choice.bundle, p->geo.mix > 1);
    if (body->choice.planes)
        snprintf(text + strlen(text), room - strlen(text), " -DPLANES=%u", body->choice.planes);
    if (body->choice.alone)
        snprintf(text + strlen(text), room - strlen(text), " -DALONE=1");
    if (body->geo.plain)
        snprintf(text + strlen(text), room - strlen(text), " -DPLAIN=1");
    if (subgroup)
        snprintf(text + strlen(text), room - strlen(text), " -DSUBGROUP=%u", subgroup);
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

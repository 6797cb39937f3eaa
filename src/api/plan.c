/* plan.c -- descriptor -> problem -> choice -> programs: the whole way of a plan. */
#include "api/api.h"
#include "base/fork.h"
#include "base/status.h"

#include <stdlib.h>
#include <string.h>

/* Stages and workspace of the chosen solver; none for an empty tensor. */
static void lay_out(cln_body *body)
{
    body->geo = body->problem.geo;
    if (body->problem.set_elements)
        body->nstages =
            cln_choice_stages(body->stages, &body->geo, &body->workspace, &body->problem, &body->choice);
    if (body->nstages)
        body->nstages += cln_stage_mask(&body->stages[body->nstages], &body->problem);
}

static clnorm_status make_table(cln_body *body, clnorm_context *ctx)
{
    return body->problem.op->table ? cln_context_buffer(ctx, CL_MEM_READ_ONLY, sizeof body->problem.table,
                                                        body->problem.table, &body->table)
                                   : CLNORM_OK;
}

static clnorm_status build_programs(cln_body *body, clnorm_context *ctx, bool build)
{
    if (!body->nstages)
        return CLNORM_OK;
    CLN_TRY(make_table(body, ctx));
    for (int v = CLN_PLAIN; v < CLN_VARIANTS; v++) {
        if (!cln_body_has(body, v))
            continue;
        CLN_TRY(cln_context_program(ctx, body, v, build, &body->variants[v].program));
        /* a first set, so that names, constants and limits fail here, not in enqueue */
        CLN_TRY(cln_stage_kernels(&body->variants[v].free, body, v));
    }
    return CLNORM_OK;
}

/* The largest work-group of a kernel, where the device knows. */
static clnorm_status largest_group(size_t *wg, cl_kernel k, const cln_device *device)
{
    CLN_CL(clGetKernelWorkGroupInfo(k, device->id, CL_KERNEL_WORK_GROUP_SIZE, sizeof *wg, wg, NULL));
    if (device->mesa22) /* which says a sub-group, whatever the kernel, and runs what was built for more */
        *wg = device->max_wg;
    return CLNORM_OK;
}

static clnorm_status check_limits(const cln_body *body, const clnorm_context *ctx)
{
    if (body->choice.wg > ctx->device.max_wg)
        return cln_fail(CLNORM_EUNSUPPORTED, "a work-group of %u is wanted; the device allows %u",
                        body->choice.wg, ctx->device.max_wg);
    for (int v = CLN_PLAIN; v < CLN_VARIANTS; v++)
        for (size_t i = 0; body->variants[v].free && i < body->nstages; i++) {
            const cln_kernels *k = body->variants[v].free;
            size_t wg;
            cl_ulong local;
            if (!k->stage[i].k)
                continue;
            CLN_TRY(largest_group(&wg, k->stage[i].k, &ctx->device));
            CLN_CL(clGetKernelWorkGroupInfo(k->stage[i].k, ctx->device.id, CL_KERNEL_LOCAL_MEM_SIZE,
                                            sizeof local, &local, NULL));
            if (body->choice.wg > wg)
                return cln_fail(CLNORM_EUNSUPPORTED, "%s_%s needs a work-group of %u; the kernel allows %zu",
                                body->problem.op->info.name, cln_body_kernel(body, i), body->choice.wg, wg);
            if (local > ctx->device.local_bytes)
                return cln_fail(CLNORM_EUNSUPPORTED,
                                "%s_%s needs %llu bytes of local memory; the device has %llu",
                                body->problem.op->info.name, cln_body_kernel(body, i),
                                (unsigned long long)local, (unsigned long long)ctx->device.local_bytes);
        }
    return CLNORM_OK;
}

/* The gradients of weights write dx too, whose map `front` keeps: its tensors are theirs. */
static void take_along(cln_body *body, const cln_body *front)
{
    cln_problem *p = &body->problem;
    const uint32_t theirs[] = { CLN_BIND_E, CLN_BIND_GAMMA, CLN_BIND_BETA };
    for (size_t k = 0; k < CLN_COUNT(theirs); k++)
        p->layer.bind[theirs[k]] = front->problem.layer.bind[theirs[k]];
    p->layer.outputs |= front->problem.layer.outputs;
    p->layer.no_affine = false;
    p->geo.past = front->geo.past;
    p->geo.stats = front->geo.stats;
    p->geo.view[CLN_VIEW_W].step = 1;
    body->choice.along = true;
}

/* CLBlast has one lock for the process, behind which another context may be compiling: it is asked for without ours. */
clnorm_status cln_context_multiplies(clnorm_context *ctx, bool build)
{
    pthread_mutex_lock(&ctx->lock);
    const bool ready = build || ctx->products_ready, entered = ctx->multiplies;
    pthread_mutex_unlock(&ctx->lock);
    if (!ready)
        return cln_fail(CLNORM_ENOTREADY, "CLBlast's products are not built yet");
    if (entered)
        return CLNORM_OK;
    CLN_TRY(cln_gemm_enter(&ctx->device));
    pthread_mutex_lock(&ctx->lock);
    const bool first = !ctx->multiplies;
    ctx->multiplies = true;
    pthread_mutex_unlock(&ctx->lock);
    if (!first)
        cln_gemm_leave();
    return CLNORM_OK;
}

void cln_context_products_ready(clnorm_context *ctx)
{
    pthread_mutex_lock(&ctx->lock);
    ctx->products_ready = true;
    pthread_mutex_unlock(&ctx->lock);
}

/* The chain of a matrix op. */
static clnorm_status write_steps(cln_body *body, clnorm_context *ctx, const cln_problem *problem, bool build)
{
    body->problem = *problem;
    if (!problem->set_elements)
        return CLNORM_OK;
    body->choice.wg = ctx->params.wg;
    body->choice.vec = ctx->params.vec;
    body->steps = (cln_steps *)calloc(1, sizeof *body->steps);
    if (!body->steps)
        return cln_fail(CLNORM_ENOMEM, "no memory for the steps of a plan");
    body->steps->params = &ctx->params;
    body->steps->device = &ctx->device;
    for (uint32_t k = 0; k < CLNORM_SLOTS; k++) {
        clnorm_tensor t;
        const bool there = cln_op_slot(&problem->desc, k, &t);
        body->steps->bytes[k] = there ? cln_slot_element(&t) : sizeof(float); /* a count */
    }
    CLN_TRY(problem->op->steps(body->steps, problem));
    if (body->steps->calls)
        CLN_TRY(cln_context_multiplies(ctx, build));
    CLN_TRY(cln_steps_end(body->steps, ctx->cl, build));
    if (body->steps->calls)
        cln_context_products_ready(ctx);
    body->nstages = body->steps->count;
    body->workspace = cln_steps_workspace(body->steps);
    return CLNORM_OK;
}

#define GRADIENTS_OF_WEIGHTS (1u << CLNORM_DGAMMA | 1u << CLNORM_DBETA)

/* Whether a choice leaves the next problem its fold alone, and the next one's takes it, as the planner's, NULL, does. */
static bool hands_over(const cln_choice *choice, const cln_problem *next, const cln_choice *of_next)
{
    return cln_traits(choice) & CLN_TAKES_NEXT && (!of_next || of_next->solver == cln_folds_for_fused(next));
}

/* front: the body before it; NULL: there is none. problem, choice: with those behind them; choice NULL: the planner's. */
static void shape_body(cln_body *body, const clnorm_context *ctx, const cln_problem *problem,
                       const cln_body *front, const cln_choice *choice)
{
    const uint32_t before = front ? cln_traits(&front->choice) : 0;
    body->problem = *problem;
    if (choice)
        body->choice = *choice;
    else if (problem->set_elements)
        cln_choose(&body->choice, problem, front ? &front->choice : NULL, &ctx->params, &ctx->device);
    body->choice.leaves_there = front && hands_over(&front->choice, problem, &body->choice);
    if (body->choice.leaves_there && front->problem.layer.both)
        body->problem.geo.past = 0; /* it needs no statistics, and none are kept */
    if (before & CLN_LEAVES_DX)
        take_along(body, front);
    if (cln_traits(&body->choice) & (CLN_TAKES_NEXT | CLN_LEAVES_DX))
        body->problem.layer.outputs |= GRADIENTS_OF_WEIGHTS; /* it runs for their sake too */
    if (problem->layer.both && hands_over(&body->choice, problem + 1, choice ? choice + 1 : NULL))
        body->problem.geo.stats = 0;
    lay_out(body);
}

static clnorm_status create(clnorm_plan *plan, clnorm_context *ctx, const clnorm_op *op,
                            const cln_choice *choices, bool build)
{
    cln_problems posed;
    CLN_TRY(cln_op_pose(&posed, op));
    plan->nbodies = posed.count ? posed.count : 1; /* of an op of which nothing is wanted one, without stages */
    plan->body[0].problem = posed.part[0];
    plan->reads = posed.reads;
    plan->writes = posed.writes;
    plan->required = posed.required;
    for (size_t k = 0; k < posed.count; k++) {
        if (posed.part[k].op->steps)
            CLN_TRY(write_steps(&plan->body[k], ctx, &posed.part[k], build));
        else
            shape_body(&plan->body[k], ctx, &posed.part[k], k ? &plan->body[k - 1] : NULL,
                       choices ? &choices[k] : NULL);
        CLN_TRY(build_programs(&plan->body[k], ctx, build));
        CLN_TRY(check_limits(&plan->body[k], ctx));
        if (plan->body[k].workspace > plan->workspace)
            plan->workspace = plan->body[k].workspace;
    }
    return cln_ring_reserve(ctx, plan->workspace);
}

clnorm_status cln_plan_with(clnorm_plan **out, clnorm_context *ctx, const clnorm_op *op,
                            const cln_choice *choices, bool build)
{
    clnorm_plan *plan = (clnorm_plan *)calloc(1, sizeof *plan);
    *out = NULL;
    if (!plan)
        return cln_fail(CLNORM_ENOMEM, "no memory for a plan");
    if (pthread_mutex_init(&plan->lock, NULL)) {
        free(plan);
        return cln_fail(CLNORM_ENOMEM, "no memory for a lock");
    }
    plan->refs = 1;
    plan->ctx = ctx;
    clnorm_context_retain(ctx);
    const clnorm_status st = create(plan, ctx, op, choices, build);
    if (st != CLNORM_OK) {
        clnorm_plan_release(plan);
        return st;
    }
    pthread_mutex_lock(&ctx->lock);
    ctx->plans++;
    pthread_mutex_unlock(&ctx->lock);
    *out = plan;
    return CLNORM_OK;
}

clnorm_status cln_plan_want(clnorm_context *ctx, const clnorm_op *op, bool whole)
{
    cln_problems posed;
    CLN_TRY(cln_op_pose(&posed, op));
    cln_body front = { 0 };
    for (size_t k = 0; !posed.part[0].op->steps && k < posed.count; k++) {
        cln_body body = { 0 };
        shape_body(&body, ctx, &posed.part[k], k ? &front : NULL, NULL);
        front = body;
        for (int v = CLN_PLAIN; body.nstages && v < CLN_VARIANTS; v++)
            if (cln_body_has(&body, v))
                CLN_TRY(cln_context_want(ctx, &body, v, whole));
    }
    return CLNORM_OK;
}

/* The smallest work-group of a GPU that is tried. */
#define LEAST_WG 16

/* What was tuned for a class may need more of the device than it has for this one of it, and so may what the device usually runs
 * best: then in smaller work-groups. */
static clnorm_status plan_by_estimate(clnorm_plan **out, clnorm_context *ctx, const clnorm_op *op, bool build)
{
    cln_choice choices[CLN_MAX_PARTS];
    cln_params params = ctx->params;
    cln_problems posed;
    params.tuning = NULL;
    CLN_TRY(cln_op_pose(&posed, op));
    const bool chooses = posed.part[0].set_elements && !posed.part[0].op->steps;
    for (;; params.wg /= 2) {
        if (chooses)
            cln_choose_from(choices, 0, &posed, &params, &ctx->device);
        const clnorm_status st = cln_plan_with(out, ctx, op, chooses ? choices : NULL, build);
        if (!cln_does_not_fit(st) || !chooses || params.wg / 2 < LEAST_WG)
            return st;
    }
}

static clnorm_status create_plan(clnorm_plan **out, clnorm_context *ctx, const clnorm_op *op, uint32_t effort)
{
    cln_choice choices[CLN_MAX_PARTS];
    bool measured = false;
    if (!out)
        return cln_fail(CLNORM_EARG, "out is NULL");
    *out = NULL;
    if (!ctx || !op)
        return cln_fail(CLNORM_EARG, "%s is NULL", ctx ? "op" : "ctx");
    if (effort > CLNORM_NO_BUILD)
        return cln_fail(CLNORM_EARG, "effort is %u; ESTIMATE 0, MEASURE 1 and NO_BUILD 2 are allowed",
                        effort);
    CLN_TRY(cln_fork_check());
    const clnorm_status tried =
        effort == CLNORM_MEASURE ? cln_measure(choices, ctx, op, &measured) : CLNORM_OK;
    if (tried != CLNORM_OK && !cln_does_not_fit(tried)) /* by what was tuned: the estimate may fit */
        return tried;
    const bool build = effort != CLNORM_NO_BUILD;
    const clnorm_status st = cln_plan_with(out, ctx, op, measured ? choices : NULL, build);
    return cln_does_not_fit(st) ? plan_by_estimate(out, ctx, op, build) : st;
}

clnorm_status clnorm_plan_create(clnorm_plan **out, clnorm_context *ctx, const clnorm_op *op, uint32_t effort)
{
    cln_failure before;
    cln_fail_keep(&before);
    const clnorm_status st = create_plan(out, ctx, op, effort);
    if (st == CLNORM_OK) /* what was tried in between failed for the plan alone */
        cln_fail_put_back(&before);
    return st;
}

void clnorm_plan_retain(const clnorm_plan *plan)
{
    clnorm_plan *p = (clnorm_plan *)(uintptr_t)plan;
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    p->refs++;
    pthread_mutex_unlock(&p->lock);
}

static void destroy_body(cln_body *body)
{
    for (int v = 0; v < CLN_VARIANTS; v++)
        while (body->variants[v].free) {
            cln_kernels *k = body->variants[v].free;
            body->variants[v].free = k->next;
            cln_stage_free(k);
        }
    if (body->table)
        clReleaseMemObject(body->table);
    cln_steps_free(body->steps);
}

static void destroy(clnorm_plan *plan)
{
    for (size_t k = 0; k < plan->nbodies; k++)
        destroy_body(&plan->body[k]);
    pthread_mutex_destroy(&plan->lock);
    clnorm_context_release(plan->ctx);
    free(plan);
}

void clnorm_plan_release(const clnorm_plan *plan)
{
    clnorm_plan *p = (clnorm_plan *)(uintptr_t)plan;
    if (!p || cln_fork_check() != CLNORM_OK)
        return;
    pthread_mutex_lock(&p->lock);
    const unsigned left = --p->refs;
    pthread_mutex_unlock(&p->lock);
    if (!left)
        destroy(p);
}

size_t clnorm_plan_workspace(const clnorm_plan *plan) { return plan ? plan->workspace : 0; }

size_t clnorm_plan_slot_bytes(const clnorm_plan *plan, uint32_t slot)
{
    clnorm_tensor t;
    if (!plan || slot >= CLNORM_SLOTS || !((plan->reads | plan->writes) >> slot & 1) ||
        !cln_op_slot(&plan->body[0].problem.desc, slot, &t))
        return 0;
    return t.dtype ? clnorm_tensor_bytes(&t) : (size_t)clnorm_tensor_count(&t) * 8;
}

size_t clnorm_plan_describe(const clnorm_plan *plan, char *text, size_t room)
{
    size_t used = 0;
    if (room)
        text[0] = '\0';
    for (size_t k = 0; plan && k < plan->nbodies; k++)
        used += cln_describe(used < room ? text + used : NULL, used < room ? room - used : 0, &plan->body[k],
                             &plan->ctx->params, &plan->ctx->device);
    return used;
}

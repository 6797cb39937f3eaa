/* run.c -- plan and enqueue in one call: a small table of plans, the least recently used goes first. */
#include "api/api.h"
#include "base/fork.h"
#include "base/status.h"

#include <string.h>

static bool same(const clnorm_plan *plan, const clnorm_any *desc)
{
    return plan && plan->body[0].problem.desc.op.kind == desc->op.kind &&
           !memcmp(&plan->body[0].problem.desc, desc, desc->op.size);
}

/* A retained plan of the table, or NULL. */
static const clnorm_plan *find(clnorm_context *ctx, const clnorm_any *desc)
{
    const clnorm_plan *plan = NULL;
    pthread_mutex_lock(&ctx->lock);
    for (size_t k = 0; k < CLN_LRU && !plan; k++)
        if (same(ctx->lru[k].plan, desc)) {
            plan = ctx->lru[k].plan;
            ctx->lru[k].used = ++ctx->tick;
            clnorm_plan_retain(plan);
        }
    pthread_mutex_unlock(&ctx->lock);
    return plan;
}

static void keep(clnorm_context *ctx, const clnorm_plan *plan)
{
    size_t oldest = 0;
    pthread_mutex_lock(&ctx->lock);
    for (size_t k = 0; k < CLN_LRU; k++)
        if (ctx->lru[k].used < ctx->lru[oldest].used)
            oldest = k;
    const clnorm_plan *out = ctx->lru[oldest].plan;
    clnorm_plan_retain(plan);
    ctx->lru[oldest].plan = plan;
    ctx->lru[oldest].used = ++ctx->tick;
    pthread_mutex_unlock(&ctx->lock);
    clnorm_plan_release(out);
}

/* That of a descriptor, kept or new, which the caller releases. */
static clnorm_status plan_of(const clnorm_plan **out, clnorm_context *ctx, const clnorm_op *op)
{
    cln_problems posed;
    clnorm_plan *made;
    CLN_TRY(cln_fork_check());
    if (!ctx || !op)
        return cln_fail(CLNORM_EARG, "%s is NULL", ctx ? "op" : "ctx");
    CLN_TRY(cln_op_pose(&posed, op)); /* completed, so that two spellings of one problem share a plan */
    *out = find(ctx, &posed.part[0].desc);
    if (*out)
        return CLNORM_OK;
    CLN_TRY(clnorm_plan_create(&made, ctx, op, CLNORM_ESTIMATE));
    keep(ctx, made);
    *out = made;
    return CLNORM_OK;
}

clnorm_status clnorm_run(clnorm_context *ctx, cl_command_queue queue, const clnorm_op *op,
                         const clnorm_args *args, cl_uint nwait, const cl_event *wait, cl_event *event)
{
    const clnorm_plan *plan;
    clnorm_status st = plan_of(&plan, ctx, op);
    if (st == CLNORM_OK) {
        st = clnorm_enqueue(plan, queue, args, nwait, wait, event);
        clnorm_plan_release(plan);
    } else if (event)
        *event = NULL;
    return st;
}

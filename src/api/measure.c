/* measure.c -- CLNORM_MEASURE: every solver timed on scratch memory; results do not depend on who wins. */
#include "api/api.h"
#include "base/status.h"

#include <string.h>

#define ROUNDS 5

/* Scratch for every tensor that the plan needs, filled with zeros but x, whose values steer nothing. */
static clnorm_status make_args(clnorm_args *args, const clnorm_plan *plan)
{
    const clnorm_args none = CLNORM_ARGS_INIT;
    const uint32_t slots = plan->required | plan->writes;
    *args = none;
    for (uint32_t s = 0; s < CLNORM_SLOTS; s++) {
        const size_t bytes = slots >> s & 1 ? clnorm_plan_slot_bytes(plan, s) : 0;
        if (bytes)
            CLN_TRY(cln_context_buffer(plan->ctx, CL_MEM_READ_WRITE, bytes, NULL, &args->slot[s].mem));
    }
    return CLNORM_OK;
}

static clnorm_status time_plan(uint64_t *best, const clnorm_plan *plan, cl_command_queue queue,
                               const clnorm_args *args)
{
    *best = UINT64_MAX;
    for (int r = 0; r < ROUNDS; r++) {
        const uint64_t start = cln_now_ns();
        CLN_TRY(clnorm_enqueue(plan, queue, args, 0, NULL, NULL));
        CLN_CL(clFinish(queue));
        const uint64_t ns = cln_now_ns() - start;
        if (r > 0 && ns < *best) /* the first run compiles on some runtimes */
            *best = ns;
    }
    return CLNORM_OK;
}

static clnorm_status time_choice(uint64_t *ns, clnorm_context *ctx, const clnorm_op *op,
                                 const cln_choice *choices, cl_command_queue queue)
{
    clnorm_plan *plan;
    clnorm_args args;
    CLN_TRY(cln_plan_with(&plan, ctx, op, choices, true));
    clnorm_status st = make_args(&args, plan);
    if (st == CLNORM_OK)
        st = time_plan(ns, plan, queue, &args);
    for (uint32_t s = 0; s < CLNORM_SLOTS; s++)
        cln_context_buffer_free(ctx, args.slot[s].mem);
    clnorm_plan_release(plan);
    return st;
}

/* The fastest solver of problem k, behind those in choices. */
static clnorm_status search(cln_choice choices[], size_t k, clnorm_context *ctx, const clnorm_op *op,
                            const cln_problems *posed, cl_command_queue queue)
{
    const cln_problem *problem = &posed->part[k];
    cln_choice best = choices[k];
    uint64_t least = UINT64_MAX;
    for (size_t i = 0; cln_solvers[i]; i++) {
        uint64_t ns = UINT64_MAX;
        if (!cln_choose_with(&choices[k], cln_solvers[i], problem, &ctx->params, &ctx->device))
            continue;
        cln_choose_from(choices, k + 1, posed, &ctx->params, &ctx->device);
        CLN_TRY(time_choice(&ns, ctx, op, choices, queue));
        if (ns < least) {
            least = ns;
            best = choices[k];
        }
    }
    choices[k] = best;
    cln_choose_from(choices, k + 1, posed, &ctx->params, &ctx->device);
    return CLNORM_OK;
}

clnorm_status cln_measure(cln_choice choices[CLN_MAX_PARTS], clnorm_context *ctx, const clnorm_op *op,
                          bool *measured)
{
    cln_problems posed;
    cl_int code;
    *measured = false;
    CLN_TRY(cln_op_pose(&posed, op));
    if (!posed.part[0].set_elements)
        return CLNORM_OK;
    cln_choose_from(choices, 0, &posed, &ctx->params, &ctx->device);
    cl_command_queue queue = clCreateCommandQueue(ctx->cl, ctx->device.id, 0, &code);
    CLN_TRY(CLN_CL_STATUS(code, "clCreateCommandQueue"));
    clnorm_status st = CLNORM_OK;
    for (size_t k = 0; k < posed.count && st == CLNORM_OK; k++)
        st = search(choices, k, ctx, op, &posed, queue);
    clReleaseCommandQueue(queue);
    *measured = st == CLNORM_OK;
    return st;
}

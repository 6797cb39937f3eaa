/* measure.c -- CLNORM_MEASURE: every solver timed on scratch memory; results do not depend on who wins. */
#include "api/api.h"
#include "base/status.h"

#include <string.h>

#define LEAST_ROUNDS 9
#define LEAST_NS 30000000u
#define WORTH 0.97 /* of the time of what the planner would take: less is noise */

/* A solver of the problem that is searched, with the choices of all problems then. */
typedef struct candidate {
    cln_choice choices[CLN_MAX_PARTS];
    clnorm_plan *plan;
    uint64_t ns; /* its fastest round */
} candidate;

/* Scratch for every tensor that the plan needs. What is read is written first, by no zero: pages that nobody
 * wrote are one page of zeros, which no memory has to bring. */
static clnorm_status make_args(clnorm_args *args, const clnorm_plan *plan, cl_command_queue queue)
{
    const cl_uint bits = 0x3c3c3c3c; /* a small number in every type */
    const uint32_t slots = plan->required | plan->writes;
    for (uint32_t s = 0; s < CLNORM_SLOTS; s++) {
        const size_t bytes = slots >> s & 1 ? clnorm_plan_slot_bytes(plan, s) : 0, room = (bytes + 3) / 4 * 4;
        if (!bytes)
            continue;
        CLN_TRY(cln_context_buffer(plan->ctx, CL_MEM_READ_WRITE, room, NULL, &args->slot[s].mem));
        CLN_CL(clEnqueueFillBuffer(queue, args->slot[s].mem, &bits, sizeof bits, 0, room, 0, NULL, NULL));
    }
    return CLNORM_OK;
}

/* All candidates by turn, so that what else the machine does meets them all. */
static clnorm_status time_all(candidate *list, size_t count, cl_command_queue queue, const clnorm_args *args)
{
    const uint64_t begin = cln_now_ns();
    for (int r = 0; r < LEAST_ROUNDS || cln_now_ns() - begin < LEAST_NS; r++)
        for (size_t i = 0; i < count; i++) {
            const uint64_t start = cln_now_ns();
            CLN_TRY(clnorm_enqueue(list[i].plan, queue, args, 0, NULL, NULL));
            CLN_CL(clFinish(queue));
            const uint64_t ns = cln_now_ns() - start;
            if (r > 0 && ns < list[i].ns) /* the first run compiles on some runtimes */
                list[i].ns = ns;
        }
    return CLNORM_OK;
}

/* What the planner would take for problem k, behind the choices before it, and every other solver that can.
 */
static clnorm_status find_all(candidate list[CLN_MAX_SOLVERS], size_t *count, const cln_choice choices[],
                              size_t k, clnorm_context *ctx, const clnorm_op *op, const cln_problems *posed)
{
    for (size_t i = 0; i < CLN_MAX_SOLVERS && (i == 0 || cln_solvers[i - 1]); i++) {
        candidate *c = &list[*count];
        const cln_solver *solver = i ? cln_solvers[i - 1] : choices[k].solver;
        memcpy(c->choices, choices, sizeof c->choices);
        if (i && (solver == choices[k].solver ||
                  !cln_choose_with(&c->choices[k], solver, &posed->part[k], &ctx->params, &ctx->device)))
            continue;
        cln_choose_from(c->choices, k + 1, posed, &ctx->params, &ctx->device);
        c->ns = UINT64_MAX;
        CLN_TRY(cln_plan_with(&c->plan, ctx, op, c->choices, true));
        ++*count;
    }
    return CLNORM_OK;
}

/* The fastest solver of problem k, behind those in choices. */
static clnorm_status search(cln_choice choices[], size_t k, clnorm_context *ctx, const clnorm_op *op,
                            const cln_problems *posed, cl_command_queue queue)
{
    candidate list[CLN_MAX_SOLVERS];
    clnorm_args args = CLNORM_ARGS_INIT;
    size_t count = 0, best = 0;
    clnorm_status st = find_all(list, &count, choices, k, ctx, op, posed);
    if (st == CLNORM_OK && count > 1) {
        st = make_args(&args, list[0].plan, queue);
        if (st == CLNORM_OK)
            st = time_all(list, count, queue, &args);
        for (uint32_t s = 0; s < CLNORM_SLOTS; s++)
            cln_context_buffer_free(ctx, args.slot[s].mem);
    }
    for (size_t i = 1; i < count; i++)
        if (list[i].ns < list[best].ns && (double)list[i].ns < WORTH * (double)list[0].ns)
            best = i;
    if (st == CLNORM_OK)
        memcpy(choices, list[best].choices, sizeof list[best].choices);
    for (size_t i = 0; i < count; i++)
        clnorm_plan_release(list[i].plan);
    return st;
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

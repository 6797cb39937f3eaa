/* run.c -- interleaved rounds, medians, ratios per round. */
#define _POSIX_C_SOURCE 200809L
#include "copy.h"
#include "timing.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ROUNDS 1000

/* What is timed. */
typedef struct job {
    const bench_device *device;
    const clnorm_plan *plan;
    clnorm_args args;
    bench_copy copy;
    int train; /* launches between two waits */
} job;

static clnorm_status time_op(double *ms, const job *j)
{
    const double start = bench_now_ms();
    for (int k = 0; k < j->train; k++) {
        const clnorm_status st = clnorm_enqueue(j->plan, j->device->queue, &j->args, 0, NULL, NULL);
        if (st != CLNORM_OK)
            return st;
    }
    if (clFinish(j->device->queue) != CL_SUCCESS)
        return CLNORM_ECL;
    *ms = (bench_now_ms() - start) / j->train;
    return CLNORM_OK;
}

static clnorm_status time_copy(double *ms, const job *j)
{
    const double start = bench_now_ms();
    for (int k = 0; k < j->train; k++)
        if (bench_copy_run(&j->copy, j->device->queue) != CL_SUCCESS)
            return CLNORM_ECL;
    if (clFinish(j->device->queue) != CL_SUCCESS)
        return CLNORM_ECL;
    *ms = (bench_now_ms() - start) / j->train;
    return CLNORM_OK;
}

/* A GPU works while its host waits: as many launches in a row as fill 2 ms, so that the wait is no part of
 * what is timed. */
static clnorm_status choose_train(job *j)
{
    double ms = 2.0;
    clnorm_status st = CLNORM_OK;
    if (j->copy.cpu)
        return st;
    for (int k = 0; k < 3 && st == CLNORM_OK; k++)
        st = time_op(&ms, j);
    j->train = ms >= 2.0 ? 1 : ms < 0.02 ? 100 : (int)(2.0 / ms);
    return st;
}

static clnorm_status time_rounds(bench_result *out, const job *j, int rounds, double bytes)
{
    double op[MAX_ROUNDS], copy[MAX_ROUNDS], ratio[MAX_ROUNDS];
    uint32_t state = 7;
    for (int r = -3; r < rounds; r++) { /* three to warm up */
        double a, b;
        state = state * 1664525u + 1013904223u;
        const int copy_first = (int)(state >> 31);
        clnorm_status st = copy_first ? time_copy(&b, j) : time_op(&a, j);
        if (st == CLNORM_OK)
            st = copy_first ? time_op(&a, j) : time_copy(&b, j);
        if (st != CLNORM_OK)
            return st;
        if (r >= 0) {
            op[r] = a;
            copy[r] = b;
            ratio[r] = a / b;
        }
    }
    out->ratio = bench_quantile(ratio, rounds, 0.5);
    out->p10 = bench_quantile(op, rounds, 0.1);
    out->p90 = bench_quantile(op, rounds, 0.9);
    out->median = bench_quantile(op, rounds, 0.5);
    out->gbps = bytes / out->median / 1e6;
    out->copy_gbps = bytes / bench_quantile(copy, rounds, 0.5) / 1e6;
    return CLNORM_OK;
}

/* x and y; of a layer all that training has, and what inference needs. */
static uint32_t slots_of(const clnorm_any *desc)
{
    const clnorm_op_info *op = clnorm_op_of(desc->op.kind);
    const uint32_t statistics = 1u << CLNORM_MEAN | 1u << CLNORM_RSTD;
    const int infers = desc->op.direction == CLNORM_FORWARD && desc->op.kind != CLNORM_OP_BATCHNORM;
    uint32_t reads, writes;
    if (!op->layer && !op->matrix)
        return 1u << CLNORM_X | 1u << CLNORM_Y;
    clnorm_op_slots(desc, &reads, &writes, NULL);
    return (reads | writes) & ~(infers ? statistics : 0);
}

clnorm_status bench_args(clnorm_args *out, const bench_device *device, const clnorm_any *desc,
                         const clnorm_plan *plan)
{
    const clnorm_args none = CLNORM_ARGS_INIT;
    const uint32_t slots = slots_of(desc);
    *out = none;
    for (uint32_t s = 0; s < CLNORM_SLOTS_USED; s++) {
        clnorm_tensor t;
        if (!(slots >> s & 1) || !clnorm_op_slot(desc, s, &t))
            continue;
        const clnorm_status st =
            bench_memory(&out->slot[s].mem, device, t.dtype, clnorm_plan_slot_bytes(plan, s));
        if (st != CLNORM_OK)
            return st;
    }
    return CLNORM_OK;
}

void bench_args_free(clnorm_args *args)
{
    for (uint32_t s = 0; s < CLNORM_SLOTS; s++)
        if (args->slot[s].mem)
            clReleaseMemObject(args->slot[s].mem);
}

/* The least that can be moved: x in and y out; backward x and dy in and dx, which is like x, out. */
static clnorm_status run(bench_result *out, job *j, const clnorm_any *desc, int rounds)
{
    const clnorm_tensor *x = &desc->head.x, *y = &desc->head.y;
    const size_t n = (size_t)clnorm_tensor_count(x), in = clnorm_dtype_bytes(x->dtype);
    const int maps = clnorm_tensor_count(y) == clnorm_tensor_count(x),
              back = desc->op.direction == CLNORM_BACKWARD;
    const double bytes =
        (double)n * (double)(in + (maps ? clnorm_dtype_bytes(y->dtype) : 0) + (back ? in : 0));
    clnorm_status st = bench_args(&j->args, j->device, desc, j->plan);
    if (st == CLNORM_OK)
        st = bench_copy_make(&j->copy, j->device, x->dtype, maps ? y->dtype : 0, n, back);
    if (st == CLNORM_OK)
        st = time_op(&out->first, j);
    if (st == CLNORM_OK)
        st = choose_train(j);
    return st == CLNORM_OK ? time_rounds(out, j, rounds, bytes) : st;
}

static clnorm_status run_plan(bench_result *out, const bench_device *device, const clnorm_any *desc,
                              const clnorm_plan *plan, int rounds)
{
    job j;
    memset(&j, 0, sizeof j);
    j.device = device;
    j.plan = plan;
    j.train = 1;
    clnorm_plan_describe(plan, out->text, sizeof out->text);
    out->text[strcspn(out->text, "\n")] = '\0';
    const clnorm_status st = run(out, &j, desc, rounds < MAX_ROUNDS ? rounds : MAX_ROUNDS);
    clFinish(device->queue);
    bench_args_free(&j.args);
    bench_copy_free(&j.copy);
    return st;
}

clnorm_status bench_run(bench_result *out, const bench_device *device, const bench_case *c, int rounds)
{
    clnorm_any desc = c->desc;
    clnorm_plan *plan;
    memset(out, 0, sizeof *out);
    clnorm_status st = clnorm_op_check(&desc);
    const double start = bench_now_ms();
    if (st == CLNORM_OK)
        st = clnorm_plan_create(&plan, device->ctx, &desc.op, CLNORM_ESTIMATE);
    if (st != CLNORM_OK)
        return st;
    out->plan = bench_now_ms() - start;
    st = run_plan(out, device, &desc, plan, rounds);
    clnorm_plan_release(plan);
    return st;
}

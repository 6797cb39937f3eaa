/* estimate_race.c -- see estimate.h: turns of launches, by which ways are timed. */
#define _POSIX_C_SOURCE 200809L
#include "estimate.h"

#include "base/compiler.h"
#include "base/status.h"
#include "next.h"
#include "timing.h"

#include <string.h>

#define TURN_NS 200000u /* of launches behind each other: a wait for a small one would be most of its time */
#define MOST_TRAIN 16
#define HEAT_NS 250000000u
#define HEAT_ROUNDS 60
#define FINAL_NS 500000000u
#define MOST_NS 2000000000u
#define NOISE 0.01
#define LEAST_ROUNDS 20
#define MOST_ROUNDS 4000
#define QUANTILE 0.25 /* of the turns: of a way against itself it differs least */
#define MOST_OUTPUTS 512

static bench_next next;
static double next_ns; /* of the next op alone, behind itself */

/* Outputs that together leave the cache. Launches go through them, two on each: the second finds its output in the cache. */
static cl_mem outputs[MOST_OUTPUTS];
static size_t noutputs, launches;

static uint32_t slot_of_output(const cln_lab *lab)
{
    return lab->op->direction == CLNORM_BACKWARD ? CLNORM_DX : CLNORM_Y;
}

static clnorm_status make_outputs(const cln_lab *lab, size_t bytes)
{
    const size_t kept = (size_t)lab->params.kept_bytes, twice = (size_t)lab->params.wide_bytes * 2,
                 many = 2 * (kept > twice ? kept : twice) / bytes + 2;
    const cl_uint zero = 0;
    for (noutputs = 0; noutputs < many && noutputs < MOST_OUTPUTS; noutputs++) {
        CLN_TRY(cln_context_buffer(lab->ctx, CL_MEM_READ_WRITE, bytes, NULL, &outputs[noutputs]));
        CLN_CL(clEnqueueFillBuffer(lab->queue, outputs[noutputs], &zero, sizeof zero, 0,
                                   bytes / sizeof zero * sizeof zero, 0, NULL, NULL));
    }
    return CLNORM_OK;
}

clnorm_status race_begin(const clnorm_context *ctx) { return bench_next_make(&next, ctx); }

void race_end(const cln_lab *lab)
{
    bench_next_free(&next);
    while (noutputs)
        cln_context_buffer_free(lab->ctx, outputs[--noutputs]);
}

double race_ns(const cln_way *w) { return (double)w->ns - next_ns; }

/* ---- turns ---- */

static clnorm_status launch(const cln_lab *lab, const clnorm_plan *plan)
{
    clnorm_args args = lab->args;
    if (noutputs) {
        const cl_mem y = outputs[launches++ / 2 % noutputs];
        args.slot[slot_of_output(lab)].mem = y;
        CLN_TRY(bench_next_reads(&next, y));
    }
    if (plan)
        CLN_TRY(clnorm_enqueue(plan, lab->queue, &args, 0, NULL, NULL));
    return next.small ? CLNORM_OK : bench_next_run(&next, lab->queue);
}

/* A launch that is not timed, then a train of them; *ns: of one. */
static clnorm_status turn(double *ns, const cln_lab *lab, const clnorm_plan *plan, double about)
{
    const int train = about < TURN_NS / MOST_TRAIN ? MOST_TRAIN
                      : about < TURN_NS / 2        ? (int)(TURN_NS / about) / 2 * 2
                                                   : 2;
    CLN_TRY(launch(lab, plan));
    CLN_CL(clFinish(lab->queue));
    const uint64_t start = cln_now_ns();
    for (int k = 0; k < train; k++)
        CLN_TRY(launch(lab, plan));
    CLN_CL(clFinish(lab->queue));
    *ns = (double)(cln_now_ns() - start) / train;
    return CLNORM_OK;
}

/* y of the lab's ways goes to the next op, whose own time is taken. */
static clnorm_status follow(cln_lab *lab, const clnorm_plan *plan)
{
    const uint32_t y = slot_of_output(lab);
    const size_t bytes = clnorm_plan_slot_bytes(plan, y);
    static double ns[LEAST_ROUNDS];
    CLN_TRY(bench_next_bind(&next, lab->ctx, lab->args.slot[y].mem, bytes));
    if (!next.small)
        CLN_TRY(make_outputs(lab, bytes));
    for (int k = 0; k < LEAST_ROUNDS; k++)
        CLN_TRY(turn(&ns[k], lab, NULL, k ? ns[0] : TURN_NS));
    next_ns = next.small ? 0 : bench_quantile(ns, LEAST_ROUNDS, QUANTILE);
    return CLNORM_OK;
}

/* Turns of each way of a race; ns of a way: their quantile. */
static double turns[MOST_WAYS][MOST_ROUNDS];
static int taken[MOST_WAYS];

/* The first says how many launches a turn of it is to have, and no more. */
static clnorm_status take_turn(const cln_lab *lab, cln_way list[], size_t i)
{
    double about = (double)list[i].ns;
    if (!taken[i])
        CLN_TRY(turn(&about, lab, list[i].plan, TURN_NS));
    CLN_TRY(turn(&turns[i][taken[i]], lab, list[i].plan, about));
    taken[i]++;
    if (taken[i] < 32 || taken[i] % 16 == 0)
        list[i].ns = (uint64_t)bench_quantile(turns[i], taken[i], QUANTILE);
    return CLNORM_OK;
}

/* ---- races ---- */

size_t race_fastest(const cln_way list[], size_t count)
{
    size_t best = 0;
    for (size_t i = 1; i < count; i++)
        if (list[i].ns < list[best].ns)
            best = i;
    return best;
}

/* After so many rounds a way drops out that is so much slower than the fastest. */
static double may_lag(int rounds)
{
    return rounds < 2    ? 2.5
           : rounds < 4  ? 1.6
           : rounds < 7  ? 1.3
           : rounds < 12 ? 1.15
           : rounds < 24 ? 1.08
                         : 1.03;
}

clnorm_status race_heats(cln_lab *lab, cln_way list[], size_t count)
{
    CLN_TRY(cln_lab_ready(lab, list, count));
    if (!next.z)
        CLN_TRY(follow(lab, list[0].plan));
    const uint64_t end = cln_now_ns() + HEAT_NS;
    memset(taken, 0, sizeof taken);
    for (int rounds = 0; rounds < HEAT_ROUNDS && (rounds < 4 || cln_now_ns() < end); rounds++) {
        const double most =
            rounds ? (double)list[race_fastest(list, count)].ns * may_lag(rounds) : (double)UINT64_MAX;
        for (size_t k = 0; k < count; k++) {
            const size_t i = (k + (size_t)rounds * 7) % count;
            if (list[i].plan && !(rounds && (double)list[i].ns > most))
                CLN_TRY(take_turn(lab, list, i));
        }
    }
    return CLNORM_OK;
}

clnorm_status race_once(cln_lab *lab, cln_way list[], size_t count)
{
    double ns;
    CLN_TRY(cln_lab_ready(lab, list, count));
    if (!next.z)
        CLN_TRY(follow(lab, list[0].plan));
    for (size_t i = 0; i < count; i++)
        if (list[i].plan)
            CLN_TRY(turn(&ns, lab, list[i].plan, TURN_NS));
    return CLNORM_OK;
}

/* The planner's way is the first two: where they differ there is more to measure. */
static bool settled(const cln_way list[], uint64_t ns)
{
    const double ratio = (double)list[0].ns / (double)list[1].ns;
    return ns > MOST_NS || (ns > FINAL_NS && ratio > 1 - NOISE && ratio < 1 + NOISE);
}

clnorm_status race_final(cln_lab *lab, cln_way list[], size_t count)
{
    CLN_TRY(cln_lab_ready(lab, list, count));
    memset(taken, 0, sizeof taken);
    const uint64_t begin = cln_now_ns();
    for (int r = 0; r < MOST_ROUNDS && (r < LEAST_ROUNDS || !settled(list, cln_now_ns() - begin)); r++)
        for (size_t k = 0; k < count; k++)
            CLN_TRY(take_turn(lab, list, (k * (r % 2 ? count - 1 : 1) + (size_t)r) % count));
    return CLNORM_OK;
}

void race_release(cln_way list[], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        clnorm_plan_release(list[i].plan);
        list[i].plan = NULL;
    }
}

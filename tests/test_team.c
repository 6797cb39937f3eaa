/* test_team.c -- a team's runs have the bits of an enqueue: any number of threads, of callers, awake and asleep. */
#define _POSIX_C_SOURCE 200809L
#include "api_case.h"
#include "work.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* One op with all its tensors and, of each output, what an enqueue writes. */
typedef struct job {
    clnorm_plan *plan;
    clnorm_args args;
    uint32_t writes;
    unsigned char *first[CLNORM_SLOTS], *want[CLNORM_SLOTS];
} job;

static bool no_team(void) { return strncmp(harness_get()->ctx->device.name, "basic", 5) != 0; }

static size_t bytes_of(const job *j, uint32_t s)
{
    return j->args.slot[s].mem ? clnorm_plan_slot_bytes(j->plan, s) : 0;
}

static unsigned char *numbers(size_t bytes, uint32_t seed)
{
    float *const data = (float *)malloc(bytes);
    ck_assert_ptr_nonnull(data);
    for (size_t k = 0; k < bytes / sizeof *data; k++) {
        seed = seed * 1664525u + 1013904223u;
        data[k] = 1.0f + (float)(seed >> 8) * 0x1p-22f;
    }
    return (unsigned char *)data;
}

static void reset(const job *j)
{
    for (uint32_t s = 0; s < CLNORM_SLOTS; s++)
        if (bytes_of(j, s))
            ck_assert_int_eq(clEnqueueWriteBuffer(harness_get()->queue, j->args.slot[s].mem, CL_TRUE, 0,
                                                  bytes_of(j, s), j->first[s], 0, NULL, NULL),
                             CL_SUCCESS);
}

/* NULL, or the output that is not as an enqueue writes it. */
static const char *differs(const job *j)
{
    const char *found = NULL;
    for (uint32_t s = 0; s < CLNORM_SLOTS_USED && !found; s++) {
        const size_t bytes = j->writes >> s & 1 ? bytes_of(j, s) : 0;
        unsigned char *const got = bytes ? (unsigned char *)malloc(bytes) : NULL;
        if (bytes && (!got ||
                      clEnqueueReadBuffer(harness_get()->queue, j->args.slot[s].mem, CL_TRUE, 0, bytes, got,
                                          0, NULL, NULL) != CL_SUCCESS ||
                      memcmp(got, j->want[s], bytes) != 0))
            found = work_slot_name(s);
        free(got);
    }
    return found;
}

static job job_of(const clnorm_op *op)
{
    static const job none = { .args = CLNORM_ARGS_INIT };
    const harness *const h = harness_get();
    job j = none;
    uint32_t reads;
    OK(clnorm_plan_create(&j.plan, h->ctx, op, CLNORM_ESTIMATE));
    clnorm_op_slots(&j.plan->body[0].problem.desc, &reads, &j.writes, NULL);
    for (uint32_t s = 0; s < CLNORM_SLOTS; s++) {
        const size_t bytes = (reads | j.writes) >> s & 1 ? clnorm_plan_slot_bytes(j.plan, s) : 0;
        if (!bytes)
            continue;
        j.args.slot[s].mem = clCreateBuffer(h->cl, CL_MEM_READ_WRITE, bytes, NULL, NULL);
        ck_assert_ptr_nonnull(j.args.slot[s].mem);
        j.first[s] = numbers(bytes, s + 1);
        j.want[s] = numbers(bytes, s + 1);
    }
    reset(&j);
    OK(clnorm_enqueue(j.plan, h->queue, &j.args, 0, NULL, NULL));
    ck_assert_int_eq(clFinish(h->queue), CL_SUCCESS);
    for (uint32_t s = 0; s < CLNORM_SLOTS; s++)
        if (j.writes >> s & 1 && bytes_of(&j, s))
            ck_assert_int_eq(clEnqueueReadBuffer(h->queue, j.args.slot[s].mem, CL_TRUE, 0, bytes_of(&j, s),
                                                 j.want[s], 0, NULL, NULL),
                             CL_SUCCESS);
    reset(&j);
    return j;
}

static void drop(job *j)
{
    for (uint32_t s = 0; s < CLNORM_SLOTS; s++) {
        if (j->args.slot[s].mem)
            clReleaseMemObject(j->args.slot[s].mem);
        free(j->first[s]);
        free(j->want[s]);
    }
    clnorm_plan_release(j->plan);
}

/* Shapes of rows, slabs, parts, columns and windows, over 2 MiB in and out, so that they are shared; the last is not. */
static clnorm_any describe(size_t k)
{
    static const struct {
        uint32_t kind, back;
        int64_t shape[4];
        bool last;
    } cases[] = {
        { CLNORM_OP_BATCHNORM, 0, { 8, 64, 28, 28 }, false },
        { CLNORM_OP_BATCHNORM, 1, { 8, 64, 28, 28 }, false },
        { CLNORM_OP_BATCHNORM, 0, { 8, 64, 28, 28 }, true },
        { CLNORM_OP_BATCHNORM, 1, { 8, 64, 28, 28 }, true },
        { CLNORM_OP_LAYERNORM, 0, { 18, 48, 20, 20 }, false },
        { CLNORM_OP_LAYERNORM, 1, { 18, 48, 20, 20 }, false },
        { CLNORM_OP_ZSCORE, 0, { 1, 3, 300, 300 }, false },
        { CLNORM_OP_GRN, 0, { 20, 32, 30, 30 }, false },
        { CLNORM_OP_GRN, 1, { 20, 32, 30, 30 }, true },
        { CLNORM_OP_LRN, 0, { 16, 16, 40, 40 }, false },
        { CLNORM_OP_INSTANCENORM, 1, { 12, 32, 30, 30 }, false },
        { CLNORM_OP_LAYERNORM, 0, { 1, 3, 4, 5 }, false },
    };
    const double train = CLNORM_TRAIN;
    clnorm_any d;
    if (k >= sizeof cases / sizeof *cases) {
        d.op.kind = 0;
        return d;
    }
    const int64_t *n = cases[k].shape;
    OK(clnorm_op_init(&d, cases[k].kind));
    d.op.direction = cases[k].back;
    d.head.x = d.head.y = cases[k].last ? clnorm_nhwc(CLNORM_F32, n[0], n[1], n[2], n[3])
                                        : clnorm_nchw(CLNORM_F32, n[0], n[1], n[2], n[3]);
    clnorm_op_set(&d, "mode", &train, 1);
    return d;
}

START_TEST(bits_of_an_enqueue)
{
    if (no_team())
        return;
    for (uint32_t threads = 1; threads <= 4; threads++) {
        clnorm_team *team;
        clnorm_any d;
        OK(clnorm_team_create(&team, harness_get()->ctx, threads));
        for (size_t k = 0; (d = describe(k)).op.kind; k++) {
            job j = job_of(&d.op);
            for (int turn = 0; turn < 20; turn++) {
                OK(clnorm_team_run(team, j.plan, &j.args));
                const char *const slot = differs(&j);
                ck_assert_msg(!slot, "case %zu, %u threads: %s has other bits", k, threads, slot);
                reset(&j);
            }
            drop(&j);
        }
        clnorm_team_release(team);
    }
}
END_TEST

/* Thousands of calls of changing plans, at once and after naps in which the threads fall asleep. */
START_TEST(many_calls)
{
    enum { JOBS = 4 };
    if (no_team())
        return;
    job jobs[JOBS];
    clnorm_team *team;
    OK(clnorm_team_create(&team, harness_get()->ctx, 2));
    for (size_t k = 0; k < JOBS; k++) {
        const clnorm_any d = describe(k + 4);
        jobs[k] = job_of(&d.op);
    }
    for (uint32_t call = 0; call < 4000; call++) {
        const job *const j = &jobs[call * 7 % JOBS];
        if (clnorm_team_run(team, j->plan, &j->args) != CLNORM_OK)
            ck_abort_msg("call %u: %s", call, clnorm_last_error(NULL));
        if (call % 64 == 63) {
            const char *const slot = differs(j);
            ck_assert_msg(!slot, "call %u: %s has other bits", call, slot);
            harness_nap();
        }
    }
    for (size_t k = 0; k < JOBS; k++)
        drop(&jobs[k]);
    clnorm_team_release(team);
}
END_TEST

typedef struct caller {
    clnorm_team *team;
    const job *j;
    bool failed;
} caller;

static void *call_often(void *arg)
{
    caller *const c = (caller *)arg;
    for (int k = 0; k < 500 && !c->failed; k++)
        c->failed = clnorm_team_run(c->team, c->j->plan, &c->j->args) != CLNORM_OK;
    return NULL;
}

START_TEST(callers_take_turns)
{
    enum { CALLERS = 4 };
    if (no_team())
        return;
    caller callers[CALLERS];
    pthread_t thread[CALLERS];
    job jobs[CALLERS];
    clnorm_team *team;
    OK(clnorm_team_create(&team, harness_get()->ctx, 2));
    for (size_t k = 0; k < CALLERS; k++) {
        const clnorm_any d = describe(k + 4);
        jobs[k] = job_of(&d.op);
        callers[k] = (caller){ team, &jobs[k], false };
    }
    for (size_t k = 0; k < CALLERS; k++)
        ck_assert_int_eq(pthread_create(&thread[k], NULL, call_often, &callers[k]), 0);
    for (size_t k = 0; k < CALLERS; k++) {
        pthread_join(thread[k], NULL);
        ck_assert(!callers[k].failed);
        const char *const slot = differs(&jobs[k]);
        ck_assert_msg(!slot, "caller %zu: %s has other bits", k, slot);
        drop(&jobs[k]);
    }
    clnorm_team_release(team);
}
END_TEST

/* A plan that a team has run is enqueued as before: its kernels are whole again. */
START_TEST(enqueue_after_a_team)
{
    if (no_team())
        return;
    const clnorm_any d = describe(0);
    clnorm_team *team;
    job j = job_of(&d.op);
    OK(clnorm_team_create(&team, harness_get()->ctx, 3));
    OK(clnorm_team_run(team, j.plan, &j.args));
    clnorm_team_release(team);
    for (int k = 0; k < 8; k++) { /* every set of kernels */
        reset(&j);
        OK(clnorm_enqueue(j.plan, harness_get()->queue, &j.args, 0, NULL, NULL));
        ck_assert_int_eq(clFinish(harness_get()->queue), CL_SUCCESS);
        ck_assert(!differs(&j));
    }
    drop(&j);
}
END_TEST

/* Plans are made for as many cores, and their caches, as the team has threads. */
START_TEST(what_plans_are_made_for)
{
    if (no_team())
        return;
    clnorm_context *const ctx = harness_get()->ctx;
    const uint64_t cache = ctx->device.cache_bytes;
    cln_params one;
    clnorm_team *team;
    ctx->device.units = 1;
    ctx->device.cache_bytes = (uint64_t)36 << 20;
    cln_params_for(&one, &ctx->device);
    OK(clnorm_team_create(&team, ctx, 3));
    ck_assert_uint_eq(ctx->device.units, 3);
    ck_assert_uint_eq(ctx->params.slab_bytes, 3 * one.slab_bytes);
    ck_assert_uint_eq(ctx->params.share_bytes, one.share_bytes); /* a thread's is as large as before */
    ck_assert_uint_eq(2 * ctx->params.wide_bytes,
                      3 * one.wide_bytes); /* half of what there is, or of 24 MiB of one */
    clnorm_team_release(team);
    ctx->device.cache_bytes = cache;
    cln_params_of_units(&ctx->params, &ctx->device);
}
END_TEST

START_TEST(what_is_refused)
{
    clnorm_args args = CLNORM_ARGS_INIT;
    clnorm_context *other;
    clnorm_team *team = NULL;
    clnorm_options o = { .size = sizeof o, .flags = CLNORM_LAZY };
    ck_assert_int_eq(clnorm_team_create(NULL, harness_get()->ctx, 0), CLNORM_EARG);
    ck_assert_int_eq(clnorm_team_create(&team, NULL, 0), CLNORM_EARG);
    clnorm_team_release(NULL);
    if (no_team()) {
        ck_assert_int_eq(clnorm_team_create(&team, harness_get()->ctx, 0), CLNORM_EUNSUPPORTED);
        SAYS("a team is for PoCL's device basic");
        ck_assert_ptr_null(team);
        return;
    }
    ck_assert_int_eq(clnorm_team_create(&team, harness_get()->ctx, 257), CLNORM_EARG);
    SAYS("threads is 257; 0, one for each core, to 256 are allowed");
    const clnorm_any d = describe(6);
    job j = job_of(&d.op);
    OK(clnorm_team_create(&team, harness_get()->ctx, 0));
    ck_assert_int_eq(clnorm_team_run(NULL, j.plan, &j.args), CLNORM_EARG);
    ck_assert_int_eq(clnorm_team_run(team, NULL, &j.args), CLNORM_EARG);
    ck_assert_int_eq(clnorm_team_run(team, j.plan, NULL), CLNORM_EARG);
    ck_assert_int_eq(clnorm_team_run(team, j.plan, &args), CLNORM_EBUFFER);
    OK(clnorm_context_create(&other, harness_get()->cl, harness_get()->device, &o));
    clnorm_plan *foreign;
    OK(clnorm_plan_create(&foreign, other, &d.op, CLNORM_ESTIMATE));
    ck_assert_int_eq(clnorm_team_run(team, foreign, &j.args), CLNORM_EARG);
    SAYS("of another context than the team");
    clnorm_plan_release(foreign);
    clnorm_context_release(other);
    clnorm_team_release(team);
    drop(&j);
}
END_TEST

static Suite *suite(void)
{
    return suite_of("team", SUITE_CASE(bits_of_an_enqueue, many_calls, callers_take_turns,
                                       enqueue_after_a_team, what_plans_are_made_for, what_is_refused));
}
SUITE_MAIN(suite)

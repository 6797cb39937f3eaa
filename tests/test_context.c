/* test_context.c -- a context: what it is made of and gives away, hooks, the error text. */
#define _XOPEN_SOURCE 700
#include "context_case.h"

#include <pthread.h>
#include <stdio.h>

typedef struct tally {
    int allocated, freed, fail;
    size_t bytes;
} tally;

static cl_mem take(void *user, cl_context context, size_t bytes)
{
    tally *t = (tally *)user;
    cl_int code;
    if (t->fail)
        return NULL;
    t->allocated++;
    t->bytes += bytes;
    return clCreateBuffer(context, CL_MEM_READ_WRITE, bytes, NULL, &code);
}

static void give(void *user, cl_mem mem)
{
    ((tally *)user)->freed++;
    clReleaseMemObject(mem);
}

static clnorm_context *hooked(tally *t)
{
    clnorm_options o = lazy();
    o.buffer_alloc = take;
    o.buffer_free = give;
    o.buffer_user = t;
    return created(&o);
}

/* ---- arguments ---- */

static void refused(cl_context cl, cl_device_id device, const clnorm_options *o, clnorm_status status,
                    const char *word)
{
    const cl_uint before = owners(harness_get()->cl);
    clnorm_context *ctx = (clnorm_context *)harness_get();
    ck_assert_int_eq(clnorm_context_create(&ctx, cl, device, o), status);
    ck_assert_ptr_null(ctx);
    SAYS(word);
    ck_assert_uint_eq(owners(harness_get()->cl), before);
}

START_TEST(bad_arguments)
{
    harness *h = harness_get();
    clnorm_options o = lazy();
    ck_assert_int_eq(clnorm_context_create(NULL, h->cl, h->device, &o), CLNORM_EARG);
    SAYS("out");
    refused(NULL, h->device, &o, CLNORM_EARG, "context is NULL");
    refused(h->cl, NULL, &o, CLNORM_EARG, "device is NULL");
    refused(NULL, h->device, NULL, CLNORM_EARG, "context is NULL"); /* by default, all of it */
    refused(h->cl, (cl_device_id)h->cl, &o, CLNORM_EDEVICE, "not one of the context's");
    const uint32_t sizes[] = { 0, 7, 65537 };
    for (size_t k = 0; k < CLN_COUNT(sizes); k++) {
        o.size = sizes[k];
        refused(h->cl, h->device, &o, CLNORM_EARG, "options.size");
    }
    o = lazy();
    o.flags |= 8;
    refused(h->cl, h->device, &o, CLNORM_EARG, "options.flags");
    o = lazy();
    o.flags = CLNORM_CACHE_ON | CLNORM_CACHE_OFF;
    refused(h->cl, h->device, &o, CLNORM_EARG, "options.flags is 0x6; CLNORM_CACHE_ON or CLNORM_CACHE_OFF");
    o = lazy();
    o.ops = CLNORM_OP_BIT(CLNORM_OP_ZSCORE) | (uint64_t)1 << 60;
    refused(h->cl, h->device, &o, CLNORM_EARG, "options.ops is 0x10000000");
    o = lazy();
    o.buffer_free = give;
    refused(h->cl, h->device, &o, CLNORM_EARG, "buffer_alloc");
    memset(&o, 0xff, sizeof o); /* an older header: what is behind it is somebody else's */
    o.size = (uint32_t)offsetof(clnorm_options, ops);
    o.flags = CLNORM_LAZY | CLNORM_CACHE_OFF;
    clnorm_context_release(created(&o));
}
END_TEST

START_TEST(nulls)
{
    clnorm_stats s;
    clnorm_context_retain(NULL);
    clnorm_context_release(NULL);
    clnorm_close(NULL);
    clnorm_plan_retain(NULL);
    clnorm_plan_release(NULL);
    ck_assert_str_eq(clnorm_context_cache_dir(NULL), "");
    ck_assert_int_eq(clnorm_context_stats(NULL, &s), CLNORM_EARG);
    ck_assert_int_eq(clnorm_context_stats(harness_get()->ctx, NULL), CLNORM_EARG);
    s.size = 7;
    ck_assert_int_eq(clnorm_context_stats(harness_get()->ctx, &s), CLNORM_EARG);
    SAYS("stats.size is 7");
    ck_assert_int_eq(clnorm_context_handles(NULL, NULL, NULL, NULL), CLNORM_EARG);
    OK(clnorm_context_handles(harness_get()->ctx, NULL, NULL, NULL));
    ck_assert_int_eq(clnorm_context_prepare(NULL, NULL, 0, NULL, NULL), CLNORM_EARG);
    ck_assert_int_eq(clnorm_context_prepare(harness_get()->ctx, NULL, 1, NULL, NULL), CLNORM_EARG);
    const clnorm_op *const none[1] = { NULL };
    ck_assert_int_eq(clnorm_context_prepare(harness_get()->ctx, none, 1, NULL, NULL), CLNORM_EARG);
    SAYS("ops[0] is NULL");
    OK(clnorm_context_prepare(harness_get()->ctx, NULL, 0, NULL, NULL));
    ck_assert_int_eq(clnorm_open(NULL, NULL, NULL), CLNORM_EARG);
    ck_assert_int_eq(clnorm_run(NULL, NULL, NULL, NULL, 0, NULL, NULL), CLNORM_EARG);
    ck_assert_int_eq(clnorm_run_host(NULL, NULL, NULL), CLNORM_EARG);
    ck_assert_int_eq(clnorm_run(harness_get()->ctx, NULL, NULL, NULL, 0, NULL, NULL), CLNORM_EARG);
}
END_TEST

START_TEST(handles)
{
    harness *h = harness_get();
    cl_context cl = NULL;
    cl_device_id device = NULL;
    cl_command_queue queue = h->queue;
    OK(clnorm_context_handles(h->ctx, &cl, &device, &queue));
    ck_assert_ptr_eq(cl, h->cl);
    ck_assert_ptr_eq(device, h->device);
    ck_assert_ptr_null(queue); /* not from clnorm_open */
}
END_TEST

/* ---- hooks ---- */

/* A plan that needs a workspace, of an image of three channels. */
static clnorm_status split_of(clnorm_plan **plan, clnorm_context *ctx, int64_t height, int64_t width)
{
    clnorm_zscore d = CLNORM_ZSCORE_INIT;
    d.x = d.y = clnorm_nchw(CLNORM_F32, 1, 3, height, width);
    const cln_choice split = choice_of(ctx, &cln_solve_split);
    return cln_plan_with(plan, ctx, &d.op, &split, true);
}

START_TEST(buffer_hooks)
{
    tally t = { 0, 0, 0, 0 };
    clnorm_context *ctx = hooked(&t);
    clnorm_plan *plan[3], *equal;
    for (int k = 0; k < 2; k++) { /* the second needs more: the ring grows */
        OK(split_of(&plan[k], ctx, 100, 100 + 900 * k));
        OK(split_of(&equal, ctx, 100, 100 + 900 * k)); /* which needs no more */
        clnorm_plan_release(equal);
        ck_assert_int_eq(t.allocated, CLN_RING * (k + 1));
        ck_assert_int_eq(t.freed, CLN_RING * k);
        cl_mem x = buffer(120000, NULL), y = buffer(120000, NULL);
        const clnorm_args args = pair(x, 0, y, 0);
        if (k == 0) /* its workspace is waited for before it goes */
            OK(clnorm_enqueue(plan[k], harness_get()->queue, &args, 0, NULL, NULL));
        RELEASE(x, y);
    }
    ck_assert_uint_gt(t.bytes, 0);
    OK(cln_ring_reserve(ctx, CLN_RING_BYTES + 4)); /* of large ones there is one, for all who need it */
    ck_assert_int_eq(t.allocated, 2 * CLN_RING + 1);
    for (int k = 0; k < 2 * CLN_RING; k++) {
        cl_event busy;
        cl_mem mem;
        cln_ring_place *place = cln_ring_take(&ctx->ring, CLN_RING_BYTES + 4, &mem, &busy);
        ck_assert_ptr_eq(place, &ctx->ring.place[0]);
        ck_assert_uint_ge(place->bytes, CLN_RING_BYTES + 4);
        cln_ring_give(&ctx->ring, place, busy);
    }
    t.fail = 1;
    ck_assert_int_eq(split_of(&plan[2], ctx, 2000, 2000), CLNORM_ENOMEM);
    SAYS("buffer_alloc");
    clnorm_plan_release(plan[0]);
    clnorm_plan_release(plan[1]);
    clnorm_context_release(ctx);
    ck_assert_int_eq(t.freed, t.allocated);
}
END_TEST

/* A call that is held back, and how many buffers went before it had run. */
static struct {
    cl_event gate, done;
    int early;
} held;

static void give_held(void *user, cl_mem mem)
{
    cl_int status = CL_QUEUED;
    clGetEventInfo(held.done, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof status, &status, NULL);
    held.early += status != CL_COMPLETE;
    give(user, mem);
}

static void *open_gate(void *unused)
{
    (void)unused;
    for (int k = 0; k < 50; k++)
        harness_nap();
    clSetUserEventStatus(held.gate, CL_COMPLETE);
    return NULL;
}

/* An allocator may hand memory out again at once: where a place grows, and where the context ends. */
START_TEST(workspaces_in_flight_are_not_freed)
{
    for (int grows = 0; grows < 2; grows++) {
        tally t = { 0, 0, 0, 0 };
        clnorm_options o = lazy();
        clnorm_plan *plan;
        pthread_t thread;
        o.buffer_alloc = take;
        o.buffer_free = give_held;
        o.buffer_user = &t;
        clnorm_context *ctx = created(&o);
        OK(split_of(&plan, ctx, 8, 8));
        cl_mem x = buffer(3 * 64 * 4, NULL), y = buffer(3 * 64 * 4, NULL);
        const clnorm_args args = pair(x, 0, y, 0);
        held.gate = clCreateUserEvent(harness_get()->cl, NULL);
        held.early = 0;
        OK(clnorm_enqueue(plan, harness_get()->queue, &args, 1, &held.gate, &held.done));
        ck_assert_int_eq(pthread_create(&thread, NULL, open_gate, NULL), 0);
        if (grows) {
            OK(cln_ring_reserve(ctx, 2 * clnorm_plan_workspace(plan)));
            ck_assert_int_eq(t.freed, CLN_RING);
        }
        clnorm_plan_release(plan);
        clnorm_context_release(ctx);
        ck_assert_int_eq(t.freed, t.allocated);
        ck_assert_int_eq(held.early, 0);
        ck_assert_int_eq(pthread_join(thread, NULL), 0);
        clFinish(harness_get()->queue);
        clReleaseEvent(held.gate);
        clReleaseEvent(held.done);
        RELEASE(x, y);
    }
}
END_TEST

/* An allocator with a lock of its own, which another thread has while it enqueues. */
static struct {
    const clnorm_plan *plan;
    clnorm_args args;
    clnorm_status status;
} other;

static void *enqueue_other(void *unused)
{
    (void)unused;
    other.status = clnorm_enqueue(other.plan, harness_get()->queue, &other.args, 0, NULL, NULL);
    return NULL;
}

static cl_mem take_behind_other(void *user, cl_context context, size_t bytes)
{
    pthread_t thread;
    if (other.plan) {
        ck_assert_int_eq(pthread_create(&thread, NULL, enqueue_other, NULL), 0);
        ck_assert_int_eq(pthread_join(thread, NULL), 0);
    }
    return take(user, context, bytes);
}

START_TEST(hooks_are_called_without_locks)
{
    tally t = { 0, 0, 0, 0 };
    clnorm_options o = lazy();
    clnorm_plan *small_one, *large;
    float host[3 * 64] = { 1, 2, 3 };
    o.buffer_alloc = take_behind_other;
    o.buffer_free = give;
    o.buffer_user = &t;
    clnorm_context *ctx = created(&o);
    OK(split_of(&small_one, ctx, 8, 8));
    ck_assert_uint_gt(clnorm_plan_workspace(small_one), 0);
    cl_mem x = buffer(sizeof host, host), y = buffer(sizeof host, NULL);
    other.args = pair(x, 0, y, 0);
    other.plan = small_one;
    other.status = CLNORM_EARG;
    OK(split_of(&large, ctx, 2000, 2000));
    ck_assert_int_eq(other.status, CLNORM_OK);
    other.plan = NULL;
    clFinish(harness_get()->queue);
    RELEASE(x, y);
    clnorm_plan_release(small_one);
    clnorm_plan_release(large);
    clnorm_context_release(ctx);
    ck_assert_int_eq(t.freed, t.allocated);
}
END_TEST

/* Constant tables are made by clCreateBuffer and never reach buffer_free. */
START_TEST(tables_are_not_the_hooks)
{
    tally t = { 0, 0, 0, 0 };
    clnorm_context *ctx = hooked(&t);
    clnorm_normalize d = CLNORM_NORMALIZE_INIT;
    d.x = d.y = clnorm_nchw(CLNORM_F32, 1, 3, 4, 5);
    clnorm_plan *plan;
    OK(clnorm_normalize_plan(&plan, ctx, &d, CLNORM_ESTIMATE));
    clnorm_plan_release(plan);
    clnorm_context_release(ctx);
    ck_assert_int_eq(t.allocated, 0);
    ck_assert_int_eq(t.freed, 0);
}
END_TEST

/* ---- the error text ---- */

static void *silent(void *user)
{
    cl_int code = 77;
    char *said = (char *)user;
    snprintf(said, 64, "%s", clnorm_last_error(&code));
    ck_assert_int_eq(code, 0);
    clnorm_context_retain(NULL);
    ck_assert_int_eq(clnorm_context_stats(NULL, NULL), CLNORM_EARG);
    return NULL;
}

START_TEST(error_text_is_per_thread)
{
    char said[64] = "?", mine[256];
    pthread_t thread;
    ck_assert_int_eq(clnorm_open(NULL, NULL, NULL), CLNORM_EARG);
    snprintf(mine, sizeof mine, "%s", clnorm_last_error(NULL));
    ck_assert_int_eq(pthread_create(&thread, NULL, silent, said), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_str_eq(said, "");
    ck_assert_str_eq(clnorm_last_error(NULL), mine);
    ck_assert_int_eq(clnorm_context_handles(harness_get()->ctx, NULL, NULL, NULL), CLNORM_OK);
    ck_assert_str_eq(clnorm_last_error(NULL), mine); /* a success leaves it */
}
END_TEST

static Suite *context_suite(void)
{
    TCase *t = SUITE_CASE(bad_arguments, nulls, handles, buffer_hooks, workspaces_in_flight_are_not_freed,
                          hooks_are_called_without_locks, tables_are_not_the_hooks, error_text_is_per_thread);
    context_owners(t);
    context_build(t);
    context_files(t);
    return suite_of("context", t);
}

SUITE_MAIN(context_suite)

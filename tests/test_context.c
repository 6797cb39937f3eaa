/* test_context.c -- the life of a context: options, owners, fork, the table of clnorm_run, hooks, host level.
 */
#define _XOPEN_SOURCE 700
#include "harness.h"

#include "base/compiler.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SAYS(word)                                                                         \
    ck_assert_msg(strstr(clnorm_last_error(NULL), word) != NULL, "no \"%s\" in: %s", word, \
                  clnorm_last_error(NULL))
#define OK(call) ck_assert_msg((call) == CLNORM_OK, "%s", clnorm_last_error(NULL))

static clnorm_options lazy(void)
{
    clnorm_options o;
    memset(&o, 0, sizeof o);
    o.size = sizeof o;
    o.flags = CLNORM_LAZY | CLNORM_CACHE_OFF;
    return o;
}

static clnorm_context *created(const clnorm_options *o)
{
    clnorm_context *ctx;
    OK(clnorm_context_create(&ctx, harness_get()->cl, harness_get()->device, o));
    return ctx;
}

static clnorm_context *fresh(void)
{
    const clnorm_options o = lazy();
    return created(&o);
}

static clnorm_stats stats_of(clnorm_context *ctx)
{
    clnorm_stats s;
    memset(&s, 0, sizeof s);
    s.size = sizeof s;
    OK(clnorm_context_stats(ctx, &s));
    return s;
}

static cl_mem buffer(size_t bytes, const void *data)
{
    cl_int code;
    cl_mem mem = clCreateBuffer(harness_get()->cl, data ? CL_MEM_COPY_HOST_PTR : 0, bytes,
                                (void *)(uintptr_t)data, &code);
    ck_assert_int_eq(code, CL_SUCCESS);
    return mem;
}

static clnorm_totensor halved(int64_t n)
{
    clnorm_totensor d = CLNORM_TOTENSOR_INIT;
    d.x = d.y = clnorm_nchw(CLNORM_F32, 1, 1, 1, n);
    d.scale = 2;
    return d;
}

static cl_uint owners(cl_context cl)
{
    cl_uint n = 0;
    ck_assert_int_eq(clGetContextInfo(cl, CL_CONTEXT_REFERENCE_COUNT, sizeof n, &n, NULL), CL_SUCCESS);
    return n;
}

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
    refused(h->cl, (cl_device_id)h->cl, &o, CLNORM_EDEVICE, "not one of the context's");
    const uint32_t sizes[] = { 0, 7, 4097 };
    for (size_t k = 0; k < CLN_COUNT(sizes); k++) {
        o.size = sizes[k];
        refused(h->cl, h->device, &o, CLNORM_EARG, "options.size");
    }
    o = lazy();
    o.flags |= 8;
    refused(h->cl, h->device, &o, CLNORM_EARG, "options.flags");
    o = lazy();
    o.buffer_free = give;
    refused(h->cl, h->device, &o, CLNORM_EARG, "buffer_alloc");
    o = lazy();
    o.size = (uint32_t)offsetof(clnorm_options, ops); /* an older header */
    o.buffer_user = h;
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
    ck_assert_int_eq(clnorm_context_handles(NULL, NULL, NULL, NULL), CLNORM_EARG);
    OK(clnorm_context_handles(harness_get()->ctx, NULL, NULL, NULL));
    ck_assert_int_eq(clnorm_context_prepare(NULL, NULL, 0, NULL, NULL), CLNORM_EARG);
    ck_assert_int_eq(clnorm_context_prepare(harness_get()->ctx, NULL, 1, NULL, NULL), CLNORM_EARG);
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

/* ---- owners ---- */

START_TEST(plans_keep_their_context)
{
    const cl_uint before = owners(harness_get()->cl);
    clnorm_context *ctx = fresh();
    ck_assert_uint_gt(owners(harness_get()->cl), before);
    clnorm_plan *plan;
    const clnorm_totensor d = halved(9);
    OK(clnorm_totensor_plan(&plan, ctx, &d, CLNORM_ESTIMATE));
    clnorm_context_retain(ctx);
    clnorm_context_release(ctx);
    clnorm_plan_retain(plan);
    clnorm_context_release(ctx); /* the last owner but the plan */
    clnorm_plan_release(plan);
    float host[9] = { 2, 4, 6 }, back[9];
    cl_mem x = buffer(sizeof host, host);
    clnorm_args args = CLNORM_ARGS_INIT;
    args.slot[CLNORM_X].mem = args.slot[CLNORM_Y].mem = x;
    OK(clnorm_enqueue(plan, harness_get()->queue, &args, 0, NULL, NULL));
    clnorm_plan_release(plan);
    ck_assert_int_eq(
        clEnqueueReadBuffer(harness_get()->queue, x, CL_TRUE, 0, sizeof back, back, 0, NULL, NULL),
        CL_SUCCESS);
    ck_assert_float_eq(back[2], 3.0f);
    clReleaseMemObject(x);
    clFinish(harness_get()->queue);
    ck_assert_uint_eq(owners(harness_get()->cl), before);
}
END_TEST

/* Big work is behind a gate when plan and context go. */
START_TEST(released_in_flight)
{
    harness *h = harness_get();
    enum { N = 3000000 };
    clnorm_zscore d = CLNORM_ZSCORE_INIT;
    d.x = d.y = clnorm_nchw(CLNORM_F32, 1, 3, 1000, 1000);
    float *x = (float *)malloc(2 * N * sizeof *x), *y = x + N;
    for (size_t i = 0; i < N; i++)
        x[i] = (float)(i % 2); /* mean 1/2, deviation 1/2: -1 and 1 */
    cl_mem x_mem = buffer(N * sizeof *x, x), y_mem = buffer(N * sizeof *x, NULL);
    clnorm_args args = CLNORM_ARGS_INIT;
    args.slot[CLNORM_X].mem = x_mem;
    args.slot[CLNORM_Y].mem = y_mem;
    clnorm_context *ctx = fresh();
    cl_int code;
    cl_command_queue queue = clCreateCommandQueue(h->cl, h->device, 0, &code);
    clnorm_plan *plan;
    const cln_choice split = { &cln_solve_split, ctx->params.wg, ctx->params.vec, 1, 1, false };
    OK(cln_plan_with(&plan, ctx, &d.op, &split, true));
    for (int i = 0; i < 6; i++)
        OK(clnorm_enqueue(plan, queue, &args, 0, NULL, NULL));
    clnorm_plan_release(plan);
    clnorm_context_release(ctx);
    ck_assert_int_eq(clFinish(queue), CL_SUCCESS);
    ck_assert_int_eq(clEnqueueReadBuffer(queue, y_mem, CL_TRUE, 0, N * sizeof *y, y, 0, NULL, NULL),
                     CL_SUCCESS);
    for (size_t i = 0; i < N; i++)
        ck_assert(y[i] > 0.999999f * (i % 2 ? 1 : -1.00001f) && y[i] < (i % 2 ? 1.000001f : -0.999999f));
    clReleaseCommandQueue(queue);
    clReleaseMemObject(x_mem);
    clReleaseMemObject(y_mem);
    free(x);
}
END_TEST

/* ---- building ---- */

static int progressed;
static void progress(void *user, const char *what, int done, int total)
{
    ck_assert_ptr_eq(user, &progressed);
    ck_assert(what && *what && done >= 1 && done <= total);
    ck_assert_int_eq(done, ++progressed);
}

START_TEST(start_up_set)
{
    clnorm_options o = lazy();
    clnorm_context *ctx = created(&o);
    ck_assert_uint_eq(stats_of(ctx).programs_built, 0);
    ck_assert_uint_eq(stats_of(ctx).plans, 0);
    clnorm_context_release(ctx);
    o.flags = CLNORM_CACHE_OFF;
    o.ops = CLNORM_OP_BIT(CLNORM_OP_TOTENSOR) | CLNORM_OP_BIT(CLNORM_OP_SYMMETRIC);
    o.progress = progress;
    o.progress_user = &progressed;
    progressed = 0;
    ctx = created(&o);
    const clnorm_stats s = stats_of(ctx);
    ck_assert_int_eq(progressed, 2);
    ck_assert_uint_eq(s.programs_built, 2);
    ck_assert_uint_eq(s.plans, 2);
    ck_assert_uint_gt(s.query_ns, 0);
    ck_assert_uint_gt(s.build_ns, 0);
    ck_assert_uint_eq(s.size, sizeof s);
    ck_assert_str_eq(clnorm_context_cache_dir(ctx), "");
    clnorm_stats less; /* an older header */
    memset(&less, 0xff, sizeof less);
    less.size = 8;
    OK(clnorm_context_stats(ctx, &less));
    ck_assert_uint_eq(less.programs_built, 2);
    ck_assert_uint_eq(less.programs_loaded, UINT32_MAX);
    clnorm_context_release(ctx);
}
END_TEST

START_TEST(prepared)
{
    clnorm_context *ctx = fresh();
    clnorm_plan *plan = (clnorm_plan *)ctx;
    const clnorm_totensor d = halved(64);
    clnorm_totensor bad = d;
    bad.swap_rb = 2;
    const clnorm_op *list[] = { &d.op }, *worse[] = { &d.op, &bad.op };
    ck_assert_int_eq(clnorm_totensor_plan(&plan, ctx, &d, CLNORM_NO_BUILD), CLNORM_ENOTREADY);
    ck_assert_ptr_null(plan);
    ck_assert_uint_eq(stats_of(ctx).plans, 0);
    progressed = 0;
    OK(clnorm_context_prepare(ctx, list, 1, progress, &progressed));
    ck_assert_int_eq(progressed, 1);
    OK(clnorm_totensor_plan(&plan, ctx, &d, CLNORM_NO_BUILD));
    ck_assert_uint_eq(stats_of(ctx).programs_built, 1);
    clnorm_plan_release(plan);
    OK(clnorm_context_prepare(ctx, list, 1, NULL, NULL));
    ck_assert_uint_eq(stats_of(ctx).programs_built, 1);
    ck_assert_int_eq(clnorm_context_prepare(ctx, worse, 2, NULL, NULL), CLNORM_EARG);
    SAYS("swap_rb");
    ck_assert_int_eq(clnorm_totensor_plan(&plan, ctx, &d, 3), CLNORM_EARG);
    SAYS("effort");
    clnorm_context_release(ctx);
}
END_TEST

START_TEST(kernel_dir)
{
    clnorm_options o = lazy();
    char dir[] = CLNORM_SOURCE_DIR "/cl";
    o.kernel_dir = dir;
    clnorm_context *ctx = created(&o);
    memset(dir, 'x', sizeof dir - 1); /* it is copied */
    clnorm_plan *plan;
    const clnorm_totensor d = halved(64);
    OK(clnorm_totensor_plan(&plan, ctx, &d, CLNORM_ESTIMATE));
    clnorm_plan_release(plan);
    clnorm_context_release(ctx);
    o.kernel_dir = "/nowhere/at/all";
    ctx = created(&o);
    ck_assert_int_ne(clnorm_totensor_plan(&plan, ctx, &d, CLNORM_ESTIMATE), CLNORM_OK);
    ck_assert_ptr_null(plan);
    SAYS("totensor.cl");
    clnorm_context_release(ctx);
}
END_TEST

/* ---- clnorm_run ---- */

static void run_once(clnorm_context *ctx, cl_mem x, cl_mem y, int64_t n)
{
    const clnorm_totensor d = halved(n);
    clnorm_args args = CLNORM_ARGS_INIT;
    args.slot[CLNORM_X].mem = x;
    args.slot[CLNORM_Y].mem = y;
    OK(clnorm_run(ctx, harness_get()->queue, &d.op, &args, 0, NULL, NULL));
}

START_TEST(run_keeps_plans)
{
    harness *h = harness_get();
    enum { MANY = CLN_LRU + 9 };
    const cl_uint before = owners(h->cl);
    clnorm_context *ctx = fresh();
    float host[64], back[64];
    for (int i = 0; i < 64; i++)
        host[i] = (float)i;
    cl_mem x = buffer(sizeof host, host), y = buffer(sizeof host, host);
    for (int i = 0; i < 5; i++)
        run_once(ctx, x, y, 10);
    ck_assert_uint_eq(stats_of(ctx).plans, 1);
    for (int n = 11; n < 10 + CLN_LRU; n++)
        run_once(ctx, x, y, n);
    run_once(ctx, x, y, 10); /* still there, and now the youngest */
    ck_assert_uint_eq(stats_of(ctx).plans, CLN_LRU);
    run_once(ctx, x, y, 10 + CLN_LRU); /* 11 goes */
    run_once(ctx, x, y, 10);
    ck_assert_uint_eq(stats_of(ctx).plans, CLN_LRU + 1);
    run_once(ctx, x, y, 11);
    ck_assert_uint_eq(stats_of(ctx).plans, CLN_LRU + 2);
    for (int n = 1; n <= MANY; n++)
        run_once(ctx, x, y, n);
    ck_assert_int_eq(clEnqueueReadBuffer(h->queue, y, CL_TRUE, 0, sizeof back, back, 0, NULL, NULL),
                     CL_SUCCESS);
    for (int i = 0; i < 64; i++) /* the largest shape written is 10 + CLN_LRU */
        ck_assert_float_eq(back[i], i < 10 + CLN_LRU ? host[i] / 2 : host[i]);
    clnorm_plan *plan; /* a plan of the caller's outlives the table and the context's last owner */
    const clnorm_totensor d = halved(5);
    OK(clnorm_totensor_plan(&plan, ctx, &d, CLNORM_ESTIMATE));
    clnorm_context_release(ctx);
    ck_assert_uint_gt(clnorm_plan_describe(plan, NULL, 0), 0);
    clnorm_plan_release(plan);
    clReleaseMemObject(x);
    clReleaseMemObject(y);
    clFinish(h->queue);
    ck_assert_uint_eq(owners(h->cl), before);
}
END_TEST

START_TEST(run_completes_descriptors)
{
    harness *h = harness_get();
    clnorm_context *ctx = fresh();
    float host[24] = { 0 };
    cl_mem x = buffer(sizeof host, host);
    clnorm_args args = CLNORM_ARGS_INIT;
    clnorm_totensor d = CLNORM_TOTENSOR_INIT;
    args.slot[CLNORM_X].mem = args.slot[CLNORM_Y].mem = x;
    d.x = d.y = clnorm_nchw(CLNORM_F32, 1, 2, 3, 4);
    OK(clnorm_run(ctx, h->queue, &d.op, &args, 0, NULL, NULL));
    memset(d.x.stride, 0, sizeof d.x.stride);
    d.scale = 1; /* what 0 takes for floats */
    OK(clnorm_run(ctx, h->queue, &d.op, &args, 0, NULL, NULL));
    ck_assert_uint_eq(stats_of(ctx).plans, 1);
    d.swap_rb = 9;
    cl_event event = (cl_event)h;
    ck_assert_int_eq(clnorm_run(ctx, h->queue, &d.op, &args, 0, NULL, &event), CLNORM_EARG);
    ck_assert_ptr_null(event);
    clFinish(h->queue);
    clReleaseMemObject(x);
    clnorm_context_release(ctx);
}
END_TEST

/* ---- hooks ---- */

START_TEST(buffer_hooks)
{
    tally t = { 0, 0, 0, 0 };
    clnorm_options o = lazy();
    o.buffer_alloc = take;
    o.buffer_free = give;
    o.buffer_user = &t;
    clnorm_context *ctx = created(&o);
    clnorm_plan *plan[3];
    for (int k = 0; k < 2; k++) { /* the second needs more: the ring grows */
        clnorm_zscore d = CLNORM_ZSCORE_INIT;
        d.x = d.y = clnorm_nchw(CLNORM_F32, 1, 3, 100, 100 + 900 * k);
        const cln_choice split = { &cln_solve_split, ctx->params.wg, ctx->params.vec, 1, 1, false };
        OK(cln_plan_with(&plan[k], ctx, &d.op, &split, true));
        ck_assert_int_eq(t.allocated, CLN_RING * (k + 1));
        ck_assert_int_eq(t.freed, CLN_RING * k);
    }
    ck_assert_uint_gt(t.bytes, 0);
    t.fail = 1;
    clnorm_zscore d = CLNORM_ZSCORE_INIT;
    d.x = d.y = clnorm_nchw(CLNORM_F32, 1, 3, 2000, 2000);
    const cln_choice split = { &cln_solve_split, ctx->params.wg, ctx->params.vec, 1, 1, false };
    ck_assert_int_eq(cln_plan_with(&plan[2], ctx, &d.op, &split, true), CLNORM_ENOMEM);
    SAYS("buffer_alloc");
    clnorm_plan_release(plan[0]);
    clnorm_plan_release(plan[1]);
    clnorm_context_release(ctx);
    ck_assert_int_eq(t.freed, t.allocated);
}
END_TEST

/* Constant tables are made by clCreateBuffer and never reach buffer_free. */
START_TEST(tables_are_not_the_hooks)
{
    tally t = { 0, 0, 0, 0 };
    clnorm_options o = lazy();
    o.buffer_alloc = take;
    o.buffer_free = give;
    o.buffer_user = &t;
    clnorm_context *ctx = created(&o);
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

/* ---- the host level ---- */

START_TEST(host_level)
{
    clnorm_options o = lazy();
    clnorm_context *ctx;
    cl_command_queue queue = NULL;
    OK(clnorm_open(&ctx, getenv("CLNORM_TEST_DEVICE"), &o));
    OK(clnorm_context_handles(ctx, NULL, NULL, &queue));
    ck_assert_ptr_nonnull(queue);
    clnorm_zscore d = CLNORM_ZSCORE_INIT;
    d.x = clnorm_image(CLNORM_U8, 3, 2, 2, 4, 0); /* alpha is skipped */
    d.y = clnorm_image(CLNORM_F32, 3, 2, 2, 4, 0);
    const unsigned char x[16] = { 0, 2, 0, 9, 2, 0, 2, 9, 0, 2, 0, 9, 2, 0, 2, 9 };
    float y[16], mean = -1, rstd = -1;
    for (size_t i = 0; i < 16; i++)
        y[i] = 5;
    clnorm_host_args io;
    memset(&io, 0, sizeof io);
    io.size = sizeof io;
    io.slot[CLNORM_X] = (void *)(uintptr_t)x;
    io.slot[CLNORM_Y] = y;
    io.slot[CLNORM_MEAN] = &mean;
    io.slot[CLNORM_RSTD] = &rstd;
    OK(clnorm_run_host(ctx, &d.op, &io));
    for (size_t i = 0; i < 16; i++) /* what the strides skip stays as it was */
        ck_assert_float_eq(y[i], i % 4 == 3 ? 5.0f : (float)x[i] - 1.0f);
    ck_assert_float_eq(mean, 1.0f);
    ck_assert_float_eq(rstd, 1.0f);
    io.slot[CLNORM_GAMMA] = y;
    ck_assert_int_eq(clnorm_run_host(ctx, &d.op, &io), CLNORM_EBUFFER);
    io.slot[CLNORM_GAMMA] = NULL;
    io.slot[CLNORM_X] = NULL;
    ck_assert_int_eq(clnorm_run_host(ctx, &d.op, &io), CLNORM_EBUFFER);
    io.slot[CLNORM_X] = (void *)(uintptr_t)x;
    io.size = 4;
    ck_assert_int_eq(clnorm_run_host(ctx, &d.op, &io), CLNORM_EARG);
    SAYS("io.size");
    io.size = sizeof io;
    ck_assert_int_eq(clnorm_run_host(harness_get()->ctx, &d.op, &io), CLNORM_EARG);
    SAYS("clnorm_open");
    d.x.stride[3] = -4;
    ck_assert_int_eq(clnorm_run_host(ctx, &d.op, &io), CLNORM_ESHAPE);
    SAYS("negative");
    clnorm_close(ctx);
    ctx = (clnorm_context *)&o;
    ck_assert_int_ne(clnorm_open(&ctx, "no such device", &o), CLNORM_OK);
    ck_assert_ptr_null(ctx);
}
END_TEST

START_TEST(empty_on_the_host)
{
    clnorm_options o = lazy();
    clnorm_context *ctx;
    OK(clnorm_open(&ctx, getenv("CLNORM_TEST_DEVICE"), &o));
    const clnorm_totensor d = halved(0);
    float nothing;
    clnorm_host_args io;
    memset(&io, 0, sizeof io);
    io.size = sizeof io;
    io.slot[CLNORM_X] = io.slot[CLNORM_Y] = &nothing;
    OK(clnorm_run_host(ctx, &d.op, &io));
    clnorm_close(ctx);
}
END_TEST

/* ---- fork ---- */

typedef struct parent_things {
    clnorm_context *ctx;
    clnorm_plan *plan;
    clnorm_args args;
    clnorm_totensor desc;
    clnorm_host_args io;
} parent_things;

/* Bit k is set where call k does something else than refuse. Only calls of the library. */
static unsigned child(const parent_things *p)
{
    clnorm_context *ctx = p->ctx;
    clnorm_plan *plan;
    clnorm_device device;
    clnorm_stats stats;
    size_t n;
    const clnorm_op *list[] = { &p->desc.op };
    stats.size = sizeof stats;
    const clnorm_status got[] = {
        clnorm_totensor_plan(&plan, p->ctx, &p->desc, CLNORM_ESTIMATE),
        clnorm_enqueue(p->plan, harness_get()->queue, &p->args, 0, NULL, NULL),
        clnorm_run(p->ctx, harness_get()->queue, &p->desc.op, &p->args, 0, NULL, NULL),
        clnorm_context_create(&ctx, harness_get()->cl, harness_get()->device, NULL),
        clnorm_context_prepare(p->ctx, list, 1, NULL, NULL),
        clnorm_devices(NULL, 0, &n),
        clnorm_device_find(&device, NULL),
        clnorm_open(&ctx, NULL, NULL),
    };
    unsigned wrong = 0;
    for (unsigned k = 0; k < CLN_COUNT(got); k++)
        wrong |= got[k] != CLNORM_EFORK ? 1u << k : 0;
    clnorm_plan_release(p->plan);
    clnorm_context_release(p->ctx);
    if (!strstr(clnorm_last_error(NULL), "fork"))
        wrong |= 1u << 15;
    return wrong;
}

/* clnorm_run_host and what only reads must refuse too; each in a child of its own: one that reaches OpenCL
 * hangs. */
static unsigned child_host(const parent_things *p)
{
    return clnorm_run_host(p->ctx, &p->desc.op, &p->io) != CLNORM_EFORK;
}
static unsigned child_stats(const parent_things *p)
{
    clnorm_stats stats;
    stats.size = sizeof stats;
    return clnorm_context_stats(p->ctx, &stats) != CLNORM_EFORK;
}

/* What a child says, within five seconds. */
static unsigned forked(unsigned (*body)(const parent_things *), const parent_things *p)
{
    int ends[2], status = 0;
    unsigned wrong = 1u << 31;
    ck_assert_int_eq(pipe(ends), 0);
    fflush(stdout);
    const pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (!pid) {
        signal(SIGALRM, SIG_DFL); /* Check's handler would end the whole process group */
        alarm(5);
        const unsigned bits = body(p);
        _exit(write(ends[1], &bits, sizeof bits) != (ssize_t)sizeof bits);
    }
    close(ends[1]);
    if (read(ends[0], &wrong, sizeof wrong) != (ssize_t)sizeof wrong)
        wrong = 1u << 31;
    close(ends[0]);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFEXITED(status) && !WEXITSTATUS(status), "the child ended by signal %d",
                  WIFSIGNALED(status) ? WTERMSIG(status) : 0);
    return wrong;
}

static parent_things things(float *host)
{
    parent_things p;
    clnorm_options o = lazy();
    memset(&p, 0, sizeof p);
    OK(clnorm_open(&p.ctx, getenv("CLNORM_TEST_DEVICE"), &o));
    p.desc = halved(8);
    OK(clnorm_totensor_plan(&p.plan, p.ctx, &p.desc, CLNORM_ESTIMATE));
    p.args.size = sizeof p.args;
    p.io.size = sizeof p.io;
    p.io.slot[CLNORM_X] = p.io.slot[CLNORM_Y] = host;
    return p;
}

START_TEST(fork_is_refused)
{
    float host[8] = { 2, 4 };
    parent_things p = things(host);
    harness_get();
    ck_assert_uint_eq(forked(child, &p), 0);
    OK(clnorm_run_host(p.ctx, &p.desc.op, &p.io)); /* the parent goes on */
    ck_assert_float_eq(host[1], 2.0f);
    clnorm_plan_release(p.plan);
    clnorm_close(p.ctx);
}
END_TEST

START_TEST(fork_is_refused_by_the_host_level)
{
    float host[8] = { 2, 4 };
    parent_things p = things(host);
    ck_assert_uint_eq(forked(child_host, &p), 0);
    clnorm_plan_release(p.plan);
    clnorm_close(p.ctx);
}
END_TEST

START_TEST(fork_is_refused_by_stats)
{
    float host[8] = { 2, 4 };
    parent_things p = things(host);
    ck_assert_uint_eq(forked(child_stats, &p), 0);
    clnorm_plan_release(p.plan);
    clnorm_close(p.ctx);
}
END_TEST

static Suite *context_suite(void)
{
    const TTest *const tests[] = { bad_arguments,
                                   nulls,
                                   handles,
                                   plans_keep_their_context,
                                   released_in_flight,
                                   start_up_set,
                                   prepared,
                                   kernel_dir,
                                   run_keeps_plans,
                                   run_completes_descriptors,
                                   buffer_hooks,
                                   tables_are_not_the_hooks,
                                   error_text_is_per_thread,
                                   host_level,
                                   empty_on_the_host,
                                   fork_is_refused,
                                   fork_is_refused_by_the_host_level,
                                   fork_is_refused_by_stats };
    Suite *s = suite_create("context");
    TCase *t = tcase_create("all");
    for (size_t k = 0; k < CLN_COUNT(tests); k++)
        tcase_add_test(t, tests[k]);
    suite_add_tcase(s, t);
    return s;
}

SUITE_MAIN(context_suite)

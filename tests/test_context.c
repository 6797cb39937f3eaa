/* test_context.c -- the life of a context: options, owners, building, hooks, the error text. */
#define _XOPEN_SOURCE 700
#include "api_case.h"
#include "scratch.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

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
    const uint32_t sizes[] = { 0, 7, 4097 };
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
    ck_assert_uint_eq(owners_in_the_end(harness_get()->cl, before), before);
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
    const cln_choice split = {
        .solver = &cln_solve_split, .wg = ctx->params.wg, .vec = ctx->params.vec, .per = 1, .block = 1
    };
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
    RELEASE(x_mem, y_mem);
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

/* A GPU builds small plans for aligned buffers too. */
static uint32_t programs_of_one(const clnorm_context *ctx) { return ctx->params.wide_bytes ? 1 : 2; }

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
    ck_assert_uint_eq(s.programs_built, programs_of_one(ctx)); /* both ops in one */
    ck_assert_uint_eq(s.plans, 2);
    ck_assert_uint_gt(s.query_ns, 0);
    ck_assert_uint_gt(s.build_ns, 0);
    ck_assert_uint_eq(s.size, sizeof s);
    ck_assert_str_eq(clnorm_context_cache_dir(ctx), "");
    clnorm_stats less; /* an older header */
    memset(&less, 0xff, sizeof less);
    less.size = 8;
    OK(clnorm_context_stats(ctx, &less));
    ck_assert_uint_eq(less.programs_built, s.programs_built);
    ck_assert_uint_eq(less.programs_loaded, UINT32_MAX);
    clnorm_context_release(ctx);
}
END_TEST

/* Layers that need an attribute have it there, and what writes statistics alone no y. */
START_TEST(start_up_set_of_layers)
{
    clnorm_options o = lazy();
    clnorm_any d = small(CLNORM_OP_GROUPNORM);
    clnorm_plan *plan;
    o.flags = CLNORM_CACHE_OFF;
    o.ops = CLNORM_OP_BIT(CLNORM_OP_BATCHNORM) | CLNORM_OP_BIT(CLNORM_OP_GROUPNORM) |
            CLNORM_OP_BIT(CLNORM_OP_MOMENTS);
    clnorm_context *ctx = created(&o);
    ck_assert_uint_eq(stats_of(ctx).plans, 3);
    d.head.x = d.head.y = clnorm_nchw(CLNORM_F32, 1, 3, 64, 64);
    d.groupnorm.groups = 3;
    OK(clnorm_plan_create(&plan, ctx, &d.op, CLNORM_NO_BUILD));
    clnorm_plan_release(plan);
    clnorm_context_release(ctx);
}
END_TEST

/* What a plan of `d` makes of x (and of dy, the same numbers) in `ctx`. */
static void run_small(float *out, clnorm_context *ctx, const clnorm_any *d)
{
    float x[2 * 3 * 4 * 5];
    for (size_t i = 0; i < CLN_COUNT(x); i++)
        x[i] = (float)((i * 2654435761u >> 7) % 1000) / 37 - 11;
    const bool back = d->head.op.direction == CLNORM_BACKWARD;
    cl_mem in = buffer(sizeof x, x), result = buffer(sizeof x, NULL);
    clnorm_plan *plan;
    OK(clnorm_plan_create(&plan, ctx, &d->op, CLNORM_NO_BUILD));
    clnorm_args args = CLNORM_ARGS_INIT;
    args.slot[CLNORM_X].mem = args.slot[CLNORM_DY].mem = in;
    args.slot[back ? CLNORM_DX : CLNORM_Y].mem = result;
    if (!back)
        args.slot[CLNORM_DY].mem = NULL;
    OK(clnorm_enqueue(plan, harness_get()->queue, &args, 0, NULL, NULL));
    read_back(result, 0, sizeof x, out);
    clnorm_plan_release(plan);
    RELEASE(in, result);
}

START_TEST(united_ops_have_the_bits_of_single_ones)
{
    static const uint32_t kinds[] = { CLNORM_OP_MINMAX,    CLNORM_OP_ZSCORE,  CLNORM_OP_RMSNORM,
                                      CLNORM_OP_BATCHNORM, CLNORM_OP_RMSNORM, CLNORM_OP_BATCHNORM };
    clnorm_any d[CLN_COUNT(kinds)];
    const clnorm_op *all[CLN_COUNT(kinds)];
    clnorm_context *united = fresh(), *single = fresh();
    for (size_t k = 0; k < CLN_COUNT(kinds); k++) {
        d[k] = small(kinds[k]);
        if (k >= CLN_COUNT(kinds) - 2)
            d[k].head.op.direction = CLNORM_BACKWARD;
        all[k] = &d[k].op;
        OK(clnorm_context_prepare(single, &all[k], 1, NULL, NULL));
    }
    OK(clnorm_context_prepare(united, all, CLN_COUNT(all), NULL, NULL));
    ck_assert_uint_lt(stats_of(united).programs_built, stats_of(single).programs_built);
    for (size_t k = 0; k < CLN_COUNT(kinds); k++) {
        float a[2 * 3 * 4 * 5], b[CLN_COUNT(a)];
        run_small(a, united, &d[k]);
        run_small(b, single, &d[k]);
        ck_assert_mem_eq(a, b, sizeof a);
    }
    clnorm_context_release(single);
    clnorm_context_release(united);
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
    ck_assert_uint_eq(stats_of(ctx).programs_built, programs_of_one(ctx));
    clnorm_plan_release(plan);
    OK(clnorm_context_prepare(ctx, list, 1, NULL, NULL));
    ck_assert_uint_eq(stats_of(ctx).programs_built, programs_of_one(ctx));
    ck_assert_int_eq(clnorm_context_prepare(ctx, worse, 2, NULL, NULL), CLNORM_EARG);
    SAYS("swap_rb");
    ck_assert_int_eq(clnorm_totensor_plan(&plan, ctx, &d, 3), CLNORM_EARG);
    SAYS("effort");
    clnorm_context_release(ctx);
}
END_TEST

static clnorm_zscore zscore_of(int64_t edge)
{
    clnorm_zscore d = CLNORM_ZSCORE_INIT;
    d.x = d.y = clnorm_nchw(CLNORM_F32, 1, 3, edge, edge);
    return d;
}

/* Programs have the kernels of one schedule: those of two of an op do not go into one. */
START_TEST(one_op_in_two_schedules)
{
    const clnorm_zscore few = zscore_of(8), many = zscore_of(512);
    const clnorm_op *list[] = { &few.op, &many.op };
    clnorm_context *ctx = fresh();
    clnorm_plan *a, *b;
    char as[64], bs[64];
    OK(clnorm_context_prepare(ctx, list, 2, NULL, NULL));
    OK(clnorm_zscore_plan(&a, ctx, &few, CLNORM_NO_BUILD));
    OK(clnorm_zscore_plan(&b, ctx, &many, CLNORM_NO_BUILD));
    clnorm_plan_describe(a, as, sizeof as);
    clnorm_plan_describe(b, bs, sizeof bs);
    ck_assert_str_ne(as, bs);
    clnorm_plan_release(a);
    clnorm_plan_release(b);
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

/* ---- where files are ---- */

static const char *const places[] = { "HOME", "XDG_CACHE_HOME", "CLNORM_CACHE_DIR", "CLNORM_TUNING" };

static void set_place(size_t k, const char *value)
{
    if (value)
        setenv(places[k], value, 1);
    else
        unsetenv(places[k]);
}

/* What names places, kept while a test names others. */
static void keep_places(char *before[])
{
    for (size_t k = 0; k < CLN_COUNT(places); k++) {
        const char *v = getenv(places[k]);
        before[k] = v ? strdup(v) : NULL;
        unsetenv(places[k]);
    }
}
static void restore_places(char *before[])
{
    for (size_t k = 0; k < CLN_COUNT(places); k++) {
        set_place(k, before[k]);
        free(before[k]);
    }
}

/* A context of these options has its cache there, and its tuning file; "": in no directory. */
static void has_files_in(const clnorm_options *o, const char *dir)
{
    char tuning[2 * SCRATCH_PATH] = "";
    clnorm_context *ctx = created(o);
    if (dir[0])
        snprintf(tuning, sizeof tuning, "%s/tuning.txt", dir);
    ck_assert_str_eq(clnorm_context_cache_dir(ctx), dir);
    ck_assert_str_eq(clnorm_tuning_file(ctx), tuning);
    clnorm_context_release(ctx);
}

START_TEST(no_place_for_files)
{
    char *before[CLN_COUNT(places)], dir[5000];
    clnorm_options o = lazy();
    o.flags = CLNORM_LAZY | CLNORM_CACHE_ON;
    keep_places(before);
    has_files_in(&o, "");
    memset(dir, 'd', sizeof dir);
    dir[0] = '/';
    dir[sizeof dir - 1] = '\0';
    o.cache_dir = dir; /* longer than any path */
    has_files_in(&o, "");
    restore_places(before);
}
END_TEST

/* Own before XDG's before HOME; what is empty, or XDG's and not absolute, is none. */
START_TEST(places_of_files)
{
    static const struct {
        const char *home, *xdg, *own; /* below a scratch directory; NULL: not there */
        const char *dir;
    } cases[] = { { "/home", NULL, NULL, "/home/.cache/clnorm" },
                  { "/home", "", "", "/home/.cache/clnorm" },
                  { "/home", "/xdg", NULL, "/xdg/clnorm" },
                  { "/home", "/xdg", "/own", "/own" } };
    char *before[CLN_COUNT(places)], root[SCRATCH_PATH], value[2 * SCRATCH_PATH];
    clnorm_options o = lazy();
    o.flags = CLNORM_LAZY | CLNORM_CACHE_ON;
    scratch_create(root);
    keep_places(before);
    for (size_t k = 0; k < CLN_COUNT(cases); k++) {
        const char *const said[] = { cases[k].home, cases[k].xdg, cases[k].own };
        for (size_t i = 0; i < CLN_COUNT(said); i++) {
            snprintf(value, sizeof value, "%s%s", said[i] && said[i][0] ? root : "", said[i] ? said[i] : "");
            set_place(i, said[i] ? value : NULL);
        }
        snprintf(value, sizeof value, "%s%s", root, cases[k].dir);
        has_files_in(&o, value);
    }
    setenv("XDG_CACHE_HOME", "relative", 1);
    unsetenv("CLNORM_CACHE_DIR");
    snprintf(value, sizeof value, "%s/home/.cache/clnorm", root);
    has_files_in(&o, value);
    o.flags = CLNORM_LAZY | CLNORM_CACHE_OFF; /* which is no place at all */
    clnorm_context *ctx = created(&o);
    ck_assert_str_eq(clnorm_context_cache_dir(ctx), "");
    clnorm_context_release(ctx);
    restore_places(before);
    scratch_remove(root);
}
END_TEST

/* PoCL has a cache of its own, so that ours is off unless it is asked for. */
START_TEST(cache_by_default)
{
    clnorm_options o = lazy();
    o.flags = CLNORM_LAZY;
    clnorm_context *ctx = created(&o);
    if (ctx->device.pocl)
        ck_assert_str_eq(clnorm_context_cache_dir(ctx), "");
    clnorm_context_release(ctx);
}
END_TEST

/* ---- hooks ---- */

START_TEST(buffer_hooks)
{
    tally t = { 0, 0, 0, 0 };
    clnorm_context *ctx = hooked(&t);
    clnorm_plan *plan[3];
    for (int k = 0; k < 2; k++) { /* the second needs more: the ring grows */
        clnorm_zscore d = CLNORM_ZSCORE_INIT;
        d.x = d.y = clnorm_nchw(CLNORM_F32, 1, 3, 100, 100 + 900 * k);
        const cln_choice split = {
            .solver = &cln_solve_split, .wg = ctx->params.wg, .vec = ctx->params.vec, .per = 1, .block = 1
        };
        OK(cln_plan_with(&plan[k], ctx, &d.op, &split, true));
        ck_assert_int_eq(t.allocated, CLN_RING * (k + 1));
        ck_assert_int_eq(t.freed, CLN_RING * k);
        cl_mem x = buffer(120000, NULL), y = buffer(120000, NULL);
        clnorm_args args = CLNORM_ARGS_INIT;
        args.slot[CLNORM_X].mem = x;
        args.slot[CLNORM_Y].mem = y;
        if (k == 0) /* its workspace is waited for before it goes */
            OK(clnorm_enqueue(plan[k], harness_get()->queue, &args, 0, NULL, NULL));
        RELEASE(x, y);
    }
    ck_assert_uint_gt(t.bytes, 0);
    t.fail = 1;
    clnorm_zscore d = CLNORM_ZSCORE_INIT;
    d.x = d.y = clnorm_nchw(CLNORM_F32, 1, 3, 2000, 2000);
    const cln_choice split = {
        .solver = &cln_solve_split, .wg = ctx->params.wg, .vec = ctx->params.vec, .per = 1, .block = 1
    };
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
    return suite_of("context",
                    SUITE_CASE(bad_arguments, nulls, handles, plans_keep_their_context, released_in_flight,
                               start_up_set, start_up_set_of_layers, united_ops_have_the_bits_of_single_ones,
                               prepared, one_op_in_two_schedules, kernel_dir, no_place_for_files,
                               places_of_files, cache_by_default, buffer_hooks, tables_are_not_the_hooks,
                               error_text_is_per_thread));
}

SUITE_MAIN(context_suite)

/* context_build.c -- when programs are built, of which ops and from where: the start-up set, prepare, a directory of kernels. */
#define _XOPEN_SOURCE 700
#include "context_case.h"

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

void context_build(TCase *t)
{
    SUITE_ADD(t, start_up_set, start_up_set_of_layers, united_ops_have_the_bits_of_single_ones, prepared,
              one_op_in_two_schedules, kernel_dir);
}

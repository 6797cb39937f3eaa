/* test_run.c -- clnorm_run and its table of plans. */
#include "api_case.h"

static void run_once(clnorm_context *ctx, cl_mem x, cl_mem y, int64_t n)
{
    const clnorm_totensor d = halved(n);
    const clnorm_args args = pair(x, 0, y, 0);
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
    clnorm_totensor left = halved(10); /* what is behind the last axis is nobody's */
    left.x.shape[5] = left.y.shape[4] = 7;
    left.x.stride[5] = 3;
    const clnorm_args in_place = pair(y, 0, y, 0);
    OK(clnorm_run(ctx, h->queue, &left.op, &in_place, 0, NULL, NULL));
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
    RELEASE(x, y);
    clFinish(h->queue);
    ck_assert_uint_eq(owners_in_the_end(h->cl, before), before);
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

static Suite *run_suite(void)
{
    return suite_of("run", SUITE_CASE(run_keeps_plans, run_completes_descriptors));
}

SUITE_MAIN(run_suite)

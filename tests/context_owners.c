/* context_owners.c -- what keeps a context: its plans, and work in flight. */
#define _XOPEN_SOURCE 700
#include "context_case.h"

#include <stdlib.h>

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
    const clnorm_args args = pair(x_mem, 0, y_mem, 0);
    clnorm_context *ctx = fresh();
    cl_int code;
    cl_command_queue queue = clCreateCommandQueue(h->cl, h->device, 0, &code);
    clnorm_plan *plan;
    const cln_choice split = choice_of(ctx, &cln_solve_split);
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

void context_owners(TCase *t) { SUITE_ADD(t, plans_keep_their_context, released_in_flight); }

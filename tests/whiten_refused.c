/* whiten_refused.c -- shapes that no plan is made of, and values that are no numbers. */
#define _POSIX_C_SOURCE 200809L
#include "whiten_case.h"

START_TEST(nan_is_said)
{
    static const float bad[] = { NAN, INFINITY, -INFINITY, 1e30f };
    const whiten_cell k = { .n = 500, .c = 7, .mean = 3, .std = 2, .dtype = CLNORM_F32 };
    for (size_t b = 0; b < CLN_COUNT(bad); b++) {
        float *x = (float *)whiten_data(&k, 2);
        whiten_fitted f;
        whiten_make(&f, 7);
        x[7 * 123 + 4] = bad[b];
        whiten_add(&f, whiten_task(&k, CLNORM_FIT), clnorm_rows(CLNORM_F32, 500, 7), x);
        ck_assert_int_eq(clnorm_whiten_fit(&f.w, &f.stats), CLNORM_EDATA);
        SAYS("dimension 4 of the samples has a NaN");
        clnorm_whiten d = CLNORM_WHITEN_INIT;
        clnorm_host_args io = whiten_args(x);
        float y[3500], w[49], mean[14] = { 0 };
        for (size_t i = 0; i < 49; i++)
            w[i] = 1e9f;
        d.x = d.y = clnorm_rows(CLNORM_F32, 500, 7);
        io.slot[CLNORM_MEAN] = mean;
        io.slot[CLNORM_WHITENER] = w;
        io.slot[CLNORM_Y] = y;
        ck_assert_int_eq(clnorm_run_host(whiten_ctx, &d.op, &io), CLNORM_EDATA);
        SAYS("NaN or infinity");
        ck_assert(!isfinite(y[7 * 123]) && isfinite(y[7 * 122]));
        x[7 * 123 + 4] = 1;
        OK(clnorm_run_host(whiten_ctx, &d.op, &io));
        whiten_free(&f);
        free(x);
    }
}
END_TEST

/* A NaN saturates to 0 in integers, an infinity to their end: FAULT says so as of floats, in the first chunk and in the last. */
START_TEST(nan_is_said_of_integers)
{
    enum { N = 800000, C = 4 };
    static const uint32_t dtypes[] = { CLNORM_U8, CLNORM_S8, CLNORM_F16 };
    static float x[N * C], w[C * C], mean[2 * C];
    static unsigned char y[N * C * 2];
    for (size_t i = 0; i < C; i++)
        w[i * C + i] = 1;
    for (size_t k = 0; k < CLN_COUNT(dtypes); k++)
        for (uint32_t task = CLNORM_WHITEN; task <= CLNORM_UNWHITEN; task++) {
            clnorm_whiten d = CLNORM_WHITEN_INIT;
            clnorm_host_args io = whiten_args(x);
            float fault = 7, *const places[] = { &x[5], &x[N * C - 1], &mean[2], &w[5] };
            d.task = task;
            d.x = clnorm_rows(CLNORM_F32, N, C);
            d.y = clnorm_rows((clnorm_dtype)dtypes[k], N, C);
            io.slot[CLNORM_MEAN] = mean;
            io.slot[CLNORM_WHITENER] = w;
            io.slot[CLNORM_Y] = y;
            io.slot[CLNORM_FAULT] = &fault;
            for (size_t p = 0; p < CLN_COUNT(places); p++) {
                const float was = *places[p];
                *places[p] = p & 1 ? INFINITY : NAN;
                ck_assert_int_eq(clnorm_run_host(whiten_ctx, &d.op, &io), CLNORM_EDATA);
                ck_assert_float_eq(fault, 1.0f);
                *places[p] = was;
            }
            x[3] = 300; /* saturates, which is no fault */
            OK(clnorm_run_host(whiten_ctx, &d.op, &io));
            ck_assert_float_eq(fault, 0.0f);
            x[3] = 0;
        }
}
END_TEST

static clnorm_status check(clnorm_whiten d)
{
    clnorm_any any;
    memcpy(&any, &d, sizeof d);
    return clnorm_op_check(&any);
}

#define REFUSES(status, word, ...)                 \
    do {                                           \
        clnorm_whiten d = CLNORM_WHITEN_INIT;      \
        d.x = clnorm_nchw(CLNORM_F32, 2, 3, 8, 8); \
        d.y = clnorm_nchw(CLNORM_F32, 2, 3, 8, 8); \
        __VA_ARGS__;                               \
        ck_assert_int_eq(check(d), status);        \
        SAYS(word);                                \
    } while (0)

START_TEST(shapes_are_refused)
{
    REFUSES(CLNORM_EARG, "task is 3", d.task = 3);
    REFUSES(CLNORM_EARG, "samples is 3", d.samples = 3);
    REFUSES(CLNORM_EARG, "patch is 2", d.patch = 2);
    REFUSES(CLNORM_EARG, "patch is 0", d.samples = CLNORM_PATCHES);
    REFUSES(CLNORM_ESHAPE, "8x8 pixels", d.samples = CLNORM_PATCHES; d.patch = 9);
    REFUSES(CLNORM_EARG, "components is 4", d.components = 4);
    REFUSES(CLNORM_ESHAPE, "(2,2,8,8)", d.components = 2);
    REFUSES(CLNORM_ESHAPE, "may be (2,12,4,4), or as the images", d.samples = CLNORM_PATCHES; d.patch = 2;
            d.y = clnorm_nchw(CLNORM_F32, 2, 12, 4, 5));
    REFUSES(CLNORM_ESHAPE, "side by side", d.samples = CLNORM_PATCHES; d.patch = 2; d.stride = 1;
            d.task = CLNORM_UNWHITEN; d.x = clnorm_nchw(CLNORM_F32, 2, 12, 7, 7));
    REFUSES(CLNORM_ESHAPE, "4096 are allowed", d.samples = CLNORM_IMAGES;
            d.x = clnorm_nchw(CLNORM_U8, 2, 3, 64, 64); d.task = CLNORM_FIT);
    REFUSES(CLNORM_ESHAPE, "x has 5 axes", d.x.ndim = 5; memset(d.x.stride, 0, sizeof d.x.stride);
            d.x.shape[4] = 1);
    REFUSES(CLNORM_EDTYPE, "s8", d.x.dtype = CLNORM_S8);
}
END_TEST

/* Samples of one pixel have no planes, whose rows a matrix could not count; nor does a step between windows count where there is one. */
START_TEST(rows_that_no_planes_have)
{
    clnorm_whiten d = CLNORM_WHITEN_INIT;
    clnorm_plan *plan;
    clnorm_context *ctx = fresh();
    d.x = clnorm_rows(CLNORM_U8, 600000, 4096);
    d.y = clnorm_nchw(CLNORM_F32, 600000, 8, 1, 1);
    d.components = 8;
    ck_assert_int_eq(clnorm_whiten_plan(&plan, ctx, &d, CLNORM_NO_BUILD), CLNORM_ENOTREADY);
    d.x = clnorm_nchw(CLNORM_U8, 4, 3, 2, 2);
    d.y = clnorm_nchw(CLNORM_F32, 4, 12, 1, 1);
    d.samples = CLNORM_PATCHES;
    d.patch = d.stride = 2;
    d.components = 12;
    d.x.shape[2] = d.x.shape[3] = 1;
    d.patch = d.stride = 1;
    d.y.shape[1] = d.components = 3;
    memset(d.y.stride, 0, sizeof d.y.stride);
    d.x.stride[2] = d.x.stride[3] = INT64_MIN;
    ck_assert_int_eq(clnorm_whiten_plan(&plan, ctx, &d, CLNORM_NO_BUILD), CLNORM_ENOTREADY);
    clnorm_context_release(ctx);
}
END_TEST

void whiten_refused(TCase *t)
{
    SUITE_ADD(t, nan_is_said, nan_is_said_of_integers, shapes_are_refused, rows_that_no_planes_have);
}

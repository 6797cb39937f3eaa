/* test_iternorm.c -- iternorm beside the reference; the reference's gradient beside differences; whitened covariance; bad data. */
#define _POSIX_C_SOURCE 200809L
#include "iternorm_case.h"

#include <stdio.h>

#define ALL 0xffffffffu
static const uint32_t moved[2] = { CLNORM_RUNNING_MEAN, CLNORM_RUNNING_WHITENER };

/* Channels that depend on each other, about means that differ, plus `far`. */
static void mix(const matrix_case *m, double far)
{
    const clnorm_tensor *t = &m->tensor[CLNORM_X];
    const uint32_t axis = t->ndim >= 4 || t->ndim == 2 ? 1 : 0;
    const int64_t n = clnorm_tensor_count(t);
    int64_t inner = 1;
    for (uint32_t k = axis + 1; k < t->ndim; k++)
        inner *= t->shape[k];
    for (int64_t i = n; i-- > 0;) {
        const int64_t c = i / inner % t->shape[axis], at = ref_place(t, i);
        const double own = ref_get(t->dtype, m->data[CLNORM_X], at),
                     next = c ? ref_get(t->dtype, m->data[CLNORM_X], ref_place(t, i - inner)) : 0;
        ref_set(t->dtype, m->data[CLNORM_X], at,
                own * (1 + 0.1 * (double)(c % 5)) + 0.5 * next + 0.3 * (double)c + far);
    }
}

/* 1e-4 of the largest is the promise for data like this; sums of up to 1e5 terms. */
static void check(const clnorm_iternorm *d, double far)
{
    for (uint32_t back = 0; back < 2; back++) {
        char what[160];
        clnorm_iternorm own = *d;
        own.op.direction = back;
        snprintf(what, sizeof what, "(%lld,%lld,..) mode %u groups %u iterations %u far %g%s",
                 (long long)d->x.shape[0], (long long)d->x.shape[1], d->mode, d->groups, d->iterations, far,
                 back ? " backward" : "");
        matrix_case m = matrix_open(&own.op, ALL);
        mix(&m, far);
        OK(matrix_device(&m));
        matrix_reference(&m, moved);
        matrix_judge(&m, 1e-4, what);
        matrix_close(&m);
    }
}

START_TEST(shapes)
{
    static const int64_t sizes[][4] = {
        { 2, 1, 3, 3 }, { 8, 3, 5, 7 }, { 4, 12, 9, 9 }, { 3, 36, 17, 16 }, { 2, 64, 24, 24 }
    };
    for (size_t k = 0; k < CLN_COUNT(sizes); k++)
        for (uint32_t mode = CLNORM_TRAIN; mode <= CLNORM_EVAL; mode++)
            for (uint32_t groups = 1; groups <= 4; groups += 3) {
                const bool left =
                    !getenv("CLNORM_TEST_FULL") && ((mode == CLNORM_EVAL) + k) % 2 != (groups == 4);
                if (sizes[k][1] % groups || left)
                    continue;
                clnorm_iternorm d =
                    described(clnorm_nchw(CLNORM_F32, sizes[k][0], sizes[k][1], sizes[k][2], sizes[k][3]),
                              mode, groups);
                check(&d, 0);
            }
}
END_TEST

START_TEST(ranks_strides_and_types)
{
    clnorm_iternorm d = described(clnorm_rows(CLNORM_F32, 300, 10), CLNORM_TRAIN, 2);
    check(&d, 0);
    d = described(clnorm_nhwc(CLNORM_F32, 3, 20, 9, 8), CLNORM_TRAIN, 1);
    check(&d, 0);
    d.y = clnorm_nchw(CLNORM_F32, 3, 20, 9, 8);
    check(&d, 0);
    const clnorm_tensor image = { CLNORM_F32, 3, { 6, 21, 20 }, { 0 }, 0 },
                        volume = { CLNORM_F32, 5, { 2, 6, 3, 5, 4 }, { 0 }, 0 };
    d = described(image, CLNORM_TRAIN, 3);
    check(&d, 0);
    d = described(volume, CLNORM_EVAL, 3);
    check(&d, 0);
    clnorm_tensor pitched = clnorm_nchw(CLNORM_F32, 4, 6, 10, 9);
    pitched.stride[2] = 13;
    pitched.stride[1] = 130;
    pitched.stride[0] = 6 * 130;
    d = described(pitched, CLNORM_TRAIN, 1);
    check(&d, 0);
    const bool full = getenv("CLNORM_TEST_FULL") !=
                      NULL; /* else f16 to itself and bf16 to f32: each is a chain to compile */
    for (uint32_t dtype = CLNORM_F16; dtype <= CLNORM_BF16; dtype++) {
        d = described(clnorm_nchw((clnorm_dtype)dtype, 4, 8, 9, 9), CLNORM_TRAIN, 1);
        if (full || dtype == CLNORM_F16)
            check(&d, 0);
        d.y.dtype = CLNORM_F32;
        if (full || dtype == CLNORM_BF16)
            check(&d, 0);
    }
}
END_TEST

START_TEST(iterations_and_far_means)
{
    clnorm_iternorm d = described(clnorm_nchw(CLNORM_F32, 4, 6, 16, 16), CLNORM_TRAIN, 1);
    for (d.iterations = 1; d.iterations < 9; d.iterations += 3)
        check(&d, 0);
    d.iterations = 5;
    check(&d, 1000);
}
END_TEST

/* Newton's method ends at the covariance's power -1/2: that of y is the identity, within 1e-3. */
START_TEST(whitens)
{
    clnorm_iternorm d = described(clnorm_nchw(CLNORM_F32, 8, 16, 24, 24), CLNORM_TRAIN, 2);
    d.iterations = 9;
    d.eps = 1e-7f;
    matrix_case m = matrix_open(&d.op, 0);
    const int64_t rows = 8 * 24 * 24;
    mix(&m, 0);
    OK(matrix_device(&m));
    const float *y = (const float *)m.data[CLNORM_Y];
    for (int64_t a = 0; a < 16; a++)
        for (int64_t b = a / 8 * 8; b < a / 8 * 8 + 8; b++) {
            double sum = 0;
            for (int64_t n = 0; n < 8; n++)
                for (int64_t p = 0; p < 576; p++)
                    sum +=
                        (double)y[(n * 16 + a) * 576 + p] * (double)y[(n * 16 + b) * 576 + p] / (double)rows;
            ck_assert_double_eq_tol(sum, a == b, 1e-3);
        }
    matrix_close(&m);
}
END_TEST

/* Fewer samples than channels, a constant channel, two that are one: eps decides, and everything is a number. */
START_TEST(singular_but_for_eps)
{
    for (int what = 0; what < 3; what++)
        for (uint32_t back = 0; back < 2; back++) {
            clnorm_iternorm d =
                described(what == 0 ? clnorm_rows(CLNORM_F32, 6, 20) : clnorm_nchw(CLNORM_F32, 4, 5, 9, 9),
                          CLNORM_TRAIN, 1);
            d.eps = 1e-2f;
            d.op.direction = back;
            matrix_case m = matrix_open(&d.op, ALL);
            float *x = (float *)m.data[CLNORM_X];
            for (size_t i = 0; what && i < 4 * 5 * 81; i++)
                if (i / 81 % 5 == 2)
                    x[i] = what == 1 ? 3.25f : x[i - 81];
            OK(matrix_device(&m));
            matrix_reference(&m, moved);
            matrix_judge(&m, 1e-4, "singular");
            matrix_close(&m);
        }
}
END_TEST

START_TEST(bad_data_is_said)
{
    for (uint32_t back = 0; back < 2; back++)
        for (uint32_t mode = CLNORM_TRAIN; mode <= CLNORM_EVAL; mode++)
            for (int inf = 0; inf < 2; inf++) {
                clnorm_iternorm d = described(clnorm_nchw(CLNORM_F32, 2, 6, 9, 9), mode, 2);
                d.op.direction = back;
                matrix_case m = matrix_open(&d.op, BIT(FAULT) | BIT(DX));
                ((float *)m.data[back ? CLNORM_DY : CLNORM_X])[500] = inf ? INFINITY : NAN;
                ck_assert_int_eq(matrix_device(&m), CLNORM_EDATA);
                SAYS("NaN or infinity");
                ck_assert_float_eq(*(float *)m.data[CLNORM_FAULT], 1.0f);
                matrix_close(&m);
            }
}
END_TEST

/* Each input, at its end: both ways and modes, as far as they read it. */
START_TEST(each_bad_input_is_said)
{
    static const uint32_t slots[] = { CLNORM_X,    CLNORM_DY,           CLNORM_GAMMA,
                                      CLNORM_BETA, CLNORM_RUNNING_MEAN, CLNORM_RUNNING_WHITENER };
    for (uint32_t way = 0; way < 4; way++)
        for (size_t k = 0; k < CLN_COUNT(slots); k++) {
            clnorm_iternorm d =
                described(clnorm_nchw(CLNORM_F32, 2, 6, 9, 9), way & 1 ? CLNORM_TRAIN : CLNORM_EVAL, 2);
            d.op.direction = way / 2;
            matrix_case m = matrix_open(&d.op, ALL);
            const uint32_t s = slots[k];
            if (m.reads >> s & 1) {
                ((float *)m.data[s])[clnorm_tensor_count(&m.tensor[s]) - 1] = k & 1 ? INFINITY : NAN;
                ck_assert_msg(matrix_device(&m) == CLNORM_EDATA, "slot %u, way %u: nothing is said", s, way);
                ck_assert_float_eq(*(float *)m.data[CLNORM_FAULT], 1.0f);
            }
            matrix_close(&m);
        }
}
END_TEST

/* Variances that are floats, whose sum is none, as more channels than samples can have: no W of zeros. */
START_TEST(large_traces_are_said)
{
    for (uint32_t back = 0; back < 2; back++) {
        clnorm_iternorm d = described(clnorm_rows(CLNORM_F32, 2, 8), CLNORM_TRAIN, 1);
        d.op.direction = back;
        matrix_case m = matrix_open(&d.op, BIT(FAULT) | BIT(DX));
        for (size_t i = 0; i < 2 * 8; i++)
            ((float *)m.data[CLNORM_X])[i] = (i / 8) % 2 ? 1e19f : -1e19f;
        ck_assert_int_eq(matrix_device(&m), CLNORM_EDATA);
        ck_assert_float_eq(*(float *)m.data[CLNORM_FAULT], 1.0f);
        const float *const out = (const float *)m.data[back ? CLNORM_DX : CLNORM_Y];
        ck_assert(isnan(out[0]));
        for (size_t i = 0; i < 2 * 8; i++)
            ((float *)m.data[CLNORM_X])[i] *= 0.01f;
        OK(matrix_device(&m));
        matrix_close(&m);
    }
}
END_TEST

/* Without NaN at hand: x is moved by one element each way. */
START_TEST(gradient_is_the_difference)
{
    clnorm_iternorm d = described(clnorm_nchw(CLNORM_F32, 2, 4, 2, 3), CLNORM_TRAIN, 2);
    d.eps = 1e-2f;
    matrix_case f = matrix_open(&d.op, BIT(GAMMA) | BIT(BETA));
    d.op.direction = CLNORM_BACKWARD;
    matrix_case b = matrix_open(&d.op, BIT(GAMMA) | BIT(DX));
    OK(matrix_device(&f));
    OK(matrix_device(&b));
    const float *dy = (const float *)b.data[CLNORM_DY];
    float *x = (float *)f.before[CLNORM_X];
    for (size_t i = 0; i < 48; i++) {
        const double h = 1.0 / 4096;
        const float was = x[i];
        double slope = 0;
        for (int side = -1; side < 2; side += 2) {
            x[i] = was + (float)(side * h);
            matrix_reference(&f, moved);
            for (size_t k = 0; k < 48; k++)
                slope += side * (double)dy[k] * f.want[CLNORM_Y][k] / (2 * h);
        }
        x[i] = was;
        const double got = (double)((float *)b.data[CLNORM_DX])[i];
        ck_assert_msg(fabs(got - slope) <= 2e-3 * fmax(1, fabs(slope)), "dx %zu is %g, differences say %g", i,
                      got, slope);
    }
    matrix_close(&f);
    matrix_close(&b);
}
END_TEST

START_TEST(bad_descriptors)
{
    const clnorm_tensor row = { CLNORM_F32, 1, { 5 }, { 0 }, 0 };
    clnorm_iternorm d = described(row, CLNORM_TRAIN, 1);
    matrix_refused(&d.op, CLNORM_ESHAPE, "(N,C)");
    d = described(clnorm_nchw(CLNORM_F32, 2, 6, 3, 3), CLNORM_TRAIN, 4);
    matrix_refused(&d.op, CLNORM_ESHAPE, "groups is 4");
    d.groups = 0;
    matrix_refused(&d.op, CLNORM_EARG, "groups is 0");
    d = described(clnorm_rows(CLNORM_F32, 1, 6), CLNORM_TRAIN, 1);
    matrix_refused(&d.op, CLNORM_ESHAPE, "one sample");
    d = described(clnorm_rows(CLNORM_F32, 9, 6), 0, 1);
    matrix_refused(&d.op, CLNORM_EARG, "mode is 0");
    d = described(clnorm_rows(CLNORM_F32, 9, 6), CLNORM_TRAIN, 1);
    d.eps = 0;
    matrix_refused(&d.op, CLNORM_EARG, "eps is 0");
    d = described(clnorm_rows(CLNORM_F32, 9, 6), CLNORM_TRAIN, 1);
    d.iterations = 0;
    matrix_refused(&d.op, CLNORM_EARG, "iterations is 0");
    d = described(clnorm_rows(CLNORM_F32, 9, 5000), CLNORM_TRAIN, 1);
    matrix_refused(&d.op, CLNORM_EUNSUPPORTED, "5000 channels");
}
END_TEST

/* A momentum of the call's, and the average of all batches. */
START_TEST(running_statistics)
{
    clnorm_context *ctx = matrix_context();
    const clnorm_iternorm d = described(clnorm_rows(CLNORM_F32, 40, 2), CLNORM_TRAIN, 1);
    matrix_case m = matrix_open(&d.op, ALL);
    const float *mean = (const float *)m.data[CLNORM_MEAN],
                *running = (const float *)m.data[CLNORM_RUNNING_MEAN];
    for (int k = 0; k < 2; k++) {
        clnorm_host_args io = { .size = sizeof io };
        memcpy(io.slot, m.data, sizeof io.slot);
        io.flags = k ? CLNORM_CUMULATIVE : 0;
        io.momentum = 0.25;
        io.count = 3;
        const float was = running[1];
        OK(clnorm_run_host(ctx, &d.op, &io));
        ck_assert_float_eq_tol(running[1], 0.75f * was + 0.25f * mean[1], 1e-6f);
    }
    /* of nothing before: what the memory holds is nobody's */
    clnorm_host_args first = { .size = sizeof first, .flags = CLNORM_CUMULATIVE };
    memcpy(first.slot, m.data, sizeof first.slot);
    memset(m.data[CLNORM_RUNNING_MEAN], 0xff, 2 * sizeof(float)); /* NaN */
    memset(m.data[CLNORM_RUNNING_WHITENER], 0xff, 4 * sizeof(float));
    OK(clnorm_run_host(ctx, &d.op, &first));
    ck_assert_float_eq(running[1], mean[1]);
    ck_assert_mem_eq(m.data[CLNORM_RUNNING_WHITENER], m.data[CLNORM_WHITENER], 4 * sizeof(float));
    matrix_close(&m);
}
END_TEST

/* A plan that may not compile does not let CLBlast either. */
START_TEST(clblast_is_not_ready)
{
    const clnorm_options o = { .size = sizeof o, .flags = CLNORM_LAZY };
    clnorm_context *ctx;
    clnorm_plan *plan;
    OK(clnorm_open(&ctx, getenv("CLNORM_TEST_DEVICE"), &o));
    ctx->params.own_products = false;
    const clnorm_iternorm d = described(clnorm_nchw(CLNORM_F32, 3, 14, 21, 20), CLNORM_TRAIN, 2);
    for (int entered = 0; entered < 2; entered++) {
        ck_assert_int_eq(clnorm_iternorm_plan(&plan, ctx, &d, CLNORM_NO_BUILD), CLNORM_ENOTREADY);
        SAYS("CLBlast's products are not built yet");
        OK(cln_context_multiplies(ctx, true)); /* as while another thread's plan compiles them */
    }
    for (uint32_t effort = CLNORM_ESTIMATE; effort <= CLNORM_NO_BUILD; effort += CLNORM_NO_BUILD) {
        OK(clnorm_iternorm_plan(&plan, ctx, &d, effort));
        clnorm_plan_release(plan);
    }
    clnorm_close(ctx);
}
END_TEST

/* The products by CLBlast: forward and back. */
START_TEST(by_clblast)
{
    clnorm_context *ctx = matrix_context();
    const bool own = ctx->params.own_products;
    char text[512];
    clnorm_plan *plan;
    ctx->params.own_products = false;
    const clnorm_iternorm d = described(clnorm_nchw(CLNORM_F32, 3, 14, 21, 20), CLNORM_TRAIN, 2);
    check(&d, 0);
    OK(clnorm_iternorm_plan(&plan, ctx, &d, 0));
    clnorm_plan_describe(plan, text, sizeof text);
    ck_assert_ptr_nonnull(strstr(text, "CLBlast"));
    if (ctx->device.commands.kernel) { /* before anything of it is recorded */
        clnorm_args args = CLNORM_ARGS_INIT;
        struct _cl_command_buffer_khr *const some = (struct _cl_command_buffer_khr *)(void *)&args;
        ck_assert_int_eq(clnorm_record(plan, ctx->queue, some, &args, 0, NULL, NULL), CLNORM_EUNSUPPORTED);
        ck_assert_ptr_nonnull(strstr(clnorm_last_error(NULL), "iternorm multiplies by CLBlast on"));
    }
    clnorm_plan_release(plan);
    ctx->params.own_products = own;
}
END_TEST

/* Groups of many items, as a GPU has them. */
START_TEST(wide_groups)
{
    clnorm_context *ctx = matrix_context();
    const cln_params params = ctx->params;
    ctx->params.own_products = false;
    ctx->params.wg = 64;
    ctx->params.vec = 4;
    clnorm_iternorm d = described(clnorm_nchw(CLNORM_F32, 3, 10, 19, 20), CLNORM_TRAIN, 2);
    check(&d, 0);
    d.mode = CLNORM_EVAL;
    check(&d, 0);
    ctx->params = params;
}
END_TEST

/* Nothing runs, and what FAULT held before says nothing. */
START_TEST(no_samples)
{
    const clnorm_iternorm d = described(clnorm_nchw(CLNORM_F32, 0, 3, 2, 2), CLNORM_EVAL, 1);
    matrix_case m = matrix_open(&d.op, ALL);
    clnorm_host_args io;
    memset(&io, 0, sizeof io);
    io.size = sizeof io;
    memcpy(io.slot, m.data, sizeof io.slot);
    ck_assert_ptr_nonnull(io.slot[CLNORM_FAULT]);
    *(float *)io.slot[CLNORM_FAULT] = NAN;
    OK(clnorm_run_host(matrix_context(), &d.op, &io));
    matrix_close(&m);
}
END_TEST

static Suite *iternorm_suite(void)
{
    TCase *t = SUITE_CASE(shapes, ranks_strides_and_types, iterations_and_far_means, whitens,
                          singular_but_for_eps, bad_data_is_said, each_bad_input_is_said,
                          large_traces_are_said, gradient_is_the_difference, bad_descriptors,
                          running_statistics, no_samples, clblast_is_not_ready, by_clblast, wide_groups);
    iternorm_long(t);
    return suite_of("iternorm", t);
}

SUITE_MAIN(iternorm_suite)

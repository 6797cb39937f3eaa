/* test_extremes.c -- numbers at the ends of f32, and far apart in one set, against the reference. */
#define _POSIX_C_SOURCE 200809L
#include "api_case.h"
#include "ref/ref.h"
#include "suite.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOST = 8192 };

typedef struct io {
    float in[CLNORM_SLOTS][MOST], got[CLNORM_SLOTS][MOST];
    double want[CLNORM_SLOTS][MOST], scale[CLNORM_SLOTS][MOST];
} io;
static io s;

static clnorm_context *ctx;
static void open_once(void)
{
    const clnorm_options o = lazy();
    if (!ctx)
        OK(clnorm_open(&ctx, getenv("CLNORM_TEST_DEVICE"), &o));
}

static bool has_denormals(void)
{
    cl_device_fp_config config = 0;
    ck_assert_int_eq(
        clGetDeviceInfo(harness_get()->device, CL_DEVICE_SINGLE_FP_CONFIG, sizeof config, &config, NULL),
        CL_SUCCESS);
    return config & CL_FP_DENORM;
}

/* Runs a descriptor on s.in, into s.got, and compares what it writes to `outputs`. */
static void agrees(const char *name, clnorm_any *d, uint32_t inputs, uint32_t outputs, double bound)
{
    clnorm_host_args args = { .size = sizeof args };
    ref_io reference;
    OK(clnorm_op_check(d));
    memset(&reference, 0, sizeof reference);
    for (uint32_t slot = 0; slot < CLNORM_SLOTS; slot++)
        if (inputs >> slot & 1)
            args.slot[slot] = reference.slot[slot] = s.in[slot];
        else if (outputs >> slot & 1) {
            args.slot[slot] = s.got[slot];
            reference.slot[slot] = s.want[slot];
            reference.scale[slot] = s.scale[slot];
        }
    OK(clnorm_run_host(ctx, &d->op, &args));
    ck_assert(ref_run(d, &reference));
    for (uint32_t slot = 0; slot < CLNORM_SLOTS; slot++) {
        clnorm_tensor t;
        if (!(outputs >> slot & 1))
            continue;
        ck_assert(cln_op_slot(d, slot, &t));
        for (int64_t i = 0; i < clnorm_tensor_count(&t); i++)
            ck_assert_msg(
                ref_error(CLNORM_F32, (double)s.got[slot][i], s.want[slot][i], s.scale[slot][i], bound) <= 1,
                "%s: %s[%d] is %.9g, not %.9g", name, cln_slot_name(slot), (int)i, (double)s.got[slot][i],
                s.want[slot][i]);
    }
}

#define BIT(slot) (1u << CLNORM_##slot)

static const struct {
    double p;
    float x[4];
} norms[] = {
    { 3, { 1e20f, 1e-20f, 2e19f, -1e-25f } }, /* an element is no normal number beside the largest */
    { 3, { 1.0f, 0.5f, 1e-40f, 0.25f } },     { 2.5, { 1e20f, 1.0f, -1e-20f, 1e-40f } },
    { 1.1, { 1e20f, 1.0f, -1e-20f, 1e18f } }, { 1.5, { 3e38f, -3e38f, 1e-38f, 0.0f } },
    { 2, { 1e30f, 1e-30f, 0.0f, 1e-38f } },   { 1, { 1e30f, 1e-30f, 0.0f, 1e-38f } },
    { 64, { 1.9f, 1.8f, 0.5f, -1.9f } },      { 20, { 1e-30f, 2e-30f, 0.0f, -1.99e-30f } },
};

START_TEST(norms_of_unlike_numbers)
{
    const float dy[4] = { 1.0f, -2.0f, 0.5f, 3.0f };
    open_once();
    for (size_t k = 0; k < CLN_COUNT(norms); k++)
        for (int back = 0; back < 2; back++) {
            char name[64];
            clnorm_any d;
            bool denormal = false;
            OK(clnorm_op_init(&d, CLNORM_OP_LPNORM));
            d.head.x = d.head.y = clnorm_rows(CLNORM_F32, 1, 4);
            d.op.direction = back ? CLNORM_BACKWARD : CLNORM_FORWARD;
            d.lpnorm.p = (float)norms[k].p;
            memcpy(s.in[CLNORM_X], norms[k].x, sizeof norms[k].x);
            memcpy(s.in[CLNORM_DY], dy, sizeof dy);
            for (int i = 0; i < 4; i++)
                denormal |= norms[k].x[i] != 0.0f && fabsf(norms[k].x[i]) < 0x1p-126f;
            if (denormal && !has_denormals())
                continue;
            snprintf(name, sizeof name, "p = %g, row %d%s", norms[k].p, (int)k, back ? ", backward" : "");
            agrees(name, &d, back ? BIT(X) | BIT(DY) : BIT(X), back ? BIT(DX) : BIT(Y), back ? 2e-6 : 5e-7);
        }
}
END_TEST

/* Sets beside whose eps the norm is nothing, or not there. */
START_TEST(eps_alone)
{
    static const float sets[][4] = { { 0, 0, 0, 0 },
                                     { 1e-37f, -2e-37f, 0, 1.2e-37f },
                                     { 1e-30f, 0, 3e-30f, 3e-30f } };
    static const float powers[] = { 0 /* l2norm */, 1, 2, 3, INFINITY };
    static const double eps[] = { 1, 1e6, 1e30 };
    const float dy[4] = { 1.0f, -2.0f, 0.5f, 3.0f };
    open_once();
    for (size_t u = 0; u < CLN_COUNT(sets) * CLN_COUNT(powers) * CLN_COUNT(eps) * 4; u++) {
        const float p = powers[u / 4 % CLN_COUNT(powers)];
        const double least = eps[u / 4 / CLN_COUNT(powers) % CLN_COUNT(eps)], add = (double)(u / 2 % 2);
        const float *x = sets[u / 4 / CLN_COUNT(powers) / CLN_COUNT(eps)];
        const bool back = u % 2;
        char name[96];
        clnorm_any d;
        OK(clnorm_op_init(&d, p == 0 ? CLNORM_OP_L2NORM : CLNORM_OP_LPNORM));
        d.head.x = d.head.y = clnorm_rows(CLNORM_F32, 1, 4);
        d.op.direction = back ? CLNORM_BACKWARD : CLNORM_FORWARD;
        if (p != 0)
            d.lpnorm.p = p;
        OK(clnorm_op_set(&d, "eps", &least, 1));
        OK(clnorm_op_set(&d, "add_eps", &add, 1));
        memcpy(s.in[CLNORM_X], x, 4 * sizeof *x);
        memcpy(s.in[CLNORM_DY], dy, sizeof dy);
        snprintf(name, sizeof name, "p = %g, x[0] %g, eps %g, added %g%s", (double)p, (double)x[0], least,
                 add, back ? ", backward" : "");
        agrees(name, &d, back ? BIT(X) | BIT(DY) : BIT(X), back ? BIT(DX) : BIT(Y) | BIT(RSTD),
               back ? 2e-6 : 5e-7);
    }
}
END_TEST

/* An infinity in one chunk, numbers in another beside which its unit vanishes. */
START_TEST(infinities_beside_large_numbers)
{
    open_once();
    for (int p = 1; p < 4; p++)
        for (int first = 0; first < 2; first++) {
            clnorm_any d;
            clnorm_host_args args = { .size = sizeof args };
            const int at = first ? 5 : MOST - 5;
            for (int i = 0; i < MOST; i++)
                s.in[CLNORM_X][i] = i == at ? INFINITY : i / (MOST / 2) == first ? 1e30f : 1.0f;
            OK(clnorm_op_init(&d, CLNORM_OP_LPNORM));
            d.head.x = d.head.y = clnorm_rows(CLNORM_F32, 1, MOST);
            d.lpnorm.p = (float)p;
            args.slot[CLNORM_X] = s.in[CLNORM_X];
            args.slot[CLNORM_Y] = s.got[CLNORM_Y];
            OK(clnorm_run_host(ctx, &d.op, &args));
            for (int i = 0; i < MOST; i++)
                ck_assert_msg(i == at ? isnan(s.got[CLNORM_Y][i]) : s.got[CLNORM_Y][i] == 0.0f,
                              "p = %d: y[%d] is %g", p, i, (double)s.got[CLNORM_Y][i]);
        }
}
END_TEST

START_TEST(inverses_of_all_ranges)
{
    static const float sets[][4] = {
        { 1.0f, -2.0f, 0.25f, 7.0f },         { -3e38f, 3e38f, 1e38f, 0.0f },
        { 3e38f, 2.9e38f, 3.1e38f, 3.3e38f }, { 1e-30f, 4e-31f, 0.0f, 2e-30f },
        { 1e30f, 1e30f, 1e30f, 1e30f },       { 5.0f, 5.0f, 5.0f, 5.0f },
    };
    open_once();
    for (size_t k = 0; k < CLN_COUNT(sets); k++)
        for (int least = 0; least < 2; least++) {
            const clnorm_slot low = least ? CLNORM_MIN : CLNORM_MEAN, high = least ? CLNORM_MAX : CLNORM_RSTD;
            const uint32_t given = 1u << low | 1u << high;
            char name[64];
            clnorm_any d;
            clnorm_host_args args = { .size = sizeof args };
            snprintf(name, sizeof name, "%s, set %d", least ? "minmax" : "zscore", (int)k);
            memcpy(s.in[CLNORM_X], sets[k], sizeof sets[k]);
            OK(clnorm_op_init(&d, least ? CLNORM_OP_MINMAX : CLNORM_OP_ZSCORE));
            OK(clnorm_op_set(&d, "eps", &(double){ 0 }, 1));
            d.head.x = d.head.y = clnorm_rows(CLNORM_F32, 1, 4);
            args.slot[CLNORM_X] = s.in[CLNORM_X];
            args.slot[CLNORM_Y] = s.got[CLNORM_X];
            args.slot[low] = s.in[low];
            args.slot[high] = s.in[high];
            OK(clnorm_run_host(ctx, &d.op, &args));
            memcpy(s.in[CLNORM_X], s.got[CLNORM_X], sizeof sets[k]);
            OK(clnorm_op_init(&d, CLNORM_OP_DENORMALIZE));
            d.head.x = d.head.y = clnorm_rows(CLNORM_F32, 1, 4);
            d.denormalize.of = least ? CLNORM_OP_MINMAX : CLNORM_OP_ZSCORE;
            d.denormalize.eps = 0;
            agrees(name, &d, BIT(X) | given, BIT(Y), 5e-7);
            for (int i = 0; i < 4; i++) /* and what it undoes */
                ck_assert_msg(fabs((double)s.got[CLNORM_Y][i] - (double)sets[k][i]) <=
                                  1e-6 * fabs((double)sets[k][1 + 2 * (k == 3)]),
                              "%s: x[%d] comes back as %g", name, i, (double)s.got[CLNORM_Y][i]);
        }
}
END_TEST

/* A weight's gradient of two million samples, equal numbers all of them; of an infinity among them it is one. */
START_TEST(gradients_of_many_samples)
{
    enum { N = 1 << 21 };
    clnorm_grn d = CLNORM_GRN_INIT;
    clnorm_host_args args = { .size = sizeof args };
    float *const x = (float *)malloc(2 * N * sizeof *x), *const dy = x + N, gamma = 0.5f, dgamma, dbeta;
    open_once();
    ck_assert_ptr_nonnull(x);
    for (int i = 0; i < N; i++) {
        x[i] = (float)(i % 7) - 3;
        dy[i] = 1.1f;
    }
    d.x = d.y = clnorm_nchw(CLNORM_F32, N, 1, 1, 1);
    d.op.direction = CLNORM_BACKWARD;
    d.layer.gradients = BIT(DGAMMA) | BIT(DBETA);
    args.slot[CLNORM_X] = x;
    args.slot[CLNORM_DY] = dy;
    args.slot[CLNORM_GAMMA] = (void *)(uintptr_t)&gamma;
    args.slot[CLNORM_DGAMMA] = &dgamma;
    args.slot[CLNORM_DBETA] = &dbeta;
    OK(clnorm_run_host(ctx, &d.op, &args));
    const double want = (double)1.1f * N;
    ck_assert_msg(fabs((double)dbeta / want - 1) < 1e-6, "dbeta is %.9g, not %.9g", (double)dbeta, want);
    dy[12345] = INFINITY;
    OK(clnorm_run_host(ctx, &d.op, &args));
    ck_assert_float_eq(dbeta, INFINITY);
    free(x);
}
END_TEST

/* min-max scaling of constants, whose eps is all there is to divide by. */
START_TEST(inverse_by_eps_alone)
{
    const float y[4] = { 0.0f, 0.5f, 1.0f, 0.25f };
    const double eps = 1e21, of = CLNORM_OP_MINMAX;
    clnorm_any d;
    open_once();
    OK(clnorm_op_init(&d, CLNORM_OP_DENORMALIZE));
    d.head.x = d.head.y = clnorm_rows(CLNORM_F32, 1, 4);
    OK(clnorm_op_set(&d, "of", &of, 1));
    OK(clnorm_op_set(&d, "eps", &eps, 1));
    memcpy(s.in[CLNORM_X], y, sizeof y);
    s.in[CLNORM_MIN][0] = s.in[CLNORM_MAX][0] = 0.0f;
    agrees("min-max by eps", &d, BIT(X) | BIT(MIN) | BIT(MAX), BIT(Y), 5e-7);
}
END_TEST

static Suite *extremes_suite(void)
{
    return suite_of("extremes",
                    SUITE_CASE(norms_of_unlike_numbers, eps_alone, infinities_beside_large_numbers,
                               inverses_of_all_ranges, gradients_of_many_samples, inverse_by_eps_alone));
}

SUITE_MAIN(extremes_suite)

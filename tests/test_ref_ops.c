/* test_ref_ops.c -- the reference against numbers worked out by hand, and hostile data in long double. */
#include "ref_expect.h"

#include <string.h>

/* ---- the formulas ---------------------------------------------------------------------------- */

static const numbers eight = { { 2, 4, 4, 4, 5, 5, 7, 9 } }; /* mean 5, std 2 */

static const uint32_t types[] = { CLNORM_F32, CLNORM_F16, CLNORM_BF16, CLNORM_U8, CLNORM_U16 };

START_TEST(minmax_by_hand)
{
    const numbers x = { { 10, 20, 30, 50 } };
    clnorm_any d = minmax(row(types[_i], 4), 0.0f, 1.0f, 0.0f);
    expect(&d, x, (numbers){ { 0, 0.25, 0.5, 1 } }, 4);
    d = minmax(row(types[_i], 4), 1.0f, -1.0f, 0.0f);
    expect(&d, x, (numbers){ { 1, 0.5, 0, -1 } }, 4);
    d = minmax(row(types[_i], 4), 0.0f, 1.0f, 40.0f);
    expect(&d, x, (numbers){ { 0, 0.125, 0.25, 0.5 } }, 4);
}
END_TEST

START_TEST(zscore_by_hand)
{
    clnorm_any d = zscore(row(types[_i], 8), 0.0f, 0);
    expect(&d, eight, (numbers){ { -1.5, -0.5, -0.5, -0.5, 0, 0, 1, 2 } }, 8);
    d = zscore(row(types[_i], 8), 2.0f, 0);
    expect(&d, eight, (numbers){ { -0.75, -0.25, -0.25, -0.25, 0, 0, 0.5, 1 } }, 8);
    const double s = sqrt(7.0 / 32.0);
    d = zscore(row(types[_i], 8), 0.0f, 1);
    expect(&d, eight, (numbers){ { -3 * s, -s, -s, -s, 0, 0, 2 * s, 4 * s } }, 8);
}
END_TEST

START_TEST(pointwise_by_hand)
{
    const numbers x = { { 0, 51, 255 } };
    clnorm_any d = { .symmetric = CLNORM_SYMMETRIC_INIT };
    d.symmetric.x = row(types[_i], 3);
    d.symmetric.scale = 255.0f;
    expect(&d, x, (numbers){ { -1, -0.6, 1 } }, 3);
    d = totensor(row(types[_i], 3), 255.0f);
    expect(&d, x, (numbers){ { 0, 0.2, 1 } }, 3);
    d = totensor(row(types[_i], 3), 0.5f);
    expect(&d, x, (numbers){ { 0, 102, 510 } }, 3);
}
END_TEST

START_TEST(normalize_by_hand)
{
    const numbers x = { { 10, 20, 30, 40, 50, 60 } };
    clnorm_any d = normalize(dense(types[_i], 4, (shape){ { 1, 3, 1, 2 } }), 10.0f, 3);
    expect(&d, x, (numbers){ { 0, 2, 1, 2, 1, 1.5 } }, 6);
    d.normalize.swap_rb = 1; /* 50 60 | 30 40 | 10 20 */
    expect(&d, x, (numbers){ { 8, 10, 1, 2, -1, -0.5 } }, 6);
    d = normalize(dense(types[_i], 3, (shape){ { 3, 1, 2 } }), 10.0f, 3);
    expect(&d, x, (numbers){ { 0, 2, 1, 2, 1, 1.5 } }, 6);
    d = normalize(dense(types[_i], 2, (shape){ { 3, 2 } }), 10.0f, 1);
    expect(&d, x, (numbers){ { 0, 2, 4, 6, 8, 10 } }, 6);
}
END_TEST

/* x, through an op and in f32 through its inverse with what the op saved, is x again. */
static void expect_inverse(const clnorm_any *forward, const clnorm_any *inverse, float *x, int n)
{
    static const clnorm_slot slots[] = { CLNORM_MIN, CLNORM_MAX, CLNORM_MEAN, CLNORM_RSTD };
    double y[12], kept[4][12] = { { 0 } };
    float y32[12], kept32[4][12];
    ref_io io = { .slot = { NULL } }, back = { .slot = { NULL } };
    io.slot[CLNORM_X] = x;
    back.slot[CLNORM_X] = y32;
    io.slot[CLNORM_Y] = back.slot[CLNORM_Y] = y;
    for (int s = 0; s < 4; s++) {
        io.slot[slots[s]] = kept[s];
        back.slot[slots[s]] = kept32[s];
    }
    ck_assert(ref_run(forward, &io));
    for (int i = 0; i < n; i++) {
        y32[i] = (float)y[i];
        for (int s = 0; s < 4; s++)
            kept32[s][i] = (float)kept[s][i];
    }
    ck_assert(ref_run(inverse, &back));
    for (int i = 0; i < n; i++)
        ck_assert_msg(near(y[i], x[i], 1e-6), "of op %u: y[%d] is %.9g, not %.9g", forward->op.kind, i, y[i],
                      x[i]);
}

START_TEST(denormalize_inverts)
{
    const clnorm_tensor t = dense(CLNORM_F32, 4, (shape){ { 2, 3, 1, 2 } });
    float x[] = { 1, 5, -2, 7, 0.5f, 9, 4, 4.5f, 30, -7, 8, 16 };
    const clnorm_any names = normalize(t, 5.0f, 3);
    clnorm_any forward[] = { minmax(t, -1.0f, 3.0f, 0.5f),
                             { .symmetric = CLNORM_SYMMETRIC_INIT },
                             zscore(t, 1e-3f, 1),
                             totensor(t, 5.0f),
                             names };
    forward[1].symmetric.x = t;
    forward[1].symmetric.scale = 5.0f;
    for (uint32_t scope = 0; scope < 8; scope++) /* 4 to 7: with channels that trade places */
        for (size_t k = 0; k < CLN_COUNT(forward); k++) {
            clnorm_any d = { .denormalize = CLNORM_DENORMALIZE_INIT };
            forward[0].minmax.scope = forward[2].zscore.scope = d.denormalize.scope = scope % 4;
            forward[0].minmax.swap_rb = forward[1].symmetric.swap_rb = forward[2].zscore.swap_rb =
                forward[3].totensor.swap_rb = forward[4].normalize.swap_rb = d.denormalize.swap_rb =
                    scope / 4;
            d.denormalize.x = t;
            d.denormalize.of = forward[k].op.kind;
            d.denormalize.lo = -1.0f;
            d.denormalize.hi = 3.0f;
            d.denormalize.eps = 0.5f;
            d.denormalize.scale = 5.0f;
            d.denormalize.channels = 3;
            memcpy(d.denormalize.mean, names.normalize.mean, sizeof d.denormalize.mean);
            memcpy(d.denormalize.std, names.normalize.std, sizeof d.denormalize.std);
            expect_inverse(&forward[k], &d, x, 12);
        }
}
END_TEST

START_TEST(moments_by_hand)
{
    double y = 0, m2 = 0, min = 0, max = 0, scale = 0;
    uint64_t count = 0;
    float x[8];
    for (int i = 0; i < 8; i++)
        ref_set(types[_i], x, i, eight.v[i]);
    ref_io io = { .slot = { NULL } };
    io.slot[CLNORM_X] = x;
    io.slot[CLNORM_Y] = &y;
    io.slot[CLNORM_M2] = &m2;
    io.slot[CLNORM_MIN] = &min;
    io.slot[CLNORM_MAX] = &max;
    io.slot[CLNORM_COUNT] = &count;
    io.scale[CLNORM_Y] = &scale;
    const clnorm_any d = moments(row(types[_i], 8), 0, 0);
    ck_assert(ref_run(&d, &io));
    ck_assert(y == 5 && m2 == 32 && min == 2 && max == 9 && count == 8 && scale == 9);
}
END_TEST

/* ---- edges ----------------------------------------------------------------------------------- */

START_TEST(minmax_edges)
{
    clnorm_any d = minmax(row(CLNORM_F32, 3), -2.0f, 5.0f, 0.0f);
    expect(&d, (numbers){ { 0.1f, 0.1f, 0.1f } }, (numbers){ { -2, -2, -2 } }, 3);
    expect(&d, (numbers){ { 1, NAN, 2 } }, (numbers){ { NAN, NAN, NAN } }, 3);
    expect(&d, (numbers){ { 1, 2, INFINITY } }, (numbers){ { -2, -2, NAN } }, 3);
    expect(&d, (numbers){ { 1, 2, -INFINITY } }, (numbers){ { NAN, NAN, NAN } }, 3);
    expect(&d, (numbers){ { -FLT_MAX, 0, FLT_MAX } }, (numbers){ { -2, 1.5, 5 } }, 3);
    d.minmax.eps = 1e-8f;
    expect(&d, (numbers){ { 3, 3, 3 } }, (numbers){ { -2, -2, -2 } }, 3);
}
END_TEST

START_TEST(zscore_edges)
{
    clnorm_any d = zscore(row(CLNORM_F32, 3), 0.0f, 0);
    expect(&d, (numbers){ { 0.1f, 0.1f, 0.1f } }, (numbers){ { 0, 0, 0 } }, 3);
    expect(&d, (numbers){ { 1, NAN, 2 } }, (numbers){ { NAN, NAN, NAN } }, 3);
    expect(&d, (numbers){ { 1, INFINITY, 2 } }, (numbers){ { NAN, NAN, NAN } }, 3);
    d = zscore(row(CLNORM_F32, 1), 0.0f, 1);
    expect(&d, (numbers){ { 5 } }, (numbers){ { 0 } }, 1);
    d.zscore.eps = 0.5f;
    expect(&d, (numbers){ { 5 } }, (numbers){ { 0 } }, 1);
    double rstd = 7, mean = 7;
    ref_io io = { .slot = { NULL } };
    float five = 5;
    io.slot[CLNORM_X] = &five;
    io.slot[CLNORM_RSTD] = &rstd;
    io.slot[CLNORM_MEAN] = &mean;
    ck_assert(ref_run(&d, &io));
    ck_assert(rstd == 2 && mean == 5);
    d.zscore.eps = 0.0f;
    ck_assert(ref_run(&d, &io));
    ck_assert(rstd == 0);
}
END_TEST

START_TEST(nan_keeps_to_its_set)
{
    clnorm_any d = zscore(dense(CLNORM_F32, 4, (shape){ { 2, 1, 1, 2 } }), 0.0f, 0);
    expect(&d, (numbers){ { 1, NAN, 3, 5 } }, (numbers){ { NAN, NAN, -1, 1 } }, 4);
    d = moments(d.zscore.x, CLNORM_SCOPE_IMAGE, 0);
    expect(&d, (numbers){ { 1, 2, 3, -INFINITY } }, (numbers){ { 1.5, NAN } }, 2);
    d = totensor(row(CLNORM_F32, 3), 2.0f);
    expect(&d, (numbers){ { NAN, INFINITY, 1 } }, (numbers){ { NAN, INFINITY, 0.5 } }, 3);
}
END_TEST

static float noise(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (float)(*seed >> 8) * 0x1p-23f - 1.0f; /* [-1, 1) */
}

/* Data that cancel, overflow or vanish in f32: the first element, then base +- spread. */
static const struct data {
    const char *name;
    float first, base, spread;
} hostile_data[] = { { "1e4 +- 1e-2", 1e4f, 1e4f, 1e-2f },     { "1e6 +- 1", 1e6f, 1e6f, 1.0f },
                     { "1e3 +- 1e-3", 1e3f, 1e3f, 1e-3f },     { "3e38", 1.0f, 0.0f, 3e38f },
                     { "near 3e38", 3e38f, 3e38f, 1e32f },     { "1e-20", 1e-20f, 0.0f, 1e-20f },
                     { "outlier in front", 1e6f, 0.0f, 1.0f }, { "zero in front", 0.0f, 1e6f, 1.0f } };

/* zscore and M2 against two passes in long double about an element. */
START_TEST(hostile)
{
    enum { n = 10007 };
    static float x[n];
    static double y[n];
    const struct data *data = &hostile_data[_i];
    uint32_t seed = 12345;
    for (int i = 0; i < n; i++)
        x[i] = i ? data->base + data->spread * noise(&seed) : data->first;
    const long double pivot = x[n / 2];
    long double sum = 0, m2 = 0;
    for (int i = 0; i < n; i++)
        sum += x[i] - pivot;
    for (int i = 0; i < n; i++) {
        const long double d = (x[i] - pivot) - sum / n;
        m2 += d * d;
    }
    double got_m2 = 0;
    ref_io io = { .slot = { NULL } };
    io.slot[CLNORM_X] = x;
    io.slot[CLNORM_Y] = y;
    io.slot[CLNORM_M2] = &got_m2;
    const clnorm_any d = zscore(row(CLNORM_F32, n), 0.0f, 0);
    ck_assert(ref_run(&d, &io));
    ck_assert_msg(fabsl(got_m2 / m2 - 1) < 1e-15L, "%s: M2 is %.17g, not %.17Lg", data->name, got_m2, m2);
    for (int i = 0; i < n; i++) {
        const double want = (double)(((x[i] - pivot) - sum / n) / sqrtl(m2 / n));
        ck_assert_msg(near(y[i], want, 2e-15), "%s: y[%d] is %.17g, not %.17g", data->name, i, y[i], want);
    }
}
END_TEST

int main(void)
{
    TCase *t = SUITE_CASE(denormalize_inverts, minmax_edges, zscore_edges, nan_keeps_to_its_set);
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, minmax_by_hand, 0, CLN_COUNT(types));
    tcase_add_loop_test(t, zscore_by_hand, 0, CLN_COUNT(types));
    tcase_add_loop_test(t, pointwise_by_hand, 0, CLN_COUNT(types));
    tcase_add_loop_test(t, normalize_by_hand, 0, CLN_COUNT(types));
    tcase_add_loop_test(t, moments_by_hand, 0, CLN_COUNT(types));
    tcase_add_loop_test(t, hostile, 0, CLN_COUNT(hostile_data));
    return suite_run(suite_of("ref_ops", t), CK_FORK_GETENV);
}

/* test_ref.c -- what the ops of the reference share: elements, sets, views and the error measure. */
#include "ref_expect.h"

#include <string.h>

#define ROOM 64

/* ---- elements -------------------------------------------------------------------------------- */

/* The last four would become ties on the way through f32. */
START_TEST(set_rounds_and_saturates)
{
    static const struct {
        uint32_t dtype;
        double value, want;
    } cases[] = { { CLNORM_U8, 0.5, 0 },
                  { CLNORM_U8, 1.5, 2 },
                  { CLNORM_U8, 2.5, 2 },
                  { CLNORM_U8, -0.7, 0 },
                  { CLNORM_U8, 254.5, 254 },
                  { CLNORM_U8, 255.5, 255 },
                  { CLNORM_U8, 1e30, 255 },
                  { CLNORM_U8, NAN, 0 },
                  { CLNORM_S8, -0.5, 0 },
                  { CLNORM_S8, -1.5, -2 },
                  { CLNORM_S8, -200, -128 },
                  { CLNORM_S8, 127.5, 127 },
                  { CLNORM_S8, NAN, 0 },
                  { CLNORM_S8, -INFINITY, -128 },
                  { CLNORM_U16, 65535.5, 65535 },
                  { CLNORM_U16, 40000.5, 40000 },
                  { CLNORM_F32, 0.1, (double)0.1f },
                  { CLNORM_F32, 1e39, INFINITY },
                  { CLNORM_F16, 65519.99, 65504 },
                  { CLNORM_F16, 65520, INFINITY },
                  { CLNORM_F16, 0x1p-25, 0 },
                  { CLNORM_F16, 0x1.8p-25, 0x1p-24 },
                  { CLNORM_F16, -0x1p-24, -0x1p-24 },
                  { CLNORM_BF16, 1e39, INFINITY },
                  { CLNORM_F16, 1 + 0x1p-11 + 0x1p-40, 1 + 0x1p-10 },
                  { CLNORM_F16, 1 + 0x3p-11 - 0x1p-40, 1 + 0x1p-10 },
                  { CLNORM_BF16, -1 - 0x1p-8 - 0x1p-40, -1 - 0x1p-7 },
                  { CLNORM_BF16, 1 + 0x3p-8 - 0x1p-40, 1 + 0x1p-7 } };
    for (size_t k = 0; k < CLN_COUNT(cases); k++) {
        float place[2] = { 0 };
        ref_set(cases[k].dtype, place, 1, cases[k].value);
        const double got = ref_get(cases[k].dtype, place, 1);
        ck_assert_msg(got == cases[k].want, "type %u: %.17g became %.17g, not %.17g", cases[k].dtype,
                      cases[k].value, got, cases[k].want);
    }
    uint16_t nan = 0;
    ref_set(CLNORM_F16, &nan, 0, NAN);
    ck_assert(isnan(ref_get(CLNORM_F16, &nan, 0)));
    ref_set(CLNORM_BF16, &nan, 0, NAN);
    ck_assert(isnan(ref_get(CLNORM_BF16, &nan, 0)));
}
END_TEST

/* ---- sets and views -------------------------------------------------------------------------- */

START_TEST(scopes)
{
    static const struct {
        uint32_t ndim;
        shape form;
        uint32_t scope, axes, sets;
        numbers means;
    } cases[] = { { 4, { { 2, 2, 1, 2 } }, CLNORM_SCOPE_IMAGE, 0, 2, { { 1.5, 5.5 } } },
                  { 4, { { 2, 2, 1, 2 } }, CLNORM_SCOPE_CHANNEL, 0, 4, { { 0.5, 2.5, 4.5, 6.5 } } },
                  { 4, { { 2, 2, 1, 2 } }, CLNORM_SCOPE_BATCH, 0, 1, { { 3.5 } } },
                  { 4, { { 2, 2, 1, 2 } }, CLNORM_SCOPE_BATCH_CHANNEL, 0, 2, { { 2.5, 4.5 } } },
                  { 5, { { 2, 2, 1, 2, 1 } }, CLNORM_SCOPE_IMAGE, 0, 2, { { 1.5, 5.5 } } },
                  { 5, { { 2, 2, 2, 1, 1 } }, CLNORM_SCOPE_CHANNEL, 0, 4, { { 0.5, 2.5, 4.5, 6.5 } } },
                  { 5, { { 2, 2, 1, 1, 2 } }, CLNORM_SCOPE_BATCH, 0, 1, { { 3.5 } } },
                  { 5, { { 2, 2, 1, 2, 1 } }, CLNORM_SCOPE_BATCH_CHANNEL, 0, 2, { { 2.5, 4.5 } } },
                  { 3, { { 2, 2, 2 } }, CLNORM_SCOPE_IMAGE, 0, 1, { { 3.5 } } },
                  { 3, { { 2, 2, 2 } }, CLNORM_SCOPE_CHANNEL, 0, 2, { { 1.5, 5.5 } } },
                  { 3, { { 2, 2, 2 } }, CLNORM_SCOPE_BATCH, 0, 1, { { 3.5 } } },
                  { 3, { { 2, 2, 2 } }, CLNORM_SCOPE_BATCH_CHANNEL, 0, 2, { { 1.5, 5.5 } } },
                  { 2, { { 2, 4 } }, CLNORM_SCOPE_CHANNEL, 0, 1, { { 3.5 } } },
                  { 2, { { 2, 4 } }, CLNORM_SCOPE_BATCH_CHANNEL, 0, 1, { { 3.5 } } },
                  { 1, { { 8 } }, CLNORM_SCOPE_CHANNEL, 0, 1, { { 3.5 } } },
                  { 4, { { 2, 2, 1, 2 } }, CLNORM_SCOPE_BATCH, 8, 4, { { 0.5, 2.5, 4.5, 6.5 } } },
                  { 4, { { 2, 2, 1, 2 } }, CLNORM_SCOPE_BATCH, 1 | 2, 2, { { 3, 4 } } },
                  { 2, { { 2, 4 } }, CLNORM_SCOPE_BATCH, 1, 4, { { 2, 3, 4, 5 } } } };
    const numbers x = { { 0, 1, 2, 3, 4, 5, 6, 7 } };
    for (size_t k = 0; k < CLN_COUNT(cases); k++) {
        const clnorm_any d =
            moments(dense(CLNORM_U8, cases[k].ndim, cases[k].form), cases[k].scope, cases[k].axes);
        expect(&d, x, cases[k].means, cases[k].sets);
    }
}
END_TEST

/* One image of 3 channels, 2 x 2, value 100 c + 10 h + w, in memory in every way that strides can say. */
START_TEST(views)
{
    static const struct {
        const char *name;
        int64_t first, stride[4]; /* of n, c, h, w */
    } cases[] = { { "nchw", 0, { 12, 4, 2, 1 } },
                  { "nhwc", 0, { 12, 1, 6, 3 } },
                  { "rgb inside rgba", 0, { 16, 1, 8, 4 } },
                  { "row pitch", 3, { 40, 1, 20, 3 } },
                  { "upside down", 6, { 12, 1, -6, 3 } },
                  { "crop", 21, { 64, 16, 4, 1 } },
                  { "mirrored", 11, { 12, -4, -2, -1 } } };
    const numbers want = { { 0, 1, 10, 11, 100, 101, 110, 111, 200, 201, 210, 211 } };
    const numbers swapped = { { 200, 201, 210, 211, 100, 101, 110, 111, 0, 1, 10, 11 } };
    for (size_t k = 0; k < CLN_COUNT(cases); k++) {
        float memory[ROOM];
        for (int i = 0; i < ROOM; i++)
            memory[i] = NAN;
        clnorm_any d = totensor(dense(CLNORM_F32, 4, (shape){ { 1, 3, 2, 2 } }), 1.0f);
        memcpy(d.totensor.x.stride, cases[k].stride, sizeof cases[k].stride);
        for (int i = 0; i < 12; i++)
            memory[cases[k].first + i / 4 * cases[k].stride[1] + i / 2 % 2 * cases[k].stride[2] +
                   i % 2 * cases[k].stride[3]] = (float)want.v[i];
        expect_from(&d, memory + cases[k].first, want, 12);
        d.totensor.swap_rb = 1;
        expect_from(&d, memory + cases[k].first, swapped, 12);
    }
}
END_TEST

START_TEST(swap_comes_first)
{
    const numbers x = { { 0, 4, 10, 14, 20, 24, 90, 94 } }; /* 4 channels of 2; the last stays */
    clnorm_any d = moments(dense(CLNORM_U8, 4, (shape){ { 1, 4, 1, 2 } }), CLNORM_SCOPE_CHANNEL, 0);
    d.moments.swap_rb = 1;
    expect(&d, x, (numbers){ { 22, 12, 2, 92 } }, 4);
    d = minmax(dense(CLNORM_U8, 3, (shape){ { 4, 1, 2 } }), 0.0f, 94.0f, 0.0f);
    d.minmax.swap_rb = 1;
    expect(&d, x, (numbers){ { 20, 24, 10, 14, 0, 4, 90, 94 } }, 8);
}
END_TEST

START_TEST(empty)
{
    uint64_t count = 7;
    double y = 7, m2 = 7;
    ref_io io = { .slot = { NULL } };
    io.slot[CLNORM_Y] = &y;
    io.slot[CLNORM_COUNT] = &count;
    io.slot[CLNORM_M2] = &m2;
    const clnorm_tensor x = dense(CLNORM_F32, 4, (shape){ { 0, 3, 2, 2 } });
    const clnorm_any ops[] = { minmax(x, 0, 1, 0), zscore(x, 0, 0), totensor(x, 1), normalize(x, 1, 3),
                               moments(x, CLNORM_SCOPE_IMAGE, 0) };
    for (size_t k = 0; k < CLN_COUNT(ops); k++)
        ck_assert(ref_run(&ops[k], &io));
    ck_assert(y == 7 && count == 7 && m2 == 7);
    const clnorm_any all = moments(x, CLNORM_SCOPE_BATCH, 0); /* one set of nothing */
    ck_assert(ref_run(&all, &io));
    ck_assert(y == 0 && count == 0 && m2 == 0);
}
END_TEST

START_TEST(unknown_op)
{
    clnorm_any d = totensor(row(CLNORM_F32, 0), 1.0f);
    const ref_io io = { .slot = { NULL } };
    d.op.kind = 999;
    ck_assert(!ref_run(&d, &io));
}
END_TEST

/* ---- the error measure ----------------------------------------------------------------------- */

/* Infinity for 65519.99 in f16 is within the f32 bound of where infinity begins. */
START_TEST(error_measure)
{
    static const double b = 5e-7;
    static const struct {
        uint32_t dtype;
        double got, want, s;
        bool passes;
    } cases[] = { { CLNORM_F32, 1, 1 + 4e-7, 0, true },
                  { CLNORM_F32, 1, 1 + 6e-7, 0, false },
                  { CLNORM_F32, 0, 4e-7, 0, true },
                  { CLNORM_F32, 1, 1 + 6e-7, 2, true },
                  { CLNORM_F32, 1000, 1000.0004, 0, true },
                  { CLNORM_F32, NAN, NAN, NAN, true },
                  { CLNORM_F32, NAN, 1, 0, false },
                  { CLNORM_F32, 1, NAN, 0, false },
                  { CLNORM_F32, INFINITY, INFINITY, INFINITY, true },
                  { CLNORM_F32, -INFINITY, INFINITY, 0, false },
                  { CLNORM_F32, 0, 5, INFINITY, false },
                  { CLNORM_F32, INFINITY, 1e39, 0, true },
                  { CLNORM_F32, (double)FLT_MAX, 1e39, 0, false },
                  { CLNORM_F32, INFINITY, 3.4e38, 0, false },
                  { CLNORM_F16, 1, 1 + 0x1p-10, 0, true },
                  { CLNORM_F16, 1, 1 + 0x1.1p-10, 0, false },
                  { CLNORM_F16, 0, 0x1p-24, 0, true },
                  { CLNORM_F16, INFINITY, 65520, 0, true },
                  { CLNORM_F16, INFINITY, 65519.99, 0, true },
                  { CLNORM_F16, 65504, 65520.01, 0, true },
                  { CLNORM_F16, INFINITY, 65519, 0, false },
                  { CLNORM_F16, 65504, 65521, 0, false },
                  { CLNORM_F16, -INFINITY, 70000, 0, false },
                  { CLNORM_F16, 65504, 65519, 0, true },
                  { CLNORM_BF16, 1, 1 + 0x1p-7, 0, true },
                  { CLNORM_BF16, 1, 1 + 0x1.1p-7, 0, false },
                  { CLNORM_BF16, INFINITY, 3.4e38, 0, true },
                  { CLNORM_U8, 2, 2.5, 0, true },
                  { CLNORM_U8, 3, 2.5, 0, true },
                  { CLNORM_U8, 3, 2.4999995, 0, true },
                  { CLNORM_U8, 3, 2.4999, 0, false },
                  { CLNORM_U8, 2, 2.5000005, 0, true },
                  { CLNORM_U8, 4, 2.5, 1e9, false },
                  { CLNORM_U8, 255, 300, 0, true },
                  { CLNORM_U8, 254, 300, 0, false },
                  { CLNORM_U8, 0, NAN, 0, true },
                  { CLNORM_U8, 1, NAN, 0, false },
                  { CLNORM_S8, -128, -INFINITY, 0, true },
                  { CLNORM_S8, -127, -INFINITY, 0, false } };
    for (size_t k = 0; k < CLN_COUNT(cases); k++) {
        const double e = ref_error(cases[k].dtype, cases[k].got, cases[k].want, cases[k].s, b);
        ck_assert_msg((e <= 1.0) == cases[k].passes, "case %zu: got %.9g want %.9g: error %g", k,
                      cases[k].got, cases[k].want, e);
    }
}
END_TEST

/* S is the sum of the terms' sizes. */
START_TEST(error_scale)
{
    const clnorm_tensor t = row(CLNORM_F32, 3);
    float x[] = { 1, 3, 5 };
    clnorm_any symmetric = { .symmetric = CLNORM_SYMMETRIC_INIT },
               inverse = { .denormalize = CLNORM_DENORMALIZE_INIT };
    symmetric.symmetric.x = inverse.denormalize.x = t;
    symmetric.symmetric.scale = inverse.denormalize.scale = 2.0f;
    inverse.denormalize.of = CLNORM_OP_SYMMETRIC;
    const struct {
        clnorm_any d;
        double scale[3];
    } cases[] = { { minmax(t, -4.0f, 4.0f, 0.0f), { 4, 8, 12 } },
                  { zscore(t, 0.0f, 1), { 1, 0, 1 } },
                  { totensor(t, 2.0f), { 0.5, 1.5, 2.5 } },
                  { normalize(t, 0.5f, 1), { 2, 10, 18 } },
                  { symmetric, { 2, 4, 6 } },
                  { inverse, { 2, 4, 6 } } };
    for (size_t k = 0; k < CLN_COUNT(cases); k++) {
        double scale[3] = { 0 };
        ref_io io = { .slot = { NULL } };
        io.slot[CLNORM_X] = x;
        io.scale[CLNORM_Y] = scale;
        ck_assert(ref_run(&cases[k].d, &io));
        for (int i = 0; i < 3; i++)
            ck_assert_msg(scale[i] == cases[k].scale[i], "op %u: S[%d] is %g, not %g", cases[k].d.op.kind, i,
                          scale[i], cases[k].scale[i]);
    }
}
END_TEST

int main(void)
{
    TCase *t = SUITE_CASE(set_rounds_and_saturates, scopes, views, swap_comes_first, empty, unknown_op,
                          error_measure, error_scale);
    tcase_set_timeout(t, 60);
    return suite_run(suite_of("ref", t), CK_FORK_GETENV);
}

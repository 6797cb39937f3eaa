/* test_act.c -- cl/common/act.clh on the host against the reference: errors, limits, order.
 *
 * All that act.clh uses is exact on every device, so what holds for the host's fma holds there too. */
#include "base/compiler.h"
#include "base/half.h"
#include "ref/layer.h"
#include "suite.h"

#include <math.h>
#include <stdlib.h>

/* ---- OpenCL C in C: vectors of one ---- */
typedef float fv;
#define INLINE static inline
#define VN(name) name
#define fma fmaf
#define fabs fabsf
#define as_uint cln_bits
#define as_float cln_float
#define select(a, b, yes) ((yes) ? (b) : (a))
#define ACT 1
#pragma GCC diagnostic ignored "-Wunused-parameter" /* activations without a slope take one */
#include "act_case.h"
#define ACT 2
#include "act_case.h"
#define ACT 3
#include "act_case.h"
#define ACT 4
#include "act_case.h"
#define ACT 5
#include "act_case.h"
#undef fma
#undef fabs
#undef select

enum { STEP = 20011, FULL_STEP = 17 }; /* of the bits: 130,000 floats; CLNORM_TEST_FULL=1 takes 160 million */
static const float leak = 0.01f;

typedef struct known {
    uint32_t act;
    float (*value)(float z, float slope), (*slope)(float z, float slope);
    double error, slope_error; /* those of act.clh's heading */
} known;
static const known all[] = {
    { CLNORM_RELU, act_1, act_slope_1, 0, 0 },
    { CLNORM_LEAKY, act_2, act_slope_2, 6e-8, 0 },
    { CLNORM_SILU, act_3, act_slope_3, 1.5e-7, 2e-7 },
    { CLNORM_GELU, act_4, act_slope_4, 1.3e-7, 3e-7 },
    { CLNORM_GELU_TANH, act_5, act_slope_5, 1.51e-7, 2.2e-7 },
};

static void check(const known *k, float z)
{
    const double want = ref_act(k->act, (double)leak, (double)z),
                 slope = ref_act_slope(k->act, (double)leak, (double)z);
    const double off = fabs((double)k->value(z, leak) - want) / fmax(1.0, fabs((double)z)),
                 slope_off = fabs((double)k->slope(z, leak) - slope);
    ck_assert_msg(off <= k->error, "act %u of %.9g: got %.9g, want %.9g", k->act, (double)z,
                  (double)k->value(z, leak), want);
    ck_assert_msg(slope_off <= k->slope_error, "slope of act %u at %.9g: got %.9g, want %.9g", k->act,
                  (double)z, (double)k->slope(z, leak), slope);
}

START_TEST(errors)
{
    const uint32_t step = getenv("CLNORM_TEST_FULL") ? FULL_STEP : STEP;
    for (size_t k = 0; k < CLN_COUNT(all); k++)
        for (uint32_t u = 0; u < cln_bits(INFINITY); u += step) {
            check(&all[k], cln_float(u));
            check(&all[k], -cln_float(u));
        }
}
END_TEST

START_TEST(limits)
{
    static const float big[] = { 1e10f, 1e20f, 3.4e38f, INFINITY };
    for (size_t k = 0; k < CLN_COUNT(all); k++)
        for (size_t i = 0; i < CLN_COUNT(big); i++) {
            const bool leaks = all[k].act == CLNORM_LEAKY;
            ck_assert_float_eq(all[k].value(big[i], leak), big[i]);
            ck_assert_float_eq(all[k].value(-big[i], leak), leaks ? -big[i] * leak : 0.0f);
            ck_assert_float_eq(all[k].slope(big[i], leak), 1.0f);
            ck_assert_float_eq(all[k].slope(-big[i], leak), leaks ? leak : 0.0f);
        }
}
END_TEST

START_TEST(zero_and_nan)
{
    for (size_t k = 0; k < CLN_COUNT(all); k++) {
        ck_assert_float_eq(all[k].value(0.0f, leak), 0.0f);
        ck_assert_float_eq(all[k].value(-0.0f, leak), 0.0f);
        ck_assert(isnan(all[k].value(NAN, leak)));
        ck_assert(isnan(all[k].slope(NAN, leak)) == (all[k].act > CLNORM_LEAKY));
    }
}
END_TEST

/* From 0 up no activation falls by more than the rounding of its last step. */
START_TEST(order)
{
    for (size_t k = 0; k < CLN_COUNT(all); k++) {
        float last = 0.0f;
        for (uint32_t u = 0; u < cln_bits(INFINITY); u += STEP) {
            const float y = all[k].value(cln_float(u), leak);
            ck_assert_msg(y >= last - 0x1p-24f * fmaxf(1.0f, last), "act %u falls at %.9g", all[k].act,
                          (double)cln_float(u));
            last = y;
        }
    }
}
END_TEST

/* Nothing between 0 and the least normal number: runtimes differ there. */
START_TEST(no_subnormals)
{
    for (size_t k = 0; k < CLN_COUNT(all); k++)
        for (uint32_t u = cln_bits(1e-3f); u < cln_bits(1e3f); u += STEP) {
            const float z = -cln_float(u), y = all[k].value(z, leak), s = all[k].slope(z, leak);
            ck_assert(y == 0.0f || fabsf(y) >= 0x1p-126f);
            ck_assert(s == 0.0f || fabsf(s) >= 0x1p-126f);
        }
}
END_TEST

int main(void)
{
    TCase *t = SUITE_CASE(errors, limits, zero_and_nan, order, no_subnormals);
    tcase_set_timeout(t, 3000);
    return suite_run(suite_of("act", t), CK_FORK_GETENV);
}

/* test_power.c -- cl/common/power.clh on the host, in vectors of one: errors of the roots and of any power.
 *
 * All that power.clh uses is exact on every device, so what holds for the host's fma holds there too. */
#include "on_host.h"
#include "suite.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* ---- OpenCL C in C ---- */
static int32_t whole_of(uint32_t u)
{
    int32_t i;
    memcpy(&i, &u, sizeof i);
    return i;
}
static float as_number(int32_t i) { return (float)i; }
#define INLINE static inline
#define VEC 1
#define VN(name) name
#define fv float
#define uv uint32_t
#define iv int32_t
#define fma fmaf
#define fmin fminf
#define fmax fmaxf
#define select(a, b, c) ((c) ? (b) : (a))
#define as_uint bits_of
#define as_int whole_of
#define as_float float_of
#define convert_float as_number
#include "common/power.clh"
#undef fma
#undef fmin
#undef fmax
#undef select

static double relative(float got, double want) { return fabs((double)got - want) / want; }

/* Every 4099th float that FIT allows. */
START_TEST(roots)
{
    double worst[3] = { 0, 0, 0 };
    for (uint32_t u = bits_of(FIT_LOW); u < bits_of(FIT_HIGH); u += 4099) {
        const float s = float_of(u);
        const double v = (double)s;
        ck_assert(FIT(s));
        worst[0] = fmax(worst[0], relative(power_1(s), 1.0 / v));
        worst[1] = fmax(worst[1], relative(power_1_2(s), 1.0 / sqrt(v)));
    }
    /* Its error is that of every fourth octave, so all of them are in these four. */
    for (uint32_t u = bits_of(1.0f); u < bits_of(16.0f); u++) {
        const double v = sqrt((double)float_of(u));
        worst[2] = fmax(worst[2], relative(power_3_4(float_of(u)), 1.0 / (v * sqrt(v))));
    }
    printf("worst relative errors: power_1 %.3g, power_1_2 %.3g, power_3_4 %.3g\n", worst[0], worst[1],
           worst[2]);
    ck_assert_double_lt(worst[0], 0x1p-24);
    ck_assert_double_lt(worst[1], 0x1.4p-24);
    ck_assert_double_lt(worst[2], 2e-7);
}
END_TEST

START_TEST(any_power)
{
    static const float betas[] = { 0.01f, 0.3f, 0.6f, 0.75f, 1.0f, 1.75f, 2.5f };
    double worst = 0;
    for (size_t k = 0; k < sizeof betas / sizeof *betas; k++)
        for (uint32_t u = bits_of(0x1p-126f); u < bits_of(INFINITY); u += 70001) {
            const float s = float_of(u);
            const double want = pow((double)s, -(double)betas[k]);
            if (want > 0x1p-120 && want < 0x1p120)
                worst = fmax(worst, relative(power(s, 0.0f, betas[k], 0.0f), want));
        }
    printf("worst relative error: power %.3g\n", worst);
    ck_assert_double_lt(worst, 2e-7);
}
END_TEST

/* (s 2^e)^-beta 2^shift is a power of two times s^-beta where both are whole. */
START_TEST(scaled)
{
    for (int e = -180; e <= 180; e += 20) {
        const float s = 3.0f, plain = power(s, 0.0f, 0.5f, 0.0f);
        ck_assert_float_eq(power(s, (float)e, 0.5f, (float)(e / 2)), plain);
        ck_assert_float_eq(power(s, (float)e, 0.5f, 0.0f), ldexpf(plain, -e / 2));
    }
    ck_assert_float_eq(power(1.0f, 600.0f, 1.0f, 0.0f), 0.0f);
    ck_assert(isinf(power(1.0f, -600.0f, 1.0f, 0.0f)));
}
END_TEST

START_TEST(edges)
{
    ck_assert_float_eq(power(0.0f, 0.0f, 0.75f, 0.0f), INFINITY);
    ck_assert(isnan(power(NAN, 0.0f, 0.75f, 0.0f)));
    ck_assert(isnan(power(INFINITY, 0.0f, 0.75f, 0.0f)));
    ck_assert(isnan(power(-1.0f, 0.0f, 0.75f, 0.0f)));
    ck_assert_float_eq(power_fit(16.0f, 0.5f), 0.25f);
    ck_assert_float_eq(power_fit(16.0f, 0.75f), 0.125f);
    ck_assert_float_eq(power_fit(16.0f, 1.0f), 0.0625f);
    ck_assert_float_eq(power_fit(16.0f, 0.0f), 1.0f);
    ck_assert(!FIT(NAN) && !FIT(0.0f) && !FIT(INFINITY) && FIT(1.0f));
}
END_TEST

static Suite *suite(void) { return suite_of("power", SUITE_CASE(roots, any_power, scaled, edges)); }
int main(void) { return suite_run(suite(), CK_FORK); }

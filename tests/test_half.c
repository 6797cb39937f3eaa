/* test_half.c -- half.h against exact rounding: every f16 and bf16, and a sweep over f32. */
#include "base/half.h"

#include "base/compiler.h"
#include "suite.h"

#include <math.h>
#include <stdlib.h>

typedef struct half {
    const char *name;
    float (*widen)(uint16_t h);
    uint16_t (*narrow)(float f);
    int digits, least, most;
} half;
static const half halves[] = {
    { "f16", cln_f16_to_f32, cln_f32_to_f16, 11, -14, 15 },
    { "bf16", cln_bf16_to_f32, cln_f32_to_bf16, 8, -126, 127 },
};

/* What the bits mean, by the book. */
static double decoded(const half *h, unsigned bits)
{
    const int fraction_bits = h->digits - 1;
    const unsigned fraction = bits & ((1u << fraction_bits) - 1u), biased = (bits & 0x7fffu) >> fraction_bits;
    const double sign = bits & 0x8000u ? -1.0 : 1.0;
    if ((int)biased == h->most - h->least + 2)
        return fraction ? NAN : sign * INFINITY;
    const unsigned whole = biased ? fraction | 1u << fraction_bits : fraction;
    return sign * ldexp(whole, (biased ? (int)biased - 1 : 0) + h->least - fraction_bits);
}

/* The exponent of the last binary place of v. */
static int last_place(const half *h, double v)
{
    int exponent = 0;
    frexp(v, &exponent);
    return (v != 0.0 && exponent - 1 > h->least ? exponent - 1 : h->least) - (h->digits - 1);
}

/* Rounding to nearest even by the book: rint in units of the last place. */
static double rounded(const half *h, double v)
{
    const int last = last_place(h, v);
    const double r = ldexp(rint(ldexp(v, -last)), last);
    return fabs(r) >= ldexp(1.0, h->most + 1) ? copysign(INFINITY, v) : r;
}

START_TEST(every_value)
{
    const half *h = &halves[_i];
    for (unsigned bits = 0; bits < 65536u; bits++) {
        const float f = h->widen((uint16_t)bits);
        const double want = decoded(h, bits);
        if (isnan(want) ? !isnan(f) : f != want || !signbit(f) != !(bits & 0x8000u))
            ck_abort_msg("%s %04x is %a, not %a", h->name, bits, f, want);
        const uint16_t back = h->narrow(f);
        if (isnan(want) ? !isnan(h->widen(back)) : back != bits)
            ck_abort_msg("%s %04x comes back as %04x", h->name, bits, back);
    }
}
END_TEST

static void check_rounding(const half *h, uint32_t bits)
{
    const float f = cln_float(bits);
    const double got = h->widen(h->narrow(f)), want = isnan(f) || isinf(f) ? (double)f : rounded(h, f);
    if (isnan(want) ? !isnan(got) : got != want || !signbit(got) != !signbit(f))
        ck_abort_msg("%s of %a is %a, not %a", h->name, f, got, want);
}

START_TEST(sweep_of_f32)
{
    for (uint64_t bits = 0; bits < UINT64_C(1) << 32; bits += 4999)
        check_rounding(&halves[_i], (uint32_t)bits);
}
END_TEST

/* Each finite value and the tie behind it, with their neighbours in f32. */
START_TEST(ties)
{
    const half *h = &halves[_i];
    for (unsigned bits = 0; bits < 65536u; bits++) {
        const double v = decoded(h, bits);
        if (isnan(v) || isinf(v))
            continue;
        const uint32_t at = cln_bits((float)v);
        const double tie = v + copysign(ldexp(1.0, last_place(h, v) - 1), v);
        for (uint32_t k = 0; k < 3; k++) {
            check_rounding(h, at + k - 1u);
            check_rounding(h, cln_bits((float)tie) + k - 1u);
        }
    }
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("all");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, every_value, 0, CLN_COUNT(halves));
    tcase_add_loop_test(t, sweep_of_f32, 0, CLN_COUNT(halves));
    tcase_add_loop_test(t, ties, 0, CLN_COUNT(halves));
    return suite_run(suite_of("half", t), CK_FORK_GETENV);
}

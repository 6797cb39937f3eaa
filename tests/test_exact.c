/* test_exact.c -- cl/common/exact.clh on the host: rounding of recip, inv_sqrt, quot, root and ratio.
 *
 * All that exact.clh uses is exact on every device, so what holds for the host's fma holds there too. */
#include "base/compiler.h"
#include "on_host.h"
#include "suite.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- OpenCL C in C ---- */
typedef uint64_t cl_c_ulong;
typedef uint32_t cl_c_uint;

static uint64_t high_half(uint64_t a, uint64_t b)
{
    const uint64_t al = (uint32_t)a, ah = a >> 32, bl = (uint32_t)b, bh = b >> 32;
    const uint64_t mid = ah * bl + (al * bl >> 32), low = al * bh + (uint32_t)mid;
    return ah * bh + (mid >> 32) + (low >> 32);
}
static uint64_t leading_zeros(uint64_t a)
{
    uint64_t n = 0;
    while (n < 64 && !(a >> (63 - n) & 1))
        n++;
    return n;
}
#define INLINE static inline
#define ulong cl_c_ulong
#define uint cl_c_uint
#define fma fmaf
#define as_uint bits_of
#define as_float float_of
#define mul_hi high_half
#define clz leading_zeros
#include "common/exact.clh"
#undef fma
#undef ulong
#undef uint

/* ---- division and roots ---- */

/* Every 64th mantissa (an odd step, so that all low bits come) over [1, 4): both parities of the exponent. */
enum { STEP = 63, MANTISSAS = 1 << 24 };

/* Of 266,306 values: correctly rounded but for a handful; never more than one step off. */
enum { RECIP_WRONG = 4, SQRT_WRONG = 4, ROOT_WRONG = 4 };

static int64_t steps(float a, float b) { return llabs((int64_t)bits_of(a) - (int64_t)bits_of(b)); }

START_TEST(recip_and_roots)
{
    int wrong[3] = { 0, 0, 0 };
    for (uint32_t m = 0; m < MANTISSAS; m += STEP) {
        const float v = float_of(0x3f800000u + m);
        const double root_v = sqrt((double)v);
        const float got[3] = { recip(v), inv_sqrt(v), root(v) };
        const float want[3] = { (float)(1.0 / (double)v), (float)(1.0 / root_v), (float)root_v };
        for (size_t k = 0; k < 3; k++) {
            ck_assert_msg(steps(got[k], want[k]) <= 1, "function %zu of %.9g: got %.9g, want %.9g", k,
                          (double)v, (double)got[k], (double)want[k]);
            wrong[k] += got[k] != want[k];
        }
    }
    printf("not correctly rounded: recip %d, inv_sqrt %d, root %d of %d\n", wrong[0], wrong[1], wrong[2],
           MANTISSAS / STEP);
    ck_assert_int_le(wrong[0], RECIP_WRONG);
    ck_assert_int_le(wrong[1], SQRT_WRONG);
    ck_assert_int_le(wrong[2], ROOT_WRONG);
}
END_TEST

START_TEST(quotients)
{
    int wrong = 0, all = 0;
    for (uint32_t m = 0; m < MANTISSAS; m += STEP)
        for (uint32_t k = 1; k < 40; k += 13, all++) {
            const float a = float_of(0x3f800000u + (m * 2654435761u * k >> 9)), b = float_of(0x3f800000u + m);
            ck_assert_int_le(steps(quot(a, b), a / b), 1);
            wrong += quot(a, b) != a / b;
        }
    printf("not correctly rounded: quot %d of %d\n", wrong, all);
    ck_assert_int_le(wrong, 4);
}
END_TEST

/* The same mantissas at other exponents: powers of two change nothing while all stays normal. */
START_TEST(exponents)
{
    for (int e = -120; e <= 120; e += 2)
        for (uint32_t m = 0; m < MANTISSAS; m += 9999991u) {
            const float v = float_of(0x3f800000u + m), big = ldexpf(v, e);
            ck_assert_float_eq(recip(big), ldexpf(recip(v), -e));
            ck_assert_float_eq(inv_sqrt(big), ldexpf(inv_sqrt(v), -e / 2));
            ck_assert_float_eq(root(big), ldexpf(root(v), e / 2));
        }
}
END_TEST

START_TEST(edges)
{
    ck_assert_float_eq(recip(0x1p-126f), 0x1p126f);
    ck_assert_int_le(steps(recip(0x1.fffffep125f), 0x1.000002p-126f), 1); /* all but a tie */
    ck_assert_float_eq(recip(0.0f), 0.0f);
    ck_assert_float_eq(recip(0x1p-127f), 0.0f);
    ck_assert_float_eq(recip(0x1p126f), 0.0f);
    ck_assert_float_eq(recip(INFINITY), 0.0f);
    ck_assert_float_eq(inv_sqrt(0.0f), 0.0f);
    ck_assert_float_eq(inv_sqrt(INFINITY), 0.0f);
    ck_assert_float_eq(inv_sqrt(0x1p-126f), 0x1p63f);
    ck_assert_float_eq(root(0.0f), 0.0f);
    ck_assert_float_eq(root(9.0f), 3.0f);
    ck_assert_float_eq(quot(0.0f, 7.0f), 0.0f);
    ck_assert_float_eq(quot(5.0f, 0.0f), 0.0f);
    ck_assert_float_eq(quot(-6.0f, 3.0f), -2.0f);
    ck_assert(isnan(recip(NAN)) && isnan(inv_sqrt(NAN)) && isnan(root(NAN)));
    ck_assert(isnan(quot(NAN, 1.0f)) && isnan(quot(1.0f, NAN)));
}
END_TEST

/* ---- 128 bits ---- */

/* a / b to nearest even by long division, a bit at a time and without ratio's normalization: 192 bits of the
 * quotient a * 2^64 / b, whatever the two are. */
static float exact_ratio(wide a, wide b)
{
    uint64_t q[3] = { 0, 0, 0 }; /* lowest word first */
    wide rest = { 0, 0 };
    int top = -1;
    for (int bit = 191; bit >= 0; bit--) {
        const int from = bit - 64; /* of a */
        rest = wide_twice(rest);
        rest.lo |= from < 0 ? 0 : from < 64 ? a.lo >> from & 1 : a.hi >> (from - 64) & 1;
        if (wide_less(rest, b))
            continue;
        rest = wide_sub(rest, b);
        q[bit / 64] |= (uint64_t)1 << bit % 64;
        top = top < 0 ? bit : top;
    }
    bool left = (rest.hi | rest.lo) != 0;
    uint32_t mantissa = 0;
    for (int k = 0; k < 24; k++)
        mantissa = mantissa << 1 | (top - k >= 0 ? (uint32_t)(q[(top - k) / 64] >> (top - k) % 64 & 1) : 0);
    const int half = top - 24;
    const bool up = half >= 0 && (q[half / 64] >> half % 64 & 1);
    for (int k = 0; k < half; k++)
        left |= q[k / 64] >> k % 64 & 1;
    return ldexpf((float)(mantissa + (up && (left || mantissa & 1))), top - 23 - 64);
}

static uint64_t state = 88172645463325252u;
static uint64_t next_random(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

/* Of 1 to 126 bits, each length as likely. */
static wide random_wide(void)
{
    const unsigned drop = 2 + (unsigned)(next_random() % 125);
    wide w = { next_random(), next_random() | 1 };
    for (unsigned k = 0; k < drop; k++) {
        w.lo = w.lo >> 1 | w.hi << 63;
        w.hi >>= 1;
    }
    w.lo |= !w.hi && !w.lo;
    return w;
}

static void same_ratio(wide a, wide b)
{
    const float got = ratio(a, b), want = exact_ratio(a, b);
    ck_assert_msg(got == want, "%llx:%016llx / %llx:%016llx: got %a, want %a", (unsigned long long)a.hi,
                  (unsigned long long)a.lo, (unsigned long long)b.hi, (unsigned long long)b.lo, (double)got,
                  (double)want);
}

/* exact_ratio carries 64 bits behind the point: a quotient below 2^-39 would need more. */
static bool in_reach(wide a, wide b) { return wide_bits(a) - wide_bits(b) > -38; }

START_TEST(random_ratios)
{
    int tried = 0;
    while (tried < 100000) {
        const wide a = random_wide(), b = random_wide();
        if (!in_reach(a, b))
            continue;
        same_ratio(a, b);
        tried++;
    }
}
END_TEST

/* Quotients of 25 bits and next to them: ties, and what is barely none. */
START_TEST(halves)
{
    for (int i = 0; i < 20000; i++) {
        const uint64_t q = (uint64_t)1 << 24 | (next_random() & 0xffffff), b = next_random() >> 2 | 1;
        const wide exact = wide_mul(q, b), divisor = { 0, b }, one = { 0, 1 };
        wide above = exact;
        above.lo++;
        above.hi += above.lo == 0;
        ck_assert_float_eq(ratio(exact, divisor), (float)q);
        same_ratio(exact, divisor);
        same_ratio(above, divisor);
        same_ratio(wide_sub(exact, one), divisor);
    }
}
END_TEST

START_TEST(ratio_edges)
{
    const wide zero = { 0, 0 }, one = { 0, 1 }, two = { 0, 2 }, three = { 0, 3 },
               most = { 0x3fffffffffffffffu, ~(uint64_t)0 }, power = { (uint64_t)1 << 61, 0 },
               ties = { 0, 0x1ffffff }, /* 2^25 - 1 rounds up into the next power */
        word = { 1, 0 };
    ck_assert_float_eq(ratio(zero, one), 0.0f);
    ck_assert_float_eq(ratio(zero, most), 0.0f);
    ck_assert_float_eq(ratio(one, one), 1.0f);
    ck_assert_float_eq(ratio(most, most), 1.0f);
    ck_assert_float_eq(ratio(one, two), 0.5f);
    ck_assert_float_eq(ratio(one, three), 1.0f / 3.0f);
    ck_assert_float_eq(ratio(two, three), 2.0f / 3.0f);
    ck_assert_float_eq(ratio(power, one), 0x1p125f);
    ck_assert_float_eq(ratio(one, power), 0x1p-125f);
    ck_assert_float_eq(ratio(most, one), 0x1p126f);
    ck_assert_float_eq(ratio(ties, one), 0x1p25f);
    ck_assert_float_eq(ratio(word, one), 0x1p64f);
    ck_assert_float_eq(ratio(word, word), 1.0f);
    for (uint32_t a = 1; a < 300; a++)
        for (uint32_t b = 1; b < 300; b++) {
            const wide x = { 0, a }, y = { 0, b };
            ck_assert_float_eq(ratio(x, y), (float)a / (float)b);
        }
}
END_TEST

START_TEST(wide_arithmetic)
{
    for (int i = 0; i < 100000; i++) {
        const uint64_t a = next_random(), b = next_random();
        const wide p = wide_mul(a, b);
        ck_assert_uint_eq(p.lo, a * b);
        ck_assert_uint_eq(
            p.hi % 0xffffffffu, /* 2^32 is 1 there, and so is 2^64 */
            (a % 0xffffffffu * (b % 0xffffffffu) % 0xffffffffu + 0xffffffffu - p.lo % 0xffffffffu) %
                0xffffffffu);
        const wide twice = wide_twice(p), again = wide_sub(twice, p);
        if (p.hi >> 63)
            continue;
        ck_assert(again.hi == p.hi && again.lo == p.lo);
        ck_assert(!p.hi || wide_bits(p) + 1 == wide_bits(twice));
    }
}
END_TEST

int main(void)
{
    return suite_run(suite_of("exact", SUITE_CASE(recip_and_roots, quotients, exponents, edges, random_ratios,
                                                  halves, ratio_edges, wide_arithmetic)),
                     CK_NOFORK);
}

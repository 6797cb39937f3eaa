/* test_regime.c -- what statistics say was done to a tensor, and pictures of what has no picture. */
#include "cli/picture.h"
#include "cli/regime.h"

#include "suite.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Channels alike, as preset half expects them. */
static cli_expected of_half(size_t channels)
{
    cli_expected e = { channels, { 0 }, { 0 } };
    for (size_t c = 0; c < channels; c++)
        e.mean[c] = e.std[c] = 0.5;
    return e;
}

static const char *judged(const cli_channel *channels, const cli_expected *e)
{
    return cli_judge(channels, e, 1).name;
}

/* One number that is none in any statistic of any channel. */
START_TEST(not_finite)
{
    const cli_expected e = of_half(3);
    const cli_channel fine = { -1, 1, -0.1, 0.5 };
    for (int k = 0; k < 12; k++) {
        cli_channel channels[] = { fine, fine, fine }, *const c = &channels[k % 3];
        double *const fields[] = { &c->min, &c->max, &c->mean, &c->std };
        ck_assert_str_eq(judged(channels, &e), "ok");
        *fields[k / 3] = k % 2 ? (double)NAN : -(double)INFINITY;
        ck_assert_str_eq(judged(channels, &e), "not-finite");
    }
}
END_TEST

/* Of other numbers of channels than three no two can have traded places, and no preset of three explains them. */
START_TEST(other_channels)
{
    const cli_channel fine[] = { { -1, 1, -0.1, 0.5 }, { -0.9, 0.8, -0.2, 0.4 } },
                      strange[] = { { -4000, 3000, 2, 900 }, { -2000, 5000, 7, 800 } };
    for (size_t n = 1; n <= 2; n++) {
        const cli_expected e = of_half(n);
        ck_assert_str_eq(judged(fine, &e), "ok");
        ck_assert_str_eq(judged(strange, &e), "unknown");
    }
}
END_TEST

/* The least is black and the largest white, wherever they are; what is not finite, or all there is, is black. */
START_TEST(pictures)
{
    static const struct {
        float values[4];
        unsigned char bytes[4];
    } cases[] = { { { 1, 2, 3, 5 }, { 0, 64, 128, 255 } },
                  { { 5, 3, 2, 1 }, { 255, 128, 64, 0 } },
                  { { NAN, 2, INFINITY, 4 }, { 0, 0, 0, 255 } },
                  { { 7, 7, 7, 7 }, { 0, 0, 0, 0 } },
                  { { NAN, NAN, NAN, -INFINITY }, { 0, 0, 0, 0 } } };
    for (size_t k = 0; k < COUNT(cases); k++) {
        float values[4];
        memcpy(values, cases[k].values, sizeof values);
        cli_array y = { CLNORM_F32, 1, { 4 }, values, sizeof values, false };
        cli_picture_map(&y);
        ck_assert_uint_eq(y.dtype, CLNORM_U8);
        ck_assert_uint_eq(y.bytes, 4);
        ck_assert_mem_eq(y.data, cases[k].bytes, 4);
    }
}
END_TEST

int main(void)
{
    return suite_run(suite_of("regime", SUITE_CASE(not_finite, other_channels, pictures)), CK_NOFORK);
}

/* regime.c -- from statistics of a tensor to what was done to it.
 *
 * Each hypothesis says how pixels p in [0, 1] became the values v, and so how to get p
 * back. The pixels that it gives are compared with what photographs look like. The
 * right hypothesis gives pixels that fill [0, 1]; a wrong one gives values outside, or
 * ones that huddle in a corner. Another hypothesis than "ok" must be better by a clear
 * margin. */
#include "cli/regime.h"

#include <math.h>

/* ---- hypotheses ---- */

/* p = v back from what was done, for a channel with that mean and std. */
typedef double pixel_of(double v, double mean, double std);
static double from_ok(double v, double mean, double std) { return v * std + mean; }
static double from_bytes(double v, double mean, double std) { return (void)mean, (void)std, v / 255; }
static double from_words(double v, double mean, double std) { return (void)mean, (void)std, v / 65535; }
static double from_unit(double v, double mean, double std) { return (void)mean, (void)std, v; }
static double from_unit_twice(double v, double mean, double std) { return (void)mean, (void)std, v * 255; }
static double from_undivided(double v, double mean, double std) { return (v * std + mean) / 255; }
static double from_divided_twice(double v, double mean, double std) { return (v * std + mean) * 255; }
static double from_twice(double v, double mean, double std) { return (v * std + mean) * std + mean; }

static const cli_verdict verdict_ok = { true, "ok", "as the model expects" };

/* Each mistake, and what undoes it. */
static const struct hypothesis {
    cli_verdict verdict;
    pixel_of *pixel;
} hypotheses[] = {
    { { false, "not-scaled", "not scaled at all: values are 0..255" }, from_bytes },
    { { false, "not-scaled", "not scaled at all: values are 0..65535" }, from_words },
    { { false, "not-normalized", "divided by 255, but not normalized: values are 0..1" }, from_unit },
    { { false, "divided-twice", "divided by 255 twice, and not normalized" }, from_unit_twice },
    { { false, "not-divided", "normalized without being divided by 255 first" }, from_undivided },
    { { false, "divided-twice", "divided by 255 twice, then normalized" }, from_divided_twice },
    { { false, "normalized-twice", "normalized twice" }, from_twice },
};
#define HYPOTHESES (sizeof hypotheses / sizeof *hypotheses)

/* ---- how well the pixels fit ---- */

/* Resizing overshoots at edges by a part of the contrast, and 16-bit floats round by
 * about one level of 255: that much outside [0, 1] is still a pixel. */
#define OVERSHOOT 0.08
#define LEVEL 0.004
#define IMPOSSIBLE 1e9
#define STRANGE 25.0 /* a mistake of such pixels is no explanation */
#define MARGIN 3.0

static double square(double a) { return a * a; }

/* Means of photographs are about 0.45 +- 0.2, their contrasts about 0.25 within a factor
 * of 2 (ImageNet). */
static double strangeness(double mean, double std)
{
    return square((mean - 0.45) / 0.2) + square(log(fmax(std, 1e-4) / 0.25) / log(2.0));
}

/* Eight-bit images leave a fingerprint: 255 p is a whole number at minimum and maximum of
 * every channel. Three channels agree by chance once in 10,000 times. */
static bool on_grid(double p) { return fabs(p * 255 - rint(p * 255)) < 0.1; }

static double cost(pixel_of *pixel, const cli_channel *channels, const cli_expected *e)
{
    double mean = 0, std = 0, low = INFINITY, high = -INFINITY;
    bool grid = e->channels >= 3;
    for (size_t c = 0; c < e->channels; c++) {
        const double m = e->mean[c], s = e->std[c], slope = pixel(1, m, s) - pixel(0, m, s);
        const double a = pixel(channels[c].min, m, s), b = pixel(channels[c].max, m, s);
        mean += pixel(channels[c].mean, m, s) / (double)e->channels;
        std += channels[c].std * fabs(slope) / (double)e->channels;
        low = fmin(low, fmin(a, b));
        high = fmax(high, fmax(a, b));
        grid = grid && on_grid(a) && on_grid(b) && b - a > 2.0 / 255;
    }
    const double slack = LEVEL + OVERSHOOT * (high - low);
    if (low < -slack || high > 1 + slack)
        return IMPOSSIBLE;
    return strangeness(mean, std) - (grid ? 2 * MARGIN : 0);
}

/* ---- swapped channels ---- */

/* From photograph to photograph the difference of the means of red and blue varies by
 * about this much around that of the preset, so that one blue sky proves nothing and a
 * batch of images does. */
#define RED_BLUE 0.12

/* By how much, as the logarithm of a likelihood ratio, the swapped preset explains the
 * means better; 0 where red and blue are alike to the preset. */
static double swapped(const cli_channel *channels, const cli_expected *e, size_t images)
{
    if (e->channels != 3)
        return 0;
    const double red = from_ok(channels[0].mean, e->mean[0], e->std[0]);
    const double blue = from_ok(channels[2].mean, e->mean[2], e->std[2]);
    return (double)images * -2 * (e->mean[0] - e->mean[2]) * (red - blue) / square(RED_BLUE);
}

/* 20 to 1 is a failure, 3 to 1 a remark. */
static cli_verdict judge_order(cli_verdict ok, double evidence)
{
    static const cli_verdict likely = {
        true, "swapped-likely",
        "as the model expects, but red and blue may be swapped: more images would tell"
    };
    static const cli_verdict strong = { false, "swapped", "red and blue are swapped, very likely" };
    return evidence > log(20) ? strong : evidence > log(3) ? likely : ok;
}

/* ---- the verdict ---- */

/* The presets that a model may mean instead. */
static const struct other {
    const char *preset;
    cli_verdict verdict;
} others[] = {
    { "imagenet", { false, "other-preset", "normalized by preset imagenet, not by this one" } },
    { "half", { false, "other-preset", "scaled to [-1, 1] as by preset half, not normalized by this one" } },
    { "clip", { false, "other-preset", "normalized by preset clip, not by this one" } },
    { "cifar10", { false, "other-preset", "normalized by preset cifar10, not by this one" } },
};
#define OTHERS (sizeof others / sizeof *others)

static double cost_of_preset(const char *name, const cli_channel *channels, size_t count)
{
    float mean[CLNORM_MAX_CHANNELS], std[CLNORM_MAX_CHANNELS];
    cli_expected e = { count, { 0 }, { 0 } };
    uint32_t n = 0;
    if (clnorm_preset(name, mean, std, &n) != CLNORM_OK || (n != 1 && n != count))
        return IMPOSSIBLE;
    for (size_t c = 0; c < count; c++) {
        e.mean[c] = (double)mean[n == 1 ? 0 : c];
        e.std[c] = (double)std[n == 1 ? 0 : c];
    }
    return cost(from_ok, channels, &e);
}

static bool finite_everywhere(const cli_channel *channels, size_t count)
{
    for (size_t c = 0; c < count; c++)
        if (!isfinite(channels[c].mean) || !isfinite(channels[c].std) || !isfinite(channels[c].min) ||
            !isfinite(channels[c].max))
            return false;
    return true;
}

cli_verdict cli_judge(const cli_channel *channels, const cli_expected *expected, size_t images)
{
    static const cli_verdict broken = { false, "not-finite", "NaN or inf is in it" };
    static const cli_verdict unknown = { false, "unknown",
                                         "outside of what this preset gives, by no known mistake" };
    if (!finite_everywhere(channels, expected->channels))
        return broken;
    const double ok = cost(from_ok, channels, expected);
    double least = STRANGE;
    cli_verdict best = unknown;
    for (size_t k = 0; k < HYPOTHESES + OTHERS; k++) {
        const double one = k < HYPOTHESES
                               ? cost(hypotheses[k].pixel, channels, expected)
                               : cost_of_preset(others[k - HYPOTHESES].preset, channels, expected->channels);
        if (one < least) {
            least = one;
            best = k < HYPOTHESES ? hypotheses[k].verdict : others[k - HYPOTHESES].verdict;
        }
    }
    if (ok < IMPOSSIBLE && ok - least < MARGIN)
        return judge_order(verdict_ok, swapped(channels, expected, images));
    return ok < IMPOSSIBLE && least >= STRANGE ? verdict_ok : best;
}

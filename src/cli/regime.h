/* regime.h -- from statistics of a tensor to what was done to it. */
#ifndef CLI_REGIME_H
#define CLI_REGIME_H

#include "clnorm.h"

#include <stdbool.h>
#include <stddef.h>

/* One channel over all images. */
typedef struct cli_channel {
    double min, max, mean, std;
} cli_channel;

/* What a model expects: y = (p - mean) / std of pixels p in [0, 1]. */
typedef struct cli_expected {
    size_t channels;
    double mean[CLNORM_MAX_CHANNELS], std[CLNORM_MAX_CHANNELS];
} cli_expected;

typedef struct cli_verdict {
    bool ok;
    const char *name; /* a word for programs: "ok", "not-scaled", .. */
    const char *text; /* for people */
} cli_verdict;

/* Judges the channels of `images` images. */
cli_verdict cli_judge(const cli_channel *channels, const cli_expected *expected, size_t images);

#endif

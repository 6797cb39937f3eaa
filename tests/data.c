/* data.c -- what x holds in a case. */
#include "data.h"

#include <math.h>

double data_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    uint32_t z = *state ^ *state >> 15;
    z *= 0x2c1b3c6du;
    return (double)((z ^ z >> 13) >> 8) / 16777216.0;
}

double data_bell(uint32_t *state)
{
    double sum = 0;
    for (int k = 0; k < 12; k++)
        sum += data_random(state);
    return sum - 6;
}

static double whole(data_kind kind, int64_t i, double most, uint32_t *state)
{
    return kind == DATA_CONSTANT           ? most
           : kind == DATA_ZEROS && i < 100 ? 0
           : kind == DATA_FAR              ? most - floor(2 * data_random(state))
                                           : floor(data_random(state) * (most + 1));
}

static double real(data_kind kind, int64_t i, uint32_t *state)
{
    const double n = data_bell(state);
    switch (kind) {
    case DATA_CONSTANT:
        return 0.1;
    case DATA_FAR:
        return 1e4 + 1e-2 * n;
    case DATA_FARTHER:
        return 1e6 + n;
    case DATA_THOUSAND:
        return 1e3 + 1e-3 * n;
    case DATA_ZEROS:
        return i < 70 ? 0 : 1e3 + n;
    case DATA_OUTLIER:
        return i == 0 ? 1e6 : n;
    case DATA_HUGE:
        return 3e38 * (2 * data_random(state) - 1);
    case DATA_SMALL:
        return 1e-20 * n;
    case DATA_TINY:
        return 1e-30 * n;
    case DATA_NAN:
        return i == 5 ? NAN : n;
    case DATA_INF:
        return i == 3 ? INFINITY : n;
    case DATA_PEAK:
        return i == 52 ? 1e25 : n;
    default:
        return 0.7 + 1.3 * n;
    }
}

double data_value(data_kind kind, uint32_t dtype, int64_t i, uint32_t *state)
{
    return dtype == CLNORM_U8    ? whole(kind, i, 255, state)
           : dtype == CLNORM_S8  ? whole(kind, i, 255, state) - 128
           : dtype == CLNORM_U16 ? whole(kind, i, 65535, state)
                                 : real(kind, i, state);
}

bool data_fits(data_kind kind, uint32_t dtype)
{
    if (dtype == CLNORM_F32)
        return true;
    if (dtype == CLNORM_BF16)
        return kind != DATA_FAR && kind != DATA_THOUSAND && kind != DATA_FARTHER;
    if (dtype == CLNORM_F16)
        return kind == DATA_NORMAL || kind == DATA_CONSTANT || kind == DATA_NAN || kind == DATA_INF ||
               kind == DATA_ZEROS;
    return kind == DATA_NORMAL || kind == DATA_CONSTANT || kind == DATA_ZEROS || kind == DATA_FAR;
}

const char *data_name(data_kind kind)
{
    static const char *const names[DATA_KINDS] = {
        "normal", "constant", "1e4+-1e-2", "1e6+-1", "1e3+-1e-3", "zeros in front", "outlier in front",
        "3e38",   "1e-20",    "1e-30",     "NaN",    "inf",       "a peak"
    };
    return names[kind];
}

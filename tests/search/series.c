/* series.c -- see series.h. */
#include "series.h"

#include <math.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

uint64_t series_next(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

double series_unit(uint64_t *state) { return ldexp((double)(series_next(state) >> 11), -53); }
uint32_t series_below(uint64_t *state, uint32_t n) { return (uint32_t)(series_next(state) % n); }

/* ---- values ---- */

static double noise(uint64_t seed, uint64_t i)
{
    uint64_t state = seed + i * 0x632be59bd9b4e019u;
    return 2 * series_unit(&state) - 1;
}

static double formed(const series *s, int64_t i, int64_t n)
{
    const double u = noise(s->seed, (uint64_t)i);
    switch (s->form) {
    case SERIES_TWO:
        return u < 0 ? -1 : 1;
    case SERIES_HEAVY:
        return u * u * u;
    case SERIES_RAMP:
        return n > 1 ? 2 * (double)i / (double)(n - 1) - 1 : 0;
    case SERIES_TURNS:
        return i % 2 ? -1 : 1;
    case SERIES_LATE:
        return i < n / 64 || u < 0 ? -1 : 1;
    default:
        return u;
    }
}

/* A product of two that are in range may not be. */
static double held(const series *s, double value)
{
    const double v = fmax(-s->most, fmin(s->most, value));
    return fabs(v) < s->least ? 0 : v;
}

double series_value(const series *s, int64_t i, int64_t n)
{
    double v = s->offset + s->scale * formed(s, i, n);
    if (s->block)
        v += s->apart * noise(s->seed + 1, (uint64_t)i / s->block);
    if (s->every && (uint64_t)i % s->every == s->phase % s->every)
        v = s->outlier;
    for (uint32_t k = 0; k < s->nputs; k++)
        if (n && (int64_t)s->put[k].at % n == i)
            v = s->put[k].value;
    return held(s, v);
}

/* ---- changes ---- */

static double magnitude(const series *s, uint64_t *state)
{
    const double low = log2(s->least), high = log2(s->most);
    const double all = exp2(low + (high - low) * series_unit(state)), near = exp2(8 * series_unit(state) - 4);
    const double v = fmin(series_below(state, 3) ? near : all, s->most);
    return series_below(state, 2) ? -v : v;
}

/* A number close by: a step of its last bits, a factor, its negative, or another one. */
static double moved(const series *s, double v, uint64_t *state)
{
    switch (series_below(state, 6)) {
    case 0:
        return v * (1 + ldexp(2 * series_unit(state) - 1, -(int)series_below(state, 24)));
    case 1:
        return v * 2;
    case 2:
        return v / 2;
    case 3:
        return -v;
    case 4:
        return series_below(state, 4) ? v + s->scale * (2 * series_unit(state) - 1) : 0;
    default:
        return magnitude(s, state);
    }
}

static void change_put(series *s, uint64_t *state)
{
    if (s->nputs < SERIES_PUTS && series_below(state, 3) == 0)
        s->put[s->nputs++].value = magnitude(s, state);
    if (!s->nputs)
        return;
    const uint32_t k = series_below(state, s->nputs);
    if (series_below(state, 8) == 0)
        s->put[k] = s->put[--s->nputs];
    else if (series_below(state, 2))
        s->put[k].at = series_below(state, 2) ? series_below(state, 1 << 16) : series_below(state, 70);
    else
        s->put[k].value = moved(s, s->put[k].value, state);
}

static uint32_t stretch(uint64_t *state)
{
    static const uint32_t lengths[] = { 0, 0, 1, 2, 3, 4, 7, 8, 15, 16, 17, 63, 64, 65, 512, 1024, 4096 };
    return lengths[series_below(state, COUNT(lengths))];
}

void series_change(series *s, uint64_t *state)
{
    switch (series_below(state, 9)) {
    case 0:
        s->form = (series_form)series_below(state, SERIES_FORMS);
        break;
    case 1:
        s->seed = series_next(state);
        break;
    case 2:
        s->offset = moved(s, s->offset, state);
        break;
    case 3:
        s->scale = moved(s, s->scale, state);
        break;
    case 4:
        s->apart = moved(s, s->apart, state);
        break;
    case 5:
        s->block = stretch(state);
        break;
    case 6:
        s->outlier = moved(s, s->outlier, state);
        break;
    case 7:
        s->every = stretch(state);
        s->phase = series_below(state, 1 << 12);
        break;
    default:
        change_put(s, state);
    }
}

series series_begin(uint64_t *state, double most, double least)
{
    series s;
    memset(&s, 0, sizeof s);
    s.form = (series_form)series_below(state, SERIES_FORMS);
    s.seed = series_next(state);
    s.most = most;
    s.least = least;
    s.scale = 1;
    s.offset = series_below(state, 2) ? magnitude(&s, state) : 0;
    return s;
}

void series_print(FILE *file, const char *name, const series *s)
{
    static const char *const forms[] = { "uniform", "two values", "heavy", "ramp", "turns", "late" };
    fprintf(file, "%s: %s, seed %llu, offset %.9g, scale %.9g", name, forms[s->form],
            (unsigned long long)s->seed, s->offset, s->scale);
    if (s->block)
        fprintf(file, ", blocks of %u apart %.9g", s->block, s->apart);
    if (s->every)
        fprintf(file, ", %.9g at %u of every %u", s->outlier, s->phase % s->every, s->every);
    for (uint32_t k = 0; k < s->nputs; k++)
        fprintf(file, ", %.9g at %u", s->put[k].value, s->put[k].at);
    fputc('\n', file);
}

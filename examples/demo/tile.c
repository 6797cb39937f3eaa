/* tile.c -- what the sheet shows of one array: a picture, a histogram per channel, a few numbers. */
#include "tile.h"

#include <math.h>
#include <stdlib.h>

/* Bins are narrower than the steps of an 8-bit photo after stretching; a bell of this many bins (1 % of the
 * axis) closes the comb that would show without it. */
#define BELL 5.0

static double position(const tile *t, float value) { return ((double)value - t->low) / (t->high - t->low); }

static void smooth(float *out, const double *bins)
{
    enum { REACH = 16 };
    double weight[REACH + 1], sum = 0.0;
    for (int k = 0; k <= REACH; k++) {
        weight[k] = exp(-0.5 * k * k / (BELL * BELL));
        sum += k ? 2.0 * weight[k] : weight[k];
    }
    for (int i = 0; i < TILE_BINS; i++) {
        double v = 0.0;
        for (int k = -REACH; k <= REACH; k++) {
            int j = i + k;
            j = j < 0 ? -1 - j : j >= TILE_BINS ? 2 * TILE_BINS - 1 - j : j; /* mirrored at the ends */
            v += weight[abs(k)] * bins[j];
        }
        out[i] = (float)sqrt(v / sum); /* the square root shows the small beside the large */
    }
}

/* To the highest point that is not at an end of the axis: the peak of clipped black and white there would
 * press all the rest flat, so it is cut at the top instead. */
static void scale_curves(tile *t)
{
    enum { END = TILE_BINS / 24 };
    float top = 1e-30f;
    for (int c = 0; c < TILE_CHANNELS; c++)
        for (int i = END; i < TILE_BINS - END; i++)
            top = t->curve[c][i] > top ? t->curve[c][i] : top;
    for (int c = 0; c < TILE_CHANNELS; c++)
        for (int i = 0; i < TILE_BINS; i++)
            t->curve[c][i] = t->curve[c][i] < top ? t->curve[c][i] / top : 1.0f;
}

bool tile_fill(tile *t, const float *values, int width, int height)
{
    const size_t pixels = (size_t)width * (size_t)height;
    size_t beyond = 0;
    t->width = width;
    t->height = height;
    t->view = (uint8_t *)malloc(pixels * TILE_CHANNELS + 1);
    if (!t->view)
        return false;
    for (size_t c = 0; c < TILE_CHANNELS; c++) {
        double bins[TILE_BINS] = { 0 };
        for (size_t i = 0; i < pixels; i++) {
            const double at = position(t, values[c * pixels + i]);
            const double inside = at > 0.0 ? (at < 1.0 ? at : 1.0) : 0.0; /* NaN is shown black */
            const size_t bin = (size_t)(inside * TILE_BINS);
            bins[bin < TILE_BINS ? bin : TILE_BINS - 1] += 1.0;
            /* Rounding in f32 may pass an end by an ulp; that is not beyond the axis. */
            beyond += !(fabs(at - 0.5) <= 0.5 + 1e-5);
            t->view[i * TILE_CHANNELS + c] = (uint8_t)lround(inside * 255.0);
        }
        smooth(t->curve[c], bins);
    }
    t->beyond = pixels ? (double)beyond / (double)(pixels * TILE_CHANNELS) : 0.0;
    scale_curves(t);
    return true;
}

void tile_free(tile *t)
{
    free(t->view);
    t->view = NULL;
}

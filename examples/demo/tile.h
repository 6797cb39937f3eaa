/* tile.h -- what the sheet shows of one array: a picture, a histogram per channel, a few numbers. */
#ifndef DEMO_TILE_H
#define DEMO_TILE_H

#include <stdbool.h>
#include <stdint.h>

enum { TILE_CHANNELS = 3, TILE_BINS = 512 };

typedef struct tile_stats {
    double min, mean, std, max;
} tile_stats;

typedef struct tile {
    char name[48], formula[96], note[104], time[24];
    double low, high; /* the values that are shown as black and as white */
    bool whole;       /* the values are integers */
    int width, height;
    uint8_t *view;                         /* RGB, channels last; tile_free */
    float curve[TILE_CHANNELS][TILE_BINS]; /* 0..1 */
    double beyond;                         /* share of the values outside low..high */
    tile_stats stats[TILE_CHANNELS];
} tile;

/* Fills view, curve and beyond from values stored channels first, by low and high. False: no memory. */
bool tile_fill(tile *t, const float *values, int width, int height);
void tile_free(tile *t);

#endif

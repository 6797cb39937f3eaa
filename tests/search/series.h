/* series.h -- what an input holds, in a few numbers that can be changed one at a time. */
#ifndef SERIES_H
#define SERIES_H

#include <stdint.h>
#include <stdio.h>

/* 64-bit numbers in a row: splitmix64, Steele, Lea & Flood 2014. */
uint64_t series_next(uint64_t *state);
/* Uniform in [0, 1). */
double series_unit(uint64_t *state);
/* Below n. */
uint32_t series_below(uint64_t *state, uint32_t n);

/* What lies between -1 and 1. */
typedef enum series_form {
    SERIES_UNIFORM,
    SERIES_TWO,   /* -1 and 1 */
    SERIES_HEAVY, /* most of it small: the cube of a number */
    SERIES_RAMP,
    SERIES_TURNS, /* 1, -1, 1, ... */
    SERIES_LATE, /* -1 in front, and then -1 and 1: sums about what is in front have many terms that are alike */
    SERIES_FORMS
} series_form;

enum { SERIES_PUTS = 6 };

/* offset + scale * form, blocks that lie apart from each other, outliers in a row, and single elements. */
typedef struct series {
    series_form form;
    uint64_t seed;
    double offset, scale;
    double apart; /* of blocks of `block` elements */
    uint32_t block;
    double outlier; /* every so many elements, from the one at `phase`; every 0: none */
    uint32_t every, phase;
    uint32_t nputs;
    struct {
        uint32_t at;
        double value;
    } put[SERIES_PUTS];
    double most; /* |value| at most; nothing but 0 below `least` */
    double least;
} series;

series series_begin(uint64_t *state, double most, double least);
/* Changes one number of it. */
void series_change(series *s, uint64_t *state);
double series_value(const series *s, int64_t i, int64_t n);
void series_print(FILE *file, const char *name, const series *s);

#endif

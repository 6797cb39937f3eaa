/* whiten_case.h -- data to whiten, what is fitted to it on the device, and how far that is off. Define _POSIX_C_SOURCE 200809L
 * before. */
#ifndef WHITEN_CASE_H
#define WHITEN_CASE_H

#include "api_case.h"

#include "ref/whiten.h"

#include <math.h>
#include <stdlib.h>

extern clnorm_context *whiten_ctx; /* between open and close */
void whiten_open(void);
void whiten_close(void);

/* Zeros, for free(). */
void *whiten_room(size_t bytes);
double whiten_random(uint64_t *state); /* near normal, variance 1 */

typedef struct whiten_cell {
    uint32_t samples, patch, stride, form, components;
    int64_t n, c, h, w; /* h 0: rows (N,C) */
    bool last;          /* channels */
    uint32_t dtype;
    double mean, std;
    bool as_image; /* y has x's shape */
} whiten_cell;

clnorm_tensor whiten_tensor(const whiten_cell *k, int64_t n, uint32_t dtype);
/* Values that follow each other in memory are correlated, and each channel has a scale of its own. */
void *whiten_data(const whiten_cell *k, uint64_t seed);
clnorm_whiten whiten_task(const whiten_cell *k, uint32_t task);

typedef struct whiten_fitted {
    clnorm_whiten_stats stats;
    clnorm_whitener w;
} whiten_fitted;

/* Room for so many dimensions, without samples. */
void whiten_make(whiten_fitted *f, size_t dims);
void whiten_free(whiten_fitted *f);
clnorm_host_args whiten_args(void *x);
/* x as d has it, but for the shape. */
void whiten_add(whiten_fitted *f, clnorm_whiten d, clnorm_tensor x, void *data);
void whiten_apply(clnorm_whiten d, void *x, float *mean, float *w, void *y);

/* The largest difference of count values, as a share of the largest `want`. */
double whiten_worst(const float *got, const double *want, size_t count);
/* Of the samples, outputs x outputs: how far from the identity, or from `diagonal`. */
double whiten_from_identity(const double *y, size_t count, size_t outputs, const double *diagonal);

/* The tests of the files of these names. */
void whiten_chunks(TCase *t);
void whiten_fit(TCase *t);
void whiten_refused(TCase *t);

#endif

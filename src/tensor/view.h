/* view.h -- a problem's shape as the kernels see it: sets of runs. */
#ifndef CLN_VIEW_H
#define CLN_VIEW_H

#include "clnorm.h"

#include <stdbool.h>

/* The twin of `geo` in cl/common/op.clh: same fields, same order, eight-byte fields first. */
typedef struct cln_geo {
    int64_t kept_x[4], kept_y[4];
    int64_t run_x[3], run_y[3];
    int64_t mix_x, mix_y, step_x, step_y;
    uint32_t kept[4], run[3], mix;
    uint32_t sets, runs, len, plain;
    uint32_t swap, swap_kept, channel_div, channel_mod;
    uint32_t per, block, parts, spare;
} cln_geo;

#define CLN_CHUNK 4096u /* elements; order 1 of cl/common/sum.clh */

/* What a view is made from. */
typedef struct cln_view_spec {
    const clnorm_tensor *x, *y; /* same shape, strides complete; y NULL: nothing is written per element */
    uint32_t reduced;           /* bit per axis */
    int channel;                /* the channel axis, -1 when there is none */
    bool per_channel;           /* a run must not cross channels */
    bool swap;                  /* channels 0 and 2 of x trade places */
} cln_view_spec;

/* Sets (kept axes, in order), runs (reduced axes but one), elements (the last axis), neighbours merged.
 *
 * The axis of elements is the longest that vectors can walk; an axis whose stride is smaller than that axis'
 * step (the channels of a pixel) becomes `mix`, innermost of the runs. The order of sums follows from this
 * and so from shapes and strides alone. Errors  EUNSUPPORTED for more axes, or more elements in one set, than
 * the kernels count. */
clnorm_status cln_view_build(cln_geo *out, const cln_view_spec *spec);

/* Chunks of one set. */
uint64_t cln_geo_chunks(const cln_geo *g);

#endif

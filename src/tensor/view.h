/* view.h -- a problem's shape as the kernels see it: sets of runs. */
#ifndef CLN_VIEW_H
#define CLN_VIEW_H

#include "clnorm.h"

#include <stdbool.h>

/* The tensors that a problem strides through: x; y; the second input; gamma and beta; earlier statistics. */
enum { CLN_VIEW_X, CLN_VIEW_Y, CLN_VIEW_D, CLN_VIEW_W, CLN_VIEW_S, CLN_VIEWS };

/* Strides of one tensor, in elements. */
typedef struct cln_strides {
    int64_t kept[4], run[3], mix, step;
} cln_strides;

/* The twin of `geo` in cl/common/place.clh: same fields, same order, eight-byte fields first. */
typedef struct cln_geo {
    cln_strides view[CLN_VIEWS];
    uint32_t kept[4], run[3], mix;
    uint32_t sets, runs, len, plain;
    uint32_t swap, swap_kept, channel_div, channel_mod;
    uint32_t wdiv, sdiv, wmod;
    uint32_t per, block, parts;
    uint32_t mapped, weights;
    uint32_t span, cols;
    uint32_t past, stats, family;
    uint32_t base, all;
    uint32_t left;
} cln_geo;

/* Numbers that cl/ has, too; test_source.c compares. SHORT is a build option there. */
#define CLN_CHUNK 4096u     /* elements; order 1 of cl/common/sum.clh */
#define CLN_REST 1024u      /* of those, that a lane adds at a time */
#define CLN_LANES 64u       /* to which they belong in turn */
#define CLN_LEVELS 24       /* of the tree over chunks that one group has: it holds fewer than 2^24 */
#define CLN_LEAF 512u       /* rows of a column's leaf; its order, in cl/common/columns.clh */
#define CLN_REST_ROWS 16u   /* that a column adds at a time */
#define CLN_HEAD_ROWS 16u   /* that sums of a column are about; of more, strips.clh has no sets */
#define CLN_SHORT 224u      /* elements of a set that a CPU folds beside others, at most */
#define CLN_COLS_ONE 1024u  /* columns of a group of one at most */
#define CLN_COLS_MANY 256u  /* of one of many */
#define CLN_COLS_BOTH 112u  /* and where it keeps two statistics */
#define CLN_MOST_TURNS 512u /* weights that come again and are laid out, at most */

/* One axis of a problem: its length, and its stride in each view. */
typedef struct cln_axis {
    int64_t n, stride[CLN_VIEWS];
    bool reduced; /* lies within a set */
    bool pinned;  /* stays an axis of its own: the channels of a per-channel map or a swap */
} cln_axis;

/* Sets of a problem, and elements of one: no end of a chunk, and of a group's sets, overflows in a kernel. */
#define CLN_MOST_IN_SET (UINT32_MAX - CLN_CHUNK)
#define CLN_MOST_SETS (UINT32_MAX - (1u << 20))

#define CLN_MAX_AXES (CLNORM_MAX_DIMS + 2) /* groups split the axis of channels */

typedef struct cln_axes {
    cln_axis a[CLN_MAX_AXES];
    size_t count;
} cln_axes;

/* What a view is made from. */
typedef struct cln_view_spec {
    cln_axes axes;    /* in the order of the tensor, so that the kept ones count the sets */
    int channel;      /* which is the channel; -1 none */
    bool per_channel; /* the map has one entry per channel: a run must not cross channels */
    bool swap;        /* channels 0 and 2 of x trade places */
} cln_view_spec;

/* Sets (kept axes, in order), runs (reduced axes but one), elements (the last axis), neighbours merged.
 *
 * The axis of elements is the longest that vectors can walk; an axis whose stride is smaller than that axis'
 * step (the channels of a pixel) becomes `mix`, innermost of the runs. The order of sums follows from this
 * and so from shapes and strides alone. Errors  EUNSUPPORTED for more axes, or more elements in one set, than
 * the kernels count. */
clnorm_status cln_view_build(cln_geo *out, const cln_view_spec *spec);

/* The same for sets that lie side by side: elements are the columns of a contiguous row, `span` of which are
 * one set, and runs are the rows. False where a set is contiguous itself, or a row too short to walk by
 * vectors, or the strides do not fit; then cln_view_build does. A question of shape and strides alone. */
bool cln_view_columns(cln_geo *out, const cln_view_spec *spec);
#define CLN_SHORT_RUN \
    113 /* a contiguous piece of a set this short is walked across: 112 columns fit any group */
/* Where nothing is summed up: axes of a set that lie outside of one that is kept are kept too, so that sets are walked in the order of
 * memory. Not where the rest is a short run, or more axes or sets are kept than can be counted. */
void cln_view_in_order(cln_axes *axes);
/* The same for windows of the reduced channel axis: view.mix is the way to the next channel, channel_mod
 * counts them, and channel_div says where they lie: 1 along the elements; elements of one channel, where a
 * run is channel after channel (only where `joined`); 0 the mix axis. */
clnorm_status cln_view_window(cln_geo *out, const cln_view_spec *spec, bool joined);

/* Chunks of one set. */
uint64_t cln_geo_chunks(const cln_geo *g);
/* Whether one group's tree has leaves for all of a set. */
bool cln_tree_holds(const cln_geo *g);

#endif

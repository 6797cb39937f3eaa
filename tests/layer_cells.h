/* layer_cells.h -- the lists that the cells of table_layers.c are made from; the first of each is the base.
 */
#ifndef LAYER_CELLS_H
#define LAYER_CELLS_H

#include "clnorm.h"
#include "harness.h"

#include <math.h>
#include <stdbool.h>

#define BIT(slot) (1u << CLNORM_##slot)
#define PAST (BIT(MEAN) | BIT(RSTD))
#define WEIGHTS (BIT(DGAMMA) | BIT(DBETA))

typedef struct layer_form {
    const char *name;
    uint32_t direction, mode; /* mode: batchnorm's */
    bool given;
    uint32_t absent;
} layer_form;
static const layer_form forms[] = {
    { "", CLNORM_FORWARD, CLNORM_TRAIN, false, 0 },
    { "", CLNORM_BACKWARD, CLNORM_TRAIN, false, PAST },
    { "given", CLNORM_FORWARD, CLNORM_EVAL, true, 0 },
    { "saved", CLNORM_BACKWARD, CLNORM_TRAIN, false, 0 },
    { "given", CLNORM_BACKWARD, CLNORM_TRAIN, true, 0 },
    { "dx alone", CLNORM_BACKWARD, CLNORM_TRAIN, false, WEIGHTS },
    { "given, dx alone", CLNORM_BACKWARD, CLNORM_EVAL, true, WEIGHTS },
    { "no dx", CLNORM_BACKWARD, CLNORM_TRAIN, false, BIT(DX) | BIT(DBETA) | PAST },
    { "y alone", CLNORM_FORWARD, CLNORM_TRAIN, false, PAST | BIT(RUNNING_MEAN) },
    { "eval", CLNORM_FORWARD, CLNORM_EVAL, false, 0 }, /* from here on of batchnorm */
    { "eval", CLNORM_BACKWARD, CLNORM_EVAL, false, 0 },
    { "eval given", CLNORM_BACKWARD, CLNORM_EVAL, true, 0 },
};
#define FIRST_EVAL 9

/* What `axes` stands for, whatever the shape. */
typedef enum axes_kind { SPAN_PRESET, SPAN_CHANNEL, SPAN_LAST, SPAN_PIXELS, SPAN_ALL } axes_kind;

typedef struct layer_variant {
    uint32_t kind; /* 0: the base of all */
    const char *name;
    axes_kind span;
    const char *attr;
    double value;
} layer_variant;
static const layer_variant variants[] = {
    { 0, "", SPAN_PRESET, NULL, 0 },
    { CLNORM_OP_BATCHNORM, "ddof", SPAN_PRESET, "ddof", 1 },
    { CLNORM_OP_BATCHNORM, "old momentum", SPAN_PRESET, "old_momentum", 1 },
    { CLNORM_OP_BATCHNORM, "biased running", SPAN_PRESET, "biased_running", 1 },
    { CLNORM_OP_BATCHNORM, "skip", SPAN_PRESET, "single", CLNORM_SINGLE_SKIP },
    { CLNORM_OP_LAYERNORM, "C", SPAN_CHANNEL, NULL, 0 },
    { CLNORM_OP_LAYERNORM, "last", SPAN_LAST, "eps", 0.1 },
    { CLNORM_OP_LAYERNORM, "H,W", SPAN_PIXELS, "ddof", 1 },
    { CLNORM_OP_LAYERNORM, "all", SPAN_ALL, NULL, 0 },
    { CLNORM_OP_GROUPNORM, "G = 1", SPAN_PRESET, "groups", 1 },
    { CLNORM_OP_GROUPNORM, "G = C", SPAN_PRESET, "groups", 0 },
    { CLNORM_OP_GROUPNORM, "ddof", SPAN_PRESET, "ddof", 1 },
    { CLNORM_OP_INSTANCENORM, "ddof", SPAN_PRESET, "ddof", 1 },
    { CLNORM_OP_INSTANCENORM, "eps", SPAN_PRESET, "eps", 0.5 },
    { CLNORM_OP_MVN, "inside", SPAN_PRESET, "eps_inside", 1 },
    { CLNORM_OP_MVN, "C", SPAN_CHANNEL, "eps", 0.25 },
    { CLNORM_OP_MVN, "all", SPAN_ALL, "ddof", 1 },
    { CLNORM_OP_RMSNORM, "1 + gamma", SPAN_PRESET, "zero_centred", 1 },
    { CLNORM_OP_RMSNORM, "last", SPAN_LAST, "eps", 0.1 },
    { CLNORM_OP_RMSNORM, "C", SPAN_CHANNEL, NULL, 0 },
    { CLNORM_OP_L2NORM, "add", SPAN_PRESET, "add_eps", 1 },
    { CLNORM_OP_L2NORM, "all", SPAN_ALL, NULL, 0 },
    { CLNORM_OP_L2NORM, "eps", SPAN_PIXELS, "eps", 2.5 },
    { CLNORM_OP_LPNORM, "p = 1", SPAN_PRESET, "p", 1 },
    { CLNORM_OP_LPNORM, "p = inf", SPAN_PRESET, "p", INFINITY },
    { CLNORM_OP_LPNORM, "p = 3", SPAN_LAST, "p", 3 },
    { CLNORM_OP_LPNORM, "p = 2.5", SPAN_PIXELS, "p", 2.5 },
    { CLNORM_OP_LPNORM, "add", SPAN_ALL, "add_eps", 1 },
    { CLNORM_OP_GRN, "eps", SPAN_PRESET, "eps", 0.5 },
};

typedef struct layer_weights {
    const char *name;
    uint32_t affine, dtype, absent;
} layer_weights;
static const layer_weights weight_kinds[] = {
    { "", CLNORM_PER_CHANNEL, CLNORM_F32, 0 },
    { "per element", CLNORM_PER_ELEMENT, CLNORM_F32, 0 },
    { "per sample", CLNORM_PER_SAMPLE, CLNORM_F32, 0 },
    { "no affine", CLNORM_NO_AFFINE, CLNORM_F32, 0 },
    { "no beta", CLNORM_PER_CHANNEL, CLNORM_F32, BIT(BETA) },
    { "no gamma", CLNORM_PER_CHANNEL, CLNORM_F32, BIT(GAMMA) },
    { "f16 weights", CLNORM_PER_CHANNEL, CLNORM_F16, 0 },
    { "bf16 weights", CLNORM_PER_ELEMENT, CLNORM_BF16, 0 },
};

typedef struct layer_layout {
    const char *name;
    bool x_last, y_last; /* channels last */
    int64_t pad, pixel;  /* elements behind each row; of a pixel beyond C */
    size_t offset;
    bool in_place;
} layer_layout;
static const layer_layout layouts[] = {
    { "dense", false, false, 0, 0, 0, false },  { "dense", true, true, 0, 0, 0, false },
    { "dense", true, false, 0, 0, 0, false },   { "dense", false, true, 0, 0, 0, false },
    { "offset", false, false, 0, 0, 3, false }, { "padded", false, false, 5, 0, 1, false },
    { "padded", true, true, 4, 1, 0, false },   { "in place", false, false, 0, 0, 0, true },
    { "in place", true, true, 0, 0, 0, true },
};

typedef struct layer_types {
    uint32_t x, y;
    double out_scale, out_zero; /* of a quantized y */
} layer_types;
static const layer_types type_pairs[] = {
    { CLNORM_F32, CLNORM_F32, 0, 0 },       { CLNORM_F16, CLNORM_F16, 0, 0 },
    { CLNORM_BF16, CLNORM_BF16, 0, 0 },     { CLNORM_F32, CLNORM_F16, 0, 0 },
    { CLNORM_BF16, CLNORM_F32, 0, 0 },      { CLNORM_F16, CLNORM_F32, 0, 0 },
    { CLNORM_F32, CLNORM_U8, 0.05, 128.0 }, { CLNORM_F16, CLNORM_S8, 0.04, -3.0 },
};

typedef struct extent {
    uint32_t ndim;
    int64_t n[5];
} extent;
static const extent shapes[] = {
    { 4, { 2, 6, 5, 7 } },   { 4, { 2, 3, 8, 16 } },   { 4, { 1, 4, 1, 17 } },  { 4, { 3, 1, 4, 4 } },
    { 4, { 4, 12, 1, 1 } },  { 4, { 1, 7, 3, 5 } },    { 4, { 2, 1, 1, 1 } },   { 4, { 33, 2, 1, 15 } },
    { 4, { 1, 3, 61, 67 } }, { 4, { 1, 1, 1, 4097 } }, { 4, { 2, 97, 3, 3 } },  { 4, { 1, 64, 9, 2 } },
    { 2, { 5, 24 } },        { 2, { 3, 4095 } },       { 2, { 65, 17 } },       { 2, { 1, 4096 } },
    { 3, { 6, 5, 4 } },      { 5, { 2, 4, 3, 2, 5 } }, { 4, { 2, 15, 7, 3 } },  { 4, { 16, 8, 2, 2 } },
    { 4, { 0, 3, 4, 4 } },   { 4, { 2, 3, 0, 4 } },    { 4, { 2, 2, 64, 65 } }, { 1, { 63 } },
};

/* Small and odd ones, and what reaches every schedule: one sample, one channel, one pixel, nothing, primes,
 * three channels last, groups of three and five, columns, several of them to a set. */
static const layer_layout odd_layouts[] = {
    { "odd", false, false, 0, 0, 0, false },       { "odd", true, true, 0, 0, 0, false },
    { "odd slice", true, true, 0, 8, 0, false },   { "odd plane", false, false, 0, 0, 0, false },
    { "odd turned", true, false, 0, 0, 0, false }, { "odd turned", false, true, 0, 0, 0, false }
};
typedef enum odd_layout {
    FIRST,
    LAST,
    SLICE, /* of pixels of 32 channels, which are aligned */
    PLANE, /* in pieces over C, or a row of several vectors and a rest */
    LAST_TO_FIRST,
    FIRST_TO_LAST
} odd_layout;
static const struct {
    odd_layout layout;
    bool all; /* in every solver */
    extent e;
} odds[] = {
    { LAST, true, { 4, { 1, 72, 3, 5 } } },   { FIRST, true, { 4, { 5, 24, 7, 5 } } },
    { LAST, false, { 4, { 2, 3, 5, 7 } } },   { LAST, false, { 4, { 2, 15, 37, 31 } } },
    { LAST, false, { 4, { 3, 1, 4, 4 } } },   { LAST, false, { 4, { 3, 13, 1, 1 } } },
    { LAST, false, { 4, { 1, 37, 3, 3 } } },  { FIRST, false, { 4, { 1, 1, 1, 1 } } },
    { FIRST, false, { 4, { 1, 13, 1, 1 } } }, { FIRST, false, { 4, { 2, 0, 3, 3 } } },
    { FIRST, false, { 4, { 1, 6, 1, 1 } } },  { LAST, false, { 4, { 2, 24, 9, 8 } } },
    { SLICE, false, { 4, { 2, 24, 9, 8 } } }, { PLANE, false, { 4, { 2, 19, 13, 13 } } },
};

/* What no draw may leave out, in the solver `only`: columns of more rows than the work-items of a group of many take in one
 * turn, of which a set has one, or two; one of 16 members that are folded at once asks for what is rare, and 8 are left over; parts of
 * 128 elements, the shortest that share a walk with their weight's gradients, with statistics given and made; maps of planes in the order of memory; gradients over C of
 * planes of two chunks, in tiles; families that lie in several places; channels last to first and back, by all that maps 16 lines
 * at once.
 * In a work-group of 64x1, which PoCL compiles soonest, with CLNORM_TEST_FULL in all. */
typedef struct layer_must {
    uint32_t op;
    const char *variant, *weights; /* NULL: the base */
    uint32_t form;
    odd_layout layout;
    data_kind data;
    ways force;
    bool night; /* of CLNORM_TEST_FULL */
    const char *only;
    extent e;
} layer_must;
#define TURNED(op, name, kind, way, solver, ...)                                                \
    {                                                                                           \
        CLNORM_OP_##op, .variant = (name), .layout = (way), .data = (kind), .force = WAYS_WIDE, \
                        .only = (solver), .e = {                                                \
                            4,                                                                  \
                            { __VA_ARGS__ }                                                     \
                        }                                                                       \
    }
static const layer_must musts[] = {
    { .op = CLNORM_OP_BATCHNORM,
      .layout = LAST,
      .force = WAYS_ALL,
      .only = "cols",
      .e = { 4, { 1, 18, 20, 26 } } },
    { .op = CLNORM_OP_GROUPNORM,
      .layout = LAST,
      .force = WAYS_ALL,
      .only = "cols",
      .e = { 4, { 1, 18, 20, 26 } } },
    { .op = CLNORM_OP_GROUPNORM,
      .form = 1,
      .layout = LAST,
      .force = WAYS_ALL,
      .night = true,
      .only = "cols",
      .e = { 4, { 1, 18, 20, 26 } } },
    { .op = CLNORM_OP_GRN, .data = DATA_PEAK, .only = "clan", .e = { 4, { 1, 24, 7, 7 } } },
    { .op = CLNORM_OP_GRN, .form = 1, .data = DATA_PEAK, .only = "clan", .e = { 4, { 1, 24, 7, 7 } } },
    { .op = CLNORM_OP_GROUPNORM, .form = 1, .only = "clan", .e = { 4, { 2, 4, 8, 16 } } },
    { .op = CLNORM_OP_LAYERNORM, .form = 3, .only = "clan", .e = { 4, { 2, 18, 14, 14 } } },
    { .op = CLNORM_OP_BATCHNORM, .form = 9, .only = "pointwise", .e = { 4, { 3, 4, 11, 13 } } },
    { .op = CLNORM_OP_BATCHNORM, .form = 6, .only = "pointwise", .e = { 4, { 3, 4, 11, 13 } } },
    { .op = CLNORM_OP_LAYERNORM, .variant = "C", .form = 1, .only = "fused", .e = { 4, { 2, 5, 70, 71 } } },
    { .op = CLNORM_OP_LAYERNORM, .variant = "C", .form = 3, .only = "fused", .e = { 4, { 2, 18, 70, 71 } } },
    { .op = CLNORM_OP_LAYERNORM,
      .variant = "all",
      .weights = "per sample",
      .form = 1,
      .layout = LAST,
      .e = { 4, { 2, 16, 8, 8 } } },
    TURNED(LAYERNORM, NULL, DATA_NORMAL, LAST_TO_FIRST, "slab", 2, 21, 16, 17),
    TURNED(LAYERNORM, NULL, DATA_PEAK, LAST_TO_FIRST, "split", 1, 24, 64, 66),
    TURNED(LAYERNORM, "C", DATA_NORMAL, LAST_TO_FIRST, "rows", 2, 40, 9, 9),
    TURNED(LAYERNORM, "C", DATA_PEAK, LAST_TO_FIRST, "rows", 1, 250, 5, 7),
    TURNED(LAYERNORM, "C", DATA_NORMAL, LAST_TO_FIRST, "split", 1, 250, 5, 7),
    TURNED(RMSNORM, "C", DATA_NORMAL, LAST_TO_FIRST, "rows", 1, 16, 8, 32),
    TURNED(L2NORM, NULL, DATA_NORMAL, LAST_TO_FIRST, "rows", 2, 3, 9, 9),
    TURNED(L2NORM, NULL, DATA_NORMAL, LAST_TO_FIRST, "rows", 1, 250, 8, 32),
    TURNED(INSTANCENORM, NULL, DATA_PEAK, FIRST_TO_LAST, "split", 2, 21, 16, 17),
    TURNED(INSTANCENORM, NULL, DATA_NORMAL, FIRST_TO_LAST, "rows", 1, 32, 16, 16),
    TURNED(BATCHNORM, NULL, DATA_NORMAL, FIRST_TO_LAST, "split", 3, 35, 7, 9),
    TURNED(GROUPNORM, "G = 1", DATA_NORMAL, FIRST_TO_LAST, "slab", 2, 24, 16, 16),
};
#undef TURNED

#endif

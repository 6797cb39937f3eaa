/* table_layers.c -- what every layer goes through: forms (direction, whose statistics, which gradients) x
 * variants (attributes) x weights x layouts x types x shapes x data.
 *
 * Compiling is what costs: about a second per problem and choice of these, and more for large work-groups.
 * So the first of every list is the base, and a cell differs from it in one place: the base
 * sees all shapes and data, a cell some shapes, each in one way. The layers share their kernels, so that each
 * takes only some of the cells, the same in every run. CLNORM_TEST_FULL takes all cells that differ in one
 * place, in all ways, and those that differ in two. */
#include "data.h"
#include "harness.h"
#include "record.h"

#include "base/compiler.h"
#include "op/op.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BIT(slot) (1u << CLNORM_##slot)
#define PAST (BIT(MEAN) | BIT(RSTD))
#define WEIGHTS (BIT(DGAMMA) | BIT(DBETA))

/* ---- the lists ---- */

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

/* ---- a cell ---- */

typedef struct cell {
    const clnorm_op_info *op;
    const layer_form *form;
    const layer_variant *variant;
    const layer_weights *weights;
    const layer_layout *layout;
    const layer_types *types;
    uint32_t number; /* stays the same from run to run */
} cell;

static bool has_attr(const clnorm_op_info *op, const char *name)
{
    for (size_t k = 0; k < op->nattrs; k++)
        if (!strcmp(op->attrs[k].name, name))
            return true;
    return false;
}

static clnorm_tensor tensor(uint32_t dtype, const extent *e, bool last, int64_t pad, int64_t pixel)
{
    clnorm_tensor t = { dtype, e->ndim, { 0 }, { 0 }, 0 };
    const bool moves = last && e->ndim >= 4;
    int64_t step = 1;
    memcpy(t.shape, e->n, sizeof e->n);
    if (moves) {
        t.stride[1] = 1;
        step = e->n[1] + pixel;
    }
    for (uint32_t k = e->ndim; k-- > 0;)
        if (!(moves && k == 1)) {
            t.stride[k] = step;
            step = step * e->n[k] + (k + 1 == e->ndim ? pad : 0);
        }
    return t;
}

static uint32_t axes_of(axes_kind s, const clnorm_tensor *x)
{
    const uint32_t all = (1u << x->ndim) - 1;
    const uint32_t axes[] = { 0, 1u << cln_layer_channel(x), 1u << (x->ndim - 1), cln_pixel_axes(x), all };
    return axes[s];
}

/* The largest divisor but c itself, so that groups are neither one nor a channel where that can be. */
static double groups_of(int64_t c)
{
    int64_t g = c > 1 ? c - 1 : 1;
    while (g > 1 && c % g)
        g--;
    return (double)g;
}

static void set(clnorm_any *d, const char *attr, double value)
{
    ck_assert_msg(clnorm_op_set(d, attr, &value, 1) == CLNORM_OK, "%s", clnorm_last_error(NULL));
}

/* A single problem: dx may take dy's place. */
static bool alone(const layer_form *f) { return f->given && f->absent == WEIGHTS; }

static void set_attrs(clnorm_any *d, const cell *l)
{
    const int64_t c = d->head.x.shape[cln_layer_channel(&d->head.x)];
    const bool all_channels =
        l->variant->attr && !strcmp(l->variant->attr, "groups") && l->variant->value < 1;
    if (l->op->kind == CLNORM_OP_BATCHNORM)
        set(d, "mode", l->form->mode);
    if (has_attr(l->op, "axes"))
        set(d, "axes", axes_of(l->variant->span, &d->head.x));
    if (has_attr(l->op, "affine")) {
        set(d, "affine", l->weights->affine);
        set(d, "param_dtype", l->weights->dtype);
    }
    if (has_attr(l->op, "groups"))
        set(d, "groups", groups_of(c));
    if (l->variant->attr)
        set(d, l->variant->attr, all_channels ? (double)c : l->variant->value);
    set(d, "given", l->form->given);
    if (alone(l->form))
        set(d, "gradients", BIT(DX));
    set(d, "out_scale", l->types->out_scale);
    set(d, "out_zero", l->types->out_zero);
}

static void run_cell(const cell *l, const extent *e, data_kind data, ways force)
{
    char view[80];
    op_case c;
    memset(&c, 0, sizeof c);
    clnorm_op_init(&c.desc, l->op->kind);
    c.desc.op.direction = l->form->direction;
    c.desc.head.x = tensor(l->types->x, e, l->layout->x_last, l->layout->pad, l->layout->pixel);
    c.desc.head.y = tensor(l->types->y, e, l->layout->y_last, l->layout->pad, l->layout->pixel);
    set_attrs(&c.desc, l);
    snprintf(view, sizeof view, "%s %s %s %s", l->layout->name, l->form->name, l->variant->name,
             l->weights->name);
    c.data = data;
    c.seed = l->number + (uint32_t)(e->n[0] * 131 + e->n[1] * 17 + e->n[e->ndim - 1]) + (uint32_t)data * 101;
    c.force = force;
    c.in_place = l->layout->in_place;
    c.unordered = c.seed % 2;
    c.offset = l->layout->offset;
    c.absent = l->form->absent | l->weights->absent;
    c.view = view;
    harness_run(harness_get(), &c);
}

/* ---- which cells there are ---- */

static bool sensible(const cell *l)
{
    const bool back = l->form->direction == CLNORM_BACKWARD, batch = l->op->kind == CLNORM_OP_BATCHNORM,
               grn = l->op->kind == CLNORM_OP_GRN;
    const bool whole = l->types->y == CLNORM_U8 || l->types->y == CLNORM_S8;
    const bool affine = l->op->slots_in >> CLNORM_GAMMA & 1;
    if (!batch && l->form >= &forms[FIRST_EVAL])
        return false;
    if (batch && l->form->given && back && l->form->mode == CLNORM_TRAIN)
        return false; /* training takes the batch's */
    if ((l->variant->kind && l->variant->kind != l->op->kind) || (grn && l->form->given))
        return false;
    if ((batch && l->weights->affine != CLNORM_PER_CHANNEL && l->weights->affine != CLNORM_NO_AFFINE) ||
        (grn && l->weights->affine == CLNORM_PER_ELEMENT) || (!affine && l->weights != weight_kinds))
        return false;
    if (!affine && l->form->absent & WEIGHTS && !alone(l->form))
        return false;
    if (l->layout->in_place && ((back && !alone(l->form)) || l->types->x != l->types->y))
        return false;
    return !(back && whole);
}

static bool takes_shape(const cell *l, const extent *e)
{
    const bool plain = e->ndim < 4 && (l->layout->x_last || l->layout->y_last);
    const bool needs_pixels = l->op->kind == CLNORM_OP_INSTANCENORM || l->op->kind == CLNORM_OP_GRN ||
                              l->op->kind == CLNORM_OP_MVN || l->variant->span == SPAN_PIXELS;
    return !plain && !(needs_pixels && e->ndim <= 2);
}

static unsigned differences(const cell *l)
{
    const bool both = l->layout->in_place && alone(l->form); /* neither is there without the other */
    return (unsigned)(l->form > &forms[1]) - both + (l->variant != variants) + (l->weights != weight_kinds) +
           (l->layout != layouts) + (l->types != type_pairs);
}

static void run_base(const cell *l)
{
    static const data_kind way_back[] = { DATA_CONSTANT, DATA_FAR };
    const bool back = l->form->direction == CLNORM_BACKWARD, full = getenv("CLNORM_TEST_FULL") != NULL;
    const bool first = l->op->kind == CLNORM_OP_LAYERNORM || l->op->kind == CLNORM_OP_RMSNORM;
    for (size_t s = 0; s < CLN_COUNT(shapes); s++)
        if (takes_shape(l, &shapes[s]))
            run_cell(l, &shapes[s], DATA_NORMAL,
                     s == 0 && full              ? WAYS_ALL
                     : full || (first && s == 0) ? WAYS_MORE
                                                 : WAYS_OWN);
    for (size_t k = 0; k < (back ? CLN_COUNT(way_back) : DATA_KINDS - DATA_CONSTANT); k++)
        for (size_t s = k % 3; s < CLN_COUNT(shapes); s += 3)
            if (takes_shape(l, &shapes[s]))
                run_cell(l, &shapes[s], back ? way_back[k] : (data_kind)(DATA_CONSTANT + k), WAYS_ONE);
}

static void run_some(const cell *l, size_t count, ways force)
{
    for (size_t k = 0, s = l->number; k < CLN_COUNT(shapes) && count; k++, s += 5) {
        const extent *e = &shapes[s % CLN_COUNT(shapes)];
        if (!takes_shape(l, e))
            continue;
        run_cell(l, e, DATA_NORMAL, force);
        count--;
    }
}

static void run_differing(const cell *l)
{
    const bool full = getenv("CLNORM_TEST_FULL") != NULL;
    const unsigned n = differences(l);
    if (!sensible(l))
        return;
    if (!n)
        run_base(l);
    else if (full && n == 1)
        run_some(l, 8, WAYS_OWN);
    else if (full && n == 2)
        run_some(l, 1, WAYS_ONE);
    else if (n == 1 && (l->number + l->op->kind) % 4 == 0)
        run_some(l, 2, WAYS_ONE);
}

void layers_run(uint32_t kind)
{
    cell l = { .op = clnorm_op_of(kind) };
    for (size_t f = 0; f < CLN_COUNT(forms); f++)
        for (size_t v = 0; v < CLN_COUNT(variants); v++)
            for (size_t w = 0; w < CLN_COUNT(weight_kinds); w++)
                for (size_t y = 0; y < CLN_COUNT(layouts); y++)
                    for (size_t t = 0; t < CLN_COUNT(type_pairs); t++) {
                        l.form = &forms[f];
                        l.variant = &variants[v];
                        l.weights = &weight_kinds[w];
                        l.layout = &layouts[y];
                        l.types = &type_pairs[t];
                        l.number = (uint32_t)(f * 7 + v * 3 + w * 5 + y * 11 + t * 13);
                        run_differing(&l);
                    }
    record_frozen(l.op);
}

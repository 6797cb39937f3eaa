/* table_layers.c -- what every layer goes through: forms (direction, whose statistics, which gradients) x
 * variants (attributes) x weights x layouts x types x shapes x data.
 *
 * Compiling is what costs: about a second per problem and choice of these, and more for large work-groups.
 * So the first of every list is the base, and a cell differs from it in one place: the base
 * sees all shapes and data, a third of the shapes in all ways, a cell some shapes, each in one way. The layers
 * share their kernels, so that each takes only some of the cells, the same in every run. CLNORM_TEST_FULL takes
 * all cells that differ in one place, in all ways, and of those that differ in two each layer another third. Behind
 * them come small and odd shapes, and what no draw may leave out. */
#include "data.h"
#include "harness.h"
#include "layer_cells.h"
#include "record.h"

#include "base/compiler.h"
#include "op/op.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- a cell ---- */

typedef struct cell {
    const clnorm_op_info *op;
    const layer_form *form;
    const layer_variant *variant;
    const layer_weights *weights;
    const layer_layout *layout;
    const layer_types *types;
    uint32_t number; /* stays the same from run to run */
    bool extra;      /* as in op_case */
    uint32_t no_slab;
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

#define VIEW_ROOM 80
static op_case case_of(const cell *l, const extent *e, data_kind data, ways force, char view[VIEW_ROOM])
{
    op_case c;
    memset(&c, 0, sizeof c);
    clnorm_op_init(&c.desc, l->op->kind);
    c.desc.op.direction = l->form->direction;
    c.desc.head.x = tensor(l->types->x, e, l->layout->x_last, l->layout->pad, l->layout->pixel);
    c.desc.head.y = tensor(l->types->y, e, l->layout->y_last, l->layout->pad, l->layout->pixel);
    set_attrs(&c.desc, l);
    snprintf(view, VIEW_ROOM, "%s %s %s %s", l->layout->name, l->form->name, l->variant->name,
             l->weights->name);
    c.data = data;
    c.seed = l->number + (uint32_t)(e->n[0] * 131 + e->n[1] * 17 + e->n[e->ndim - 1]) + (uint32_t)data * 101;
    c.force = force;
    c.in_place = l->layout->in_place;
    c.unordered = c.seed % 2;
    c.extra = l->extra;
    c.no_slab = l->no_slab;
    c.offset = l->layout->offset;
    c.absent = l->form->absent | l->weights->absent;
    c.view = view;
    return c;
}

static void run_cell(const cell *l, const extent *e, data_kind data, ways force)
{
    char view[VIEW_ROOM];
    const op_case c = case_of(l, e, data, force, view);
    harness_run(harness_get(), &c);
}

/* ---- which cells there are ---- */

/* Why a cell is none; NULL: it is one. */
static const char *senseless(const cell *l)
{
    const bool back = l->form->direction == CLNORM_BACKWARD, batch = l->op->kind == CLNORM_OP_BATCHNORM,
               grn = l->op->kind == CLNORM_OP_GRN;
    const bool whole = l->types->y == CLNORM_U8 || l->types->y == CLNORM_S8;
    const bool affine = l->op->slots_in >> CLNORM_GAMMA & 1, weights = l->weights != weight_kinds;
    if ((!batch && l->form >= &forms[FIRST_EVAL]) || (l->variant->kind && l->variant->kind != l->op->kind))
        return "of another op";
    if (batch && l->form->given && back && l->form->mode == CLNORM_TRAIN)
        return "training takes the batch's statistics";
    if (grn && l->form->given)
        return "grn has no statistics to give";
    if (batch && l->weights->affine != CLNORM_PER_CHANNEL && l->weights->affine != CLNORM_NO_AFFINE)
        return "batchnorm's weights are per channel";
    if (grn && l->weights->affine == CLNORM_PER_ELEMENT)
        return "grn's weights are per channel";
    if (!affine && (weights || (l->form->absent & WEIGHTS && !alone(l->form))))
        return "the op has no weights";
    if (l->layout->in_place && (l->types->x != l->types->y || (back && !alone(l->form))))
        return "in place takes one type and one problem";
    return back && whole ? "there is no gradient of a quantized type" : NULL;
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

/* So many shapes, the first `usual` of which are not CLNORM_TEST_FULL's alone. */
static void run_some(const cell *l, size_t count, size_t usual, ways force)
{
    size_t done = 0;
    for (size_t k = 0, s = l->number; k < CLN_COUNT(shapes) && done < count; k++, s += 5) {
        const extent *e = &shapes[s % CLN_COUNT(shapes)];
        if (!takes_shape(l, e))
            continue;
        cell now = *l;
        now.extra = done++ >= usual;
        run_cell(&now, e, DATA_NORMAL, force);
    }
}

/* Whether another layer has the same .cl but for the name: layernorm's, and rmsnorm's. */
static bool is_twin(const cell *l)
{
    return 1u << l->op->kind & (1u << CLNORM_OP_GROUPNORM | 1u << CLNORM_OP_INSTANCENORM |
                                1u << CLNORM_OP_MVN | 1u << CLNORM_OP_L2NORM);
}

/* Kernels are dear, and those of a schedule are the same text for every layer: of the base's shapes each layer
 * has a third in all ways, backward, which costs the most, a sixth, a twin half of that, and all layers together have
 * each. */
static bool is_turn(const cell *l, size_t s)
{
    const size_t one_in = l->form->direction == CLNORM_BACKWARD ? 6 : 3;
    return (s + l->op->kind) % (is_twin(l) ? 2 * one_in : one_in) == 0;
}

/* For tools that are slow: six shapes of the base, of differing types (below) one of f16 and of bf16, and the odd ones,
 * each in one way. */
static void run_base(const cell *l)
{
    if (harness_small()) {
        run_some(l, 6, 6, WAYS_ONE);
        return;
    }
    const bool back = l->form->direction == CLNORM_BACKWARD, full = getenv("CLNORM_TEST_FULL") != NULL;
    /* in other work-groups: those of one layer forward, of another backward */
    const bool first = l->op->kind == (back ? CLNORM_OP_RMSNORM : CLNORM_OP_LAYERNORM);
    cell now = *l;
    now.no_slab = full ? 7 & ~(1u << l->op->kind % 3) : 1 | 4; /* ten seconds to a minute each */
    for (size_t s = 0; s < CLN_COUNT(shapes); s++)
        if (takes_shape(l, &shapes[s]))
            run_cell(&now, &shapes[s], DATA_NORMAL,
                     s == 0 && full              ? WAYS_ALL
                     : full || (first && s == 0) ? WAYS_MORE
                     : is_turn(l, s)             ? WAYS_OWN
                                                 : WAYS_ONE);
    if (back &&
        l->op->kind == CLNORM_OP_INSTANCENORM) { /* whose gradients share rows only with such weights */
        cell own = *l;
        own.weights = &weight_kinds[1];
        run_cell(&own, &shapes[0], DATA_NORMAL, WAYS_OWN);
    }
    const bool grn = l->op->kind == CLNORM_OP_GRN;
    for (int k = DATA_CONSTANT; k < DATA_KINDS; k++) {
        if (grn && back && k == DATA_HUGE) {
            record_skip("the gradient of grn's gamma is as large as x, and sums of 3e38 overflow");
            continue;
        }
        for (size_t s = 0; s < CLN_COUNT(shapes); s++) /* in all ways where those are compiled already */
            if ((s / 3 + (size_t)k) % 3 == 0 && takes_shape(l, &shapes[s]))
                run_cell(&now, &shapes[s], (data_kind)k, is_turn(l, s) ? WAYS_OWN : WAYS_ONE);
    }
}

static void run_differing(const cell *l)
{
    const bool full = getenv("CLNORM_TEST_FULL") != NULL;
    const unsigned n = differences(l);
    const bool other = l->op->kind == CLNORM_OP_LPNORM && l->variant != variants; /* each p is a statistic */
    const bool half = l->types == &type_pairs[1] || l->types == &type_pairs[2];   /* f16, bf16 */
    const size_t usual = n == 1 ? (l->number + l->op->kind) % 5 == 0 ? 2 : other : 0;
    const bool third = (l->number + l->op->kind) % 3 == 0;
    const char *why = senseless(l);
    if (why) {
        record_skip(why);
        return;
    }
    if (n > 2 || (n == 2 && !(full && third)) || (n == 1 && !full && !usual))
        record_skip(n > 2              ? "differs from the base in three places"
                    : n == 2 && !third ? "left to other layers"
                                       : "left to CLNORM_TEST_FULL");
    cell one = *l; /* slab, the dearest, in a fifth of them */
    one.no_slab = full || (l->number + l->op->kind) % 5 == 0 ? 0 : 8;
    if (!n)
        run_base(l);
    else if (full && n == 1)
        run_some(l, 8, usual, WAYS_OWN);
    else if (full && n == 2)
        run_some(l, third, 0, WAYS_ONE);
    else if (harness_small())
        run_some(&one, n == 1 && half, 1, WAYS_ONE);
    else
        run_some(&one, usual, usual, WAYS_ONE);
}

/* Statistics made and given, all gradients and dx alone; channels first also over C, whose sets lie side by
 * side, and of batchnorm what M = 1 skips. */
static bool is_odd(const cell *l)
{
    const layer_form *f = l->form;
    const layer_variant *v = l->variant;
    const bool form = f < &forms[3] || f == &forms[6] || f >= &forms[FIRST_EVAL];
    return form && (v == variants || (!l->layout->x_last && v->kind == l->op->kind &&
                                      (v->span == SPAN_CHANNEL || !strcmp(v->name, "skip"))));
}

static void run_odd(const clnorm_op_info *op)
{
    const bool full = getenv("CLNORM_TEST_FULL") != NULL; /* else slab, the dearest, in a fifth of them */
    for (size_t f = 0; f < CLN_COUNT(forms); f++)
        for (size_t v = 0; v < CLN_COUNT(variants); v++)
            for (size_t o = 0; o < CLN_COUNT(odds); o++) {
                const cell l = { op,
                                 &forms[f],
                                 &variants[v],
                                 weight_kinds,
                                 &odd_layouts[odds[o].layout],
                                 type_pairs,
                                 (uint32_t)(f * 7 + v * 3 + o),
                                 false,
                                 full || (o + op->kind) % 5 == 0 ? 0 : 8 };
                const bool all = odds[o].all && !harness_small() &&
                                 (full || ((o + op->kind) % 2 && !is_twin(&l))),
                           slice = odds[o].layout == SLICE && op->kind == CLNORM_OP_BATCHNORM,
                           plane = odds[o].layout == PLANE && op->kind == CLNORM_OP_LAYERNORM &&
                                   variants[v].span == SPAN_CHANNEL,
                           wide = (slice || plane) && f < 2;
                if (odds[o].layout == PLANE && !wide && op->kind != CLNORM_OP_INSTANCENORM)
                    continue;
                if (is_odd(&l) && !senseless(&l) && takes_shape(&l, &odds[o].e))
                    run_cell(&l, &odds[o].e, DATA_NORMAL, wide ? WAYS_WIDE : all ? WAYS_OWN : WAYS_ONE);
            }
}

static void run_musts(const clnorm_op_info *op)
{
    const bool full = getenv("CLNORM_TEST_FULL") != NULL;
    for (size_t k = 0; k < CLN_COUNT(musts); k++) {
        const layer_must *m = &musts[k];
        cell l = { .op = op, .form = &forms[m->form], .layout = &odd_layouts[m->layout], .extra = m->night };
        char view[VIEW_ROOM];
        if (m->op != op->kind || (m->night && !full))
            continue;
        l.variant = variants;
        while (m->variant && (l.variant->kind != m->op || strcmp(l.variant->name, m->variant)))
            ck_assert_ptr_ne(++l.variant, variants + CLN_COUNT(variants));
        l.weights = weight_kinds;
        while (m->weights && strcmp(l.weights->name, m->weights))
            ck_assert_ptr_ne(++l.weights, weight_kinds + CLN_COUNT(weight_kinds));
        l.types = type_pairs;
        op_case c = case_of(&l, &m->e, m->data, m->force, view);
        c.only = m->only;
        c.groups = full ? 0 : 4;
        harness_run(harness_get(), &c);
    }
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
    run_odd(l.op);
    if (!harness_small())
        run_musts(l.op);
    record_schedules(l.op);
    record_frozen(l.op);
}

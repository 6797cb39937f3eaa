/* ref.c -- the loops of the reference: elements, sets, statistics; and the error measure. */
#include "ref/layer.h"
#include "ref/matrix.h"
#include "ref/whiten.h"

#include "base/compiler.h"
#include "base/half.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

/* ---- storage types ------------------------------------------------------------------------ */

/* Rounds to f32 toward zero and sets the last bit where digits were lost, so that rounding once more to f16
 * or bf16 is as rounding once. */
static float round_odd(double value)
{
    const float f = (float)value;
    if (isnan(value) || (double)f == value)
        return f;
    const uint32_t truncated = cln_bits(f) - (fabs((double)f) > fabs(value));
    return cln_float(truncated | 1u);
}

static double saturate(double value, double low, double high)
{
    return isnan(value) ? 0.0 : fmin(fmax(rint(value), low), high);
}

static double get_f32(const void *p, int64_t i) { return ((const float *)p)[i]; }
static double get_f16(const void *p, int64_t i) { return cln_f16_to_f32(((const uint16_t *)p)[i]); }
static double get_bf16(const void *p, int64_t i) { return cln_bf16_to_f32(((const uint16_t *)p)[i]); }
static double get_u8(const void *p, int64_t i) { return ((const uint8_t *)p)[i]; }
static double get_u16(const void *p, int64_t i) { return ((const uint16_t *)p)[i]; }
static double get_s8(const void *p, int64_t i) { return ((const int8_t *)p)[i]; }

static void set_f32(void *p, int64_t i, double v) { ((float *)p)[i] = (float)v; }
static void set_f16(void *p, int64_t i, double v) { ((uint16_t *)p)[i] = cln_f32_to_f16(round_odd(v)); }
static void set_bf16(void *p, int64_t i, double v) { ((uint16_t *)p)[i] = cln_f32_to_bf16(round_odd(v)); }
static void set_u8(void *p, int64_t i, double v) { ((uint8_t *)p)[i] = (uint8_t)saturate(v, 0.0, 255.0); }
static void set_u16(void *p, int64_t i, double v)
{
    ((uint16_t *)p)[i] = (uint16_t)saturate(v, 0.0, 65535.0);
}
static void set_s8(void *p, int64_t i, double v) { ((int8_t *)p)[i] = (int8_t)saturate(v, -128.0, 127.0); }

static const struct storage {
    double (*get)(const void *p, int64_t i);
    void (*set)(void *p, int64_t i, double v);
    int digits, least, most; /* of floats: binary digits, smallest and largest exponent of a normal number */
    double low, high;        /* of integers */
} storages[] = {
    [CLNORM_F32] = { get_f32, set_f32, 24, -126, 127, 0.0, 0.0 },
    [CLNORM_F16] = { get_f16, set_f16, 11, -14, 15, 0.0, 0.0 },
    [CLNORM_BF16] = { get_bf16, set_bf16, 8, -126, 127, 0.0, 0.0 },
    [CLNORM_U8] = { get_u8, set_u8, 0, 0, 0, 0.0, 255.0 },
    [CLNORM_U16] = { get_u16, set_u16, 0, 0, 0, 0.0, 65535.0 },
    [CLNORM_S8] = { get_s8, set_s8, 0, 0, 0, -128.0, 127.0 },
};

static const struct storage *storage_of(uint32_t dtype)
{
    assert(dtype < CLN_COUNT(storages) && storages[dtype].get);
    return &storages[dtype];
}

int64_t ref_place(const clnorm_tensor *t, int64_t i)
{
    int64_t at = 0;
    for (uint32_t k = t->ndim; k-- > 0; i /= t->shape[k])
        at += i % t->shape[k] * t->stride[k];
    return at;
}

double ref_get(uint32_t dtype, const void *p, int64_t i) { return storage_of(dtype)->get(p, i); }
void ref_set(uint32_t dtype, void *p, int64_t i, double value) { storage_of(dtype)->set(p, i, value); }

/* ---- elements and sets --------------------------------------------------------------------- */

typedef struct problem {
    const ref_op *op;
    const clnorm_any *desc;
    const clnorm_tensor *x;
    const void *data;
    uint32_t reduced; /* bit k: axis k lies within a set */
    uint32_t channel; /* the axis of channels; ndim: there is none */
    bool swap_rb;
    ref_stat *stat; /* one per set, in the order of the kept axes */
} problem;

typedef struct place {
    int64_t at[CLNORM_MAX_DIMS];
} place;

/* The axes that a scope reduces. Below four axes there is no n, below three no c either. */
static uint32_t axes_of(uint32_t scope, uint32_t ndim)
{
    static const bool keeps_n[] = { true, true, false, false }, keeps_c[] = { false, true, false, true };
    const uint32_t n = ndim >= 4 ? 1u : 0u, c = ndim >= 4 ? 2u : ndim == 3 ? 1u : 0u;
    return ((1u << ndim) - 1u) & ~(keeps_n[scope] ? n : 0u) & ~(keeps_c[scope] ? c : 0u);
}

static int64_t product(const problem *p, uint32_t axes)
{
    int64_t n = 1;
    for (uint32_t k = 0; k < p->x->ndim; k++)
        n *= axes >> k & 1u ? p->x->shape[k] : 1;
    return n;
}
static int64_t elements(const problem *p) { return product(p, ~0u); }
static int64_t sets(const problem *p) { return product(p, ~p->reduced); }

/* To the next element, the last axis fastest. */
static void next(const problem *p, place *e)
{
    for (uint32_t k = p->x->ndim; k-- > 0; e->at[k] = 0)
        if (++e->at[k] < p->x->shape[k])
            return;
}

static int64_t channel_of(const problem *p, const place *e)
{
    return p->channel < p->x->ndim ? e->at[p->channel] : 0;
}

/* The place in x of an element of y. */
static place source_of(const problem *p, const place *e)
{
    place from = *e;
    if (p->swap_rb && channel_of(p, e) <= 2)
        from.at[p->channel] = 2 - e->at[p->channel];
    return from;
}

static double value_of(const problem *p, const place *e)
{
    const place from = source_of(p, e);
    int64_t offset = 0;
    for (uint32_t k = 0; k < p->x->ndim; k++)
        offset += from.at[k] * p->x->stride[k];
    return ref_get(p->x->dtype, p->data, offset);
}

static int64_t set_of(const problem *p, const place *e)
{
    int64_t set = 0;
    for (uint32_t k = 0; k < p->x->ndim; k++)
        set = p->reduced >> k & 1u ? set : set * p->x->shape[k] + e->at[k];
    return set;
}

/* ---- statistics ------------------------------------------------------------------------------ */

/* Neumaier 1974. An infinity leaves a NaN in the carry, which is what an infinity in a set is to give; and
 * nothing overflows, since the elements are f32 at most. Integers sum exactly up to 2^37 elements of u16,
 * even without the carry. */
void ref_sum_add(ref_sum *s, double x)
{
    const double t = s->value + x;
    s->carry += fabs(s->value) >= fabs(x) ? (s->value - t) + x : (x - t) + s->value;
    s->value = t;
}

double ref_sum_take(ref_sum *s)
{
    const double total = s->value + s->carry;
    s->value = s->carry = 0.0;
    return total;
}

static void add_value(ref_stat *stat, double x)
{
    stat->count++;
    stat->min = isnan(x) || x < stat->min ? x : stat->min;
    stat->max = isnan(x) || x > stat->max ? x : stat->max;
    ref_sum_add(&stat->sum, x);
}
static void add_distance(ref_stat *stat, double x) { ref_sum_add(&stat->sum, x - stat->mean); }
static void add_square(ref_stat *stat, double x)
{
    const double d = (x - stat->mean) - stat->mean_rest;
    ref_sum_add(&stat->sum, d * d);
}

static void each_element(const problem *p, void (*add)(ref_stat *stat, double x))
{
    const int64_t n = elements(p);
    place e = { { 0 } };
    for (int64_t i = 0; i < n; i++, next(p, &e))
        add(&p->stat[set_of(p, &e)], value_of(p, &e));
}

/* In three passes: the mean, what rounding left of it, the squares about both. */
static void measure(const problem *p)
{
    const int64_t n = sets(p);
    for (int64_t s = 0; s < n; s++) {
        p->stat[s].min = INFINITY;
        p->stat[s].max = -INFINITY;
    }
    each_element(p, add_value);
    for (int64_t s = 0; s < n; s++)
        p->stat[s].mean = ref_sum_take(&p->stat[s].sum) / (p->stat[s].count ? (double)p->stat[s].count : 1.0);
    each_element(p, add_distance);
    for (int64_t s = 0; s < n; s++)
        p->stat[s].mean_rest =
            ref_sum_take(&p->stat[s].sum) / (p->stat[s].count ? (double)p->stat[s].count : 1.0);
    each_element(p, add_square);
    for (int64_t s = 0; s < n; s++)
        p->stat[s].m2 = ref_sum_take(&p->stat[s].sum);
}

static const struct kept {
    clnorm_slot slot;
    size_t offset;
} kept[] = {
    { CLNORM_MEAN, offsetof(ref_stat, mean) }, { CLNORM_RSTD, offsetof(ref_stat, rstd) },
    { CLNORM_MIN, offsetof(ref_stat, min) },   { CLNORM_MAX, offsetof(ref_stat, max) },
    { CLNORM_M2, offsetof(ref_stat, m2) },
};

static double *member(ref_stat *stat, size_t offset) { return (double *)(void *)((char *)stat + offset); }

void ref_put_scale(const ref_io *io, uint32_t slot, int64_t i, double scale, double any)
{
    if (io->scale[slot])
        io->scale[slot][i] = scale;
    if (io->any[slot])
        io->any[slot][i] = any;
}

static void save(const problem *p, const ref_io *io)
{
    for (int64_t s = 0; s < sets(p); s++) {
        const ref_stat *stat = &p->stat[s];
        for (size_t k = 0; k < CLN_COUNT(kept); k++) {
            const clnorm_slot slot = kept[k].slot;
            if (io->slot[slot])
                ((double *)io->slot[slot])[s] = *member(&p->stat[s], kept[k].offset);
            const double scale = slot == CLNORM_MEAN ? fmax(fabs(stat->min), fabs(stat->max)) : 0.0;
            ref_put_scale(io, slot, s, scale, scale);
        }
        if (io->slot[CLNORM_COUNT])
            ((uint64_t *)io->slot[CLNORM_COUNT])[s] = stat->count;
    }
}

static void load(const problem *p, const ref_io *io)
{
    for (int64_t s = 0; s < sets(p); s++)
        for (size_t k = 0; k < CLN_COUNT(kept); k++)
            if (io->slot[kept[k].slot])
                *member(&p->stat[s], kept[k].offset) = ref_get(CLNORM_F32, io->slot[kept[k].slot], s);
}

/* ---- an op ----------------------------------------------------------------------------------- */

static void put(const ref_io *io, int64_t i, ref_result r)
{
    if (io->slot[CLNORM_Y])
        ((double *)io->slot[CLNORM_Y])[i] = r.y;
    ref_put_scale(io, CLNORM_Y, i, r.scale, r.scale);
}

static void apply(const problem *p, const ref_io *io)
{
    const int64_t n = elements(p);
    place e = { { 0 } };
    for (int64_t i = 0; i < n; i++, next(p, &e)) {
        const place from = p->op->source == REF_GIVEN ? source_of(p, &e) : e; /* given are those of x */
        const ref_point point = { p->desc, &p->stat[set_of(p, &from)], value_of(p, &e), channel_of(p, &e) };
        put(io, i, p->op->formula(&point));
    }
}

static void apply_per_set(const problem *p, const ref_io *io)
{
    for (int64_t s = 0; s < sets(p); s++) {
        const ref_point point = { p->desc, &p->stat[s], 0.0, 0 };
        put(io, s, p->op->formula(&point));
    }
}

static const ref_op *op_of(uint32_t kind)
{
    static const ref_op *const ops[] = { &ref_minmax,    &ref_symmetric,   &ref_zscore, &ref_totensor,
                                         &ref_normalize, &ref_denormalize, &ref_moments };
    for (size_t k = 0; k < CLN_COUNT(ops); k++)
        if (ops[k]->kind == kind)
            return ops[k];
    return NULL;
}

bool ref_run(const clnorm_any *desc, const ref_io *io)
{
    const ref_layer_op *layer = ref_layer_op_of(desc->op.kind);
    if (layer)
        return ref_layer_run(layer, desc, io);
    if (desc->op.kind == CLNORM_OP_ITERNORM)
        return ref_iternorm(desc, io);
    if (desc->op.kind == CLNORM_OP_SPECTRALNORM)
        return ref_spectralnorm(desc, io);
    if (desc->op.kind == CLNORM_OP_WHITEN)
        return ref_whiten_run(desc, io);
    problem p = { op_of(desc->op.kind), desc, &desc->head.x, io->slot[CLNORM_X], 0, 0, false, NULL };
    if (!p.op)
        return false;
    const uint32_t axes = ref_field(desc, p.op->axes), ndim = p.x->ndim;
    p.reduced = axes ? axes : axes_of(ref_field(desc, p.op->scope), ndim);
    p.channel = ndim >= 4 ? 1 : ndim == 3 ? 0 : ndim;
    p.swap_rb = ref_field(desc, p.op->swap_rb) != 0;
    p.stat = (ref_stat *)calloc((size_t)sets(&p) + 1, sizeof *p.stat);
    if (!p.stat)
        return false;
    if (p.op->source == REF_OF_X)
        measure(&p);
    if (p.op->source == REF_GIVEN)
        load(&p, io);
    for (int64_t s = 0; p.op->fold && s < sets(&p); s++)
        p.op->fold(desc, &p.stat[s]);
    if (p.op->source == REF_OF_X)
        save(&p, io);
    (p.op->per_set ? apply_per_set : apply)(&p, io);
    free(p.stat);
    return true;
}

/* ---- the error measure ----------------------------------------------------------------------- */

static double error_of_integer(const struct storage *t, double got, double want, double room)
{
    const double rounded = saturate(want, t->low, t->high);
    if (got == rounded)
        return 0.0;
    if (isnan(want) || fabs(got - rounded) > 1.0)
        return INFINITY;
    const double tie = (got + rounded) / 2.0;
    return fabs(want - tie) / room;
}

static double error_of_float(const struct storage *t, double got, double want, double room)
{
    if (isnan(want) || isnan(got) || isinf(want))
        return isnan(want) && isnan(got) ? 0.0 : INFINITY;
    const double edge = ldexp(2.0 - ldexp(1.0, -t->digits), t->most); /* from here on rounds to infinity */
    const double off_edge = fabs(fabs(want) - edge) / room;
    if (isinf(got))
        return (got > 0.0) != (want > 0.0) ? INFINITY : fabs(want) >= edge ? 0.0 : off_edge;
    int exponent = 0;
    frexp(want, &exponent); /* want = [0.5, 1) * 2^exponent */
    const int last = (want != 0.0 && exponent - 1 > t->least ? exponent - 1 : t->least) - (t->digits - 1);
    const double ulp = t->digits < 24 ? ldexp(1.0, last) : 0.0;
    const double error = fabs(got - want) / fmax(ulp, room);
    return fabs(want) >= edge ? fmax(error, off_edge) : error;
}

double ref_error(uint32_t dtype, double got, double want, double s, double bound)
{
    const struct storage *t = storage_of(dtype);
    if (got == want)
        return 0.0;
    const double room = bound * fmax(fmax(1.0, fabs(want)), isfinite(s) ? s : 0.0);
    return t->digits ? error_of_float(t, got, want, room) : error_of_integer(t, got, want, room);
}

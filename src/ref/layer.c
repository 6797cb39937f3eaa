/* layer.c -- the loops of the layers: sets, weights, activation, residual, gradients. */
#include "ref/layer.h"

#include "base/compiler.h"

#include <stdlib.h>

/* ---- shapes ----------------------------------------------------------------------------------- */

/* Bits of the axes N and C: 4-D is (N,C,H,W), 3-D (C,H,W), 2-D (N,C), 1-D (C). */
static uint32_t axis_n(const clnorm_tensor *t) { return t->ndim == 2 || t->ndim >= 4 ? 1u : 0u; }
static uint32_t axis_c(const clnorm_tensor *t) { return axis_n(t) ? 2u : 1u; }
static uint32_t all_axes(const clnorm_tensor *t) { return (1u << t->ndim) - 1u; }

static int64_t product(const clnorm_tensor *t, uint32_t axes)
{
    int64_t n = 1;
    for (uint32_t k = 0; k < t->ndim; k++)
        n *= axes >> k & 1u ? t->shape[k] : 1;
    return n;
}

/* Where element i is among those that differ in these axes. */
static int64_t index_in(const clnorm_tensor *t, uint32_t axes, int64_t i)
{
    int64_t index = 0, step = 1;
    for (uint32_t k = t->ndim; k-- > 0; i /= t->shape[k])
        if (axes >> k & 1u) {
            index += i % t->shape[k] * step;
            step *= t->shape[k];
        }
    return index;
}

/* The axes outside a set; those of a group are N and C still. */
static uint32_t kept_axes(const ref_layer *l)
{
    const clnorm_tensor *t = l->tensor;
    const uint32_t axes = ref_field(l->desc, l->op->axes), n = axis_n(t), c = axis_c(t);
    const uint32_t kept[] = {
        [REF_SAMPLE] = n, [REF_PLANE] = n | c, [REF_BATCH] = c, [REF_PIXEL] = all_axes(t) & ~c
    };
    return axes ? all_axes(t) & ~axes : kept[l->op->span];
}

static uint32_t weight_axes(const ref_layer *l)
{
    const clnorm_tensor *t = l->tensor;
    const uint32_t outside = ref_field(l->desc, l->op->groups) ? axis_n(t) : kept_axes(l);
    const uint32_t axes[] = { [CLNORM_PER_CHANNEL] = axis_c(t),
                              [CLNORM_PER_ELEMENT] = all_axes(t) & ~outside,
                              [CLNORM_PER_SAMPLE] = axis_n(t) | axis_c(t),
                              [CLNORM_NO_AFFINE] = 0 };
    return l->op->affine ? axes[l->desc->layered.layer.affine] : 0;
}

/* ---- begin and end ---------------------------------------------------------------------------- */

static const clnorm_layer *options(const ref_layer *l) { return &l->desc->layered.layer; }

static double *numbers(int64_t n) { return (double *)calloc((size_t)n + 1, sizeof(double)); }
static int64_t *indices(int64_t n) { return (int64_t *)calloc((size_t)n + 1, sizeof(int64_t)); }

static bool allocate(ref_layer *l)
{
    l->set_of = indices(l->elements);
    l->weight_of = indices(l->elements);
    l->x = numbers(l->elements);
    l->g = numbers(l->elements);
    l->dz = numbers(l->elements);
    l->dx = numbers(l->elements);
    l->terms = numbers(l->elements);
    l->gamma = numbers(l->weights);
    l->beta = numbers(l->weights);
    l->set = (ref_layer_set *)calloc((size_t)l->sets + 1, sizeof *l->set);
    return l->set_of && l->weight_of && l->x && l->g && l->dz && l->dx && l->terms && l->gamma && l->beta &&
           l->set;
}

static void release(ref_layer *l)
{
    free(l->set_of);
    free(l->weight_of);
    free(l->x);
    free(l->g);
    free(l->dz);
    free(l->dx);
    free(l->terms);
    free(l->gamma);
    free(l->beta);
    free(l->set);
}

static void load_weights(ref_layer *l)
{
    const uint32_t dtype = options(l)->param_dtype ? options(l)->param_dtype : CLNORM_F32;
    const bool takes = l->op->affine && options(l)->affine != CLNORM_NO_AFFINE;
    const void *gamma = takes ? l->io->slot[CLNORM_GAMMA] : NULL,
               *beta = takes ? l->io->slot[CLNORM_BETA] : NULL;
    const double more = ref_field(l->desc, l->op->zero_centred) ? 1.0 : 0.0;
    for (int64_t w = 0; w < l->weights; w++) {
        l->gamma[w] = gamma ? ref_get(dtype, gamma, w) + more : l->op->adds_x ? 0.0 : 1.0;
        l->beta[w] = beta ? ref_get(dtype, beta, w) : 0.0;
    }
}

/* Before the norm it is like x, behind it like y; of integers it is of x's type. */
static double residual_at(const ref_layer *l, uint32_t where, int64_t i)
{
    const clnorm_tensor *t = where == CLNORM_RESIDUAL_BEFORE ? &l->desc->head.x : &l->desc->head.y;
    if (options(l)->residual != where || !l->io->slot[CLNORM_RESIDUAL])
        return 0.0;
    const bool integers = t->dtype == CLNORM_U8 || t->dtype == CLNORM_S8;
    return ref_get(integers ? l->desc->head.x.dtype : t->dtype, l->io->slot[CLNORM_RESIDUAL],
                   ref_place(t, i));
}

static void load_elements(ref_layer *l)
{
    const clnorm_tensor *t = l->tensor;
    const uint32_t groups = ref_field(l->desc, l->op->groups), kept = kept_axes(l), axes = weight_axes(l);
    for (int64_t i = 0; i < l->elements; i++) {
        l->set_of[i] = index_in(t, kept, i) / (groups ? l->channels / groups : 1);
        l->weight_of[i] = index_in(t, axes, i);
        l->x[i] = ref_get(t->dtype, l->io->slot[CLNORM_X], ref_place(t, i));
        if (!l->backward) /* where x is the sum already */
            l->x[i] += residual_at(l, CLNORM_RESIDUAL_BEFORE, i);
        ref_layer_set *set = &l->set[l->set_of[i]];
        set->count++;
        if (isnan(l->x[i]) || fabs(l->x[i]) > set->largest)
            set->largest = fabs(l->x[i]);
    }
}

/* Whether the pre-activation is needed on the way back: not where the activation's slope is known without. */
static bool needs_pre_activation(const ref_layer *l)
{
    const uint32_t act = options(l)->act;
    return act != CLNORM_ACT_NONE && !(act == CLNORM_RELU && l->io->slot[CLNORM_MASK]);
}

static bool has_inputs(const ref_layer *l)
{
    void *const *slot = l->io->slot;
    const bool sum = l->backward && options(l)->residual == CLNORM_RESIDUAL_BEFORE;
    const bool residual =
        options(l)->residual != CLNORM_RESIDUAL_NONE && !sum && (!l->backward || needs_pre_activation(l));
    const bool statistics = !l->given || (slot[CLNORM_RSTD] && (slot[CLNORM_MEAN] || !l->op->has_mean));
    return slot[CLNORM_X] && (slot[CLNORM_DY] || !l->backward) && (slot[CLNORM_RESIDUAL] || !residual) &&
           statistics;
}

static bool load_statistics(ref_layer *l)
{
    if (l->op->measure && !l->op->measure(l))
        return false;
    for (int64_t s = 0; l->given && s < l->sets; s++) {
        l->set[s].mean = l->op->has_mean ? ref_get(CLNORM_F32, l->io->slot[CLNORM_MEAN], s) : 0.0;
        l->set[s].mean_rest = 0.0;
        l->set[s].rstd = ref_get(CLNORM_F32, l->io->slot[CLNORM_RSTD], s);
        if (l->op->given)
            l->op->given(l, &l->set[s]);
    }
    return true;
}

static bool begin(ref_layer *l, const ref_layer_op *op, const clnorm_any *desc, const ref_io *io)
{
    const clnorm_tensor *t = &desc->head.x;
    l->op = op;
    l->desc = desc;
    l->tensor = t;
    l->io = io;
    l->backward = desc->op.direction == CLNORM_BACKWARD;
    const bool saved = io->slot[CLNORM_RSTD] && (io->slot[CLNORM_MEAN] || !op->has_mean);
    l->given = op->measure && (l->backward ? saved : options(l)->given != 0);
    l->elements = product(t, all_axes(t));
    l->channels = product(t, axis_c(t));
    l->inner = product(t, all_axes(t) & ~axis_n(t) & ~axis_c(t));
    l->weights = product(t, weight_axes(l));
    const uint32_t groups = ref_field(desc, op->groups);
    l->sets = product(t, kept_axes(l));
    if (groups && l->channels)
        l->sets /= l->channels / groups;
    if (!has_inputs(l) || !allocate(l))
        return false;
    load_weights(l);
    load_elements(l);
    return load_statistics(l);
}

/* ---- forward ---------------------------------------------------------------------------------- */

static void put(const ref_layer *l, clnorm_slot slot, int64_t i, double value, double scale, double any)
{
    double *out = (double *)l->io->slot[slot];
    if (out)
        out[i] = value + (options(l)->accumulate >> slot & 1u ? out[i] : 0.0);
    ref_put_scale(l->io, slot, i, scale, any);
}

typedef struct summed {
    double value, scale, any;
} summed;

/* gamma * xhat + beta and what is added before the activation. */
static summed pre_activation(const ref_layer *l, int64_t i)
{
    const double gamma = l->gamma[l->weight_of[i]], beta = l->beta[l->weight_of[i]], xhat = l->op->xhat(l, i);
    const double x = l->op->adds_x ? l->x[i] : 0.0, residual = residual_at(l, CLNORM_RESIDUAL_AFTER, i);
    const double others = fabs(beta) + fabs(x) + fabs(residual);
    const summed s = { gamma * xhat + beta + x + residual, fabs(gamma * xhat) + others,
                       fabs(gamma) * ref_reach(l, xhat) + others };
    return s;
}

static void set_bit(void *mask, int64_t bit, bool on)
{
    uint8_t *byte = (uint8_t *)mask + bit / 8;
    *byte = (uint8_t)((*byte & ~(1u << bit % 8)) | (unsigned)on << bit % 8);
}
static bool get_bit(const void *mask, int64_t bit) { return ((const uint8_t *)mask)[bit / 8] >> bit % 8 & 1; }

static void forward(ref_layer *l)
{
    const clnorm_layer *o = options(l);
    for (int64_t i = 0; i < l->elements; i++) {
        const summed z = pre_activation(l, i);
        const double y = ref_act(o->act, (double)o->slope, z.value), unit = (double)o->out_scale,
                     zero = (double)o->out_zero;
        if (unit > 0.0)
            put(l, CLNORM_Y, i, y / unit + zero, z.scale / unit + fabs(zero), z.any / unit + fabs(zero));
        else
            put(l, CLNORM_Y, i, y, z.scale, z.any);
        put(l, CLNORM_SUM, i, l->x[i], 0.0, 0.0);
        if (l->io->slot[CLNORM_MASK])
            set_bit(l->io->slot[CLNORM_MASK], ref_place(&l->desc->head.y, i), y > 0.0);
    }
    for (int64_t s = 0; l->op->measure && !l->given && s < l->sets; s++) {
        if (l->op->has_mean)
            put(l, CLNORM_MEAN, s, l->set[s].mean + l->set[s].mean_rest, l->set[s].largest,
                l->set[s].largest);
        put(l, CLNORM_RSTD, s, l->set[s].rstd, 0.0, 0.0);
    }
    if (l->op->finish)
        l->op->finish(l);
}

/* ---- backward --------------------------------------------------------------------------------- */

/* Through the activation. Where relu is shut, nothing passes, not even an infinity. */
static void load_gradient(ref_layer *l)
{
    const clnorm_layer *o = options(l);
    const clnorm_tensor *t = &l->desc->head.y;
    for (int64_t i = 0; i < l->elements; i++) {
        const int64_t place = ref_place(t, i);
        double slope = 1.0;
        if (needs_pre_activation(l))
            slope = ref_act_slope(o->act, (double)o->slope, pre_activation(l, i).value);
        else if (o->act == CLNORM_RELU)
            slope = get_bit(l->io->slot[CLNORM_MASK], place);
        l->dz[i] = slope == 0.0 ? 0.0 : slope * ref_get(t->dtype, l->io->slot[CLNORM_DY], place);
        l->g[i] = l->dz[i] * l->gamma[l->weight_of[i]];
    }
}

/* dgamma and dbeta are the sums of dz * xhat and of dz. */
static bool put_weights(const ref_layer *l, clnorm_slot slot)
{
    ref_sum *sum = (ref_sum *)calloc((size_t)l->weights + 1, sizeof *sum);
    double *size = numbers(l->weights), *any = numbers(l->weights);
    const bool done = sum && size && any;
    for (int64_t i = 0; done && i < l->elements; i++) {
        const double factor = slot == CLNORM_DGAMMA ? l->op->xhat(l, i) : 1.0, dz = l->dz[i];
        const int64_t w = l->weight_of[i];
        ref_sum_add(&sum[w], dz * factor);
        size[w] += fabs(dz * factor);
        any[w] += fabs(dz) * ref_reach(l, factor);
    }
    for (int64_t w = 0; done && w < l->weights; w++)
        put(l, slot, w, ref_sum_take(&sum[w]), 1e-2 * size[w], any[w]);
    free(sum);
    free(size);
    free(any);
    return done;
}

/* An element's S is the largest of its set, or the largest g * rstd that it is a difference of; of a sample
 * where its channels depend on each other. For inputs of any kind, also the largest sum of |terms|. */
static bool put_elements(const ref_layer *l, clnorm_slot slot, const double *value)
{
    const int64_t joined = l->op->adds_x ? l->channels : 1;
    double *largest = numbers(l->sets), *any = numbers(l->sets);
    const bool done = largest && any;
    for (int64_t i = 0; done && i < l->elements; i++) {
        const int64_t s = l->set_of[i] / joined;
        const double term = slot == CLNORM_DX ? fabs(l->g[i] * ref_set_at(l, i)->rstd) : 0.0;
        largest[s] = fmax(largest[s], fmax(fabs(value[i]), isfinite(term) ? term : 0.0));
        any[s] =
            fmax(any[s], fmax(largest[s], slot == CLNORM_DX && isfinite(l->terms[i]) ? l->terms[i] : 0.0));
    }
    for (int64_t i = 0; done && i < l->elements; i++)
        put(l, slot, i, value[i], largest[l->set_of[i] / joined], any[l->set_of[i] / joined]);
    free(largest);
    free(any);
    return done;
}

static bool backward(ref_layer *l)
{
    load_gradient(l);
    l->op->backward(l);
    for (int64_t i = 0; l->op->adds_x && i < l->elements; i++) {
        l->dx[i] += l->dz[i];
        l->terms[i] += fabs(l->dz[i]);
    }
    const bool weighed = l->op->affine && options(l)->affine != CLNORM_NO_AFFINE;
    const double *dresidual = options(l)->residual == CLNORM_RESIDUAL_BEFORE ? l->dx : l->dz;
    return put_elements(l, CLNORM_DX, l->dx) && put_elements(l, CLNORM_DRESIDUAL, dresidual) &&
           (!weighed || (put_weights(l, CLNORM_DGAMMA) && put_weights(l, CLNORM_DBETA)));
}

/* ---- an op ------------------------------------------------------------------------------------ */

const ref_layer_op *ref_layer_op_of(uint32_t kind)
{
    static const ref_layer_op *const ops[] = { &ref_batchnorm,    &ref_layernorm, &ref_groupnorm,
                                               &ref_instancenorm, &ref_rmsnorm,   &ref_l2norm,
                                               &ref_lpnorm,       &ref_mvn,       &ref_grn,
                                               &ref_lrn };
    for (size_t k = 0; k < CLN_COUNT(ops); k++)
        if (ops[k]->kind == kind)
            return ops[k];
    return NULL;
}

bool ref_layer_run(const ref_layer_op *op, const clnorm_any *desc, const ref_io *io)
{
    ref_layer l = { .op = op };
    bool done = begin(&l, op, desc, io);
    if (done && l.backward)
        done = backward(&l);
    else if (done)
        forward(&l);
    release(&l);
    return done;
}

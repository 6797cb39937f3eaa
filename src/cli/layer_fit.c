/* layer_fit.c -- the arrays that were given to a layer: types, and what gamma and beta span. */
#include "cli/layer.h"

#include <stdio.h>
#include <string.h>

static uint32_t channel(const clnorm_tensor *x) { return x->ndim >= 4 || x->ndim == 2 ? 1 : 0; }

/* ---- axes ---- */

/* The axes that a statistic spans, asked of a tensor on which they show. */
static uint32_t reduced(const clnorm_any *desc)
{
    clnorm_any twos = *desc;
    clnorm_tensor *x = &twos.head.x, s;
    uint32_t axes = 0;
    memset(x->stride, 0, sizeof x->stride);
    for (uint32_t k = 0; k < x->ndim; k++)
        x->shape[k] = 2;
    if (desc->op.kind == CLNORM_OP_GROUPNORM)
        x->shape[channel(x)] = 2 * (int64_t)desc->groupnorm.groups;
    twos.head.y = *x;
    twos.head.y.dtype = desc->head.y.dtype;
    if (clnorm_op_check(&twos) != CLNORM_OK || !clnorm_op_slot(&twos, CLNORM_RSTD, &s))
        return 0;
    for (uint32_t k = 0; k < s.ndim; k++)
        axes |= s.shape[k] == 1 ? 1u << k : 0;
    return axes;
}

/* Which axis of gamma and beta is C, where it is not their last as it is. */
static int weight_channel(const clnorm_any *desc)
{
    const uint32_t c = channel(&desc->head.x);
    if (desc->layered.layer.affine != CLNORM_PER_ELEMENT)
        return -1;
    const uint32_t axes = reduced(desc) | (desc->op.kind == CLNORM_OP_GROUPNORM ? 1u << c : 0);
    return axes >> c & 1u ? (int)(axes & (c ? 1u : 0u)) : -1;
}

/* ---- files ---- */

/* Ops whose statistics are per channel: (C), (N,C) or (N,G) in a file. The others keep x's rank. */
static bool per_channel(uint32_t kind)
{
    return kind == CLNORM_OP_BATCHNORM || kind == CLNORM_OP_GROUPNORM || kind == CLNORM_OP_INSTANCENORM;
}

static uint32_t channels_alone(int64_t *shape, const clnorm_any *desc, const clnorm_tensor *t)
{
    const uint32_t c = channel(&desc->head.x);
    uint32_t n = 0;
    if (c && desc->op.kind != CLNORM_OP_BATCHNORM)
        shape[n++] = t->shape[0];
    shape[n++] = t->shape[c];
    return n;
}

uint32_t cli_layer_file(clnorm_tensor *lies, int64_t *shape, const cli_problem *p, uint32_t slot,
                        const clnorm_tensor *t)
{
    const bool weight =
        slot == CLNORM_GAMMA || slot == CLNORM_BETA || slot == CLNORM_DGAMMA || slot == CLNORM_DBETA;
    const bool statistic = slot == CLNORM_MEAN || slot == CLNORM_RSTD;
    const bool full = !weight && t->ndim == p->desc.head.x.ndim;
    if (statistic && p->op->layer && per_channel(p->op->kind)) {
        *lies = *t;
        return channels_alone(shape, &p->desc, t);
    }
    const int c = weight ? weight_channel(&p->desc) : full ? cli_channel_axis(t->ndim) : -1;
    *lies = cli_tensor_last(t, p->kept == CLI_LAST ? c : -1, shape);
    return t->ndim;
}

/* ---- gamma and beta ---- */

/* Puts a span into the descriptor and says what shape a file of gamma has then; false where the op has no
 * such span. */
static bool try_span(cli_problem *p, uint32_t span, int64_t *shape, uint32_t *ndim)
{
    clnorm_any desc = p->desc;
    clnorm_tensor t, lies;
    desc.layered.layer.affine = span;
    if (clnorm_op_check(&desc) != CLNORM_OK || !clnorm_op_slot(&desc, CLNORM_GAMMA, &t))
        return false;
    p->desc.layered.layer.affine = span;
    *ndim = cli_layer_file(&lies, shape, p, CLNORM_GAMMA, &t);
    return true;
}

static int fail_span(const cli_extra *x, const char *shapes)
{
    return cli_fail(EXIT_INPUT, "--in %s: %s is %s; x allows%s, axes of length 1 apart", x->name,
                    cli_quote(x->file), cli_shape_text(x->array.shape, x->array.ndim), shapes);
}

/* The first of the spans that fits both. */
static int find_span(cli_problem *p, const cli_extra *gamma, const cli_extra *beta, bool axis)
{
    static const uint32_t spans[] = { CLNORM_PER_CHANNEL, CLNORM_PER_SAMPLE, CLNORM_PER_ELEMENT };
    bool fits_gamma = !gamma, fits_beta = !beta; /* some span */
    char shapes[512] = "";
    for (size_t k = axis ? 2 : 0; k < sizeof spans / sizeof *spans; k++) {
        int64_t shape[CLNORM_MAX_DIMS];
        uint32_t ndim;
        if (!try_span(p, spans[k], shape, &ndim))
            continue;
        const bool a = !gamma || cli_shape_fits(&gamma->array, shape, ndim),
                   b = !beta || cli_shape_fits(&beta->array, shape, ndim);
        const size_t used = strlen(shapes);
        if (a && b)
            return EXIT_OK;
        snprintf(shapes + used, sizeof shapes - used, " %s", cli_shape_text(shape, ndim));
        fits_gamma |= a;
        fits_beta |= b;
    }
    if (!fits_gamma || !fits_beta)
        return fail_span(fits_gamma ? beta : gamma, shapes);
    return cli_fail(EXIT_INPUT, "--in gamma is %s and --in beta is %s; both must span the same",
                    cli_shape_text(gamma->array.shape, gamma->array.ndim),
                    cli_shape_text(beta->array.shape, beta->array.ndim));
}

static int fit_weights(cli_problem *p, const cli_args *args, const cli_extras *e)
{
    clnorm_layer *l = &p->desc.layered.layer;
    const cli_extra *gamma = cli_extras_find(e, CLNORM_GAMMA, false),
                    *beta = cli_extras_find(e, CLNORM_BETA, false), *one = gamma ? gamma : beta;
    clnorm_any plain = p->desc;
    int axis;
    const bool from_axis = cli_attrs_axis(&p->desc, args, p->desc.head.x.ndim, &axis);
    plain.layered.layer.affine = CLNORM_NO_AFFINE;
    if (l->affine == CLNORM_NO_AFFINE || clnorm_op_check(&plain) != CLNORM_OK) /* which is said later */
        return EXIT_OK;
    if (!one) {
        l->affine = from_axis ? CLNORM_PER_ELEMENT : CLNORM_PER_CHANNEL;
        return EXIT_OK;
    }
    l->param_dtype =
        gamma && beta && gamma->array.dtype != beta->array.dtype ? (uint32_t)CLNORM_F32 : one->array.dtype;
    return find_span(p, gamma, beta, from_axis);
}

int cli_layer_fit(cli_problem *p, const cli_args *args, const cli_extras *e)
{
    const cli_extra *dy = cli_extras_find(e, CLNORM_DY, false);
    if (dy)
        p->desc.head.y.dtype = dy->array.dtype;
    return p->op->slots_in >> CLNORM_GAMMA & 1u ? fit_weights(p, args, e) : EXIT_OK;
}

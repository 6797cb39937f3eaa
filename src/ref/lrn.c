/* lrn.c -- xhat_c = x_c * (k + A * S_c)^(-beta), S_c = sum of x^2 over the window of channels around c. */
#include "ref/layer.h"

/* Channels before and behind. */
static int64_t before(const clnorm_lrn *d)
{
    return d->lean == CLNORM_LEAN_RIGHT ? (d->window - 1) / 2 : d->window / 2;
}
static int64_t behind(const clnorm_lrn *d)
{
    return d->lean == CLNORM_LEAN_LEFT ? (d->window - 1) / 2 : d->window / 2;
}

static double alpha(const clnorm_lrn *d)
{
    return (double)d->alpha / (d->whole_alpha ? 1.0 : (double)d->window);
}

/* Sums a term over the channels from c - left to c + right, clipped, of element i in channel c. */
static double window(const ref_layer *l, int64_t i, int64_t left, int64_t right,
                     double (*term)(const ref_layer *l, int64_t i))
{
    const int64_t c = i / l->inner % l->channels;
    const int64_t first = c > left ? c - left : 0;
    const int64_t last = right < l->channels - 1 - c ? c + right : l->channels - 1;
    ref_sum sum = { 0.0, 0.0 };
    for (int64_t k = first; k <= last; k++)
        ref_sum_add(&sum, term(l, i + (k - c) * l->inner));
    return ref_sum_take(&sum);
}

static double square(const ref_layer *l, int64_t i) { return l->x[i] * l->x[i]; }

/* k + A * S; NaN where an element of the window is not finite. */
static double base_of(const ref_layer *l, int64_t i)
{
    const clnorm_lrn *d = &l->desc->lrn;
    return (double)d->k + alpha(d) * window(l, i, before(d), behind(d), square);
}

static double xhat(const ref_layer *l, int64_t i)
{
    return l->x[i] * pow(base_of(l, i), -(double)l->desc->lrn.beta);
}

static double through_window(const ref_layer *l, int64_t i)
{
    return l->g[i] * l->x[i] * pow(base_of(l, i), -(double)l->desc->lrn.beta - 1.0);
}
static double size_through(const ref_layer *l, int64_t i) { return fabs(through_window(l, i)); }

/* The windows that hold j lie around j mirrored. */
static void backward(ref_layer *l)
{
    const clnorm_lrn *d = &l->desc->lrn;
    const double beta = (double)d->beta;
    for (int64_t j = 0; j < l->elements; j++) {
        const double own = l->g[j] * pow(base_of(l, j), -beta), share = 2.0 * alpha(d) * beta * l->x[j];
        l->dx[j] = own - share * window(l, j, behind(d), before(d), through_window);
        l->terms[j] = fabs(own) + fabs(share) * window(l, j, behind(d), before(d), size_through);
    }
}

const ref_layer_op ref_lrn = {
    .kind = CLNORM_OP_LRN,
    .span = REF_PIXEL,
    .xhat = xhat,
    .backward = backward,
};

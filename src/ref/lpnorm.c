/* lpnorm.c -- xhat = x / max(|x|_p, eps), or / (|x|_p + eps), over C or the axes given. */
#include "ref/layer.h"

/* Of |x| / largest, so that no power overflows. */
static double power(const ref_layer *l, int64_t i)
{
    const double largest = ref_set_at(l, i)->largest;
    return largest == 0.0 ? 0.0 : pow(fabs(l->x[i]) / largest, (double)l->desc->lpnorm.p);
}
static double is_largest(const ref_layer *l, int64_t i) { return fabs(l->x[i]) == ref_set_at(l, i)->largest; }

static bool measure(ref_layer *l)
{
    const clnorm_lpnorm *d = &l->desc->lpnorm;
    ref_sum_sets(l, is_largest, offsetof(ref_layer_set, share));
    ref_sum_sets(l, power, offsetof(ref_layer_set, norm));
    for (int64_t s = 0; s < l->sets; s++) {
        ref_layer_set *set = &l->set[s];
        set->share = ref_inverse(set->share);
        set->norm = !isfinite(set->largest) || isinf(d->p)
                        ? set->largest
                        : set->largest * pow(set->norm, 1.0 / (double)d->p);
        set->rstd = ref_norm_factor(set->norm, (double)d->eps, d->add_eps != 0);
    }
    return true;
}

static void given(const ref_layer *l, ref_layer_set *set)
{
    set->norm = ref_norm_given(set->rstd, (double)l->desc->lpnorm.eps, l->desc->lpnorm.add_eps != 0);
}

static double sign(double x) { return x > 0.0 ? 1.0 : x < 0.0 ? -1.0 : x; }

static double slope(const ref_layer *l, int64_t i)
{
    const double p = (double)l->desc->lpnorm.p, x = l->x[i];
    const ref_layer_set *set = ref_set_at(l, i);
    if (isinf(p))
        return fabs(x) == set->largest ? sign(x) * set->share : 0.0;
    return sign(x) * pow(fabs(x) / set->norm, p - 1.0);
}

static void backward(ref_layer *l)
{
    ref_norm_back(l, slope, (double)l->desc->lpnorm.eps, l->desc->lpnorm.add_eps != 0);
}

const ref_layer_op ref_lpnorm = {
    .kind = CLNORM_OP_LPNORM,
    .span = REF_PIXEL,
    .axes = offsetof(clnorm_lpnorm, axes),
    .measure = measure,
    .given = given,
    .xhat = ref_scaled,
    .backward = backward,
};

/* l2norm.c -- xhat = x / max(|x|, eps), or / (|x| + eps), |x| = sqrt(sum x^2) over C or the axes given. */
#include "ref/layer.h"

static bool measure(ref_layer *l)
{
    const clnorm_l2norm *d = &l->desc->l2norm;
    ref_sum_squares(l);
    for (int64_t s = 0; s < l->sets; s++) {
        l->set[s].norm = sqrt(l->set[s].norm);
        l->set[s].rstd = ref_norm_factor(l->set[s].norm, (double)d->eps, d->add_eps != 0);
    }
    return true;
}

static void given(const ref_layer *l, ref_layer_set *set)
{
    set->norm = ref_norm_given(set->rstd, (double)l->desc->l2norm.eps, l->desc->l2norm.add_eps != 0);
}

static double slope(const ref_layer *l, int64_t i) { return l->x[i] / ref_set_at(l, i)->norm; }

static void backward(ref_layer *l)
{
    ref_norm_back(l, slope, (double)l->desc->l2norm.eps, l->desc->l2norm.add_eps != 0);
}

const ref_layer_op ref_l2norm = {
    .kind = CLNORM_OP_L2NORM,
    .span = REF_PIXEL,
    .axes = offsetof(clnorm_l2norm, axes),
    .measure = measure,
    .given = given,
    .xhat = ref_scaled,
    .backward = backward,
};

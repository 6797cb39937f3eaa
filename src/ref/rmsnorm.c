/* rmsnorm.c -- xhat = x / sqrt(mean(x^2) + eps), over C,H,W of each sample or the axes given. */
#include "ref/layer.h"

static bool measure(ref_layer *l)
{
    ref_sum_squares(l);
    for (int64_t s = 0; s < l->sets; s++) {
        ref_layer_set *set = &l->set[s];
        set->rstd = ref_inverse(sqrt(set->norm / ref_degrees(set->count, 0) + (double)l->desc->rmsnorm.eps));
    }
    return true;
}

static double times_x(const ref_layer *l, int64_t i) { return l->g[i] * l->x[i]; }

static void backward(ref_layer *l)
{
    ref_sum_sets(l, times_x, offsetof(ref_layer_set, sum_gx));
    ref_sum_sizes(l);
    for (int64_t i = 0; i < l->elements; i++) {
        const ref_layer_set *set = ref_set_at(l, i);
        const double r = set->rstd;
        l->dx[i] = r * l->g[i] - l->x[i] * r * (r * (r * (set->sum_gx / (double)set->count)));
        l->terms[i] = r * (fabs(l->g[i]) + fabs(l->x[i] * r) * set->size / (double)set->count);
    }
}

const ref_layer_op ref_rmsnorm = {
    .kind = CLNORM_OP_RMSNORM,
    .span = REF_SAMPLE,
    .axes = offsetof(clnorm_rmsnorm, axes),
    .zero_centred = offsetof(clnorm_rmsnorm, zero_centred),
    .affine = true,
    .measure = measure,
    .xhat = ref_scaled,
    .backward = backward,
};

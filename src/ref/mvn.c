/* mvn.c -- xhat = (x - mean) / (std + eps), or / sqrt(var + eps), over H,W or the axes given. */
#include "ref/layer.h"

static bool measure(ref_layer *l)
{
    const clnorm_mvn *d = &l->desc->mvn;
    ref_centre(l, (double)d->eps, d->ddof);
    for (int64_t s = 0; !d->eps_inside && s < l->sets; s++) {
        ref_layer_set *set = &l->set[s];
        set->norm = sqrt(set->m2 / ref_degrees(set->count, d->ddof));
        set->rstd = ref_inverse(set->norm + (double)d->eps);
    }
    return true;
}

static void given(const ref_layer *l, ref_layer_set *set)
{
    set->norm = fmax(1.0 / set->rstd - (double)l->desc->mvn.eps, 0.0);
}

/* Outside: dx = (g - mean(g)) / (s + eps) - (x - mean) * sum(g * (x - mean)) / ((M - ddof) * s * (s +
 * eps)^2), where (x - mean) / (s + eps) is xhat. */
static void backward(ref_layer *l)
{
    const clnorm_mvn *d = &l->desc->mvn;
    ref_centre_back(l, d->ddof);
    for (int64_t i = 0; !d->eps_inside && i < l->elements; i++) {
        const ref_layer_set *set = ref_set_at(l, i);
        const double free = ref_degrees(set->count, d->ddof);
        const double share = set->norm == 0.0 ? 0.0 : ref_centred(l, i) / (free * set->norm);
        const double along = set->norm == 0.0 ? 0.0 : ref_centred(l, i) * set->sum_gx / (free * set->norm);
        l->dx[i] = (l->g[i] - set->sum_g / (double)set->count) * set->rstd - along;
        l->terms[i] = fabs(l->g[i]) * set->rstd + fabs(share) * set->size;
    }
}

const ref_layer_op ref_mvn = {
    .kind = CLNORM_OP_MVN,
    .span = REF_PLANE,
    .axes = offsetof(clnorm_mvn, axes),
    .has_mean = true,
    .measure = measure,
    .given = given,
    .xhat = ref_centred,
    .backward = backward,
};

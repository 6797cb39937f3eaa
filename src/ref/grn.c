/* grn.c -- xhat = x * N, N_c = G_c / (mean_c G + eps), G_c = sqrt(sum_hw x^2); layer.c adds x. */
#include "ref/layer.h"

/* The mean over the channels of a sample, of a double of ref_layer_set or of the product of two. */
static double mean_of(const ref_layer *l, int64_t s, double (*of)(const ref_layer_set *set))
{
    const int64_t first = s / l->channels * l->channels;
    ref_sum sum = { 0.0, 0.0 };
    for (int64_t c = 0; c < l->channels; c++)
        ref_sum_add(&sum, of(&l->set[first + c]));
    return ref_sum_take(&sum) / (double)l->channels;
}

static double energy(const ref_layer_set *set) { return set->norm; }
static double pull(const ref_layer_set *set) { return set->sum_gx * set->norm; }
static double push(const ref_layer_set *set) { return set->size * set->norm; }

/* a = mean_c G + eps; NaN where an element of the sample is not finite. */
static double base_of(const ref_layer *l, int64_t s)
{
    const double a = mean_of(l, s, energy) + (double)l->desc->grn.eps;
    return isfinite(a) ? a : NAN;
}

static bool measure(ref_layer *l)
{
    ref_sum_squares(l);
    for (int64_t s = 0; s < l->sets; s++)
        l->set[s].norm = sqrt(l->set[s].norm);
    for (int64_t s = 0; s < l->sets; s++)
        l->set[s].rstd = l->set[s].norm * ref_inverse(base_of(l, s));
    return true;
}

static double times_x(const ref_layer *l, int64_t i) { return l->g[i] * l->x[i]; }
static double size_x(const ref_layer *l, int64_t i) { return fabs(times_x(l, i)); }

/* P_c = sum_hw g * x; dG_c = P_c / a - (1 / C) * sum_k P_k * G_k / a^2; dx = g * N + x * dG / G. */
static void backward(ref_layer *l)
{
    ref_sum_sets(l, times_x, offsetof(ref_layer_set, sum_gx));
    ref_sum_sets(l, size_x, offsetof(ref_layer_set, size));
    for (int64_t s = 0; s < l->sets; s++) {
        const double a = base_of(l, s), dg = (l->set[s].sum_gx - mean_of(l, s, pull) / a) / a;
        const double size = (l->set[s].size + mean_of(l, s, push) / a) / a;
        l->set[s].sum_g = l->set[s].norm == 0.0 ? 0.0 : dg / l->set[s].norm;
        l->set[s].share = l->set[s].norm == 0.0 ? 0.0 : size / l->set[s].norm;
    }
    for (int64_t i = 0; i < l->elements; i++) {
        const ref_layer_set *set = ref_set_at(l, i);
        l->dx[i] = l->g[i] * set->rstd + l->x[i] * set->sum_g;
        l->terms[i] = fabs(l->g[i] * set->rstd) + fabs(l->x[i]) * set->share;
    }
}

const ref_layer_op ref_grn = {
    .kind = CLNORM_OP_GRN,
    .span = REF_PLANE,
    .affine = true,
    .adds_x = true,
    .measure = measure,
    .xhat = ref_scaled,
    .backward = backward,
};

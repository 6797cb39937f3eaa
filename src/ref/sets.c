/* sets.c -- the statistics that several layers share, and their ways back. */
#include "ref/layer.h"

static double *member(ref_layer_set *set, size_t offset) { return (double *)(void *)((char *)set + offset); }

void ref_sum_sets(ref_layer *l, double (*term)(const ref_layer *l, int64_t i), size_t offset)
{
    for (int64_t i = 0; i < l->elements; i++)
        ref_sum_add(&l->set[l->set_of[i]].sum, term(l, i));
    for (int64_t s = 0; s < l->sets; s++)
        *member(&l->set[s], offset) = ref_sum_take(&l->set[s].sum);
}

static double gradient(const ref_layer *l, int64_t i) { return l->g[i]; }

static double reached(const ref_layer *l, int64_t i)
{
    return fabs(l->g[i]) * ref_reach(l, l->op->xhat(l, i));
}

void ref_sum_sizes(ref_layer *l) { ref_sum_sets(l, reached, offsetof(ref_layer_set, size)); }

/* ---- squares ---------------------------------------------------------------------------------- */

static double square(const ref_layer *l, int64_t i) { return l->x[i] * l->x[i]; }

/* A compensated sum is NaN where an element is infinite; a norm is infinite there. */
void ref_sum_squares(ref_layer *l)
{
    ref_sum_sets(l, square, offsetof(ref_layer_set, norm));
    for (int64_t s = 0; s < l->sets; s++)
        if (!isfinite(l->set[s].largest))
            l->set[s].norm = l->set[s].largest;
}

/* ---- mean and variance ------------------------------------------------------------------------ */

double ref_degrees(int64_t count, uint32_t ddof)
{
    return count > (int64_t)ddof ? (double)(count - (int64_t)ddof) : 1.0;
}

static double value(const ref_layer *l, int64_t i) { return l->x[i]; }
static double distance(const ref_layer *l, int64_t i) { return l->x[i] - ref_set_at(l, i)->mean; }
static double centred(const ref_layer *l, int64_t i) { return distance(l, i) - ref_set_at(l, i)->mean_rest; }
static double centred_square(const ref_layer *l, int64_t i) { return centred(l, i) * centred(l, i); }

/* In three passes: the mean, what rounding left of it, the squares about both. */
void ref_centre(ref_layer *l, double eps, uint32_t ddof)
{
    ref_sum_sets(l, value, offsetof(ref_layer_set, mean));
    for (int64_t s = 0; s < l->sets; s++)
        l->set[s].mean /= ref_degrees(l->set[s].count, 0);
    ref_sum_sets(l, distance, offsetof(ref_layer_set, mean_rest));
    for (int64_t s = 0; s < l->sets; s++)
        l->set[s].mean_rest /= ref_degrees(l->set[s].count, 0);
    ref_sum_sets(l, centred_square, offsetof(ref_layer_set, m2));
    for (int64_t s = 0; s < l->sets; s++)
        l->set[s].rstd = ref_inverse(sqrt(l->set[s].m2 / ref_degrees(l->set[s].count, ddof) + eps));
}

double ref_centred(const ref_layer *l, int64_t i) { return centred(l, i) * ref_set_at(l, i)->rstd; }

void ref_centre_back(ref_layer *l, uint32_t ddof)
{
    ref_sum_sets(l, gradient, offsetof(ref_layer_set, sum_g));
    ref_sum_sets(l, ref_times_xhat, offsetof(ref_layer_set, sum_gx));
    ref_sum_sizes(l);
    for (int64_t i = 0; i < l->elements; i++) {
        const ref_layer_set *set = ref_set_at(l, i);
        const double mean_g = set->sum_g / (double)set->count;
        const double along = l->op->xhat(l, i) * set->sum_gx / ref_degrees(set->count, ddof);
        const double size = fabs(l->op->xhat(l, i)) * set->size / ref_degrees(set->count, ddof);
        l->dx[i] = set->rstd * (l->g[i] - mean_g - along);
        l->terms[i] = set->rstd * (fabs(l->g[i]) + size);
    }
}

/* ---- norms ------------------------------------------------------------------------------------- */

double ref_norm_factor(double norm, double eps, bool add)
{
    const double larger = norm > eps || isnan(norm) ? norm : eps;
    return ref_inverse(add ? norm + eps : larger);
}

/* A factor saved as f32 says that max took eps by being that of eps, rounded alike. */
double ref_norm_given(double rstd, double eps, bool add)
{
    if (add)
        return fmax(1.0 / rstd - eps, 0.0);
    return rstd >= (double)(float)(1.0 / eps) ? eps : 1.0 / rstd;
}

void ref_norm_back(ref_layer *l, double (*slope)(const ref_layer *l, int64_t i), double eps, bool add)
{
    ref_sum_sets(l, ref_times_xhat, offsetof(ref_layer_set, sum_gx));
    ref_sum_sizes(l);
    for (int64_t i = 0; i < l->elements; i++) {
        const ref_layer_set *set = ref_set_at(l, i);
        const bool moves = add ? set->norm != 0.0 : !(set->norm <= eps);
        const double along = moves ? slope(l, i) : 0.0;
        l->dx[i] = (l->g[i] - (moves ? along * set->sum_gx : 0.0)) * set->rstd;
        l->terms[i] = (fabs(l->g[i]) + fabs(along) * set->size) * set->rstd;
    }
}

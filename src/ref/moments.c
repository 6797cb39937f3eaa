/* moments.c -- count, mean, M2 = sum (x - mean)^2, min and max of every set; y is the mean. */
#include "ref/internal.h"

#include <math.h>

static ref_result formula(const ref_point *p)
{
    const double mean = p->stat->mean + p->stat->mean_rest;
    const ref_result r = { mean, fmax(fabs(p->stat->min), fabs(p->stat->max)) };
    return r;
}

const ref_op ref_moments = {
    .kind = CLNORM_OP_MOMENTS,
    .formula = formula,
    .source = REF_OF_X,
    .per_set = true,
    .scope = offsetof(clnorm_moments, scope),
    .axes = offsetof(clnorm_moments, axes),
    .swap_rb = offsetof(clnorm_moments, swap_rb),
};

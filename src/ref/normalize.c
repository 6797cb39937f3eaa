/* normalize.c -- y = (x / scale - mean_c) / std_c. */
#include "ref/internal.h"

#include <math.h>

static ref_result formula(const ref_point *p)
{
    const clnorm_normalize *d = &p->desc->normalize;
    const double mean = ref_listed(d->mean, d->channels, p->channel);
    const double std = ref_listed(d->std, d->channels, p->channel);
    const double y = (p->x / (double)d->scale - mean) / std;
    const ref_result r = { y, fabs(y) };
    return r;
}

const ref_op ref_normalize = {
    .kind = CLNORM_OP_NORMALIZE,
    .formula = formula,
    .swap_rb = offsetof(clnorm_normalize, swap_rb),
};

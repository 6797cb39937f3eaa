/* minmax.c -- y = lo + (hi - lo) * (x - min) / (max - min + eps). */
#include "ref/internal.h"

#include <math.h>

static ref_result formula(const ref_point *p)
{
    const clnorm_minmax *d = &p->desc->minmax;
    const double lo = d->lo, hi = d->hi, above = p->x - p->stat->min, range = p->stat->max - p->stat->min;
    const double t =
        above == 0.0 ? 0.0 : above / (range + (double)d->eps); /* a constant set: 0 even for eps 0 */
    const ref_result r = { lo + (hi - lo) * t, fabs((hi - lo) * t) + fabs(lo) };
    return r;
}

const ref_op ref_minmax = {
    .kind = CLNORM_OP_MINMAX,
    .formula = formula,
    .source = REF_OF_X,
    .scope = offsetof(clnorm_minmax, scope),
    .swap_rb = offsetof(clnorm_minmax, swap_rb),
};

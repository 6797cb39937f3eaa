/* symmetric.c -- y = 2 * (x / scale) - 1. */
#include "ref/internal.h"

#include <math.h>

static ref_result formula(const ref_point *p)
{
    const double t = 2.0 * (p->x / (double)p->desc->symmetric.scale);
    const ref_result r = { t - 1.0, fabs(t) + 1.0 };
    return r;
}

const ref_op ref_symmetric = {
    .kind = CLNORM_OP_SYMMETRIC,
    .formula = formula,
    .swap_rb = offsetof(clnorm_symmetric, swap_rb),
};

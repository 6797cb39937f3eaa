/* totensor.c -- y = x / scale. */
#include "ref/internal.h"

#include <math.h>

static ref_result formula(const ref_point *p)
{
    const double y = p->x / (double)p->desc->totensor.scale;
    const ref_result r = { y, fabs(y) };
    return r;
}

const ref_op ref_totensor = {
    .kind = CLNORM_OP_TOTENSOR,
    .formula = formula,
    .swap_rb = offsetof(clnorm_totensor, swap_rb),
};

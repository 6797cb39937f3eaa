/* zscore.c -- y = (x - mean) / (std + eps), std = sqrt(M2 / (M - ddof)); rstd is 1 / (std + eps). */
#include "ref/internal.h"

#include <math.h>

static void fold(const clnorm_any *desc, ref_stat *stat)
{
    const clnorm_zscore *d = &desc->zscore;
    const double var = stat->count > d->ddof ? stat->m2 / (double)(stat->count - d->ddof) : stat->m2;
    const double s = sqrt(var) + (double)d->eps;
    stat->rstd = s == 0.0 ? 0.0 : 1.0 / s;
}

static ref_result formula(const ref_point *p)
{
    const double y = ((p->x - p->stat->mean) - p->stat->mean_rest) * p->stat->rstd;
    const ref_result r = { y, fabs(y) };
    return r;
}

const ref_op ref_zscore = {
    .kind = CLNORM_OP_ZSCORE,
    .formula = formula,
    .fold = fold,
    .source = REF_OF_X,
    .scope = offsetof(clnorm_zscore, scope),
    .swap_rb = offsetof(clnorm_zscore, swap_rb),
};

/* denormalize.c -- the inverse of each input op: its x is the normalized tensor, its y the restored one. */
#include "ref/internal.h"

#include <math.h>

/* Every inverse is one term that grows with x and one that does not. */
static ref_result terms(double varying, double fixed)
{
    const ref_result r = { varying + fixed, fabs(varying) + fabs(fixed) };
    return r;
}

static ref_result of_minmax(const clnorm_denormalize *d, const ref_point *p)
{
    const double lo = d->lo, hi = d->hi, range = p->stat->max - p->stat->min;
    return terms((p->x - lo) / (hi - lo) * (range + (double)d->eps), p->stat->min);
}
static ref_result of_symmetric(const clnorm_denormalize *d, const ref_point *p)
{
    const double half = (double)d->scale / 2.0;
    return terms(p->x * half, half);
}
static ref_result of_zscore(const clnorm_denormalize *d, const ref_point *p)
{
    (void)d;
    return terms(p->stat->rstd == 0.0 ? 0.0 : p->x / p->stat->rstd, p->stat->mean); /* 0: a constant set */
}
static ref_result of_totensor(const clnorm_denormalize *d, const ref_point *p)
{
    return terms(p->x * (double)d->scale, 0.0);
}
static ref_result of_normalize(const clnorm_denormalize *d, const ref_point *p)
{
    const bool traded =
        d->swap_rb && p->channel <= 2; /* the lists count the channels of the normalized tensor */
    const int64_t channel = traded ? 2 - p->channel : p->channel;
    const double mean = ref_listed(d->mean, d->channels, channel);
    const double std = ref_listed(d->std, d->channels, channel);
    return terms(p->x * std * (double)d->scale, mean * (double)d->scale);
}

static ref_result formula(const ref_point *p)
{
    static ref_result (*const inverse[])(const clnorm_denormalize *, const ref_point *) = {
        [CLNORM_OP_MINMAX] = of_minmax,       [CLNORM_OP_SYMMETRIC] = of_symmetric,
        [CLNORM_OP_ZSCORE] = of_zscore,       [CLNORM_OP_TOTENSOR] = of_totensor,
        [CLNORM_OP_NORMALIZE] = of_normalize,
    };
    return inverse[p->desc->denormalize.of](&p->desc->denormalize, p);
}

const ref_op ref_denormalize = {
    .kind = CLNORM_OP_DENORMALIZE,
    .formula = formula,
    .source = REF_GIVEN,
    .scope = offsetof(clnorm_denormalize, scope),
    .swap_rb = offsetof(clnorm_denormalize, swap_rb),
};

/* bound.c -- see bound.h: the bounds of docs/bounds.md, once. */
#include "ref/bound.h"

#include "base/compiler.h"

#include <math.h>

#define BIT(slot) (1u << CLNORM_##slot)
#define RELATIVE (BIT(RSTD) | BIT(MIN) | BIT(MAX) | BIT(M2)) /* to themselves */
#define SUMS (BIT(DGAMMA) | BIT(DBETA))

#define OF(op) CLNORM_OP_BIT(CLNORM_OP_##op)
/* Ops that subtract a mean: what it is off comes on top, and M2 is a difference. */
#define CENTRED \
    (OF(ZSCORE) | OF(MOMENTS) | OF(BATCHNORM) | OF(LAYERNORM) | OF(GROUPNORM) | OF(INSTANCENORM) | OF(MVN))

/* The first row that an output is of. */
static const struct row {
    uint32_t slots;
    double centred, bound[3]; /* of any data in ops that are; by ref_data */
} rows[] = {
    { BIT(DX) | BIT(DRESIDUAL), 4e-6, { 2e-6, 2e-6, 2e-6 } },
    { BIT(DGAMMA), 3e-6, { 2e-6, 5e-6, 5e-6 } },
    { BIT(DBETA), 2e-6, { 2e-6, 5e-6, 5e-6 } },
    { BIT(M2) | BIT(RUNNING_VAR), 4e-6, { 4e-6, 1e-6, 1e-6 } },
    { BIT(RUNNING_MEAN) | RELATIVE, 2e-6, { 1e-6, 1e-6, 1e-6 } },
    { BIT(SUM), 1e-7, { 1e-7, 1e-7, 1e-7 } },
    { ~0u, 2e-6, { 1e-6, 1e-6, 5e-7 } },
};

/* Of matrix products, of matrices that are well conditioned. */
static const double of_matrix = 1e-4;

double ref_bound(uint32_t kind, uint32_t slot, ref_data data)
{
    const struct row *r = rows;
    if (clnorm_op_of(kind)->matrix)
        return of_matrix;
    while (!(r->slots >> slot & 1u))
        r++;
    return data == REF_ANY && CENTRED >> kind & 1u ? r->centred : r->bound[data];
}

static double statistic_off(double got, double want, double bound)
{
    if (isnan(want) || isinf((float)want))
        return isnan(got) || isinf(got) ? 0.0 : INFINITY;
    if (isnan(got))
        return INFINITY;
    if (fabs(want) < 1e-37)
        return fabs(got) < 2e-37 ? 0.0 : INFINITY;
    return fabs(got - want) / fabs(want) / bound;
}

double ref_off(uint32_t kind, uint32_t slot, ref_data data, uint32_t dtype, double got, double want, double s)
{
    const double bound = ref_bound(kind, slot, data);
    if (RELATIVE >> slot & 1u)
        return statistic_off(got, want, bound);
    if (data == REF_ANY && isinf((float)s) && !isfinite(got)) /* as its parts may */
        return 0.0;
    if (SUMS >> slot & 1u && isinf((float)want))
        return isfinite(got) || (isnan(got) && !isinf((float)s)) ? INFINITY : 0.0;
    return ref_error(dtype, got, want, s, bound);
}

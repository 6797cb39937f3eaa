/* minmax.c -- what is min-max scaling's own. */
#include "op/op.h"

clnorm_status cln_minmax_check(clnorm_any *desc)
{
    (void)desc;
    return CLNORM_OK;
}

clnorm_status cln_minmax_pose(cln_problem *p)
{
    const clnorm_minmax *d = &p->desc.minmax;
    p->reduced = cln_scope_axes(&d->x, d->scope);
    p->swap = d->swap_rb;
    p->k[0] = d->lo;
    p->k[1] = (float)((double)d->hi - (double)d->lo);
    p->k[2] = d->eps;
    return CLNORM_OK;
}

/* zscore.c -- what is standardization's own. */
#include "op/op.h"

clnorm_status cln_zscore_check(clnorm_any *desc)
{
    (void)desc;
    return CLNORM_OK;
}

clnorm_status cln_zscore_pose(cln_problem *p)
{
    const clnorm_zscore *d = &p->desc.zscore;
    p->reduced = cln_scope_axes(&d->x, d->scope);
    p->swap = d->swap_rb;
    p->k[0] = d->eps;
    p->k[1] = (float)d->ddof;
    return CLNORM_OK;
}

/* groupnorm.c -- what is group normalization's own: the groups. */
#include "base/status.h"
#include "op/op.h"

clnorm_status cln_groupnorm_check(clnorm_any *desc)
{
    const clnorm_groupnorm *d = &desc->groupnorm;
    const int64_t c = d->x.shape[cln_layer_channel(&d->x)];
    return c % d->groups == 0
               ? CLNORM_OK
               : cln_fail(CLNORM_ESHAPE,
                          "groupnorm: groups is %u and x has %lld channels; a divisor is allowed", d->groups,
                          (long long)c);
}

clnorm_status cln_groupnorm_pose(cln_problem *p)
{
    const clnorm_groupnorm *d = &p->desc.groupnorm;
    p->reduced = cln_pixel_axes(&d->x);
    p->layer.groups = d->groups;
    cln_layer_moments(p, d->eps, 0.0f, d->ddof);
    return CLNORM_OK;
}

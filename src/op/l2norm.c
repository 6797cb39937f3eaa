/* l2norm.c -- what is Euclidean normalization's own: the axes. */
#include "op/op.h"

static uint32_t axes_of(const clnorm_l2norm *d) { return d->axes ? d->axes : 1u << cln_layer_channel(&d->x); }

clnorm_status cln_l2norm_check(clnorm_any *desc) { return cln_check_axes(desc, axes_of(&desc->l2norm)); }

clnorm_status cln_l2norm_pose(cln_problem *p)
{
    const clnorm_l2norm *d = &p->desc.l2norm;
    p->reduced = axes_of(d);
    cln_layer_power(p, 0.0f, d->eps, d->add_eps ? CLN_POWER_ADD : CLN_POWER_MOST);
    return CLNORM_OK;
}

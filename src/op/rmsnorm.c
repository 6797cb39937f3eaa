/* rmsnorm.c -- what is root mean square normalization's own: the axes. */
#include "op/op.h"

static uint32_t axes_of(const clnorm_rmsnorm *d) { return d->axes ? d->axes : cln_sample_axes(&d->x); }

clnorm_status cln_rmsnorm_check(clnorm_any *desc) { return cln_check_axes(desc, axes_of(&desc->rmsnorm)); }

clnorm_status cln_rmsnorm_pose(cln_problem *p)
{
    const clnorm_rmsnorm *d = &p->desc.rmsnorm;
    p->reduced = axes_of(d);
    p->layer.zero_centred = d->zero_centred;
    cln_layer_power(p, d->eps, 0.0f, CLN_POWER_MEAN);
    return CLNORM_OK;
}

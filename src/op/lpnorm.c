/* lpnorm.c -- what is Lp normalization's own: the axes, and p. */
#include "base/status.h"
#include "op/op.h"

#include <math.h>

static uint32_t axes_of(const clnorm_lpnorm *d) { return d->axes ? d->axes : 1u << cln_layer_channel(&d->x); }

clnorm_status cln_lpnorm_check(clnorm_any *desc) { return cln_check_axes(desc, axes_of(&desc->lpnorm)); }

clnorm_status cln_lpnorm_pose(cln_problem *p)
{
    const clnorm_lpnorm *d = &p->desc.lpnorm;
    p->reduced = axes_of(d);
    p->layer.lp = d->p;
    cln_layer_power(p, 0.0f, d->eps, d->add_eps ? CLN_POWER_ADD : CLN_POWER_MOST);
    return CLNORM_OK;
}

/* mvn.c -- what is mean-variance normalization's own: the axes, and where eps is added. */
#include "op/op.h"

static uint32_t axes_of(const clnorm_mvn *d) { return d->axes ? d->axes : cln_pixel_axes(&d->x); }

clnorm_status cln_mvn_check(clnorm_any *desc) { return cln_check_axes(desc, axes_of(&desc->mvn)); }

clnorm_status cln_mvn_pose(cln_problem *p)
{
    const clnorm_mvn *d = &p->desc.mvn;
    p->reduced = axes_of(d);
    cln_layer_moments(p, d->eps_inside ? d->eps : 0.0f, d->eps_inside ? 0.0f : d->eps, d->ddof);
    return CLNORM_OK;
}

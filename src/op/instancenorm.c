/* instancenorm.c -- what is instance normalization's own. */
#include "base/status.h"
#include "op/op.h"

clnorm_status cln_instancenorm_check(clnorm_any *desc)
{
    const clnorm_instancenorm *d = &desc->instancenorm;
    return cln_pixel_axes(&d->x)
               ? CLNORM_OK
               : cln_fail(CLNORM_ESHAPE, "instancenorm: x has %u axes; it needs H,W", d->x.ndim);
}

clnorm_status cln_instancenorm_pose(cln_problem *p)
{
    const clnorm_instancenorm *d = &p->desc.instancenorm;
    p->reduced = cln_pixel_axes(&d->x);
    cln_layer_moments(p, d->eps, 0.0f, d->ddof);
    return CLNORM_OK;
}

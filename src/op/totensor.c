/* totensor.c -- what is ToTensor's own. */
#include "op/op.h"

clnorm_status cln_totensor_check(clnorm_any *desc)
{
    return cln_complete_scale(&desc->totensor.scale, desc->totensor.x.dtype, "totensor");
}

clnorm_status cln_totensor_pose(cln_problem *p)
{
    const clnorm_totensor *d = &p->desc.totensor;
    p->reduced = cln_image_axes(&d->x);
    p->swap = d->swap_rb;
    p->k[0] = d->scale;
    p->k[1] = 1.0f / d->scale;
    return CLNORM_OK;
}

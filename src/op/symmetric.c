/* symmetric.c -- what is scaling to [-1, 1]'s own. */
#include "base/status.h"
#include "op/op.h"

clnorm_status cln_symmetric_check(clnorm_any *desc)
{
    clnorm_symmetric *d = &desc->symmetric;
    if (d->scale == 0.0f && d->x.dtype != CLNORM_U8 && d->x.dtype != CLNORM_U16 && d->x.dtype != CLNORM_S8)
        return cln_fail(CLNORM_EARG,
                        "symmetric: scale is 0 and x is %s; floats need the scale that becomes 1",
                        clnorm_dtype_name(d->x.dtype));
    return cln_complete_scale(&d->scale, d->x.dtype, "symmetric");
}

clnorm_status cln_symmetric_pose(cln_problem *p)
{
    const clnorm_symmetric *d = &p->desc.symmetric;
    p->reduced = cln_image_axes(&d->x);
    p->swap = d->swap_rb;
    p->k[0] = d->scale;
    p->k[1] = 1.0f / d->scale;
    return CLNORM_OK;
}

/* grn.c -- what is global response normalization's own: channels are folded once more, per sample. */
#include "base/status.h"
#include "op/op.h"

clnorm_status cln_grn_check(clnorm_any *desc)
{
    const clnorm_grn *d = &desc->grn;
    if (!cln_pixel_axes(&d->x))
        return cln_fail(CLNORM_ESHAPE, "grn: x has %u axes; it needs H,W", d->x.ndim);
    if (d->layer.affine == CLNORM_PER_ELEMENT)
        return cln_fail(CLNORM_EARG, "grn: affine is 1; per channel 0, per sample 2 and none 3 are allowed");
    return CLNORM_OK;
}

clnorm_status cln_grn_pose(cln_problem *p)
{
    const clnorm_grn *d = &p->desc.grn;
    const int64_t c = d->x.shape[cln_layer_channel(&d->x)];
    p->reduced = cln_pixel_axes(&d->x);
    p->layer.family = c > 0 && c <= UINT32_MAX ? (uint32_t)c : 1;
    cln_layer_power(p, 0.0f, d->eps, CLN_POWER_ADD);
    return CLNORM_OK;
}

/* layernorm.c -- what is layer normalization's own: the axes. */
#include "op/op.h"

static uint32_t axes_of(const clnorm_layernorm *d) { return d->axes ? d->axes : cln_sample_axes(&d->x); }

clnorm_status cln_layernorm_check(clnorm_any *desc)
{
    return cln_check_axes(desc, axes_of(&desc->layernorm));
}

clnorm_status cln_layernorm_pose(cln_problem *p)
{
    const clnorm_layernorm *d = &p->desc.layernorm;
    p->reduced = axes_of(d);
    cln_layer_moments(p, d->eps, 0.0f, d->ddof);
    return CLNORM_OK;
}

/* lpnorm.c -- what is Lp normalization's own: the axes, and p. */
#include "base/status.h"
#include "op/op.h"

#include <math.h>

static uint32_t axes_of(const clnorm_lpnorm *d) { return d->axes ? d->axes : 1u << cln_layer_channel(&d->x); }

/* A term is (|x| / unit)^p, below 2^p, and a set has up to 2^32: of 96 and more they are no f32. And an error of
 * x / |x|_p, of which dx has the power p - 1, grows as much. */
#define CLN_MOST_P 64.0f

clnorm_status cln_lpnorm_check(clnorm_any *desc)
{
    const float p = desc->lpnorm.p;
    if (p > CLN_MOST_P && !isinf(p))
        return cln_fail(CLNORM_EARG, "lpnorm: p is %g; 1 to %g are allowed, and infinity", (double)p,
                        (double)CLN_MOST_P);
    return cln_check_axes(desc, axes_of(&desc->lpnorm));
}

clnorm_status cln_lpnorm_pose(cln_problem *p)
{
    const clnorm_lpnorm *d = &p->desc.lpnorm;
    p->reduced = axes_of(d);
    p->layer.lp = d->p;
    cln_layer_power(p, 0.0f, d->eps, d->add_eps ? CLN_POWER_ADD : CLN_POWER_MOST);
    return CLNORM_OK;
}

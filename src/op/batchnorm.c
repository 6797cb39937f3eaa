/* batchnorm.c -- what is batch normalization's own: its modes and running statistics. */
#include "base/status.h"
#include "op/op.h"

clnorm_status cln_batchnorm_check(clnorm_any *desc)
{
    const clnorm_batchnorm *d = &desc->batchnorm;
    const int64_t c = d->x.shape[cln_layer_channel(&d->x)], n = clnorm_tensor_count(&d->x);
    if (d->layer.affine != CLNORM_PER_CHANNEL && d->layer.affine != CLNORM_NO_AFFINE)
        return cln_fail(CLNORM_EARG, "batchnorm: affine is %u; per channel 0 and none 3 are allowed",
                        d->layer.affine);
    if (d->mode == CLNORM_TRAIN && d->single == CLNORM_SINGLE_ERROR && n == c && n > 0)
        return cln_fail(CLNORM_ESHAPE, "batchnorm: every channel has one value; training needs more");
    return CLNORM_OK;
}

static void call(float out[4], const cln_problem *p, const clnorm_args *args)
{
    const clnorm_batchnorm *d = &p->desc.batchnorm;
    const double m = args->flags & CLNORM_CUMULATIVE ? 1.0 / ((double)args->count + 1.0)
                     : args->momentum > 0            ? args->momentum
                                                     : (double)d->momentum;
    const bool old = d->old_momentum && !(args->flags & CLNORM_CUMULATIVE);
    out[0] = (float)(old ? 1.0 - m : m);
    out[1] = (float)(old ? m : 1.0 - m);
    out[2] = d->biased_running ? 0.0f : 1.0f;
    out[3] = p->set_elements == 1 && d->single == CLNORM_SINGLE_SKIP ? 0.0f : 1.0f;
}

clnorm_status cln_batchnorm_pose(cln_problem *p)
{
    const clnorm_batchnorm *d = &p->desc.batchnorm;
    p->reduced = ((1u << d->x.ndim) - 1) & ~(1u << cln_layer_channel(&d->x));
    p->layer.call = call;
    cln_layer_moments(p, d->eps, 0.0f, d->ddof);
    return CLNORM_OK;
}

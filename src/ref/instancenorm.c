/* instancenorm.c -- xhat = (x - mean) / sqrt(var + eps), over H,W of each sample and channel. */
#include "ref/layer.h"

static bool measure(ref_layer *l)
{
    ref_centre(l, (double)l->desc->instancenorm.eps, l->desc->instancenorm.ddof);
    return true;
}
static void backward(ref_layer *l) { ref_centre_back(l, l->desc->instancenorm.ddof); }

const ref_layer_op ref_instancenorm = {
    .kind = CLNORM_OP_INSTANCENORM,
    .span = REF_PLANE,
    .affine = true,
    .has_mean = true,
    .measure = measure,
    .xhat = ref_centred,
    .backward = backward,
};

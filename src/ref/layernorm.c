/* layernorm.c -- xhat = (x - mean) / sqrt(var + eps), over C,H,W of each sample or the axes given. */
#include "ref/layer.h"

static bool measure(ref_layer *l)
{
    ref_centre(l, (double)l->desc->layernorm.eps, l->desc->layernorm.ddof);
    return true;
}
static void backward(ref_layer *l) { ref_centre_back(l, l->desc->layernorm.ddof); }

const ref_layer_op ref_layernorm = {
    .kind = CLNORM_OP_LAYERNORM,
    .span = REF_SAMPLE,
    .axes = offsetof(clnorm_layernorm, axes),
    .affine = true,
    .has_mean = true,
    .measure = measure,
    .xhat = ref_centred,
    .backward = backward,
};

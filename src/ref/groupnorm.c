/* groupnorm.c -- xhat = (x - mean) / sqrt(var + eps), over the channels of a group and H,W. */
#include "ref/layer.h"

static bool measure(ref_layer *l)
{
    ref_centre(l, (double)l->desc->groupnorm.eps, l->desc->groupnorm.ddof);
    return true;
}
static void backward(ref_layer *l) { ref_centre_back(l, l->desc->groupnorm.ddof); }

const ref_layer_op ref_groupnorm = {
    .kind = CLNORM_OP_GROUPNORM,
    .span = REF_PLANE,
    .groups = offsetof(clnorm_groupnorm, groups),
    .affine = true,
    .has_mean = true,
    .measure = measure,
    .xhat = ref_centred,
    .backward = backward,
};

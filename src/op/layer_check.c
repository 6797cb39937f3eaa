/* layer_check.c -- the checks of clnorm_layer, and of what a call gives a layer. */
#include "base/status.h"
#include "op/op.h"
#include "tensor/tensor.h"

#include <math.h>

#define BIT(slot) (1u << CLNORM_##slot)
#define GRADIENTS (BIT(DX) | BIT(DGAMMA) | BIT(DBETA) | BIT(DRESIDUAL))

/* ---- descriptors ---- */

static bool is_whole(uint32_t dtype) { return dtype == CLNORM_U8 || dtype == CLNORM_S8; }

static clnorm_status check_given(const clnorm_any *desc, const char *name)
{
    return desc->op.kind == CLNORM_OP_GRN && desc->layered.layer.given
               ? cln_fail(CLNORM_EUNSUPPORTED, "%s: given is 1; it takes no statistics from outside", name)
               : CLNORM_OK;
}

/* Completes out_scale. */
static clnorm_status check_quantized(clnorm_any *desc, const char *name)
{
    clnorm_layer *l = &desc->layered.layer;
    const uint32_t y = desc->head.y.dtype;
    const float low = y == CLNORM_U8 ? 0.0f : -128.0f, high = y == CLNORM_U8 ? 255.0f : 127.0f;
    if (!is_whole(y) && (l->out_scale != 0.0f || l->out_zero != 0.0f))
        return cln_fail(CLNORM_EDTYPE, "%s: out_%s is %g and y is %s; only u8 and s8 are quantized", name,
                        l->out_scale != 0.0f ? "scale" : "zero",
                        (double)(l->out_scale != 0.0f ? l->out_scale : l->out_zero), clnorm_dtype_name(y));
    if (!is_whole(y))
        return CLNORM_OK;
    if (desc->op.direction == CLNORM_BACKWARD)
        return cln_fail(CLNORM_EDTYPE, "%s: dy is %s; f32, f16 and bf16 are allowed", name,
                        clnorm_dtype_name(y));
    if (l->out_scale == 0.0f)
        l->out_scale = 1.0f;
    if (l->out_zero != rintf(l->out_zero) || l->out_zero < low || l->out_zero > high)
        return cln_fail(CLNORM_EARG, "%s: out_zero is %g; with y %s whole numbers from %g to %g are allowed",
                        name, (double)l->out_zero, clnorm_dtype_name(y), (double)low, (double)high);
    return CLNORM_OK;
}

static clnorm_status check_bits(const char *name, const char *field, uint32_t bits)
{
    const uint32_t more = bits & ~GRADIENTS;
    return more ? cln_fail(CLNORM_EARG,
                           "%s: %s has the bits 0x%x; those of dx, dgamma, dbeta and dresidual, 0x%x, "
                           "are allowed",
                           name, field, more, GRADIENTS)
                : CLNORM_OK;
}

clnorm_status cln_layer_check(clnorm_any *desc)
{
    clnorm_layer *l = &desc->layered.layer;
    const clnorm_op_info *info = &cln_op_of(desc->op.kind)->info;
    const char *name = info->name;
    if (!(info->slots_in >> CLNORM_GAMMA & 1)) /* it has no weights */
        l->affine = l->param_dtype = 0;
    if (!l->param_dtype)
        l->param_dtype = CLNORM_F32;
    CLN_TRY(check_given(desc, name));
    CLN_TRY(check_bits(name, "gradients", l->gradients));
    CLN_TRY(check_bits(name, "accumulate", l->accumulate));
    return check_quantized(desc, name);
}

bool cln_layer_has_mask(const clnorm_any *desc)
{
    const clnorm_tensor *y = &desc->head.y;
    int64_t low, high;
    cln_tensor_reach(y, &low, &high);
    return desc->layered.layer.act == CLNORM_RELU && !is_whole(y->dtype) && low == 0;
}

/* ---- calls ---- */

clnorm_status cln_layer_args(const cln_problem *p, const clnorm_args *args)
{
    const clnorm_layer *l = &p->desc.layered.layer;
    const bool sees = args->slot[CLNORM_RESIDUAL].mem || args->slot[CLNORM_MASK].mem;
    if (p->desc.op.direction != CLNORM_BACKWARD)
        return CLNORM_OK;
    if (l->residual == CLNORM_RESIDUAL_AFTER && l->act && !sees)
        return cln_fail(CLNORM_EBUFFER, "%s: the way back through the activation needs residual%s",
                        p->op->info.name, cln_layer_has_mask(&p->desc) ? " or mask" : "");
    if (p->layer.centred && args->slot[CLNORM_MEAN].mem && !args->slot[CLNORM_RSTD].mem)
        return cln_fail(CLNORM_EBUFFER, "%s: mean is given without rstd; both or neither", p->op->info.name);
    if (p->layer.centred && args->slot[CLNORM_RSTD].mem && !args->slot[CLNORM_MEAN].mem)
        return cln_fail(CLNORM_EBUFFER, "%s: rstd is given without mean; both or neither", p->op->info.name);
    return CLNORM_OK;
}

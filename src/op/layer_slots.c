/* layer_slots.c -- what a layer's descriptor reads and writes, and the shapes of its tensors. */
#include "op/layer.h"

#include "tensor/tensor.h"

#include <assert.h>
#include <string.h>

#define BIT(slot) (1u << CLNORM_##slot)

uint32_t cln_layer_channel(const clnorm_tensor *x) { return x->ndim >= 4 || x->ndim == 2 ? 1 : 0; }

uint32_t cln_sample_axes(const clnorm_tensor *x)
{
    return cln_all_axes(x) & ~(cln_layer_channel(x) == 1 ? 1u : 0u);
}
uint32_t cln_pixel_axes(const clnorm_tensor *x) { return cln_sample_axes(x) & ~(1u << cln_layer_channel(x)); }

/* ---- slots ---- */

bool cln_layer_given(const cln_problem *p, uint32_t *slots)
{
    const bool running = cln_layer_eval(p) && !p->desc.layered.layer.given;
    *slots = 0;
    if (!p->op->stat_bytes[0]) /* there are none */
        return false;
    *slots = running ? BIT(RUNNING_MEAN) | BIT(RUNNING_VAR) : (p->layer.centred ? BIT(MEAN) : 0) | BIT(RSTD);
    return running || p->desc.layered.layer.given;
}

void cln_layer_slots(const cln_problem *p, uint32_t *reads, uint32_t *writes, uint32_t *required)
{
    const clnorm_layer *l = &p->desc.layered.layer;
    const uint32_t weights = cln_layer_affine(p) ? BIT(GAMMA) | BIT(BETA) : 0;
    const bool before = l->residual == CLNORM_RESIDUAL_BEFORE, after = l->residual == CLNORM_RESIDUAL_AFTER;
    uint32_t past;
    const bool from_outside = cln_layer_given(p, &past);
    *reads = BIT(X) | weights;
    if (cln_layer_backward(p)) {
        const uint32_t wanted = cln_layer_wanted(l);
        *reads |= BIT(DY) | (p->layer.family ? 0 : past) | (after && l->act ? BIT(RESIDUAL) : 0) |
                  (cln_layer_has_mask(&p->desc) ? BIT(MASK) : 0);
        *writes = wanted & (BIT(DX) | (cln_layer_affine(p) ? BIT(DGAMMA) | BIT(DBETA) : 0) |
                            (after ? BIT(DRESIDUAL) : 0));
        *required = BIT(X) | BIT(DY) | (from_outside ? past : 0) |
                    (after && l->act && !cln_layer_has_mask(&p->desc) ? BIT(RESIDUAL) : 0);
        return;
    }
    *reads |= (from_outside ? past : 0) | (before || after ? BIT(RESIDUAL) : 0);
    *writes = BIT(Y) | (before ? BIT(SUM) : 0) | (cln_layer_has_mask(&p->desc) ? BIT(MASK) : 0);
    if (!from_outside)
        *writes |= (past & (BIT(MEAN) | BIT(RSTD))) |
                   (p->desc.op.kind == CLNORM_OP_BATCHNORM ? BIT(RUNNING_MEAN) | BIT(RUNNING_VAR) : 0);
    *required = BIT(X) | BIT(Y) | (from_outside ? past : 0) | (before || after ? BIT(RESIDUAL) : 0);
}

/* ---- shapes of tensors ---- */

uint32_t cln_layer_weight_axes(const cln_problem *p)
{
    const clnorm_tensor *x = &p->desc.head.x;
    const uint32_t c = 1u << cln_layer_channel(x), sample = cln_all_axes(x) & ~cln_sample_axes(x);
    const uint32_t set = p->layer.groups ? p->reduced | c : p->reduced;
    const uint32_t axes[] = { c, set, sample | c, 0 };
    return axes[p->desc.layered.layer.affine];
}

static void dense(clnorm_tensor *out, uint32_t dtype, const clnorm_tensor *x, uint32_t axes)
{
    memset(out, 0, sizeof *out);
    out->dtype = dtype;
    for (uint32_t i = 0; i < x->ndim; i++)
        if (axes >> i & 1)
            out->shape[out->ndim++] = x->shape[i];
    assert(out->ndim); /* weights span an axis, of length 1 perhaps */
    cln_tensor_complete(out);
}

void cln_layer_statistic(clnorm_tensor *out, const cln_problem *p)
{
    const clnorm_tensor *x = &p->desc.head.x;
    memset(out, 0, sizeof *out);
    out->dtype = CLNORM_F32;
    out->ndim = x->ndim;
    for (uint32_t i = 0; i < x->ndim; i++)
        out->shape[i] = p->reduced >> i & 1 ? 1 : x->shape[i];
    if (p->layer.groups)
        out->shape[cln_layer_channel(x)] = p->layer.groups;
    cln_tensor_complete(out);
}

uint64_t cln_layer_mask_bytes(const clnorm_tensor *y)
{
    int64_t low, high;
    cln_tensor_reach(y, &low, &high);
    return (uint64_t)(high - low + 7) / 8;
}

uint32_t cln_layer_residual_dtype(const clnorm_any *desc)
{
    const uint32_t y = desc->head.y.dtype;
    const bool quantized = y == CLNORM_U8 || y == CLNORM_S8;
    return desc->layered.layer.residual == CLNORM_RESIDUAL_BEFORE || quantized ? desc->head.x.dtype : y;
}

bool cln_layer_slot(const cln_problem *p, uint32_t slot, clnorm_tensor *out)
{
    const clnorm_tensor *x = &p->desc.head.x, *y = &p->desc.head.y;
    const clnorm_layer *l = &p->desc.layered.layer;
    uint32_t reads, writes, required;
    cln_layer_slots(p, &reads, &writes, &required);
    if (!((reads | writes) >> slot & 1))
        return false;
    if (slot == CLNORM_GAMMA || slot == CLNORM_BETA || slot == CLNORM_DGAMMA || slot == CLNORM_DBETA)
        dense(out, l->param_dtype, x, cln_layer_weight_axes(p));
    else if (slot == CLNORM_MEAN || slot == CLNORM_RSTD)
        cln_layer_statistic(out, p);
    else if (slot == CLNORM_RUNNING_MEAN || slot == CLNORM_RUNNING_VAR)
        dense(out, CLNORM_F32, x, 1u << cln_layer_channel(x));
    else if (slot == CLNORM_MASK)
        *out = (clnorm_tensor){
            .dtype = CLNORM_U8, .ndim = 1, .shape = { (int64_t)cln_layer_mask_bytes(y) }, .stride = { 1 }
        };
    else if (slot == CLNORM_DX || slot == CLNORM_SUM)
        *out = *x;
    else if (slot == CLNORM_RESIDUAL) {
        *out = l->residual == CLNORM_RESIDUAL_BEFORE ? *x : *y;
        out->dtype = cln_layer_residual_dtype(&p->desc);
    } else /* DY, DRESIDUAL */
        *out = *y;
    return true;
}

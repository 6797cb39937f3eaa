/* layer.h -- what the files of layers share of a problem's descriptor. */
#ifndef CLN_LAYER_H
#define CLN_LAYER_H

#include "op/op.h"

static inline uint32_t cln_all_axes(const clnorm_tensor *x) { return (1u << x->ndim) - 1; }
static inline bool cln_layer_eval(const cln_problem *p)
{
    return p->desc.op.kind == CLNORM_OP_BATCHNORM && p->desc.batchnorm.mode == CLNORM_EVAL;
}
static inline bool cln_layer_backward(const cln_problem *p)
{
    return p->desc.op.direction == CLNORM_BACKWARD;
}
static inline bool cln_layer_affine(const cln_problem *p)
{
    return p->op->info.slots_in >> CLNORM_GAMMA & 1 && p->desc.layered.layer.affine != CLNORM_NO_AFFINE;
}
/* The slots that are ever wanted backward. */
static inline uint32_t cln_layer_wanted(const clnorm_layer *l) { return l->gradients ? l->gradients : ~0u; }
/* Whether statistics come from outside: from the slots that *slots names. */
bool cln_layer_given(const cln_problem *p, uint32_t *slots);
/* The axes that gamma and beta have. */
uint32_t cln_layer_weight_axes(const cln_problem *p);
/* x's shape with 1 on the reduced axes; the axis of channels counts groups. */
void cln_layer_statistic(clnorm_tensor *out, const cln_problem *p);
/* Of relu's mask of y. */
uint64_t cln_layer_mask_bytes(const clnorm_tensor *y);
/* Of what is added: x's before the norm, y's behind it, or x's where y is quantized. */
uint32_t cln_layer_residual_dtype(const clnorm_any *desc);

#endif

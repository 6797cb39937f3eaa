/* op.h -- the table of ops, and what they share. */
#ifndef CLN_OP_H
#define CLN_OP_H

#include "plan/plan.h"

/* The rows of ops.def; NULL for an unknown kind. */
const cln_op *cln_op_of(uint32_t kind);

/* Checks a descriptor and poses it as a problem: view, constants, traffic. */
clnorm_status cln_op_pose(cln_problem *out, const clnorm_op *desc);

/* Shape of an optional tensor of a checked descriptor; false when the op has none such. */
bool cln_op_slot(const clnorm_any *desc, const cln_op *op, uint32_t slot, clnorm_tensor *out);

/* ---- helpers of the ops ---- */

/* Index of the channel axis, or -1: C of (N,C,H,W), (N,C,D,H,W) and (C,H,W); 2-D and 1-D are one gray image.
 */
int cln_channel_axis(const clnorm_tensor *x);
int64_t cln_channels(const clnorm_tensor *x);
/* The axes that one set of `scope` spans, bit per axis. */
uint32_t cln_scope_axes(const clnorm_tensor *x, uint32_t scope);
/* What a whole number of x stands for 1.0: u8 255, u16 65535, s8 127, floats 1. */
float cln_full_scale(uint32_t dtype);
/* a = hi + lo, each f32. */
void cln_two_floats(double a, float *hi, float *lo);
/* Lists of 1 or C values; 0 takes imagenet. std may not be 0. */
clnorm_status cln_check_lists(uint32_t *channels, float *mean, float *std, const clnorm_tensor *x);
/* The same as table entries mean * scale (two floats) and 1 / (std * scale). */
clnorm_status cln_check_scale(float *scale, uint32_t dtype);
/* Every axis but the first of (N,...): pointwise ops walk an image as one set. */
uint32_t cln_image_axes(const clnorm_tensor *x);

#define CLN_OP_DECLARE(name)                            \
    clnorm_status cln_##name##_check(clnorm_any *desc); \
    clnorm_status cln_##name##_pose(cln_problem *problem);
CLN_OP_DECLARE(minmax)
CLN_OP_DECLARE(symmetric)
CLN_OP_DECLARE(zscore)
CLN_OP_DECLARE(totensor)
CLN_OP_DECLARE(normalize)
CLN_OP_DECLARE(denormalize)
CLN_OP_DECLARE(moments)
#undef CLN_OP_DECLARE

#endif

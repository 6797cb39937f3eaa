/* op.h -- the table of ops, and what they share. */
#ifndef CLN_OP_H
#define CLN_OP_H

#include "plan/plan.h"

/* The rows of ops.def; NULL for an unknown kind. */
const cln_op *cln_op_of(uint32_t kind);

/* What clnorm_op_check looks at but for what kernels can count, which is known once it is posed. */
clnorm_status cln_op_check(clnorm_any *desc);

/* Checks a descriptor and poses it as problems: views, constants, traffic. None where it asks for no output. */
clnorm_status cln_op_pose(cln_problems *out, const clnorm_op *desc);

/* Shape of a tensor of a checked descriptor; false when the op has none such. */
bool cln_op_slot(const clnorm_any *desc, uint32_t slot, clnorm_tensor *out);
/* Bytes of an element of a slot: a count, of dtype 0, is a u64. */
size_t cln_slot_element(const clnorm_tensor *t);

/* "x" and so on, of a slot below CLNORM_SLOTS_USED. */
const char *cln_slot_name(uint32_t slot);
/* The failure of a call that gives what the op does not take, any slot. */
clnorm_status cln_refuse_slot(const clnorm_any *desc, uint32_t slot);

/* ---- layers: layer.c ---- */

clnorm_status cln_layer_check(clnorm_any *desc);
/* The roles of a posed layer's descriptor: forward one problem, backward up to three. */
clnorm_status cln_layer_parts(cln_problems *out);
/* Whether relu's mask can be had: of floats, whose bits count from the first element of memory. */
bool cln_layer_has_mask(const clnorm_any *desc);
/* What a call must give together, whichever of it there is. */
clnorm_status cln_layer_args(const cln_problem *p, const clnorm_args *args);
void cln_layer_axes(cln_view_spec *spec, const cln_problem *p);
void cln_layer_slots(const cln_problem *p, uint32_t *reads, uint32_t *writes, uint32_t *required);
bool cln_layer_slot(const cln_problem *p, uint32_t slot, clnorm_tensor *out);
/* C,H,W of each sample, (C) of rows; H,W; the channel alone. */
uint32_t cln_sample_axes(const clnorm_tensor *x);
uint32_t cln_pixel_axes(const clnorm_tensor *x);
uint32_t cln_layer_channel(const clnorm_tensor *x); /* which axis it is */
clnorm_status cln_check_axes(const clnorm_any *desc, uint32_t axes);
/* The families of cl/common/affine.clh and their constants. */
typedef enum cln_power { CLN_POWER_MEAN, CLN_POWER_MOST, CLN_POWER_ADD } cln_power;
void cln_layer_moments(cln_problem *p, float inside, float outside, uint32_t ddof);
void cln_layer_power(cln_problem *p, float inside, float outside, cln_power kind);

/* ---- helpers of the ops ---- */

/* Index of the channel axis, or -1: C of (N,C,H,W), (N,C,D,H,W) and (C,H,W); 2-D and 1-D are one gray image.
 */
int cln_channel_axis(const clnorm_tensor *x);
int64_t cln_channels(const clnorm_tensor *x);
/* The axes that one set of `scope` spans, bit per axis. */
uint32_t cln_scope_axes(const clnorm_tensor *x, uint32_t scope);
/* Whether an attribute may be its default too, which is out of its range: 0 of a scale, which is of x's type. */
bool cln_attr_defaults(const clnorm_attr *a);
clnorm_status cln_check_attr(const cln_op *op, const clnorm_attr *a, double v);
/* What is to come and this library does not know must be 0: a newer caller may mean something by it. */
clnorm_status cln_check_reserved(const cln_op *op, const clnorm_any *desc);
/* a = hi + lo, each f32. */
void cln_two_floats(double a, float *hi, float *lo);
/* Lists of 1 or C values; 0 takes imagenet. std may not be 0. */
clnorm_status cln_check_lists(uint32_t *channels, float *mean, float *std, const clnorm_tensor *x);
/* The same as table entries mean * scale (two floats) and 1 / (std * scale). */
clnorm_status cln_check_products(uint32_t channels, const float *mean, const float *std, float scale);
/* 0 becomes what stands for 1.0: u8 255, u16 65535, floats 1. s8 has none. */
clnorm_status cln_complete_scale(float *scale, uint32_t dtype, const char *op);
/* Every axis but the first of (N,...): pointwise ops walk an image as one set. */
uint32_t cln_image_axes(const clnorm_tensor *x);

/* A dense f32 vector of so many, and a matrix; true. */
bool cln_vector(clnorm_tensor *out, int64_t count);
bool cln_dense(clnorm_tensor *out, int64_t a, int64_t b, int64_t c);

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
CLN_OP_DECLARE(batchnorm)
CLN_OP_DECLARE(layernorm)
CLN_OP_DECLARE(groupnorm)
CLN_OP_DECLARE(instancenorm)
CLN_OP_DECLARE(mvn)
CLN_OP_DECLARE(rmsnorm)
CLN_OP_DECLARE(l2norm)
CLN_OP_DECLARE(grn)
CLN_OP_DECLARE(lpnorm)
CLN_OP_DECLARE(lrn)
/* A matrix op writes its steps and knows the shapes of its slots, x and y apart. */
#define CLN_MATRIX_DECLARE(name)                                                  \
    CLN_OP_DECLARE(name)                                                          \
    clnorm_status cln_##name##_steps(cln_steps *out, const cln_problem *problem); \
    bool cln_##name##_slot(const cln_problem *problem, uint32_t slot, clnorm_tensor *out);
CLN_MATRIX_DECLARE(iternorm)
CLN_MATRIX_DECLARE(spectralnorm)
CLN_MATRIX_DECLARE(whiten)
#undef CLN_MATRIX_DECLARE
#undef CLN_OP_DECLARE

#endif

/* op.c -- the table of ops, the checks that all share, and the way from a descriptor to a problem. */
#include "op/layer.h"

#include "base/status.h"
#include "tensor/tensor.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define BIT(dtype) (1u << (dtype))
#define FLOATS (BIT(CLNORM_F32) | BIT(CLNORM_F16) | BIT(CLNORM_BF16))
#define PIXELS (FLOATS | BIT(CLNORM_U8) | BIT(CLNORM_U16))
#define ANY (PIXELS | BIT(CLNORM_S8))
#define RESULT (FLOATS | BIT(CLNORM_U8) | BIT(CLNORM_S8))
#define F32_ONLY BIT(CLNORM_F32)
#define LEAST 1e-30 /* that divides: its inverse is an f32 too */

/* ---- first pass: attribute lists, and slots as bits and a count ---- */
#define ATTR(type, op, field, low, high, preset, text)                                              \
    {                                                                                               \
#field, CLNORM_ATTR_##type, (uint32_t)offsetof(clnorm_##op, field), low, high, preset, text \
    }
#define F32(...) ATTR(F32, __VA_ARGS__)
#define U32(...) ATTR(U32, __VA_ARGS__)
#define LIST(...) ATTR(F32_LIST, __VA_ARGS__)
#define SCOPE(op) U32(op, scope, 0, 3, 0, "one statistic per 0 image, 1 channel, 2 batch, 3 batch-channel")
#define SWAP(op) U32(op, swap_rb, 0, 1, 0, "channels 0 and 2 of x trade places first")
#define LAYER_ATTR(type, op, field, low, high, preset, text)                                              \
    {                                                                                                     \
#field, CLNORM_ATTR_##type, (uint32_t)offsetof(clnorm_##op, layer.field), low, high, preset, text \
    }
#define AFFINE(op)                                                                                           \
    LAYER_ATTR(U32, op, affine, 0, 3, 0, "gamma, beta: 0 per channel, 1 per element, 2 per sample, 3 none"), \
        LAYER_ATTR(U32, op, param_dtype, 0, 3, 0, "of gamma and beta: 0 and 1 f32, 2 f16, 3 bf16")
#define FUSED(op)                                                                                        \
    LAYER_ATTR(U32, op, act, 0, 5, 0, "0 none, 1 relu, 2 leaky, 3 silu, 4 gelu, 5 gelu-tanh"),           \
        LAYER_ATTR(F32, op, slope, -1e30, 1e30, 0.01, "of leaky"),                                       \
        LAYER_ATTR(U32, op, residual, 0, 2, 0, "0 none, 1 added before, 2 added after"),                 \
        LAYER_ATTR(U32, op, given, 0, 1, 0, "mean and rstd are inputs"),                                 \
        LAYER_ATTR(U32, op, gradients, 0, 4294967295.0, 0, "slots ever wanted backward; 0: all"),        \
        LAYER_ATTR(U32, op, accumulate, 0, 4294967295.0, 0, "slots whose gradient is added to"),         \
        LAYER_ATTR(F32, op, out_scale, LEAST, 1e30, 0, "quantizes y: y / out_scale + out_zero; 0: not"), \
        LAYER_ATTR(F32, op, out_zero, -128, 255, 0, "of a quantized y")
#define ATTRS(...)  \
    {               \
        __VA_ARGS__ \
    }
#define SLOTS(...)
#define MATRIX(name, NAME, x_types, y_types, slots, attrs, singular, ...) \
    static const clnorm_attr name##_attrs[] = attrs;
#define OP(name, NAME, stat, maps, table, x_types, y_types, slots, attrs, ...) \
    static const clnorm_attr name##_attrs[] = attrs;
#include "op/ops.def"
#undef SLOTS
#undef ATTRS
#undef OP
#undef MATRIX

#define ATTRS(...)
#define MATRIX(name, NAME, x_types, y_types, slots, attrs, singular, ...) name##_in = 0 slots,
#define OP(name, NAME, stat, maps, table, x_types, y_types, slots, attrs, ...) name##_in = 0 slots,
#define SLOTS(...) __VA_ARGS__
/* A layer's kernels save these; its other tensors, TAKES among them, are layer.c's. */
#define LAYER OUT(MEAN) OUT(RSTD) OUT(RUNNING_MEAN) OUT(RUNNING_VAR) OUT(DGAMMA) OUT(DBETA)
#define IN(slot) | 1 << CLNORM_##slot
#define TAKES(slot) | 1 << CLNORM_##slot
#define OUT(slot)
#define COUNTS(slot)
enum {
#include "op/ops.def"
};
#undef IN
#undef TAKES
#undef OUT
#undef COUNTS
#undef OP
#undef MATRIX
#define MATRIX(name, NAME, x_types, y_types, slots, attrs, singular, ...) name##_out = 0 slots,
#define OP(name, NAME, stat, maps, table, x_types, y_types, slots, attrs, ...) name##_out = 0 slots,
#define IN(slot)
#define TAKES(slot)
#define OUT(slot) | 1 << CLNORM_##slot
#define COUNTS(slot) | 1 << CLNORM_##slot
enum {
#include "op/ops.def"
};
#undef IN
#undef OUT
#undef COUNTS
#undef SLOTS
#undef OP

/* ---- second pass: the rows ---- */
#define IN(slot) { CLNORM_##slot, false, false },
#undef TAKES
#define TAKES(slot)
#define OUT(slot) { CLNORM_##slot, true, false },
#define COUNTS(slot) { CLNORM_##slot, true, true },
#define SLOTS(...)                      \
    {                                   \
        __VA_ARGS__ { 0, false, false } \
    }
#define INFO(op_name, NAME, x_bits, y_bits, ...)             \
    .info = { .kind = CLNORM_OP_##NAME,                      \
              .bytes = (uint32_t)sizeof(clnorm_##op_name),   \
              .name = #op_name,                              \
              .x_types = x_bits,                             \
              .y_types = y_bits,                             \
              .slots_in = op_name##_in,                      \
              .slots_out = op_name##_out & ~(1 << CLNORM_Y), \
              .attrs = op_name##_attrs,                      \
              .nattrs = CLN_COUNT(op_name##_attrs),          \
              __VA_ARGS__ }
#undef MATRIX
#define MATRIX(op_name, NAME, x_bits, y_bits, slot_list, attr_list, text, ...)             \
    { INFO(op_name, NAME, x_bits, y_bits, .matrix = 1, .schedules = "steps", __VA_ARGS__), \
      .maps = true,                                                                        \
      .check = cln_##op_name##_check,                                                      \
      .pose = cln_##op_name##_pose,                                                        \
      .steps = cln_##op_name##_steps,                                                      \
      .slot = cln_##op_name##_slot,                                                        \
      .singular = text },
/* Bytes of a statistic in the workspace, of floats and of integers: the structs of cl/common/stat_*.clh. */
#define BYTES_nothing 0, 0
#define BYTES_extent 8, 8
#define BYTES_moments 20, 24
#define BYTES_summary 28, 32
#define BYTES_power 12, 12
#define BYTES_norm 12, 12
#define OP(op_name, NAME, stat, does_map, has_table, x_bits, y_bits, slot_list, attr_list, ...) \
    { INFO(op_name, NAME, x_bits, y_bits, __VA_ARGS__),                                         \
      .stat_bytes = { BYTES_##stat },                                                           \
      .maps = does_map,                                                                         \
      .table = has_table,                                                                       \
      .slots = slot_list,                                                                       \
      .check = cln_##op_name##_check,                                                           \
      .pose = cln_##op_name##_pose },
static const cln_op rows[] = {
#include "op/ops.def"
};

const cln_op *cln_op_of(uint32_t kind)
{
    for (size_t k = 0; k < CLN_COUNT(rows); k++)
        if (rows[k].info.kind == kind)
            return &rows[k];
    return NULL;
}

const clnorm_op_info *clnorm_op_at(size_t k) { return k < CLN_COUNT(rows) ? &rows[k].info : NULL; }

const clnorm_op_info *clnorm_op_of(uint32_t kind)
{
    const cln_op *op = cln_op_of(kind);
    return op ? &op->info : NULL;
}

const clnorm_op_info *clnorm_op_named(const char *name)
{
    for (size_t k = 0; name && k < CLN_COUNT(rows); k++)
        if (!strcmp(rows[k].info.name, name))
            return &rows[k].info;
    return NULL;
}

/* ---- what ops share ---- */

int cln_channel_axis(const clnorm_tensor *x) { return x->ndim >= 4 ? 1 : x->ndim == 3 ? 0 : -1; }

int64_t cln_channels(const clnorm_tensor *x)
{
    const int axis = cln_channel_axis(x);
    return axis < 0 ? 1 : x->shape[axis];
}

uint32_t cln_image_axes(const clnorm_tensor *x)
{
    const uint32_t all = (1u << x->ndim) - 1;
    return x->ndim >= 4 ? all & ~1u : all;
}

uint32_t cln_scope_axes(const clnorm_tensor *x, uint32_t scope)
{
    const uint32_t all = (1u << x->ndim) - 1, image = cln_image_axes(x);
    const uint32_t c = x->ndim >= 3 ? 1u << cln_channel_axis(x) : 0;
    const uint32_t axes[] = { image, image & ~c, all, all & ~c };
    return axes[scope];
}

bool cln_vector(clnorm_tensor *out, int64_t count)
{
    const clnorm_tensor t = { CLNORM_F32, 1, { count }, { 1 }, 0 };
    *out = t;
    return true;
}

bool cln_dense(clnorm_tensor *out, int64_t a, int64_t b, int64_t c)
{
    const clnorm_tensor t = { CLNORM_F32, 3, { a, b, c }, { b * c, c, 1 }, 0 };
    *out = t;
    return true;
}

void cln_two_floats(double a, float *hi, float *lo)
{
    *hi = (float)a;
    *lo = (float)(a - (double)*hi);
}

/* ---- checks of every descriptor ---- */

static clnorm_status check_attrs(const cln_op *op, const clnorm_any *desc)
{
    for (size_t k = 0; k < op->info.nattrs; k++) {
        const clnorm_attr *a = &op->info.attrs[k];
        const char *field = (const char *)desc + a->offset;
        float f;
        uint32_t u;
        memcpy(&f, field, sizeof f);
        memcpy(&u, field, sizeof u);
        if (a->type == CLNORM_ATTR_F32_LIST ||
            cln_check_attr(op, a, a->type == CLNORM_ATTR_U32 ? (double)u : (double)f) == CLNORM_OK)
            continue;
        if (cln_attr_defaults(a))
            cln_fail_more(", and %g for the default", a->preset);
        return CLNORM_EARG;
    }
    return CLNORM_OK;
}

static clnorm_status check_head(const cln_op *op, const clnorm_any *desc)
{
    const bool both = op->info.schedules_back != NULL;
    if (desc->op.direction > (both ? CLNORM_BACKWARD : CLNORM_FORWARD))
        return cln_fail(CLNORM_EARG, "%s: direction is %u; %s", op->info.name, desc->op.direction,
                        both ? "forward 0 and backward 1 are allowed" : "it has only 0, forward");
    if (desc->op.semantics > CLNORM_PAPER)
        return cln_fail(CLNORM_EARG, "%s: semantics is %u; chapter 0, torch 1, onnx 2 and paper 3 are known",
                        op->info.name, desc->op.semantics);
    if (desc->op.flags != 0)
        return cln_fail(CLNORM_EARG, "%s: flags is %u; none is known", op->info.name, desc->op.flags);
    return CLNORM_OK;
}

/* Whether an output lies as x does, and as y: SUM or DX, and Y or DRESIDUAL. */
static void find_outputs(const cln_op *op, const clnorm_any *desc, bool *as_x, bool *as_y)
{
    const clnorm_layer none = CLNORM_LAYER_INIT, *l = op->info.layer ? &desc->layered.layer : &none;
    const bool back = desc->op.direction == CLNORM_BACKWARD;
    const uint32_t wanted = cln_layer_wanted(l);
    *as_x = back ? wanted >> CLNORM_DX & 1 : l->residual == CLNORM_RESIDUAL_BEFORE;
    *as_y = !back || (l->residual == CLNORM_RESIDUAL_AFTER && (wanted >> CLNORM_DRESIDUAL & 1));
}

static clnorm_status check_tensors(const cln_op *op, clnorm_any *desc)
{
    clnorm_tensor *x = &desc->head.x, *y = &desc->head.y;
    bool as_x, as_y;
    find_outputs(op, desc, &as_x, &as_y);
    CLN_TRY(cln_tensor_check(x, "x", op->info.x_types, false));
    cln_tensor_complete(x);
    CLN_TRY(cln_tensor_check(x, "x", op->info.x_types, as_x));
    if (!op->maps || op->info.reshapes)
        return CLNORM_OK; /* y is the op's own check */
    CLN_TRY(cln_tensor_check(y, "y", op->info.y_types, false));
    cln_tensor_complete(y);
    CLN_TRY(cln_tensor_check(y, "y", op->info.y_types, as_y));
    if (!cln_tensor_same_shape(x, y)) {
        char a[CLN_TENSOR_TEXT], b[CLN_TENSOR_TEXT];
        return cln_fail(CLNORM_ESHAPE, "%s: x is %s and y is %s; their shapes must be equal", op->info.name,
                        cln_tensor_text(x, a, sizeof a), cln_tensor_text(y, b, sizeof b));
    }
    return CLNORM_OK;
}

static clnorm_status check_swap(const cln_op *op, const clnorm_any *desc)
{
    for (size_t k = 0; k < op->info.nattrs; k++)
        if (!strcmp(op->info.attrs[k].name, "swap_rb")) {
            uint32_t swap;
            memcpy(&swap, (const char *)desc + op->info.attrs[k].offset, sizeof swap);
            if (swap && cln_channels(&desc->head.x) < 3)
                return cln_fail(CLNORM_ESHAPE, "%s: swap_rb needs 3 or more channels; x has %lld",
                                op->info.name, (long long)cln_channels(&desc->head.x));
        }
    return CLNORM_OK;
}

clnorm_status cln_op_check(clnorm_any *desc)
{
    if (!desc)
        return cln_fail(CLNORM_EARG, "desc is NULL");
    const cln_op *op = cln_op_of(desc->op.kind);
    if (!op)
        return cln_fail(CLNORM_EARG, "the descriptor's kind is %u; no op has it", desc->op.kind);
    if (desc->op.size != op->info.bytes)
        return cln_fail(CLNORM_EARG, "%s: the descriptor's size is %u; this library's is %u", op->info.name,
                        desc->op.size, op->info.bytes);
    CLN_TRY(check_head(op, desc));
    CLN_TRY(check_attrs(op, desc));
    CLN_TRY(cln_check_reserved(op, desc));
    CLN_TRY(check_tensors(op, desc));
    CLN_TRY(check_swap(op, desc));
    if (op->info.layer)
        CLN_TRY(cln_layer_check(desc));
    return op->check(desc);
}

/* As a plan would: with what kernels cannot count. */
clnorm_status clnorm_op_check(clnorm_any *desc)
{
    cln_problems posed;
    CLN_TRY(cln_op_check(desc));
    return cln_op_pose(&posed, &desc->op);
}

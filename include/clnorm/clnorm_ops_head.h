/* clnorm_ops_head.h -- what every descriptor begins with: its op, direction and meanings. */
#ifndef CLNORM_OPS_HEAD_H
#define CLNORM_OPS_HEAD_H

#include "clnorm_tensor.h"

/** Every op: constant, name, value. Values are never reused. whiten, iternorm and spectralnorm are in
 *  builds with CLBlast. */
#define CLNORM_KIND_MAP(X)            \
    X(MINMAX, minmax, 1)              \
    X(SYMMETRIC, symmetric, 2)        \
    X(ZSCORE, zscore, 3)              \
    X(TOTENSOR, totensor, 4)          \
    X(NORMALIZE, normalize, 5)        \
    X(DENORMALIZE, denormalize, 6)    \
    X(MOMENTS, moments, 7)            \
    X(BATCHNORM, batchnorm, 8)        \
    X(LAYERNORM, layernorm, 9)        \
    X(GROUPNORM, groupnorm, 10)       \
    X(INSTANCENORM, instancenorm, 11) \
    X(RMSNORM, rmsnorm, 12)           \
    X(L2NORM, l2norm, 13)             \
    X(LPNORM, lpnorm, 14)             \
    X(MVN, mvn, 15)                   \
    X(GRN, grn, 16)                   \
    X(LRN, lrn, 17)                   \
    X(WHITEN, whiten, 18)             \
    X(ITERNORM, iternorm, 19)         \
    X(SPECTRALNORM, spectralnorm, 20)

typedef enum clnorm_kind {
#define CLNORM_KIND_ENUM(NAME, name, value) CLNORM_OP_##NAME = value,
    CLNORM_KIND_MAP(CLNORM_KIND_ENUM)
#undef CLNORM_KIND_ENUM
} clnorm_kind;
#define CLNORM_OP_BIT(kind) ((uint64_t)1 << (kind))

/** Which way. Backward: y is the tensor of DY, and DX lies like x. */
typedef enum clnorm_direction { CLNORM_FORWARD = 0, CLNORM_BACKWARD = 1 } clnorm_direction;

/** Whose meanings and defaults clnorm_op_semantics has put in; the fields themselves decide. */
typedef enum clnorm_semantics {
    CLNORM_CHAPTER = 0,
    CLNORM_TORCH = 1,
    CLNORM_ONNX = 2,
    CLNORM_PAPER = 3
} clnorm_semantics;

/** The first member of every descriptor. INIT sets it. */
typedef struct clnorm_op {
    uint32_t size, kind;
    uint32_t direction; /* clnorm_direction. Input ops go forward only */
    uint32_t semantics; /* clnorm_semantics, for describe */
    uint32_t flags, reserved;
} clnorm_op;

#define CLNORM_HEAD(type, kind)                              \
    {                                                        \
        (uint32_t)sizeof(type), CLNORM_OP_##kind, 0, 0, 0, 0 \
    }
#define CLNORM_NO_TENSOR      \
    {                         \
        0, 0, { 0 }, { 0 }, 0 \
    }
#endif

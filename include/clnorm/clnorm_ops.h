/* clnorm_ops.h -- one documented descriptor per op.
 *
 * A descriptor is plain data: copy it, compare it, keep it. Each begins with op, x, y. Start from its INIT
 * (or clnorm_op_init), set the tensors and what differs from the default. Integer results round half to
 * even and saturate. Image ops treat 4-D as (N,C,H,W), 5-D as (N,C,D,H,W), 3-D as (C,H,W), 2-D and 1-D
 * as one gray image. */
#ifndef CLNORM_OPS_H
#define CLNORM_OPS_H

#include "clnorm.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Which op. Values are never reused. */
typedef enum clnorm_kind {
    CLNORM_OP_MINMAX = 1,
    CLNORM_OP_SYMMETRIC = 2,
    CLNORM_OP_ZSCORE = 3,
    CLNORM_OP_TOTENSOR = 4,
    CLNORM_OP_NORMALIZE = 5,
    CLNORM_OP_DENORMALIZE = 6,
    CLNORM_OP_MOMENTS = 7
} clnorm_kind;
#define CLNORM_OP_BIT(kind) ((uint64_t)1 << (kind))

/** The first member of every descriptor. INIT sets it. */
struct clnorm_op {
    uint32_t size, kind;
    uint32_t direction; /* 0: inference. Input ops have no other */
    uint32_t semantics; /* 0: chapter */
    uint32_t flags, reserved;
};

/** What one statistic spans. */
typedef enum clnorm_scope {
    CLNORM_SCOPE_IMAGE = 0,        /* one set per n, over C,H,W */
    CLNORM_SCOPE_CHANNEL = 1,      /* one set per (n,c), over H,W */
    CLNORM_SCOPE_BATCH = 2,        /* one set over everything */
    CLNORM_SCOPE_BATCH_CHANNEL = 3 /* one set per c, over N,H,W */
} clnorm_scope;

#define CLNORM_MAX_CHANNELS 16 /* of a mean and std list */
#define CLNORM_HEAD(type, kind)                              \
    {                                                        \
        (uint32_t)sizeof(type), CLNORM_OP_##kind, 0, 0, 0, 0 \
    }
#define CLNORM_NO_TENSOR      \
    {                         \
        0, 0, { 0 }, { 0 }, 0 \
    }

/** Min-max scaling: y = lo + (hi - lo) * (x - min) / (max - min + eps).
 *
 *  Shape    x, y alike; min, max one per set, in the order of the kept axes.
 *  Types    x u8 u16 f32 f16 bf16; y f32 f16 bf16 u8 s8; min, max f32.
 *  Units    eps in units of x, >= 0; lo, hi finite.
 *  Buffers  X Y [MIN MAX]. y may be x.
 *  Edges    a constant set gives lo; a NaN makes its set NaN; an empty tensor succeeds.
 *  Errors   EARG, ESHAPE, EDTYPE, EUNSUPPORTED.
 *  Source   SEMANTICS section 1. */
typedef struct clnorm_minmax {
    clnorm_op op;
    clnorm_tensor x, y;
    uint32_t scope;   /* clnorm_scope */
    uint32_t swap_rb; /* 1: channels 0 and 2 of x trade places first */
    float lo, hi, eps;
    uint32_t reserved;
} clnorm_minmax;
#define CLNORM_MINMAX_INIT                                                                                 \
    {                                                                                                      \
        CLNORM_HEAD(clnorm_minmax, MINMAX), CLNORM_NO_TENSOR, CLNORM_NO_TENSOR, 0, 0, 0.0f, 1.0f, 1e-8f, 0 \
    }

/** To [-1, 1]: y = 2 * (x / scale) - 1.
 *
 *  Shape    x, y alike.
 *  Types    x u8 u16 f32 f16 bf16; y f32 f16 bf16 u8 s8.
 *  Units    scale in units of x, > 0; 0 takes u8 255, u16 65535, and is an error for floats.
 *  Buffers  X Y. y may be x. */
typedef struct clnorm_symmetric {
    clnorm_op op;
    clnorm_tensor x, y;
    uint32_t swap_rb;
    float scale;
} clnorm_symmetric;
#define CLNORM_SYMMETRIC_INIT                                                                 \
    {                                                                                         \
        CLNORM_HEAD(clnorm_symmetric, SYMMETRIC), CLNORM_NO_TENSOR, CLNORM_NO_TENSOR, 0, 0.0f \
    }

/** Standardization: y = (x - mean) / (std + eps), std = sqrt(sum (x - mean)^2 / (M - ddof)).
 *
 *  Shape    x, y alike; mean, rstd one per set, in the order of the kept axes.
 *  Types    x u8 u16 f32 f16 bf16; y f32 f16 bf16 u8 s8; mean, rstd f32. Sums of integers are exact.
 *  Units    eps is added to the standard deviation, in units of x, >= 0; ddof 0 or 1.
 *  Buffers  X Y [MEAN RSTD]; rstd is the factor 1 / (std + eps). y may be x.
 *  Edges    a constant set gives exactly 0; NaN or inf in a set makes that set NaN.
 *  Source   SEMANTICS section 1. */
typedef struct clnorm_zscore {
    clnorm_op op;
    clnorm_tensor x, y;
    uint32_t scope, swap_rb;
    float eps;
    uint32_t ddof;
} clnorm_zscore;
#define CLNORM_ZSCORE_INIT                                                                     \
    {                                                                                          \
        CLNORM_HEAD(clnorm_zscore, ZSCORE), CLNORM_NO_TENSOR, CLNORM_NO_TENSOR, 0, 0, 1e-8f, 0 \
    }

/** ToTensor: y = x / scale. Channels first or last, as y's strides say, in the same pass.
 *
 *  Types    x u8 u16 f32 f16 bf16; y f32 f16 bf16 u8 s8.
 *  Units    scale > 0; 0 takes u8 255, u16 65535, floats 1.
 *  Buffers  X Y. y may be x.
 *  Source   torchvision.transforms.ToTensor; u8 gives the same bits. */
typedef struct clnorm_totensor {
    clnorm_op op;
    clnorm_tensor x, y;
    uint32_t swap_rb;
    float scale;
} clnorm_totensor;
#define CLNORM_TOTENSOR_INIT                                                                \
    {                                                                                       \
        CLNORM_HEAD(clnorm_totensor, TOTENSOR), CLNORM_NO_TENSOR, CLNORM_NO_TENSOR, 0, 0.0f \
    }

/** ToTensor and Normalize in one pass: y = (x / scale - mean_c) / std_c.
 *
 *  Types    x u8 u16 f32 f16 bf16; y f32 f16 bf16 u8 s8.
 *  Units    mean, std in units of x / scale; std is not 0; channels: length of the lists, 1 or C;
 *           0 takes the preset "imagenet", on one channel its values in turn are refused unless C is 3.
 *  Buffers  X Y. y may be x.
 *  Source   torchvision.transforms.Normalize. */
typedef struct clnorm_normalize {
    clnorm_op op;
    clnorm_tensor x, y;
    uint32_t swap_rb;
    float scale;
    uint32_t channels, reserved;
    float mean[CLNORM_MAX_CHANNELS], std[CLNORM_MAX_CHANNELS];
} clnorm_normalize;
#define CLNORM_NORMALIZE_INIT                                                                               \
    {                                                                                                       \
        CLNORM_HEAD(clnorm_normalize, NORMALIZE), CLNORM_NO_TENSOR, CLNORM_NO_TENSOR, 0, 0.0f, 0, 0, { 0 }, \
        {                                                                                                   \
            0                                                                                               \
        }                                                                                                   \
    }

/** The inverse of an input op, with the attributes that it was given.
 *
 *  of = MINMAX     x = min + (y - lo) / (hi - lo) * (max - min + eps); needs MIN and MAX
 *  of = SYMMETRIC  x = (y + 1) / 2 * scale          of = TOTENSOR  x = y * scale
 *  of = ZSCORE     x = y / rstd + mean; needs MEAN and RSTD
 *  of = NORMALIZE  x = (y * std_c + mean_c) * scale (default)
 *
 *  Here the descriptor's x is the normalized input and its y the restored output.
 *  Types    x f32 f16 bf16; y f32 f16 bf16 u8 s8. scale 0 takes y's: u8 255, s8 127, floats 1.
 *  Buffers  X Y [MIN MAX | MEAN RSTD], one value per set of x over `scope`. y may be x. */
typedef struct clnorm_denormalize {
    clnorm_op op;
    clnorm_tensor x, y;
    uint32_t of; /* clnorm_kind */
    uint32_t scope, swap_rb;
    float lo, hi, eps, scale;
    uint32_t channels;
    float mean[CLNORM_MAX_CHANNELS], std[CLNORM_MAX_CHANNELS];
} clnorm_denormalize;
#define CLNORM_DENORMALIZE_INIT                                                           \
    {                                                                                     \
        CLNORM_HEAD(clnorm_denormalize, DENORMALIZE), CLNORM_NO_TENSOR, CLNORM_NO_TENSOR, \
            CLNORM_OP_NORMALIZE, 0, 0, 0.0f, 1.0f, 1e-8f, 0.0f, 0, { 0 },                 \
        {                                                                                 \
            0                                                                             \
        }                                                                                 \
    }

/** Count, mean, M2 = sum (x - mean)^2, minimum and maximum of every set.
 *
 *  Shape    y (the mean) and every other output: x's shape with 1 on the reduced axes, dense; y.ndim 0
 *           takes that shape and f32.
 *  Types    x u8 u16 f32 f16 bf16; y f32; m2, min, max f32; count u64. Sums of integers are exact.
 *  Units    axes: bit k reduces axis k; 0 takes the axes of scope. M2 in units of x squared.
 *  Buffers  X Y [COUNT M2 MIN MAX].
 *  Edges    two results merge by Chan's formula: n = na+nb, d = mb-ma, mean = ma+d*nb/n,
 *           M2 = M2a+M2b+d*d*na*nb/n. */
typedef struct clnorm_moments {
    clnorm_op op;
    clnorm_tensor x, y;
    uint32_t scope, swap_rb;
    uint32_t axes, reserved;
} clnorm_moments;
#define CLNORM_MOMENTS_INIT                                                                  \
    {                                                                                        \
        CLNORM_HEAD(clnorm_moments, MOMENTS), CLNORM_NO_TENSOR, CLNORM_NO_TENSOR, 0, 0, 0, 0 \
    }

/** Room for any descriptor, for code that does not know which op it holds. */
typedef union clnorm_any {
    clnorm_op op;
    struct {
        clnorm_op op;
        clnorm_tensor x, y;
    } head;
    clnorm_minmax minmax;
    clnorm_symmetric symmetric;
    clnorm_zscore zscore;
    clnorm_totensor totensor;
    clnorm_normalize normalize;
    clnorm_denormalize denormalize;
    clnorm_moments moments;
} clnorm_any;

/** Typed plan makers, so that nobody casts: clnorm_layernorm_plan(&plan, ctx, &desc, effort). */
#define CLNORM_PLAN_MAKER(name)                                                                  \
    static inline clnorm_status clnorm_##name##_plan(clnorm_plan **out, clnorm_context *ctx,     \
                                                     const clnorm_##name *desc, uint32_t effort) \
    {                                                                                            \
        return clnorm_plan_create(out, ctx, &desc->op, effort);                                  \
    }
CLNORM_PLAN_MAKER(minmax)
CLNORM_PLAN_MAKER(symmetric)
CLNORM_PLAN_MAKER(zscore)
CLNORM_PLAN_MAKER(totensor)
CLNORM_PLAN_MAKER(normalize)
CLNORM_PLAN_MAKER(denormalize)
CLNORM_PLAN_MAKER(moments)
#undef CLNORM_PLAN_MAKER

/* ---- what the library knows of its ops: for commands, bindings and documents ------------------ */

typedef enum clnorm_attr_type {
    CLNORM_ATTR_F32 = 1,
    CLNORM_ATTR_U32 = 2,
    CLNORM_ATTR_F32_LIST = 3
} clnorm_attr_type;

/** One attribute of a descriptor. */
typedef struct clnorm_attr {
    const char *name; /* the field */
    uint32_t type;    /* clnorm_attr_type; a list has CLNORM_MAX_CHANNELS places */
    uint32_t offset;  /* of the field in the descriptor */
    double low, high; /* allowed, both included */
    double preset;    /* its default */
    const char *text; /* what it is, in a few words */
} clnorm_attr;

/** One op, described. Pointers stay valid for the life of the process. */
typedef struct clnorm_op_info {
    uint32_t kind, bytes;          /* descriptor's size */
    const char *name;              /* "minmax" */
    const char *title;             /* "Min-max scaling" */
    const char *formula, *reduces; /* as in SEMANTICS */
    const char *use, *avoid;       /* when to use it and when not */
    const char *source;
    uint32_t x_types, y_types;    /* bit (1 << clnorm_dtype) */
    uint32_t slots_in, slots_out; /* optional tensors, bit (1 << clnorm_slot), without x and y */
    const clnorm_attr *attrs;
    size_t nattrs;
    const char *schedules; /* "rows slab split" */
} clnorm_op_info;

/** The k-th op, k from 0; NULL behind the last. */
CLNORM_API const clnorm_op_info *clnorm_op_at(size_t k);
/** By kind or by name; NULL when there is none. */
CLNORM_API const clnorm_op_info *clnorm_op_of(uint32_t kind);
CLNORM_API const clnorm_op_info *clnorm_op_named(const char *name);
/** Fills a descriptor with its defaults. Errors  EARG for an unknown kind. */
CLNORM_API clnorm_status clnorm_op_init(clnorm_any *desc, uint32_t kind);
/** Sets an attribute by name; n values (1, or up to CLNORM_MAX_CHANNELS for a list, which also sets
 *  `channels`). Errors  EARG: no such attribute, or out of range; the sentence says what is allowed. */
CLNORM_API clnorm_status clnorm_op_set(clnorm_any *desc, const char *attr, const double *values, size_t n);
/** Mean and std of a preset: imagenet, half, clip, cifar10. channels receives 3 or 1.
 *  Errors   EARG: unknown; the sentence lists the presets. */
CLNORM_API clnorm_status clnorm_preset(const char *name, float *mean, float *std, uint32_t *channels);
/** Checks a descriptor as a plan would, and completes it: strides, y's shape where it may be absent, scale.
 *  No device is needed. */
CLNORM_API clnorm_status clnorm_op_check(clnorm_any *desc);
/** Shape of an optional tensor of a checked descriptor (f32, or u64 count as dtype 0): false when the op
 *  has no such slot. */
CLNORM_API int clnorm_op_slot(const clnorm_any *desc, uint32_t slot, clnorm_tensor *out);
/** The kernel text of an op as the compiler sees it, includes flattened; free it with clnorm_free.
 *  Errors   EARG for an unknown kind, ENOMEM. */
CLNORM_API clnorm_status clnorm_op_source(char **out, uint32_t kind);
CLNORM_API void clnorm_free(void *text);

#ifdef __cplusplus
}
#endif
#endif

/* clnorm_ops_input.h -- descriptors of the input ops and of moments; they go forward only: they stand before a network. zscore with a
 * gradient is clnorm_mvn over the same axes, with its eps and ddof.
 *
 * 4-D is (N,C,H,W), 5-D (N,C,D,H,W), 3-D (C,H,W), 2-D and 1-D one gray image. */
#ifndef CLNORM_OPS_INPUT_H
#define CLNORM_OPS_INPUT_H

#include "clnorm_ops_head.h"

/** What one statistic spans. */
typedef enum clnorm_scope {
    CLNORM_SCOPE_IMAGE = 0,        /* one set per n, over C,H,W */
    CLNORM_SCOPE_CHANNEL = 1,      /* one set per (n,c), over H,W */
    CLNORM_SCOPE_BATCH = 2,        /* one set over everything */
    CLNORM_SCOPE_BATCH_CHANNEL = 3 /* one set per c, over N,H,W */
} clnorm_scope;

#define CLNORM_MAX_CHANNELS 16 /* of a mean and std list */

/** Min-max scaling: y = lo + (hi - lo) * (x - min) / (max - min + eps).
 *
 *  Shape    x, y alike; min, max one per set, in the order of the kept axes.
 *  Types    x u8 u16 s8 f32 f16 bf16; y f32 f16 bf16 u8 s8; min, max f32.
 *  Units    eps in units of x, >= 0; lo, hi within 1e30.
 *  Buffers  X Y [MIN MAX]. y may be x, without swap_rb.
 *  Edges    a constant set gives lo; a NaN makes its set NaN, and so does -inf; +inf is NaN and all else of its set
 *           lo; an empty tensor succeeds.
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
 *  Types    x u8 u16 s8 f32 f16 bf16; y f32 f16 bf16 u8 s8.
 *  Units    scale in units of x, > 0; 0 takes u8 255, u16 65535, and is an error for s8 and floats.
 *  Buffers  X Y. y may be x, without swap_rb. */
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
 *  Types    x u8 u16 s8 f32 f16 bf16; y f32 f16 bf16 u8 s8; mean, rstd f32. Sums of u8 and u16 are exact.
 *  Units    eps is added to the standard deviation, in units of x, >= 0; ddof 0 or 1.
 *  Buffers  X Y [MEAN RSTD]; rstd is the factor 1 / (std + eps). y may be x, without swap_rb.
 *  Edges    a constant set, one of a single element too, gives exactly 0, whatever ddof; NaN or inf in a set makes
 *           that set NaN.
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
 *  Types    x u8 u16 s8 f32 f16 bf16; y f32 f16 bf16 u8 s8.
 *  Units    scale > 0; 0 takes u8 255, u16 65535, floats 1, and is an error for s8.
 *  Buffers  X Y. y may be x, without swap_rb.
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
 *  Types    x u8 u16 s8 f32 f16 bf16; y f32 f16 bf16 u8 s8.
 *  Units    mean, std in units of x / scale; std is not 0; mean * scale and 1 / (std * scale) are f32; channels: length of the lists, 1 or C;
 *           0 takes the preset "imagenet", on one channel its values in turn are refused unless C is 3.
 *  Buffers  X Y. y may be x, without swap_rb.
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
 *  Types    x f32 f16 bf16; y f32 f16 bf16 u8 s8. scale 0 takes y's: u8 255, floats 1; s8 has
 *           none, and needs one where `of` has a scale.
 *  Buffers  X Y [MIN MAX | MEAN RSTD], one value per set of x over `scope`. y may be x, without swap_rb. */
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
 *  Types    x u8 u16 s8 f32 f16 bf16; y f32; m2, min, max f32; count u64. Sums of u8 and u16 are exact.
 *  Units    axes: bit k reduces axis k; 0 takes the axes of scope. M2 in units of x squared.
 *           With swap_rb and a statistic of each channel all axes behind the channels are reduced.
 *  Buffers  X Y [COUNT M2 MIN MAX].
 *  Edges    two results merge by Chan's formula: n = na+nb, d = mb-ma, mean = ma+d*nb/n,
 *           M2 = M2a+M2b+d*d*na*nb/n. The means are rounded to f32, so that d is off by up to 2^-24 of the larger,
 *           which tells where parts spread less than that; one call on all of them loses nothing. */
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
#endif

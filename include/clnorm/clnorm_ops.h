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
struct clnorm_op {
    uint32_t size, kind;
    uint32_t direction; /* clnorm_direction. Input ops go forward only */
    uint32_t semantics; /* clnorm_semantics, for describe */
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

/* ---- layers ---------------------------------------------------------------------------------- *
 *
 * 4-D is (N,C,H,W), 5-D (N,C,D,H,W), 3-D one image (C,H,W), 2-D (N,C), 1-D (C). `axes` has bit k for axis k.
 *
 * Forward   X [GAMMA BETA RESIDUAL] -> Y [MEAN RSTD SUM MASK]
 * Backward  X DY [GAMMA BETA RESIDUAL MEAN RSTD MASK] -> [DX DGAMMA DBETA DRESIDUAL]. Without MEAN and RSTD,
 *           which come together, they are computed from X. A gradient whose buffer is absent is not computed.
 *           A saved MEAN is a rounded float, off by up to 6e-8 |mean|, and so is x - mean: where the mean is more than
 *           about ten deviations from 0, gradients are more accurate without (docs/bounds.md).
 *
 * With an activation the way back computes again what it was given, from X, GAMMA and BETA, and RESIDUAL
 * where that is added after the norm; relu takes MASK instead where it is given, the bits that forward wrote.
 */

/** What gamma and beta span. They are dense, in x's order of axes, and each may be absent: 1 and 0. */
typedef enum clnorm_affine {
    CLNORM_PER_CHANNEL = 0, /* (C) */
    CLNORM_PER_ELEMENT = 1, /* the axes that the statistic spans */
    CLNORM_PER_SAMPLE = 2,  /* (N,C): AdaIN, FiLM, AdaLN */
    CLNORM_NO_AFFINE = 3    /* neither is ever given */
} clnorm_affine;

/** y = act(norm(x)). */
typedef enum clnorm_act {
    CLNORM_ACT_NONE = 0,
    CLNORM_RELU = 1,     /* MASK receives one bit per element: 1 where y > 0; see clnorm_layer */
    CLNORM_LEAKY = 2,    /* slope */
    CLNORM_SILU = 3,     /* x / (1 + exp(-x)) */
    CLNORM_GELU = 4,     /* x / 2 * (1 + erf(x / sqrt 2)) */
    CLNORM_GELU_TANH = 5 /* x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3))) */
} clnorm_act;

/** Where RESIDUAL is added. */
typedef enum clnorm_residual {
    CLNORM_RESIDUAL_NONE = 0,
    CLNORM_RESIDUAL_BEFORE = 1, /* norm(x + residual); SUM receives x + residual, backward takes it as X */
    CLNORM_RESIDUAL_AFTER = 2   /* act(norm(x) + residual); DRESIDUAL receives its gradient */
} clnorm_residual;

/** What all layers share. All zero is the default.
 *
 *  Types    param_dtype f32 (0 too), f16, bf16, of GAMMA, BETA, DGAMMA and DBETA. MEAN, RSTD f32.
 *           RESIDUAL, SUM have x's type and strides, or y's where it is added after the norm.
 *  Units    y u8 or s8 is quantized: sat(rint_even(y / out_scale) + out_zero); out_scale 0 is 1, else 1e-30
 *           to 1e30; out_zero a whole number of y's type. With a float y both are 0.
 *  Buffers  MASK, of a float y whose strides are not negative: bit k % 8 of byte k / 8 belongs to the element
 *           that lies k elements behind y's first; backward, behind DY's, whose strides must then be y's.
 *           Bits that belong to no element are undefined. SUM may be X or RESIDUAL, y may be X or RESIDUAL;
 *           backward, where the statistics are in the call and neither DGAMMA nor DBETA is wanted, DX may be
 *           DY. Backward behind an activation is faster with MEAN and RSTD: its slope depends on them, so that x is
 *           read once more where they are made first.
 *  Edges    act(-inf) is 0, but of leaky; a NaN stays one. Where an activation's slope is 0 nothing passes
 *           back.
 *  Errors   EARG, EDTYPE; EBUFFER where the way back has neither RESIDUAL nor MASK and needs one. */
typedef struct clnorm_layer {
    uint32_t affine; /* clnorm_affine */
    uint32_t param_dtype;
    uint32_t act; /* clnorm_act */
    float slope;  /* of CLNORM_LEAKY */
    uint32_t residual;
    uint32_t given;      /* forward: 1: MEAN and RSTD are inputs, the statistics to use */
    uint32_t gradients;  /* backward: bits of DX, DGAMMA, DBETA, DRESIDUAL: those ever wanted; 0: all */
    uint32_t accumulate; /* backward: bits of the same: added to what is there */
    float out_scale;
    float out_zero;
    uint32_t reserved[2];
} clnorm_layer;
#define CLNORM_LAYER_INIT                             \
    {                                                 \
        0, 0, 0, 0.01f, 0, 0, 0, 0, 0.0f, 0.0f, { 0 } \
    }

/** Whose statistics batch normalization uses. */
typedef enum clnorm_mode {
    CLNORM_TRAIN = 1, /* the batch's; RUNNING_MEAN and RUNNING_VAR are moved */
    CLNORM_EVAL = 2   /* RUNNING_MEAN and RUNNING_VAR, or MEAN and RSTD where `given` */
} clnorm_mode;

/** What to do with M = 1 in training. */
typedef enum clnorm_single {
    CLNORM_SINGLE_BIASED = 0, /* var is 0, and so is what moves RUNNING_VAR */
    CLNORM_SINGLE_ERROR = 1,  /* ESHAPE, as PyTorch */
    CLNORM_SINGLE_SKIP = 2    /* as BIASED, but RUNNING_VAR stays */
} clnorm_single;

/** Batch normalization: y = (x - mean_c) / sqrt(var_c + eps) * gamma_c + beta_c.
 *
 *  Shape    x, y (N,C,...) or (C,H,W); gamma, beta, mean, rstd, running_mean, running_var (C).
 *  Types    x, y f32 f16 bf16, quantized y u8 s8; the rest as clnorm_layer; running f32.
 *  Units    eps is added to the variance, >= 0. args.momentum m in [0, 1], 0 takes the descriptor's:
 *           r = (1-m) r + m batch, or m r + (1-m) batch where old_momentum; args.flags CLNORM_CUMULATIVE: m =
 *           1 / (args.count + 1). RUNNING_VAR receives M2 / (M - 1), or M2 / M where biased_running.
 *  Buffers  TRAIN X [GAMMA BETA] Y [MEAN RSTD RUNNING_MEAN RUNNING_VAR]; EVAL X RUNNING_MEAN RUNNING_VAR ...
 *           Backward in EVAL: dx = gamma * rstd * dy.
 *  Edges    a constant channel gives beta; NaN or inf make their channel NaN (TRAIN).
 *  Errors   EARG where mode is 0: there is no default; ESHAPE; EDTYPE; EBUFFER.
 *  Source   Ioffe & Szegedy 2015, arXiv:1502.03167, algorithms 1 and 2. */
typedef struct clnorm_batchnorm {
    clnorm_op op;
    clnorm_tensor x, y;
    clnorm_layer layer;
    uint32_t mode; /* clnorm_mode; no default */
    float eps, momentum;
    uint32_t ddof; /* of the variance that normalizes: 0 */
    uint32_t single, biased_running, old_momentum;
    uint32_t reserved;
} clnorm_batchnorm;
#define CLNORM_BATCHNORM_INIT                                                                               \
    {                                                                                                       \
        CLNORM_HEAD(clnorm_batchnorm, BATCHNORM), CLNORM_NO_TENSOR, CLNORM_NO_TENSOR, CLNORM_LAYER_INIT, 0, \
            1e-5f, 0.1f, 0, 0, 0, 0, 0                                                                      \
    }

/** A batch normalization in evaluation, for clnorm_fold_batchnorm: host arrays of `outputs` floats. */
typedef struct clnorm_fold {
    uint32_t size; /* sizeof(clnorm_fold) */
    uint32_t reserved;
    size_t outputs, inputs;    /* channels of the convolution's output; weights of each, I * kh * kw */
    const float *gamma, *beta; /* NULL: 1 and 0 */
    const float *mean, *var;   /* RUNNING_MEAN and RUNNING_VAR */
    double eps;                /* added to var */
} clnorm_fold;
#define CLNORM_FOLD_INIT                                                     \
    {                                                                        \
        (uint32_t)sizeof(clnorm_fold), 0, 0, 0, NULL, NULL, NULL, NULL, 1e-5 \
    }

/** Folds a batch normalization into the convolution (or linear layer) before it, so that inference needs no
 *  normalization at all: w = w * a, b = (b - mean) * a + beta, a = gamma / sqrt(var + eps), per output
 *  channel.
 *
 *  Shape    weight (O, I, kh, kw) dense, or (O, I); bias (O): zeros where the convolution has none.
 *  Types    f32, on the host; computed in f64, rounded once. No device is needed.
 *  Units    eps in units of var, >= 0.
 *  Buffers  weight and bias are changed in place, and may not overlap the arrays of fold. After an error they
 *           are as they were.
 *  Edges    gamma 0 gives weights 0 and the bias beta. A transposed convolution has (I, O, ..): not this one.
 *  Errors   EARG where an array is NULL or var + eps is not above 0.
 *  Threads  any.
 *  Source   Jacob et al. 2018, arXiv:1712.05877, section 3.2. */
CLNORM_API clnorm_status clnorm_fold_batchnorm(float *weight, float *bias, const clnorm_fold *fold);

/** Layer normalization: y = (x - mean) / sqrt(var + eps) * gamma + beta.
 *
 *  Shape    x, y alike; mean, rstd x's shape with 1 on the reduced axes; gamma, beta as layer.affine says.
 *  Types    x, y f32 f16 bf16, quantized y u8 s8; the rest as clnorm_layer.
 *  Units    axes: bit k reduces axis k; 0: C,H,W of each sample. eps is added to the variance, >= 0.
 *  Buffers  X [GAMMA BETA] Y [MEAN RSTD]. y may be x.
 *  Edges    a constant set gives beta; NaN or inf in a set makes that set NaN. A sample has the same bits
 *           whatever N.
 *  Source   Ba, Kiros & Hinton 2016, arXiv:1607.06450. torch.nn.LayerNorm. */
typedef struct clnorm_layernorm {
    clnorm_op op;
    clnorm_tensor x, y;
    clnorm_layer layer;
    uint32_t axes;
    float eps;
    uint32_t ddof, reserved;
} clnorm_layernorm;
#define CLNORM_LAYERNORM_INIT                                                                               \
    {                                                                                                       \
        CLNORM_HEAD(clnorm_layernorm, LAYERNORM), CLNORM_NO_TENSOR, CLNORM_NO_TENSOR, CLNORM_LAYER_INIT, 0, \
            1e-6f, 0, 0                                                                                     \
    }

/** Group normalization: layer normalization of each of `groups` groups of channels of a sample.
 *
 *  Shape    x, y (N,C,...) or (C,H,W); mean, rstd (N,G); gamma, beta (C), or (N,C), or (C,H,W).
 *  Types    as clnorm_layernorm.
 *  Units    groups divides C, no default; eps is added to the variance, >= 0.
 *  Errors   ESHAPE where groups does not divide C; EARG where it is 0.
 *  Source   Wu & He 2018, arXiv:1803.08494. torch.nn.GroupNorm. */
typedef struct clnorm_groupnorm {
    clnorm_op op;
    clnorm_tensor x, y;
    clnorm_layer layer;
    uint32_t groups;
    float eps;
    uint32_t ddof, reserved;
} clnorm_groupnorm;
#define CLNORM_GROUPNORM_INIT                                                                               \
    {                                                                                                       \
        CLNORM_HEAD(clnorm_groupnorm, GROUPNORM), CLNORM_NO_TENSOR, CLNORM_NO_TENSOR, CLNORM_LAYER_INIT, 0, \
            1e-5f, 0, 0                                                                                     \
    }

/** Instance normalization: one mean and variance per sample and channel, over H,W.
 *
 *  Shape    x, y (N,C,...) or (C,H,W); mean, rstd (N,C); gamma, beta (C), or (N,C): AdaIN.
 *  Types    as clnorm_layernorm.
 *  Units    eps is added to the variance, >= 0.
 *  Source   Ulyanov, Vedaldi & Lempitsky 2016, arXiv:1607.08022. torch.nn.InstanceNorm2d. */
typedef struct clnorm_instancenorm {
    clnorm_op op;
    clnorm_tensor x, y;
    clnorm_layer layer;
    float eps;
    uint32_t ddof;
} clnorm_instancenorm;
#define CLNORM_INSTANCENORM_INIT                                                            \
    {                                                                                       \
        CLNORM_HEAD(clnorm_instancenorm, INSTANCENORM), CLNORM_NO_TENSOR, CLNORM_NO_TENSOR, \
            CLNORM_LAYER_INIT, 1e-5f, 0                                                     \
    }

/** Root mean square normalization: y = x / sqrt(mean(x^2) + eps) * gamma + beta; nothing is subtracted.
 *
 *  Shape    as clnorm_layernorm; rstd is 1 / sqrt(mean(x^2) + eps), there is no mean.
 *  Types    as clnorm_layernorm.
 *  Units    axes 0: C,H,W of each sample. eps is added to the mean square, >= 0. zero_centred: the factor is
 *           1 + gamma.
 *  Buffers  X [GAMMA BETA] Y [RSTD].
 *  Edges    a NaN makes its set NaN; an inf gives NaN there and 0 elsewhere.
 *  Source   Zhang & Sennrich 2019, arXiv:1910.07467. torch.nn.RMSNorm. */
typedef struct clnorm_rmsnorm {
    clnorm_op op;
    clnorm_tensor x, y;
    clnorm_layer layer;
    uint32_t axes;
    float eps;
    uint32_t zero_centred, reserved;
} clnorm_rmsnorm;
#define CLNORM_RMSNORM_INIT                                                                             \
    {                                                                                                   \
        CLNORM_HEAD(clnorm_rmsnorm, RMSNORM), CLNORM_NO_TENSOR, CLNORM_NO_TENSOR, CLNORM_LAYER_INIT, 0, \
            1e-6f, 0, 0                                                                                 \
    }

/** Euclidean normalization: y = x / max(|x|, eps), |x| = sqrt(sum x^2).
 *
 *  Shape    x, y alike. axes 0: C.
 *  Types    x, y f32 f16 bf16, quantized y u8 s8.
 *  Units    eps in units of x, >= 0; add_eps: y = x / (|x| + eps).
 *  Buffers  X Y [RSTD]; rstd is the factor. No gamma, no beta (layer.affine is ignored).
 *  Edges    a set of zeros gives 0; a NaN makes its set NaN; an inf gives NaN there and 0 elsewhere.
 *  Source   torch.nn.functional.normalize. */
typedef struct clnorm_l2norm {
    clnorm_op op;
    clnorm_tensor x, y;
    clnorm_layer layer;
    uint32_t axes;
    float eps;
    uint32_t add_eps, reserved;
} clnorm_l2norm;
#define CLNORM_L2NORM_INIT                                                                            \
    {                                                                                                 \
        CLNORM_HEAD(clnorm_l2norm, L2NORM), CLNORM_NO_TENSOR, CLNORM_NO_TENSOR, CLNORM_LAYER_INIT, 0, \
            1e-12f, 0, 0                                                                              \
    }

/** Lp normalization: y = x / max(|x|_p, eps), |x|_p = (sum |x|^p)^(1/p), or the largest |x| for p = INFINITY.
 *
 *  Shape, types, buffers, edges as clnorm_l2norm.
 *  Units    p >= 1 or INFINITY; eps in units of x, >= 0; add_eps: y = x / (|x|_p + eps).
 *  Edges    Backward: p = 1 has gradient 0 at x = 0; p = INFINITY shares equally among ties.
 *  Source   torch.nn.functional.normalize. */
typedef struct clnorm_lpnorm {
    clnorm_op op;
    clnorm_tensor x, y;
    clnorm_layer layer;
    uint32_t axes;
    float p, eps;
    uint32_t add_eps;
} clnorm_lpnorm;
#define CLNORM_LPNORM_INIT                                                                                  \
    {                                                                                                       \
        CLNORM_HEAD(clnorm_lpnorm, LPNORM), CLNORM_NO_TENSOR, CLNORM_NO_TENSOR, CLNORM_LAYER_INIT, 0, 2.0f, \
            1e-12f, 0                                                                                       \
    }

/** Mean-variance normalization: y = (x - mean) / (std + eps), or / sqrt(var + eps) where eps_inside.
 *
 *  Shape    x, y alike; mean, rstd x's shape with 1 on the reduced axes. axes 0: H,W (D,H,W).
 *  Types    x, y f32 f16 bf16, quantized y u8 s8; mean, rstd f32.
 *  Units    eps in units of x (of x squared where eps_inside), >= 0.
 *  Buffers  X Y [MEAN RSTD]; rstd is the factor. No gamma, no beta (layer.affine is ignored).
 *  Edges    a constant set gives exactly 0; NaN or inf in a set makes that set NaN.
 *  Source   Caffe MVNLayer; ONNX MeanVarianceNormalization-13. */
typedef struct clnorm_mvn {
    clnorm_op op;
    clnorm_tensor x, y;
    clnorm_layer layer;
    uint32_t axes;
    float eps;
    uint32_t eps_inside, ddof;
} clnorm_mvn;
#define CLNORM_MVN_INIT                                                                                     \
    {                                                                                                       \
        CLNORM_HEAD(clnorm_mvn, MVN), CLNORM_NO_TENSOR, CLNORM_NO_TENSOR, CLNORM_LAYER_INIT, 0, 1e-9f, 0, 0 \
    }

/** Global response normalization: G_c = sqrt(sum_hw x^2), N_c = G_c / (mean_c G + eps),
 *  y = gamma * (x * N) + beta + x.
 *
 *  Shape    x, y (N,C,...) or (C,H,W); gamma, beta (C) or (N,C).
 *  Types    as clnorm_layernorm.
 *  Units    eps in units of G, >= 0.
 *  Buffers  X [GAMMA BETA] Y [RSTD]; rstd (N,C) is N; backward computes it from X. An absent gamma is 0 here:
 *           y = x + beta.
 *  Edges    a NaN or inf in a sample makes the sample NaN.
 *  Source   Woo et al. 2023, arXiv:2301.00808 (ConvNeXt V2), algorithm 1. */
typedef struct clnorm_grn {
    clnorm_op op;
    clnorm_tensor x, y;
    clnorm_layer layer;
    float eps;
    uint32_t reserved;
} clnorm_grn;
#define CLNORM_GRN_INIT                                                                               \
    {                                                                                                 \
        CLNORM_HEAD(clnorm_grn, GRN), CLNORM_NO_TENSOR, CLNORM_NO_TENSOR, CLNORM_LAYER_INIT, 1e-6f, 0 \
    }

/** Where the window of an even size leans. */
typedef enum clnorm_lean {
    CLNORM_ODD_ONLY = 0,
    CLNORM_LEAN_LEFT = 1, /* PyTorch: size / 2 channels before c, (size - 1) / 2 behind */
    CLNORM_LEAN_RIGHT = 2 /* ONNX, cuDNN */
} clnorm_lean;

/** Local response normalization: y_c = x_c * (k + A * S_c)^(-beta), S_c = sum of x^2 over the `window`
 *  channels around c.
 *
 *  Shape    x, y (N,C,...) or (C,H,W).
 *  Types    x, y f32 f16 bf16, quantized y u8 s8.
 *  Units    A = alpha / window, or alpha where whole_alpha; alpha 1e-9 to 1e9. k > 0, or k = 0 and x without
 *           zeros; beta >= 0; window >= 1.
 *  Buffers  X Y. Nothing else. Backward X DY -> DX. y may not be x, nor dx dy: a window reads its neighbours.
 *  Edges    a NaN or inf makes the windows that hold it NaN.
 *  Errors   EARG where window is even and lean is 0; EBUFFER where y is x.
 *  Source   Krizhevsky, Sutskever & Hinton 2012, section 3.3; torch.nn.LocalResponseNorm. */
typedef struct clnorm_lrn {
    clnorm_op op;
    clnorm_tensor x, y;
    clnorm_layer layer;
    uint32_t window;
    float alpha, beta, k;
    uint32_t whole_alpha, lean;
} clnorm_lrn;
#define CLNORM_LRN_INIT                                                                                \
    {                                                                                                  \
        CLNORM_HEAD(clnorm_lrn, LRN), CLNORM_NO_TENSOR, CLNORM_NO_TENSOR, CLNORM_LAYER_INIT, 5, 1e-4f, \
            0.75f, 2.0f, 0, 0                                                                          \
    }

/* ---- matrix ops ------------------------------------------------------------------------------ *
 *
 * Their work is matrix products, by CLBlast or by kernels of the library's own, whichever is faster on a class of device. The
 * order of a sum is the product's: the same device, with as many compute units, and the same library give the same bits, but the
 * bits are not those of another device, as they are for all ops above. A build without CLBlast has none of these ops:
 * clnorm_op_of gives NULL, a plan EARG. FAULT (f32, one) receives a clnorm_fault; without it nothing is said, and NaN in is
 * NaN out. */

/** Spectral normalization: y = x / sigma, sigma = u^T W v, the largest singular value of x as a matrix W (rows, columns): the
 *  axis `dim` along its rows, all others, in their order, along its columns.
 *
 *  TRAIN  `iterations` times u = W v / max(|W v|, eps), v = W^T u / max(|W^T u|, eps); then sigma. U and V are moved.
 *  EVAL   sigma of U and V as they are.
 *
 *  Shape    x, y alike, of two axes or more; u (rows); v (columns); sigma, fault (1). Any strides; nothing is copied.
 *  Types    x, y f32 f16 bf16; the rest f32.
 *  Units    eps in units of x, >= 0; iterations >= 1.
 *  Buffers  X U V -> Y [SIGMA FAULT], in TRAIN also U V. Backward X DY U V [SIGMA] -> DX [FAULT]: u and v are constants,
 *           dx = (dy - sum(dy * y) u v^T) / sigma. y may be x.
 *  Edges    sigma 0 (weights of zeros, u or v of zeros): y is 0, dx is 0, FAULT SINGULAR; PyTorch gives NaN.
 *  Errors   ESHAPE for one axis (l2norm does that) and a dim that x has not; EARG; EDTYPE.
 *  Source   Miyato et al. 2018, arXiv:1802.05957, algorithm 1. torch.nn.utils.parametrizations.spectral_norm. */
typedef struct clnorm_spectralnorm {
    clnorm_op op;
    clnorm_tensor x, y;
    uint32_t mode; /* clnorm_mode */
    uint32_t dim, iterations;
    float eps;
} clnorm_spectralnorm;
#define CLNORM_SPECTRALNORM_INIT                                                                             \
    {                                                                                                        \
        CLNORM_HEAD(clnorm_spectralnorm, SPECTRALNORM), CLNORM_NO_TENSOR, CLNORM_NO_TENSOR, CLNORM_TRAIN, 0, \
            1, 1e-12f                                                                                        \
    }

/** Iterative normalization: y = W (x - mean) * gamma + beta, where W comes near the covariance's power -1/2 by Newton's
 *  iteration: the channels of a group are uncorrelated and of variance 1.
 *
 *  TRAIN  S = (x - mean) (x - mean)^T / M + eps I of each group, M = N H W; S' = S / trace S; P = I, `iterations` times
 *         P = (3 P - P^3 S') / 2; W = P / sqrt(trace S).
 *  EVAL   RUNNING_MEAN and RUNNING_WHITENER.
 *
 *  Shape    x, y (N,C,...) or (C,H,W); mean, running_mean, gamma, beta (C); whitener, running_whitener (G, C/G, C/G).
 *  Types    x, y f32 f16 bf16; the rest f32.
 *  Units    groups divides C; eps is added to the variances, > 0; momentum m: r = (1-m) r + m batch, for both.
 *           args.momentum and CLNORM_CUMULATIVE as clnorm_batchnorm has them. Iterations: 5 is the paper's; 8 or 9 end the
 *           method for ordinary data, and from there on each triples what rounding has left.
 *  Buffers  TRAIN X [GAMMA BETA] -> Y [MEAN WHITENER RUNNING_MEAN RUNNING_WHITENER FAULT];
 *           EVAL X RUNNING_MEAN RUNNING_WHITENER [GAMMA BETA] -> Y [FAULT].
 *           Backward X DY [GAMMA], in EVAL RUNNING_MEAN RUNNING_WHITENER -> [DX DGAMMA DBETA FAULT], in TRAIN through the
 *           iterations. y may be x.
 *  Edges    M < C/G and constant channels: S is singular but for eps, which decides; a constant channel gives beta.
 *  Errors   ESHAPE where groups does not divide C, and where M is 1 in TRAIN; EARG; EDTYPE; EUNSUPPORTED where C/G is over
 *           4096.
 *  Source   Huang et al. 2019, arXiv:1904.03441, algorithm 1. */
typedef struct clnorm_iternorm {
    clnorm_op op;
    clnorm_tensor x, y;
    uint32_t mode; /* clnorm_mode */
    uint32_t groups, iterations;
    float eps, momentum;
    uint32_t reserved;
} clnorm_iternorm;
#define CLNORM_ITERNORM_INIT                                                                            \
    {                                                                                                   \
        CLNORM_HEAD(clnorm_iternorm, ITERNORM), CLNORM_NO_TENSOR, CLNORM_NO_TENSOR, CLNORM_TRAIN, 1, 5, \
            1e-5f, 0.1f, 0                                                                              \
    }

/** What whitening does. */
typedef enum clnorm_whiten_task {
    CLNORM_WHITEN = 0,   /* y = W (x - mean) */
    CLNORM_UNWHITEN = 1, /* y = W x + mean, where WHITENER is the inverse */
    CLNORM_FIT = 2       /* count, mean and M2 of x, added to those of other batches */
} clnorm_whiten_task;

/** What one sample is: so many values make a vector. */
typedef enum clnorm_samples {
    CLNORM_PIXELS = 0,  /* each pixel, D = C */
    CLNORM_PATCHES = 1, /* patch x patch pixels, each `stride` pixels, D = C * patch * patch */
    CLNORM_IMAGES = 2   /* each image, D = C * H * W */
} clnorm_samples;

#define CLNORM_WHITEN_DIMS 4096 /* the largest D */

/** Whitening by a matrix that was fitted before: y = W (x - mean) for each sample, so that the outputs are uncorrelated and of
 *  variance 1. FIT gathers the statistics that clnorm_whiten_fit (clnorm_whiten.h) makes W and its inverse of.
 *
 *  Shape    images (N,C,H,W), (C,H,W) or (N,C); a sample's values are in the order of C, rows, columns, whatever the strides.
 *           y of WHITEN, x of UNWHITEN: (N,K,down,across), a window each, where samples are images (N,K) or (N,K,1,1); or as the
 *           images, where K = D and patches lie side by side and fill them. K = components; 0: D.
 *           mean (2,D): the mean as the sum of two floats, so that 1e6 +- 1 keeps its digits; the second row may be zeros.
 *           whitener WHITEN (K,D), UNWHITEN (D,K). FIT: count (1), u64; m2 (2,D,D), sums of squares and products about the mean,
 *           as the sum of two floats each.
 *  Types    x u8 u16 f32 f16 bf16, y f32 f16 bf16 u8 s8; the rest f32.
 *  Units    patch and stride in pixels, 0 where samples are no patches; stride 0: patch.
 *  Buffers  WHITEN, UNWHITEN X MEAN WHITENER -> Y [FAULT]. FIT X COUNT MEAN M2 -> COUNT MEAN M2: a count of 0 begins anew, whatever
 *           mean and m2 hold. y may not be x.
 *  Edges    a NaN or infinity makes its sample NaN, and in FIT the statistics. What a patch at a stride leaves at the right and
 *           at the bottom is not used.
 *  Errors   ESHAPE where D is over CLNORM_WHITEN_DIMS, y is another shape, or UNWHITEN has patches that overlap or leave pixels out;
 *           EARG; EDTYPE.
 *  Source   Kessy, Lewin & Strimmer 2018, arXiv:1512.00809. sklearn.decomposition.PCA(whiten=True). */
typedef struct clnorm_whiten {
    clnorm_op op;
    clnorm_tensor x, y;
    uint32_t task;    /* clnorm_whiten_task */
    uint32_t samples; /* clnorm_samples */
    uint32_t patch, stride;
    uint32_t components, reserved;
} clnorm_whiten;
#define CLNORM_WHITEN_INIT                                                                       \
    {                                                                                            \
        CLNORM_HEAD(clnorm_whiten, WHITEN), CLNORM_NO_TENSOR, CLNORM_NO_TENSOR, 0, 0, 0, 0, 0, 0 \
    }

/** Room for any descriptor, for code that does not know which op it holds. */
typedef union clnorm_any {
    clnorm_op op;
    struct {
        clnorm_op op;
        clnorm_tensor x, y;
    } head;
    struct {
        clnorm_op op;
        clnorm_tensor x, y;
        clnorm_layer layer;
    } layered;
#define CLNORM_KIND_MEMBER(NAME, name, value) clnorm_##name name;
    CLNORM_KIND_MAP(CLNORM_KIND_MEMBER)
#undef CLNORM_KIND_MEMBER
} clnorm_any;

/** Typed plan makers, so that nobody casts: clnorm_layernorm_plan(&plan, ctx, &desc, effort). */
#define CLNORM_PLAN_MAKER(NAME, name, value)                                                     \
    static inline clnorm_status clnorm_##name##_plan(clnorm_plan **out, clnorm_context *ctx,     \
                                                     const clnorm_##name *desc, uint32_t effort) \
    {                                                                                            \
        return clnorm_plan_create(out, ctx, &desc->op, effort);                                  \
    }
CLNORM_KIND_MAP(CLNORM_PLAN_MAKER)
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
    double preset;    /* its default; below low: none, or, of a float, what text says of 0 */
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
    const char *schedules;      /* forward: "rows slab split". All that are listed are tested */
    uint32_t layer;             /* 1: the descriptor has a clnorm_layer behind y, and goes backward too */
    const char *schedules_back; /* the same backward; NULL: it goes forward only */
    const char *matches; /* what else gives the same, as the tests have compared: "torch layer_norm; .." */
    uint32_t matrix;     /* 1: its work is matrix products; schedules says "steps" */
    uint32_t reshapes;   /* 1: y has a shape of its own, which the op's documentation says */
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
/** Writes the meanings and defaults of a profile into a descriptor: call it before setting single fields.
 *  Errors   EARG for an unknown profile. */
CLNORM_API clnorm_status clnorm_op_semantics(clnorm_any *desc, uint32_t semantics);
/** Slots that a checked descriptor reads and writes in its direction and mode, bit (1 << clnorm_slot); some
 *  are in both. required: those that may not be absent. Any may be NULL. */
CLNORM_API void clnorm_op_slots(const clnorm_any *desc, uint32_t *reads, uint32_t *writes,
                                uint32_t *required);
/** Shape of an optional tensor of a checked descriptor (a u64 count has dtype 0, the bits of a mask u8):
 * false when the op has no such slot. */
CLNORM_API int clnorm_op_slot(const clnorm_any *desc, uint32_t slot, clnorm_tensor *out);
/** A value of FAULT as a status: OK, or EDATA and a sentence that says what of the op's data is wrong. */
CLNORM_API clnorm_status clnorm_fault_status(const clnorm_any *desc, float fault);
/** The kernel text of an op as the compiler sees it, includes flattened; free it with clnorm_free.
 *  Errors   EARG for an unknown kind, ENOMEM. */
CLNORM_API clnorm_status clnorm_op_source(char **out, uint32_t kind);
CLNORM_API void clnorm_free(void *text);

#ifdef __cplusplus
}
#endif
#endif

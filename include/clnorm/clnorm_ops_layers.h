/* clnorm_ops_layers.h -- descriptors of the layers, forward and backward.
 *
 * 4-D is (N,C,H,W), 5-D (N,C,D,H,W), 3-D one image (C,H,W), 2-D (N,C), 1-D (C). `axes` has bit k for axis k.
 *
 * Forward   X [GAMMA BETA RESIDUAL] -> Y [MEAN RSTD SUM MASK]
 * Backward  X DY [GAMMA BETA RESIDUAL MEAN RSTD MASK] -> [DX DGAMMA DBETA DRESIDUAL].
 *           Without MEAN and RSTD, which come together, they are computed from X. A
 *           gradient whose buffer is absent is not computed. A saved MEAN is a rounded
 *           float, off by up to 6e-8 |mean|, and so is x - mean: where the mean is more
 *           than about ten deviations from 0, gradients are more accurate without
 *           (docs/bounds.md). So they are from a SUM in f16 or bf16, which is rounded:
 *           what forward saved is of x + residual before that.
 *
 * With an activation the way back computes again what it was given, from X, GAMMA and BETA, and RESIDUAL
 * where that is added after the norm; relu takes MASK instead where it is given, the bits
 * that forward wrote. */
#ifndef CLNORM_OPS_LAYERS_H
#define CLNORM_OPS_LAYERS_H

#include "clnorm_ops_head.h"

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
 *           RESIDUAL, SUM have x's type and strides, or y's where it is added after the norm; beside
 *           a quantized y it has y's strides and x's type.
 *  Units    y u8 or s8 is quantized: sat(rint_even(y / out_scale) + out_zero); out_scale 0 is 1, else 1e-30
 *           to 1e30; out_zero a whole number of y's type. With a float y both are 0.
 *  Buffers  MASK, of a float y whose strides are not negative: bit k % 8 of byte k / 8
 *           belongs to the element that lies k elements behind y's first; backward,
 *           behind DY's, whose strides must then be y's. Bits that belong to no element
 *           are undefined. SUM may be X or RESIDUAL, y may be X or RESIDUAL; backward,
 *           where neither DGAMMA nor DBETA is wanted, DX may be DY: behind an activation,
 *           and of lpnorm with p infinite, only with the statistics in the call, of grn
 *           behind one never. lrn shares none of these places. Backward behind an
 *           activation is faster with MEAN and RSTD: its slope depends on them, so that x
 *           is read once more where they are made first.
 *  Edges    act(-inf) is 0, but of leaky; a NaN stays one. Where an activation's slope is 0 nothing passes
 *           back.
 *  Errors   EARG, EDTYPE; EBUFFER where the way back has neither RESIDUAL nor MASK and needs one. */
typedef struct clnorm_layer {
    uint32_t affine; /* clnorm_affine */
    uint32_t param_dtype;
    uint32_t act; /* clnorm_act */
    float slope;  /* of CLNORM_LEAKY */
    uint32_t residual;
    uint32_t given;      /* 1: MEAN and RSTD are needed: forward the statistics to use, whatever the mode */
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
 *           r = (1-m) r + m batch, or m r + (1-m) batch where old_momentum; args.flags CLNORM_CUMULATIVE: the
 *           average of all batches, m = 1 / (args.count + 1) of the first of the two. RUNNING_VAR receives
 *           M2 / (M - 1), or M2 / M where biased_running.
 *  Buffers  TRAIN X [GAMMA BETA] Y [MEAN RSTD RUNNING_MEAN RUNNING_VAR]; EVAL X RUNNING_MEAN RUNNING_VAR ...
 *           Backward in EVAL: dx = gamma * rstd * dy.
 *  Edges    a constant channel gives beta; NaN or inf make their channel NaN (TRAIN), and so does a
 *           RUNNING_VAR below -eps (EVAL).
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
 *  Shape    x, y (N,C,...) or (C,H,W); mean, rstd (N,C); gamma, beta (C), or (N,C): AdaIN, or
 *           x's axes behind C.
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
 *  Units    p 1 to 64, or INFINITY: larger powers of f32 have no room for a sum, nor beside |x| of 2^127 has p over 48,
 *           where y may be 0; eps in units of x, >= 0;
 *           add_eps: y = x / (|x|_p + eps).
 *  Edges    dx has (x / |x|_p)^(p-1), whose error grows with p: within the bound up to p = 16, at 64 9e-6 of
 *           the largest |dx| of its set.
 *           Backward: p = 1 has gradient 0 at x = 0; p = INFINITY shares equally among ties.
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
 *           zeros; beta >= 0, and k^-beta is an f32; window >= 1, backward at most 1024
 *           channels, where each side counts at most all channels but one.
 *  Buffers  X Y [RESIDUAL SUM MASK]; no statistics, no weights. Backward X DY -> DX [DRESIDUAL]. No output
 *           may be an input: a window reads its neighbours.
 *  Edges    a NaN or inf makes the windows that hold it NaN.
 *  Errors   EARG where window is even and lean is 0; EBUFFER where an output is an input.
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
#endif

/* clnorm_ops_matrix.h -- descriptors of the ops that are made of matrix products.
 *
 * Their work is matrix products, by CLBlast or by kernels of the library's own, whichever
 * is faster on a class of device. The order of a sum is the product's: the same device,
 * with as many compute units, and the same library give the same bits, but the bits are
 * not those of another device, as they are for all other ops. A build without CLBlast has
 * none of these ops: clnorm_op_of gives NULL, a plan EARG. FAULT (f32, one) receives a
 * clnorm_fault; without it nothing is said, and NaN in is NaN out. */
#ifndef CLNORM_OPS_MATRIX_H
#define CLNORM_OPS_MATRIX_H

#include "clnorm_ops_layers.h"

/** Spectral normalization: y = x / sigma, sigma = u^T W v, the largest singular value of
 *  x as a matrix W (rows, columns): the axis `dim` along its rows, all others, in their
 *  order, along its columns.
 *
 *  TRAIN  `iterations` times u = W v / max(|W v|, eps), v = W^T u / max(|W^T u|, eps);
 *         then sigma. U and V are moved.
 *  EVAL   sigma of U and V as they are.
 *
 *  Shape    x, y alike, of two axes or more; u (rows); v (columns); sigma, fault (1). Any
 *           strides; nothing is copied.
 *  Types    x, y f32 f16 bf16; the rest f32.
 *  Units    eps in units of x, 0 to 1; iterations 1 to 1000. Gradients are not accumulated.
 *  Buffers  X U V -> Y [SIGMA FAULT], in TRAIN also U V. Backward X DY U V [SIGMA]
 *           -> DX [FAULT]: u and v are constants, dx = (dy - sum(dy * y) u v^T) / sigma.
 *           y may be x.
 *  Edges    sigma 0 (weights of zeros, u or v of zeros): y is 0, dx is 0, FAULT SINGULAR; PyTorch gives NaN.
 *  Errors   ESHAPE for one axis (l2norm does that) and a dim that x has not; EARG, of a dim over 5, too; EDTYPE.
 *  Source   Miyato et al. 2018, arXiv:1802.05957, algorithm 1.
 *           torch.nn.utils.parametrizations.spectral_norm. */
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

/** Iterative normalization: y = W (x - mean) * gamma + beta, where W comes near the
 *  covariance's power -1/2 by Newton's iteration: the channels of a group are
 *  uncorrelated and of variance 1.
 *
 *  TRAIN  S = (x - mean) (x - mean)^T / M + eps I of each group, M = N H W;
 *         S' = S / trace S; P = I, `iterations` times P = (3 P - P^3 S') / 2;
 *         W = P / sqrt(trace S).
 *  EVAL   RUNNING_MEAN and RUNNING_WHITENER.
 *
 *  Shape    x, y (N,C,...) or (C,H,W); mean, running_mean, gamma, beta (C); whitener,
 *           running_whitener (G, C/G, C/G).
 *  Types    x, y f32 f16 bf16; the rest f32.
 *  Units    groups divides C; eps is added to the variances, > 0; momentum m:
 *           r = (1-m) r + m batch, for both. args.momentum and CLNORM_CUMULATIVE as
 *           clnorm_batchnorm has them. Iterations, 1 to 50: 5 is the paper's, and what to
 *           take. Each further one multiplies what rounding has left, by more the nearer
 *           S is to singular: of y of three channels that are correlated by 0.96, as
 *           RGB's are, 5 leave 1e-5, 7 5e-3 and 8 0.2; by 0.8 5 leave 1e-6, 9 3e-3; of
 *           uncorrelated ones 50 leave 3e-7. No fault says so.
 *  Buffers  TRAIN X [GAMMA BETA] -> Y [MEAN WHITENER RUNNING_MEAN RUNNING_WHITENER FAULT];
 *           EVAL X RUNNING_MEAN RUNNING_WHITENER [GAMMA BETA] -> Y [FAULT].
 *           Backward X DY [GAMMA], in EVAL RUNNING_MEAN RUNNING_WHITENER
 *           -> [DX DGAMMA DBETA FAULT], in TRAIN through the iterations. y may be x.
 *  Edges    M < C/G and constant channels: S is singular but for eps, which decides (with
 *           more than 5 iterations rounding does); a constant channel gives beta. In TRAIN sums of
 *           squares, M times a variance, that are no floats make y NaN, and FAULT says so.
 *  Errors   ESHAPE where groups does not divide C, and where M is 1 in TRAIN; EARG;
 *           EDTYPE; EUNSUPPORTED where C/G is over 4096.
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

/** Whitening by a matrix that was fitted before: y = W (x - mean) for each sample, so
 *  that the outputs are uncorrelated and of variance 1. FIT gathers the statistics that
 *  clnorm_whiten_fit (clnorm_whiten.h) makes W and its inverse of.
 *
 *  Shape    images (N,C,H,W), (C,H,W) or (N,C); a sample's values are in the order of C,
 *           rows, columns, whatever the strides.
 *           y of WHITEN, x of UNWHITEN: (N,K,down,across), a window each, where samples
 *           are images (N,K) or (N,K,1,1); or as the images, where K = D and patches lie
 *           side by side and fill them. K = components; 0: D.
 *           mean (2,D): the mean as the sum of two floats, so that 1e6 +- 1 keeps its
 *           digits; the second row may be zeros.
 *           whitener WHITEN (K,D), UNWHITEN (D,K). FIT: count (1), u64; m2 (2,D,D), sums
 *           of squares and products about the mean, as the sum of two floats each.
 *  Types    x u8 u16 f32 f16 bf16, y f32 f16 bf16 u8 s8; the rest f32.
 *  Units    patch and stride in pixels, up to 4096, 0 where samples are no patches; stride 0: patch.
 *  Buffers  WHITEN, UNWHITEN X MEAN WHITENER -> Y [FAULT]. FIT X COUNT MEAN M2
 *           -> COUNT MEAN M2: a count of 0 begins anew, whatever mean and m2 hold.
 *           y may not be x.
 *  Edges    a NaN or infinity makes its sample NaN, and in FIT the statistics. What a
 *           patch at a stride leaves at the right and at the bottom is not used.
 *  Errors   ESHAPE where D is over CLNORM_WHITEN_DIMS, y is another shape, or UNWHITEN
 *           has patches that overlap or leave pixels out; EARG; EDTYPE.
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
#endif

/* cases.c -- the workloads. */
#include "bench.h"

#include <string.h>

enum { FIRST, LAST, LAST_IN, LAST_OUT, ROWS }; /* channels first, last, last of x, bytes last of y; (N,C) */

typedef struct row {
    const char *label;
    uint32_t kind, x;
    int64_t shape[4];
    int layout;
    int backward;
    uint32_t mode, axes, affine; /* of layers */
} row;

#define F32 CLNORM_F32
#define F16 CLNORM_F16
#define BF16 CLNORM_BF16
#define U8 CLNORM_U8
#define TRAIN CLNORM_TRAIN, 0, 0
#define EVAL CLNORM_EVAL, 0, 0
#define PLAIN 0, 0, 0
#define BN CLNORM_OP_BATCHNORM
#define LN CLNORM_OP_LAYERNORM
#define GRN CLNORM_OP_GRN
#define GN CLNORM_OP_GROUPNORM
#define IN CLNORM_OP_INSTANCENORM
#define RMS CLNORM_OP_RMSNORM
#define ITER CLNORM_OP_ITERNORM
#define SPECTRAL CLNORM_OP_SPECTRALNORM

/* W1: a batch of decoded images into a network, and back. W2: one large image, and a batch. W3: batchnorm of ResNet-50.
 * W4: layernorm of ViT-B, of ViT-Ti, of images, of ConvNeXt. W5: grn of ConvNeXt V2. W6: lrn of AlexNet.
 * W7: the others, of a diffusion U-Net, of style transfer, of rows.
 * W8: iternorm of ResNet's first stage; spectralnorm of a convolution of 512 to 512 channels, 3 x 3. */
static const row suite[] = {
    { "W1", CLNORM_OP_NORMALIZE, U8, { 32, 3, 224, 224 }, LAST_IN, 0, PLAIN },
    { "W1", CLNORM_OP_TOTENSOR, U8, { 32, 3, 224, 224 }, LAST_IN, 0, PLAIN },
    { "W1", CLNORM_OP_SYMMETRIC, U8, { 32, 3, 224, 224 }, LAST_IN, 0, PLAIN },
    { "W1", CLNORM_OP_DENORMALIZE, F32, { 32, 3, 224, 224 }, LAST_OUT, 0, PLAIN },
    { "W2", CLNORM_OP_MINMAX, F32, { 1, 3, 1080, 1920 }, FIRST, 0, PLAIN },
    { "W2", CLNORM_OP_ZSCORE, F32, { 1, 3, 1080, 1920 }, FIRST, 0, PLAIN },
    { "W2", CLNORM_OP_MINMAX, F32, { 32, 3, 224, 224 }, FIRST, 0, PLAIN },
    { "W2", CLNORM_OP_ZSCORE, F32, { 32, 3, 224, 224 }, FIRST, 0, PLAIN },
    { "W2", CLNORM_OP_MOMENTS, F32, { 32, 3, 224, 224 }, FIRST, 0, PLAIN },
    { "W2", CLNORM_OP_DENORMALIZE, F32, { 32, 3, 224, 224 }, FIRST, 0, PLAIN },
    { "W3", BN, F32, { 32, 64, 112, 112 }, FIRST, 0, TRAIN },
    { "W3", BN, F32, { 32, 64, 112, 112 }, FIRST, 0, EVAL },
    { "W3", BN, F32, { 32, 64, 112, 112 }, FIRST, 1, TRAIN },
    { "W3", BN, F32, { 32, 256, 56, 56 }, FIRST, 0, TRAIN },
    { "W3", BN, F32, { 32, 256, 56, 56 }, FIRST, 0, EVAL },
    { "W3", BN, F32, { 32, 256, 56, 56 }, FIRST, 1, TRAIN },
    { "W3", BN, F32, { 32, 2048, 7, 7 }, FIRST, 0, TRAIN },
    { "W3", BN, F32, { 32, 2048, 7, 7 }, FIRST, 0, EVAL },
    { "W3", BN, F32, { 32, 2048, 7, 7 }, FIRST, 1, TRAIN },
    { "W3", BN, F32, { 32, 64, 112, 112 }, LAST, 0, TRAIN },
    { "W3", BN, F32, { 32, 64, 112, 112 }, LAST, 0, EVAL },
    { "W3", BN, F32, { 32, 64, 112, 112 }, LAST, 1, TRAIN },
    { "W3", BN, F32, { 32, 256, 56, 56 }, LAST, 0, TRAIN },
    { "W3", BN, F32, { 32, 256, 56, 56 }, LAST, 0, EVAL },
    { "W3", BN, F32, { 32, 256, 56, 56 }, LAST, 1, TRAIN },
    { "W3", BN, F32, { 32, 1024, 14, 14 }, FIRST, 0, TRAIN },
    { "W3", BN, F32, { 32, 1024, 14, 14 }, FIRST, 1, TRAIN },
    { "W3", BN, F32, { 32, 1024, 14, 14 }, LAST, 0, TRAIN },
    { "W3", BN, F32, { 32, 1024, 14, 14 }, LAST, 1, TRAIN },
    { "W3", BN, F16, { 32, 256, 56, 56 }, FIRST, 0, TRAIN },
    { "W3", BN, F16, { 32, 256, 56, 56 }, FIRST, 1, TRAIN },
    { "W3", BN, BF16, { 32, 256, 56, 56 }, FIRST, 0, TRAIN },
    { "W3", BN, BF16, { 32, 256, 56, 56 }, FIRST, 1, TRAIN },
    { "W4", LN, F32, { 6272, 768 }, ROWS, 0, PLAIN },
    { "W4", LN, F32, { 6272, 768 }, ROWS, 1, PLAIN },
    { "W4", LN, F32, { 50432, 192 }, ROWS, 0, PLAIN },
    { "W4", LN, F32, { 50432, 192 }, ROWS, 1, PLAIN },
    { "W4", LN, F32, { 32, 64, 56, 56 }, FIRST, 0, 0, 0, CLNORM_PER_ELEMENT },
    { "W4", LN, F32, { 32, 64, 56, 56 }, FIRST, 1, 0, 0, CLNORM_PER_ELEMENT },
    { "W4", LN, F32, { 32, 96, 56, 56 }, FIRST, 0, 0, 1u << 1, 0 },
    { "W4", LN, F32, { 32, 96, 56, 56 }, FIRST, 1, 0, 1u << 1, 0 },
    { "W4", LN, F32, { 32, 384, 14, 14 }, FIRST, 0, PLAIN },
    { "W4", LN, F32, { 32, 384, 14, 14 }, FIRST, 1, PLAIN },
    { "W4", LN, F32, { 32, 768, 7, 7 }, FIRST, 0, PLAIN },
    { "W4", LN, F32, { 32, 768, 7, 7 }, FIRST, 1, PLAIN },
    { "W4", LN, F16, { 6272, 768 }, ROWS, 0, PLAIN },
    { "W4", LN, F16, { 6272, 768 }, ROWS, 1, PLAIN },
    { "W4", LN, BF16, { 6272, 768 }, ROWS, 0, PLAIN },
    { "W4", LN, BF16, { 6272, 768 }, ROWS, 1, PLAIN },
    { "W5", GRN, F32, { 32, 384, 14, 14 }, FIRST, 0, PLAIN },
    { "W5", GRN, F32, { 32, 96, 56, 56 }, FIRST, 0, PLAIN },
    { "W5", GRN, F32, { 32, 384, 14, 14 }, LAST, 0, PLAIN },
    { "W5", GRN, F32, { 32, 96, 56, 56 }, LAST, 0, PLAIN },
    { "W6", CLNORM_OP_LRN, F32, { 32, 96, 55, 55 }, FIRST, 0, PLAIN },
    { "W7", GN, F32, { 8, 320, 64, 64 }, FIRST, 0, PLAIN },
    { "W7", GN, F32, { 8, 320, 64, 64 }, FIRST, 1, PLAIN },
    { "W7", GN, F32, { 8, 320, 64, 64 }, LAST, 0, PLAIN },
    { "W7", GN, F32, { 8, 320, 64, 64 }, LAST, 1, PLAIN },
    { "W7", GN, F32, { 32, 1280, 8, 8 }, FIRST, 0, PLAIN },
    { "W7", GN, F32, { 32, 1280, 8, 8 }, FIRST, 1, PLAIN },
    { "W7", GN, F16, { 8, 320, 64, 64 }, FIRST, 0, PLAIN },
    { "W7", GN, BF16, { 8, 320, 64, 64 }, FIRST, 0, PLAIN },
    { "W7", IN, F32, { 8, 64, 128, 128 }, FIRST, 0, PLAIN },
    { "W7", IN, F32, { 8, 64, 128, 128 }, FIRST, 1, PLAIN },
    { "W7", IN, F16, { 8, 64, 128, 128 }, FIRST, 0, PLAIN },
    { "W7", IN, BF16, { 8, 64, 128, 128 }, FIRST, 0, PLAIN },
    { "W7", RMS, F32, { 6272, 768 }, ROWS, 0, PLAIN },
    { "W7", RMS, F32, { 6272, 768 }, ROWS, 1, PLAIN },
    { "W7", RMS, F16, { 6272, 768 }, ROWS, 0, PLAIN },
    { "W7", RMS, BF16, { 6272, 768 }, ROWS, 0, PLAIN },
    { "W8", ITER, F32, { 32, 64, 56, 56 }, FIRST, 0, TRAIN },
    { "W8", ITER, F32, { 32, 64, 56, 56 }, FIRST, 0, EVAL },
    { "W8", ITER, F32, { 32, 64, 56, 56 }, FIRST, 1, TRAIN },
    { "W8", SPECTRAL, F32, { 512, 4608 }, ROWS, 0, TRAIN },
    { "W8", SPECTRAL, F32, { 512, 4608 }, ROWS, 0, EVAL },
    { "W8", SPECTRAL, F32, { 512, 4608 }, ROWS, 1, TRAIN },
};
static const row latency[] = {
    { "tiny", CLNORM_OP_NORMALIZE, U8, { 1, 3, 32, 32 }, LAST_IN, 0, PLAIN },
    { "tiny", CLNORM_OP_MINMAX, F32, { 1, 3, 32, 32 }, FIRST, 0, PLAIN },
    { "tiny", CLNORM_OP_ZSCORE, F32, { 1, 3, 32, 32 }, FIRST, 0, PLAIN },
    { "tiny", CLNORM_OP_MOMENTS, F32, { 1, 3, 32, 32 }, FIRST, 0, PLAIN },
    { "tiny", BN, F32, { 1, 64, 7, 7 }, FIRST, 0, EVAL },
    { "tiny", LN, F32, { 1, 64, 7, 7 }, FIRST, 0, PLAIN },
    { "tiny", GN, F32, { 1, 64, 7, 7 }, FIRST, 0, PLAIN },
};

static void set(clnorm_any *desc, const char *attr, double value) { clnorm_op_set(desc, attr, &value, 1); }

static clnorm_tensor tensor_of(const row *r, uint32_t dtype, int last)
{
    const clnorm_dtype d = (clnorm_dtype)dtype;
    const int64_t *s = r->shape;
    return r->layout == ROWS ? clnorm_rows(d, s[0], s[1])
           : last            ? clnorm_nhwc(d, s[0], s[1], s[2], s[3])
                             : clnorm_nchw(d, s[0], s[1], s[2], s[3]);
}

/* An attribute that the op lacks is refused, which is no matter. */
static bench_case make(const row *r)
{
    bench_case c;
    const clnorm_op_info *op = clnorm_op_of(r->kind);
    const uint32_t y = r->layout == LAST_OUT ? U8 : r->x == U8 ? F32 : r->x;
    c.label = r->label;
    clnorm_op_init(&c.desc, r->kind);
    c.desc.op.direction = r->backward ? CLNORM_BACKWARD : CLNORM_FORWARD;
    c.desc.head.x = tensor_of(r, r->x, r->layout == LAST || r->layout == LAST_IN);
    if (op->y_types != 1u << CLNORM_F32) /* else y is a statistic, shaped by the check */
        c.desc.head.y = tensor_of(r, y, r->layout == LAST || r->layout == LAST_OUT);
    if (r->shape[1] != 3) { /* lists of one value fit any number of channels */
        set(&c.desc, "mean", 0.5);
        set(&c.desc, "std", 0.5);
    }
    if (op->matrix)
        set(&c.desc, "mode", r->mode ? r->mode : CLNORM_TRAIN);
    if (op->layer) {
        set(&c.desc, "groups", r->shape[1] % 32 ? 1 : 32);
        set(&c.desc, "mode", r->mode ? r->mode : CLNORM_TRAIN);
        set(&c.desc, "axes", r->axes);
        set(&c.desc, "affine", r->affine);
        set(&c.desc, "given", r->backward); /* as forward has saved them */
        clnorm_any checked = c.desc;
        if (clnorm_op_check(&checked) != CLNORM_OK) /* which not every op can take */
            set(&c.desc, "given", 0);
    }
    return c;
}

/* A layer forward and backward; what has modes, in both. */
static size_t both_ways(bench_case *out, size_t room, row r)
{
    const clnorm_op_info *op = clnorm_op_of(r.kind);
    const size_t n = r.kind == BN || op->matrix ? 3 : op->layer ? 2 : 1;
    for (size_t k = 0; k < n && k < room; k++) {
        r.backward = n > 1 && k + 1 == n;
        r.mode = n == 3 && k == 1 ? CLNORM_EVAL : CLNORM_TRAIN;
        out[k] = make(&r);
    }
    return n;
}

size_t bench_shaped(bench_case *out, size_t room, uint32_t kind, const int64_t shape[4])
{
    row r = { "", kind, CLNORM_F32, { 0 }, FIRST, 0, PLAIN };
    for (size_t k = 0; k < sizeof suite / sizeof *suite; k++)
        if (suite[k].kind == kind && suite[k].layout == LAST_IN) {
            r.x = suite[k].x;
            r.layout = suite[k].layout;
        }
    memcpy(r.shape, shape, sizeof r.shape);
    return both_ways(out, room, r);
}

size_t bench_cases(bench_case *out, size_t room, uint32_t kind, bench_set set_of_cases)
{
    static const int64_t photos[4] = { 32, 3, 224, 224 }, features[4] = { 32, 64, 56, 56 };
    const row *rows = set_of_cases == BENCH_LATENCY ? latency : suite;
    const size_t n =
        set_of_cases == BENCH_LATENCY ? sizeof latency / sizeof *latency : sizeof suite / sizeof *suite;
    size_t found = 0;
    if (set_of_cases == BENCH_USUAL)
        return bench_shaped(out, room, kind,
                            clnorm_op_of(kind)->layer || clnorm_op_of(kind)->matrix ? features : photos);
    for (size_t k = 0; k < n; k++)
        if (rows[k].kind == kind) {
            if (found < room)
                out[found] = make(&rows[k]);
            found++;
        }
    return found;
}

/* cases.c -- the workloads. */
#include "bench.h"

#include <string.h>

typedef struct row {
    const char *label;
    uint32_t kind, x;
    int64_t shape[4];
    int x_last; /* 1: channels last in, first out */
} row;

/* W1: a batch of decoded images into a network. W2: one large image, and a batch. */
static const row suite[] = {
    { "W1", CLNORM_OP_NORMALIZE, CLNORM_U8, { 32, 3, 224, 224 }, 1 },
    { "W1", CLNORM_OP_TOTENSOR, CLNORM_U8, { 32, 3, 224, 224 }, 1 },
    { "W1", CLNORM_OP_SYMMETRIC, CLNORM_U8, { 32, 3, 224, 224 }, 1 },
    { "W2", CLNORM_OP_MINMAX, CLNORM_F32, { 1, 3, 1080, 1920 }, 0 },
    { "W2", CLNORM_OP_ZSCORE, CLNORM_F32, { 1, 3, 1080, 1920 }, 0 },
    { "W2", CLNORM_OP_MINMAX, CLNORM_F32, { 32, 3, 224, 224 }, 0 },
    { "W2", CLNORM_OP_ZSCORE, CLNORM_F32, { 32, 3, 224, 224 }, 0 },
    { "W2", CLNORM_OP_MOMENTS, CLNORM_F32, { 32, 3, 224, 224 }, 0 },
    { "W2", CLNORM_OP_DENORMALIZE, CLNORM_F32, { 32, 3, 224, 224 }, 0 },
};
static const row latency[] = {
    { "tiny", CLNORM_OP_NORMALIZE, CLNORM_U8, { 1, 3, 32, 32 }, 1 },
    { "tiny", CLNORM_OP_MINMAX, CLNORM_F32, { 1, 3, 32, 32 }, 0 },
    { "tiny", CLNORM_OP_ZSCORE, CLNORM_F32, { 1, 3, 32, 32 }, 0 },
    { "tiny", CLNORM_OP_MOMENTS, CLNORM_F32, { 1, 3, 32, 32 }, 0 },
};

static bench_case make(const row *r)
{
    bench_case c;
    const int64_t *s = r->shape;
    c.label = r->label;
    clnorm_op_init(&c.desc, r->kind);
    c.desc.head.x = r->x_last ? clnorm_nhwc((clnorm_dtype)r->x, s[0], s[1], s[2], s[3])
                              : clnorm_nchw((clnorm_dtype)r->x, s[0], s[1], s[2], s[3]);
    if (clnorm_op_of(r->kind)->y_types != 1u << CLNORM_F32) /* else y is a statistic, shaped by the check */
        c.desc.head.y = clnorm_nchw(CLNORM_F32, s[0], s[1], s[2], s[3]);
    if (s[1] != 3) { /* lists of one value fit any number of channels */
        const double half = 0.5;
        clnorm_op_set(&c.desc, "mean", &half, 1);
        clnorm_op_set(&c.desc, "std", &half, 1);
    }
    return c;
}

bench_case bench_shaped(uint32_t kind, const int64_t shape[4])
{
    row r = { "", kind, CLNORM_F32, { 0 }, 0 };
    for (size_t k = 0; k < sizeof suite / sizeof *suite; k++)
        if (suite[k].kind == kind) {
            r.x = suite[k].x;
            r.x_last = suite[k].x_last;
        }
    memcpy(r.shape, shape, sizeof r.shape);
    return make(&r);
}

size_t bench_cases(bench_case *out, size_t room, uint32_t kind, bench_set set)
{
    static const int64_t photos[4] = { 32, 3, 224, 224 };
    const row *rows = set == BENCH_LATENCY ? latency : suite;
    const size_t n = set == BENCH_LATENCY ? sizeof latency / sizeof *latency : sizeof suite / sizeof *suite;
    size_t found = 0;
    if (set == BENCH_USUAL) {
        if (room)
            out[0] = bench_shaped(kind, photos);
        return 1;
    }
    for (size_t k = 0; k < n; k++)
        if (rows[k].kind == kind) {
            if (found < room)
                out[found] = make(&rows[k]);
            found++;
        }
    return found;
}

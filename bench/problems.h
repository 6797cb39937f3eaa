/* problems.h -- random problems, the same of a seed everywhere. */
#ifndef BENCH_PROBLEMS_H
#define BENCH_PROBLEMS_H

#include "base/compiler.h"
#include "clnorm.h"

#include <math.h>

static uint32_t bench_seed;
static inline uint32_t bench_below(uint32_t n)
{
    bench_seed = bench_seed * 1664525u + 1013904223u;
    return (uint32_t)(((uint64_t)(bench_seed >> 4) * n) >> 28);
}
/* From low to high, each factor of two as likely as the other. */
static inline int64_t bench_length(double low, double high)
{
    return (int64_t)(low * pow(high / low, (double)bench_below(1u << 20) / (1 << 20)) + 0.5);
}

static inline void bench_set(clnorm_any *d, const char *attr, double value)
{
    clnorm_op_set(d, attr, &value, 1);
}

/* 1,024 to 16 million elements of f32 or halves: a batch of planes of a network, or rows of tokens. */
static inline bool bench_draw(clnorm_any *d)
{
    static const uint32_t kinds[] = { CLNORM_OP_MINMAX,    CLNORM_OP_ZSCORE,       CLNORM_OP_BATCHNORM,
                                      CLNORM_OP_LAYERNORM, CLNORM_OP_GROUPNORM,    CLNORM_OP_INSTANCENORM,
                                      CLNORM_OP_RMSNORM,   CLNORM_OP_BATCHNORM,    CLNORM_OP_LAYERNORM,
                                      CLNORM_OP_GRN,       CLNORM_OP_INSTANCENORM, CLNORM_OP_GROUPNORM };
    const clnorm_op_info *op = clnorm_op_of(kinds[bench_below(CLN_COUNT(kinds))]);
    const clnorm_dtype dtype = bench_below(4) ? CLNORM_F32 : CLNORM_F16;
    const bool rows =
        bench_below(4) == 0 && (op->kind == CLNORM_OP_LAYERNORM || op->kind == CLNORM_OP_RMSNORM);
    const int64_t n = bench_length(1, 64), c = op->layer ? bench_length(8, 1024) / 8 * 8 : 3,
                  h = bench_length(4, 256), w = bench_below(3) ? h : bench_length(4, 256);
    if (clnorm_op_init(d, op->kind) != CLNORM_OK)
        return false;
    d->head.x = rows             ? clnorm_rows(dtype, n * h, bench_length(64, 4096))
                : bench_below(2) ? clnorm_nchw(dtype, n, c, h, w)
                                 : clnorm_nhwc(dtype, n, c, h, w);
    d->head.y = d->head.x;
    d->op.direction = op->layer && bench_below(2) ? CLNORM_BACKWARD : CLNORM_FORWARD;
    bench_set(d, "mode", CLNORM_TRAIN);
    bench_set(d, "groups", c % 32 || rows ? 1 : 32);
    bench_set(d, "given", d->op.direction);
    const int64_t elements = clnorm_tensor_count(&d->head.x);
    return elements >= 1 << 10 && elements <= 1 << 24 && clnorm_op_check(d) == CLNORM_OK;
}

#endif

/* ref_expect.h -- descriptors completed by hand, so that the reference is tested without the library. */
#ifndef REF_EXPECT_H
#define REF_EXPECT_H

#include "base/compiler.h"
#include "ref/ref.h"
#include "suite.h"

#include <float.h>
#include <math.h>

typedef struct numbers {
    double v[12];
} numbers;
typedef struct shape {
    int64_t n[5];
} shape;

static inline clnorm_tensor dense(uint32_t dtype, uint32_t ndim, shape s)
{
    clnorm_tensor t = { dtype, ndim, { 0 }, { 0 }, 0 };
    int64_t stride = 1;
    for (uint32_t k = ndim; k-- > 0; stride *= s.n[k]) {
        t.shape[k] = s.n[k];
        t.stride[k] = stride;
    }
    return t;
}
static inline clnorm_tensor row(uint32_t dtype, int64_t w) { return dense(dtype, 1, (shape){ { w } }); }

static inline bool near(double got, double want, double tolerance)
{
    return got == want || (isnan(got) && isnan(want)) ||
           fabs(got - want) <= tolerance * fmax(1.0, fabs(want));
}

static inline void expect_from(const clnorm_any *d, void *x, numbers want, size_t n)
{
    double y[12] = { 0 };
    ref_io io = { .slot = { NULL } };
    io.slot[CLNORM_X] = x;
    io.slot[CLNORM_Y] = y;
    ck_assert(ref_run(d, &io));
    for (size_t i = 0; i < n; i++)
        ck_assert_msg(near(y[i], want.v[i], 1e-14), "op %u, ndim %u: y[%zu] is %.17g, not %.17g", d->op.kind,
                      d->head.x.ndim, i, y[i], want.v[i]);
}

/* The first n elements of y are want, to 1e-14. */
static inline void expect(const clnorm_any *d, numbers x, numbers want, size_t n)
{
    float memory[12];
    for (int64_t i = 0; i < 12; i++)
        ref_set(d->head.x.dtype, memory, i, x.v[i]);
    expect_from(d, memory, want, n);
}

static inline clnorm_any minmax(clnorm_tensor x, float lo, float hi, float eps)
{
    clnorm_any d = { .minmax = CLNORM_MINMAX_INIT };
    d.minmax.x = x;
    d.minmax.lo = lo;
    d.minmax.hi = hi;
    d.minmax.eps = eps;
    return d;
}
static inline clnorm_any zscore(clnorm_tensor x, float eps, uint32_t ddof)
{
    clnorm_any d = { .zscore = CLNORM_ZSCORE_INIT };
    d.zscore.x = x;
    d.zscore.eps = eps;
    d.zscore.ddof = ddof;
    return d;
}
static inline clnorm_any totensor(clnorm_tensor x, float scale)
{
    clnorm_any d = { .totensor = CLNORM_TOTENSOR_INIT };
    d.totensor.x = x;
    d.totensor.scale = scale;
    return d;
}
static inline clnorm_any moments(clnorm_tensor x, uint32_t scope, uint32_t axes)
{
    clnorm_any d = { .moments = CLNORM_MOMENTS_INIT };
    d.moments.x = x;
    d.moments.scope = scope;
    d.moments.axes = axes;
    return d;
}

static inline clnorm_any normalize(clnorm_tensor x, float scale, uint32_t channels)
{
    clnorm_any d = { .normalize = CLNORM_NORMALIZE_INIT };
    d.normalize.x = x;
    d.normalize.scale = scale;
    d.normalize.channels = channels;
    for (int c = 0; c < 3; c++) {
        d.normalize.mean[c] = 1.0f + (float)c; /* 1 2 3 */
        d.normalize.std[c] = ldexpf(0.5f, c);  /* 0.5 1 2 */
    }
    return d;
}

#endif

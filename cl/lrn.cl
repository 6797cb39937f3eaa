/* lrn.cl -- y = x s^(-beta), s = k + A S, S the sum of x^2 over the channels around.
 *
 *   dx_j = dy_j s_j^(-beta) - 2 A beta x_j sum of dy_i x_i s_i^(-beta-1), over the windows i that hold j
 *
 * Where S or s leave the range of f32, x is scaled by a power of two that s^(-beta) takes back. */
#define OP(name) lrn_##name
#define STAT(name) nothing_##name
#define MAPS 1
#include "common/roles.clh"
#include "common/layer.clh"
#include "common/around.clh"
#include "common/power.clh"

INLINE fv OP(add)(fv sum, fv x) { return fma(x, x, sum); }
/* k: k, A, beta, 2 A beta. */
INLINE fv OP(base)(fv sum, float4 k) { return fma(sum, (fv)k.y, (fv)k.x); }
INLINE iv OP(usual)(fv sum, float4 k) { return FIT(OP(base)(sum, k)); }
INLINE around_t OP(fold)(fv sum, float4 k)
{
    const fv s = OP(base)(sum, k), f = power_fit(s, k.z);
    const around_t w = { (fv)1.0f, f, ROLE == DX ? f * power_1(s) : f };
    return w;
}
/* What x is multiplied by for another sum where one is not usual: 1, or a power of two that brings it back. */
INLINE fv OP(scale)(fv sum, float4 k)
{
    const fv s = OP(base)(sum, k), low = select((fv)0x1p50f, (fv)0x1p90f, s < 0x1p-100f),
             high = select((fv)0x1p-90f, (fv)0x1p-50f, s < 0x1p100f);
    return select(select(high, low, s < 1.0f), (fv)1.0f, FIT(s));
}
INLINE around_t OP(fold_scaled)(fv sum, fv p, float4 k)
{
    const fv s = fma(sum, (fv)k.y, k.x * p * p);
    const fv e = VN(convert_float)(254 - 2 * VN(as_int)(VN(as_uint)(p) >> 23)); /* 1 / p^2 is 2^e */
    const around_t w = { p, power(s, e, k.z, ROLE == DX ? (fv)0.0f : 0.5f * e), power(s, e, k.z + 1.0f, e) };
    return w;
}
#if ROLE == DX
INLINE fv OP(term)(el v, around_t w)
{
    mapv m = spread(NO_MAP);
    m.a = w.factor;
    return gradient(v, m) * (v.x * w.scale) * w.slope;
}
/* b: 2 A beta x times the sum of terms. */
INLINE fv OP(map)(el v, mapv m) { return fma(gradient(v, m), m.a, -m.b); }
#else
INLINE fv OP(map)(el v, mapv m) { return finished(v.x * m.p * m.a, v); }
#endif

INLINE map_t OP(run)(map_t m, uint set, uint channel, ARGS) { return m; }
#include "common/pass.clh"
#include "common/window.clh"
#if ACT == 1 && !READS_D
#include "common/mask.clh"
#endif
#include "common/end.clh"

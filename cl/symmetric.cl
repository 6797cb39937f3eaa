/* symmetric.cl -- y = 2 * (x / scale) - 1: [0, scale] to [-1, 1]. */
#define OP(name) symmetric_##name
#define STAT(name) nothing_##name
#define MAPS 1
#define ARGS const float4 k /* scale, 1 / scale */
#define PASS k
#include "common/op.clh"

INLINE map_t OP(fold)(nothing_t s, HERE, ARGS)
{
    const map_t m = { 1.0f, 0.0f, 0.0f, k.y, k.x, 0.0f };
    return m;
}
INLINE map_t OP(run)(map_t m, uint set, uint channel, ARGS) { return m; }
INLINE fv OP(map)(el v, mapv m) { return fma(divided(v.x, m.b, m.a), (fv)2.0f, (fv)-1.0f); }

#include "common/pass.clh"
#include "common/pointwise.clh"
#include "common/end.clh"

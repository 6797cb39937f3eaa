/* symmetric.cl -- y = 2 * (x / scale) - 1: [0, scale] to [-1, 1]. */
#define OP(name) symmetric_##name
#define STAT(name) nothing_##name
#define MAPS 1
#define ARGS const float4 k /* scale, 1 / scale */
#define PASS k
#include "common/op.clh"

#define symmetric_fold(s, ...) ((map_t){ 1.0f, 0.0f, 0.0f, k.y, k.x, 0.0f })
#define symmetric_run(m, ...) (m)
INLINE fv OP(map)(el v, mapv m) { return fma(divided(v.x, m.b, m.a), (fv)2.0f, (fv)-1.0f); }

#include "common/pass.clh"
#include "common/pointwise.clh"
#include "common/end.clh"

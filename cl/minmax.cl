/* minmax.cl -- y = lo + (hi - lo) * (x - min) / (max - min + eps). A constant set gives lo. */
#define OP(name) minmax_##name
#define STAT(name) extent_##name
#define MAPS 1
#define ARGS const float4 k, SLOT(float, min), SLOT(float, max) /* k: lo, hi - lo, eps */
#define PASS k, SLOT_PASS(min), SLOT_PASS(max)
#include "common/op.clh"

INLINE map_t OP(fold)(extent_t s, HERE, ARGS)
{
    const float2 ends = extent_ends(s);
    const float low = ends.x, high = ends.y;
    if (first) {
        SAVE(min, set, low);
        SAVE(max, set, high);
    }
    const float range = high - low; /* may overflow, or be subnormal: p brings it back */
    const float p = range < 0x1p-60f && fabs(low) < 0x1p-20f ? 0x1p60f : range < 0x1p100f ? 1.0f : 0x1p-60f;
    const float d = high * p - low * p, a = d > 0.0f ? quot(k.y, d + k.z * p) : d * 0.0f;
    const map_t m = { p, low * p, 0.0f, a, k.x, 0.0f };
    return m;
}
INLINE map_t OP(run)(map_t m, uint set, uint channel, ARGS) { return m; }
INLINE fv OP(map)(el v, mapv m) { return fma(fma(v.x, m.p, -m.hi), m.a, m.b); }

#include "common/schedules.clh"

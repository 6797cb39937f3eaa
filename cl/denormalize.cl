/* denormalize.cl -- the inverse of an input op: x = y * a + (hi + lo), per channel or per set. */
#define OP(name) denormalize_##name
#define STAT(name) nothing_##name
#define MAPS 1
/* k: lo, hi - lo, eps of minmax; channels, where two trade places that have a set each, else 0.
 * table: per channel hi, lo, a. Of minmax and zscore instead the sets' own. */
#define ARGS                                                                                          \
    const float4 k, global const float4 *table, SLOT(const float, min), SLOT(const float, max),       \
        SLOT(const float, mean), SLOT(const float, rstd)
#define PASS k, table, SLOT_PASS(min), SLOT_PASS(max), SLOT_PASS(mean), SLOT_PASS(rstd)
#include "common/op.clh"

INLINE map_t OP(fold)(nothing_t s, HERE, ARGS) { return NO_MAP; }
/* The set of x that a set of y comes from. */
INLINE uint OP(given)(uint set, uint channels)
{
    return channels ? set - set % channels + TRADED(set % channels, 3u) : set;
}
INLINE map_t OP(run)(map_t m, uint set, uint channel, ARGS)
{
    map_t r = NO_MAP;
    const uint i = OP(given)(set, (uint)k.w);
    if (s_min) { /* min + (x - lo) * (max - min + eps) / (hi - lo) */
        const float low = s_min[at_min + i];
        r.p = k.x;
        r.hi = low;
        r.a = quot((s_max[at_max + i] - low) + k.z, fabs(k.y)) * (k.y < 0.0f ? -1.0f : 1.0f);
    } else if (s_mean) {
        r.p = 0.0f;
        r.hi = s_mean[at_mean + i];
        r.a = recip(s_rstd[at_rstd + i]);
    } else {
        const float4 c = table[channel];
        r.p = 0.0f;
        r.hi = c.x;
        r.lo = c.y;
        r.a = c.z;
    }
    return r;
}
INLINE fv OP(map)(el v, mapv m) { return fma(v.x - m.p, m.a, m.lo) + m.hi; }

#include "common/pass.clh"
#include "common/pointwise.clh"
#include "common/end.clh"

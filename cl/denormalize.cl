/* denormalize.cl -- the inverse of an input op: x = (y * a + (hi + lo)) * b, per channel or per set; b is 1, or the power of two that
 * a and hi are short of where the range of f32 is too small for them. */
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
/* 1 / b of a set whose values are large, or so small that the rest would be subnormal; else 1. */
INLINE float OP(unit)(int large, int small, float hi) { return large ? 0x1p-60f : small && fabs(hi) < 0x1p-20f ? 0x1p60f : 1.0f; }
#define BACK(unit) ((unit) < 1.0f ? 0x1p60f : (unit) > 1.0f ? 0x1p-60f : 1.0f)
INLINE map_t OP(run)(map_t m, uint set, uint channel, ARGS)
{
    map_t r = NO_MAP;
    const uint i = OP(given)(set, (uint)k.w);
    if (s_min) { /* min + (x - lo) * (max - min + eps) / (hi - lo) */
        const float low = s_min[at_min + i], high = s_max[at_max + i], range = high - low;
        const float unit = OP(unit)(!(range < 0x1p100f), range + k.z < 0x1p-100f, low);
        r.p = k.x;
        r.hi = low * unit;
        r.a = quot((high * unit - r.hi) + k.z * unit, fabs(k.y)) * (k.y < 0.0f ? -1.0f : 1.0f);
        r.b = BACK(unit);
    } else if (s_mean) {
        const float mean = s_mean[at_mean + i], rstd = s_rstd[at_rstd + i];
        const float unit = OP(unit)(rstd < 0x1p-100f, rstd > 0x1p100f, mean);
        r.p = 0.0f;
        r.hi = mean * unit;
        r.a = recip(rstd * BACK(unit));
        r.b = BACK(unit);
    } else {
        const float4 c = table[channel];
        r.p = 0.0f;
        r.hi = c.x;
        r.lo = c.y;
        r.a = c.z;
        r.b = 1.0f;
    }
    return r;
}
INLINE fv OP(map)(el v, mapv m) { return (fma(v.x - m.p, m.a, m.lo) + m.hi) * m.b; }

#undef BACK

#include "common/pass.clh"
#include "common/pointwise.clh"
#include "common/end.clh"

/* moments.cl -- count, mean, M2 = sum (x - mean)^2, min and max of every set; y is the mean. */
#define OP(name) moments_##name
#define STAT(name) summary_##name
#define MAPS 0
#define ARGS                                                                                     \
    const float4 k, SLOT(float, mean), SLOT(ulong, count), SLOT(float, m2), SLOT(float, min),    \
        SLOT(float, max)
#define PASS k, SLOT_PASS(mean), SLOT_PASS(count), SLOT_PASS(m2), SLOT_PASS(min), SLOT_PASS(max)
#include "common/op.clh"

INLINE map_t OP(fold)(summary_t s, HERE, ARGS)
{
    if (first) {
        SAVE(mean, set, moments_mean(s.m));
        SAVE(count, set, s.m.n);
        SAVE(m2, set, moments_m2(s.m));
        SAVE(min, set, extent_ends(s.e).x);
        SAVE(max, set, extent_ends(s.e).y);
    }
    return NO_MAP;
}
INLINE map_t OP(run)(map_t m, uint set, uint channel, ARGS) { return m; }
#define moments_map(v, m) ((v).x)

#include "common/schedules.clh"

/* zscore.cl -- y = (x - mean) / (std + eps), one mean and variance per set; rstd is 1 / (std + eps). */
#define OP(name) zscore_##name
#define STAT(name) moments_##name
#define MAPS 1
#define ARGS const float4 k, SLOT(float, mean), SLOT(float, rstd) /* k: eps, ddof */
#define PASS k, SLOT_PASS(mean), SLOT_PASS(rstd)
#include "common/op.clh"

INLINE map_t OP(fold)(moments_t s, HERE, ARGS)
{
    const map_t m = moments_affine(s, 0.0f, k.x, (uint)k.y);
    if (first) {
        SAVE(mean, set, moments_mean(s));
        SAVE(rstd, set, m.a * m.p);
    }
    return m;
}
INLINE map_t OP(run)(map_t m, uint set, uint channel, ARGS) { return m; }
INLINE fv OP(map)(el v, mapv m) { return hat(v.x, m); }

#include "common/schedules.clh"

/* normalize.cl -- y = (x / scale - mean_c) / std_c = ((x - hi) - lo) * a: ToTensor and Normalize in one. */
#define OP(name) normalize_##name
#define STAT(name) nothing_##name
#define MAPS 1
#define ARGS const float4 k, global const float4 *table /* per channel: mean * scale as hi + lo, 1 / (std * scale) */
#define PASS k, table
#include "common/op.clh"

INLINE map_t OP(fold)(nothing_t s, HERE, ARGS) { return NO_MAP; }
INLINE map_t OP(run)(map_t m, uint set, uint channel, ARGS)
{
    const float4 c = table[channel];
    const map_t r = { 1.0f, c.x, c.y, c.z, 0.0f, 0.0f };
    return r;
}
INLINE fv OP(map)(el v, mapv m) { return ((v.x - m.hi) - m.lo) * m.a; }

#include "common/pass.clh"
#include "common/pointwise.clh"
#include "common/end.clh"

/* totensor.cl -- y = x / scale, correctly rounded: the bits of a division. */
#define OP(name) totensor_##name
#define STAT(name) nothing_##name
#define MAPS 1
#define ARGS const float4 k /* scale, 1 / scale */
#define PASS k
#include "common/op.clh"

#define totensor_fold(s, ...) ((map_t){ 1.0f, 0.0f, 0.0f, k.y, k.x, 0.0f })
#define totensor_run(m, ...) (m)
INLINE fv OP(map)(el v, mapv m) { return divided(v.x, m.b, m.a); }

#include "common/pass.clh"
#include "common/pointwise.clh"
#include "common/end.clh"

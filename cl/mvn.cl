/* mvn.cl -- y = (x - mean) / (sqrt(var) + eps), over any axes. */
#define OP(name) mvn_##name
#define FAMILY(name) moments_##name
#include "common/affine.clh"

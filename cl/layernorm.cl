/* layernorm.cl -- y = (x - mean) / sqrt(var + eps) * gamma + beta, over C,H,W of a sample or any axes. */
#define OP(name) layernorm_##name
#define FAMILY(name) moments_##name
#include "common/affine.clh"

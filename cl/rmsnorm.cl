/* rmsnorm.cl -- y = x / sqrt(mean(x^2) + eps) * gamma + beta, or (1 + gamma), over C,H,W or any axes. */
#define OP(name) rmsnorm_##name
#define FAMILY(name) power_##name
#include "common/affine.clh"

/* l2norm.cl -- y = x / max(|x|, eps), or x / (|x| + eps), |x| = sqrt(sum x^2), over C or any axes. */
#define OP(name) l2norm_##name
#define FAMILY(name) power_##name
#include "common/affine.clh"

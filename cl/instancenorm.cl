/* instancenorm.cl -- y = (x - mean) / sqrt(var + eps) * gamma + beta, a set is a channel of a sample. */
#define OP(name) instancenorm_##name
#define FAMILY(name) moments_##name
#include "common/affine.clh"

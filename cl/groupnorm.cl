/* groupnorm.cl -- y = (x - mean) / sqrt(var + eps) * gamma + beta, a set is a group of channels of a sample. */
#define OP(name) groupnorm_##name
#define FAMILY(name) moments_##name
#include "common/affine.clh"

/* lpnorm.cl -- y = x / max(|x|_p, eps), or x / (|x|_p + eps), over C or any axes. Build options LP: p, and LP_INF. */
#define OP(name) lpnorm_##name
#define FAMILY(name) norm_##name
#if LP_INF
#define DX_SUMS(name) ties_##name
#endif
#include "common/roles.clh"
#include "common/op.clh"
#include "common/power.clh"
#include "common/stat_norm.clh"
#include "common/affine.clh"

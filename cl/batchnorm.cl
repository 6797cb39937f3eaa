/* batchnorm.cl -- y = (x - mean) / sqrt(var + eps) * gamma + beta, a set is a channel; training moves the
 * running mean and variance. */
#define OP(name) batchnorm_##name
/* r = call.x * batch + call.y * r; the batch's variance is M2 / (n - call.z), and call.w says whether it moves. */
#define SAVE_RUNNING(s, set)                                                                            \
    if (s_running_mean)                                                                                 \
        MOVE(s_running_mean[at_running_mean + set], moments_mean(s));                                   \
    if (s_running_var && call.w != 0.0f)                                                                \
        MOVE(s_running_var[at_running_var + set], moments_var(s, (uint)call.z));
#define MOVE(r, batch) r = call.y == 0.0f ? call.x * (batch) : fma(call.x, batch, call.y * r)
#define FAMILY(name) moments_##name
#include "common/affine.clh"

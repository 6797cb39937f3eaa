/* act_case.h -- cl/common/act.clh on the host for one value of ACT: act_<ACT> and act_slope_<ACT>, of one
 * float. */
#define ACT_NAME(name, n) ACT_PASTE(name, n)
#define ACT_PASTE(name, n) name##_##n
#define act ACT_NAME(act, ACT)
#define act_slope ACT_NAME(act_slope, ACT)
#define inverse ACT_NAME(inverse, ACT)
#define exp_below ACT_NAME(exp_below, ACT)
#define logistic ACT_NAME(logistic, ACT)
#define gate ACT_NAME(gate, ACT)
#define gate_at ACT_NAME(gate_at, ACT)
#include "common/act.clh"
#undef act
#undef act_slope
#undef inverse
#undef exp_below
#undef logistic
#undef gate
#undef gate_at
#undef LIMIT
#undef ACT_NAME
#undef ACT_PASTE
#undef ACT

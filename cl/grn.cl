/* grn.cl -- y = gamma * (x * N) + beta + x, N = G / (mean_c G + eps), G = sqrt(sum_hw x^2). A set is a channel of
 * a sample, a family the channels of a sample.
 *
 *   dx = dy (1 + gamma N) + x D,  D = (P - sum_c(P G) / (C a)) / (a G), P = sum dy x gamma, a = mean_c G + eps
 * dgamma of a set is N sum dy x, dbeta sum dy. Kept for the family: a is G p, c is P p, hi is sum dy x p, lo sum dy;
 * behind it: a is N, c is D / b with b = p, hi and lo are dgamma and dbeta. */
#define OP(name) grn_##name
#define ADDS_X 1
#include "common/roles.clh"
#if ROLE == DX
#define STAT(name) response_##name
#define POWER_OF(s) (s).x
#else
#define STAT(name) power_##name
#define POWER_OF(s) (s)
#endif
#define MAPS (ROLE != KEEP)
#include "common/layer.clh"
#include "common/stat_response.clh"

INLINE map_t OP(run)(map_t m, uint set, uint channel, ARGS) { return m; }
INLINE map_t OP(fold)(STAT(t) s, HERE, ARGS)
{
    const power_t x = POWER_OF(s);
    map_t m = NO_MAP;
    m.p = CLASS_P(x.class);
    m.a = isinf(x.q) ? x.q * 0.0f : root(x.q);
#if ROLE == DX
    m.hi = s.q;
    m.lo = s.s;
    m.c = s.q * gamma_of(at);
#endif
    keep(at, set, first, work, g, m);
    return m;
}

/* Members meet in the units of the family's p; what is a member's alone stays in its own, where it is not lost beside another
 * that is 1e35 times as large. */
INLINE float OP(unit)(map_t m, float p) { return p * recip(m.p); }
INLINE float2 OP(share)(map_t m, float p)
{
    const float length = m.a * OP(unit)(m, p), product = m.c * OP(unit)(m, p);
    return (float2)(length, product * length);
}
INLINE map_t OP(member)(map_t m, float p, float2 sum, const geo *g, ARGS)
{
    map_t r = NO_MAP;
    const float mean = quot(sum.x, (float)g->family) + k.y * p;
    r.a = quot(m.a, mean) * OP(unit)(m, p);
#if ROLE == DX
    const float product = m.c * OP(unit)(m, p);
    r.c = quot(quot(product - quot(quot(sum.y, (float)g->family), mean), mean), m.a);
    r.b = m.p;
    r.hi = m.hi * r.a * recip(m.p);
    r.lo = m.lo;
#endif
    return r;
}
INLINE void OP(leave)(uint set, map_t m, global void *work, const geo *g, ARGS) { leave(set, m.hi, m.lo, work, g, PASS); }

#if ROLE == DX
INLINE fv OP(map)(el v, mapv m)
{
    const fv dz = gradient(v, m);
    return fma(v.x * m.b, m.c, fma(dz, v.ga * m.a, dz));
}
#else
INLINE fv OP(map)(el v, mapv m) { return finished(fma(v.x, GAIN(v, m), v.be), v); }
#endif
#include "common/schedules.clh"

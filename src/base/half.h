/* half.h -- f16 and bf16 on the host, by bits, round to nearest even. */
#ifndef CLN_HALF_H
#define CLN_HALF_H

#include <stdint.h>
#include <string.h>

static inline uint32_t cln_bits(float f)
{
    uint32_t u;
    memcpy(&u, &f, sizeof u);
    return u;
}
static inline float cln_float(uint32_t u)
{
    float f;
    memcpy(&f, &u, sizeof f);
    return f;
}

static inline float cln_bf16_to_f32(uint16_t h) { return cln_float((uint32_t)h << 16); }
static inline uint16_t cln_f32_to_bf16(float f)
{
    const uint32_t u = cln_bits(f);
    if (f != f)
        return 0x7fc0;
    return (uint16_t)((u + 0x7fffu + (u >> 16 & 1u)) >> 16);
}

static inline float cln_f16_to_f32(uint16_t h)
{
    const uint32_t sign = (uint32_t)(h & 0x8000u) << 16, rest = h & 0x7fffu;
    if (rest >= 0x7c00u) /* inf, NaN */
        return cln_float(sign | 0x7f800000u | (rest & 0x3ffu) << 13);
    const float f = cln_float(rest << 13) * 5.192296858534828e33f; /* 2^112 moves the exponent; exact */
    return cln_float(cln_bits(f) | sign);
}
static inline uint16_t cln_f32_to_f16(float f)
{
    const uint32_t u = cln_bits(f), sign = u >> 16 & 0x8000u, rest = u & 0x7fffffffu;
    if (rest > 0x7f800000u)
        return (uint16_t)(sign | 0x7e00u);
    if (rest >= 0x477ff000u) /* rounds to 65536 or more */
        return (uint16_t)(sign | 0x7c00u);
    if (rest < 0x38800000u) { /* subnormal: let the addition round at 2^-24 */
        const float t = cln_float(rest) + 0.5f;
        return (uint16_t)(sign | (cln_bits(t) - 0x3f000000u));
    }
    return (uint16_t)(sign | (rest - 0x38000000u + 0xfffu + (rest >> 13 & 1u)) >> 13);
}

#endif

/* random.h -- the lab's own random numbers, the same on every machine. */
#ifndef LAB_RANDOM_H
#define LAB_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* A counter, hashed; start it with any seed. */
typedef struct lab_random {
    uint64_t state;
} lab_random;

/* SplitMix64 (Steele, Lea & Flood 2014). */
static inline uint64_t random_bits(lab_random *r)
{
    uint64_t z = r->state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* Uniform in [-bound, bound). */
static inline float random_float(lab_random *r, float bound)
{
    return bound * ((float)(random_bits(r) >> 40) / 8388608.0f - 1.0f);
}

/* Fisher and Yates. The bias of the remainder is below 2^-50. */
static inline void random_shuffle(lab_random *r, uint32_t *list, size_t n)
{
    for (size_t i = n; i > 1; i--) {
        const size_t k = (size_t)(random_bits(r) % i);
        const uint32_t swapped = list[k];
        list[k] = list[i - 1];
        list[i - 1] = swapped;
    }
}

#endif

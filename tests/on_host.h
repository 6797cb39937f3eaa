/* on_host.h -- for tests that run kernel text on the host: the bits of a float and back. */
#ifndef ON_HOST_H
#define ON_HOST_H

#include <stdint.h>
#include <string.h>

static uint32_t bits_of(float f)
{
    uint32_t u;
    memcpy(&u, &f, sizeof u);
    return u;
}
static float float_of(uint32_t u)
{
    float f;
    memcpy(&f, &u, sizeof f);
    return f;
}

#endif

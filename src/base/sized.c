/* sized.c -- see sized.h. */
#include "base/sized.h"
#include "base/status.h"

#include <string.h>

#define MOST 65536u /* no struct of any version: a size that was never set */

clnorm_status cln_sized_read(void *out, const void *in, size_t least, size_t bytes, const char *name,
                             const char *type)
{
    uint32_t size;
    memcpy(&size, in, sizeof size);
    if (size < least || size > MOST)
        return cln_fail(CLNORM_EARG, "%s is %u; sizeof(%s), %zu, is expected", name, size, type, bytes);
    for (size_t k = bytes; k < size; k++)
        if (((const unsigned char *)in)[k])
            return cln_fail(
                CLNORM_EARG,
                "%s is %u and byte %zu is not 0: %s has %zu bytes here, the rest is of a newer version", name,
                size, k, type, bytes);
    if (out) {
        memset(out, 0, bytes);
        memcpy(out, in, size < bytes ? size : bytes);
    }
    return CLNORM_OK;
}

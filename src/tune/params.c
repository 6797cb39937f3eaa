/* params.c -- the table of device classes. */
#include "tune/params.h"
#include "base/compiler.h"

#include <string.h>

/* The first row whose type matches. slab and wide are shares of the device's cache: a CPU runtime reports the
 * last level, which its units share. A set that is walked again from a neighbour's cache still beats memory.
 * Streaming pays where the output would push the input out, from a third of the cache; wide loads on a GPU
 * pay always. */
static const struct {
    cl_device_type type;
    cln_params params;
    double slab_share, wide_share;
} rows[] = {
    { CL_DEVICE_TYPE_CPU, { 1, 16, 8, 1, 0, 0, true, 20.0, 12000.0 }, 1.0 / 8, 1.0 / 3 },
    { CL_DEVICE_TYPE_GPU, { 128, 4, 16, 512, 0, 0, false, 2000.0, 2500.0 }, 0, 0 },
    { CL_DEVICE_TYPE_ALL, { 64, 1, 16, 64, 0, 0, false, 50.0, 10000.0 }, 0, 0 },
};

void cln_params_for(cln_params *out, const cln_device *device)
{
    size_t k = 0;
    while (!(rows[k].type & device->type) && k + 1 < CLN_COUNT(rows))
        k++;
    *out = rows[k].params;
    out->slab_bytes = (uint64_t)((double)device->cache_bytes * rows[k].slab_share);
    out->wide_bytes = (uint64_t)((double)device->cache_bytes * rows[k].wide_share);
    if (out->slab_bytes < 64 * 1024)
        out->slab_bytes = 64 * 1024;
    while (out->wg > 1 && out->wg > device->max_wg)
        out->wg /= 2;
}

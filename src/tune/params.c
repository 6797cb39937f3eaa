/* params.c -- the table of device classes. */
#include "tune/params.h"
#include "base/compiler.h"

#include <string.h>

#define SUBGROUP 16           /* a team of the GPUs' row */
#define MOST_CACHE (12 << 20) /* bytes of the last level that are a unit's own, at most */
#define LEAST_SLAB (64 << 10)
#define NEAR_CACHE (2 << 20) /* and of the one that it has alone, where nobody says */

/* The first row whose type matches. slab and wide are shares of the device's cache: a CPU runtime reports the
 * last level, which its units share, and in a virtual machine is the host's, of which others have theirs: no unit is
 * taken to have more than MOST_CACHE. A set that is walked again from a neighbour's cache still beats memory.
 * Streaming pays where a third of the cache is moved: then the output's own lines are not there, nor will they be for the next op
 * (docs/planner.md); wide loads on a
 * GPU pay always. */
static const struct {
    cl_device_type type;
    cln_params params;
    double slab_share, wide_share;
} rows[] = {
    { CL_DEVICE_TYPE_CPU,
      { 1, 16, 8, 65536, 128, 512, 32768, 1, 0, 0, NEAR_CACHE, 0, true, 20, 20e3, NULL, true },
      1.0 / 8,
      1.0 / 3 },
    { CL_DEVICE_TYPE_GPU, { 128, 4, 16, 0, 0, 0, 0, 512, 0, 0, 0, 0, false, 2000, 2500, NULL, false }, 0, 0 },
    { CL_DEVICE_TYPE_ALL, { 64, 1, 16, 0, 0, 0, 0, 64, 0, 0, 0, 0, false, 50, 10e3, NULL, false }, 0, 0 },
};

static size_t row_of(const cln_device *device)
{
    size_t k = 0;
    while (!(rows[k].type & device->type) && k + 1 < CLN_COUNT(rows))
        k++;
    return k;
}

void cln_params_of_units(cln_params *p, const cln_device *device)
{
    const size_t k = row_of(device);
    const double most = (double)device->units * MOST_CACHE, cache = (double)device->cache_bytes;
    p->slab_bytes = (uint64_t)((cache < most ? cache : most) * rows[k].slab_share);
    p->wide_bytes = (uint64_t)((cache < most ? cache : most) * rows[k].wide_share);
    if (p->slab_bytes < LEAST_SLAB)
        p->slab_bytes = LEAST_SLAB;
}

void cln_params_for(cln_params *out, const cln_device *device)
{
    *out = rows[row_of(device)].params;
    cln_params_of_units(out, device);
    if (out->near_bytes && device->near_bytes)
        out->near_bytes = device->near_bytes;
    out->subgroup = device->subgroups & SUBGROUP;
    while (out->wg > 1 && out->wg > device->max_wg)
        out->wg /= 2;
}

cln_params cln_params_tuned(const cln_params *params, const cln_tuned *tuned)
{
    cln_params p = *params;
    p.wg = tuned->wg;
    p.vec = tuned->vec;
    p.busy = tuned->busy;
    p.wide_bytes = tuned->wide ? 0 : UINT64_MAX;
    return p;
}

bool cln_params_pair(uint32_t *wg, uint32_t *vec, size_t k, const cln_device *device)
{
    static const uint32_t of_cpu[][2] = { { 1, 16 } };
    static const uint32_t of_others[][2] = { { 64, 4 }, { 128, 4 }, { 256, 4 }, { 128, 2 },
                                             { 64, 1 }, { 128, 1 }, { 256, 1 } };
    const bool cpu = device->type & CL_DEVICE_TYPE_CPU;
    if (k >= (cpu ? CLN_COUNT(of_cpu) : CLN_COUNT(of_others)))
        return false;
    *wg = cpu ? of_cpu[k][0] : of_others[k][0];
    *vec = cpu ? of_cpu[k][1] : of_others[k][1];
    return true;
}

/* params.c -- the table of device classes. */
#include "tune/params.h"
#include "base/compiler.h"

#include <assert.h>
#include <string.h>

#define SUBGROUP 16           /* a team of the GPUs' row */
#define MOST_CACHE (12 << 20) /* bytes of the last level that are a unit's own, at most */
#define SPARE 2   /* times that of all units: outputs of a last level that is theirs have no more of it */
#define HOSTS 4   /* times that: it is a host's, and others write to it meanwhile */
#define EARLIER 8 /* times as soon some outputs stream there */
#define LEAST_KEPT (512 << 10)
#define PARTS 8 /* of what is kept: a set of which less than one is walked twice is there the second time */
#define NEAR_CACHE (2 << 20) /* of the level that a unit has alone, where nobody says */

/* The first row whose type matches; keeps: what is walked again may come from the device's cache. A CPU runtime reports the last
 * level, which its units share, and in a virtual machine is the host's, of which others have theirs: no unit is taken to keep more
 * than MOST_CACHE. A set that is walked again from a neighbour's cache still beats memory. Streaming pays where half of the cache is
 * moved, of a host's a third of what units have at most: then the output's own lines are not there, nor will they be for the next op
 * (docs/planner.md); wide loads on a GPU pay always. */
static const struct {
    cl_device_type type;
    cln_params params;
    bool keeps;
    double wide_share, hosts_share;
} rows[] = {
    { .type = CL_DEVICE_TYPE_CPU,
      .params = { .wg = 1,
                  .vec = 16,
                  .busy = 8,
                  .full = 65536,
                  .set_start = 128,
                  .group_start = 512,
                  .part = 32768,
                  .items = 1,
                  .near_bytes = NEAR_CACHE,
                  .stream = true,
                  .bytes_per_ns = 20,
                  .launch_ns = 20e3,
                  .own_products = true },
      .keeps = true,
      .wide_share = 1.0 / 2,
      .hosts_share = 1.0 / 3 },
    { .type = CL_DEVICE_TYPE_GPU,
      .params = { .wg = 128, .vec = 4, .busy = 16, .items = 512, .bytes_per_ns = 2000, .launch_ns = 2500 } },
    { .type = CL_DEVICE_TYPE_ALL,
      .params = { .wg = 64, .vec = 1, .busy = 16, .items = 64, .bytes_per_ns = 50, .launch_ns = 10e3 } },
};

static size_t row_of(const cln_device *device)
{
    size_t k = 0;
    while (!(rows[k].type & device->type) && k + 1 < CLN_COUNT(rows))
        k++;
    return k;
}

static double smaller(double a, double b) { return a < b ? a : b; }

void cln_params_of_units(cln_params *p, const cln_device *device)
{
    const size_t k = row_of(device);
    const double most = (double)device->units * MOST_CACHE, cache = (double)device->cache_bytes,
                 kept = rows[k].keeps ? smaller(cache, most) : 0;
    const bool hosts = cache > HOSTS * most;
    assert(device->units);
    p->kept_bytes = kept > LEAST_KEPT ? (uint64_t)kept : LEAST_KEPT;
    p->share_bytes = p->kept_bytes / device->units;
    p->slab_bytes = p->kept_bytes / (rows[k].keeps && device->units > PARTS ? device->units : PARTS);
    p->wide_bytes =
        (uint64_t)(hosts ? most * rows[k].hosts_share : smaller(cache, SPARE * most) * rows[k].wide_share);
    p->earlier = hosts ? EARLIER : 1;
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
    if (out->wg == 1)
        out->vec = rows[0].params.vec; /* what walks alone does so as a CPU's */
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

/* choose_case.h -- devices and problems for the tests of the planner, which run nothing. */
#ifndef CHOOSE_CASE_H
#define CHOOSE_CASE_H

#include "api_case.h"

#define CPU CL_DEVICE_TYPE_CPU
#define GPU CL_DEVICE_TYPE_GPU

/* A device of that type, with a cache so small that everything is worth streaming. */
static inline cln_device device_of(cl_device_type type)
{
    cln_device d = harness_get()->ctx->device;
    d.type = type;
    d.units = 2;
    d.max_wg = 1024;
    d.cache_bytes = 0;
    return d;
}

static inline cln_problems posed(const clnorm_any *d)
{
    cln_problems p;
    OK(cln_op_pose(&p, &d->op));
    return p;
}

static inline clnorm_any of_rows(uint32_t kind, int64_t n, int64_t c, uint32_t direction)
{
    const clnorm_tensor x = clnorm_rows(CLNORM_F32, n, c);
    clnorm_any d = desc_of(kind, &x);
    d.op.direction = direction;
    return d;
}

#endif

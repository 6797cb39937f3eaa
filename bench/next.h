/* next.h -- the next op, which reads what one has written: each 64 bytes of y, and writes as many to the cache. */
#ifndef BENCH_NEXT_H
#define BENCH_NEXT_H

#include "api/api.h"
#include "base/status.h"

#include <stdio.h>

typedef struct bench_next {
    cl_program program;
    cl_kernel kernel;
    cl_mem z;
    size_t groups, local;
    int small; /* y is in the cache however it was written, and the next launch would be most of the time */
} bench_next;

#define BENCH_NEXT_BYTES ((size_t)32 << 10) /* of a group */

static inline clnorm_status bench_next_make(bench_next *out, const clnorm_context *ctx)
{
    static const char *const text =
        "kernel __attribute__((reqd_work_group_size(WG, 1, 1))) void next(global const uint16 *y, global "
        "uint16 *z,\n"
        "                                                                 const uint n, const uint per)\n"
        "{\n"
        "    const uint first = get_group_id(0) * per, end = min(n, first + per);\n"
        "    for (uint i = first + get_local_id(0); i < end; i += WG)\n"
        "        z[i] = y[i] + 1u;\n"
        "}\n";
    char options[32];
    cl_int code;
    *out = (bench_next){ .local = ctx->device.cpu ? 1 : 64 };
    snprintf(options, sizeof options, "-DWG=%zu", out->local);
    out->program = clCreateProgramWithSource(ctx->cl, 1, (const char **)&text, NULL, &code);
    CLN_CL(code);
    CLN_CL(clBuildProgram(out->program, 1, &ctx->device.id, options, NULL, NULL));
    out->kernel = clCreateKernel(out->program, "next", &code);
    return CLN_CL_STATUS(code, "clCreateKernel");
}

#define BENCH_NEXT_LEAST ((size_t)256 << 10)

static inline clnorm_status bench_next_reads(const bench_next *next, cl_mem y)
{
    return CLN_CL_STATUS(clSetKernelArg(next->kernel, 0, sizeof y, &y), "clSetKernelArg");
}

/* Binds it, once, to y of so many bytes. */
static inline clnorm_status bench_next_bind(bench_next *next, const clnorm_context *ctx, cl_mem y,
                                            size_t bytes)
{
    const cl_uint n = (cl_uint)(bytes / 64), per = (cl_uint)(BENCH_NEXT_BYTES / 64);
    cl_int code;
    next->small = bytes < BENCH_NEXT_LEAST;
    next->groups = n ? (n + per - 1) / per : 1;
    next->z = clCreateBuffer(ctx->cl, CL_MEM_READ_WRITE, bytes + 64, NULL, &code);
    CLN_CL(code);
    CLN_TRY(bench_next_reads(next, y));
    CLN_CL(clSetKernelArg(next->kernel, 1, sizeof next->z, &next->z));
    CLN_CL(clSetKernelArg(next->kernel, 2, sizeof n, &n));
    return CLN_CL_STATUS(clSetKernelArg(next->kernel, 3, sizeof per, &per), "clSetKernelArg");
}

static inline clnorm_status bench_next_run(const bench_next *next, cl_command_queue queue)
{
    const size_t global = next->groups * next->local;
    return CLN_CL_STATUS(
        clEnqueueNDRangeKernel(queue, next->kernel, 1, NULL, &global, &next->local, 0, NULL, NULL),
        "clEnqueueNDRangeKernel");
}

static inline void bench_next_free(bench_next *next)
{
    if (next->z)
        clReleaseMemObject(next->z);
    if (next->kernel)
        clReleaseKernel(next->kernel);
    if (next->program)
        clReleaseProgram(next->program);
    *next = (bench_next){ 0 };
}

#endif

/* floors_walk.c -- the bare walks: built, run, checked. */
#include "floors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[][2] = {
    [FLOOR_BOTH] = { "both" },
    [FLOOR_TURNS] = { "turns" },
    [FLOOR_APART] = { "reads", "maps" },
    [FLOOR_PIXELS] = { "pixels" },
};

void floor_check(int failed, const char *what)
{
    if (!failed)
        return;
    fprintf(stderr, "floors: %s: %d %s\n", what, failed, clnorm_last_error(NULL));
    exit(1);
}

static cl_kernel make(const floor_kernels *w, const char *name, const floor_order *o, const cl_mem mem[4])
{
    const cl_ulong sets = o->at.sets, per = o->per;
    cl_int code, failed = 0;
    const cl_kernel kernel = clCreateKernel(w->program, name, &code);
    floor_check(code, name);
    for (cl_uint k = 0; k < 4; k++)
        failed |= clSetKernelArg(kernel, k, sizeof *mem, &mem[k]);
    failed |= clSetKernelArg(kernel, 4, sizeof sets, &sets);
    floor_check(failed | clSetKernelArg(kernel, 5, sizeof per, &per), name);
    return kernel;
}

floor_kernels floor_make(const bench_device *device, const floor_order *o, const cl_mem mem[4], int two)
{
    floor_kernels w;
    char options[320];
    memset(&w, 0, sizeof w);
    snprintf(options, sizeof options,
             "-DLEN=%zuul -DRUNS=%zuul -DSTEP=%zuul -DINNER=%zuul -DOUTER=%zuul -DTWO=%d -DROWS=%zuul "
             "-DREAD_AHEAD=%zu -DMAP_AHEAD=%zu -DHINT=%zu -DREAD_SUMS=%zuul -DMAP_SUMS=%zuul",
             o->at.len, o->at.runs, o->at.step, o->at.inner, o->at.outer, two, o->rows, o->read_ahead,
             o->map_ahead, o->hint, o->read_sums, o->map_sums);
    floor_check(bench_program(&w.program, device, "floors.cl", options), options);
    w.groups = (o->at.sets + o->per - 1) / o->per;
    w.reads = make(&w, "reads", o, mem);
    for (int k = 0; k < 2 && names[o->walk][k]; k++)
        w.walks[k] = make(&w, names[o->walk][k], o, mem);
    return w;
}

void floor_launch(const bench_device *device, const floor_kernels *w, cl_kernel kernel)
{
    static const size_t one = 1;
    floor_check(clEnqueueNDRangeKernel(device->queue, kernel, 1, NULL, &w->groups, &one, 0, NULL, NULL),
                "a launch");
}

void floor_run(const bench_device *device, const floor_kernels *w)
{
    for (int k = 0; k < 2 && w->walks[k]; k++)
        floor_launch(device, w, w->walks[k]);
}

void floor_verify(const bench_device *device, const floor_kernels *w, const char *order, cl_mem y, size_t n)
{
    const cl_uint unwritten = 0xffffffffu; /* a NaN that no sum is */
    const size_t bytes = n * sizeof unwritten;
    cl_int code;
    size_t written = 0;
    floor_check(clEnqueueFillBuffer(device->queue, y, &unwritten, sizeof unwritten, 0, bytes, 0, NULL, NULL),
                "y");
    floor_run(device, w);
    cl_uint *const v =
        (cl_uint *)clEnqueueMapBuffer(device->queue, y, CL_TRUE, CL_MAP_READ, 0, bytes, 0, NULL, NULL, &code);
    floor_check(code, "y");
    while (written < n && v[written] != unwritten)
        written++;
    floor_check(clEnqueueUnmapMemObject(device->queue, y, v, 0, NULL, NULL), "y");
    floor_check(clFinish(device->queue), "clFinish");
    if (written == n)
        return;
    fprintf(stderr, "floors: \"%s\" leaves element %zu of y unwritten\n", order, written);
    exit(1);
}

void floor_free(floor_kernels *w)
{
    clReleaseKernel(w->reads);
    for (int k = 0; k < 2; k++)
        if (w->walks[k])
            clReleaseKernel(w->walks[k]);
    clReleaseProgram(w->program);
}

/* stages.c -- an OpenCL layer that times every kernel by the device's own clock: where the time of a plan goes.
 *
 *   OPENCL_LAYERS=$BUILD/bench/libclnorm_stages.so clnorm bench layernorm --shape 32x64x56x56
 *
 * At the end of the process a line per kernel and number of groups: launches, the fastest, the median, in us. Queues
 * get profiling, launches an event each, collected at clFinish. One thread. */
#define _POSIX_C_SOURCE 200809L
#undef CL_TARGET_OPENCL_VERSION
#define CL_TARGET_OPENCL_VERSION 300
#include "layer_self.h"

#include "timing.h"

#include <stdio.h>
#include <stdlib.h>

#define MOST_LINES 512
#define MOST_TIMES 4096   /* of a line; later launches are counted only */
#define MOST_PENDING 8192 /* between two waits; later launches are left out */

typedef struct line {
    char kernel[96];
    size_t groups, launches, kept;
    double us[MOST_TIMES];
} line;
static line *lines;
static size_t nlines, npending;
static struct {
    cl_event event;
    size_t line;
} pending[MOST_PENDING];

static size_t line_of(cl_kernel kernel, size_t groups)
{
    char name[96] = "?";
    next->clGetKernelInfo(kernel, CL_KERNEL_FUNCTION_NAME, sizeof name, name, NULL);
    for (size_t k = 0; k < nlines; k++)
        if (lines[k].groups == groups && strcmp(lines[k].kernel, name) == 0)
            return k;
    if (!lines)
        lines = (line *)calloc(MOST_LINES, sizeof *lines);
    if (!lines || nlines == MOST_LINES)
        return MOST_LINES;
    memcpy(lines[nlines].kernel, name, sizeof name);
    lines[nlines].groups = groups;
    return nlines++;
}

static void collect(void)
{
    for (size_t k = 0; k < npending; k++) {
        cl_ulong start = 0, end = 0;
        line *const l = &lines[pending[k].line];
        next->clGetEventProfilingInfo(pending[k].event, CL_PROFILING_COMMAND_START, sizeof start, &start,
                                      NULL);
        next->clGetEventProfilingInfo(pending[k].event, CL_PROFILING_COMMAND_END, sizeof end, &end, NULL);
        l->launches++;
        if (l->kept < MOST_TIMES && end > start)
            l->us[l->kept++] = (double)(end - start) / 1e3;
        next->clReleaseEvent(pending[k].event);
    }
    npending = 0;
}

static cl_command_queue CL_API_CALL create_queue(cl_context context, cl_device_id device,
                                                 cl_command_queue_properties properties, cl_int *code)
{
    return next->clCreateCommandQueue(context, device, properties | CL_QUEUE_PROFILING_ENABLE, code);
}

static cl_int CL_API_CALL enqueue_kernel(cl_command_queue queue, cl_kernel kernel, cl_uint dims,
                                         const size_t *offset, const size_t *global, const size_t *local,
                                         cl_uint nwait, const cl_event *wait, cl_event *event)
{
    cl_event own;
    const cl_int code =
        next->clEnqueueNDRangeKernel(queue, kernel, dims, offset, global, local, nwait, wait, &own);
    if (code != CL_SUCCESS)
        return code;
    const size_t at = line_of(kernel, global[0] / (local ? local[0] : 1));
    if (event) {
        *event = own;
        next->clRetainEvent(own);
    }
    if (at < MOST_LINES && npending < MOST_PENDING) {
        pending[npending].event = own;
        pending[npending++].line = at;
    } else
        next->clReleaseEvent(own);
    return code;
}

static cl_int CL_API_CALL finish(cl_command_queue queue)
{
    const cl_int code = next->clFinish(queue);
    collect();
    return code;
}

static void print(void)
{
    if (nlines)
        fprintf(stderr, "%-32s %8s %9s %10s %10s\n", "kernel", "groups", "launches", "fastest us",
                "median us");
    for (size_t k = 0; k < nlines; k++) {
        line *const l = &lines[k];
        const double median = l->kept ? bench_quantile(l->us, (int)l->kept, 0.5) : 0.0; /* sorts */
        fprintf(stderr, "%-32s %8zu %9zu %10.2f %10.2f\n", l->kernel, l->groups, l->launches,
                l->kept ? l->us[0] : 0.0, median);
    }
    free(lines);
    lines = NULL;
    nlines = 0;
}

static void take_over(void)
{
    mine.clCreateCommandQueue = create_queue;
    mine.clEnqueueNDRangeKernel = enqueue_kernel;
    mine.clFinish = finish;
    atexit(print);
}
LAYER("clnorm stages", take_over)

/* rig.c -- the lab's own OpenCL: a context, an in-order queue, the kernels of lab.cl, and clnorm on all of
 * it. */
#include "rig.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    size_t local;
} kernels[RIG_KERNELS] = {
#define RIG_KERNEL_ROW(NAME, name, local) { #name, local },
    RIG_KERNEL_MAP(RIG_KERNEL_ROW)
#undef RIG_KERNEL_ROW
};

void rig_fail(rig *r, clnorm_status status, const char *why)
{
    if (r->status)
        return;
    r->status = status;
    snprintf(r->why, sizeof r->why, "%s", why);
}

static void check_norm(rig *r, clnorm_status status)
{
    if (status)
        rig_fail(r, status, clnorm_last_error(NULL));
}

static void check_cl(rig *r, cl_int code, const char *what)
{
    char why[100];
    snprintf(why, sizeof why, "%s: OpenCL error %d", what, (int)code);
    if (code != CL_SUCCESS)
        rig_fail(r, CLNORM_ECL, why);
}

static void build(rig *r, const char *options)
{
    const char *text = rig_kernels[0].text; /* lab.cl is the only one */
    cl_int code;
    r->program = clCreateProgramWithSource(r->context, 1, &text, NULL, &code);
    check_cl(r, code, "lab.cl");
    if (r->status)
        return;
    check_cl(r, clBuildProgram(r->program, 1, &r->info.device, options, NULL, NULL), "build of lab.cl");
    for (int k = 0; k < RIG_KERNELS && !r->status; k++) {
        r->kernel[k] = clCreateKernel(r->program, kernels[k].name, &code);
        check_cl(r, code, kernels[k].name);
    }
}

void rig_open(rig *r, const char *device, const char *options)
{
    cl_int code = CL_SUCCESS;
    clnorm_options lazy;
    memset(&lazy, 0, sizeof lazy);
    lazy.size = (uint32_t)sizeof lazy;
    lazy.flags = CLNORM_LAZY;
    memset(r, 0, sizeof *r);
    check_norm(r, clnorm_device_find(&r->info, device));
    if (r->status)
        return;
    r->context = clCreateContext(NULL, 1, &r->info.device, NULL, NULL, &code);
    check_cl(r, code, "context");
    if (!r->status)
        r->queue = clCreateCommandQueue(r->context, r->info.device, 0, &code);
    check_cl(r, code, "queue");
    if (!r->status)
        build(r, options);
    if (!r->status)
        check_norm(r, clnorm_context_create(&r->norms, r->context, r->info.device, &lazy));
}

void rig_close(rig *r)
{
    clnorm_context_release(r->norms);
    for (int k = 0; k < RIG_KERNELS; k++)
        if (r->kernel[k])
            clReleaseKernel(r->kernel[k]);
    if (r->program)
        clReleaseProgram(r->program);
    if (r->queue)
        clReleaseCommandQueue(r->queue);
    if (r->context)
        clReleaseContext(r->context);
}

cl_mem rig_memory(rig *r, size_t bytes)
{
    cl_int code;
    if (r->status)
        return NULL;
    const cl_mem mem = clCreateBuffer(r->context, CL_MEM_READ_WRITE, bytes, NULL, &code);
    check_cl(r, code, "memory");
    return mem;
}

cl_mem rig_part(rig *r, cl_mem mem, size_t origin, size_t bytes)
{
    const cl_buffer_region region = { origin, bytes };
    cl_int code;
    if (r->status)
        return NULL;
    const cl_mem part =
        clCreateSubBuffer(mem, CL_MEM_READ_WRITE, CL_BUFFER_CREATE_TYPE_REGION, &region, &code);
    check_cl(r, code, "part of the memory");
    return part;
}

void rig_write(rig *r, cl_mem mem, const void *data, size_t bytes)
{
    if (!r->status)
        check_cl(r, clEnqueueWriteBuffer(r->queue, mem, CL_TRUE, 0, bytes, data, 0, NULL, NULL), "write");
}

void rig_read(rig *r, cl_mem mem, size_t offset, void *data, size_t bytes)
{
    if (!r->status)
        check_cl(r, clEnqueueReadBuffer(r->queue, mem, CL_TRUE, offset, bytes, data, 0, NULL, NULL), "read");
}

void rig_run(rig *r, rig_kernel kernel, size_t items, const char *types, ...)
{
    cl_int code = CL_SUCCESS;
    va_list args;
    if (r->status)
        return;
    assert(items % kernels[kernel].local == 0);
    va_start(args, types);
    for (cl_uint k = 0; types[k]; k++) {
        if (types[k] == 'm') {
            const cl_mem mem = va_arg(args, cl_mem);
            code |= clSetKernelArg(r->kernel[kernel], k, sizeof mem, &mem);
        } else if (types[k] == 'i') {
            const cl_int number = va_arg(args, int);
            code |= clSetKernelArg(r->kernel[kernel], k, sizeof number, &number);
        } else {
            const cl_float number = (cl_float)va_arg(args, double);
            code |= clSetKernelArg(r->kernel[kernel], k, sizeof number, &number);
        }
    }
    va_end(args);
    if (code == CL_SUCCESS)
        code = clEnqueueNDRangeKernel(r->queue, r->kernel[kernel], 1, NULL, &items, &kernels[kernel].local, 0,
                                      NULL, NULL);
    check_cl(r, code, kernels[kernel].name);
}

clnorm_plan *rig_plan(rig *r, const clnorm_any *desc)
{
    clnorm_plan *plan = NULL;
    if (!r->status)
        check_norm(r, clnorm_plan_create(&plan, r->norms, &desc->op, CLNORM_ESTIMATE));
    return plan;
}

void rig_enqueue(rig *r, const clnorm_plan *plan, const clnorm_args *args)
{
    if (!r->status)
        check_norm(r, clnorm_enqueue(plan, r->queue, args, 0, NULL, NULL));
}

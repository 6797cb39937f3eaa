/* copy.c -- a copy with nothing between load and store. */
#include "copy.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Types as the copy moves them: halves travel as ushort. */
static const char *const names[] = { "float", "float", "ushort", "ushort", "uchar", "ushort", "char" };

clnorm_status bench_program(cl_program *out, const bench_device *device, const char *name,
                            const char *options)
{
    const bench_embedded *file = bench_kernels;
    cl_int code;
    while (strcmp(file->name, name) != 0)
        file++;
    *out = clCreateProgramWithSource(device->cl, 1, (const char **)&file->text, NULL, &code);
    return code == CL_SUCCESS && clBuildProgram(*out, 1, &device->id, options, NULL, NULL) == CL_SUCCESS
               ? CLNORM_OK
               : CLNORM_EBUILD;
}

static clnorm_status build(bench_copy *c, const bench_device *device, const char *options)
{
    cl_int code;
    const clnorm_status st = bench_program(&c->program, device, "copy.cl", options);
    if (st != CLNORM_OK)
        return st;
    c->kernel = clCreateKernel(c->program, "copy", &code);
    return code == CL_SUCCESS ? CLNORM_OK : CLNORM_ECL;
}

static bench_lack lacked;
bench_lack bench_lacked(void) { return lacked; }

clnorm_status bench_memory(cl_mem *out, const bench_device *device, uint32_t dtype, size_t bytes)
{
    uint32_t state = 1;
    cl_int code;
    unsigned char *data = (unsigned char *)malloc(bytes + 4);
    lacked.host = data ? 0 : bytes;
    if (!data)
        return CLNORM_ENOMEM;
    for (size_t i = 0; i < bytes; i += 4) {
        state = state * 1664525u + 1013904223u;
        const float f = (float)(state >> 8) / 16777216.0f;
        memcpy(data + i, dtype == CLNORM_F32 ? (const void *)&f : (const void *)&state, 4);
        if (dtype == CLNORM_F16 || dtype == CLNORM_BF16) /* near 1 in both */
            data[i + 1] = data[i + 3] = 0x3c;
    }
    *out =
        clCreateBuffer(device->cl, CL_MEM_READ_WRITE | CL_MEM_COPY_HOST_PTR, bytes ? bytes : 1, data, &code);
    free(data);
    lacked.device = code == CL_SUCCESS ? 0 : bytes;
    return code == CL_SUCCESS ? CLNORM_OK : CLNORM_ENOMEM;
}

static clnorm_status set(const bench_copy *c, cl_ulong n, cl_ulong per)
{
    const cl_int code =
        clSetKernelArg(c->kernel, 0, sizeof c->x, &c->x) | clSetKernelArg(c->kernel, 1, sizeof c->z, &c->z) |
        clSetKernelArg(c->kernel, 2, sizeof c->y, &c->y) | clSetKernelArg(c->kernel, 3, sizeof n, &n) |
        clSetKernelArg(c->kernel, 4, sizeof per, &per);
    return code == CL_SUCCESS ? CLNORM_OK : CLNORM_ECL;
}

clnorm_status bench_copy_make(bench_copy *out, const bench_device *device, uint32_t x_dtype, uint32_t y_dtype,
                              size_t n, int two)
{
    char options[256];
    cl_device_type type = 0;
    cl_uint units = 1;
    const uint32_t y = y_dtype ? y_dtype : CLNORM_F32;
    memset(out, 0, sizeof *out);
    if (clGetDeviceInfo(device->id, CL_DEVICE_TYPE, sizeof type, &type, NULL) != CL_SUCCESS ||
        clGetDeviceInfo(device->id, CL_DEVICE_MAX_COMPUTE_UNITS, sizeof units, &units, NULL) != CL_SUCCESS)
        return CLNORM_ECL;
    const int cpu = out->cpu = (type & CL_DEVICE_TYPE_CPU) != 0, vec = cpu ? 16 : 4;
    out->local = cpu ? 1 : 256;
    out->groups = (size_t)units * (cpu ? 8 : 64);
    snprintf(options, sizeof options,
             "-DWG=%zu -DSRC=%s%d -DDST=%s%d -DCONVERT=convert_%s%d -DNT=%d -DREAD_ONLY=%d -DTWO=%d",
             out->local, names[x_dtype], vec, names[y], vec, names[y], vec, cpu, !y_dtype, two);
    const size_t vectors = n / (size_t)vec, per = (vectors + out->groups - 1) / out->groups;
    const size_t y_bytes =
        y_dtype ? n * clnorm_dtype_bytes(y) : out->groups * out->local * (size_t)vec * sizeof(float);
    clnorm_status st = build(out, device, options);
    if (st == CLNORM_OK)
        st = bench_memory(&out->x, device, x_dtype, n * clnorm_dtype_bytes(x_dtype));
    if (st == CLNORM_OK)
        st = bench_memory(&out->y, device, y, y_bytes);
    if (st == CLNORM_OK)
        st = bench_memory(&out->z, device, y, two ? y_bytes : 0);
    return st == CLNORM_OK ? set(out, vectors, per) : st;
}

cl_int bench_copy_run(const bench_copy *c, cl_command_queue queue)
{
    const size_t global = c->groups * c->local;
    return clEnqueueNDRangeKernel(queue, c->kernel, 1, NULL, &global, &c->local, 0, NULL, NULL);
}

void bench_copy_free(bench_copy *c)
{
    if (c->x)
        clReleaseMemObject(c->x);
    if (c->y)
        clReleaseMemObject(c->y);
    if (c->z)
        clReleaseMemObject(c->z);
    if (c->kernel)
        clReleaseKernel(c->kernel);
    if (c->program)
        clReleaseProgram(c->program);
}

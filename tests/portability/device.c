/* device.c -- see device.h. */
#include "device.h"

#include "answer.h"
#include "blas/gemm.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct _cl_context {
    int unused;
};
struct _cl_device_id {
    int unused;
};
struct _cl_platform_id {
    int unused;
};
struct _cl_mem {
    int unused;
};
struct _cl_kernel {
    int unused;
};
struct _cl_command_queue {
    int unused;
};

static struct _cl_context the_context;
static struct _cl_device_id the_device;
static struct _cl_platform_id the_platform;
static cl_program first, last;

cl_context device_context(void) { return &the_context; }
cl_device_id device_id(void) { return &the_device; }
cl_program device_programs(void) { return first; }

/* The caller goes no further without memory. */
static char *copy(const char *text)
{
    const size_t bytes = strlen(text) + 1;
    char *p = (char *)malloc(bytes);
    if (!p)
        exit(1);
    return (char *)memcpy(p, text, bytes);
}

static bool has_kernel(const char *list, const char *name)
{
    const size_t n = strlen(name);
    for (const char *at = list; *at; at += strcspn(at, ","), at += strspn(at, ","))
        if (strcspn(at, ",") == n && !strncmp(at, name, n))
            return true;
    return false;
}

void device_kernel(cl_program program, const char *name)
{
    const size_t used = strlen(program->kernels);
    if (!has_kernel(program->kernels, name))
        snprintf(program->kernels + used, sizeof program->kernels - used, "%s%s", used ? "," : "", name);
}

/* ---- what is asked ---- */

#define ANSWER(type, v)                                     \
    do {                                                    \
        const type it = (v);                                \
        return answer(&it, sizeof it, room, value, wanted); \
    } while (0)

cl_int clGetPlatformInfo(cl_platform_id p, cl_platform_info what, size_t room, void *value, size_t *wanted)
{
    (void)p, (void)what;
    return answer("none", 5, room, value, wanted);
}

#ifndef CL_DEVICE_SUB_GROUP_SIZES_INTEL
#define CL_DEVICE_SUB_GROUP_SIZES_INTEL 0x4108
#endif

/* The least that GPUs of the last ten years have: work-groups of 256, 32 KiB of local memory, no double; and sub-groups, which
 * offline.py takes back where a target has none. */
cl_int clGetDeviceInfo(cl_device_id d, cl_device_info what, size_t room, void *value, size_t *wanted)
{
    (void)d;
    switch (what) {
    case CL_DEVICE_PLATFORM:
        ANSWER(cl_platform_id, &the_platform);
    case CL_DEVICE_TYPE:
        ANSWER(cl_device_type, CL_DEVICE_TYPE_GPU);
    case CL_DEVICE_IMAGE_SUPPORT:
        ANSWER(cl_bool, CL_TRUE);
    case CL_DEVICE_SINGLE_FP_CONFIG:
        ANSWER(cl_device_fp_config, CL_FP_DENORM | CL_FP_INF_NAN | CL_FP_ROUND_TO_NEAREST | CL_FP_FMA);
    case CL_DEVICE_MAX_COMPUTE_UNITS:
        ANSWER(cl_uint, 64);
    case CL_DEVICE_MAX_WORK_GROUP_SIZE:
        ANSWER(size_t, 256);
    case CL_DEVICE_MAX_PARAMETER_SIZE:
        ANSWER(size_t, 1024);
    case CL_DEVICE_LOCAL_MEM_SIZE:
        ANSWER(cl_ulong, 32 << 10);
    case CL_DEVICE_GLOBAL_MEM_SIZE:
    case CL_DEVICE_MAX_MEM_ALLOC_SIZE:
        ANSWER(cl_ulong, 8ul << 30);
    case CL_DEVICE_GLOBAL_MEM_CACHE_SIZE:
        ANSWER(cl_ulong, 4 << 20);
    case CL_DEVICE_SUB_GROUP_SIZES_INTEL:
        ANSWER(size_t, 16);
    case CL_DEVICE_EXTENSIONS: {
        static const char all[] = "cl_khr_subgroup_shuffle cl_intel_required_subgroup_size";
        return answer(all, sizeof all, room, value, wanted);
    }
    default:
        return answer("none", 5, room, value, wanted);
    }
}

cl_int clGetContextInfo(cl_context c, cl_context_info what, size_t room, void *value, size_t *wanted)
{
    (void)c, (void)what;
    ANSWER(cl_device_id, &the_device);
}

cl_int clGetKernelWorkGroupInfo(cl_kernel k, cl_device_id d, cl_kernel_work_group_info what, size_t room,
                                void *value, size_t *wanted)
{
    (void)k, (void)d;
    if (what == CL_KERNEL_WORK_GROUP_SIZE)
        ANSWER(size_t, 256);
    ANSWER(cl_ulong, 0); /* local memory: what the compilers say is what counts */
}

/* ---- what is made ---- */

cl_int clRetainContext(cl_context c)
{
    (void)c;
    return CL_SUCCESS;
}

cl_int clRetainDevice(cl_device_id d)
{
    (void)d;
    return CL_SUCCESS;
}

cl_int clReleaseDevice(cl_device_id d)
{
    (void)d;
    return CL_SUCCESS;
}

cl_int clReleaseContext(cl_context c)
{
    (void)c;
    return CL_SUCCESS;
}

cl_mem clCreateBuffer(cl_context c, cl_mem_flags flags, size_t bytes, void *host, cl_int *code)
{
    cl_mem mem = (cl_mem)calloc(1, sizeof *mem);
    (void)c, (void)flags, (void)bytes, (void)host;
    *code = mem ? CL_SUCCESS : CL_OUT_OF_HOST_MEMORY;
    return mem;
}

cl_int clReleaseMemObject(cl_mem mem)
{
    free(mem);
    return CL_SUCCESS;
}

cl_command_queue clCreateCommandQueue(cl_context c, cl_device_id d, cl_command_queue_properties p,
                                      cl_int *code)
{
    static struct _cl_command_queue queue;
    (void)c, (void)d, (void)p;
    *code = CL_SUCCESS;
    return &queue;
}

cl_int clReleaseCommandQueue(cl_command_queue q)
{
    (void)q;
    return CL_SUCCESS;
}

cl_program clCreateProgramWithSource(cl_context c, cl_uint n, const char **texts, const size_t *lengths,
                                     cl_int *code)
{
    cl_program p = (cl_program)calloc(1, sizeof *p);
    (void)c, (void)n, (void)lengths;
    if (p) {
        p->source = copy(texts[0]);
        *(first ? &last->next : &first) = p;
        last = p;
    }
    *code = p ? CL_SUCCESS : CL_OUT_OF_HOST_MEMORY;
    return p;
}

cl_int clBuildProgram(cl_program p, cl_uint n, const cl_device_id *devices, const char *options,
                      void (*notify)(cl_program program, void *user), void *user)
{
    (void)n, (void)devices, (void)notify, (void)user;
    p->options = copy(options);
    return CL_SUCCESS;
}

/* They stay, to be written down. */
cl_int clReleaseProgram(cl_program p)
{
    (void)p;
    return CL_SUCCESS;
}

cl_kernel clCreateKernel(cl_program p, const char *name, cl_int *code)
{
    cl_kernel k = (cl_kernel)calloc(1, sizeof *k);
    (void)p, (void)name;
    *code = k ? CL_SUCCESS : CL_OUT_OF_HOST_MEMORY;
    return k;
}

cl_int clSetKernelArg(cl_kernel k, cl_uint at, size_t bytes, const void *value)
{
    (void)k, (void)at, (void)bytes, (void)value;
    return CL_SUCCESS;
}

cl_int clReleaseKernel(cl_kernel k)
{
    free(k);
    return CL_SUCCESS;
}

/* ---- products, whose kernels are CLBlast's ---- */

clnorm_status cln_gemm_enter(const cln_device *device)
{
    (void)device;
    return CLNORM_OK;
}

void cln_gemm_leave(void) {}

clnorm_status cln_gemm_prepare(cl_context context, cl_command_queue queue)
{
    (void)context, (void)queue;
    return CLNORM_OK;
}

clnorm_status cln_gemm_room(size_t *bytes, const cln_gemm *g, cl_command_queue queue)
{
    (void)g, (void)queue;
    *bytes = 0;
    return CLNORM_OK;
}

clnorm_status cln_gemm_enqueue(cl_command_queue queue, bool in_order, const cln_gemm *g,
                               const cln_gemm_at at[3], cl_mem scratch, cl_uint nwait, const cl_event *wait,
                               cl_event *done)
{
    (void)queue, (void)in_order, (void)g, (void)at, (void)scratch, (void)nwait, (void)wait, (void)done;
    abort(); /* nothing is enqueued here */
}

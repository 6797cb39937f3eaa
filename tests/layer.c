/* layer.c -- an OpenCL layer that counts the calls that clnorm_enqueue must not make.
 *
 * ocl-icd loads it where OPENCL_LAYERS names it. A test of the same process finds layer_counts by dlsym. */
#undef CL_TARGET_OPENCL_VERSION
#define CL_TARGET_OPENCL_VERSION 300
#include "layer_self.h"

#include "layer.h"

#include <pthread.h>
#include <stddef.h>

LAYER_EXPORT unsigned long layer_counts[LAYER_COUNTS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void count(layer_call call)
{
    pthread_mutex_lock(&lock);
    layer_counts[call]++;
    pthread_mutex_unlock(&lock);
}

static cl_int CL_API_CALL finish(cl_command_queue q)
{
    count(LAYER_FINISH);
    return next->clFinish(q);
}

static cl_int CL_API_CALL flush(cl_command_queue q)
{
    count(LAYER_FLUSH);
    return next->clFlush(q);
}

static cl_int CL_API_CALL wait_for(cl_uint n, const cl_event *events)
{
    count(LAYER_WAIT);
    return next->clWaitForEvents(n, events);
}

static cl_mem CL_API_CALL create(cl_context c, cl_mem_flags flags, size_t bytes, void *host, cl_int *code)
{
    count(LAYER_CREATE);
    return next->clCreateBuffer(c, flags, bytes, host, code);
}

static cl_mem CL_API_CALL create_sub(cl_mem mem, cl_mem_flags flags, cl_buffer_create_type type,
                                     const void *info, cl_int *code)
{
    count(LAYER_CREATE);
    return next->clCreateSubBuffer(mem, flags, type, info, code);
}

static cl_int CL_API_CALL read(cl_command_queue q, cl_mem mem, cl_bool blocking, size_t offset, size_t bytes,
                               void *host, cl_uint n, const cl_event *wait, cl_event *event)
{
    count(blocking ? LAYER_BLOCK : LAYER_COPY);
    return next->clEnqueueReadBuffer(q, mem, blocking, offset, bytes, host, n, wait, event);
}

static cl_int CL_API_CALL write(cl_command_queue q, cl_mem mem, cl_bool blocking, size_t offset, size_t bytes,
                                const void *host, cl_uint n, const cl_event *wait, cl_event *event)
{
    count(blocking ? LAYER_BLOCK : LAYER_COPY);
    return next->clEnqueueWriteBuffer(q, mem, blocking, offset, bytes, host, n, wait, event);
}

static void *CL_API_CALL map(cl_command_queue q, cl_mem mem, cl_bool blocking, cl_map_flags flags,
                             size_t offset, size_t bytes, cl_uint n, const cl_event *wait, cl_event *event,
                             cl_int *code)
{
    count(blocking ? LAYER_BLOCK : LAYER_COPY);
    return next->clEnqueueMapBuffer(q, mem, blocking, flags, offset, bytes, n, wait, event, code);
}

static cl_int CL_API_CALL build(cl_program program, cl_uint n, const cl_device_id *devices,
                                const char *options,
                                void(CL_CALLBACK *notify)(cl_program program, void *user), void *user)
{
    count(LAYER_BUILD);
    return next->clBuildProgram(program, n, devices, options, notify, user);
}

static cl_int CL_API_CALL launch(cl_command_queue q, cl_kernel k, cl_uint dims, const size_t *offset,
                                 const size_t *global, const size_t *local, cl_uint n, const cl_event *wait,
                                 cl_event *event)
{
    count(LAYER_LAUNCH);
    return next->clEnqueueNDRangeKernel(q, k, dims, offset, global, local, n, wait, event);
}

static void take_over(void)
{
    mine.clFinish = finish;
    mine.clFlush = flush;
    mine.clWaitForEvents = wait_for;
    mine.clCreateBuffer = create;
    mine.clCreateSubBuffer = create_sub;
    mine.clEnqueueReadBuffer = read;
    mine.clEnqueueWriteBuffer = write;
    mine.clEnqueueMapBuffer = map;
    mine.clBuildProgram = build;
    mine.clEnqueueNDRangeKernel = launch;
}

LAYER("clnorm test counts", take_over)

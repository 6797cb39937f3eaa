/* clfault.c -- an OpenCL layer that fails the N-th call, keeps count of every object, and can make a device
 * look smaller.
 *
 * ocl-icd loads it where OPENCL_LAYERS names it, and PoCL lies below: only what clnorm calls passes here.
 *
 *     CLFAULT=N:CODE:once
 *     CLFAULT_LIE=wg=16,local=16384,alloc=65536,global=1048576,kernel=8,gpu=1
 *
 * fault.h explains the first; a release never fails, for nobody could do anything about it. The second are
 * the device's largest work-group, local memory, largest buffer and memory, and a kernel's largest
 * work-group, none ever larger than it is; and that it is a GPU, whose work-groups are larger than one. */
#define _POSIX_C_SOURCE 200809L
#undef CL_TARGET_OPENCL_VERSION
#define CL_TARGET_OPENCL_VERSION 300
#include "layer_self.h"

#include "fault.h"

#include <pthread.h>
#include <stddef.h>

FAULT_EXPORT fault clfault;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* ---- live objects ---- */

#define OBJECTS 65536
static struct object {
    const void *handle;
    unsigned refs;
    const char *maker;
} objects[OBJECTS];

static struct object *find(const void *handle)
{
    for (size_t i = clfault.live; i > 0; i--) /* the youngest dies first */
        if (objects[i - 1].handle == handle)
            return &objects[i - 1];
    return NULL;
}

/* Another reference to a handle, or the first. */
static void refer(const void *handle, const char *call)
{
    pthread_mutex_lock(&lock);
    struct object *o = find(handle);
    if (o)
        o->refs++;
    else if (handle && clfault.live < OBJECTS)
        objects[clfault.live++] = (struct object){ handle, 1, call };
    pthread_mutex_unlock(&lock);
}

static void misuse(const char *text)
{
    clfault.misuse++;
    snprintf(clfault.detail, sizeof clfault.detail, "%s", text);
}

/* Whether there was such a reference to give up. */
static int drop(const void *handle, const char *call)
{
    pthread_mutex_lock(&lock);
    struct object *o = find(handle);
    if (!o)
        misuse(call);
    else if (!--o->refs)
        *o = objects[--clfault.live];
    pthread_mutex_unlock(&lock);
    return o != NULL;
}

/* What is live, by the calls that made it, into clfault.detail unless a misuse stands there. */
FAULT_EXPORT void clfault_name_live(void)
{
    size_t used = 0;
    for (size_t i = 0; i < clfault.live && !clfault.misuse && used < sizeof clfault.detail; i++)
        used += (size_t)snprintf(clfault.detail + used, sizeof clfault.detail - used, "%s%s", i ? " " : "",
                                 objects[i].maker);
}

/* ---- faults ---- */

static cl_int refused(const char *call)
{
    pthread_mutex_lock(&lock);
    const cl_int code = fault_hit(&clfault, call);
    pthread_mutex_unlock(&lock);
    return code;
}

/* ---- a smaller device ---- */

typedef struct limits {
    size_t wg, local, alloc, global, kernel, gpu, text; /* 0: as they are */
} limits;
static limits lie;

FAULT_EXPORT void clfault_lie(const char *text)
{
    static const struct {
        const char *name;
        size_t offset;
    } words[] = { { "wg=", offsetof(limits, wg) },         { "local=", offsetof(limits, local) },
                  { "alloc=", offsetof(limits, alloc) },   { "global=", offsetof(limits, global) },
                  { "kernel=", offsetof(limits, kernel) }, { "gpu=", offsetof(limits, gpu) },
                  { "text=", offsetof(limits, text) } };
    memset(&lie, 0, sizeof lie);
    for (; text && *text; text += strcspn(text, ","), text += *text == ',')
        for (size_t i = 0; i < sizeof words / sizeof *words; i++)
            if (strncmp(text, words[i].name, strlen(words[i].name)) == 0)
                *(size_t *)((char *)&lie + words[i].offset) = strtoul(text + strlen(words[i].name), NULL, 10);
}

static void cap_size(void *value, size_t most)
{
    if (value && most && *(size_t *)value > most)
        *(size_t *)value = most;
}

static void cap_bytes(void *value, size_t most)
{
    if (value && most && *(cl_ulong *)value > most)
        *(cl_ulong *)value = most;
}

static void shrink_device(cl_device_info what, size_t room, void *value)
{
    if (what == CL_DEVICE_TYPE && value && lie.gpu)
        *(cl_device_type *)value = CL_DEVICE_TYPE_GPU;
    else if ((what == CL_DEVICE_NAME || what == CL_DEVICE_VENDOR || what == CL_DRIVER_VERSION) && value &&
             lie.text)
        *(char *)value = (char)lie.text;
    else if (what == CL_DEVICE_MAX_WORK_GROUP_SIZE)
        cap_size(value, lie.wg);
    else if (what == CL_DEVICE_LOCAL_MEM_SIZE)
        cap_bytes(value, lie.local);
    else if (what == CL_DEVICE_MAX_MEM_ALLOC_SIZE)
        cap_bytes(value, lie.alloc);
    else if (what == CL_DEVICE_GLOBAL_MEM_SIZE)
        cap_bytes(value, lie.global);
    for (size_t i = 0; value && what == CL_DEVICE_MAX_WORK_ITEM_SIZES && i < room / sizeof(size_t); i++)
        cap_size((size_t *)value + i, lie.wg);
}

static void shrink_kernel(cl_kernel_work_group_info what, void *value)
{
    if (what != CL_KERNEL_WORK_GROUP_SIZE)
        return;
    cap_size(value, lie.wg);
    cap_size(value, lie.kernel);
}

/* What a device of these limits says to a launch; PoCL itself aborts on too much local memory. */
static cl_int check_launch(cl_command_queue queue, cl_kernel k, const size_t *group)
{
    const size_t most = lie.kernel && (!lie.wg || lie.kernel < lie.wg) ? lie.kernel : lie.wg;
    cl_device_id device;
    cl_ulong local = 0;
    if (most && group && *group > most) {
        misuse("a work-group beyond the limit");
        return CL_INVALID_WORK_GROUP_SIZE;
    }
    if (!lie.local)
        return CL_SUCCESS;
    next->clGetCommandQueueInfo(queue, CL_QUEUE_DEVICE, sizeof device, &device, NULL);
    next->clGetKernelWorkGroupInfo(k, device, CL_KERNEL_LOCAL_MEM_SIZE, sizeof local, &local, NULL);
    if (local <= lie.local)
        return CL_SUCCESS;
    misuse("local memory beyond the limit");
    return CL_OUT_OF_RESOURCES;
}

/* ---- calls that return a code ---- */

/* A call of these parameters and arguments; `then` runs where it went well. */
#define CODE(name, parameters, arguments, then)    \
    static cl_int CL_API_CALL my_##name parameters \
    {                                              \
        cl_int code = refused(#name);              \
        if (code == CL_SUCCESS)                    \
            code = next->name arguments;           \
        if (code == CL_SUCCESS) {                  \
            then;                                  \
        }                                          \
        return code;                               \
    }
#define INFO(name, object, what, then) \
    CODE(name, (object o, what w, size_t room, void *value, size_t *bytes), (o, w, room, value, bytes), then)
#define WAITS cl_uint n, const cl_event *wait, cl_event *event
#define MADE_EVENT(call) \
    if (event)           \
    refer(*event, call)

CODE(clGetPlatformIDs, (cl_uint n, cl_platform_id *list, cl_uint *count), (n, list, count), )
CODE(clGetDeviceIDs, (cl_platform_id p, cl_device_type type, cl_uint n, cl_device_id *list, cl_uint *count),
     (p, type, n, list, count), )
INFO(clGetPlatformInfo, cl_platform_id, cl_platform_info, )
INFO(clGetDeviceInfo, cl_device_id, cl_device_info, shrink_device(w, room, value))
INFO(clGetContextInfo, cl_context, cl_context_info, )
INFO(clGetCommandQueueInfo, cl_command_queue, cl_command_queue_info, )
INFO(clGetMemObjectInfo, cl_mem, cl_mem_info, )
INFO(clGetProgramInfo, cl_program, cl_program_info, )
INFO(clGetEventInfo, cl_event, cl_event_info, )
CODE(clGetProgramBuildInfo,
     (cl_program p, cl_device_id d, cl_program_build_info w, size_t room, void *value, size_t *bytes),
     (p, d, w, room, value, bytes), )
CODE(clGetKernelWorkGroupInfo,
     (cl_kernel k, cl_device_id d, cl_kernel_work_group_info w, size_t room, void *value, size_t *bytes),
     (k, d, w, room, value, bytes), shrink_kernel(w, value))
CODE(clBuildProgram,
     (cl_program p, cl_uint n, const cl_device_id *list, const char *options,
      void(CL_CALLBACK *notify)(cl_program program, void *user), void *user),
     (p, n, list, options, notify, user), )
CODE(clSetKernelArg, (cl_kernel k, cl_uint index, size_t bytes, const void *value),
     (k, index, bytes, value), )
CODE(clFlush, (cl_command_queue q), (q), )
CODE(clEnqueueReadBuffer,
     (cl_command_queue q, cl_mem mem, cl_bool blocking, size_t offset, size_t bytes, void *host, WAITS),
     (q, mem, blocking, offset, bytes, host, n, wait, event), MADE_EVENT("clEnqueueReadBuffer"))
CODE(clEnqueueWriteBuffer,
     (cl_command_queue q, cl_mem mem, cl_bool blocking, size_t offset, size_t bytes, const void *host, WAITS),
     (q, mem, blocking, offset, bytes, host, n, wait, event), MADE_EVENT("clEnqueueWriteBuffer"))
CODE(clEnqueueFillBuffer,
     (cl_command_queue q, cl_mem mem, const void *pattern, size_t size, size_t offset, size_t bytes, WAITS),
     (q, mem, pattern, size, offset, bytes, n, wait, event), MADE_EVENT("clEnqueueFillBuffer"))
CODE(clEnqueueMarkerWithWaitList, (cl_command_queue q, WAITS), (q, n, wait, event),
     MADE_EVENT("clEnqueueMarkerWithWaitList"))
CODE(clEnqueueBarrierWithWaitList, (cl_command_queue q, WAITS), (q, n, wait, event),
     MADE_EVENT("clEnqueueBarrierWithWaitList"))

static cl_int CL_API_CALL my_clEnqueueNDRangeKernel(cl_command_queue q, cl_kernel k, cl_uint dims,
                                                    const size_t *offset, const size_t *global,
                                                    const size_t *group, WAITS)
{
    cl_int code = refused("clEnqueueNDRangeKernel");
    if (code == CL_SUCCESS)
        code = check_launch(q, k, group);
    if (code == CL_SUCCESS)
        code = next->clEnqueueNDRangeKernel(q, k, dims, offset, global, group, n, wait, event);
    if (code == CL_SUCCESS && event)
        refer(*event, "clEnqueueNDRangeKernel");
    return code;
}

/* A wait that fails has waited, for its caller frees what was in use. */
static cl_int CL_API_CALL my_clFinish(cl_command_queue q)
{
    const cl_int code = refused("clFinish"), done = next->clFinish(q);
    return code ? code : done;
}

static cl_int CL_API_CALL my_clWaitForEvents(cl_uint n, const cl_event *list)
{
    const cl_int code = refused("clWaitForEvents"), done = next->clWaitForEvents(n, list);
    return code ? code : done;
}

/* ---- calls that make an object ---- */

#define MAKE(type, name, parameters, arguments)  \
    static type CL_API_CALL my_##name parameters \
    {                                            \
        cl_int code = refused(#name);            \
        type made = NULL;                        \
        if (code == CL_SUCCESS)                  \
            made = next->name arguments;         \
        if (out)                                 \
            *out = code;                         \
        if (made)                                \
            refer(made, #name);                  \
        return made;                             \
    }
MAKE(cl_context, clCreateContext,
     (const cl_context_properties *properties, cl_uint n, const cl_device_id *list,
      void(CL_CALLBACK *notify)(const char *text, const void *more, size_t bytes, void *user), void *user,
      cl_int *out),
     (properties, n, list, notify, user, &code))
MAKE(cl_command_queue, clCreateCommandQueue,
     (cl_context c, cl_device_id d, cl_command_queue_properties properties, cl_int *out),
     (c, d, properties, &code))
MAKE(cl_program, clCreateProgramWithSource,
     (cl_context c, cl_uint n, const char **text, const size_t *bytes, cl_int *out),
     (c, n, text, bytes, &code))
MAKE(cl_program, clCreateProgramWithBinary,
     (cl_context c, cl_uint n, const cl_device_id *list, const size_t *bytes, const unsigned char **binary,
      cl_int *taken, cl_int *out),
     (c, n, list, bytes, binary, taken, &code))
MAKE(cl_kernel, clCreateKernel, (cl_program p, const char *name, cl_int *out), (p, name, &code))

static cl_mem CL_API_CALL my_clCreateBuffer(cl_context c, cl_mem_flags flags, size_t bytes, void *host,
                                            cl_int *out)
{
    cl_int code = refused("clCreateBuffer");
    cl_mem made = NULL;
    if (code == CL_SUCCESS && lie.alloc && bytes > lie.alloc) {
        misuse("a buffer beyond the limit");
        code = CL_INVALID_BUFFER_SIZE;
    }
    if (code == CL_SUCCESS)
        made = next->clCreateBuffer(c, flags, bytes, host, &code);
    if (out)
        *out = code;
    if (made)
        refer(made, "clCreateBuffer");
    return made;
}

/* Which a platform may lack. */
static void *CL_API_CALL my_clGetExtensionFunctionAddressForPlatform(cl_platform_id p, const char *name)
{
    const cl_int code = refused("clGetExtensionFunctionAddressForPlatform");
    return code == CL_SUCCESS ? next->clGetExtensionFunctionAddressForPlatform(p, name) : NULL;
}

/* ---- references ---- */

#define REFERENCE(Name, type, invalid)                                                   \
    CODE(clRetain##Name, (type o), (o), refer(o, "clRetain" #Name))                      \
    static cl_int CL_API_CALL my_clRelease##Name(type o)                                 \
    {                                                                                    \
        return drop(o, "clRelease" #Name " of a dead object") ? next->clRelease##Name(o) \
                                                              : (cl_int)(invalid);       \
    }
REFERENCE(Device, cl_device_id, CL_INVALID_DEVICE)
REFERENCE(Context, cl_context, CL_INVALID_CONTEXT)
REFERENCE(CommandQueue, cl_command_queue, CL_INVALID_COMMAND_QUEUE)
REFERENCE(MemObject, cl_mem, CL_INVALID_MEM_OBJECT)
REFERENCE(Program, cl_program, CL_INVALID_PROGRAM)
REFERENCE(Kernel, cl_kernel, CL_INVALID_KERNEL)
REFERENCE(Event, cl_event, CL_INVALID_EVENT)

/* ---- the layer ---- */

/* clang-format off */
#define ALL(X) \
    X(clGetPlatformIDs) X(clGetDeviceIDs) X(clGetPlatformInfo) X(clGetDeviceInfo) X(clGetContextInfo) \
    X(clGetCommandQueueInfo) X(clGetMemObjectInfo) X(clGetProgramInfo) X(clGetEventInfo) \
    X(clGetProgramBuildInfo) X(clGetKernelWorkGroupInfo) X(clBuildProgram) X(clSetKernelArg) X(clFlush) \
    X(clEnqueueReadBuffer) X(clEnqueueWriteBuffer) X(clEnqueueFillBuffer) X(clEnqueueMarkerWithWaitList) \
    X(clEnqueueBarrierWithWaitList) \
    X(clEnqueueNDRangeKernel) X(clFinish) X(clWaitForEvents) X(clCreateContext) X(clCreateCommandQueue) \
    X(clCreateProgramWithSource) X(clCreateProgramWithBinary) X(clCreateKernel) X(clCreateBuffer) \
    X(clRetainDevice) X(clReleaseDevice) X(clRetainContext) X(clReleaseContext) X(clRetainCommandQueue) X(clReleaseCommandQueue) \
    X(clRetainMemObject) X(clReleaseMemObject) X(clRetainProgram) X(clReleaseProgram) X(clRetainKernel) \
    X(clReleaseKernel) X(clRetainEvent) X(clReleaseEvent) X(clGetExtensionFunctionAddressForPlatform)
/* clang-format on */

static void take_over(void)
{
#define TAKE(name) mine.name = my_##name;
    ALL(TAKE)
#undef TAKE
    fault_from_environment(&clfault, "CLFAULT");
    clfault_lie(getenv("CLFAULT_LIE"));
}

LAYER("clnorm faults", take_over)

__attribute__((destructor)) static void end(void)
{
    clfault_name_live();
    fault_report(&clfault, "clfault");
}

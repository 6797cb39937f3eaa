/* clnorm_status.h -- what calls return; OpenCL and CLNORM_API for all other headers. */
#ifndef CLNORM_STATUS_H
#define CLNORM_STATUS_H

#ifndef CL_TARGET_OPENCL_VERSION
#define CL_TARGET_OPENCL_VERSION 120
#endif
#include <CL/cl.h>
#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32) && !defined(CLNORM_STATIC)
#ifdef CLNORM_BUILDING
#define CLNORM_API __declspec(dllexport)
#else
#define CLNORM_API __declspec(dllimport)
#endif
#elif defined(__GNUC__)
#define CLNORM_API __attribute__((visibility("default")))
#else
#define CLNORM_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define CLNORM_VERSION_MAJOR 0
#define CLNORM_VERSION_MINOR 1
#define CLNORM_VERSION_PATCH 0

/** Every status: name, value, text. Values are never renumbered or reused. */
#define CLNORM_STATUS_MAP(X)                                                      \
    X(OK, 0, "success")                                                           \
    X(EARG, -1, "an argument is null or out of range")                            \
    X(ESHAPE, -2, "shapes, strides or layouts do not agree")                      \
    X(EDTYPE, -3, "this op does not take this data type")                         \
    X(EBUFFER, -4, "a buffer is missing, too small, foreign or overlaps")         \
    X(EWORKSPACE, -5, "the workspace is too small")                               \
    X(EDEVICE, -6, "no such device, or the queue is not of the plan's context")   \
    X(EUNSUPPORTED, -7, "the device or the library lacks what this plan needs")   \
    X(EBUILD, -8, "an OpenCL program did not build")                              \
    X(ECL, -9, "an OpenCL call failed")                                           \
    X(ENOMEM, -10, "out of host or device memory")                                \
    X(EIO, -11, "a file cannot be used")                                          \
    X(EBUG, -12, "a bug in clnorm, please report it")                             \
    X(ENOTREADY, -13, "the kernels of this plan are not built yet")               \
    X(EFORK, -14, "the library was used before fork(); the child may not use it") \
    X(ENODEVICE, -15, "there is no OpenCL platform or device on this machine")    \
    X(EDATA, -16, "the data has no such result: NaN, infinity, or a singular matrix")

typedef enum clnorm_status {
#define CLNORM_STATUS_ENUM(name, value, text) CLNORM_##name = value,
    CLNORM_STATUS_MAP(CLNORM_STATUS_ENUM)
#undef CLNORM_STATUS_ENUM
        CLNORM_STATUS_INT = 0x7fffffff
} clnorm_status;

/** The text of a status, for example "success". Never NULL.
 *  Threads  any. */
CLNORM_API const char *clnorm_status_text(clnorm_status status);

/** This thread's last failure in one sentence: the argument, its value, what is allowed.
 *
 *  cl_code  if not NULL, receives the OpenCL error code behind it, or 0. A buffer larger than the device allows is not
 *           asked for, and has the code that it would have: CL_MEM_OBJECT_ALLOCATION_FAILURE.
 *  Returns  a text that stays valid until the next failure on this thread; "" when there was none.
 *           For EBUILD the compiler's log follows on the next lines. */
CLNORM_API const char *clnorm_last_error(cl_int *cl_code);

/** The version of the library, (major << 16) | (minor << 8) | patch. */
CLNORM_API uint32_t clnorm_version(void);

#ifdef __cplusplus
}
#endif
#endif

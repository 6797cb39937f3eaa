/* program_case.h -- a device, tables of programs for it and a small unit. Define _XOPEN_SOURCE 700 before. */
#ifndef PROGRAM_CASE_H
#define PROGRAM_CASE_H

#include "device/device.h"

#include "base/compiler.h"
#include "scratch.h"
#include "suite.h"

#include <pthread.h>

static const char unit[] = "kernel void answer(global int *y) { y[get_global_id(0)] = ANSWER; }\n";
#define OPTIONS "-cl-std=CL1.2 -DANSWER=42"

static cln_device device;
static cl_context context;
static char root[SCRATCH_PATH];
static char said[4096]; /* what the log callback heard, from any thread */
static pthread_mutex_t said_lock = PTHREAD_MUTEX_INITIALIZER;

/* A context of all devices of a platform and a program for the last of them, so that mixing them up shows. */
static inline void open_device(void)
{
    clnorm_device preferred;
    cl_device_id ids[8];
    cl_uint n = 0;
    cl_int code;
    if (clnorm_device_find(&preferred, NULL) != CLNORM_OK ||
        clGetDeviceIDs(preferred.platform, CL_DEVICE_TYPE_ALL, CLN_COUNT(ids), ids, &n) != CL_SUCCESS) {
        fprintf(stderr, "test_program needs a device: %s\n", clnorm_last_error(NULL));
        exit(1);
    }
    n = n < CLN_COUNT(ids) ? n : CLN_COUNT(ids);
    const cl_context_properties properties[] = { CL_CONTEXT_PLATFORM,
                                                 (cl_context_properties)preferred.platform, 0 };
    context = clCreateContext(properties, n, ids, NULL, NULL, &code);
    if (code != CL_SUCCESS || cln_device_query(&device, ids[n - 1]) != CLNORM_OK)
        exit(1);
}

static inline void setup(void)
{
    scratch_create(root);
    said[0] = '\0';
}
static inline void teardown(void) { scratch_remove(root); }

static inline void hear(void *user, int level, const char *text)
{
    ck_assert_ptr_eq(user, said);
    ck_assert(level >= CLNORM_LOG_ERROR && level <= CLNORM_LOG_INFO);
    pthread_mutex_lock(&said_lock);
    const size_t used = strlen(said);
    snprintf(said + used, sizeof said - used, "%s\n", text);
    pthread_mutex_unlock(&said_lock);
}

static inline cln_programs *open_table_with(const char *cache_dir, const char *kernel_dir,
                                            void (*log)(void *, int, const char *))
{
    const cln_program_env env = { context, &device, kernel_dir, cache_dir, log, said };
    cln_programs *p;
    ck_assert_int_eq(cln_programs_create(&p, &env), CLNORM_OK);
    return p;
}

static inline cln_programs *open_table(const char *cache_dir, const char *kernel_dir)
{
    return open_table_with(cache_dir, kernel_dir, hear);
}

static inline void counts(cln_programs *p, uint32_t built, uint32_t loaded, uint32_t rejected, uint32_t saved)
{
    cln_program_stats s;
    cln_programs_stats(p, &s);
    ck_assert_uint_eq(s.built, built);
    ck_assert_uint_eq(s.loaded, loaded);
    ck_assert_uint_eq(s.rejected, rejected);
    ck_assert_uint_eq(s.saved, saved);
    ck_assert(built == 0 || s.build_ns > 0);
    ck_assert(loaded == 0 || s.load_ns > 0);
}

static inline cl_program get(cln_programs *p, const char *text, const char *options)
{
    cl_program program;
    const clnorm_status status = cln_programs_get(p, text, text, options, true, &program);
    ck_assert_msg(status == CLNORM_OK, "%s", clnorm_last_error(NULL));
    ck_assert_ptr_nonnull(program);
    return program;
}

static inline void want(cln_programs *p, const char *text, const char *options)
{
    ck_assert_int_eq(cln_programs_want(p, text, text, options), CLNORM_OK);
}

/* The sentence of a failure that must happen; out must be NULL then. */
static inline const char *failure(cln_programs *p, const char *text, const char *options, bool build,
                                  clnorm_status expected)
{
    cl_program program = (cl_program)said;
    ck_assert_int_eq(cln_programs_get(p, text, text, options, build, &program), expected);
    ck_assert_ptr_null(program);
    return clnorm_last_error(NULL);
}
#define SAYS(sentence, words) \
    ck_assert_msg(strstr(sentence, words) != NULL, "no \"%s\" in: %s", words, sentence)

/* What the program's kernel computes on our device. */
static inline int answer(cl_program program)
{
    cl_int code, y = 0;
    const size_t one = 1;
    cl_kernel kernel = clCreateKernel(program, "answer", &code);
    ck_assert_int_eq(code, CL_SUCCESS);
    cl_command_queue queue = clCreateCommandQueue(context, device.id, 0, &code);
    ck_assert_int_eq(code, CL_SUCCESS);
    cl_mem buffer = clCreateBuffer(context, CL_MEM_READ_WRITE, sizeof y, NULL, &code);
    ck_assert_int_eq(code, CL_SUCCESS);
    ck_assert_int_eq(clSetKernelArg(kernel, 0, sizeof buffer, &buffer), CL_SUCCESS);
    ck_assert_int_eq(clEnqueueNDRangeKernel(queue, kernel, 1, NULL, &one, &one, 0, NULL, NULL), CL_SUCCESS);
    ck_assert_int_eq(clEnqueueReadBuffer(queue, buffer, CL_TRUE, 0, sizeof y, &y, 0, NULL, NULL), CL_SUCCESS);
    clReleaseMemObject(buffer);
    clReleaseCommandQueue(queue);
    clReleaseKernel(kernel);
    return y;
}

/* Runs the suite with a device; the first thing in main, since PoCL reads its environment once. */
static inline int run_with_device(Suite *s)
{
    setenv("POCL_DEVICES", "pthread pthread", 0);
    open_device();
    const int code = suite_run(s, CK_NOFORK);
    clReleaseContext(context);
    return code;
}

#endif

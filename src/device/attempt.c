/* attempt.c -- one attempt at a program: from its cached binary, or from source with the compiler's words. */
#include "device/attempt.h"

#include "base/status.h"
#include "device/binary.h"

#define XXH_INLINE_ALL
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define LOG_MOST 3000 /* bytes of a compiler's log in the error text */

void cln_program_say(const cln_program_env *env, int level, const char *what, const char *options,
                     uint64_t ns)
{
    char line[1024];
    if (!env->log)
        return;
    snprintf(line, sizeof line, "%s in %.1f ms on %s with %s", what, (double)ns * 1e-6, env->device->name,
             options);
    env->log(env->log_user, level, line);
}

/* All that the binary depends on, in words, so that the file says what it is for. */
static char *cache_key(const cln_program_env *env, const char *source, const char *options)
{
    const cln_device *d = env->device;
    const XXH128_hash_t hash = XXH3_128bits(source, strlen(source));
    const size_t room = strlen(options) + sizeof *d + 256;
    char *key = (char *)malloc(room);
    if (!key)
        return NULL;
    const int n =
        snprintf(key, room,
                 "clnorm %d.%d.%d, %d-bit\nsource %016llx%016llx\noptions %s\n"
                 "platform %s, %s\ndevice %s, %s, %s\ndriver %s\n",
                 CLNORM_VERSION_MAJOR, CLNORM_VERSION_MINOR, CLNORM_VERSION_PATCH, (int)sizeof(void *) * 8,
                 (unsigned long long)hash.high64, (unsigned long long)hash.low64, options, d->platform_name,
                 d->platform_version, d->name, d->vendor, d->opencl_c, d->driver);
    assert(n > 0 && (size_t)n < room);
    (void)n;
    return key;
}

/* Appends the compiler's words to the failure at hand. */
static void append_build_log(cl_program program, cl_device_id device)
{
    size_t bytes = 0;
    if (clGetProgramBuildInfo(program, device, CL_PROGRAM_BUILD_LOG, 0, NULL, &bytes) != CL_SUCCESS)
        return;
    char *log = (char *)calloc(bytes + 1, 1);
    if (!log)
        return;
    if (clGetProgramBuildInfo(program, device, CL_PROGRAM_BUILD_LOG, bytes, log, NULL) == CL_SUCCESS)
        cln_fail_more("; the compiler says:\n%.*s", LOG_MOST, log);
    free(log);
}

/* EBUILD only where the compiler has refused the program, for what it says or for what the device lacks: a smaller one may
 * build. */
static clnorm_status build_program(const cln_program_env *env, cl_program program, const char *options)
{
    const cl_device_id id = env->device->id;
    const cl_int code = clBuildProgram(program, 1, &id, options, NULL, NULL);
    const clnorm_status status = CLN_CL_STATUS(code, "clBuildProgram");
    if (status != CLNORM_ECL)
        return status;
    cln_fail_more(": the program did not build for %s with the options \"%.600s\"", env->device->name,
                  options);
    append_build_log(program, id);
    const bool refused =
        code == CL_BUILD_PROGRAM_FAILURE || code == CL_INVALID_BUILD_OPTIONS || code == CL_OUT_OF_RESOURCES;
    return refused ? CLNORM_EBUILD : CLNORM_ECL;
}

static clnorm_status build_source(const cln_program_env *env, const char *source, const char *options,
                                  cl_program *out)
{
    cl_int code;
    *out = NULL;
    cl_program program = clCreateProgramWithSource(env->context, 1, &source, NULL, &code);
    CLN_TRY(CLN_CL_STATUS(code, "clCreateProgramWithSource"));
    const clnorm_status status = build_program(env, program, options);
    if (status == CLNORM_OK)
        *out = program;
    else
        clReleaseProgram(program);
    return status;
}

/* NULL when the driver does not take the binary. It says nothing: the source decides what is an error. */
static cl_program build_binary(const cln_program_env *env, const unsigned char *binary, size_t bytes,
                               const char *options)
{
    const cl_device_id id = env->device->id;
    cl_int taken = CL_SUCCESS, code;
    cl_program program = clCreateProgramWithBinary(env->context, 1, &id, &bytes, &binary, &taken, &code);
    if (code == CL_SUCCESS && taken == CL_SUCCESS &&
        clBuildProgram(program, 1, &id, options, NULL, NULL) == CL_SUCCESS)
        return program;
    if (code == CL_SUCCESS)
        clReleaseProgram(program);
    return NULL;
}

/* The program of a cached binary, or NULL; *rejected says that there was one and it is no good. */
static cl_program load(const cln_program_env *env, const char *key, const char *options, bool *rejected)
{
    unsigned char *binary;
    size_t bytes;
    *rejected = false;
    if (!key || !cln_cache_load(env->cache_dir, key, &binary, &bytes, rejected))
        return NULL;
    cl_program program = build_binary(env, binary, bytes, options);
    free(binary);
    *rejected = !program;
    return program;
}

void cln_attempt_drop(cln_attempt *a)
{
    if (a->program)
        clReleaseProgram(a->program);
    free(a->key);
}

void cln_attempt_cached(const cln_program_env *env, const char *source, const char *options, cln_attempt *a)
{
    const uint64_t start = cln_now_ns();
    if (env->cache_dir[0])
        a->key = cache_key(env, source, options); /* without memory for it there is no cache, no failure */
    a->program = load(env, a->key, options, &a->rejected);
    a->loaded = a->program != NULL;
    a->ns = cln_now_ns() - start;
    if (a->loaded)
        cln_program_say(env, CLNORM_LOG_INFO, "loaded a program", options, a->ns);
    else if (a->rejected)
        cln_program_say(env, CLNORM_LOG_WARN, "refused a damaged or foreign binary in the cache", options,
                        a->ns);
}

clnorm_status cln_attempt_make(const cln_program_env *env, const char *source, const char *options,
                               cln_attempt *a)
{
    cln_attempt_cached(env, source, options, a);
    if (a->loaded)
        return CLNORM_OK;
    const uint64_t start = cln_now_ns();
    const clnorm_status status = build_source(env, source, options, &a->program);
    a->ns = cln_now_ns() - start;
    if (status == CLNORM_OK)
        cln_program_say(env, CLNORM_LOG_INFO, "built a program", options, a->ns);
    return status;
}

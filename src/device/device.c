/* device.c -- every device query, once. */
#define _POSIX_C_SOURCE 200809L
#include "device/device.h"

#include "base/status.h"

#include <stdlib.h>
#include <string.h>
#if !defined(_WIN32)
#include <unistd.h>
#endif

/* Copies what fits, without the blanks that some drivers put around names. */
static void copy_trimmed(char *out, size_t room, const char *text)
{
    text += strspn(text, " \t\n");
    size_t n = strlen(text);
    if (n > room - 1)
        n = room - 1;
    while (n > 0 && strchr(" \t\n", text[n - 1]))
        n--;
    memcpy(out, text, n);
    out[n] = '\0';
}

/* A device's text in full; malloc'ed, for extensions have no bound. */
static clnorm_status device_text(char **out, cl_device_id id, cl_device_info what)
{
    size_t bytes = 0;
    *out = NULL;
    CLN_CL(clGetDeviceInfo(id, what, 0, NULL, &bytes));
    char *text = (char *)calloc(bytes + 1, 1);
    if (!text)
        return cln_fail(CLNORM_ENOMEM, "no host memory for the description of a device");
    const clnorm_status status =
        CLN_CL_STATUS(clGetDeviceInfo(id, what, bytes, text, NULL), "clGetDeviceInfo");
    if (status == CLNORM_OK)
        *out = text;
    else
        free(text);
    return status;
}

static clnorm_status device_name(char *out, size_t room, cl_device_id id, cl_device_info what)
{
    char *text;
    CLN_TRY(device_text(&text, id, what));
    copy_trimmed(out, room, text);
    free(text);
    return CLNORM_OK;
}

static clnorm_status platform_name(char *out, size_t room, cl_platform_id id, cl_platform_info what)
{
    char text[1024] = "";
    CLN_CL(clGetPlatformInfo(id, what, sizeof text - 1, text, NULL));
    copy_trimmed(out, room, text);
    return CLNORM_OK;
}

static clnorm_status query_texts(cln_device *d)
{
    CLN_TRY(device_name(d->name, sizeof d->name, d->id, CL_DEVICE_NAME));
    CLN_TRY(device_name(d->vendor, sizeof d->vendor, d->id, CL_DEVICE_VENDOR));
    CLN_TRY(device_name(d->driver, sizeof d->driver, d->id, CL_DRIVER_VERSION));
    CLN_TRY(device_name(d->opencl_c, sizeof d->opencl_c, d->id, CL_DEVICE_OPENCL_C_VERSION));
    CLN_TRY(platform_name(d->platform_name, sizeof d->platform_name, d->platform, CL_PLATFORM_NAME));
    CLN_TRY(platform_name(d->platform_version, sizeof d->platform_version, d->platform, CL_PLATFORM_VERSION));
    d->mesa22 = strcmp(d->platform_name, "rusticl") == 0 && strncmp(d->driver, "22.", 3) == 0;
    d->pocl = strstr(d->platform_name, "Portable Computing Language") != NULL;
    return CLNORM_OK;
}

/* Whether a blank-separated list has the word; strstr alone would find a longer name. */
static bool has_word(const char *list, const char *word)
{
    const size_t n = strlen(word);
    for (const char *at = strstr(list, word); at; at = strstr(at + n, word))
        if ((at == list || at[-1] == ' ') && (at[n] == ' ' || at[n] == '\0'))
            return true;
    return false;
}

/* A function is no object, so the address is copied. */
static void find_commands(cln_commands *out, cl_platform_id platform)
{
    void *const at = clGetExtensionFunctionAddressForPlatform(platform, "clCommandNDRangeKernelKHR");
    memcpy(&out->kernel, &at, sizeof at);
}

#ifndef CL_DEVICE_SUB_GROUP_SIZES_INTEL /* of cl_intel_required_subgroup_size */
#define CL_DEVICE_SUB_GROUP_SIZES_INTEL 0x4108
#endif

/* Where it has the extension. */
static clnorm_status query_subgroups(cln_device *d)
{
    size_t sizes[32], bytes = 0;
    CLN_CL(clGetDeviceInfo(d->id, CL_DEVICE_SUB_GROUP_SIZES_INTEL, 0, NULL, &bytes));
    if (bytes > sizeof sizes) /* more than there are powers of two */
        return CLNORM_OK;
    CLN_CL(clGetDeviceInfo(d->id, CL_DEVICE_SUB_GROUP_SIZES_INTEL, bytes, sizes, NULL));
    for (size_t k = 0; k < bytes / sizeof *sizes; k++)
        if (sizes[k] > 1 && sizes[k] <= 128 && !(sizes[k] & (sizes[k] - 1)))
            d->subgroups |= (uint32_t)sizes[k];
    return CLNORM_OK;
}

/* By extension and not by CL_DEVICE_DOUBLE_FP_CONFIG, which a 1.1 device may refuse to answer. */
static clnorm_status query_extensions(cln_device *d)
{
    char *text;
    CLN_TRY(device_text(&text, d->id, CL_DEVICE_EXTENSIONS));
    d->fp16 = has_word(text, "cl_khr_fp16");
    d->fp64 = has_word(text, "cl_khr_fp64");
    if (has_word(text, "cl_khr_command_buffer"))
        find_commands(&d->commands, d->platform);
    const bool subgroups =
        has_word(text, "cl_khr_subgroup_shuffle") && has_word(text, "cl_intel_required_subgroup_size");
    free(text);
    return subgroups ? query_subgroups(d) : CLNORM_OK;
}

/* Of a core of this host, which a CPU's device runs on; no runtime tells. */
static uint64_t second_level(void)
{
#if defined(_SC_LEVEL2_CACHE_SIZE)
    const long bytes = sysconf(_SC_LEVEL2_CACHE_SIZE);
    return bytes > 0 ? (uint64_t)bytes : 0;
#else
    return 0;
#endif
}

#define LEAST_ARGUMENTS 1024 /* of a kernel, in bytes: a layer's are 800 */

static clnorm_status query_numbers(cln_device *d)
{
    cl_bool images = CL_FALSE;
    cl_uint units = 0;
    cl_ulong local = 0, global = 0, alloc = 0, cache = 0;
    size_t max_wg = 0, arguments = 0;
    CLN_CL(clGetDeviceInfo(d->id, CL_DEVICE_IMAGE_SUPPORT, sizeof images, &images, NULL));
    CLN_CL(clGetDeviceInfo(d->id, CL_DEVICE_MAX_COMPUTE_UNITS, sizeof units, &units, NULL));
    CLN_CL(clGetDeviceInfo(d->id, CL_DEVICE_MAX_WORK_GROUP_SIZE, sizeof max_wg, &max_wg, NULL));
    CLN_CL(clGetDeviceInfo(d->id, CL_DEVICE_MAX_PARAMETER_SIZE, sizeof arguments, &arguments, NULL));
    CLN_CL(clGetDeviceInfo(d->id, CL_DEVICE_LOCAL_MEM_SIZE, sizeof local, &local, NULL));
    CLN_CL(clGetDeviceInfo(d->id, CL_DEVICE_GLOBAL_MEM_SIZE, sizeof global, &global, NULL));
    CLN_CL(clGetDeviceInfo(d->id, CL_DEVICE_MAX_MEM_ALLOC_SIZE, sizeof alloc, &alloc, NULL));
    CLN_CL(clGetDeviceInfo(d->id, CL_DEVICE_GLOBAL_MEM_CACHE_SIZE, sizeof cache, &cache, NULL));
    if (arguments < LEAST_ARGUMENTS)
        return cln_fail(CLNORM_EDEVICE,
                        "%s takes %zu bytes of arguments; %d are needed, which OpenCL's full profile has",
                        d->name, arguments, LEAST_ARGUMENTS);
    d->images = images != CL_FALSE;
    d->units = units ? units : 1; /* who says none has one at least */
    d->max_wg = max_wg < UINT32_MAX ? (uint32_t)max_wg : UINT32_MAX;
    d->local_bytes = local;
    d->global_bytes = global;
    d->max_alloc = alloc;
    d->cache_bytes = cache;
    d->near_bytes = d->cpu ? second_level() : 0;
    return CLNORM_OK;
}

static clnorm_status query(cln_device *d)
{
    CLN_CL(clGetDeviceInfo(d->id, CL_DEVICE_PLATFORM, sizeof d->platform, &d->platform, NULL));
    CLN_CL(clGetDeviceInfo(d->id, CL_DEVICE_TYPE, sizeof d->type, &d->type, NULL));
    d->cpu = (d->type & CL_DEVICE_TYPE_CPU) != 0;
    CLN_TRY(query_texts(d));
    CLN_TRY(query_extensions(d));
    return query_numbers(d);
}

clnorm_status cln_device_query(cln_device *out, cl_device_id id)
{
    memset(out, 0, sizeof *out);
    out->id = id;
    const clnorm_status status = query(out);
    if (status != CLNORM_OK)
        memset(out, 0, sizeof *out);
    return status;
}

/* status.c -- the thread's last error. */
#include "base/status.h"

#include <stdio.h>
#include <string.h>

static CLN_THREAD_LOCAL cln_failure last;
#define TEXT sizeof last.text

const char *clnorm_status_text(clnorm_status status)
{
    switch (status) {
#define TEXT_OF(name, value, text) \
    case CLNORM_##name:            \
        return text;
        CLNORM_STATUS_MAP(TEXT_OF)
#undef TEXT_OF
    default:
        return "an unknown status";
    }
}

const char *clnorm_last_error(cl_int *cl_code)
{
    if (cl_code)
        *cl_code = last.code;
    return last.text;
}

uint32_t clnorm_version(void)
{
    return CLNORM_VERSION_MAJOR << 16 | CLNORM_VERSION_MINOR << 8 | CLNORM_VERSION_PATCH;
}

static void fail(cl_int code, const char *format, va_list args)
{
    char text[TEXT]; /* the arguments may point into last.text */
    vsnprintf(text, sizeof text, format, args);
    memcpy(last.text, text, sizeof text);
    last.code = code;
}

clnorm_status cln_fail(clnorm_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fail(0, format, args);
    va_end(args);
    return status;
}

clnorm_status cln_fail_room(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fail(CL_MEM_OBJECT_ALLOCATION_FAILURE, format, args);
    va_end(args);
    return CLNORM_ENOMEM;
}

void cln_fail_keep(cln_failure *out) { *out = last; }

void cln_fail_put_back(const cln_failure *failure) { last = *failure; }

void cln_fail_more(const char *format, ...)
{
    const size_t used = strlen(last.text);
    va_list args;
    va_start(args, format);
    vsnprintf(last.text + used, TEXT - used, format, args);
    va_end(args);
}

static const struct {
    cl_int code;
    const char *name;
} cl_names[] = {
#define NAME(code)  \
    {               \
        code, #code \
    }
    NAME(CL_SUCCESS),
    NAME(CL_DEVICE_NOT_FOUND),
    NAME(CL_DEVICE_NOT_AVAILABLE),
    NAME(CL_COMPILER_NOT_AVAILABLE),
    NAME(CL_MEM_OBJECT_ALLOCATION_FAILURE),
    NAME(CL_OUT_OF_RESOURCES),
    NAME(CL_OUT_OF_HOST_MEMORY),
    NAME(CL_PROFILING_INFO_NOT_AVAILABLE),
    NAME(CL_MEM_COPY_OVERLAP),
    NAME(CL_BUILD_PROGRAM_FAILURE),
    NAME(CL_MAP_FAILURE),
    NAME(CL_MISALIGNED_SUB_BUFFER_OFFSET),
    NAME(CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST),
    NAME(CL_INVALID_VALUE),
    NAME(CL_INVALID_DEVICE_TYPE),
    NAME(CL_INVALID_PLATFORM),
    NAME(CL_INVALID_DEVICE),
    NAME(CL_INVALID_CONTEXT),
    NAME(CL_INVALID_QUEUE_PROPERTIES),
    NAME(CL_INVALID_COMMAND_QUEUE),
    NAME(CL_INVALID_HOST_PTR),
    NAME(CL_INVALID_MEM_OBJECT),
    NAME(CL_INVALID_BINARY),
    NAME(CL_INVALID_BUILD_OPTIONS),
    NAME(CL_INVALID_PROGRAM),
    NAME(CL_INVALID_PROGRAM_EXECUTABLE),
    NAME(CL_INVALID_KERNEL_NAME),
    NAME(CL_INVALID_KERNEL_DEFINITION),
    NAME(CL_INVALID_KERNEL),
    NAME(CL_INVALID_ARG_INDEX),
    NAME(CL_INVALID_ARG_VALUE),
    NAME(CL_INVALID_ARG_SIZE),
    NAME(CL_INVALID_KERNEL_ARGS),
    NAME(CL_INVALID_WORK_DIMENSION),
    NAME(CL_INVALID_WORK_GROUP_SIZE),
    NAME(CL_INVALID_WORK_ITEM_SIZE),
    NAME(CL_INVALID_GLOBAL_OFFSET),
    NAME(CL_INVALID_EVENT_WAIT_LIST),
    NAME(CL_INVALID_EVENT),
    NAME(CL_INVALID_OPERATION),
    NAME(CL_INVALID_BUFFER_SIZE),
    NAME(CL_INVALID_GLOBAL_WORK_SIZE),
    { -1001, "CL_PLATFORM_NOT_FOUND_KHR" },
#undef NAME
};

const char *cln_cl_name(cl_int code)
{
    for (size_t i = 0; i < CLN_COUNT(cl_names); i++)
        if (cl_names[i].code == code)
            return cl_names[i].name;
    return "an unknown OpenCL error";
}

clnorm_status cln_fail_cl(cl_int code, const char *call, const char *file, int line)
{
    const int memory = code == CL_MEM_OBJECT_ALLOCATION_FAILURE || code == CL_OUT_OF_HOST_MEMORY;
    const char *base = strrchr(file, '/');
    const size_t name = strcspn(call, "(");
    cln_fail(memory ? CLNORM_ENOMEM : CLNORM_ECL, "%.*s returned %s (%d), %s:%d", (int)name, call,
             cln_cl_name(code), (int)code, base ? base + 1 : file, line);
    last.code = code;
    return memory ? CLNORM_ENOMEM : CLNORM_ECL;
}

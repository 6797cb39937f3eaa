/* session.c -- the command's use of the library: a device, a context, one plan run on
 * host memory. */
#define _POSIX_C_SOURCE 200809L
#include "cli/session.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

double cli_now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

/* ---- failures ---- */

static const struct {
    clnorm_status status;
    int code;
} codes[] = {
    { CLNORM_OK, EXIT_OK },          { CLNORM_EARG, EXIT_USAGE },
    { CLNORM_ESHAPE, EXIT_INPUT },   { CLNORM_EDTYPE, EXIT_INPUT },
    { CLNORM_EBUFFER, EXIT_INPUT },  { CLNORM_EUNSUPPORTED, EXIT_INPUT },
    { CLNORM_EIO, EXIT_INPUT },      { CLNORM_EDATA, EXIT_INPUT },
    { CLNORM_EDEVICE, EXIT_DEVICE }, { CLNORM_ENODEVICE, EXIT_DEVICE },
    { CLNORM_ENOMEM, EXIT_MEMORY },  { CLNORM_EWORKSPACE, EXIT_MEMORY },
};

int cli_status_code(clnorm_status status)
{
    for (size_t k = 0; k < sizeof codes / sizeof *codes; k++)
        if (codes[k].status == status)
            return codes[k].code;
    return EXIT_OPENCL;
}

/* The compiler's log is lines, behind the first. */
int cli_status(clnorm_status status)
{
    const char *said = clnorm_last_error(NULL), *text = said[0] ? said : clnorm_status_text(status);
    const char *log = status == CLNORM_EBUILD ? strchr(text, '\n') : NULL;
    if (status == CLNORM_OK)
        return EXIT_OK;
    cli_fail(EXIT_OK, "%.*s", (int)(log ? (size_t)(log - text) : strlen(text)), text);
    if (log)
        cli_fail_log(log + 1);
    return cli_status_code(status);
}

int cli_fail_cl(cl_int code, const char *call)
{
    const bool memory = code == CL_MEM_OBJECT_ALLOCATION_FAILURE || code == CL_OUT_OF_HOST_MEMORY;
    return cli_fail(memory ? EXIT_MEMORY : EXIT_OPENCL, "%s failed with OpenCL error %d", call, (int)code);
}

/* ---- context ---- */

static void log_line(void *user, int level, const char *text)
{
    const cli_args *args = (const cli_args *)user;
    const int most = args->verbose ? CLNORM_LOG_INFO : args->quiet ? CLNORM_LOG_ERROR : CLNORM_LOG_WARN;
    if (level <= most)
        cli_fail(EXIT_OK, "%s", text); /* names in it are made safe to print */
}

static void progress(void *user, const char *what, int done, int total)
{
    (void)user;
    fprintf(stderr, "\rclnorm: building %s (%d of %d)%s", what, done, total, done < total ? "" : "\r\033[K");
}

const char *cli_device(const cli_args *args)
{
    const char *given = cli_get(args, "device");
    return given ? given : getenv("CLNORM_DEVICE");
}

static void make_printable(char *text, size_t room)
{
    if (text[0])
        snprintf(text, room, "%s", cli_quote(text));
}

void cli_printable_device(clnorm_device *d)
{
    make_printable(d->name, sizeof d->name);
    make_printable(d->platform_name, sizeof d->platform_name);
    make_printable(d->vendor, sizeof d->vendor);
    make_printable(d->driver, sizeof d->driver);
    make_printable(d->opencl_c, sizeof d->opencl_c);
}

int cli_find_device(clnorm_device *out, const cli_args *args)
{
    const clnorm_status st = clnorm_device_find(out, cli_device(args));
    if (st == CLNORM_OK)
        cli_printable_device(out);
    return st == CLNORM_EDEVICE
               ? cli_fail(EXIT_DEVICE, "%s: %s", cli_has(args, "device") ? "--device" : "CLNORM_DEVICE",
                          clnorm_last_error(NULL))
               : cli_status(st);
}

clnorm_options cli_context_options(const cli_args *args)
{
    clnorm_options o;
    memset(&o, 0, sizeof o);
    o.size = (uint32_t)sizeof o;
    o.flags = CLNORM_LAZY;
    o.cache_dir = cli_get(args, "cache-dir");
    if (cli_has(args, "no-cache"))
        o.flags |= CLNORM_CACHE_OFF;
    else if (o.cache_dir) /* who names a directory wants it used, even on PoCL */
        o.flags |= CLNORM_CACHE_ON;
    o.tuning_file = cli_get(args, "tuning");
    o.log = log_line;
    o.log_user = (void *)(uintptr_t)args;
    if (!args->quiet && isatty(STDERR_FILENO))
        o.progress = progress;
    return o;
}

int cli_session_open(cli_session *out, const cli_args *args)
{
    const clnorm_options options = cli_context_options(args);
    cl_int code;
    memset(out, 0, sizeof *out);
    const int found = cli_find_device(&out->device, args);
    if (found != EXIT_OK)
        return found;
    const cl_context_properties properties[] = { CL_CONTEXT_PLATFORM,
                                                 (cl_context_properties)out->device.platform, 0 };
    out->cl = clCreateContext(properties, 1, &out->device.device, NULL, NULL, &code);
    if (!out->cl)
        return cli_fail_cl(code, "clCreateContext");
    out->queue = clCreateCommandQueue(out->cl, out->device.device, 0, &code);
    if (!out->queue)
        return cli_fail_cl(code, "clCreateCommandQueue");
    return cli_status(clnorm_context_create(&out->ctx, out->cl, out->device.device, &options));
}

void cli_session_close(cli_session *s)
{
    clnorm_context_release(s->ctx);
    if (s->queue)
        clReleaseCommandQueue(s->queue);
    if (s->cl)
        clReleaseContext(s->cl);
    memset(s, 0, sizeof *s);
}

/* ---- one run ---- */

/* Before anything is asked of the driver: some say yes to what they cannot hold and fail, or swap, only when it is
 * used. */
int cli_fits_buffer(const clnorm_device *device, uint64_t bytes)
{
    return device->max_alloc_bytes && bytes > device->max_alloc_bytes
               ? cli_fail(EXIT_MEMORY, "one tensor needs %llu bytes; %s allows %llu in one buffer",
                          (unsigned long long)bytes, device->name,
                          (unsigned long long)device->max_alloc_bytes)
               : EXIT_OK;
}

int cli_fits_plan(const clnorm_device *device, const clnorm_plan *plan, uint32_t out)
{
    const int code = cli_fits_buffer(device, clnorm_plan_slot_bytes(plan, CLNORM_X));
    return code == EXIT_OK ? cli_fits_buffer(device, clnorm_plan_slot_bytes(plan, out)) : code;
}

static int check_memory(const cli_session *s, const clnorm_plan *plan, const cli_slots *slots)
{
    uint64_t most = clnorm_plan_workspace(plan), all = most;
    for (size_t k = 0; k < CLNORM_SLOTS; k++) {
        const uint64_t bytes = slots->slot[k].data ? slots->slot[k].bytes : 0;
        most = bytes > most ? bytes : most;
        all += bytes;
    }
    const int code = cli_fits_buffer(&s->device, most);
    if (code != EXIT_OK)
        return code;
    if (s->device.global_bytes && all > s->device.global_bytes)
        return cli_fail(EXIT_MEMORY, "the tensors need %llu bytes; %s has %llu", (unsigned long long)all,
                        s->device.name, (unsigned long long)s->device.global_bytes);
    return EXIT_OK;
}

int cli_buffer_create(const cli_session *s, size_t bytes, cl_mem *mem)
{
    const int fits = cli_fits_buffer(&s->device, bytes);
    cl_int code;
    *mem = NULL;
    if (fits != EXIT_OK)
        return fits;
    *mem = clCreateBuffer(s->cl, CL_MEM_READ_WRITE, bytes ? bytes : 16, NULL, &code);
    return *mem
               ? EXIT_OK
               : cli_fail(EXIT_MEMORY, "a buffer of %llu bytes was refused with OpenCL error %d; %s has %llu",
                          (unsigned long long)bytes, (int)code, s->device.name,
                          (unsigned long long)s->device.global_bytes);
}

static int upload(const cli_session *s, const cli_slots *slots, clnorm_args *args)
{
    for (size_t k = 0; k < CLNORM_SLOTS; k++) {
        if (!slots->slot[k].data)
            continue;
        const int made = cli_buffer_create(s, slots->slot[k].bytes, &args->slot[k].mem);
        if (made != EXIT_OK)
            return made;
        if ((slots->slot[k].output && !slots->slot[k].update) || !slots->slot[k].bytes)
            continue;
        const cl_int code = clEnqueueWriteBuffer(s->queue, args->slot[k].mem, CL_TRUE, 0,
                                                 slots->slot[k].bytes, slots->slot[k].data, 0, NULL, NULL);
        if (code != CL_SUCCESS)
            return cli_fail_cl(code, "clEnqueueWriteBuffer");
    }
    return EXIT_OK;
}

static int download(const cli_session *s, const cli_slots *slots, const clnorm_args *args)
{
    for (size_t k = 0; k < CLNORM_SLOTS; k++) {
        if (!slots->slot[k].data || !slots->slot[k].output || !slots->slot[k].bytes)
            continue;
        const cl_int code = clEnqueueReadBuffer(s->queue, args->slot[k].mem, CL_TRUE, 0, slots->slot[k].bytes,
                                                slots->slot[k].data, 0, NULL, NULL);
        if (code != CL_SUCCESS)
            return cli_fail_cl(code, "clEnqueueReadBuffer");
    }
    return EXIT_OK;
}

int cli_finish(cl_event event)
{
    cl_int status = CL_COMPLETE;
    cl_int code = event ? clWaitForEvents(1, &event) : CL_SUCCESS;
    if (event && code == CL_SUCCESS)
        code = clGetEventInfo(event, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof status, &status, NULL);
    if (code == CL_SUCCESS && status < 0)
        code = status;
    if (event)
        clReleaseEvent(event);
    return code == CL_SUCCESS ? EXIT_OK : cli_fail_cl(code, "the kernel");
}

static int launch(const cli_session *s, const clnorm_plan *plan, const clnorm_args *args, cli_times *times)
{
    cl_event event = NULL;
    const double start = cli_now_ms();
    const clnorm_status status = clnorm_enqueue(plan, s->queue, args, 0, NULL, &event);
    if (status != CLNORM_OK)
        return cli_status(status);
    clFlush(s->queue);
    const int code = cli_finish(event);
    times->run_ms = cli_now_ms() - start;
    return code;
}

int cli_execute(const cli_session *s, const clnorm_plan *plan, const cli_slots *slots, cli_times *times)
{
    clnorm_args args = CLNORM_ARGS_INIT;
    if (!slots->slot[CLNORM_X].bytes)
        return EXIT_OK;
    args.flags = slots->cumulative ? CLNORM_CUMULATIVE : 0;
    args.count = slots->count;
    int code = check_memory(s, plan, slots);
    if (code == EXIT_OK)
        code = upload(s, slots, &args);
    if (code == EXIT_OK)
        code = launch(s, plan, &args, times);
    if (code == EXIT_OK)
        code = download(s, slots, &args);
    for (size_t k = 0; k < CLNORM_SLOTS; k++)
        if (args.slot[k].mem)
            clReleaseMemObject(args.slot[k].mem);
    return code;
}

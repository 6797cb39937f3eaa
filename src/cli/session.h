/* session.h -- the command's use of the library: a device, a context, one plan run on
 * host memory. */
#ifndef CLI_SESSION_H
#define CLI_SESSION_H

#include "cli/args.h"
#include "cli/io.h"

/* A device with an OpenCL context and queue of the command's own. */
typedef struct cli_session {
    clnorm_device device;
    cl_context cl;
    cl_command_queue queue;
    clnorm_context *ctx;
} cli_session;

/* Opens the device that --device or CLNORM_DEVICE names. Nothing is built yet: each plan
 * builds what it needs. */
int cli_session_open(cli_session *out, const cli_args *args);
void cli_session_close(cli_session *s);

/* A sentence about a call of OpenCL that failed. */
int cli_fail_cl(cl_int code, const char *call);
/* OpenCL has no empty buffers: of 0 bytes is one that nobody touches. */
int cli_buffer_create(const cli_session *s, size_t bytes, cl_mem *mem);
/* Waits for the event, where there is one, releases it and looks at its status: a kernel that failed shows there and nowhere else. */
int cli_finish(cl_event event);
/* EXIT_MEMORY after a sentence where a device allows no buffer of so many bytes. */
int cli_fits_buffer(const clnorm_device *device, uint64_t bytes);
/* The same for x and the slot `out` of a plan. */
int cli_fits_plan(const clnorm_device *device, const clnorm_plan *plan, uint32_t out);
/* Prints the library's sentence for a failure and returns the exit code that belongs to
 * it. */
int cli_status(clnorm_status status);
int cli_status_code(clnorm_status status);
/* The device that was asked for; NULL for the preferred one. */
const char *cli_device(const cli_args *args);
/* The same, found, its texts printable; a failure says who named it. */
int cli_find_device(clnorm_device *out, const cli_args *args);
/* What a driver says of itself, as cli_quote has it: it may drive a terminal. */
void cli_printable_device(clnorm_device *d);
/* Options of a context, as --cache-dir, --no-cache, -q and -v say. */
clnorm_options cli_context_options(const cli_args *args);

/* What one run took. */
typedef struct cli_times {
    double build_ms, run_ms;
} cli_times;

/* Host memory of every slot of a plan; NULL is absent. bytes are from element (0,0,..)
 * on. */
typedef struct cli_slots {
    struct {
        void *data;
        size_t bytes;
        bool output, update; /* written; written and read before */
    } slot[CLNORM_SLOTS];
    bool cumulative; /* with count, as clnorm_args has them */
    uint64_t count;
} cli_slots;

/* Uploads, runs, waits, and downloads only after the last event is complete and checked.
 * An empty x runs nothing and leaves the outputs as they are. */
int cli_execute(const cli_session *s, const clnorm_plan *plan, const cli_slots *slots, cli_times *times);
/* Milliseconds since an arbitrary moment. */
double cli_now_ms(void);

#endif

/* clnorm.h -- normalization for vision on any OpenCL device: the life cycle of a call.
 *
 * Three levels.
 *
 *   Simple, data on the host:          Your own OpenCL:
 *     clnorm_context *ctx;               clnorm_context_create(&ctx, cl, device, NULL);
 *     clnorm_open(&ctx, NULL, NULL);     clnorm_normalize_plan(&plan, ctx, &desc, CLNORM_ESTIMATE);
 *     clnorm_run_host(ctx, &op, &io);    args.slot[CLNORM_X].mem = x; args.slot[CLNORM_Y].mem = y;
 *     clnorm_close(ctx);                 clnorm_enqueue(plan, queue, &args, 1, &decoded, &done);
 *
 *   Extending: `moments` writes count, mean and M2 of every set, which merge by Chan's formula.
 *
 * Headers   This one gives all of them. What calls return is in clnorm_status.h, tensors and slots in
 *           clnorm_tensor.h, the ops' descriptors in those that clnorm_ops.h lists.
 * Threads   Functions on different objects never interfere. A context may be used from any thread;
 *           a plan is immutable and may be enqueued from any number of threads at once. The error
 *           text is per thread. After fork() the child may not use the library: every call there that
 *           needs a device returns CLNORM_EFORK, because OpenCL itself does not survive a fork.
 * Waiting   Only clnorm_run_host, clnorm_team_run, clnorm_tune, a plan made with CLNORM_MEASURE or whose products
 *           are CLBlast's, the release of a context's last owner (clnorm_close, clnorm_context_release, or that of
 *           its last plan or team; for what the library itself has in flight), and, with options.buffer_free, a
 *           plan that needs a larger workspace than those before, wait for the device.
 * Building  clnorm_open, clnorm_context_create, clnorm_context_prepare, clnorm_plan_create, clnorm_run,
 *           clnorm_run_host and clnorm_tune compile kernels; clnorm_enqueue never does.
 * ABI       Within a major version symbols, enum values and struct fields are only appended. Structs
 *           that you pass start with their size; zero in a field that you do not know is its default. Descriptors
 *           of ops have the size of the library's own: what is appended to them goes in `reserved`,
 *           which is 0 until then: what a library does not know it refuses (EARG). */
#ifndef CLNORM_H
#define CLNORM_H

#include "clnorm_fold.h"
#include "clnorm_ops_info.h"
#include "clnorm_whiten.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- devices --------------------------------------------------------------------------- */

/** One OpenCL device, described. */
typedef struct clnorm_device {
    cl_platform_id platform;
    cl_device_id device;
    cl_device_type type;
    char id[16]; /* "platform:device", what clnorm_device_find and --device take */
    char name[128], platform_name[128], vendor[128], driver[64], opencl_c[64];
    uint32_t units;              /* compute units */
    uint32_t fp16, fp64, images; /* 1 where the device has it; the library needs none of them */
    uint64_t local_bytes, global_bytes, max_alloc_bytes;
} clnorm_device;

/** All devices of all platforms, in the order in which `find` prefers them: GPU, accelerator, CPU.
 *
 *  list, room  receives up to room devices; may be NULL, 0.  count  receives how many there are.
 *  Errors      ENODEVICE with a sentence that says what to install. A platform without a device is
 *              skipped. */
CLNORM_API clnorm_status clnorm_devices(clnorm_device *list, size_t room, size_t *count);

/** The device that `spec` names: "0:0", "gpu", "cpu", "accelerator", or a part of a name (case does not
 *  matter). NULL or "" is the most preferred.
 *  Errors   ENODEVICE none at all; EDEVICE none matches, the sentence lists what there is. */
CLNORM_API clnorm_status clnorm_device_find(clnorm_device *out, const char *spec);

/* ---- context --------------------------------------------------------------------------- */

typedef struct clnorm_context clnorm_context;
typedef struct clnorm_plan clnorm_plan;

#define CLNORM_LAZY 1u      /* options.flags: build nothing at start, all on first plan */
#define CLNORM_CACHE_ON 2u  /* keep binaries on disk even where the runtime has its own cache (PoCL) */
#define CLNORM_CACHE_OFF 4u /* keep none anywhere; not with CLNORM_CACHE_ON */

#define CLNORM_LOG_ERROR 1
#define CLNORM_LOG_WARN 2
#define CLNORM_LOG_INFO 3

/** What a context may be told. All zero but size is the default. */
typedef struct clnorm_options {
    uint32_t size;
    uint32_t flags;
    uint64_t ops; /* start-up set: bit (kind) per op, CLNORM_OP_BIT(kind); 0 = all */
    const char
        *cache_dir; /* of binaries; NULL: CLNORM_CACHE_DIR, else XDG_CACHE_HOME/clnorm, ~/.cache/clnorm */
    const char *kernel_dir; /* reads cl/ from here instead of the embedded text (debugging); NULL: embedded */
    void (*log)(void *user, int level, const char *text); /* the library's only voice, from any thread that
                                                           * builds; it may not call the library. NULL: silent */
    void *log_user;
    void (*progress)(void *user, const char *what, int done, int total); /* while building */
    void *progress_user;
    cl_mem (*buffer_alloc)(void *user, cl_context context,
                           size_t bytes);        /* device memory; NULL: clCreateBuffer */
    void (*buffer_free)(void *user, cl_mem mem); /* they come together */
    void *buffer_user;
    const char *tuning_file; /* of `clnorm tune`; NULL: CLNORM_TUNING, else tuning.txt in the directory of
                              * the cache, if it is there; "": none */
} clnorm_options;

/** A context on the caller's own OpenCL: queries the device once and builds the start-up set.
 *
 *  context, device  the caller's; retained until the last plan and the context are released.
 *  options          NULL for defaults.
 *  Errors           EARG, EDEVICE (the device is not of the context), EBUILD, ECL,
 *                   ENOMEM, EIO (the file that tuning_file names cannot be used; any
 *                   other one is a warning in the log, and one that CLNORM_TUNING
 *                   names and is not there a line of it). */
CLNORM_API clnorm_status clnorm_context_create(clnorm_context **out, cl_context context, cl_device_id device,
                                               const clnorm_options *options);
/** One more owner. NULL is a no-op. */
CLNORM_API void clnorm_context_retain(clnorm_context *ctx);
/** Drops one owner; the last one waits for what the library still has in flight, saves the binary cache and
 *  frees. NULL is a no-op. Plans keep their context alive. */
CLNORM_API void clnorm_context_release(clnorm_context *ctx);

/** Builds ahead of time what plans of these descriptors will need, so that no frame waits
 *  for a compiler. Those with the same types and layout become one program, which takes
 *  less time than one each.
 *
 *  progress is called when each descriptor is ready; it may be NULL.
 *  Errors   EARG for a NULL, and those of clnorm_plan_create. */
CLNORM_API clnorm_status clnorm_context_prepare(clnorm_context *ctx, const clnorm_op *const *ops, size_t n,
                                                void (*progress)(void *user, const char *what, int done,
                                                                 int total),
                                                void *user);

/** Times and counts of a context since it was created; its size is set by the caller. */
typedef struct clnorm_stats {
    uint32_t size;
    uint32_t programs_built, programs_loaded, cache_rejected;
    uint32_t cache_saved; /* 0: a context saves when it is released */
    uint32_t plans;
    uint64_t query_ns, build_ns, load_ns; /* describing the device, compiling source, reading binaries */
} clnorm_stats;
CLNORM_API clnorm_status clnorm_context_stats(clnorm_context *ctx, clnorm_stats *stats);

/** The cl_context, device and (for clnorm_open) queue inside; not retained for the caller. Any may be NULL.
 */
CLNORM_API clnorm_status clnorm_context_handles(clnorm_context *ctx, cl_context *context,
                                                cl_device_id *device, cl_command_queue *queue);
/** The directory of the binary cache; "" when it is off. Valid as long as the context. */
CLNORM_API const char *clnorm_context_cache_dir(const clnorm_context *ctx);

/* ---- plan and enqueue ------------------------------------------------------------------ */

typedef enum clnorm_effort {
    CLNORM_ESTIMATE = 0, /* the cheapest by a table */
    CLNORM_MEASURE = 1,  /* the fastest by timing, on scratch memory; same bits either way */
    CLNORM_NO_BUILD = 2  /* ESTIMATE, but ENOTREADY instead of compiling */
} clnorm_effort;

/** Plans one op: checks shapes, chooses a schedule, builds its kernels if they are not there.
 *
 *  op       a descriptor of clnorm_ops.h, by its first member; copied.
 *  Memory   a plan with a workspace makes the context keep four of that size, of more than 16 MiB one, for calls that
 *           bring none.
 *  Waits    MEASURE, for what it has enqueued itself and for calls without a workspace before it: flush their queues.
 *  Errors   EARG, ESHAPE, EDTYPE, EUNSUPPORTED, EBUILD, ENOTREADY, ENOMEM, ECL, EIO (kernel_dir has no such file). */
CLNORM_API clnorm_status clnorm_plan_create(clnorm_plan **out, clnorm_context *ctx, const clnorm_op *op,
                                            uint32_t effort);

/** Typed plan makers, so that nobody casts: clnorm_layernorm_plan(&plan, ctx, &desc, effort). */
#define CLNORM_PLAN_MAKER(NAME, name, value)                                                     \
    static inline clnorm_status clnorm_##name##_plan(clnorm_plan **out, clnorm_context *ctx,     \
                                                     const clnorm_##name *desc, uint32_t effort) \
    {                                                                                            \
        return clnorm_plan_create(out, ctx, &desc->op, effort);                                  \
    }
CLNORM_KIND_MAP(CLNORM_PLAN_MAKER)
#undef CLNORM_PLAN_MAKER

CLNORM_API void clnorm_plan_retain(const clnorm_plan *plan);
/** Drops one owner. Enqueued work goes on safely. NULL is a no-op. */
CLNORM_API void clnorm_plan_release(const clnorm_plan *plan);
/** Bytes of device workspace that one enqueue needs; may be 0. */
CLNORM_API size_t clnorm_plan_workspace(const clnorm_plan *plan);
/** Bytes from the first to behind the last element of a slot in memory; 0 when the plan neither reads nor writes it.
 *  A buffer's byte_offset is that of element 0, which negative strides put further behind. */
CLNORM_API size_t clnorm_plan_slot_bytes(const clnorm_plan *plan, uint32_t slot);
/** The choice in words, like snprintf: schedule, wg, vec, parts, stages, bytes moved, workspace, and why no
 *  faster schedule applied. */
CLNORM_API size_t clnorm_plan_describe(const clnorm_plan *plan, char *text, size_t room);

/* ---- tuning ------------------------------------------------------------------------------ */

/** What a search found. */
typedef struct clnorm_tuned {
    uint32_t size;
    uint32_t ways;    /* that were tried against another */
    uint32_t changed; /* problems of the op that something beat the estimate in; 0: none */
    double seconds;   /* of measuring */
    double before_ms; /* of one call as estimated: the fastest of many */
    double after_ms;  /* as it runs now, by turn with the other */
} clnorm_tuned;

/** Searches what runs an op fastest on the context's device (schedule, work-group,
 *  vector, how work is shared out, streaming stores), on scratch memory as large as the
 *  op's tensors, and remembers it in the context for the op's class: the same op,
 *  direction, types and layout, with lengths that agree to a power of two. Plans of that
 *  class made from then on run so; the others stay. Every way is verified to give the
 *  same bits, and takes over from the estimate only if it is faster by more than 3 %,
 *  twice. Waits for the device.
 *
 *  seconds  of measuring, about; 0: as long as it takes. Building and verifying come on
 *           top. What the time is too short for stays as it was.
 *  out      NULL, or receives what was found; its size is set by the caller.
 *  Errors   those of clnorm_plan_create; EBUG where bits differ.
 *  Threads  any; other work on the device disturbs the measurement, not the result. */
CLNORM_API clnorm_status clnorm_tune(clnorm_context *ctx, const clnorm_op *op, double seconds,
                                     clnorm_tuned *out);
/** Takes what a file has for the context's device, over what the context remembers of the same classes.
 *
 *  path     NULL: the context's own file (clnorm_tuning_file).
 *  Errors   EARG, EIO with the line that is wrong (then nothing is taken), ENOMEM. */
CLNORM_API clnorm_status clnorm_tuning_load(clnorm_context *ctx, const char *path);
/** Writes what the context remembers to a file, in one step; what it has for other
 *  devices, and comments, stay. A file that is none of tuning is refused; a symbolic link stays, what it leads to is written.
 *  path, Errors  as for loading. */
CLNORM_API clnorm_status clnorm_tuning_save(clnorm_context *ctx, const char *path);
/** The file that the context has read, or would have; "" where it has none. Valid as long as the context. */
CLNORM_API const char *clnorm_tuning_file(const clnorm_context *ctx);

/** The buffers and per-call numbers of one enqueue. All zero but size is "absent". */
typedef struct clnorm_args {
    uint32_t size;
    uint32_t flags; /* CLNORM_CUMULATIVE, or 0; others are EARG */
    clnorm_buffer slot[CLNORM_SLOTS];
    clnorm_buffer workspace; /* mem NULL: from the context's ring */
    double momentum; /* of batchnorm's running statistics, (0, 1]; 0: the descriptor's; others are EARG */
    uint64_t count;  /* batches seen before, with CLNORM_CUMULATIVE */
} clnorm_args;
/* Running statistics are the average of all batches: momentum 1 / (count + 1). */
#define CLNORM_CUMULATIVE 1u
#define CLNORM_ARGS_INIT                                                                         \
    {                                                                                            \
        (uint32_t)sizeof(clnorm_args), 0, { { NULL, 0, NULL, 0 } }, { NULL, 0, NULL, 0 }, 0.0, 0 \
    }

/** Enqueues all stages of a plan. Never waits, flushes, reads back or allocates device memory.
 *
 *  queue    of the plan's context and device, in order or out of order.
 *  args     y may be x where their types have one size and their strides are equal, and so may what
 *           clnorm_layer names; any other overlap of an output is refused, of whole ranges from the first element to
 *           the last: two halves of each row of one buffer overlap. workspace.byte_offset is 0.
 *           Without a workspace calls of one context take turns with its own: those of several queues wait for each
 *           other's events, so flush each queue, and one that fails on the device fails those that wait for it.
 *  wait     nwait events that come first; event (if not NULL) is complete when all outputs are; it may be where
 *           one of wait is, which the caller keeps elsewhere to release it.
 *  Errors   EARG, EBUFFER (missing, too small, of another context, overlapping, misaligned), EDEVICE,
 *           EWORKSPACE, ECL, ENOMEM. On failure *event is NULL and outputs are undefined. */
CLNORM_API clnorm_status clnorm_enqueue(const clnorm_plan *plan, cl_command_queue queue,
                                        const clnorm_args *args, cl_uint nwait, const cl_event *wait,
                                        cl_event *event);

struct _cl_command_buffer_khr;
/** Records all stages of a plan into the caller's command buffer (cl_khr_command_buffer),
 *  which then runs them as often as it is enqueued, on the buffers and numbers of this
 *  call.
 *
 *  queue    that the command buffer was made for, which is not checked; of the plan's
 *           context and device.
 *  buffer   being recorded.
 *  args     as for clnorm_enqueue, but for the workspace: a plan that needs one is given it, and it and all
 *           buffers live as long as the recording. The momentum and count of running statistics are those of
 *           this call.
 *  wait     nwait sync points of the same command buffer that come first; point (if not
 *           NULL) receives that of the last stage. Stages follow each other by sync
 *           points. Where a call has nothing to run (an empty tensor), nothing is
 *           recorded and point stays as it was.
 *  Errors   as clnorm_enqueue; EUNSUPPORTED where the device has no
 *           cl_khr_command_buffer, and for a matrix op whose products are CLBlast's;
 *           EWORKSPACE without the workspace that is needed. After an error of OpenCL's
 *           the recording is incomplete.
 *  Threads  as the extension has it: one recording is of one thread at a time. */
CLNORM_API clnorm_status clnorm_record(const clnorm_plan *plan, cl_command_queue queue,
                                       struct _cl_command_buffer_khr *buffer, const clnorm_args *args,
                                       cl_uint nwait, const cl_uint *wait, cl_uint *point);

/* ---- teams: small tensors on a CPU -------------------------------------------------------- */

/** Threads of the library's own for a context on PoCL's device `basic`, which runs what
 *  is enqueued at once, in the thread that enqueues it. Nothing is woken or waited for by
 *  way of a queue, which is what most of the time goes to on PoCL's usual device below
 *  3 MiB; from 1 MiB in and out they share the groups of each launch, below that the
 *  caller runs them alone. POCL_DEVICES=basic (or "basic pthread") in the environment, before
 *  OpenCL is first used, makes the device. In PoCL 3.1 threads that read back by one
 *  queue of it may wait for each other for ever: each has its own.
 *  GLIBC_TUNABLES=glibc.malloc.tcache_count=127, before the program starts, makes
 *  shared calls up to a third faster (docs/enqueue.md). Results are the same bits. */
typedef struct clnorm_team clnorm_team;

/** threads  with the caller's; 0: one for each core. Between calls they stay awake for
 *           100 us, then sleep. Plans that are made afterwards are for so many cores and
 *           their caches, and what clnorm_plan_describe says of any plan is of those;
 *           none is made or described meanwhile.
 *  Errors   EARG; EUNSUPPORTED where the device is another; ENOMEM, ECL. */
CLNORM_API clnorm_status clnorm_team_create(clnorm_team **out, clnorm_context *ctx, uint32_t threads);
/** Runs a plan of the team's context and returns when its outputs are complete.
 *
 *  args     as for clnorm_enqueue; what they name is not in use by any queue meanwhile.
 *           Without a workspace the team's is taken.
 *  Errors   as clnorm_enqueue.
 *  Threads  any; calls on one team take turns. */
CLNORM_API clnorm_status clnorm_team_run(clnorm_team *team, const clnorm_plan *plan, const clnorm_args *args);
/** Ends its threads. NULL is a no-op. No call may be running. */
CLNORM_API void clnorm_team_release(clnorm_team *team);

/** Plan and enqueue in one call; plans are kept in a small table in the context. Asynchronous, but builds
 *  on first use. */
CLNORM_API clnorm_status clnorm_run(clnorm_context *ctx, cl_command_queue queue, const clnorm_op *op,
                                    const clnorm_args *args, cl_uint nwait, const cl_event *wait,
                                    cl_event *event);

/* ---- the simple level: host memory ------------------------------------------------------- */

/** Host pointers for clnorm_run_host: slot[CLNORM_X] = x and so on, each as large as the descriptor says,
 *  element (0,0,..) first. Strides may not be negative here. */
typedef struct clnorm_host_args {
    uint32_t size;
    uint32_t flags; /* as clnorm_args */
    void *slot[CLNORM_SLOTS];
    double momentum; /* as clnorm_args */
    uint64_t count;
} clnorm_host_args;

/** A context with an OpenCL context and queue of its own on the device that `device` names. */
CLNORM_API clnorm_status clnorm_open(clnorm_context **out, const char *device, const clnorm_options *options);
/** Copies in, runs, copies out, waits. Only for contexts from clnorm_open. */
CLNORM_API clnorm_status clnorm_run_host(clnorm_context *ctx, const clnorm_op *op,
                                         const clnorm_host_args *io);
/** clnorm_context_release by its simple name. */
CLNORM_API void clnorm_close(clnorm_context *ctx);

#ifdef __cplusplus
}
#endif
#endif

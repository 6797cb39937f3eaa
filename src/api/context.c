/* context.c -- a device described, the start-up set built, everything that plans share. */
#include "api/api.h"
#include "base/fork.h"
#include "base/sized.h"
#include "base/status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- memory and programs for the rest of the library ---- */

clnorm_status cln_context_buffer(clnorm_context *ctx, cl_mem_flags flags, size_t bytes, const void *data,
                                 cl_mem *out)
{
    cl_int code = CL_SUCCESS;
    if (bytes > ctx->device.max_alloc)
        return cln_fail_room("a buffer of %zu bytes is wanted; the device allows %llu", bytes,
                             (unsigned long long)ctx->device.max_alloc);
    if (ctx->options.buffer_alloc && !data) {
        *out = ctx->options.buffer_alloc(ctx->options.buffer_user, ctx->cl, bytes);
        return *out ? CLNORM_OK : cln_fail_room("buffer_alloc gave no buffer of %zu bytes", bytes);
    }
    *out = clCreateBuffer(ctx->cl, flags | (data ? CL_MEM_COPY_HOST_PTR : 0), bytes, (void *)(uintptr_t)data,
                          &code);
    return CLN_CL_STATUS(code, "clCreateBuffer");
}

void cln_context_buffer_free(clnorm_context *ctx, cl_mem mem)
{
    if (mem && ctx->options.buffer_free)
        ctx->options.buffer_free(ctx->options.buffer_user, mem);
    else if (mem)
        clReleaseMemObject(mem);
}

/* What a body's program is built from: the kernels of its stages; whole: all that the op has. */
typedef struct unit {
    char text[2048], whole[64], options[768];
} unit;

static void add_line(unit *u, const char *start, const char *name, const char *end)
{
    const size_t used = strlen(u->text);
    snprintf(u->text + used, sizeof u->text - used, "%s%s%s\n", start, name, end);
}

/* A line for each kernel, once. */
static void add_kernels(unit *u, const cln_body *body, const char *start, const char *end)
{
    for (size_t i = 0; i < body->nstages; i++) {
        const char *const name = cln_body_kernel(body, i);
        size_t before = 0;
        while (name && before < i &&
               (!cln_body_kernel(body, before) || strcmp(cln_body_kernel(body, before), name)))
            before++;
        if (name && before == i)
            add_line(u, start, name, end);
    }
}

static unit unit_of(const clnorm_context *ctx, const cln_body *body, int variant)
{
    unit u = { .text = "#define SOME_KERNELS 1\n" };
    add_kernels(&u, body, "#define KERNEL_", " 1");
    add_line(&u, "#include \"", body->problem.op->info.name, ".cl\"");
    add_kernels(&u, body, "#undef KERNEL_", "");
    add_line(&u, "#undef ", "SOME_KERNELS", "");
    snprintf(u.whole, sizeof u.whole, "#undef SOME_KERNELS\n#include \"%s.cl\"\n",
             body->problem.op->info.name);
    cln_stage_options(u.options, sizeof u.options, body, &ctx->params, variant);
    return u;
}

clnorm_status cln_context_program(clnorm_context *ctx, const cln_body *body, int variant, bool build,
                                  cl_program *out)
{
    const unit u = unit_of(ctx, body, variant);
    return cln_programs_get(ctx->programs, u.text, u.whole, u.options, build, out);
}

clnorm_status cln_context_want(clnorm_context *ctx, const cln_body *body, int variant, bool whole)
{
    const unit u = unit_of(ctx, body, variant);
    return cln_programs_want(ctx->programs, u.text, whole ? u.whole : u.text, u.options);
}

/* ---- life ---- */

static uint64_t all_ops(void)
{
    const clnorm_op_info *op;
    uint64_t bits = 0;
    for (size_t k = 0; (op = clnorm_op_at(k)) != NULL; k++)
        bits |= CLNORM_OP_BIT(op->kind);
    return bits;
}

static clnorm_status copy_options(clnorm_context *ctx, const clnorm_options *options)
{
    if (!options)
        return CLNORM_OK;
    CLN_TRY(cln_sized_read(&ctx->options, options, offsetof(clnorm_options, ops), sizeof ctx->options,
                           "options.size", "clnorm_options"));
    if (ctx->options.flags & ~(CLNORM_LAZY | CLNORM_CACHE_ON | CLNORM_CACHE_OFF))
        return cln_fail(CLNORM_EARG, "options.flags is 0x%x; CLNORM_LAZY, _CACHE_ON and _CACHE_OFF are known",
                        ctx->options.flags);
    if (ctx->options.flags & CLNORM_CACHE_ON && ctx->options.flags & CLNORM_CACHE_OFF)
        return cln_fail(CLNORM_EARG, "options.flags is 0x%x; CLNORM_CACHE_ON or CLNORM_CACHE_OFF, not both",
                        ctx->options.flags);
    if (ctx->options.ops & ~all_ops())
        return cln_fail(CLNORM_EARG, "options.ops is 0x%llx; 0x%llx are the bits of all ops",
                        (unsigned long long)ctx->options.ops, (unsigned long long)all_ops());
    if (!ctx->options.buffer_alloc != !ctx->options.buffer_free)
        return cln_fail(CLNORM_EARG, "options: buffer_alloc and buffer_free come together");
    if (!ctx->options.kernel_dir)
        return CLNORM_OK;
    const size_t n = strlen(ctx->options.kernel_dir) + 1;
    ctx->kernel_dir = (char *)malloc(n);
    if (!ctx->kernel_dir)
        return cln_fail(CLNORM_ENOMEM, "no memory for the name of kernel_dir");
    memcpy(ctx->kernel_dir, ctx->options.kernel_dir, n);
    return CLNORM_OK;
}

static clnorm_status check_device(cl_context context, cl_device_id device)
{
    cl_device_id list[64];
    size_t bytes;
    if (!context || !device)
        return cln_fail(CLNORM_EARG, "%s is NULL", context ? "device" : "context");
    CLN_CL(clGetContextInfo(context, CL_CONTEXT_DEVICES, 0, NULL, &bytes));
    if (bytes > sizeof list)
        return cln_fail(CLNORM_EDEVICE, "the context has %zu devices; %zu are allowed", bytes / sizeof *list,
                        CLN_COUNT(list));
    CLN_CL(clGetContextInfo(context, CL_CONTEXT_DEVICES, bytes, list, NULL));
    for (size_t k = 0; k < bytes / sizeof *list; k++)
        if (list[k] == device)
            return CLNORM_OK;
    return cln_fail(CLNORM_EDEVICE, "the device is not one of the context's");
}

/* The only two functions in which the library reads the environment. */

/* `wanted`, else CLNORM_CACHE_DIR, else XDG_CACHE_HOME/clnorm, else ~/.cache/clnorm; "" where none is known. */
static void cache_dir(char *dir, size_t room, const char *wanted)
{
    const char *own = getenv("CLNORM_CACHE_DIR"), *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    const char *base = wanted ? wanted : own && *own ? own : xdg && *xdg == '/' ? xdg : home ? home : "";
    const char *below = base == wanted || base == own || !*base ? ""
                        : base == xdg                           ? "/clnorm"
                                                                : "/.cache/clnorm";
    const int n = snprintf(dir, room, "%s%s", base, below);
    if (n < 0 || (size_t)n >= room)
        dir[0] = '\0';
}

/* options.tuning_file, else CLNORM_TUNING, else tuning.txt in the directory of the cache; "" is none. */
static clnorm_status open_tuning(clnorm_context *ctx)
{
    char path[4096 + 16], dir[4096];
    const bool named = ctx->options.tuning_file != NULL;
    const char *own = named ? ctx->options.tuning_file : getenv("CLNORM_TUNING");
    if (own)
        return cln_tune_init(ctx, *own ? own : NULL, named ? CLN_NAMED_BY_CALLER : CLN_NAMED_BY_VARIABLE);
    cache_dir(dir, sizeof dir, ctx->options.cache_dir);
    if (!dir[0] || cln_cache_absolute(path, sizeof dir, dir))
        return cln_tune_init(ctx, NULL, CLN_NAMED_BY_NOBODY);
    strcat(path, "/tuning.txt");
    return cln_tune_init(ctx, path, CLN_NAMED_BY_NOBODY);
}

/* PoCL keeps binaries itself. Ours starts 30 ms faster but costs more once to save, because asking PoCL for
 * a binary makes it compile every kernel a second time (docs/start-up.md): it is off there unless asked for.
 */
static void open_cache(clnorm_context *ctx)
{
    char why[256] = "", dir[4096];
    const bool on = ctx->options.flags & CLNORM_CACHE_ON || !ctx->device.pocl;
    if (!on || ctx->options.flags & CLNORM_CACHE_OFF)
        return;
    cache_dir(dir, sizeof dir, ctx->options.cache_dir);
    cln_cache_open(ctx->cache_dir, sizeof ctx->cache_dir, dir, why, sizeof why);
    if (why[0] && ctx->options.log)
        ctx->options.log(ctx->options.log_user, CLNORM_LOG_WARN, why);
}

static clnorm_status prepare(clnorm_context *ctx, const clnorm_op *const *ops, size_t n, bool whole,
                             void (*progress)(void *, const char *, int, int), void *user)
{
    for (size_t k = 0; k < n; k++)
        CLN_TRY(cln_plan_want(ctx, ops[k], whole));
    for (size_t k = 0; k < n; k++) {
        clnorm_plan *plan;
        CLN_TRY(clnorm_plan_create(&plan, ctx, ops[k], CLNORM_ESTIMATE));
        if (progress)
            progress(user, plan->body[0].problem.op->info.name, (int)k + 1, (int)n);
        clnorm_plan_release(plan);
    }
    return CLNORM_OK;
}

/* The start-up set: forward, u8 (interleaved RGB) or f32 to f32, for each op of the mask, with all its schedules. */
static clnorm_status build_start(clnorm_context *ctx)
{
    const clnorm_op *list[64];
    clnorm_any desc[64];
    size_t n = 0;
    const clnorm_op_info *op;
    if (ctx->options.flags & CLNORM_LAZY)
        return CLNORM_OK;
    for (size_t k = 0; (op = clnorm_op_at(k)) != NULL && n < CLN_COUNT(desc); k++) {
        if (op->matrix || (ctx->options.ops && !(ctx->options.ops & CLNORM_OP_BIT(op->kind))))
            continue;
        const bool image = op->x_types >> CLNORM_U8 & 1;
        CLN_TRY(clnorm_op_init(&desc[n], op->kind));
        desc[n].head.x = image ? clnorm_nhwc(CLNORM_U8, 1, 3, 64, 64) : clnorm_nchw(CLNORM_F32, 1, 3, 64, 64);
        if (cln_op_of(op->kind)->maps)
            desc[n].head.y = clnorm_nchw(CLNORM_F32, 1, 3, 64, 64);
        if (op->kind == CLNORM_OP_BATCHNORM)
            desc[n].batchnorm.mode = CLNORM_TRAIN;
        if (op->kind == CLNORM_OP_GROUPNORM)
            desc[n].groupnorm.groups = 3;
        list[n] = &desc[n].op;
        n++;
    }
    return prepare(ctx, list, n, true, ctx->options.progress, ctx->options.progress_user);
}

static clnorm_status create(clnorm_context *ctx, cl_context context, cl_device_id device,
                            const clnorm_options *options)
{
    CLN_TRY(copy_options(ctx, options));
    CLN_TRY(check_device(context, device));
    const uint64_t start = cln_now_ns();
    CLN_TRY(cln_device_query(&ctx->device, device));
    ctx->query_ns = cln_now_ns() - start;
    CLN_CL(clRetainContext(context));
    ctx->cl = context;
    CLN_CL(clRetainDevice(device)); /* a sub-device, which its context may not keep */
    ctx->keeps_device = true;
    cln_params_for(&ctx->params, &ctx->device);
    CLN_TRY(open_tuning(ctx));
    open_cache(ctx);
    const cln_program_env env = { context,        &ctx->device,     ctx->kernel_dir,
                                  ctx->cache_dir, ctx->options.log, ctx->options.log_user };
    CLN_TRY(cln_programs_create(&ctx->programs, &env));
    return build_start(ctx);
}

clnorm_status clnorm_context_create(clnorm_context **out, cl_context context, cl_device_id device,
                                    const clnorm_options *options)
{
    if (!out)
        return cln_fail(CLNORM_EARG, "out is NULL");
    *out = NULL;
    CLN_TRY(cln_fork_check());
    cln_fork_watch();
    clnorm_context *ctx = (clnorm_context *)calloc(1, sizeof *ctx);
    if (!ctx)
        return cln_fail(CLNORM_ENOMEM, "no memory for a context");
    ctx->refs = 1;
    if (pthread_mutex_init(&ctx->lock, NULL) || cln_ring_init(&ctx->ring) != CLNORM_OK) {
        free(ctx);
        return cln_fail(CLNORM_ENOMEM, "no memory for a lock");
    }
    const clnorm_status st = create(ctx, context, device, options);
    if (st == CLNORM_OK)
        *out = ctx;
    else
        clnorm_context_release(ctx);
    return st;
}

void clnorm_context_retain(clnorm_context *ctx)
{
    if (!ctx)
        return;
    pthread_mutex_lock(&ctx->lock);
    ctx->refs++;
    pthread_mutex_unlock(&ctx->lock);
}

static void destroy(clnorm_context *ctx)
{
    cln_ring_drain(ctx);
    if (ctx->queue) {
        clFinish(ctx->queue);
        clReleaseCommandQueue(ctx->queue);
    }
    if (ctx->programs) {
        cln_programs_save(ctx->programs);
        cln_programs_release(ctx->programs);
    }
    if (ctx->multiplies)
        cln_gemm_leave();
    if (ctx->keeps_device)
        clReleaseDevice(ctx->device.id);
    if (ctx->cl)
        clReleaseContext(ctx->cl);
    pthread_mutex_destroy(&ctx->lock);
    cln_tuning_release(ctx->params.tuning);
    free(ctx->tuning_file);
    free(ctx->kernel_dir);
    free(ctx);
}

/* The LRU's plans hold a context each without counting as owners: the last real owner empties it. */
static void empty_lru(clnorm_context *ctx)
{
    for (size_t k = 0; k < CLN_LRU; k++) {
        const clnorm_plan *plan = ctx->lru[k].plan;
        ctx->lru[k].plan = NULL;
        clnorm_plan_release(plan);
    }
}

static unsigned plans_in_lru(const clnorm_context *ctx)
{
    unsigned n = 0;
    for (size_t k = 0; k < CLN_LRU; k++)
        n += ctx->lru[k].plan != NULL;
    return n;
}

void clnorm_context_release(clnorm_context *ctx)
{
    if (!ctx || cln_fork_check() != CLNORM_OK)
        return;
    pthread_mutex_lock(&ctx->lock);
    const unsigned kept = plans_in_lru(ctx), left = --ctx->refs;
    const bool last = kept && left == kept;
    ctx->refs += last; /* the emptied plans release theirs; this one keeps the context until they have */
    pthread_mutex_unlock(&ctx->lock);
    if (last) {
        empty_lru(ctx);
        clnorm_context_release(ctx);
    } else if (!left)
        destroy(ctx);
}

/* ---- the rest of the public face ---- */

clnorm_status clnorm_context_prepare(clnorm_context *ctx, const clnorm_op *const *ops, size_t n,
                                     void (*progress)(void *, const char *, int, int), void *user)
{
    if (!ctx || (!ops && n))
        return cln_fail(CLNORM_EARG, "%s is NULL", ctx ? "ops" : "ctx");
    for (size_t k = 0; k < n; k++)
        if (!ops[k])
            return cln_fail(CLNORM_EARG, "ops[%zu] is NULL", k);
    CLN_TRY(cln_fork_check());
    return prepare(ctx, ops, n, false, progress, user);
}

clnorm_status clnorm_context_stats(clnorm_context *ctx, clnorm_stats *stats)
{
    cln_program_stats p;
    clnorm_stats s;
    if (!ctx || !stats)
        return cln_fail(CLNORM_EARG, "%s is NULL", ctx ? "stats" : "ctx");
    CLN_TRY(cln_fork_check());
    if (stats->size < offsetof(clnorm_stats, programs_loaded))
        return cln_fail(CLNORM_EARG, "stats.size is %u; sizeof(clnorm_stats), %zu, is expected", stats->size,
                        sizeof s);
    const uint32_t size = stats->size < sizeof s ? stats->size : (uint32_t)sizeof s;
    cln_programs_stats(ctx->programs, &p);
    memset(&s, 0, sizeof s);
    s.size = size;
    s.programs_built = p.built;
    s.programs_loaded = p.loaded;
    s.cache_rejected = p.rejected;
    s.cache_saved = p.saved;
    pthread_mutex_lock(&ctx->lock);
    s.plans = ctx->plans;
    pthread_mutex_unlock(&ctx->lock);
    s.query_ns = ctx->query_ns;
    s.build_ns = p.build_ns;
    s.load_ns = p.load_ns;
    memcpy(stats, &s, size);
    return CLNORM_OK;
}

clnorm_status clnorm_context_handles(clnorm_context *ctx, cl_context *context, cl_device_id *device,
                                     cl_command_queue *queue)
{
    if (!ctx)
        return cln_fail(CLNORM_EARG, "ctx is NULL");
    CLN_TRY(cln_fork_check());
    if (context)
        *context = ctx->cl;
    if (device)
        *device = ctx->device.id;
    if (queue)
        *queue = ctx->queue;
    return CLNORM_OK;
}

const char *clnorm_context_cache_dir(const clnorm_context *ctx) { return ctx ? ctx->cache_dir : ""; }

/* world.c -- the scenarios of library.c, their steps, and the buffers that they need. */
#define _XOPEN_SOURCE 700
#include "world.h"

#define BIT(slot) (1u << CLNORM_##slot)

fault *faults[KINDS];

void count(bool on)
{
    for (int k = 0; k < KINDS; k++)
        faults[k]->on = on;
}

void need(bool well, const char *what)
{
    if (well)
        return;
    printf("not ok: %s (%s)\n", what, clnorm_last_error(NULL));
    exit(2);
}

/* ---- steps ---- */

clnorm_status open_context(world *w) { return clnorm_context_create(&w->ctx, w->cl, w->device, &w->options); }

/* Where another scenario lets that fail. */
static clnorm_status open_quietly(world *w)
{
    count(false);
    const clnorm_status st = w->ctx ? CLNORM_OK : open_context(w);
    count(true);
    return st;
}

/* The same for all lives of a process, so that programs are built but once. It may hold up to an event per
 * workspace and less after a failure: only what goes beyond is a leak. */
clnorm_status open_kept(world *w) { return open_quietly(w); }

static clnorm_status open_simple(world *w) { return clnorm_open(&w->ctx, NULL, &w->options); }

static clnorm_status find_device(world *w)
{
    clnorm_device list[8];
    size_t n;
    (void)w;
    const clnorm_status st = clnorm_devices(list, COUNT(list), &n);
    return st == CLNORM_OK ? clnorm_device_find(list, "0:0") : st;
}

static clnorm_status source(world *w)
{
    char *text;
    const clnorm_status st = clnorm_op_source(&text, w->s->kind);
    clnorm_free(text);
    return st;
}

clnorm_status make_plan(world *w)
{
    return clnorm_plan_create(&w->plan, w->ctx, &w->desc.op, CLNORM_ESTIMATE);
}

static clnorm_status measure(world *w)
{
    return clnorm_plan_create(&w->plan, w->ctx, &w->desc.op, CLNORM_MEASURE);
}

static clnorm_status tune(world *w) { return clnorm_tune(w->ctx, &w->desc.op, 1e-3, NULL); }
static clnorm_status save_tuning(world *w) { return clnorm_tuning_save(w->ctx, NULL); }
static clnorm_status load_tuning(world *w) { return clnorm_tuning_load(w->ctx, NULL); }

static clnorm_args args_of(const world *w)
{
    clnorm_args args = CLNORM_ARGS_INIT;
    for (uint32_t s = 0; s < CLNORM_SLOTS; s++)
        args.slot[s].mem = w->mem[s];
    return args;
}

static clnorm_status enqueue(world *w)
{
    const clnorm_args args = args_of(w);
    cl_event done = NULL;
    const clnorm_status st = clnorm_enqueue(w->plan, w->queue, &args, 0, NULL, &done);
    if (done)
        clReleaseEvent(done);
    return st;
}

/* More enqueues than there are workspaces, so that the last must wait for the first. */
static clnorm_status enqueue_many(world *w)
{
    clnorm_status st = CLNORM_OK;
    for (int k = 0; k < 6 && st == CLNORM_OK; k++)
        st = enqueue(w);
    return st;
}

static clnorm_status run(world *w)
{
    const clnorm_args args = args_of(w);
    return clnorm_run(w->ctx, w->queue, &w->desc.op, &args, 0, NULL, NULL);
}

clnorm_status run_host(world *w)
{
    clnorm_host_args io;
    memset(&io, 0, sizeof io);
    io.size = (uint32_t)sizeof io;
    for (uint32_t s = 0; s < CLNORM_SLOTS; s++)
        io.slot[s] = w->got[s];
    return clnorm_run_host(w->ctx, &w->desc.op, &io);
}

/* ---- scenarios ---- */

#define STEPS(...)        \
    {                     \
        __VA_ARGS__, NULL \
    }

/* Rows that vectors divide, so that there are two programs. */
static void wide(world *w) { w->desc.head.x = w->desc.head.y = clnorm_nchw(CLNORM_F32, 2, 6, 16, 16); }

static void with_all(world *w)
{
    wide(w);
    w->desc.layered.layer.act = CLNORM_RELU;
    w->desc.layered.layer.residual = CLNORM_RESIDUAL_AFTER;
}

static void one_set(world *w)
{
    w->desc.head.x = w->desc.head.y = clnorm_nchw(CLNORM_F32, 2, 3, 128, 128);
    w->desc.zscore.scope = CLNORM_SCOPE_BATCH;
}

static void start_up(world *w)
{
    w->options.flags = CLNORM_CACHE_OFF;
    w->options.ops = CLNORM_OP_BIT(CLNORM_OP_LAYERNORM) | CLNORM_OP_BIT(CLNORM_OP_RMSNORM) |
                     CLNORM_OP_BIT(CLNORM_OP_TOTENSOR);
}

static void with_cache(world *w)
{
    strcpy(w->dir, "/tmp/clnorm-faults-XXXXXX");
    if (!mkdtemp(w->dir))
        exit(2);
    w->options.flags = CLNORM_LAZY | CLNORM_CACHE_ON;
    w->options.cache_dir = w->dir;
}

static void with_tuning(world *w)
{
    unsetenv("CLNORM_TUNING"); /* the file is tuning.txt beside the cache */
    with_cache(w);
    one_set(w);
    w->options.flags = CLNORM_LAZY | CLNORM_CACHE_OFF;
}

static void with_empty_cache(world *w)
{
    with_cache(w);
    w->cold = true;
}

static void with_files(world *w) { w->options.kernel_dir = CLNORM_KERNELS; }

static void own_order(world *w)
{
    one_set(w);
    clReleaseCommandQueue(w->queue);
    w->queue = clCreateCommandQueue(w->cl, w->device, CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE, NULL);
}

/* clang-format off */
static const scenario special[] = {
    { "open", CLNORM_OP_TOTENSOR, false, wide, 0, STEPS(open_context, make_plan, enqueue) },
    { "layernorm.all", CLNORM_OP_LAYERNORM, false, with_all, 0, STEPS(open_quietly, make_plan, enqueue) },
    { "groupnorm.all.back", CLNORM_OP_GROUPNORM, true, with_all, 0, STEPS(open_quietly, make_plan, enqueue) },
    { "layernorm.kept.back", CLNORM_OP_LAYERNORM, true, wide, BIT(DGAMMA) | BIT(DBETA),
      STEPS(open_quietly, make_plan, enqueue) },
    { "devices", CLNORM_OP_ZSCORE, false, NULL, 0, STEPS(find_device) },
    { "source", CLNORM_OP_ZSCORE, false, NULL, 0, STEPS(source) },
    { "files", CLNORM_OP_ZSCORE, false, with_files, 0, STEPS(open_context, make_plan, enqueue) },
    { "split", CLNORM_OP_ZSCORE, false, one_set, 0, STEPS(open_quietly, make_plan, enqueue) },
    { "ring", CLNORM_OP_ZSCORE, false, one_set, 0, STEPS(open_kept, make_plan, enqueue_many) },
    { "ring.unordered", CLNORM_OP_ZSCORE, false, own_order, 0, STEPS(open_kept, make_plan, enqueue_many) },
    { "run", CLNORM_OP_LAYERNORM, false, wide, 0, STEPS(open_quietly, run, run) },
    { "host", CLNORM_OP_INSTANCENORM, false, NULL, 0, STEPS(open_simple, run_host, run_host) },
    { "measure", CLNORM_OP_ZSCORE, false, one_set, 0, STEPS(open_quietly, measure, enqueue) },
    { "tune", CLNORM_OP_ZSCORE, false, with_tuning, 0,
      STEPS(open_context, tune, save_tuning, load_tuning, make_plan, enqueue) },
    { "start", CLNORM_OP_RMSNORM, false, start_up, 0, STEPS(open_context, make_plan, enqueue) },
    { "cache.cold", CLNORM_OP_LAYERNORM, false, with_empty_cache, 0, STEPS(open_context, make_plan, enqueue) },
    { "cache.warm", CLNORM_OP_LAYERNORM, false, with_cache, 0, STEPS(open_context, make_plan, enqueue) },
};
/* clang-format on */

bool scenario_at(scenario *out, size_t k)
{
    static const scenario plain = {
        "", 0, false, NULL, BIT(MEAN) | BIT(RSTD), STEPS(open_kept, make_plan, enqueue)
    };
    const clnorm_op_info *op;
    if (k < COUNT(special)) {
        *out = special[k];
        return true;
    }
    k -= COUNT(special);
    *out = plain;
    for (int back = 0; back < 2; back++)
        for (size_t i = 0; (op = clnorm_op_at(i)) != NULL; i++) {
            if (op->matrix || (back && !op->layer))
                continue;
            if (k--)
                continue;
            snprintf(out->name, sizeof out->name, "%s%s", op->name, back ? ".back" : "");
            out->kind = op->kind;
            out->back = back;
            out->absent = back ? out->absent : 0;
            return true;
        }
    return false;
}

/* ---- the world of a scenario ---- */

static void describe(world *w)
{
    const double one = 1, half = 0.5, train = CLNORM_TRAIN, groups = 3;
    need(clnorm_op_init(&w->desc, w->s->kind) == CLNORM_OK, "clnorm_op_init");
    clnorm_op_set(&w->desc, "mode", &train, 1); /* each is refused by the ops that have none */
    clnorm_op_set(&w->desc, "groups", &groups, 1);
    clnorm_op_set(&w->desc, "scale", &one, 1);
    clnorm_op_set(&w->desc, "mean", &half, 1);
    clnorm_op_set(&w->desc, "std", &half, 1);
    w->desc.op.direction = w->s->back ? CLNORM_BACKWARD : CLNORM_FORWARD;
    w->desc.head.x = clnorm_nchw(CLNORM_F32, 2, 6, 5, 7);
    if (w->s->kind != CLNORM_OP_MOMENTS)
        w->desc.head.y = w->desc.head.x;
}

/* Values between 0.5 and 1.5, which are good for a variance too. */
static void fill(void *data, const clnorm_tensor *t, size_t bytes)
{
    float *f = (float *)data;
    uint32_t seed = 7;
    memset(data, 0xff, bytes);
    for (size_t k = 0; t->dtype == CLNORM_F32 && k < bytes / sizeof *f; k++) {
        seed = seed * 1664525u + 1013904223u;
        f[k] = 0.5f + (float)(seed >> 8) * 0x1p-24f;
    }
}

static void make_buffers(world *w)
{
    uint32_t required;
    clnorm_op_slots(&w->desc, &w->reads, &w->writes, &required);
    const uint32_t slots = required | ((w->reads | w->writes) & ~w->s->absent);
    for (uint32_t s = 0; s < CLNORM_SLOTS; s++) {
        clnorm_tensor t;
        if (!(slots >> s & 1) || !clnorm_op_slot(&w->desc, s, &t))
            continue;
        w->bytes[s] = t.dtype ? clnorm_tensor_bytes(&t) : (size_t)clnorm_tensor_count(&t) * 8;
        w->first[s] = malloc(w->bytes[s]);
        w->want[s] = malloc(w->bytes[s]);
        w->got[s] = malloc(w->bytes[s]);
        need(w->first[s] && w->want[s] && w->got[s], "memory");
        memset(w->first[s], 0xff, w->bytes[s]);
        if (w->reads >> s & 1)
            fill(w->first[s], &t, w->bytes[s]);
        w->mem[s] = clCreateBuffer(w->cl, CL_MEM_READ_WRITE, w->bytes[s], NULL, NULL);
        need(w->mem[s] != NULL, "clCreateBuffer");
    }
}

void world_make(world *w, const scenario *s)
{
    clnorm_device d;
    memset(w, 0, sizeof *w);
    w->s = s;
    w->options.size = (uint32_t)sizeof w->options;
    w->options.flags = CLNORM_LAZY | CLNORM_CACHE_OFF;
    need(clnorm_device_find(&d, NULL) == CLNORM_OK, "no device");
    w->device = d.device;
    w->cl = clCreateContext(NULL, 1, &d.device, NULL, NULL, NULL);
    w->queue = w->cl ? clCreateCommandQueue(w->cl, d.device, 0, NULL) : NULL;
    describe(w);
    if (s->adapt)
        s->adapt(w);
    need(w->queue != NULL, "no queue");
    need(clnorm_op_check(&w->desc) == CLNORM_OK, "the descriptor");
    make_buffers(w);
}

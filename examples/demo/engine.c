/* engine.c -- the demo's use of clnorm: one op on one photograph, timed and measured.
 *
 * The photograph goes in as it lies in memory, bytes with channels last; f32 with channels first comes out.
 * The numbers under the tiles are the library's own: the op `moments`, per channel. */
#include "engine.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { RUNS = 15 };

struct engine {
    clnorm_context *ctx;
    cl_context context;
    cl_command_queue queue;
    clnorm_device info;
};

#define TRY(call)                                \
    do {                                         \
        const clnorm_status try_status = (call); \
        if (try_status != CLNORM_OK)             \
            return try_status;                   \
    } while (0)

clnorm_status engine_open(engine **out, const char *device, const clnorm_device **info)
{
    clnorm_options options = { .size = sizeof options };
    engine *e = *out = (engine *)calloc(1, sizeof *e);
    if (!e)
        return CLNORM_ENOMEM;
    for (size_t k = 0; clnorm_op_at(k); k++) /* what the page shows is ready before it is timed */
        options.ops |= clnorm_op_at(k)->layer ? 0 : CLNORM_OP_BIT(clnorm_op_at(k)->kind);
    clnorm_status status = clnorm_device_find(&e->info, device);
    if (!status)
        status = clnorm_open(&e->ctx, e->info.id, &options);
    if (!status)
        status = clnorm_context_handles(e->ctx, &e->context, NULL, &e->queue);
    if (status) {
        engine_close(e);
        *out = NULL;
    }
    *info = status ? NULL : &e->info;
    return status;
}

void engine_close(engine *e)
{
    if (e)
        clnorm_close(e->ctx);
    free(e);
}

static clnorm_tensor image_of(const photo *p)
{
    return clnorm_image(CLNORM_U8, 3, p->height, p->width, 3, 0);
}

static clnorm_tensor planes_of(clnorm_dtype dtype, const photo *p)
{
    return clnorm_nchw(dtype, 1, 3, p->height, p->width);
}

/* The descriptor of a job, by the names of its attributes. */
static clnorm_status describe_job(clnorm_any *desc, const engine_job *job, const photo *p)
{
    const clnorm_op_info *info = clnorm_op_named(job->op);
    if (!info)
        return CLNORM_EUNSUPPORTED;
    TRY(clnorm_op_init(desc, info->kind));
    desc->head.x = job->back ? planes_of(CLNORM_F32, p) : image_of(p);
    desc->head.y = planes_of(job->back ? CLNORM_U8 : CLNORM_F32, p);
    if (job->scope) {
        const double scope = job->scope;
        TRY(clnorm_op_set(desc, "scope", &scope, 1));
    }
    if (job->preset) {
        float mean[CLNORM_MAX_CHANNELS], std[CLNORM_MAX_CHANNELS];
        double means[CLNORM_MAX_CHANNELS], stds[CLNORM_MAX_CHANNELS];
        uint32_t n = 0;
        TRY(clnorm_preset(job->preset, mean, std, &n));
        for (uint32_t c = 0; c < n; c++) {
            means[c] = (double)mean[c];
            stds[c] = (double)std[c];
        }
        TRY(clnorm_op_set(desc, "mean", means, n));
        TRY(clnorm_op_set(desc, "std", stds, n));
    }
    return CLNORM_OK;
}

static double milliseconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* From the call to the finished result, without the copies to and from the device. */
static clnorm_status time_plan(engine *e, const clnorm_plan *plan, const clnorm_args *args, double *median)
{
    double ms[RUNS];
    for (int k = -1; k < RUNS; k++) { /* the first run pays for what the runtime puts off */
        const double start = milliseconds();
        TRY(clnorm_enqueue(plan, e->queue, args, 0, NULL, NULL));
        if (clFinish(e->queue) != CL_SUCCESS)
            return CLNORM_ECL;
        if (k >= 0)
            ms[k] = milliseconds() - start;
    }
    qsort(ms, RUNS, sizeof *ms, ascending);
    *median = ms[RUNS / 2];
    return CLNORM_OK;
}

/* x to the device, the plan timed, y back. */
static clnorm_status run_plan(engine *e, engine_result *out, const clnorm_plan *plan, const void *x, void *y)
{
    const size_t x_bytes = clnorm_plan_slot_bytes(plan, CLNORM_X);
    const size_t y_bytes = clnorm_plan_slot_bytes(plan, CLNORM_Y);
    clnorm_args args = CLNORM_ARGS_INIT;
    cl_int code;
    clnorm_status status = CLNORM_ECL;
    args.slot[CLNORM_X].mem = clCreateBuffer(e->context, CL_MEM_READ_ONLY, x_bytes, NULL, &code);
    args.slot[CLNORM_Y].mem = clCreateBuffer(e->context, CL_MEM_READ_WRITE, y_bytes, NULL, &code);
    const cl_mem xm = args.slot[CLNORM_X].mem, ym = args.slot[CLNORM_Y].mem;
    if (xm && ym && !clEnqueueWriteBuffer(e->queue, xm, CL_TRUE, 0, x_bytes, x, 0, NULL, NULL))
        status = time_plan(e, plan, &args, &out->ms);
    if (!status && clEnqueueReadBuffer(e->queue, ym, CL_TRUE, 0, y_bytes, y, 0, NULL, NULL))
        status = CLNORM_ECL;
    if (xm)
        clReleaseMemObject(xm);
    if (ym)
        clReleaseMemObject(ym);
    return status;
}

static clnorm_status measure(engine *e, tile_stats *stats, const clnorm_tensor *x, void *values)
{
    clnorm_moments op = CLNORM_MOMENTS_INIT;
    clnorm_host_args io = { (uint32_t)sizeof io, 0, { NULL }, 0, 0 };
    float mean[3], m2[3], min[3], max[3];
    const double n = (double)x->shape[2] * (double)x->shape[3];
    op.x = *x;
    op.scope = CLNORM_SCOPE_CHANNEL;
    io.slot[CLNORM_X] = values;
    io.slot[CLNORM_Y] = mean;
    io.slot[CLNORM_M2] = m2;
    io.slot[CLNORM_MIN] = min;
    io.slot[CLNORM_MAX] = max;
    TRY(clnorm_run_host(e->ctx, &op.op, &io));
    for (int c = 0; c < TILE_CHANNELS; c++) {
        stats[c].min = (double)min[c];
        stats[c].mean = (double)mean[c];
        stats[c].std = sqrt((double)m2[c] / n);
        stats[c].max = (double)max[c];
    }
    return CLNORM_OK;
}

/* What a job reads: the photograph's bytes, or for the way back the photograph normalized. */
static clnorm_status input_of(engine *e, float **made, const engine_job *job, const photo *p)
{
    *made = NULL;
    if (!job->back)
        return CLNORM_OK;
    const engine_job there = { "normalize", job->preset, 0, false };
    clnorm_host_args io = { (uint32_t)sizeof io, 0, { NULL }, 0, 0 };
    clnorm_any desc;
    TRY(describe_job(&desc, &there, p));
    *made = (float *)malloc(photo_bytes(p) * sizeof **made + 1);
    if (!*made)
        return CLNORM_ENOMEM;
    io.slot[CLNORM_X] = p->rgb;
    io.slot[CLNORM_Y] = *made;
    return clnorm_run_host(e->ctx, &desc.op, &io);
}

/* Bytes become floats in place, last first. */
static void widen(float *values, size_t n)
{
    const unsigned char *bytes = (const unsigned char *)values;
    while (n-- > 0)
        values[n] = (float)bytes[n];
}

clnorm_status engine_run(engine *e, engine_result *out, const engine_job *job, const photo *p)
{
    clnorm_any desc;
    clnorm_plan *plan = NULL;
    float *made = NULL;
    memset(out, 0, sizeof *out);
    TRY(describe_job(&desc, job, p));
    TRY(clnorm_plan_create(&plan, e->ctx, &desc.op, CLNORM_ESTIMATE));
    clnorm_plan_describe(plan, out->plan, sizeof out->plan);
    out->plan[strcspn(out->plan, "\n")] = '\0';
    clnorm_status status = CLNORM_ENOMEM;
    out->values = (float *)malloc(photo_bytes(p) * sizeof *out->values + 1);
    if (out->values)
        status = input_of(e, &made, job, p);
    if (!status)
        status = run_plan(e, out, plan, made ? (const void *)made : p->rgb, out->values);
    if (!status)
        status = measure(e, out->stats, &desc.head.y, out->values);
    if (!status && job->back)
        widen(out->values, photo_bytes(p));
    if (status)
        engine_result_free(out);
    free(made);
    clnorm_plan_release(plan);
    return status;
}

clnorm_status engine_measure(engine *e, engine_result *out, const photo *p)
{
    const clnorm_tensor x = image_of(p);
    const size_t plane = photo_bytes(p) / 3;
    memset(out, 0, sizeof *out);
    out->values = (float *)malloc(photo_bytes(p) * sizeof *out->values + 1);
    if (!out->values)
        return CLNORM_ENOMEM;
    for (size_t i = 0; i < photo_bytes(p); i++)
        out->values[i % 3 * plane + i / 3] = (float)p->rgb[i];
    const clnorm_status status = measure(e, out->stats, &x, p->rgb);
    if (status)
        engine_result_free(out);
    return status;
}

void engine_result_free(engine_result *r)
{
    free(r->values);
    r->values = NULL;
}

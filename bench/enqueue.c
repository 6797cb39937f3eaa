/* enqueue.c -- what clnorm_enqueue itself takes, over an OpenCL that answers at once (at_once.c).
 *
 *   enqueue    a row per case: launches, OpenCL calls, ns of an enqueue and of each of its stages
 *
 * Medians of rounds. The plain loop of the same OpenCL calls, empty ones, stands in the last column: what calling costs. */
#define _XOPEN_SOURCE 700
#include "at_once.h"
#include "timing.h"

#include <clnorm.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { ROUNDS = 15, TIMES = 5000 };

typedef struct enqueue_case {
    const char *name;
    clnorm_any desc;
    uint32_t slots[8]; /* given, ends with CLNORM_SLOTS */
} enqueue_case;

static int failed(const char *what)
{
    fprintf(stderr, "enqueue: %s: %s\n", what, clnorm_last_error(NULL));
    return 1;
}

/* ns of one empty call through the ICD loader and the layer. */
static double call_ns(cl_command_queue queue)
{
    double v[ROUNDS];
    cl_device_id device;
    for (int r = 0; r < ROUNDS; r++) {
        const double start = bench_now_ms();
        for (int k = 0; k < TIMES; k++)
            clGetCommandQueueInfo(queue, CL_QUEUE_DEVICE, sizeof device, &device, NULL);
        v[r] = (bench_now_ms() - start) * 1e6 / TIMES;
    }
    return bench_quantile(v, ROUNDS, 0.5);
}

static int time_case(const enqueue_case *c, clnorm_context *ctx, cl_command_queue queue, at_once_state *layer)
{
    clnorm_args args = CLNORM_ARGS_INIT;
    clnorm_plan *plan;
    cl_context cl;
    double v[ROUNDS];
    int code = 0;
    clnorm_context_handles(ctx, &cl, NULL, NULL);
    if (clnorm_plan_create(&plan, ctx, &c->desc.head.op, CLNORM_ESTIMATE))
        return failed(c->name);
    for (size_t k = 0; c->slots[k] != CLNORM_SLOTS; k++)
        args.slot[c->slots[k]].mem =
            clCreateBuffer(cl, CL_MEM_READ_WRITE, clnorm_plan_slot_bytes(plan, c->slots[k]), NULL, NULL);
    for (int k = 0; k < 10 && !code; k++) /* every place of the ring */
        code = clnorm_enqueue(plan, queue, &args, 0, NULL, NULL) ? failed(c->name) : 0;
    clFinish(queue);
    layer->on = 1;
    layer->launches = layer->calls = 0;
    for (int r = 0; r < ROUNDS && !code; r++) {
        const double start = bench_now_ms();
        for (int k = 0; k < TIMES && !code; k++)
            code = clnorm_enqueue(plan, queue, &args, 0, NULL, NULL) ? failed(c->name) : 0;
        v[r] = (bench_now_ms() - start) * 1e6 / TIMES;
    }
    const double launches = (double)layer->launches / (ROUNDS * TIMES),
                 calls = (double)layer->calls / (ROUNDS * TIMES), empty = code ? 0 : call_ns(queue) * calls;
    layer->on = 0;
    if (!code) {
        const double ns = bench_quantile(v, ROUNDS, 0.5);
        printf("%-28s %8.0f %6.0f %8.0f %9.0f %11.0f\n", c->name, launches, calls, ns, ns / launches, empty);
    }
    for (size_t k = 0; c->slots[k] != CLNORM_SLOTS; k++)
        clReleaseMemObject(args.slot[c->slots[k]].mem);
    clnorm_plan_release(plan);
    return code;
}

static clnorm_any described(uint32_t kind, clnorm_tensor x)
{
    clnorm_any d;
    clnorm_op_init(&d, kind);
    d.head.x = x;
    d.head.y = clnorm_nchw(CLNORM_F32, x.shape[0], x.shape[1], x.shape[2], x.shape[3]);
    return d;
}

static int time_all(clnorm_context *ctx, cl_command_queue queue, at_once_state *layer)
{
    const clnorm_tensor photo = clnorm_nhwc(CLNORM_U8, 1, 3, 64, 64),
                        small = clnorm_nchw(CLNORM_F32, 1, 64, 7, 7),
                        big = clnorm_nchw(CLNORM_F32, 2, 64, 128, 128);
    enqueue_case all[] = {
        { "normalize", described(CLNORM_OP_NORMALIZE, photo), { CLNORM_X, CLNORM_Y, CLNORM_SLOTS } },
        { "zscore, one image", described(CLNORM_OP_ZSCORE, big), { CLNORM_X, CLNORM_Y, CLNORM_SLOTS } },
        { "layernorm",
          described(CLNORM_OP_LAYERNORM, small),
          { CLNORM_X, CLNORM_Y, CLNORM_GAMMA, CLNORM_BETA, CLNORM_SLOTS } },
        { "batchnorm, training",
          described(CLNORM_OP_BATCHNORM, big),
          { CLNORM_X, CLNORM_Y, CLNORM_GAMMA, CLNORM_BETA, CLNORM_MEAN, CLNORM_RSTD, CLNORM_SLOTS } },
        { "batchnorm backward",
          described(CLNORM_OP_BATCHNORM, big),
          { CLNORM_X, CLNORM_DY, CLNORM_DX, CLNORM_GAMMA, CLNORM_DGAMMA, CLNORM_DBETA, CLNORM_SLOTS } },
        { "layernorm backward",
          described(CLNORM_OP_LAYERNORM, big),
          { CLNORM_X, CLNORM_DY, CLNORM_DX, CLNORM_GAMMA, CLNORM_DGAMMA, CLNORM_DBETA, CLNORM_SLOTS } },
    };
    int code = 0;
    all[3].desc.batchnorm.mode = all[4].desc.batchnorm.mode = CLNORM_TRAIN;
    all[4].desc.head.op.direction = all[5].desc.head.op.direction = CLNORM_BACKWARD;
    printf("%-28s %8s %6s %8s %9s %11s\n", "", "launches", "calls", "ns", "ns/launch", "calls alone");
    for (size_t k = 0; k < sizeof all / sizeof *all && !code; k++)
        code = time_case(&all[k], ctx, queue, layer);
    return code;
}

int main(int argc, char **argv)
{
    if (!getenv("OPENCL_LAYERS")) { /* read by the loader at its first call */
        setenv("OPENCL_LAYERS", BENCH_AT_ONCE, 1);
        execv("/proc/self/exe", argv);
    }
    (void)argc;
    clnorm_context *ctx;
    cl_command_queue queue;
    if (clnorm_open(&ctx, "cpu", NULL))
        return failed("no device");
    clnorm_context_handles(ctx, NULL, NULL, &queue);
    void *library = dlopen(BENCH_AT_ONCE, RTLD_NOW | RTLD_NOLOAD);
    at_once_state *layer = library ? (at_once_state *)dlsym(library, "at_once") : NULL;
    if (!layer)
        fprintf(stderr, "enqueue: the ICD loader has not loaded %s\n", BENCH_AT_ONCE);
    const int code = layer ? time_all(ctx, queue, layer) : 1;
    clnorm_close(ctx);
    return code;
}

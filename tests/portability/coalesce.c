/* coalesce.c -- runs the kernels of a GPU, small, for a counter of their accesses to memory: coalescing.cc.
 *
 *   coalesce [OP...]    on the first OpenCL device, as if it were a GPU: work-groups of 128, vectors of 4
 *
 * Every solver is forced once per problem, with aligned buffers; of a gradient the statistics are given once
 * and once not. What comes out is not looked at. */
#include "base/compiler.h"
#include "cases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Whole vectors and whole cache lines, enough for every work-item to have something. */
static const row layers[] = {
    { "rows", ROWS, F32, { 16, 768 }, .only = ONE(LAYERNORM) | ONE(RMSNORM) | ONE(LPNORM) },
    { "images", FIRST, F32, { 2, 8, 32, 32 }, .only = ONE(BATCHNORM) | ONE(LAYERNORM) | ONE(GRN) | ONE(LRN) },
    { "images-last",
      LAST,
      F32,
      { 2, 128, 8, 8 },
      .only = ONE(BATCHNORM) | ONE(LAYERNORM) | ONE(GRN) | ONE(LRN) },
    { "over-c", FIRST, F32, { 2, 32, 16, 16 }, .only = ONE(LAYERNORM), .axes = 2 },
};
static const row inputs[] = {
    { "photos",
      FIRST,
      F32,
      { 1, 3, 64, 64 },
      .only = ONE(MINMAX) | ONE(ZSCORE) | ONE(MOMENTS) | ONE(NORMALIZE) },
    { "photos-u8", LAST_IN, CLNORM_U8, CLNORM_F32, { 1, 3, 64, 64 }, .only = ONE(NORMALIZE) | ONE(ZSCORE) },
};

static cl_command_queue queue;
static size_t failures;

static void fail(const char *name, const char *why)
{
    fprintf(stderr, "coalesce: %s: %s\n", name, why);
    failures++;
}

static cl_mem buffer(cl_context cl, size_t bytes)
{
    float *data = (float *)malloc(bytes + sizeof *data);
    cl_int code = CL_OUT_OF_HOST_MEMORY;
    cl_mem mem = NULL;
    for (size_t k = 0; data && k <= bytes / sizeof *data; k++)
        data[k] = 0.5f + (float)(k % 251) / 64;
    if (data)
        mem = clCreateBuffer(cl, CL_MEM_READ_WRITE | CL_MEM_COPY_HOST_PTR, bytes, data, &code);
    free(data);
    return mem;
}

static void run(const clnorm_plan *plan, const char *name, uint32_t slots)
{
    clnorm_args args = CLNORM_ARGS_INIT;
    for (uint32_t s = 0; s < CLNORM_SLOTS; s++)
        if (slots >> s & 1 && clnorm_plan_slot_bytes(plan, s))
            args.slot[s].mem = buffer(plan->ctx->cl, clnorm_plan_slot_bytes(plan, s));
    if (clnorm_enqueue(plan, queue, &args, 0, NULL, NULL) != CLNORM_OK || clFinish(queue) != CL_SUCCESS)
        fail(name, clnorm_last_error(NULL));
    for (uint32_t s = 0; s < CLNORM_SLOTS; s++)
        if (args.slot[s].mem)
            clReleaseMemObject(args.slot[s].mem);
}

/* Kernels of programs that have run, so that no plan runs only such. */
#define MOST 4096
static struct {
    cl_program program;
    const char *kernel;
} ran[MOST];
static size_t nran;

static bool has_run(cl_program program, const char *kernel)
{
    for (size_t k = 0; k < nran; k++)
        if (ran[k].program == program && !strcmp(ran[k].kernel, kernel))
            return true;
    return false;
}

/* Whether a kernel of the plan has not run, which it will. */
static bool is_new(const clnorm_plan *plan)
{
    const size_t before = nran;
    for (size_t b = 0; b < plan->nbodies; b++)
        for (int v = CLN_PLAIN; v < CLN_VARIANTS; v++)
            for (size_t i = 0; plan->body[b].variants[v].program && i < plan->body[b].nstages; i++) {
                const cl_program program = plan->body[b].variants[v].program;
                const char *kernel = plan->body[b].stages[i].kernel; /* lives as long as the library */
                if (nran < MOST && !has_run(program, kernel)) {
                    ran[nran].program = program;
                    ran[nran++].kernel = kernel;
                }
            }
    return nran > before;
}

static void take(clnorm_plan *plan, const char *name)
{
    if (!is_new(plan))
        return;
    const uint32_t all = plan->reads | plan->writes, past = 1u << CLNORM_MEAN | 1u << CLNORM_RSTD;
    const bool back = plan->body[0].problem.desc.op.direction;
    fprintf(stderr, "%s.%s %s\n", plan->body[0].problem.op->info.name, name, back ? "backward" : "forward");
    run(plan, name, all);
    if (back && all & past && !(plan->required & past))
        run(plan, name, all & ~past);
}

static bool wanted(const char *name, int n, char **names)
{
    for (int k = 0; k < n; k++)
        if (!strcmp(names[k], name))
            return true;
    return !n;
}

int main(int argc, char **argv)
{
    const clnorm_options options = { .size = sizeof options, .flags = CLNORM_LAZY | CLNORM_CACHE_OFF };
    const clnorm_op_info *op;
    clnorm_device d;
    clnorm_context *ctx = NULL;
    cl_int code = CL_SUCCESS;
    if (clnorm_device_find(&d, NULL) != CLNORM_OK) {
        fail("device", clnorm_last_error(NULL));
        return 1;
    }
    cl_context cl = clCreateContext(NULL, 1, &d.device, NULL, NULL, &code);
    if (code == CL_SUCCESS)
        queue = clCreateCommandQueue(cl, d.device, 0, &code);
    if (code != CL_SUCCESS || clnorm_context_create(&ctx, cl, d.device, &options) != CLNORM_OK) {
        fail("context", clnorm_last_error(NULL));
        return 1;
    }
    ctx->device.type = CL_DEVICE_TYPE_GPU;
    ctx->device.units = 1; /* so that groups have much to do, and are few */
    cln_params_for(&ctx->params, &ctx->device);
    for (size_t k = 0; (op = clnorm_op_at(k)) != NULL; k++)
        if (!op->matrix && wanted(op->name, argc - 1, argv + 1) &&
            !(op->layer ? cases_plan(ctx, op, layers, CLN_COUNT(layers), take)
                        : cases_plan(ctx, op, inputs, CLN_COUNT(inputs), take)))
            fail("no plan", op->name);
    clnorm_context_release(ctx);
    clReleaseCommandQueue(queue);
    clReleaseContext(cl);
    return failures != 0;
}

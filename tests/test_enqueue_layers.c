/* test_enqueue_layers.c -- two threads, each with a queue, enqueue one plan of several problems, which share
 * a workspace: the bits are those of a thread alone. */
#define _XOPEN_SOURCE 700
#include "api_case.h"

#include "data.h"

#include <pthread.h>
#include <stdlib.h>

enum { THREADS = 2, IN_FLIGHT = 6, ROUNDS = 12 };

/* Backward, with all gradients. A launch leaves in the workspace what a later one reads. */
static const struct {
    uint32_t kind, act;
    int64_t h, w;
    bool last;
} layers[] = { /* behind an activation gradients wait for statistics: a launch more */
               { CLNORM_OP_BATCHNORM, CLNORM_SILU, 12, 11, false },
               { CLNORM_OP_BATCHNORM, CLNORM_SILU, 12, 11, true },
               { CLNORM_OP_GRN, CLNORM_SILU, 12, 11, false },
               { CLNORM_OP_GRN, CLNORM_SILU, 12, 11, true },
               { CLNORM_OP_GROUPNORM, CLNORM_SILU, 12, 11, false },
               { CLNORM_OP_LAYERNORM, CLNORM_SILU, 12, 11, true },
               /* without one dx makes them, and small planes have gradients of weights apart from it */
               { CLNORM_OP_LAYERNORM, 0, 7, 7, false },
               { CLNORM_OP_RMSNORM, 0, 7, 7, true },
               { CLNORM_OP_GROUPNORM, 0, 7, 7, false },
               { CLNORM_OP_GROUPNORM, 0, 7, 7, true }
};

typedef struct outputs {
    cl_mem mem[CLNORM_SLOTS];
} outputs;

/* One thread's: inputs of its own, outputs of each call in flight, and what they must be. */
typedef struct worker {
    pthread_t thread;
    const clnorm_plan *plan;
    cl_command_queue queue;
    cl_mem in[CLNORM_SLOTS], workspace; /* NULL: the ring's */
    outputs out[IN_FLIGHT];
    unsigned char *want[CLNORM_SLOTS], *back;
    size_t failed, wrong;
} worker;

static const uint32_t inputs[] = { CLNORM_X, CLNORM_DY, CLNORM_GAMMA },
                      results[] = { CLNORM_DX, CLNORM_DGAMMA, CLNORM_DBETA };

static size_t bytes_of(const worker *w, uint32_t slot) { return clnorm_plan_slot_bytes(w->plan, slot); }

/* ---- a call ---- */

static bool enqueued(const worker *w, const outputs *out)
{
    clnorm_args args = CLNORM_ARGS_INIT;
    for (size_t k = 0; k < CLN_COUNT(inputs); k++)
        args.slot[inputs[k]].mem = w->in[inputs[k]];
    for (size_t k = 0; k < CLN_COUNT(results); k++)
        args.slot[results[k]].mem = out->mem[results[k]];
    args.workspace.mem = w->workspace;
    return clnorm_enqueue(w->plan, w->queue, &args, 0, NULL, NULL) == CLNORM_OK;
}

static bool is_read(const worker *w, cl_mem mem, uint32_t slot, void *to)
{
    return clEnqueueReadBuffer(w->queue, mem, CL_TRUE, 0, bytes_of(w, slot), to, 0, NULL, NULL) == CL_SUCCESS;
}

static bool is_cleared(const worker *w, cl_mem mem, uint32_t slot)
{
    memset(w->back, 0xff, bytes_of(w, slot));
    return clEnqueueWriteBuffer(w->queue, mem, CL_TRUE, 0, bytes_of(w, slot), w->back, 0, NULL, NULL) ==
           CL_SUCCESS;
}

static void *work(void *argument)
{
    worker *w = (worker *)argument;
    for (size_t r = 0; r < ROUNDS; r++) {
        for (size_t i = 0; i < IN_FLIGHT; i++)
            for (size_t k = 0; k < CLN_COUNT(results); k++)
                w->failed += !is_cleared(w, w->out[i].mem[results[k]], results[k]);
        for (size_t i = 0; i < IN_FLIGHT; i++)
            w->failed += !enqueued(w, &w->out[i]);
        w->failed += clFinish(w->queue) != CL_SUCCESS;
        for (size_t i = 0; i < IN_FLIGHT; i++)
            for (size_t k = 0; k < CLN_COUNT(results); k++) {
                const uint32_t slot = results[k];
                w->failed += !is_read(w, w->out[i].mem[slot], slot, w->back);
                w->wrong += memcmp(w->back, w->want[slot], bytes_of(w, slot)) != 0;
            }
    }
    return NULL;
}

/* ---- a worker's life ---- */

static cl_mem random_buffer(size_t bytes, uint32_t seed)
{
    float *data = (float *)malloc(bytes);
    ck_assert_ptr_nonnull(data);
    for (size_t i = 0; i < bytes / sizeof *data; i++)
        data[i] = (float)(0.3 + data_bell(&seed));
    cl_mem mem = buffer(bytes, data);
    free(data);
    return mem;
}

/* What is wanted is what this thread alone makes of the same inputs. */
static void begin(worker *w, const clnorm_plan *plan, cl_command_queue queue, uint32_t seed)
{
    memset(w, 0, sizeof *w);
    w->plan = plan;
    w->queue = queue;
    w->back = (unsigned char *)malloc(bytes_of(w, CLNORM_X));
    ck_assert_ptr_nonnull(w->back);
    for (size_t k = 0; k < CLN_COUNT(inputs); k++)
        w->in[inputs[k]] = random_buffer(bytes_of(w, inputs[k]), seed + (uint32_t)k);
    for (size_t i = 0; i < IN_FLIGHT; i++)
        for (size_t k = 0; k < CLN_COUNT(results); k++)
            w->out[i].mem[results[k]] = buffer(bytes_of(w, results[k]), NULL);
    ck_assert_msg(enqueued(w, &w->out[0]), "%s", clnorm_last_error(NULL));
    ck_assert_int_eq(clFinish(queue), CL_SUCCESS);
    for (size_t k = 0; k < CLN_COUNT(results); k++) {
        const uint32_t slot = results[k];
        w->want[slot] = (unsigned char *)malloc(bytes_of(w, slot));
        ck_assert(w->want[slot] && is_read(w, w->out[0].mem[slot], slot, w->want[slot]));
    }
}

static void end(worker *w)
{
    for (size_t k = 0; k < CLN_COUNT(inputs); k++)
        clReleaseMemObject(w->in[inputs[k]]);
    for (size_t k = 0; k < CLN_COUNT(results); k++) {
        free(w->want[results[k]]);
        for (size_t i = 0; i < IN_FLIGHT; i++)
            clReleaseMemObject(w->out[i].mem[results[k]]);
    }
    clReleaseCommandQueue(w->queue);
    free(w->back);
}

static clnorm_plan *plan_of(size_t layer)
{
    const int64_t h = layers[layer].h, w = layers[layer].w;
    const clnorm_tensor x =
        layers[layer].last ? clnorm_nhwc(CLNORM_F32, 4, 24, h, w) : clnorm_nchw(CLNORM_F32, 4, 24, h, w);
    clnorm_any d = desc_of(layers[layer].kind, &x);
    clnorm_plan *plan;
    d.op.direction = CLNORM_BACKWARD;
    d.layered.layer.act = layers[layer].act;
    OK(clnorm_plan_create(&plan, harness_get()->ctx, &d.op, CLNORM_ESTIMATE));
    ck_assert_uint_gt(plan->nbodies + plan->body[0].nstages, 2);
    ck_assert_uint_gt(clnorm_plan_workspace(plan), 0);
    return plan;
}

/* properties: the second thread's queue; out of order where the device has that. */
static cl_command_queue queue_with(cl_command_queue_properties properties)
{
    cl_int code;
    cl_command_queue queue =
        clCreateCommandQueue(harness_get()->cl, harness_get()->device, properties, &code);
    if (code != CL_SUCCESS && properties)
        return queue_with(0);
    ck_assert_int_eq(code, CL_SUCCESS);
    return queue;
}

START_TEST(two_queues_one_plan)
{
    worker w[THREADS];
    clnorm_plan *plan = plan_of((size_t)_i);
    for (uint32_t t = 0; t < THREADS; t++)
        begin(&w[t], plan, queue_with(t ? CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE : 0), 17 + 5 * t);
    ck_assert_int_ne(memcmp(w[0].want[CLNORM_DX], w[1].want[CLNORM_DX], bytes_of(&w[0], CLNORM_DX)), 0);
    for (size_t t = 0; t < THREADS; t++)
        ck_assert_int_eq(pthread_create(&w[t].thread, NULL, work, &w[t]), 0);
    for (size_t t = 0; t < THREADS; t++) {
        ck_assert_int_eq(pthread_join(w[t].thread, NULL), 0);
        ck_assert_uint_eq(w[t].failed, 0);
        ck_assert_msg(!w[t].wrong, "%s: thread %zu: %zu of %zu results are wrong",
                      clnorm_op_of(layers[_i].kind)->name, t, w[t].wrong,
                      (size_t)ROUNDS * IN_FLIGHT * CLN_COUNT(results));
    }
    for (size_t t = 0; t < THREADS; t++)
        end(&w[t]);
    clnorm_plan_release(plan);
}
END_TEST

/* Without statistics to make or an output to write, a call is a marker. */
static void is_idle(const worker *w)
{
    static const uint32_t statistics[] = { CLNORM_MEAN, CLNORM_RSTD };
    clnorm_args args = CLNORM_ARGS_INIT;
    cl_command_type type = 0;
    cl_event done;
    for (size_t k = 0; k < CLN_COUNT(inputs); k++)
        args.slot[inputs[k]].mem = w->in[inputs[k]];
    for (size_t k = 0; k < CLN_COUNT(statistics); k++)
        if (w->plan->reads >> statistics[k] & 1)
            args.slot[statistics[k]].mem = random_buffer(bytes_of(w, statistics[k]), 3);
    OK(clnorm_enqueue(w->plan, w->queue, &args, 0, NULL, &done));
    ck_assert_int_eq(clWaitForEvents(1, &done), CL_SUCCESS);
    ck_assert_int_eq(clGetEventInfo(done, CL_EVENT_COMMAND_TYPE, sizeof type, &type, NULL), CL_SUCCESS);
    ck_assert_uint_eq(type, CL_COMMAND_MARKER);
    clReleaseEvent(done);
    RELEASE(args.slot[CLNORM_RSTD].mem, args.slot[CLNORM_MEAN].mem);
}

/* With NaN, so that what no launch of a call has left there shows. */
static bool is_workspace_cleared(const worker *w)
{
    const cl_uint nan = UINT32_MAX;
    return clEnqueueFillBuffer(w->queue, w->workspace, &nan, sizeof nan, 0,
                               clnorm_plan_workspace(w->plan) / sizeof nan * sizeof nan, 0, NULL,
                               NULL) == CL_SUCCESS;
}

/* Each output alone has the bits that it has with the others, whatever calls before have left. */
START_TEST(less_is_wanted)
{
    const outputs none = { { NULL } };
    worker w;
    clnorm_plan *plan = plan_of((size_t)_i);
    begin(&w, plan, queue_with(0), 17);
    w.workspace = buffer(clnorm_plan_workspace(plan), NULL);
    if (plan->reads >> CLNORM_RSTD & 1)
        is_idle(&w);
    ck_assert(enqueued(&w, &none));
    for (size_t k = 0; k < CLN_COUNT(results); k++) {
        outputs one = none;
        const uint32_t slot = results[k];
        one.mem[slot] = w.out[1].mem[slot];
        ck_assert(is_cleared(&w, one.mem[slot], slot) && is_workspace_cleared(&w) && enqueued(&w, &one));
        ck_assert(is_read(&w, one.mem[slot], slot, w.back));
        ck_assert_msg(!memcmp(w.back, w.want[slot], bytes_of(&w, slot)), "slot %u", slot);
    }
    clReleaseMemObject(w.workspace);
    end(&w);
    clnorm_plan_release(plan);
}
END_TEST

static Suite *layers_suite(void)
{
    TCase *t = tcase_create("all");
    tcase_set_timeout(t, 0);
    tcase_add_loop_test(t, two_queues_one_plan, 0, (int)CLN_COUNT(layers));
    tcase_add_loop_test(t, less_is_wanted, 0, (int)CLN_COUNT(layers));
    return suite_of("enqueue_layers", t);
}

SUITE_MAIN(layers_suite)

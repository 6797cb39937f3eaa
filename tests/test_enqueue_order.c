/* test_enqueue_order.c -- what an enqueue waits for, many at once, and what it does not do. */
#define _XOPEN_SOURCE 700
#include "enqueue_case.h"
#include "layer.h"

#include <dlfcn.h>
#include <pthread.h>
#include <time.h>

/* ---- order ---- */

static void sleep_ms(long ms)
{
    const struct timespec t = { 0, ms * 1000000 };
    nanosleep(&t, NULL);
}

START_TEST(waits_for_events)
{
    harness *h = harness_get();
    clnorm_plan *plan = split_plan();
    float *host = (float *)malloc(4 * BYTES), *want = host + COUNT, *back = want + COUNT,
          *nans = back + COUNT;
    fill(host, COUNT, 5);
    expected(plan, host, want);
    memset(nans, 0xff, BYTES);
    cl_command_queue queues[] = { h->queue, h->unordered };
    cl_command_queue reader = queue_of(h->cl);
    for (size_t k = 0; k < 2 && queues[k]; k++) {
        cl_event gate = clCreateUserEvent(h->cl, NULL), done;
        cl_mem x = buffer(BYTES, host), y = buffer(BYTES, nans);
        const clnorm_args args = pair(x, 0, y, 0);
        go(plan, queues[k], &args, 1, &gate, &done);
        clFlush(queues[k]);
        sleep_ms(50);
        ck_assert_int_ne(status_of(done), CL_COMPLETE);
        ck_assert_int_eq(clEnqueueReadBuffer(reader, y, CL_TRUE, 0, BYTES, back, 0, NULL, NULL), CL_SUCCESS);
        ck_assert_int_eq(memcmp(back, nans, BYTES), 0);
        clSetUserEventStatus(gate, CL_COMPLETE);
        ck_assert_int_eq(clWaitForEvents(1, &done), CL_SUCCESS);
        ck_assert_int_eq(status_of(done), CL_COMPLETE);
        read_back(y, 0, BYTES, back);
        ck_assert_int_eq(memcmp(back, want, BYTES), 0);
        RELEASE(x, y);
        clReleaseEvent(gate);
        clReleaseEvent(done);
    }
    clReleaseCommandQueue(reader);
    clnorm_plan_release(plan);
    free(host);
}
END_TEST

/* Twenty in flight share four workspaces, each with two inputs' worth of chance to mix them up. */
START_TEST(ring_runs_out)
{
    harness *h = harness_get();
    clnorm_plan *plan = split_plan();
    float *host = (float *)malloc(5 * BYTES), *back = host + 4 * COUNT;
    cl_mem x[2], y[20];
    cl_event done[20], gate = clCreateUserEvent(h->cl, NULL);
    cl_command_queue queue = h->unordered ? h->unordered : h->queue;
    for (uint32_t k = 0; k < 2; k++) {
        fill(host + k * COUNT, COUNT, 6 + k);
        expected(plan, host + k * COUNT, host + (2 + k) * COUNT);
        x[k] = buffer(BYTES, host + k * COUNT);
    }
    for (size_t k = 0; k < 20; k++) {
        y[k] = buffer(BYTES, NULL);
        const clnorm_args args = pair(x[k % 2], 0, y[k], 0);
        go(plan, queue, &args, 1, &gate, &done[k]);
    }
    clFlush(queue);
    sleep_ms(20);
    for (size_t k = 0; k < 20; k++)
        ck_assert_int_ne(status_of(done[k]), CL_COMPLETE);
    clSetUserEventStatus(gate, CL_COMPLETE);
    ck_assert_int_eq(clWaitForEvents(20, done), CL_SUCCESS);
    for (size_t k = 0; k < 20; k++) {
        read_back(y[k], 0, BYTES, back);
        ck_assert_msg(!memcmp(back, host + (2 + k % 2) * COUNT, BYTES), "enqueue %zu is wrong", k);
        clReleaseMemObject(y[k]);
        clReleaseEvent(done[k]);
    }
    RELEASE(x[0], x[1]);
    clReleaseEvent(gate);
    clnorm_plan_release(plan);
    free(host);
}
END_TEST

/* More events than the ring's list takes, with every place busy. */
START_TEST(long_wait_lists)
{
    harness *h = harness_get();
    clnorm_plan *plan = split_plan();
    float *host = (float *)malloc(3 * BYTES), *want = host + COUNT, *back = want + COUNT;
    enum { EVENTS = 70 };
    cl_event gates[EVENTS], done;
    fill(host, COUNT, 9);
    expected(plan, host, want);
    cl_mem x = buffer(BYTES, host), y = buffer(BYTES, NULL);
    for (size_t k = 0; k < EVENTS; k++)
        gates[k] = clCreateUserEvent(h->cl, NULL);
    const clnorm_args args = pair(x, 0, y, 0);
    cl_command_queue queue = h->unordered ? h->unordered : h->queue;
    for (cl_uint k = 0; k < 2 * CLN_RING; k++) { /* 63 and 64 are the edges of the list */
        go(plan, queue, &args, k < CLN_RING ? EVENTS : 62 + k % 3, gates, &done);
        if (k + 1 < 2 * CLN_RING)
            clReleaseEvent(done);
    }
    sleep_ms(10);
    ck_assert_int_ne(status_of(done), CL_COMPLETE);
    for (size_t k = 0; k < EVENTS; k++)
        clSetUserEventStatus(gates[k], CL_COMPLETE);
    clFinish(queue);
    ck_assert_int_eq(status_of(done), CL_COMPLETE);
    read_back(y, 0, BYTES, back);
    ck_assert_int_eq(memcmp(back, want, BYTES), 0);
    for (size_t k = 0; k < EVENTS; k++)
        clReleaseEvent(gates[k]);
    clReleaseEvent(done);
    RELEASE(x, y);
    clnorm_plan_release(plan);
    free(host);
}
END_TEST

/* ---- threads ---- */

enum { THREADS = 8, ROUNDS = 10, PER_ROUND = 20 };

typedef struct worker {
    pthread_t thread;
    const clnorm_plan *plan;
    cl_command_queue queue;
    cl_mem x, y; /* y has room for a round */
    float *host, *want, *back;
    size_t failed, wrong;
} worker;

static void *work(void *argument)
{
    worker *w = (worker *)argument;
    for (size_t r = 0; r < ROUNDS; r++) {
        memset(w->back, 0xff, PER_ROUND * (size_t)BYTES);
        w->failed += clEnqueueWriteBuffer(w->queue, w->y, CL_TRUE, 0, PER_ROUND * (size_t)BYTES, w->back, 0,
                                          NULL, NULL) != CL_SUCCESS;
        for (size_t k = 0; k < PER_ROUND; k++) {
            const clnorm_args args = pair(w->x, 0, w->y, k * BYTES);
            w->failed += clnorm_enqueue(w->plan, w->queue, &args, 0, NULL, NULL) != CLNORM_OK;
        }
        w->failed += clEnqueueReadBuffer(w->queue, w->y, CL_TRUE, 0, PER_ROUND * (size_t)BYTES, w->back, 0,
                                         NULL, NULL) != CL_SUCCESS;
        for (size_t k = 0; k < PER_ROUND; k++)
            w->wrong += memcmp(w->back + k * COUNT, w->want, BYTES) != 0;
    }
    return NULL;
}

static void threads_share(clnorm_plan *plan)
{
    harness *h = harness_get();
    worker workers[THREADS];
    for (uint32_t t = 0; t < THREADS; t++) {
        worker *w = &workers[t];
        memset(w, 0, sizeof *w);
        w->plan = plan;
        w->queue = queue_of(h->cl);
        w->host = (float *)malloc(2 * BYTES);
        w->want = w->host + COUNT;
        w->back = (float *)malloc(PER_ROUND * (size_t)BYTES);
        fill(w->host, COUNT, 100 + t);
        expected(plan, w->host, w->want);
        w->x = buffer(BYTES, w->host);
        w->y = buffer(PER_ROUND * (size_t)BYTES, NULL);
    }
    for (size_t t = 0; t < THREADS; t++)
        ck_assert_int_eq(pthread_create(&workers[t].thread, NULL, work, &workers[t]), 0);
    for (size_t t = 0; t < THREADS; t++) {
        worker *w = &workers[t];
        ck_assert_int_eq(pthread_join(w->thread, NULL), 0);
        ck_assert_uint_eq(w->failed, 0);
        ck_assert_msg(!w->wrong, "thread %zu: %zu of %d results are wrong", t, w->wrong, ROUNDS * PER_ROUND);
        RELEASE(w->x, w->y);
        clReleaseCommandQueue(w->queue);
        free(w->host);
        free(w->back);
    }
    clnorm_plan_release(plan);
}

START_TEST(threads_share_a_plan) { threads_share(split_plan()); }
END_TEST

/* What a workspace would let in one after the other. */
START_TEST(threads_share_a_plan_at_once) { threads_share(slab_plan()); }
END_TEST

/* ---- what an enqueue does not do ---- */

static const unsigned long *layer_find(void)
{
    void *layer = dlopen(CLNORM_LAYER, RTLD_NOW | RTLD_NOLOAD);
    ck_assert_msg(layer != NULL, "OPENCL_LAYERS must be %s", CLNORM_LAYER);
    const unsigned long *counts = (const unsigned long *)dlsym(layer, "layer_counts");
    ck_assert_ptr_nonnull(counts);
    dlclose(layer);
    return counts;
}

START_TEST(neither_waits_nor_allocates)
{
    harness *h = harness_get();
    const unsigned long *counts = layer_find();
    unsigned long before[LAYER_COUNTS];
    clnorm_plan *const plans[] = { split_plan(), scale_plan(tiny(), tiny(), 0) };
    cl_mem x = buffer(BYTES, NULL), y = buffer(BYTES, NULL);
    cl_command_queue const queues[] = { h->queue, h->unordered };
    const clnorm_args args = pair(x, 0, y, 0);
    for (size_t k = 0; k < 2 && queues[k]; k++)
        for (size_t p = 0; p < 2; p++) {
            cl_event gate = clCreateUserEvent(h->cl, NULL), done[12];
            memcpy(before, counts, sizeof before);
            for (size_t i = 0; i < 12; i++) /* more than the ring, all held back by the gate */
                go(plans[p], queues[k], &args, 1, &gate, &done[i]);
            ck_assert_uint_eq(counts[LAYER_LAUNCH] - before[LAYER_LAUNCH], 12 * plans[p]->body[0].nstages);
            for (size_t c = 0; c < LAYER_LAUNCH; c++)
                ck_assert_msg(counts[c] == before[c], "call %zu of layer.h was made", c);
            clSetUserEventStatus(gate, CL_COMPLETE);
            clFinish(queues[k]);
            ck_assert_uint_eq(counts[LAYER_FINISH], before[LAYER_FINISH] + 1); /* the layer does look */
            for (size_t i = 0; i < 12; i++)
                clReleaseEvent(done[i]);
            clReleaseEvent(gate);
        }
    RELEASE(x, y);
    clnorm_plan_release(plans[0]);
    clnorm_plan_release(plans[1]);
}
END_TEST

static Suite *order_suite(void)
{
    return suite_of("enqueue_order",
                    SUITE_CASE(waits_for_events, ring_runs_out, long_wait_lists, threads_share_a_plan,
                               threads_share_a_plan_at_once, neither_waits_nor_allocates));
}

SUITE_MAIN(order_suite)

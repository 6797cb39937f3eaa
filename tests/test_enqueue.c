/* test_enqueue.c -- what an enqueue refuses, what it waits for, and many at once. */
#define _XOPEN_SOURCE 700
#include "harness.h"
#include "layer.h"

#include "base/compiler.h"

#include <dlfcn.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { N = 2, C = 4, H = 50, W = 101, COUNT = N * C * H * W, BYTES = COUNT * 4 };

static void fill(float *x, size_t n, uint32_t seed)
{
    for (size_t i = 0; i < n; i++) {
        seed = seed * 1664525u + 1013904223u;
        x[i] = (float)(seed >> 8) * 0x1p-22f + (float)(i % 7);
    }
}

static cl_mem buffer_in(cl_context cl, cl_mem_flags flags, size_t bytes, const void *data)
{
    cl_int code;
    cl_mem mem =
        clCreateBuffer(cl, flags | (data ? CL_MEM_COPY_HOST_PTR : 0), bytes, (void *)(uintptr_t)data, &code);
    ck_assert_int_eq(code, CL_SUCCESS);
    return mem;
}

static cl_mem buffer(size_t bytes, const void *data)
{
    return buffer_in(harness_get()->cl, CL_MEM_READ_WRITE, bytes, data);
}

static cl_command_queue queue_of(cl_context cl)
{
    cl_int code;
    cl_command_queue queue = clCreateCommandQueue(cl, harness_get()->device, 0, &code);
    ck_assert_int_eq(code, CL_SUCCESS);
    return queue;
}

static void read_back(cl_mem mem, size_t offset, size_t bytes, void *out)
{
    ck_assert_int_eq(
        clEnqueueReadBuffer(harness_get()->queue, mem, CL_TRUE, offset, bytes, out, 0, NULL, NULL),
        CL_SUCCESS);
}

/* One z-score over everything in three stages, so that every enqueue needs a workspace. */
static clnorm_plan *split_plan(void)
{
    harness *h = harness_get();
    clnorm_zscore d = CLNORM_ZSCORE_INIT;
    d.x = d.y = clnorm_nchw(CLNORM_F32, N, C, H, W);
    d.scope = CLNORM_SCOPE_BATCH;
    const cln_choice choice = { &cln_solve_split, h->ctx->params.wg, h->ctx->params.vec, 1, 1, false };
    clnorm_plan *plan;
    ck_assert_msg(cln_plan_with(&plan, h->ctx, &d.op, &choice, true) == CLNORM_OK, "%s",
                  clnorm_last_error(NULL));
    ck_assert_uint_gt(clnorm_plan_workspace(plan), 0);
    return plan;
}

static clnorm_plan *plan_of(const clnorm_op *op)
{
    clnorm_plan *plan;
    ck_assert_msg(clnorm_plan_create(&plan, harness_get()->ctx, op, CLNORM_ESTIMATE) == CLNORM_OK, "%s",
                  clnorm_last_error(NULL));
    return plan;
}

static clnorm_plan *scale_plan(clnorm_tensor x, clnorm_tensor y, uint32_t swap)
{
    clnorm_totensor d = CLNORM_TOTENSOR_INIT;
    d.x = x;
    d.y = y;
    d.swap_rb = swap;
    d.scale = 2;
    return plan_of(&d.op);
}

static void put(clnorm_args *args, uint32_t slot, cl_mem mem, size_t offset)
{
    args->slot[slot].mem = mem;
    args->slot[slot].byte_offset = offset;
}

static clnorm_args pair(cl_mem x, size_t x_offset, cl_mem y, size_t y_offset)
{
    clnorm_args args = CLNORM_ARGS_INIT;
    put(&args, CLNORM_X, x, x_offset);
    put(&args, CLNORM_Y, y, y_offset);
    return args;
}

static void go(const clnorm_plan *plan, cl_command_queue queue, const clnorm_args *args, cl_uint nwait,
               const cl_event *wait, cl_event *event)
{
    ck_assert_msg(clnorm_enqueue(plan, queue, args, nwait, wait, event) == CLNORM_OK, "%s",
                  clnorm_last_error(NULL));
}

/* It fails with this status, says this word, and leaves no event. */
#define REFUSED(status, word, ...)                                                             \
    do {                                                                                       \
        cl_event refused = (cl_event)harness_get();                                            \
        ck_assert_msg(clnorm_enqueue(__VA_ARGS__, 0, NULL, &refused) == (status), "%s",        \
                      clnorm_last_error(NULL));                                                \
        ck_assert_msg(strstr(clnorm_last_error(NULL), word) != NULL, "no \"%s\" in: %s", word, \
                      clnorm_last_error(NULL));                                                \
        ck_assert_ptr_null(refused);                                                           \
    } while (0)

static cl_int status_of(cl_event event)
{
    cl_int status = -1;
    ck_assert_int_eq(clGetEventInfo(event, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof status, &status, NULL),
                     CL_SUCCESS);
    return status;
}

/* z-score of x, from the plan on the ordered queue, itself compared with double. */
static void expected(const clnorm_plan *plan, const float *x, float *y)
{
    double mean = 0, square = 0;
    cl_mem x_mem = buffer(BYTES, x), y_mem = buffer(BYTES, NULL);
    const clnorm_args args = pair(x_mem, 0, y_mem, 0);
    go(plan, harness_get()->queue, &args, 0, NULL, NULL);
    read_back(y_mem, 0, BYTES, y);
    for (size_t i = 0; i < COUNT; i++)
        mean += (double)x[i] / COUNT;
    for (size_t i = 0; i < COUNT; i++)
        square += ((double)x[i] - mean) * ((double)x[i] - mean) / COUNT;
    for (size_t i = 0; i < COUNT; i++)
        ck_assert_double_eq_tol((double)y[i], ((double)x[i] - mean) / (sqrt(square) + 1e-8), 5e-6);
    clReleaseMemObject(x_mem);
    clReleaseMemObject(y_mem);
}

/* ---- what is refused ---- */

static const clnorm_tensor *small(void)
{
    static clnorm_tensor t;
    t = clnorm_nchw(CLNORM_F32, 1, 3, 4, 5);
    return &t;
}
enum { SMALL = 3 * 4 * 5 * 4 };

START_TEST(arguments)
{
    harness *h = harness_get();
    clnorm_plan *plan = scale_plan(*small(), *small(), 0);
    cl_mem x = buffer(SMALL, NULL), y = buffer(SMALL, NULL);
    clnorm_args args = pair(x, 0, y, 0);
    cl_event event = (cl_event)h, any = clCreateUserEvent(h->cl, NULL);
    REFUSED(CLNORM_EARG, "plan", NULL, h->queue, &args);
    REFUSED(CLNORM_EARG, "queue", plan, NULL, &args);
    REFUSED(CLNORM_EARG, "args", plan, h->queue, NULL);
    ck_assert_int_eq(clnorm_enqueue(plan, h->queue, &args, 1, NULL, &event), CLNORM_EARG);
    ck_assert_ptr_null(event);
    ck_assert_int_eq(clnorm_enqueue(plan, h->queue, &args, 0, &any, NULL), CLNORM_EARG);
    ck_assert_ptr_nonnull(strstr(clnorm_last_error(NULL), "nwait"));
    const uint32_t sizes[] = { 0, 8, 1u << 20 };
    for (size_t k = 0; k < CLN_COUNT(sizes); k++) {
        args.size = sizes[k];
        REFUSED(CLNORM_EARG, "args.size", plan, h->queue, &args);
    }
    args.size = (uint32_t)offsetof(clnorm_args, workspace); /* an older header */
    go(plan, h->queue, &args, 0, NULL, NULL);
    clSetUserEventStatus(any, CL_COMPLETE);
    clReleaseEvent(any);
    clFinish(h->queue);
    clReleaseMemObject(x);
    clReleaseMemObject(y);
    clnorm_plan_release(plan);
}
END_TEST

START_TEST(foreign_objects)
{
    harness *h = harness_get();
    cl_int code;
    cl_context other = clCreateContext(NULL, 1, &h->device, NULL, NULL, &code);
    ck_assert_int_eq(code, CL_SUCCESS);
    cl_command_queue foreign_queue = queue_of(other);
    clnorm_plan *plan = scale_plan(*small(), *small(), 0), *split = split_plan();
    cl_mem x = buffer(SMALL, NULL), y = buffer(SMALL, NULL);
    cl_mem foreign = buffer_in(other, CL_MEM_READ_WRITE, BYTES, NULL);
    clnorm_args args = pair(x, 0, y, 0);
    REFUSED(CLNORM_EDEVICE, "context", plan, foreign_queue, &args);
    args = pair(foreign, 0, y, 0);
    REFUSED(CLNORM_EBUFFER, "x is a buffer of another", plan, h->queue, &args);
    args = pair(x, 0, foreign, 0);
    REFUSED(CLNORM_EBUFFER, "y is a buffer of another", plan, h->queue, &args);
    cl_mem large_x = buffer(BYTES, NULL), large_y = buffer(BYTES, NULL);
    args = pair(large_x, 0, large_y, 0);
    args.workspace.mem = foreign;
    REFUSED(CLNORM_EBUFFER, "workspace is a buffer of another", split, h->queue, &args);
    const cl_mem all[] = { x, y, foreign, large_x, large_y };
    for (size_t k = 0; k < CLN_COUNT(all); k++)
        clReleaseMemObject(all[k]);
    clReleaseCommandQueue(foreign_queue);
    clReleaseContext(other);
    clnorm_plan_release(plan);
    clnorm_plan_release(split);
}
END_TEST

START_TEST(buffers)
{
    harness *h = harness_get();
    clnorm_plan *plan = scale_plan(*small(), *small(), 0);
    cl_mem x = buffer(SMALL, NULL), y = buffer(SMALL, NULL), shorter = buffer(SMALL - 1, NULL);
    cl_mem fixed = buffer_in(h->cl, CL_MEM_READ_ONLY, SMALL, NULL);
    cl_mem blind = buffer_in(h->cl, CL_MEM_WRITE_ONLY, SMALL, NULL);
    const struct {
        cl_mem x, y;
        size_t x_offset, y_offset;
        const char *word;
    } bad[] = {
        { NULL, y, 0, 0, "needs x" },
        { x, NULL, 0, 0, "needs y" },
        { shorter, y, 0, 0, "x: the buffer has 239" },
        { x, shorter, 0, 0, "y: the buffer has 239" },
        { x, y, 4, 0, "240 from byte_offset 4" },
        { x, y, 0, SMALL + 4, "y: the buffer has" },
        { x, y, 2, 0, "x: byte_offset is 2; a multiple of 4" },
        { x, y, 0, (size_t)-4, "y: the buffer has" },
        { x, fixed, 0, 0, "CL_MEM_READ_ONLY" },
        { blind, y, 0, 0, "CL_MEM_WRITE_ONLY" },
    };
    for (size_t k = 0; k < CLN_COUNT(bad); k++) {
        const clnorm_args args = pair(bad[k].x, bad[k].x_offset, bad[k].y, bad[k].y_offset);
        REFUSED(CLNORM_EBUFFER, bad[k].word, plan, h->queue, &args);
    }
    clnorm_args args = pair(x, 0, y, 0);
    args.slot[CLNORM_X].svm = h;
    REFUSED(CLNORM_EBUFFER, "svm", plan, h->queue, &args);
    args = pair(fixed, 0, blind, 0);
    go(plan, h->queue, &args, 0, NULL, NULL);
    clFinish(h->queue);
    const cl_mem all[] = { x, y, shorter, fixed, blind };
    for (size_t k = 0; k < CLN_COUNT(all); k++)
        clReleaseMemObject(all[k]);
    clnorm_plan_release(plan);
}
END_TEST

START_TEST(unknown_slots)
{
    harness *h = harness_get();
    clnorm_plan *plan = scale_plan(*small(), *small(), 0), *split = split_plan();
    cl_mem x = buffer(BYTES, NULL), y = buffer(BYTES, NULL), one = buffer(4, NULL), none = buffer(3, NULL);
    for (uint32_t s = 0; s < CLNORM_SLOTS; s++) {
        clnorm_args args = pair(x, 0, y, 0);
        if (s == CLNORM_X || s == CLNORM_Y)
            continue;
        put(&args, s, one, 0);
        REFUSED(CLNORM_EBUFFER, "takes no", plan, h->queue, &args);
        ck_assert_uint_eq(clnorm_plan_slot_bytes(plan, s), 0);
        if (s == CLNORM_MEAN || s == CLNORM_RSTD) {
            ck_assert_uint_eq(clnorm_plan_slot_bytes(split, s), 4);
            go(split, h->queue, &args, 0, NULL, NULL);
            put(&args, s, none, 0);
            REFUSED(CLNORM_EBUFFER, "has 3 bytes", split, h->queue, &args);
        } else
            REFUSED(CLNORM_EBUFFER, "takes no", split, h->queue, &args);
    }
    clFinish(h->queue);
    const cl_mem all[] = { x, y, one, none };
    for (size_t k = 0; k < CLN_COUNT(all); k++)
        clReleaseMemObject(all[k]);
    clnorm_plan_release(plan);
    clnorm_plan_release(split);
}
END_TEST

START_TEST(overlaps)
{
    harness *h = harness_get();
    const clnorm_tensor f16 = clnorm_nchw(CLNORM_F16, 1, 3, 4, 5), last = clnorm_nhwc(CLNORM_F32, 1, 3, 4, 5);
    clnorm_plan *same = scale_plan(*small(), *small(), 0), *swap = scale_plan(*small(), *small(), 1);
    clnorm_plan *half = scale_plan(*small(), f16, 0), *turned = scale_plan(*small(), last, 0);
    clnorm_plan *split = split_plan();
    float host[SMALL / 4], back[SMALL / 4];
    fill(host, CLN_COUNT(host), 1);
    cl_mem mem = buffer(2 * BYTES, NULL), x = buffer(SMALL, host);
    clnorm_args args = pair(mem, 0, mem, 4);
    REFUSED(CLNORM_EBUFFER, "overlap", same, h->queue, &args);
    args = pair(mem, SMALL - 4, mem, 0);
    REFUSED(CLNORM_EBUFFER, "overlap", same, h->queue, &args);
    args = pair(mem, 0, mem, 0);
    REFUSED(CLNORM_EBUFFER, "swap_rb", swap, h->queue, &args);
    REFUSED(CLNORM_EBUFFER, "overlap", half, h->queue, &args);
    REFUSED(CLNORM_EBUFFER, "overlap", turned, h->queue, &args);
    args = pair(mem, 0, mem, SMALL); /* side by side */
    go(same, h->queue, &args, 0, NULL, NULL);
    args = pair(x, 0, x, 0);
    go(same, h->queue, &args, 0, NULL, NULL);
    read_back(x, 0, SMALL, back);
    for (size_t i = 0; i < CLN_COUNT(host); i++)
        ck_assert_float_eq(back[i], host[i] / 2);
    args = pair(mem, 0, mem, BYTES);
    put(&args, CLNORM_MEAN, mem, BYTES + 64);
    REFUSED(CLNORM_EBUFFER, "y and mean overlap", split, h->queue, &args);
    put(&args, CLNORM_MEAN, mem, 64);
    REFUSED(CLNORM_EBUFFER, "x and mean overlap", split, h->queue, &args);
    put(&args, CLNORM_MEAN, x, 0);
    put(&args, CLNORM_RSTD, x, 0);
    REFUSED(CLNORM_EBUFFER, "mean and rstd overlap", split, h->queue, &args);
    put(&args, CLNORM_RSTD, x, 4);
    go(split, h->queue, &args, 0, NULL, NULL);
    clFinish(h->queue);
    clReleaseMemObject(mem);
    clReleaseMemObject(x);
    clnorm_plan *const all[] = { same, swap, half, turned, split };
    for (size_t k = 0; k < CLN_COUNT(all); k++)
        clnorm_plan_release(all[k]);
}
END_TEST

START_TEST(workspaces)
{
    harness *h = harness_get();
    clnorm_plan *plan = split_plan();
    const size_t need = clnorm_plan_workspace(plan);
    float *host = (float *)malloc(3 * BYTES), *want = host + COUNT, *back = want + COUNT;
    fill(host, COUNT, 2);
    expected(plan, host, want);
    cl_mem x = buffer(BYTES, host), y = buffer(BYTES, NULL), enough = buffer(need, NULL),
           shorter = buffer(need - 1, NULL), fixed = buffer_in(h->cl, CL_MEM_READ_ONLY, need, NULL);
    clnorm_args args = pair(x, 0, y, 0);
    args.workspace.mem = shorter;
    REFUSED(CLNORM_EWORKSPACE, "bytes", plan, h->queue, &args);
    args.workspace.mem = fixed;
    REFUSED(CLNORM_EBUFFER, "workspace", plan, h->queue, &args);
    args.workspace.mem = enough;
    args.workspace.byte_offset = 4;
    REFUSED(CLNORM_EWORKSPACE, "byte_offset", plan, h->queue, &args);
    args.workspace.byte_offset = 0;
    go(plan, h->queue, &args, 0, NULL, NULL);
    read_back(y, 0, BYTES, back);
    ck_assert_int_eq(memcmp(back, want, BYTES), 0);
    const cl_mem all[] = { x, y, enough, shorter, fixed };
    for (size_t k = 0; k < CLN_COUNT(all); k++)
        clReleaseMemObject(all[k]);
    clnorm_plan_release(plan);
    free(host);
}
END_TEST

START_TEST(workspace_is_not_a_tensor)
{
    harness *h = harness_get();
    clnorm_plan *plan = split_plan();
    cl_mem x = buffer(BYTES, NULL), y = buffer(BYTES, NULL);
    clnorm_args args = pair(x, 0, y, 0);
    args.workspace.mem = y;
    REFUSED(CLNORM_EBUFFER, "workspace", plan, h->queue, &args);
    args.workspace.mem = x;
    REFUSED(CLNORM_EBUFFER, "workspace", plan, h->queue, &args);
    clReleaseMemObject(x);
    clReleaseMemObject(y);
    clnorm_plan_release(plan);
}
END_TEST

/* ---- where elements lie ---- */

static cl_mem sub_buffer(cl_mem mem, size_t origin, size_t bytes)
{
    cl_int code;
    const cl_buffer_region region = { origin, bytes };
    cl_mem sub = clCreateSubBuffer(mem, CL_MEM_READ_WRITE, CL_BUFFER_CREATE_TYPE_REGION, &region, &code);
    ck_assert_int_eq(code, CL_SUCCESS);
    return sub;
}

START_TEST(offsets_and_sub_buffers)
{
    harness *h = harness_get();
    clnorm_plan *plan = split_plan();
    const size_t origin = 4096, room = origin + BYTES + 64, shift = 12;
    float *host = (float *)malloc(3 * BYTES), *want = host + COUNT, *back = want + COUNT;
    fill(host, COUNT, 3);
    expected(plan, host, want);
    cl_mem parent = buffer(256 * 4096 + room, NULL);
    cl_mem first = sub_buffer(parent, origin, BYTES + 64),
           second = sub_buffer(parent, 256 * 4096, BYTES + 64);
    cl_mem across = sub_buffer(parent, 2 * origin, BYTES + 64);
    ck_assert_int_eq(clEnqueueWriteBuffer(h->queue, first, CL_TRUE, shift, BYTES, host, 0, NULL, NULL),
                     CL_SUCCESS);
    clnorm_args args = pair(first, shift, across, 0);
    REFUSED(CLNORM_EBUFFER, "overlap", plan, h->queue, &args);
    args = pair(first, shift, parent, origin + shift + 4);
    REFUSED(CLNORM_EBUFFER, "overlap", plan, h->queue, &args);
    args = pair(first, 68, second, 0);
    REFUSED(CLNORM_EBUFFER, "x: the buffer has", plan, h->queue, &args);
    args = pair(first, shift, second, 2 * shift);
    go(plan, h->queue, &args, 0, NULL, NULL);
    read_back(parent, 256 * 4096 + 2 * shift, BYTES, back);
    ck_assert_int_eq(memcmp(back, want, BYTES), 0);
    args = pair(first, shift, parent, origin + shift); /* in place under two names */
    go(plan, h->queue, &args, 0, NULL, NULL);
    read_back(parent, origin + shift, BYTES, back);
    ck_assert_int_eq(memcmp(back, want, BYTES), 0);
    const cl_mem all[] = { first, second, across, parent };
    for (size_t k = 0; k < CLN_COUNT(all); k++)
        clReleaseMemObject(all[k]);
    clnorm_plan_release(plan);
    free(host);
}
END_TEST

START_TEST(negative_strides)
{
    harness *h = harness_get();
    clnorm_tensor x = clnorm_rows(CLNORM_F32, 1, 60);
    x.stride[0] = 60;
    x.stride[1] = -1;
    const clnorm_tensor y = clnorm_rows(CLNORM_F32, 1, 60);
    clnorm_plan *plan = scale_plan(x, y, 0);
    float host[60], back[60];
    fill(host, 60, 4);
    cl_mem x_mem = buffer(240, host), y_mem = buffer(240, NULL);
    clnorm_args args = pair(x_mem, 0, y_mem, 0);
    REFUSED(CLNORM_EBUFFER, "before it", plan, h->queue, &args);
    args = pair(x_mem, 59 * 4, y_mem, 0);
    go(plan, h->queue, &args, 0, NULL, NULL);
    read_back(y_mem, 0, 240, back);
    for (size_t i = 0; i < 60; i++)
        ck_assert_float_eq(back[i], host[59 - i] / 2);
    clReleaseMemObject(x_mem);
    clReleaseMemObject(y_mem);
    clnorm_plan_release(plan);
}
END_TEST

START_TEST(empty_tensors)
{
    harness *h = harness_get();
    const clnorm_tensor none = clnorm_nchw(CLNORM_F32, 1, 3, 0, 5);
    clnorm_plan *plan = scale_plan(none, none, 0);
    const clnorm_args args = CLNORM_ARGS_INIT;
    cl_event gate = clCreateUserEvent(h->cl, NULL), done;
    go(plan, h->queue, &args, 0, NULL, NULL);
    go(plan, h->queue, &args, 0, NULL, &done);
    ck_assert_int_eq(clWaitForEvents(1, &done), CL_SUCCESS);
    clReleaseEvent(done);
    go(plan, h->queue, &args, 1, &gate, &done); /* complete when what it waits for is */
    ck_assert_int_ne(status_of(done), CL_COMPLETE);
    clSetUserEventStatus(gate, CL_COMPLETE);
    ck_assert_int_eq(clWaitForEvents(1, &done), CL_SUCCESS);
    ck_assert_int_eq(status_of(done), CL_COMPLETE);
    clReleaseEvent(done);
    clReleaseEvent(gate);
    clnorm_plan_release(plan);
}
END_TEST

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
        clReleaseMemObject(x);
        clReleaseMemObject(y);
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
    clReleaseMemObject(x[0]);
    clReleaseMemObject(x[1]);
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
    clReleaseMemObject(x);
    clReleaseMemObject(y);
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

START_TEST(threads_share_a_plan)
{
    harness *h = harness_get();
    clnorm_plan *plan = split_plan();
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
        clReleaseMemObject(w->x);
        clReleaseMemObject(w->y);
        clReleaseCommandQueue(w->queue);
        free(w->host);
        free(w->back);
    }
    clnorm_plan_release(plan);
}
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
    clnorm_plan *const plans[] = { split_plan(), scale_plan(*small(), *small(), 0) };
    cl_mem x = buffer(BYTES, NULL), y = buffer(BYTES, NULL);
    cl_command_queue const queues[] = { h->queue, h->unordered };
    const clnorm_args args = pair(x, 0, y, 0);
    for (size_t k = 0; k < 2 && queues[k]; k++)
        for (size_t p = 0; p < 2; p++) {
            cl_event gate = clCreateUserEvent(h->cl, NULL), done[12];
            memcpy(before, counts, sizeof before);
            for (size_t i = 0; i < 12; i++) /* more than the ring, all held back by the gate */
                go(plans[p], queues[k], &args, 1, &gate, &done[i]);
            ck_assert_uint_eq(counts[LAYER_LAUNCH] - before[LAYER_LAUNCH], 12 * plans[p]->body.nstages);
            for (size_t c = 0; c < LAYER_LAUNCH; c++)
                ck_assert_msg(counts[c] == before[c], "call %zu of layer.h was made", c);
            clSetUserEventStatus(gate, CL_COMPLETE);
            clFinish(queues[k]);
            ck_assert_uint_eq(counts[LAYER_FINISH], before[LAYER_FINISH] + 1); /* the layer does look */
            for (size_t i = 0; i < 12; i++)
                clReleaseEvent(done[i]);
            clReleaseEvent(gate);
        }
    clReleaseMemObject(x);
    clReleaseMemObject(y);
    clnorm_plan_release(plans[0]);
    clnorm_plan_release(plans[1]);
}
END_TEST

static Suite *enqueue_suite(void)
{
    const TTest *const tests[] = {
        arguments,
        foreign_objects,
        buffers,
        unknown_slots,
        overlaps,
        workspaces,
        workspace_is_not_a_tensor,
        offsets_and_sub_buffers,
        negative_strides,
        empty_tensors,
        waits_for_events,
        ring_runs_out,
        long_wait_lists,
        threads_share_a_plan,
        neither_waits_nor_allocates,
    };
    Suite *s = suite_create("enqueue");
    TCase *t = tcase_create("all");
    for (size_t k = 0; k < CLN_COUNT(tests); k++)
        tcase_add_test(t, tests[k]);
    suite_add_tcase(s, t);
    return s;
}

SUITE_MAIN(enqueue_suite)

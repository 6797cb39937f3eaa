/* enqueue_places.c -- where elements lie: at offsets, in sub-buffers, backwards, and where there are none. */
#include "enqueue_case.h"

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
    RELEASE(first, second, across, parent);
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
    cl_mem x_mem = buffer(240, host), y_mem = buffer(240, NULL), both = buffer(480, NULL);
    clnorm_args args = pair(x_mem, 0, y_mem, 0);
    REFUSED(CLNORM_EBUFFER, "before it", plan, h->queue, &args);
    args = pair(x_mem, 58 * 4, y_mem, 0);
    REFUSED(CLNORM_EBUFFER, "x: byte_offset is 232 and its strides reach 236 bytes before it", plan, h->queue,
            &args);
    args = pair(both, 240, both, 0); /* x begins behind y and reaches back into it */
    REFUSED(CLNORM_EBUFFER, "x and y overlap", plan, h->queue, &args);
    args = pair(x_mem, 59 * 4, y_mem, 0);
    go(plan, h->queue, &args, 0, NULL, NULL);
    read_back(y_mem, 0, 240, back);
    for (size_t i = 0; i < 60; i++)
        ck_assert_float_eq(back[i], host[59 - i] / 2);
    RELEASE(x_mem, y_mem, both);
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
    clFlush(h->queue);
    for (int k = 0; k < 50; k++)
        harness_nap();
    ck_assert_int_ne(status_of(done), CL_COMPLETE);
    clSetUserEventStatus(gate, CL_COMPLETE);
    ck_assert_int_eq(clWaitForEvents(1, &done), CL_SUCCESS);
    ck_assert_int_eq(status_of(done), CL_COMPLETE);
    clReleaseEvent(done);
    clReleaseEvent(gate);
    clnorm_plan_release(plan);
}
END_TEST

void enqueue_places(TCase *t) { SUITE_ADD(t, offsets_and_sub_buffers, negative_strides, empty_tensors); }

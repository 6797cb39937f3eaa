/* test_enqueue.c -- what an enqueue refuses, and where elements lie. */
#include "enqueue_case.h"

/* It fails with this status, says this word, and leaves no event. */
#define REFUSED(status, word, ...)                                                  \
    do {                                                                            \
        cl_event refused = (cl_event)harness_get();                                 \
        ck_assert_int_eq(clnorm_enqueue(__VA_ARGS__, 0, NULL, &refused), (status)); \
        SAYS(word);                                                                 \
        ck_assert_ptr_null(refused);                                                \
    } while (0)

/* ---- what is refused ---- */

START_TEST(arguments)
{
    harness *h = harness_get();
    clnorm_plan *plan = scale_plan(tiny(), tiny(), 0);
    cl_mem x = buffer(TINY, NULL), y = buffer(TINY, NULL);
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
    args.size = (uint32_t)sizeof args;
    args.flags = CLNORM_CUMULATIVE | 8;
    REFUSED(CLNORM_EARG, "flags is 0x9; CLNORM_CUMULATIVE, 0x1, is known", plan, h->queue, &args);
    args.flags = 0;
    const double momenta[] = { (double)NAN, -1, 2, (double)INFINITY };
    for (size_t k = 0; k < CLN_COUNT(momenta); k++) {
        args.momentum = momenta[k];
        REFUSED(CLNORM_EARG, "momentum is ", plan, h->queue, &args);
        SAYS("above 0 to 1 are allowed, and 0 for the descriptor's");
    }
    args.size = (uint32_t)offsetof(clnorm_args, workspace); /* an older header */
    go(plan, h->queue, &args, 0, NULL, NULL);
    clSetUserEventStatus(any, CL_COMPLETE);
    clReleaseEvent(any);
    clFinish(h->queue);
    RELEASE(x, y);
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
    clnorm_plan *plan = scale_plan(tiny(), tiny(), 0), *split = split_plan();
    cl_mem x = buffer(TINY, NULL), y = buffer(TINY, NULL);
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
    RELEASE(x, y, foreign, large_x, large_y);
    clReleaseCommandQueue(foreign_queue);
    clReleaseContext(other);
    clnorm_plan_release(plan);
    clnorm_plan_release(split);
}
END_TEST

START_TEST(buffers)
{
    harness *h = harness_get();
    clnorm_plan *plan = scale_plan(tiny(), tiny(), 0);
    cl_mem x = buffer(TINY, NULL), y = buffer(TINY, NULL), shorter = buffer(TINY - 1, NULL);
    cl_mem fixed = buffer_in(h->cl, CL_MEM_READ_ONLY, TINY, NULL);
    cl_mem blind = buffer_in(h->cl, CL_MEM_WRITE_ONLY, TINY, NULL);
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
        { x, y, 0, TINY + 4, "y: the buffer has" },
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
    RELEASE(x, y, shorter, fixed, blind);
    clnorm_plan_release(plan);
}
END_TEST

START_TEST(unknown_slots)
{
    harness *h = harness_get();
    clnorm_plan *plan = scale_plan(tiny(), tiny(), 0), *split = split_plan();
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
    RELEASE(x, y, one, none);
    clnorm_plan_release(plan);
    clnorm_plan_release(split);
}
END_TEST

START_TEST(overlaps)
{
    harness *h = harness_get();
    const clnorm_tensor f16 = clnorm_nchw(CLNORM_F16, 1, 3, 4, 5), last = clnorm_nhwc(CLNORM_F32, 1, 3, 4, 5);
    clnorm_plan *same = scale_plan(tiny(), tiny(), 0), *swap = scale_plan(tiny(), tiny(), 1);
    clnorm_plan *half = scale_plan(tiny(), f16, 0), *turned = scale_plan(tiny(), last, 0);
    clnorm_plan *split = split_plan();
    float host[TINY / 4], back[TINY / 4];
    fill(host, CLN_COUNT(host), 1);
    cl_mem mem = buffer(2 * BYTES, NULL), x = buffer(TINY, host);
    clnorm_args args = pair(mem, 0, mem, 4);
    REFUSED(CLNORM_EBUFFER, "overlap", same, h->queue, &args);
    args = pair(mem, TINY - 4, mem, 0);
    REFUSED(CLNORM_EBUFFER, "overlap", same, h->queue, &args);
    args = pair(mem, 0, mem, 0);
    REFUSED(CLNORM_EBUFFER, "swap_rb", swap, h->queue, &args);
    REFUSED(CLNORM_EBUFFER, "overlap", half, h->queue, &args);
    REFUSED(CLNORM_EBUFFER, "overlap", turned, h->queue, &args);
    args = pair(mem, 0, mem, TINY); /* side by side */
    go(same, h->queue, &args, 0, NULL, NULL);
    args = pair(mem, TINY, mem, 0);
    go(same, h->queue, &args, 0, NULL, NULL);
    args = pair(x, 0, x, 0);
    go(same, h->queue, &args, 0, NULL, NULL);
    read_back(x, 0, TINY, back);
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
    RELEASE(mem, x);
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
    RELEASE(x, y, enough, shorter, fixed);
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
    RELEASE(x, y);
    clnorm_plan_release(plan);
}
END_TEST

/* A plan as far as its arguments are checked, without a program. */
static clnorm_plan unbuilt(const clnorm_any *d)
{
    cln_problems p;
    clnorm_plan plan;
    memset(&plan, 0, sizeof plan);
    OK(cln_op_pose(&p, &d->op));
    plan.ctx = harness_get()->ctx;
    plan.nbodies = p.count;
    plan.reads = p.reads;
    plan.writes = p.writes;
    plan.required = p.required;
    for (size_t k = 0; k < p.count; k++) {
        plan.body[k].problem = p.part[k];
        plan.body[k].nstages = 1;
    }
    return plan;
}

static void refuses_place(const clnorm_any *d, uint32_t out, uint32_t in, const char *sentence)
{
    const clnorm_plan plan = unbuilt(d);
    cl_mem x = buffer(2 * TINY, NULL), y = buffer(2 * TINY, NULL), dy = buffer(2 * TINY, NULL);
    clnorm_args args = pair(x, 0, NULL, 0), copy;
    put(&args, in, in == CLNORM_X ? x : dy, 0);
    put(&args, out, y, 0);
    OK(cln_check_args(&copy, &plan, &args));
    put(&args, out, in == CLNORM_X ? x : dy, 0);
    ck_assert_int_eq(cln_check_args(&copy, &plan, &args), CLNORM_EBUFFER);
    ck_assert_str_eq(clnorm_last_error(NULL), sentence);
    RELEASE(x, y, dy);
}

/* Where an output would be in an input's place, but for a size, or for what is read again. */
START_TEST(places_that_are_not_the_same)
{
    clnorm_any d;
    OK(clnorm_op_init(&d, CLNORM_OP_TOTENSOR));
    d.head.x = clnorm_rows(CLNORM_F32, 2, 3);
    d.head.y = clnorm_rows(CLNORM_F16, 2, 3);
    d.head.y.stride[0] = 9; /* ends where x does */
    refuses_place(&d, CLNORM_Y, CLNORM_X,
                  "x and y overlap; one may be the other only with elements of one size, equal strides and "
                  "offset");
    d = small(CLNORM_OP_LRN);
    d.head.x = d.head.y = tiny();
    refuses_place(&d, CLNORM_Y, CLNORM_X,
                  "x and y overlap; a window reads its neighbours, so they must be apart");
    d = small(CLNORM_OP_LAYERNORM);
    d.head.x = d.head.y = tiny();
    d.op.direction = CLNORM_BACKWARD; /* whose gradients of weights read dy once more */
    refuses_place(&d, CLNORM_DX, CLNORM_DY, "dy and dx overlap");
}
END_TEST

/* Of a layer, whose inputs may be one buffer, and which has other slots each way. */
START_TEST(slots_of_a_layer)
{
    harness *h = harness_get();
    clnorm_instancenorm d = CLNORM_INSTANCENORM_INIT;
    d.x = d.y = tiny();
    clnorm_plan *plan = plan_of(&d.op);
    const float ones[3] = { 1, 1, 1 };
    cl_mem x = buffer(TINY, NULL), y = buffer(TINY, NULL), weights = buffer(sizeof ones, ones);
    clnorm_args args = pair(x, 0, y, 0);
    put(&args, CLNORM_GAMMA, weights, 0);
    put(&args, CLNORM_BETA, weights, 0);
    go(plan, h->queue, &args, 0, NULL, NULL);
    put(&args, CLNORM_BETA, y, 0);
    REFUSED(CLNORM_EBUFFER, "y and beta overlap", plan, h->queue, &args);
    put(&args, CLNORM_BETA, NULL, 0);
    put(&args, CLNORM_DGAMMA, weights, 0);
    REFUSED(CLNORM_EBUFFER, "instancenorm takes no dgamma in this direction and mode", plan, h->queue, &args);
    put(&args, CLNORM_DGAMMA, NULL, 0);
    put(&args, 30, weights, 0);
    REFUSED(CLNORM_EBUFFER, "instancenorm takes no slot 30; 0 (x) to 25 (fault) are known", plan, h->queue,
            &args);
    for (uint32_t s = CLNORM_SLOTS_USED; s < 4 * CLNORM_SLOTS; s++) /* a shift by 32 and more is undefined */
        ck_assert_uint_eq(clnorm_plan_slot_bytes(plan, s), 0);
    clFinish(h->queue);
    RELEASE(x, y, weights);
    clnorm_plan_release(plan);
}
END_TEST

/* Means are never where x is, though both are Y and X; a workspace is not needed and may be anywhere. */
START_TEST(what_writes_no_element)
{
    harness *h = harness_get();
    const clnorm_any d = small(CLNORM_OP_MOMENTS);
    clnorm_plan *moments = plan_of(&d.op), *plan = scale_plan(tiny(), tiny(), 0);
    cl_mem x = buffer(2 * TINY, NULL), y = buffer(TINY, NULL);
    clnorm_args args = pair(x, 0, x, 0);
    REFUSED(CLNORM_EBUFFER, "x and y overlap", moments, h->queue, &args);
    args = pair(x, 0, y, 0);
    ck_assert_uint_eq(clnorm_plan_workspace(plan), 0);
    args.workspace.mem = y;
    go(plan, h->queue, &args, 0, NULL, NULL);
    clFinish(h->queue);
    RELEASE(x, y);
    clnorm_plan_release(moments);
    clnorm_plan_release(plan);
}
END_TEST

/* A queue of the right context, on the other of its two devices. */
START_TEST(queue_of_another_device)
{
    harness *h = harness_get();
    const cl_device_partition_property one[] = { CL_DEVICE_PARTITION_EQUALLY, 1, 0 };
    cl_device_id devices[2] = { h->device, NULL };
    cl_uint parts = 0;
    cl_int code;
    if (clCreateSubDevices(h->device, one, 0, NULL, &parts) != CL_SUCCESS || !parts)
        return; /* the device has no parts */
    cl_device_id *const all = (cl_device_id *)calloc(parts, sizeof(cl_device_id));
    ck_assert_int_eq(clCreateSubDevices(h->device, one, parts, all, NULL), CL_SUCCESS);
    devices[1] = all[0];
    cl_context both = clCreateContext(NULL, 2, devices, NULL, NULL, &code);
    ck_assert_int_eq(code, CL_SUCCESS);
    cl_command_queue queue = clCreateCommandQueue(both, devices[1], 0, &code);
    ck_assert_int_eq(code, CL_SUCCESS);
    const clnorm_options o = lazy();
    const clnorm_totensor d = halved(60);
    clnorm_context *ctx;
    clnorm_plan *plan;
    OK(clnorm_context_create(&ctx, both, h->device, &o));
    OK(clnorm_totensor_plan(&plan, ctx, &d, CLNORM_ESTIMATE));
    cl_mem x = buffer_in(both, CL_MEM_READ_WRITE, TINY, NULL),
           y = buffer_in(both, CL_MEM_READ_WRITE, TINY, NULL);
    const clnorm_args args = pair(x, 0, y, 0);
    REFUSED(CLNORM_EDEVICE, "the queue is of another device than the plan", plan, queue, &args);
    RELEASE(x, y);
    clnorm_plan_release(plan);
    clnorm_context_release(ctx);
    clReleaseCommandQueue(queue);
    clReleaseContext(both);
    for (cl_uint k = 0; k < parts; k++)
        clReleaseDevice(all[k]);
    free(all);
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
    cl_mem x_mem = buffer(240, host), y_mem = buffer(240, NULL);
    clnorm_args args = pair(x_mem, 0, y_mem, 0);
    REFUSED(CLNORM_EBUFFER, "before it", plan, h->queue, &args);
    args = pair(x_mem, 59 * 4, y_mem, 0);
    go(plan, h->queue, &args, 0, NULL, NULL);
    read_back(y_mem, 0, 240, back);
    for (size_t i = 0; i < 60; i++)
        ck_assert_float_eq(back[i], host[59 - i] / 2);
    RELEASE(x_mem, y_mem);
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

static Suite *enqueue_suite(void)
{
    return suite_of("enqueue", SUITE_CASE(arguments, foreign_objects, buffers, unknown_slots, overlaps,
                                          workspaces, workspace_is_not_a_tensor, places_that_are_not_the_same,
                                          slots_of_a_layer, what_writes_no_element, queue_of_another_device,
                                          offsets_and_sub_buffers, negative_strides, empty_tensors));
}

SUITE_MAIN(enqueue_suite)

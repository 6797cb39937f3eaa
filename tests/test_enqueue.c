/* test_enqueue.c -- what an enqueue refuses: arguments, objects of others, buffers, slots, workspaces. */
#include "enqueue_case.h"

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
    const cl_event none[] = { any, NULL };
    ck_assert_int_eq(clnorm_enqueue(plan, h->queue, &args, 2, none, NULL), CLNORM_EARG);
    ck_assert_ptr_nonnull(strstr(clnorm_last_error(NULL), "wait[1] is NULL"));
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
    args.momentum = 1;
    go(plan, h->queue, &args, 0, NULL, NULL);
    args.size = (uint32_t)offsetof(clnorm_args, workspace); /* an older header */
    go(plan, h->queue, &args, 0, NULL, NULL);
    cl_event chain = any; /* in the place of the one that it waits for */
    go(plan, h->queue, &args, 1, &chain, &chain);
    ck_assert(chain && chain != any);
    clSetUserEventStatus(any, CL_COMPLETE);
    ck_assert_int_eq(clWaitForEvents(1, &chain), CL_SUCCESS);
    clReleaseEvent(chain);
    clReleaseEvent(any);
    clFinish(h->queue);
    RELEASE(x, y);
    clnorm_plan_release(plan);
}
END_TEST

/* Of a newer header, 65,536 bytes at most: what is behind ours must be zeros. */
START_TEST(newer_arguments)
{
    harness *h = harness_get();
    clnorm_plan *plan = scale_plan(tiny(), tiny(), 0);
    cl_mem x = buffer(TINY, NULL), y = buffer(TINY, NULL);
    union {
        clnorm_args known;
        unsigned char bytes[65544];
    } newer;
    memset(&newer, 0, sizeof newer);
    newer.known = pair(x, 0, y, 0);
    newer.known.size = 65536;
    go(plan, h->queue, &newer.known, 0, NULL, NULL);
    newer.known.size = 65537;
    REFUSED(CLNORM_EARG, "args.size is 65537; sizeof(clnorm_args), ", plan, h->queue, &newer.known);
    newer.known.size = (uint32_t)sizeof newer.known + 8;
    newer.bytes[newer.known.size - 1] = 1;
    REFUSED(CLNORM_EARG, "the rest is of a newer version", plan, h->queue, &newer.known);
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
    args.workspace.reserved = 4;
    REFUSED(CLNORM_EARG, "workspace: reserved is 4; 0 is allowed", split, h->queue, &args);
    args.workspace.reserved = 0;
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
    args = pair(x, 0, y, 0);
    args.slot[CLNORM_Y].reserved = 9;
    REFUSED(CLNORM_EARG, "y: reserved is 9; 0 is allowed", plan, h->queue, &args);
    args = pair(fixed, 0, blind, 0);
    go(plan, h->queue, &args, 0, NULL, NULL);
    clFinish(h->queue);
    RELEASE(x, y, shorter, fixed, blind);
    clnorm_plan_release(plan);
}
END_TEST

/* Memory that is no buffer, and memory that is updated but may not be read. */
START_TEST(other_memory)
{
    harness *h = harness_get();
    clnorm_plan *plan = scale_plan(tiny(), tiny(), 0);
    const cl_image_format format = { CL_R, CL_FLOAT };
    cl_image_desc desc;
    cl_int code;
    memset(&desc, 0, sizeof desc);
    desc.image_type = CL_MEM_OBJECT_IMAGE2D;
    desc.image_width = desc.image_height = 64;
    cl_mem x = buffer(TINY, NULL), y = buffer(TINY, NULL);
    cl_mem blind = buffer_in(h->cl, CL_MEM_WRITE_ONLY, BYTES, NULL);
    cl_mem image = clCreateImage(h->cl, CL_MEM_READ_WRITE, &format, &desc, NULL, &code);
    if (code == CL_SUCCESS) { /* or the device has none */
        const clnorm_args args = pair(image, 0, y, 0);
        REFUSED(CLNORM_EBUFFER, "x is an image", plan, h->queue, &args);
        clReleaseMemObject(image);
    }
    clnorm_plan_release(plan);
    clnorm_batchnorm d = CLNORM_BATCHNORM_INIT;
    d.x = d.y = tiny();
    d.mode = CLNORM_TRAIN;
    plan = plan_of(&d.op);
    clnorm_args args = pair(x, 0, y, 0);
    args.slot[CLNORM_RUNNING_MEAN].mem = args.slot[CLNORM_RUNNING_VAR].mem = blind;
    REFUSED(CLNORM_EBUFFER, "running_mean is made with CL_MEM_WRITE_ONLY", plan, h->queue, &args);
    args = pair(x, 0, y, 0);
    args.workspace.mem = blind;
    REFUSED(CLNORM_EBUFFER, "workspace is made with CL_MEM_WRITE_ONLY", plan, h->queue, &args);
    clnorm_plan_release(plan);
    RELEASE(x, y, blind);
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
    clnorm_args absent = pair(x, 0, y, 0); /* what is set beside no buffer is not passed over */
    absent.slot[CLNORM_MEAN].svm = &absent;
    REFUSED(CLNORM_EBUFFER, "mean: svm is not supported", split, h->queue, &absent);
    absent = pair(x, 0, y, 0);
    absent.slot[CLNORM_SLOTS - 1].reserved = 1;
    REFUSED(CLNORM_EBUFFER, "takes no", split, h->queue, &absent);
    absent = pair(x, 0, y, 0);
    absent.workspace.reserved = 1;
    REFUSED(CLNORM_EARG, "workspace: reserved is 1", split, h->queue, &absent);
    clFinish(h->queue);
    RELEASE(x, y, one, none);
    clnorm_plan_release(plan);
    clnorm_plan_release(split);
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
    unsigned char *const used = (unsigned char *)calloc(2, need), *const clear = used + need;
    cl_mem x = buffer(BYTES, host), y = buffer(BYTES, NULL), enough = buffer(need, clear),
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
    read_back(enough, 0, need, used); /* it is there that the sums are left */
    ck_assert_int_ne(memcmp(used, clear, need), 0);
    RELEASE(x, y, enough, shorter, fixed);
    clnorm_plan_release(plan);
    free(used);
    free(host);
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

static Suite *enqueue_suite(void)
{
    TCase *t = SUITE_CASE(arguments, newer_arguments, foreign_objects, buffers, other_memory, unknown_slots,
                          workspaces, slots_of_a_layer, queue_of_another_device);
    enqueue_overlaps(t);
    enqueue_places(t);
    return suite_of("enqueue", t);
}

SUITE_MAIN(enqueue_suite)

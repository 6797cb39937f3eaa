/* test_record.c -- plans in a command buffer of the caller's: recorded once, run often, the bits of an enqueue. */
#include "enqueue_case.h"

#include <CL/cl_ext.h>

static struct {
    clCreateCommandBufferKHR_fn create;
    clFinalizeCommandBufferKHR_fn finalize;
    clEnqueueCommandBufferKHR_fn enqueue;
    clReleaseCommandBufferKHR_fn release;
} cb;

static void *function(const char *name)
{
    return clGetExtensionFunctionAddressForPlatform(harness_get()->ctx->device.platform, name);
}
#define FUNCTION(member, name)                     \
    do {                                           \
        void *const at = function(name);           \
        ck_assert_ptr_nonnull(at);                 \
        memcpy(&cb.member, &at, sizeof cb.member); \
    } while (0)

/* Whether the device has command buffers. */
static bool setup(void)
{
    if (!harness_get()->ctx->device.commands.kernel)
        return false;
    FUNCTION(create, "clCreateCommandBufferKHR");
    FUNCTION(finalize, "clFinalizeCommandBufferKHR");
    FUNCTION(enqueue, "clEnqueueCommandBufferKHR");
    FUNCTION(release, "clReleaseCommandBufferKHR");
    return true;
}

static cl_command_buffer_khr begin(cl_command_queue queue)
{
    cl_int code;
    const cl_command_buffer_khr buffer = cb.create(1, &queue, NULL, &code);
    ck_assert_int_eq(code, CL_SUCCESS);
    return buffer;
}

/* All tensors of a call, and a workspace. */
typedef struct call {
    clnorm_plan *plan;
    clnorm_args args;
    uint32_t writes;
} call;

static cl_mem memory(size_t bytes)
{
    cl_int code;
    const cl_mem mem = clCreateBuffer(harness_get()->cl, CL_MEM_READ_WRITE, bytes, NULL, &code);
    ck_assert_int_eq(code, CL_SUCCESS);
    return mem;
}

/* Numbers from 1 on, others for each seed. */
static void put_numbers(const call *c, uint32_t slot, uint32_t seed)
{
    const size_t bytes = clnorm_plan_slot_bytes(c->plan, slot);
    float *const data = (float *)malloc(bytes);
    ck_assert_ptr_nonnull(data);
    for (size_t k = 0; k < bytes / sizeof *data; k++)
        data[k] = 1.0f + (float)((k * 2654435761u + seed * 40503u) % 4099u) / 64.0f;
    ck_assert_int_eq(clEnqueueWriteBuffer(harness_get()->queue, c->args.slot[slot].mem, CL_TRUE, 0, bytes,
                                          data, 0, NULL, NULL),
                     CL_SUCCESS);
    free(data);
}

static void refill(const call *c, uint32_t seed)
{
    for (uint32_t s = 0; s < CLNORM_SLOTS; s++)
        if (c->args.slot[s].mem)
            put_numbers(c, s, seed + s);
}

static call call_of(const clnorm_op *op)
{
    static const clnorm_args none = CLNORM_ARGS_INIT;
    call c = { plan_of(op), none, 0 };
    uint32_t reads;
    clnorm_op_slots(&c.plan->body[0].problem.desc, &reads, &c.writes, NULL);
    for (uint32_t s = 0; s < CLNORM_SLOTS; s++)
        if ((reads | c.writes) >> s & 1)
            c.args.slot[s].mem = memory(clnorm_plan_slot_bytes(c.plan, s));
    if (clnorm_plan_workspace(c.plan))
        c.args.workspace.mem = memory(clnorm_plan_workspace(c.plan));
    return c;
}

static void drop(call *c)
{
    for (uint32_t s = 0; s < CLNORM_SLOTS; s++)
        if (c->args.slot[s].mem)
            clReleaseMemObject(c->args.slot[s].mem);
    if (c->args.workspace.mem)
        clReleaseMemObject(c->args.workspace.mem);
    clnorm_plan_release(c->plan);
}

/* All outputs, one behind the other, for free(). */
static unsigned char *outputs(const call *c, size_t *bytes)
{
    unsigned char *all = NULL;
    *bytes = 0;
    for (uint32_t s = 0; s < CLNORM_SLOTS; s++) {
        const size_t n = c->writes >> s & 1 ? clnorm_plan_slot_bytes(c->plan, s) : 0;
        if (!n)
            continue;
        all = (unsigned char *)realloc(all, *bytes + n);
        ck_assert_ptr_nonnull(all);
        ck_assert_int_eq(clEnqueueReadBuffer(harness_get()->queue, c->args.slot[s].mem, CL_TRUE, 0, n,
                                             all + *bytes, 0, NULL, NULL),
                         CL_SUCCESS);
        *bytes += n;
    }
    return all;
}

/* Recorded once; each run works on what the buffers hold then. */
static void check(const clnorm_op *op, size_t launches)
{
    cl_command_queue queue = queue_of(harness_get()->cl);
    call c = call_of(op);
    cl_uint point = 0;
    size_t stages = 0, n, m;
    for (size_t k = 0; k < c.plan->nbodies; k++)
        stages += c.plan->body[k].nstages;
    ck_assert_uint_ge(stages, launches);
    const cl_command_buffer_khr buffer = begin(queue);
    OK(clnorm_record(c.plan, queue, buffer, &c.args, 0, NULL, &point));
    ck_assert_int_eq(cb.finalize(buffer), CL_SUCCESS);
    for (uint32_t seed = 1; seed <= 3; seed++) {
        refill(&c, seed);
        OK(clnorm_enqueue(c.plan, queue, &c.args, 0, NULL, NULL));
        ck_assert_int_eq(clFinish(queue), CL_SUCCESS);
        unsigned char *const want = outputs(&c, &n);
        refill(&c, seed);
        ck_assert_int_eq(cb.enqueue(0, NULL, buffer, 0, NULL, NULL), CL_SUCCESS);
        ck_assert_int_eq(clFinish(queue), CL_SUCCESS);
        unsigned char *const got = outputs(&c, &m);
        ck_assert_uint_eq(n, m);
        ck_assert_msg(memcmp(want, got, n) == 0, "a recording gives other bits, seed %u", seed);
        free(want);
        free(got);
    }
    cb.release(buffer);
    clReleaseCommandQueue(queue);
    drop(&c);
}

static clnorm_any describe(uint32_t kind, uint32_t direction)
{
    const double train = CLNORM_TRAIN;
    clnorm_any d;
    OK(clnorm_op_init(&d, kind));
    d.op.direction = direction;
    d.head.x = d.head.y = clnorm_nchw(CLNORM_F32, 3, 8, 20, 20);
    clnorm_op_set(&d, "mode", &train, 1);
    return d;
}

START_TEST(one_launch_and_many)
{
    if (!setup())
        return;
    clnorm_any d = describe(CLNORM_OP_ZSCORE, CLNORM_FORWARD);
    check(&d.op, 1);
    d.head.x = d.head.y = clnorm_nchw(CLNORM_F32, 1, 3, 300, 300);
    check(&d.op, 1);
    d = describe(CLNORM_OP_BATCHNORM, CLNORM_FORWARD); /* running statistics go on at each run */
    check(&d.op, 1);
    d = describe(CLNORM_OP_LAYERNORM, CLNORM_BACKWARD);
    check(&d.op, 2);
    d.layered.layer.affine = CLNORM_PER_ELEMENT;
    check(&d.op, 2);
}
END_TEST

/* y of the first is x of the second, by a sync point. */
START_TEST(a_chain_of_two)
{
    if (!setup())
        return;
    const clnorm_any d = describe(CLNORM_OP_ZSCORE, CLNORM_FORWARD),
                     e = describe(CLNORM_OP_LAYERNORM, CLNORM_FORWARD);
    cl_command_queue queue = queue_of(harness_get()->cl);
    call first = call_of(&d.op), second = call_of(&e.op);
    cl_uint point;
    size_t n, m;
    clReleaseMemObject(second.args.slot[CLNORM_X].mem);
    refill(&first, 5);
    second.args.slot[CLNORM_X].mem = NULL;
    refill(&second, 6);
    second.args.slot[CLNORM_X].mem = first.args.slot[CLNORM_Y].mem;
    clRetainMemObject(first.args.slot[CLNORM_Y].mem);
    OK(clnorm_enqueue(first.plan, queue, &first.args, 0, NULL, NULL));
    OK(clnorm_enqueue(second.plan, queue, &second.args, 0, NULL, NULL));
    ck_assert_int_eq(clFinish(queue), CL_SUCCESS);
    unsigned char *const want = outputs(&second, &n);
    put_numbers(&first, CLNORM_Y, 9);
    const cl_command_buffer_khr buffer = begin(queue);
    OK(clnorm_record(first.plan, queue, buffer, &first.args, 0, NULL, &point));
    OK(clnorm_record(second.plan, queue, buffer, &second.args, 1, &point, NULL));
    ck_assert_int_eq(cb.finalize(buffer), CL_SUCCESS);
    ck_assert_int_eq(cb.enqueue(0, NULL, buffer, 0, NULL, NULL), CL_SUCCESS);
    ck_assert_int_eq(clFinish(queue), CL_SUCCESS);
    unsigned char *const got = outputs(&second, &m);
    ck_assert(n == m && memcmp(want, got, n) == 0);
    free(want);
    free(got);
    cb.release(buffer);
    clReleaseCommandQueue(queue);
    drop(&first);
    drop(&second);
}
END_TEST

static void expect(const call *c, const unsigned char *want, size_t bytes)
{
    size_t n;
    unsigned char *const got = outputs(c, &n);
    ck_assert_uint_eq(n, bytes);
    ck_assert_msg(memcmp(want, got, n) == 0, "a recording has other arguments than its own");
    free(got);
}

/* One plan, twice in a command buffer, enqueued between recording and running, and refused behind its end: each has its own
 * buffers. */
static void share(const clnorm_op *op)
{
    cl_command_queue queue = queue_of(harness_get()->cl);
    call one = call_of(op), other = call_of(op);
    cl_uint point;
    size_t n;
    clnorm_plan_release(other.plan);
    clnorm_plan_retain(one.plan);
    other.plan = one.plan;
    const cl_command_buffer_khr buffer = begin(queue);
    OK(clnorm_record(one.plan, queue, buffer, &one.args, 0, NULL, &point));
    OK(clnorm_record(one.plan, queue, buffer, &other.args, 1, &point, NULL));
    ck_assert_int_eq(cb.finalize(buffer), CL_SUCCESS);
    refill(&one, 1);
    refill(&other, 2);
    OK(clnorm_enqueue(one.plan, queue, &one.args, 0, NULL, NULL));
    OK(clnorm_enqueue(one.plan, queue, &other.args, 0, NULL, NULL));
    ck_assert_int_eq(clFinish(queue), CL_SUCCESS);
    unsigned char *const first = outputs(&one, &n), *const second = outputs(&other, &n);
    ck_assert_int_eq(clnorm_record(one.plan, queue, buffer, &other.args, 0, NULL, NULL), CLNORM_ECL);
    refill(&one, 1);
    refill(&other, 2);
    ck_assert_int_eq(cb.enqueue(0, NULL, buffer, 0, NULL, NULL), CL_SUCCESS);
    ck_assert_int_eq(clFinish(queue), CL_SUCCESS);
    expect(&one, first, n);
    expect(&other, second, n);
    free(first);
    free(second);
    cb.release(buffer);
    clReleaseCommandQueue(queue);
    drop(&one);
    drop(&other);
}

START_TEST(recordings_of_one_plan)
{
    if (!setup())
        return;
    const clnorm_any d = describe(CLNORM_OP_ZSCORE, CLNORM_FORWARD),
                     e = describe(CLNORM_OP_LAYERNORM, CLNORM_BACKWARD);
    share(&d.op);
    share(&e.op);
}
END_TEST

START_TEST(what_is_refused)
{
    if (!setup())
        return;
    harness *const h = harness_get();
    clnorm_plan *const split = split_plan();
    clnorm_args none = CLNORM_ARGS_INIT, args = none;
    cl_context other = clCreateContext(NULL, 1, &h->device, NULL, NULL, NULL);
    cl_command_queue queue = queue_of(h->cl), foreign = queue_of(other);
    const cl_command_buffer_khr buffer = begin(queue), of_other = begin(foreign);
    cl_uint point = 1;
    ck_assert_int_eq(clnorm_record(NULL, queue, buffer, &args, 0, NULL, NULL), CLNORM_EARG);
    ck_assert_int_eq(clnorm_record(split, queue, NULL, &args, 0, NULL, NULL), CLNORM_EARG);
    SAYS("buffer is NULL");
    ck_assert_int_eq(clnorm_record(split, NULL, buffer, &args, 0, NULL, NULL), CLNORM_EARG);
    SAYS("queue is NULL");
    ck_assert_int_eq(clnorm_record(split, queue, buffer, NULL, 0, NULL, NULL), CLNORM_EARG);
    ck_assert_int_eq(clnorm_record(split, queue, buffer, &args, 1, NULL, NULL), CLNORM_EARG);
    ck_assert_int_eq(clnorm_record(split, queue, buffer, &args, 0, &point, NULL), CLNORM_EARG);
    ck_assert_int_eq(clnorm_record(split, queue, buffer, &args, 0, NULL, NULL), CLNORM_EBUFFER);
    args.slot[CLNORM_X].mem = memory(clnorm_plan_slot_bytes(split, CLNORM_X));
    args.slot[CLNORM_Y].mem = memory(clnorm_plan_slot_bytes(split, CLNORM_Y));
    ck_assert_int_eq(clnorm_record(split, queue, buffer, &args, 0, NULL, NULL), CLNORM_EWORKSPACE);
    SAYS("a recorded call needs a workspace of its own");
    ck_assert_int_eq(clnorm_record(split, foreign, of_other, &args, 0, NULL, NULL), CLNORM_EDEVICE);
    SAYS("of another context");
    const cln_commands had = h->ctx->device.commands; /* a device that has none */
    memset(&h->ctx->device.commands, 0, sizeof had);
    ck_assert_int_eq(clnorm_record(split, queue, buffer, &args, 0, NULL, NULL), CLNORM_EUNSUPPORTED);
    SAYS("has no cl_khr_command_buffer");
    h->ctx->device.commands = had;
    args.workspace.mem = memory(clnorm_plan_workspace(split));
    ck_assert_int_eq(cb.finalize(buffer), CL_SUCCESS);
    ck_assert_int_eq(clnorm_record(split, queue, buffer, &args, 0, NULL, NULL),
                     CLNORM_ECL); /* it is recorded already */
    clReleaseMemObject(args.slot[CLNORM_X].mem);
    clReleaseMemObject(args.slot[CLNORM_Y].mem);
    clReleaseMemObject(args.workspace.mem);
    cb.release(buffer);
    cb.release(of_other);
    clReleaseCommandQueue(queue);
    clReleaseCommandQueue(foreign);
    clReleaseContext(other);
    clnorm_plan_release(split);
}
END_TEST

/* Of an empty tensor, and of a call that asks for nothing, a point that waits is left. */
START_TEST(nothing_to_run)
{
    if (!setup())
        return;
    clnorm_any d = describe(CLNORM_OP_ZSCORE, CLNORM_FORWARD);
    clnorm_args args = CLNORM_ARGS_INIT;
    cl_command_queue queue = queue_of(harness_get()->cl);
    cl_uint point = 77;
    d.head.x.shape[0] = d.head.y.shape[0] = 0;
    clnorm_plan *const plan = plan_of(&d.op);
    const cl_command_buffer_khr buffer = begin(queue);
    OK(clnorm_record(plan, queue, buffer, &args, 0, NULL, &point));
    ck_assert_int_eq(cb.finalize(buffer), CL_SUCCESS);
    ck_assert_int_eq(cb.enqueue(0, NULL, buffer, 0, NULL, NULL), CL_SUCCESS);
    ck_assert_int_eq(clFinish(queue), CL_SUCCESS);
    cb.release(buffer);
    clReleaseCommandQueue(queue);
    clnorm_plan_release(plan);
}
END_TEST

/* Gradients of which none is given. */
START_TEST(nothing_wanted)
{
    if (!setup())
        return;
    const clnorm_any d = describe(CLNORM_OP_LAYERNORM, CLNORM_BACKWARD);
    cl_command_queue queue = queue_of(harness_get()->cl);
    call c = call_of(&d.op);
    clnorm_args args = c.args;
    cl_uint point = 77;
    for (uint32_t s = 0; s < CLNORM_SLOTS; s++)
        if (c.writes >> s & 1)
            args.slot[s].mem = NULL;
    const cl_command_buffer_khr buffer = begin(queue);
    OK(clnorm_record(c.plan, queue, buffer, &args, 0, NULL, &point));
    ck_assert_uint_eq(point, 77);
    cb.release(buffer);
    clReleaseCommandQueue(queue);
    drop(&c);
}
END_TEST

static Suite *suite(void)
{
    return suite_of("record", SUITE_CASE(one_launch_and_many, a_chain_of_two, recordings_of_one_plan,
                                         what_is_refused, nothing_to_run, nothing_wanted));
}
SUITE_MAIN(suite)

/* enqueue.c -- buffers checked, kernels borrowed, stages enqueued. Nothing here waits, builds or allocates on
 * the device. */
#include "api/api.h"
#include "base/fork.h"
#include "base/status.h"
#include "tensor/tensor.h"

#include <string.h>

/* One buffer as bytes of its outermost memory object. */
typedef struct span {
    const char *name;
    cl_mem root;
    size_t low, high;
    const clnorm_tensor *view;
    bool output;
} span;

#define MAX_SPANS (CLN_MAX_SLOTS + 3)

static clnorm_status check_queue(const clnorm_plan *plan, cl_command_queue queue, bool *in_order)
{
    cl_context context;
    cl_device_id device;
    cl_command_queue_properties properties;
    if (!queue)
        return cln_fail(CLNORM_EARG, "queue is NULL");
    CLN_CL(clGetCommandQueueInfo(queue, CL_QUEUE_CONTEXT, sizeof context, &context, NULL));
    CLN_CL(clGetCommandQueueInfo(queue, CL_QUEUE_DEVICE, sizeof device, &device, NULL));
    CLN_CL(clGetCommandQueueInfo(queue, CL_QUEUE_PROPERTIES, sizeof properties, &properties, NULL));
    if (context != plan->ctx->cl || device != plan->ctx->device.id)
        return cln_fail(CLNORM_EDEVICE, "the queue is of another %s than the plan",
                        context != plan->ctx->cl ? "context" : "device");
    *in_order = !(properties & CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE);
    return CLNORM_OK;
}

/* Foreign buffers run in silence on some runtimes (PoCL), so ask. */
static clnorm_status check_memory(const clnorm_plan *plan, const char *name, const clnorm_buffer *b,
                                  bool output, size_t *size, cl_mem *root, size_t *origin)
{
    cl_context context;
    cl_mem parent;
    cl_mem_flags flags;
    CLN_CL(clGetMemObjectInfo(b->mem, CL_MEM_CONTEXT, sizeof context, &context, NULL));
    CLN_CL(clGetMemObjectInfo(b->mem, CL_MEM_SIZE, sizeof *size, size, NULL));
    CLN_CL(clGetMemObjectInfo(b->mem, CL_MEM_FLAGS, sizeof flags, &flags, NULL));
    CLN_CL(clGetMemObjectInfo(b->mem, CL_MEM_ASSOCIATED_MEMOBJECT, sizeof parent, &parent, NULL));
    CLN_CL(clGetMemObjectInfo(b->mem, CL_MEM_OFFSET, sizeof *origin, origin, NULL));
    if (context != plan->ctx->cl)
        return cln_fail(CLNORM_EBUFFER, "%s is a buffer of another OpenCL context than the plan's", name);
    if (flags & (output ? CL_MEM_READ_ONLY : CL_MEM_WRITE_ONLY))
        return cln_fail(CLNORM_EBUFFER, "%s is made with %s", name,
                        output ? "CL_MEM_READ_ONLY and would be written"
                               : "CL_MEM_WRITE_ONLY and would be read");
    *root = parent ? parent : b->mem;
    *origin = parent ? *origin : 0;
    return CLNORM_OK;
}

static clnorm_status check_buffer(span *out, const clnorm_plan *plan, const char *name,
                                  const clnorm_buffer *b, const clnorm_tensor *t, bool output)
{
    const size_t element = t->dtype ? clnorm_dtype_bytes(t->dtype) : 8;
    size_t size, origin;
    int64_t low, high;
    cl_mem root;
    if (b->svm)
        return cln_fail(CLNORM_EBUFFER, "%s: svm is not supported yet; it must be NULL", name);
    CLN_TRY(check_memory(plan, name, b, output, &size, &root, &origin));
    if (b->byte_offset % element)
        return cln_fail(CLNORM_EBUFFER, "%s: byte_offset is %zu; a multiple of %zu is allowed", name,
                        b->byte_offset, element);
    cln_tensor_reach(t, &low, &high);
    const uint64_t before = (uint64_t)-low * element, behind = (uint64_t)high * element;
    if (b->byte_offset < before)
        return cln_fail(CLNORM_EBUFFER, "%s: byte_offset is %zu and its strides reach %llu bytes before it",
                        name, b->byte_offset, (unsigned long long)before);
    if (b->byte_offset > size || behind > size - b->byte_offset)
        return cln_fail(CLNORM_EBUFFER, "%s: the buffer has %zu bytes; %llu from byte_offset %zu are needed",
                        name, size, (unsigned long long)behind, b->byte_offset);
    const span s = { name, root,  origin + b->byte_offset - before, origin + b->byte_offset + (size_t)behind,
                     t,    output };
    *out = s;
    return CLNORM_OK;
}

/* y in x's place: same bytes for the same index. */
static bool in_place(const span *a, const span *b)
{
    return a->low == b->low && a->high == b->high && a->view->ndim == b->view->ndim &&
           clnorm_dtype_bytes(a->view->dtype) == clnorm_dtype_bytes(b->view->dtype) &&
           !memcmp(a->view->shape, b->view->shape, sizeof a->view->shape) &&
           !memcmp(a->view->stride, b->view->stride, sizeof a->view->stride);
}

static clnorm_status check_overlap(const clnorm_plan *plan, const span *spans, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < i; k++) {
            const span *a = &spans[i], *b = &spans[k];
            const bool xy = k == 0 && i == 1 && plan->body.problem.op->maps;
            if ((!a->output && !b->output) || a->root != b->root || a->low >= b->high || b->low >= a->high)
                continue;
            if (!(xy && in_place(a, b) && !plan->body.problem.view.swap))
                return cln_fail(CLNORM_EBUFFER, "%s and %s overlap%s", b->name, a->name,
                                xy ? "; y may be x only with elements of one size, equal strides and offset, "
                                     "and no swap_rb"
                                   : "");
        }
    return CLNORM_OK;
}

static const char *slot_name(uint32_t slot)
{
    static const char *const names[] = {
#define NAME(NAME, name) #name,
        CLNORM_SLOT_MAP(NAME)
#undef NAME
    };
    return slot < CLN_COUNT(names) ? names[slot] : "an unknown slot";
}

static clnorm_status check_known(const cln_op *op, const clnorm_args *args)
{
    for (uint32_t s = 0; s < CLNORM_SLOTS; s++)
        if (args->slot[s].mem && s != CLNORM_X && s != CLNORM_Y &&
            !((op->info.slots_in | op->info.slots_out) >> s & 1))
            return cln_fail(CLNORM_EBUFFER, "%s takes no %s", op->info.name, slot_name(s));
    return CLNORM_OK;
}

/* Every buffer of the call, the workspace included; *workspace_size is its, where one is given. */
static clnorm_status check_buffers(const clnorm_plan *plan, const clnorm_args *args, size_t *workspace_size)
{
    const cln_problem *p = &plan->body.problem;
    const cln_op *op = p->op;
    clnorm_tensor shapes[MAX_SPANS];
    span spans[MAX_SPANS];
    size_t n = 0;
    CLN_TRY(check_known(op, args));
    const uint32_t required = p->required | 1u << CLNORM_X | 1u << CLNORM_Y;
    for (uint32_t s = 0; s < CLNORM_SLOTS; s++) {
        if (!args->slot[s].mem && required >> s & 1)
            return cln_fail(CLNORM_EBUFFER, "%s needs %s; its buffer is NULL", op->info.name, slot_name(s));
        if (!args->slot[s].mem)
            continue;
        cln_op_slot(&p->desc, op, s, &shapes[n]);
        const bool output = s == CLNORM_Y || op->info.slots_out >> s & 1;
        CLN_TRY(check_buffer(&spans[n], plan, slot_name(s), &args->slot[s], &shapes[n], output));
        n++;
    }
    if (args->workspace.mem) {
        size_t origin;
        cl_mem root;
        CLN_TRY(check_memory(plan, "workspace", &args->workspace, true, workspace_size, &root, &origin));
        if (plan->body.workspace) /* it is scratch: no tensor may lie in it */
            spans[n++] = (span){ "workspace", root, origin, origin + plan->body.workspace, NULL, true };
    }
    return check_overlap(plan, spans, n);
}

/* Whether a buffer's first element can be read as a whole vector: host memory of the user may start anywhere.
 */
static bool aligned(const clnorm_buffer *b, size_t vector)
{
    cl_mem_flags flags = 0;
    void *host = NULL;
    size_t origin = 0;
    if (clGetMemObjectInfo(b->mem, CL_MEM_FLAGS, sizeof flags, &flags, NULL) != CL_SUCCESS ||
        clGetMemObjectInfo(b->mem, CL_MEM_OFFSET, sizeof origin, &origin, NULL) != CL_SUCCESS)
        return false;
    if (flags & CL_MEM_USE_HOST_PTR &&
        clGetMemObjectInfo(b->mem, CL_MEM_HOST_PTR, sizeof host, &host, NULL) != CL_SUCCESS)
        return false;
    return ((uintptr_t)host + (host ? 0 : origin) + b->byte_offset) % vector == 0;
}

static int pick_variant(const cln_body *body, const clnorm_args *args)
{
    const size_t vec = body->choice.vec;
    const bool wide = body->choice.wide && aligned(&args->slot[CLNORM_Y], vec * body->problem.y_bytes) &&
                      (body->geo.step_x != 1 || aligned(&args->slot[CLNORM_X], vec * body->problem.x_bytes));
    return wide ? CLN_WIDE : CLN_PLAIN;
}

static clnorm_status borrow(cln_kernels **out, clnorm_plan *plan, int variant)
{
    pthread_mutex_lock(&plan->lock);
    *out = plan->body.variants[variant].free;
    if (*out)
        plan->body.variants[variant].free = (*out)->next;
    pthread_mutex_unlock(&plan->lock);
    return *out ? CLNORM_OK : cln_stage_kernels(out, &plan->body, variant);
}

static void give_back(cln_kernels *kernels, clnorm_plan *plan, int variant)
{
    pthread_mutex_lock(&plan->lock);
    kernels->next = plan->body.variants[variant].free;
    plan->body.variants[variant].free = kernels;
    pthread_mutex_unlock(&plan->lock);
}

/* With the ring's workspace: wait for its last user too, and leave our event there. */
static clnorm_status enqueue_ring(const clnorm_plan *plan, const cln_kernels *kernels, cl_command_queue queue,
                                  bool in_order, const clnorm_args *args, cl_uint nwait, const cl_event *wait,
                                  cl_event *event)
{
    clnorm_buffer workspace = { NULL, 0, NULL, 0 };
    cl_event all[64], busy = NULL, done = NULL;
    clnorm_status st;
    cln_ring_place *place = cln_ring_take(&plan->ctx->ring, &workspace.mem, &busy);
    cl_event joined = NULL;
    if (busy && nwait + 1 > CLN_COUNT(all)) { /* a marker stands for a long list */
        st = CLN_CL_STATUS(clEnqueueMarkerWithWaitList(queue, nwait, wait, &joined),
                           "clEnqueueMarkerWithWaitList");
        if (st != CLNORM_OK) {
            cln_ring_give(&plan->ctx->ring, place, busy);
            return st;
        }
        nwait = 1;
        wait = &joined;
    }
    if (busy) {
        if (nwait)
            memcpy(all, wait, nwait * sizeof *all);
        all[nwait++] = busy;
        wait = all;
    }
    st = cln_stage_enqueue(&plan->body, kernels, queue, in_order, args, &workspace, nwait, wait, &done);
    if (st == CLNORM_OK && event) {
        clRetainEvent(done);
        *event = done;
    }
    /* After a failure half-way the stages before it still use the place: its next user waits for all of them.
     */
    if (st != CLNORM_OK && clEnqueueMarkerWithWaitList(queue, 0, NULL, &done) != CL_SUCCESS)
        done = NULL;
    cln_ring_give(&plan->ctx->ring, place, done ? done : busy);
    if (done && busy)
        clReleaseEvent(busy);
    if (joined)
        clReleaseEvent(joined);
    return st;
}

static clnorm_status check_workspace(const clnorm_plan *plan, const clnorm_buffer *w, size_t size)
{
    if (!w->mem)
        return CLNORM_OK;
    if (w->byte_offset)
        return cln_fail(CLNORM_EWORKSPACE, "workspace: byte_offset is %zu; 0 is allowed", w->byte_offset);
    return size >= plan->body.workspace
               ? CLNORM_OK
               : cln_fail(CLNORM_EWORKSPACE, "the workspace has %zu bytes; %zu are needed", size,
                          plan->body.workspace);
}

/* Nothing to run: the event is complete when what it waits for is. */
static clnorm_status enqueue_nothing(cl_command_queue queue, cl_uint nwait, const cl_event *wait,
                                     cl_event *event)
{
    if (event)
        CLN_CL(clEnqueueMarkerWithWaitList(queue, nwait, wait, event));
    return CLNORM_OK;
}

static clnorm_status copy_args(clnorm_args *out, const clnorm_args *args)
{
    const clnorm_args none = CLNORM_ARGS_INIT;
    if (args->size < offsetof(clnorm_args, workspace) || args->size > 65536)
        return cln_fail(CLNORM_EARG, "args.size is %u; sizeof(clnorm_args), %zu, is expected", args->size,
                        sizeof *args);
    *out = none;
    memcpy(out, args, args->size < sizeof *out ? args->size : sizeof *out);
    return CLNORM_OK;
}

clnorm_status clnorm_enqueue(const clnorm_plan *plan, cl_command_queue queue, const clnorm_args *user_args,
                             cl_uint nwait, const cl_event *wait, cl_event *event)
{
    clnorm_plan *p = (clnorm_plan *)(uintptr_t)plan;
    clnorm_args args;
    cln_kernels *kernels;
    bool in_order = true;
    size_t workspace_size = 0;
    if (event)
        *event = NULL;
    CLN_TRY(cln_fork_check());
    if (!plan || !user_args)
        return cln_fail(CLNORM_EARG, "%s is NULL", plan ? "args" : "plan");
    if (!nwait != !wait)
        return cln_fail(CLNORM_EARG, "nwait is %u and wait is %s; both or neither", nwait,
                        wait ? "given" : "NULL");
    CLN_TRY(copy_args(&args, user_args));
    CLN_TRY(check_queue(plan, queue, &in_order));
    if (!plan->body.nstages)
        return enqueue_nothing(queue, nwait, wait, event);
    CLN_TRY(check_buffers(plan, &args, &workspace_size));
    CLN_TRY(check_workspace(plan, &args.workspace, workspace_size));
    const int variant = pick_variant(&plan->body, &args);
    CLN_TRY(borrow(&kernels, p, variant));
    const clnorm_status st = plan->body.workspace && !args.workspace.mem
                                 ? enqueue_ring(plan, kernels, queue, in_order, &args, nwait, wait, event)
                                 : cln_stage_enqueue(&plan->body, kernels, queue, in_order, &args,
                                                     &args.workspace, nwait, wait, event);
    give_back(kernels, p, variant);
    if (st == CLNORM_OK)
        cln_programs_used(plan->ctx->programs, plan->body.variants[variant].program);
    return st;
}

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
    uint32_t slot;
} span;

#define MAX_SPANS (CLNORM_SLOTS + 1)

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
    *origin = 0;
    if (parent)
        CLN_CL(clGetMemObjectInfo(b->mem, CL_MEM_OFFSET, sizeof *origin, origin, NULL));
    if (context != plan->ctx->cl)
        return cln_fail(CLNORM_EBUFFER, "%s is a buffer of another OpenCL context than the plan's", name);
    if (flags & (output ? CL_MEM_READ_ONLY : CL_MEM_WRITE_ONLY))
        return cln_fail(CLNORM_EBUFFER, "%s is made with %s", name,
                        output ? "CL_MEM_READ_ONLY and would be written"
                               : "CL_MEM_WRITE_ONLY and would be read");
    *root = parent ? parent : b->mem;
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
    const span s = {
        name, root, origin + b->byte_offset - before, origin + b->byte_offset + (size_t)behind, t, output, 0
    };
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

/* Which outputs may take the place of which inputs: pairs of slots. The kernels read an element before they
 * write it; RUNNING_* and sums are updated where they are. */
static bool may_share(const clnorm_plan *plan, uint32_t out, uint32_t in)
{
    static const uint32_t pairs[][2] = { { CLNORM_Y, CLNORM_X },
                                         { CLNORM_Y, CLNORM_RESIDUAL },
                                         { CLNORM_SUM, CLNORM_X },
                                         { CLNORM_SUM, CLNORM_RESIDUAL },
                                         { CLNORM_DX, CLNORM_DY } };
    const cln_problem *p = &plan->body[0].problem;
    if (p->swap || p->window || !p->maps || plan->nbodies > 1)
        return false;
    for (size_t k = 0; k < CLN_COUNT(pairs); k++)
        if (pairs[k][0] == out && pairs[k][1] == in)
            return true;
    return false;
}

static clnorm_status check_overlap(const clnorm_plan *plan, const span *spans, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < i; k++) {
            const span *a = &spans[i], *b = &spans[k], *out = a->output ? a : b, *in = a->output ? b : a;
            if (!out->output || a->root != b->root || a->low >= b->high || b->low >= a->high)
                continue;
            const bool known = !in->output && may_share(plan, out->slot, in->slot);
            if (!(known && in_place(a, b)))
                return cln_fail(
                    CLNORM_EBUFFER, "%s and %s overlap%s", b->name, a->name,
                    plan->body[0].problem.window ? "; a window reads its neighbours, so they must be apart"
                    : known ? "; one may be the other only with elements of one size, equal strides and "
                              "offset"
                    : out->slot == CLNORM_Y && in->slot == CLNORM_X
                        ? "; y may be x only with elements of one size, equal strides and offset, "
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

static clnorm_status check_known(const clnorm_plan *plan, const clnorm_args *args)
{
    for (uint32_t s = 0; s < CLNORM_SLOTS; s++)
        if (args->slot[s].mem && !((plan->reads | plan->writes) >> s & 1))
            return cln_fail(CLNORM_EBUFFER, "%s takes no %s%s", plan->body[0].problem.op->info.name,
                            slot_name(s),
                            plan->body[0].problem.op->info.layer ? " in this direction and mode" : "");
    return CLNORM_OK;
}

/* Every buffer of the call, the workspace included; *workspace_size is its, where one is given. */
static clnorm_status check_buffers(const clnorm_plan *plan, const clnorm_args *args, size_t *workspace_size)
{
    const cln_problem *p = &plan->body[0].problem;
    clnorm_tensor shapes[MAX_SPANS];
    span spans[MAX_SPANS];
    size_t n = 0;
    CLN_TRY(check_known(plan, args));
    if (p->op->info.layer)
        CLN_TRY(cln_layer_args(p, args));
    for (uint32_t s = 0; s < CLNORM_SLOTS; s++) {
        if (!args->slot[s].mem && plan->required >> s & 1)
            return cln_fail(CLNORM_EBUFFER, "%s needs %s; its buffer is NULL", p->op->info.name,
                            slot_name(s));
        if (!args->slot[s].mem)
            continue;
        cln_op_slot(&p->desc, s, &shapes[n]);
        CLN_TRY(
            check_buffer(&spans[n], plan, slot_name(s), &args->slot[s], &shapes[n], plan->writes >> s & 1));
        spans[n++].slot = s;
    }
    if (args->workspace.mem) {
        size_t origin;
        cl_mem root;
        CLN_TRY(check_memory(plan, "workspace", &args->workspace, true, workspace_size, &root, &origin));
        if (plan->workspace) /* it is scratch: no tensor may lie in it */
            spans[n++] =
                (span){ "workspace", root, origin, origin + plan->workspace, NULL, true, CLNORM_SLOTS };
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

static bool stream_aligned(const cln_body *body, const clnorm_args *args, uint32_t slot, int view,
                           size_t bytes)
{
    const bool used = slot < CLNORM_SLOTS && args->slot[slot].mem && body->geo.view[view].step == 1;
    return !used || aligned(&args->slot[slot], body->choice.vec * bytes);
}

static int pick_variant(const cln_body *body, const clnorm_args *args)
{
    const cln_problem *p = &body->problem;
    bool wide = body->choice.wide && stream_aligned(body, args, p->y, CLN_VIEW_Y, p->y_bytes) &&
                stream_aligned(body, args, p->x, CLN_VIEW_X, p->x_bytes);
    for (size_t k = 0; p->op->info.layer && k <= CLN_BIND_E; k++)
        wide = wide && stream_aligned(body, args, p->layer.bind[k], CLN_VIEW_D, p->layer.d_bytes);
    return (wide ? CLN_WIDE : CLN_PLAIN) | (p->layer.both && !args->slot[CLNORM_RSTD].mem ? CLN_BOTH : 0);
}

static clnorm_status borrow(cln_kernels **out, clnorm_plan *plan, cln_body *body, int variant)
{
    pthread_mutex_lock(&plan->lock);
    *out = body->variants[variant].free;
    if (*out)
        body->variants[variant].free = (*out)->next;
    pthread_mutex_unlock(&plan->lock);
    return *out ? CLNORM_OK : cln_stage_kernels(out, body, variant);
}

/* Whether they are the first of the variant that ran. */
static bool give_back(cln_kernels *kernels, clnorm_plan *plan, cln_variant *variant, bool ran)
{
    pthread_mutex_lock(&plan->lock);
    const bool first = ran && !variant->used;
    variant->used |= ran;
    kernels->next = variant->free;
    variant->free = kernels;
    pthread_mutex_unlock(&plan->lock);
    return first;
}

/* Whether a call has use for a body: something that it writes is given, or what a later problem writes, which
 * needs statistics that are not. */
static bool wanted(const cln_body *body, const clnorm_args *args)
{
    const cln_layer_problem *l = &body->problem.layer;
    if (!body->problem.op->info.layer || (!l->outputs && l->role != CLN_ROLE_KEEP))
        return true;
    if (l->role == CLN_ROLE_KEEP)
        return !args->slot[CLNORM_RSTD].mem;
    const uint32_t outputs = l->outputs | (args->slot[CLNORM_RSTD].mem ? 0 : l->kept_for);
    for (uint32_t s = 0; s < CLNORM_SLOTS; s++)
        if (outputs >> s & 1 && args->slot[s].mem)
            return true;
    return false;
}

static clnorm_status enqueue_body(cln_chain *chain, clnorm_plan *plan, cln_body *body, bool want)
{
    cln_kernels *kernels;
    const int variant = pick_variant(body, chain->args);
    CLN_TRY(borrow(&kernels, plan, body, variant));
    const clnorm_status st = cln_stage_enqueue(chain, body, kernels, want);
    if (give_back(kernels, plan, &body->variants[variant], st == CLNORM_OK))
        cln_programs_used(plan->ctx->programs, body->variants[variant].program);
    return st;
}

/* All bodies that the call has use for; `want` an event in chain->last. */
static clnorm_status enqueue_all(cln_chain *chain, clnorm_plan *plan, bool want)
{
    size_t last = plan->nbodies;
    while (last > 0 && !wanted(&plan->body[last - 1], chain->args))
        last--;
    for (size_t k = 0; k < last; k++)
        if (wanted(&plan->body[k], chain->args))
            CLN_TRY(enqueue_body(chain, plan, &plan->body[k], want && k + 1 == last));
    if (want && !chain->last) /* nothing ran */
        CLN_CL(clEnqueueMarkerWithWaitList(chain->queue, chain->nwait, chain->nwait ? chain->wait : NULL,
                                           &chain->last));
    return CLNORM_OK;
}

/* With the ring's workspace: wait for its last user too, and leave our event there. */
static clnorm_status enqueue_ring(cln_chain *chain, clnorm_plan *plan)
{
    clnorm_buffer workspace = { NULL, 0, NULL, 0 };
    cl_event all[64], busy = NULL, joined = NULL;
    clnorm_status st = CLNORM_OK;
    cln_ring_place *place = cln_ring_take(&plan->ctx->ring, &workspace.mem, &busy);
    chain->workspace = &workspace;
    if (busy && chain->nwait + 1 > CLN_COUNT(all)) { /* a marker stands for a long list */
        st = CLN_CL_STATUS(clEnqueueMarkerWithWaitList(chain->queue, chain->nwait, chain->wait, &joined),
                           "clEnqueueMarkerWithWaitList");
        if (st != CLNORM_OK) {
            cln_ring_give(&plan->ctx->ring, place, busy);
            return st;
        }
        chain->nwait = 1;
        chain->wait = &joined;
    }
    if (busy) {
        if (chain->nwait)
            memcpy(all, chain->wait, chain->nwait * sizeof *all);
        all[chain->nwait++] = busy;
        chain->wait = all;
    }
    st = enqueue_all(chain, plan, true);
    cl_event done = chain->last;
    if (st == CLNORM_OK) {
        st = CLN_CL_STATUS(clRetainEvent(done), "clRetainEvent"); /* one for the ring, one for the caller */
        if (st != CLNORM_OK)
            chain->last = NULL; /* there is but one: the ring's, for the place is in use */
    }
    /* After a failure half-way the stages before it still use the place: its next user waits for all of them.
     */
    else if (clEnqueueMarkerWithWaitList(chain->queue, 0, NULL, &done) != CL_SUCCESS)
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
    return size >= plan->workspace
               ? CLNORM_OK
               : cln_fail(CLNORM_EWORKSPACE, "the workspace has %zu bytes; %zu are needed", size,
                          plan->workspace);
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
    if (!plan->body[0].nstages)
        return enqueue_nothing(queue, nwait, wait, event);
    CLN_TRY(check_buffers(plan, &args, &workspace_size));
    CLN_TRY(check_workspace(plan, &args.workspace, workspace_size));
    cln_chain chain = { queue, in_order, &args, &args.workspace, nwait, wait, NULL };
    const bool ring = plan->workspace && !args.workspace.mem;
    const clnorm_status st = ring ? enqueue_ring(&chain, p) : enqueue_all(&chain, p, event != NULL);
    if (st == CLNORM_OK && event)
        *event = chain.last;
    else if (chain.last)
        clReleaseEvent(chain.last);
    return st;
}

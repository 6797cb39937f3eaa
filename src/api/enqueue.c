/* enqueue.c -- kernels borrowed, stages enqueued or recorded. Nothing here waits, builds or allocates on the device. */
#include "api/api.h"
#include "base/fork.h"
#include "base/status.h"

#include <string.h>

/* Whether a buffer's first element can be read as a whole vector: host memory of the user may start anywhere, and where a device
 * has it copied, the copy does not. */
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
    return (origin + b->byte_offset) % vector == 0 &&
           (!host || ((uintptr_t)host + b->byte_offset) % vector == 0);
}

static bool stream_aligned(const cln_body *body, const clnorm_args *args, uint32_t slot, int view,
                           size_t bytes)
{
    const bool vectors = body->choice.bundle > 1 || body->choice.planes || body->choice.transposed ||
                         body->geo.view[view].step == 1;
    const bool used = slot < CLNORM_SLOTS && args->slot[slot].mem && vectors;
    return !used || aligned(&args->slot[slot], body->choice.vec * bytes);
}

int cln_pick_variant(const cln_body *body, const clnorm_args *args)
{
    const cln_problem *p = &body->problem;
    bool wide = body->choice.wide && stream_aligned(body, args, p->y, CLN_VIEW_Y, p->y_bytes) &&
                stream_aligned(body, args, p->x, CLN_VIEW_X, p->x_bytes);
    for (size_t k = 0; p->op->info.layer && k <= CLN_BIND_E; k++)
        wide = wide && stream_aligned(body, args, p->layer.bind[k], CLN_VIEW_D, p->layer.d_bytes);
    return (wide ? CLN_WIDE : CLN_PLAIN) | (p->layer.both && !args->slot[CLNORM_RSTD].mem ? CLN_BOTH : 0);
}

clnorm_status cln_borrow(cln_kernels **out, clnorm_plan *plan, cln_body *body, int variant)
{
    pthread_mutex_lock(&plan->lock);
    *out = body->variants[variant].free;
    if (*out)
        body->variants[variant].free = (*out)->next;
    pthread_mutex_unlock(&plan->lock);
    return *out ? CLNORM_OK : cln_stage_kernels(out, body, variant);
}

void cln_give_back(cln_kernels *kernels, clnorm_plan *plan, cln_variant *variant, bool ran)
{
    pthread_mutex_lock(&plan->lock);
    const bool first = ran && !variant->used;
    variant->used |= ran;
    kernels->next = variant->free;
    variant->free = kernels;
    pthread_mutex_unlock(&plan->lock);
    if (first)
        cln_programs_used(plan->ctx->programs, variant->program);
}

/* Whether a call has use for a body: something that it writes is given, or what a later problem writes, which
 * needs statistics that are not. */
bool cln_wants(const cln_body *body, const clnorm_args *args)
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

/* PoCL runs a recording with the arguments that its kernels have by then: those of a recording are nobody else's. */
static bool keeps_kernels(const cln_chain *chain, const clnorm_plan *plan)
{
    return chain->recording && plan->ctx->device.pocl;
}

static clnorm_status enqueue_body(cln_chain *chain, clnorm_plan *plan, cln_body *body, bool want)
{
    cln_kernels *kernels;
    const int variant = cln_pick_variant(body, chain->args);
    CLN_TRY(cln_borrow(&kernels, plan, body, variant));
    const clnorm_status st = cln_stage_enqueue(chain, body, kernels, want);
    if (keeps_kernels(chain, plan))
        cln_stage_free(kernels);
    else
        cln_give_back(kernels, plan, &body->variants[variant], st == CLNORM_OK);
    return st;
}

/* Bodies up to the last that the call has use for. */
static size_t wanted_bodies(const clnorm_plan *plan, const clnorm_args *args)
{
    size_t last = plan->nbodies;
    while (last > 0 && !cln_wants(&plan->body[last - 1], args))
        last--;
    return last;
}

/* All bodies that the call has use for; `want` an event in chain->last. */
static clnorm_status enqueue_bodies(cln_chain *chain, clnorm_plan *plan, bool want)
{
    const size_t last = wanted_bodies(plan, chain->args);
    for (size_t k = 0; k < last; k++)
        if (cln_wants(&plan->body[k], chain->args))
            CLN_TRY(enqueue_body(chain, plan, &plan->body[k], want && k + 1 == last));
    return CLNORM_OK;
}

static clnorm_status enqueue_all(cln_chain *chain, clnorm_plan *plan, bool want)
{
    CLN_TRY(enqueue_bodies(chain, plan, want));
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
    cln_ring_place *place = cln_ring_take(&plan->ctx->ring, plan->workspace, &workspace.mem, &busy);
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

/* Nothing to run: the event is complete when what it waits for is. */
static clnorm_status enqueue_nothing(cl_command_queue queue, cl_uint nwait, const cl_event *wait,
                                     cl_event *event)
{
    if (event)
        CLN_CL(clEnqueueMarkerWithWaitList(queue, nwait, wait, event));
    return CLNORM_OK;
}

static clnorm_status check_events(cl_uint nwait, const cl_event *wait)
{
    for (cl_uint k = 0; k < nwait; k++)
        if (!wait[k])
            return cln_fail(CLNORM_EARG, "wait[%u] is NULL; an event is expected", k);
    return CLNORM_OK;
}

/* wait: events, or sync points. */
static clnorm_status check_wait(cl_uint nwait, const void *wait)
{
    return !nwait == !wait ? CLNORM_OK
                           : cln_fail(CLNORM_EARG, "nwait is %u and wait is %s; both or neither", nwait,
                                      wait ? "given" : "NULL");
}

/* *event is NULL and stays so on failure. */
static clnorm_status enqueue(const clnorm_plan *plan, cl_command_queue queue, const clnorm_args *user_args,
                             cl_uint nwait, const cl_event *wait, cl_event *event)
{
    clnorm_plan *p = (clnorm_plan *)(uintptr_t)plan;
    clnorm_args args;
    bool in_order = true;
    CLN_TRY(cln_fork_check());
    if (!plan || !user_args)
        return cln_fail(CLNORM_EARG, "%s is NULL", plan ? "args" : "plan");
    CLN_TRY(check_wait(nwait, wait));
    CLN_TRY(check_events(nwait, wait));
    CLN_TRY(cln_check_queue(plan, queue, &in_order));
    CLN_TRY(cln_check_args(&args, plan, user_args));
    if (!plan->body[0].nstages)
        return enqueue_nothing(queue, nwait, wait, event);
    cln_chain chain = { queue, in_order, &args, &args.workspace, nwait, wait, NULL, NULL };
    const bool ring = plan->workspace && !args.workspace.mem;
    const clnorm_status st = ring ? enqueue_ring(&chain, p) : enqueue_all(&chain, p, event != NULL);
    if (st == CLNORM_OK && event)
        *event = chain.last;
    else if (chain.last)
        clReleaseEvent(chain.last);
    return st;
}

clnorm_status clnorm_enqueue(const clnorm_plan *plan, cl_command_queue queue, const clnorm_args *args,
                             cl_uint nwait, const cl_event *wait, cl_event *event)
{
    cl_event done = NULL;
    const clnorm_status st = enqueue(plan, queue, args, nwait, wait, event ? &done : NULL);
    if (event) /* which may be one of `wait` */
        *event = done;
    return st;
}

/* ---- recording ---- */

clnorm_status clnorm_record(const clnorm_plan *plan, cl_command_queue queue,
                            struct _cl_command_buffer_khr *buffer, const clnorm_args *user_args,
                            cl_uint nwait, const cl_uint *wait, cl_uint *point)
{
    clnorm_args args;
    bool in_order;
    CLN_TRY(cln_fork_check());
    if (!plan || !buffer || !user_args)
        return cln_fail(CLNORM_EARG, "%s is NULL", !plan ? "plan" : !buffer ? "buffer" : "args");
    CLN_TRY(check_wait(nwait, wait));
    if (!plan->ctx->device.commands.kernel)
        return cln_fail(CLNORM_EUNSUPPORTED, "%s has no cl_khr_command_buffer", plan->ctx->device.name);
    if (plan->body[0].steps && plan->body[0].steps->calls)
        return cln_fail(CLNORM_EUNSUPPORTED, "%s multiplies by CLBlast on %s, which cannot be recorded",
                        plan->body[0].problem.op->info.name, plan->ctx->device.name);
    CLN_TRY(cln_check_queue(plan, queue, &in_order));
    CLN_TRY(cln_check_args(&args, plan, user_args));
    if (plan->workspace && !args.workspace.mem)
        return cln_fail(CLNORM_EWORKSPACE, "a recorded call needs a workspace of its own, of %zu bytes",
                        plan->workspace);
    cln_recording r = { &plan->ctx->device.commands, buffer, nwait, wait, 0 };
    cln_chain chain = { NULL, true, &args, &args.workspace, 0, NULL, NULL, &r };
    if (!plan->body[0].nstages || !wanted_bodies(plan, &args))
        return CLNORM_OK;
    CLN_TRY(enqueue_bodies(&chain, (clnorm_plan *)(uintptr_t)plan, false));
    if (point)
        *point = r.last;
    return CLNORM_OK;
}

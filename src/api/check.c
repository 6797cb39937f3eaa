/* check.c -- what a call brings: its queue, its buffers, where they lie. */
#include "api/api.h"
#include "base/sized.h"
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

clnorm_status cln_check_queue(const clnorm_plan *plan, cl_command_queue queue, bool *in_order)
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

/* What kernels do with a buffer. */
enum { READS = 1, WRITES = 2 };

/* Of a buffer that is absent, too: who sets them wants more than is done. */
static clnorm_status check_reserved(const char *name, const clnorm_buffer *b)
{
    if (b->svm)
        return cln_fail(CLNORM_EBUFFER, "%s: svm is not supported yet; it must be NULL", name);
    return b->reserved ? cln_fail(CLNORM_EARG, "%s: reserved is %llu; 0 is allowed", name,
                                  (unsigned long long)b->reserved)
                       : CLNORM_OK;
}

/* Foreign buffers, and images, run in silence on some runtimes (PoCL), so ask. */
static clnorm_status check_memory(const clnorm_plan *plan, const char *name, const clnorm_buffer *b,
                                  uint32_t use, size_t *size, cl_mem *root, size_t *origin)
{
    cl_context context;
    cl_mem parent;
    cl_mem_flags flags;
    cl_mem_object_type type;
    CLN_CL(clGetMemObjectInfo(b->mem, CL_MEM_TYPE, sizeof type, &type, NULL));
    if (type != CL_MEM_OBJECT_BUFFER)
        return cln_fail(CLNORM_EBUFFER, "%s is an image or a pipe; a buffer is allowed", name);
    CLN_CL(clGetMemObjectInfo(b->mem, CL_MEM_CONTEXT, sizeof context, &context, NULL));
    CLN_CL(clGetMemObjectInfo(b->mem, CL_MEM_SIZE, sizeof *size, size, NULL));
    CLN_CL(clGetMemObjectInfo(b->mem, CL_MEM_FLAGS, sizeof flags, &flags, NULL));
    CLN_CL(clGetMemObjectInfo(b->mem, CL_MEM_ASSOCIATED_MEMOBJECT, sizeof parent, &parent, NULL));
    *origin = 0;
    if (parent)
        CLN_CL(clGetMemObjectInfo(b->mem, CL_MEM_OFFSET, sizeof *origin, origin, NULL));
    if (context != plan->ctx->cl)
        return cln_fail(CLNORM_EBUFFER, "%s is a buffer of another OpenCL context than the plan's", name);
    if ((use & WRITES && flags & CL_MEM_READ_ONLY) || (use & READS && flags & CL_MEM_WRITE_ONLY))
        return cln_fail(CLNORM_EBUFFER, "%s is made with %s", name,
                        flags & CL_MEM_READ_ONLY ? "CL_MEM_READ_ONLY and would be written"
                                                 : "CL_MEM_WRITE_ONLY and would be read");
    *root = parent ? parent : b->mem;
    return CLNORM_OK;
}

static clnorm_status check_buffer(span *out, const clnorm_plan *plan, const char *name,
                                  const clnorm_buffer *b, const clnorm_tensor *t, uint32_t use)
{
    const size_t element = cln_slot_element(t);
    size_t size, origin;
    int64_t low, high;
    cl_mem root = NULL;
    CLN_TRY(check_memory(plan, name, b, use, &size, &root, &origin));
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
    const span s = { name,
                     root,
                     origin + b->byte_offset - (size_t)before,
                     origin + b->byte_offset + (size_t)behind,
                     t,
                     (use & WRITES) != 0,
                     0 };
    *out = s;
    return CLNORM_OK;
}

/* y in x's place: same bytes for the same index. */
static bool in_place(const span *a, const span *b)
{
    return a->low == b->low && a->high == b->high &&
           clnorm_dtype_bytes(a->view->dtype) == clnorm_dtype_bytes(b->view->dtype) &&
           !memcmp(a->view->shape, b->view->shape, sizeof a->view->shape) &&
           !memcmp(a->view->stride, b->view->stride, sizeof a->view->stride);
}

/* The one problem that a call runs; NULL where there are several. */
static const cln_problem *only_problem(const clnorm_plan *plan, const clnorm_args *args)
{
    const cln_problem *only = NULL;
    for (size_t k = 0; k < plan->nbodies; k++)
        if (cln_wants(&plan->body[k], args)) {
            if (only)
                return NULL;
            only = &plan->body[k].problem;
        }
    return only;
}

/* Which outputs may take the place of which inputs: pairs of slots. The kernels read an element before they
 * write it; RUNNING_* and sums are updated where they are. */
static bool may_share(const clnorm_plan *plan, const clnorm_args *args, uint32_t out, uint32_t in)
{
    static const uint32_t pairs[][2] = { { CLNORM_Y, CLNORM_X },
                                         { CLNORM_Y, CLNORM_RESIDUAL },
                                         { CLNORM_SUM, CLNORM_X },
                                         { CLNORM_SUM, CLNORM_RESIDUAL },
                                         { CLNORM_DX, CLNORM_DY } };
    const cln_problem *p = only_problem(plan, args);
    if (!p || p->swap || p->window || !p->maps)
        return false;
    if (p->op->steps)
        return out == CLNORM_Y && in == CLNORM_X && !p->op->info.reshapes;
    for (size_t k = 0; k < CLN_COUNT(pairs); k++)
        if (pairs[k][0] == out && pairs[k][1] == in)
            return true;
    return false;
}

static clnorm_status check_overlap(const clnorm_plan *plan, const clnorm_args *args, const span *spans,
                                   size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < i; k++) {
            const span *a = &spans[i], *b = &spans[k], *out = a->output ? a : b, *in = a->output ? b : a;
            if (!out->output || a->root != b->root || a->low >= b->high || b->low >= a->high)
                continue;
            const bool known = !in->output && may_share(plan, args, out->slot, in->slot);
            if (!(known && in_place(a, b)))
                return cln_fail(
                    CLNORM_EBUFFER, "%s and %s overlap%s", b->name, a->name,
                    plan->body[0].problem.window ? "; a window reads its neighbours, so they must be apart"
                    : known ? "; one may be the other only with elements of one size, equal strides and "
                              "offset"
                    : out->slot == CLNORM_Y && in->slot == CLNORM_X
                        ? plan->body[0].problem.swap ? "; y may be x only without swap_rb"
                                                     : "; y of this op may not be x"
                    : out->slot == CLNORM_DX && in->slot == CLNORM_DY
                        ? "; dx may be dy only where dy is read once: without dgamma and dbeta, and, behind "
                          "an activation or of p infinite, with the statistics; never of grn behind one"
                        : ", or their ranges from the first to the last element do");
        }
    return CLNORM_OK;
}

static clnorm_status check_known(const clnorm_plan *plan, const clnorm_args *args)
{
    for (uint32_t s = 0; s < CLNORM_SLOTS; s++) {
        const clnorm_buffer *b = &args->slot[s];
        const bool set = b->mem || b->svm || b->reserved;
        if (set && !((plan->reads | plan->writes) >> s & 1))
            return cln_refuse_slot(&plan->body[0].problem.desc, s);
        if (set)
            CLN_TRY(check_reserved(cln_slot_name(s), b));
    }
    return CLNORM_OK;
}

/* What a call does with a slot: of what it writes it reads what is updated, and what is added to. */
static uint32_t use_of(const clnorm_plan *plan, uint32_t slot)
{
    static const uint32_t updated = 1u << CLNORM_RUNNING_MEAN | 1u << CLNORM_RUNNING_VAR |
                                    1u << CLNORM_RUNNING_WHITENER | 1u << CLNORM_U | 1u << CLNORM_V;
    const cln_problem *p = &plan->body[0].problem;
    const uint32_t added = p->op->info.layer ? p->desc.layered.layer.accumulate : 0, bit = 1u << slot;
    return (plan->writes & bit ? WRITES : 0) | ((plan->reads | updated | added) & bit ? READS : 0);
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
                            cln_slot_name(s));
        if (!args->slot[s].mem)
            continue;
        cln_op_slot(&p->desc, s, &shapes[n]);
        CLN_TRY(check_buffer(&spans[n], plan, cln_slot_name(s), &args->slot[s], &shapes[n], use_of(plan, s)));
        spans[n++].slot = s;
    }
    CLN_TRY(check_reserved("workspace", &args->workspace));
    if (args->workspace.mem) {
        size_t origin;
        cl_mem root = NULL;
        CLN_TRY(check_memory(plan, "workspace", &args->workspace, READS | WRITES, workspace_size, &root,
                             &origin));
        if (plan->workspace) /* it is scratch: no tensor may lie in it */
            spans[n++] =
                (span){ "workspace", root, origin, origin + plan->workspace, NULL, true, CLNORM_SLOTS };
    }
    return check_overlap(plan, args, spans, n);
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

static clnorm_status check_numbers(const clnorm_args *args)
{
    if (args->flags & ~CLNORM_CUMULATIVE)
        return cln_fail(CLNORM_EARG, "flags is 0x%x; CLNORM_CUMULATIVE, 0x%x, is known", args->flags,
                        CLNORM_CUMULATIVE);
    if (!(args->momentum >= 0 && args->momentum <= 1))
        return cln_fail(CLNORM_EARG, "momentum is %g; above 0 to 1 are allowed, and 0 for the descriptor's",
                        args->momentum);
    return CLNORM_OK;
}

clnorm_status cln_check_args(clnorm_args *out, const clnorm_plan *plan, const clnorm_args *args)
{
    size_t workspace_size = 0;
    CLN_TRY(
        cln_sized_read(out, args, offsetof(clnorm_args, workspace), sizeof *out, "args.size", "clnorm_args"));
    CLN_TRY(check_numbers(out));
    if (!plan->body[0].nstages) /* nothing is touched */
        return CLNORM_OK;
    CLN_TRY(check_buffers(plan, out, &workspace_size));
    return check_workspace(plan, &out->workspace, workspace_size);
}

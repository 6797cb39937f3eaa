/* pose.c -- from a descriptor to problems, and the shapes of its optional tensors. */
#include "base/status.h"
#include "op/op.h"
#include "tensor/tensor.h"

#include <assert.h>
#include <string.h>

/* Of a tensor: what is computed with such counts has room. */
#define MOST_ELEMENTS ((uint64_t)1 << 46)

/* An input op's axes: those of x, with y's strides beside them. */
static void image_axes(cln_view_spec *spec, const cln_problem *p)
{
    const clnorm_tensor *x = &p->desc.head.x, *y = p->maps ? &p->desc.head.y : x;
    memset(spec, 0, sizeof *spec);
    spec->axes.count = x->ndim;
    spec->channel = cln_channel_axis(x);
    spec->per_channel = p->per_channel;
    spec->swap = p->swap;
    for (uint32_t i = 0; i < x->ndim; i++)
        spec->axes.a[i] =
            (cln_axis){ x->shape[i], { x->stride[i], y->stride[i], 0, 0, 0 }, p->reduced >> i & 1, false };
}

/* Layers' sets, and those of an input op with a statistic each, whose channels have not traded places; what has none is walked as it
 * lies in memory. */
static bool may_lie_side_by_side(const cln_problem *p)
{
    return p->op->info.layer ? !p->window : p->stat_bytes && !p->swap;
}

/* What is too long for one group goes in parts, and of that a launch has no more. */
static clnorm_status check_parts(const cln_problem *p)
{
    return !p->stat_bytes || p->columns || cln_tree_holds(&p->geo) || p->geo.sets <= CLN_MOST_PARTED
               ? CLNORM_OK
               : cln_fail(CLNORM_EUNSUPPORTED,
                          "%u statistics of sets in %llu pieces each; of 2^%d pieces and more %u are allowed",
                          p->geo.sets, (unsigned long long)cln_geo_chunks(&p->geo), CLN_LEVELS,
                          CLN_MOST_PARTED);
}

static clnorm_status build(cln_problem *p)
{
    cln_view_spec spec;
    const uint64_t count = (uint64_t)clnorm_tensor_count(&p->desc.head.x);
    if (!count)
        return CLNORM_OK; /* nothing will run */
    if (count > MOST_ELEMENTS)
        return cln_fail(CLNORM_EUNSUPPORTED, "x has %llu elements; %llu are allowed",
                        (unsigned long long)count, (unsigned long long)MOST_ELEMENTS);
    if (p->op->steps) {
        p->set_elements = count;
        p->bytes = count * (p->x_bytes + p->y_bytes);
        return CLNORM_OK;
    }
    if (p->op->info.layer)
        cln_layer_axes(&spec, p);
    else
        image_axes(&spec, p);
    p->columns = may_lie_side_by_side(p) && cln_view_columns(&p->geo, &spec) &&
                 (p->op->info.layer || p->geo.span == 1);
    if (p->window)
        CLN_TRY(cln_view_window(&p->geo, &spec, p->layer.role == CLN_ROLE_FORWARD));
    else if (!p->columns) {
        if (p->op->info.layer && !p->stat_bytes) /* statistics of others lie in the order of their sets */
            cln_view_in_order(&spec.axes);
        CLN_TRY(cln_view_build(&p->geo, &spec));
    }
    CLN_TRY(check_parts(p));
    p->geo.past = p->layer.past;
    p->geo.stats = p->layer.stats;
    p->geo.family = p->layer.family;
    p->geo.weights = p->layer.weights;
    p->geo.left = p->layer.left;
    p->set_elements = (uint64_t)p->geo.runs * (p->columns ? p->geo.span : p->geo.len);
    p->bytes = count * (p->x_bytes + (p->maps ? p->y_bytes : 0) + (p->layer.reads_d ? p->layer.d_bytes : 0));
    return CLNORM_OK;
}

static clnorm_status check(clnorm_any *out, const clnorm_op *desc)
{
    const cln_op *op = cln_op_of(desc->kind);
    memset(out, 0, sizeof *out);
    memcpy(out, desc, op && desc->size == op->info.bytes ? desc->size : sizeof *desc);
    return cln_op_check(out); /* a wrong kind or size is said there */
}

static bool of_integers(uint32_t dtype)
{
    return dtype == CLNORM_U8 || dtype == CLNORM_U16 || dtype == CLNORM_S8;
}

clnorm_status cln_op_pose(cln_problems *out, const clnorm_op *desc)
{
    cln_problem *first = &out->part[0];
    memset(out, 0, sizeof *out);
    CLN_TRY(check(&first->desc, desc));
    first->op = cln_op_of(desc->kind);
    first->stat_bytes = first->op->stat_bytes[of_integers(first->desc.head.x.dtype)];
    first->maps = first->op->maps;
    first->x = CLNORM_X;
    first->y = CLNORM_Y;
    first->y_dtype = first->desc.head.y.dtype;
    first->x_bytes = clnorm_dtype_bytes(first->desc.head.x.dtype);
    CLN_TRY(first->op->pose(first));
    out->count = 1;
    if (first->op->info.layer)
        CLN_TRY(cln_layer_parts(out));
    for (size_t k = 0; k < out->count; k++) {
        out->part[k].y_bytes = clnorm_dtype_bytes(out->part[k].y_dtype);
        CLN_TRY(build(&out->part[k]));
    }
    for (size_t k = 1; k < out->count; k++)
        if (out->part[k - 1].layer.role == CLN_ROLE_DX) {
            cln_problem *dx = &out->part[k - 1], *weights = &out->part[k];
            assert(weights->layer.role == CLN_ROLE_PARAMS); /* nothing else follows it */
            dx->layer.rest_bytes = weights->bytes;
            dx->layer.fuses = cln_fuses(dx, weights);
            if (dx->maps && weights->columns && !dx->columns && !dx->layer.family && weights->geo.span == 1 &&
                weights->geo.sets == weights->geo.len)
                dx->layer.leaves_dx = true;
        }
    clnorm_op_slots(&first->desc, &out->reads, &out->writes, &out->required);
    return CLNORM_OK;
}

clnorm_status clnorm_fault_status(const clnorm_any *desc, float fault)
{
    const cln_op *op = desc ? cln_op_of(desc->op.kind) : NULL;
    if (!op)
        return cln_fail(CLNORM_EARG, "desc is NULL, or its kind unknown");
    if (fault == (float)CLNORM_FAULT_NONE)
        return CLNORM_OK;
    return fault == (float)CLNORM_FAULT_SINGULAR && op->singular
               ? cln_fail(CLNORM_EDATA, "%s: %s", op->info.name, op->singular)
               : cln_fail(CLNORM_EDATA,
                          "%s: an input holds NaN or infinity, or numbers so large that their products do",
                          op->info.name);
}

/* ---- slots ---- */

const char *cln_slot_name(uint32_t slot)
{
    static const char *const names[] = {
#define NAME(NAME, name) #name,
        CLNORM_SLOT_MAP(NAME)
#undef NAME
    };
    assert(slot < CLN_COUNT(names));
    return names[slot];
}

clnorm_status cln_refuse_slot(const clnorm_any *desc, uint32_t slot)
{
    const cln_op *op = cln_op_of(desc->op.kind);
    if (slot == CLNORM_MASK && op->info.layer && desc->layered.layer.act == CLNORM_RELU)
        return cln_fail(CLNORM_EBUFFER, "%s takes a mask only of a float y whose strides are not negative",
                        op->info.name);
    if (slot >= CLNORM_SLOTS_USED)
        return cln_fail(CLNORM_EBUFFER, "%s takes no slot %u; 0 (x) to %u (%s) are known", op->info.name,
                        slot, CLNORM_SLOTS_USED - 1, cln_slot_name(CLNORM_SLOTS_USED - 1));
    return cln_fail(CLNORM_EBUFFER, "%s takes no %s%s", op->info.name, cln_slot_name(slot),
                    op->info.layer || op->steps     ? " in this direction and mode"
                    : op->info.slots_in >> slot & 1 ? " for the op that it undoes"
                                                    : "");
}

static bool posed(cln_problem *p, const clnorm_any *desc)
{
    memset(p, 0, sizeof *p);
    p->op = desc ? cln_op_of(desc->op.kind) : NULL;
    if (!p->op)
        return false;
    p->desc = *desc;
    return p->op->pose(p) == CLNORM_OK;
}

void clnorm_op_slots(const clnorm_any *desc, uint32_t *reads, uint32_t *writes, uint32_t *required)
{
    cln_problem p;
    uint32_t all[3] = { 0, 0, 0 }; /* reads, writes, required */
    if (posed(&p, desc) && p.op->info.layer)
        cln_layer_slots(&p, &all[0], &all[1], &all[2]);
    else if (p.op && p.op->steps) {
        all[0] = p.reads;
        all[1] = p.writes;
        all[2] = p.required;
    } else if (p.op) {
        all[0] = 1u << CLNORM_X | (p.op->info.slots_in & p.required); /* of denormalize: what `of` names */
        all[1] = 1u << CLNORM_Y | p.op->info.slots_out;
        all[2] = 1u << CLNORM_X | 1u << CLNORM_Y | p.required;
    }
    if (reads)
        *reads = all[0];
    if (writes)
        *writes = all[1];
    if (required)
        *required = all[2];
}

/* x's shape with 1 on the reduced axes, dense. */
static void statistic(clnorm_tensor *out, const cln_problem *p, uint32_t dtype)
{
    memset(out, 0, sizeof *out);
    out->dtype = dtype;
    out->ndim = p->desc.head.x.ndim;
    for (uint32_t i = 0; i < out->ndim; i++)
        out->shape[i] = p->reduced >> i & 1 ? 1 : p->desc.head.x.shape[i];
    cln_tensor_complete(out);
}

size_t cln_slot_element(const clnorm_tensor *t) { return t->dtype ? clnorm_dtype_bytes(t->dtype) : 8; }

bool cln_op_slot(const clnorm_any *desc, uint32_t slot, clnorm_tensor *out)
{
    cln_problem p;
    if (slot >= CLNORM_SLOTS_USED || !posed(&p, desc))
        return false;
    if (slot == CLNORM_X || slot == CLNORM_Y) {
        *out = slot == CLNORM_X ? desc->head.x : desc->head.y;
        return true;
    }
    if (p.op->steps)
        return (p.reads | p.writes) >> slot & 1 && p.op->slot(&p, slot, out);
    if (p.op->info.layer)
        return cln_layer_slot(&p, slot, out);
    if ((p.op->info.slots_in & ~p.required) >> slot & 1)
        return false;
    for (size_t k = 0; p.op->slots[k].slot; k++)
        if (p.op->slots[k].slot == slot) {
            statistic(out, &p, p.op->slots[k].u64 ? 0 : CLNORM_F32);
            return true;
        }
    return false;
}

int clnorm_op_slot(const clnorm_any *desc, uint32_t slot, clnorm_tensor *out)
{
    return desc && out && cln_op_slot(desc, slot, out);
}

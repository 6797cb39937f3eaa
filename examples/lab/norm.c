/* norm.c -- one normalization inside the network: plans of clnorm, forward and backward, and its statistics.
 */
#include "norm.h"

#include <string.h>

enum { GROUPS = 4, SETS = 64 * 64 }; /* no kind has more statistics than a batch has channels */

const char *const norm_name[NORM_KINDS] = { "none", "batchnorm", "layernorm", "groupnorm", "grn" };

static const uint32_t op_kind[NORM_KINDS] = { 0, CLNORM_OP_BATCHNORM, CLNORM_OP_LAYERNORM,
                                              CLNORM_OP_GROUPNORM, CLNORM_OP_GRN };

static cl_mem filled(rig *r, int n, float value)
{
    float values[SETS];
    const cl_mem mem = rig_memory(r, (size_t)n * sizeof *values);
    for (int i = 0; i < n; i++)
        values[i] = value;
    rig_write(r, mem, values, (size_t)n * sizeof *values);
    return mem;
}

void norm_open(norm *n, rig *r, norm_kind kind, int channels, int height, int width)
{
    memset(n, 0, sizeof *n);
    n->kind = kind;
    n->channels = channels;
    n->height = height;
    n->width = width;
    if (kind == NORM_NONE)
        return;
    n->mean = filled(r, SETS, 0.0f);
    n->rstd = filled(r, SETS, 0.0f);
    n->running_mean = filled(r, channels, 0.0f);
    n->running_var = filled(r, channels, 1.0f);
}

static void release_plans(norm *n)
{
    clnorm_plan_release(n->train);
    clnorm_plan_release(n->eval);
    clnorm_plan_release(n->back);
    n->train = n->eval = n->back = NULL;
}

void norm_close(norm *n)
{
    const cl_mem all[] = { n->mean, n->rstd, n->running_mean, n->running_var };
    release_plans(n);
    for (size_t k = 0; k < sizeof all / sizeof *all; k++)
        if (all[k])
            clReleaseMemObject(all[k]);
}

static clnorm_plan *plan_of(const norm *n, rig *r, uint32_t mode, uint32_t direction)
{
    clnorm_any desc;
    if (clnorm_op_init(&desc, op_kind[n->kind]))
        return NULL;
    desc.op.direction = direction;
    desc.head.x = desc.head.y = clnorm_nchw(CLNORM_F32, n->batch, n->channels, n->height, n->width);
    if (n->kind == NORM_BATCH)
        desc.batchnorm.mode = mode;
    if (n->kind == NORM_GROUP)
        desc.groupnorm.groups = GROUPS;
    if (n->eps > 0.0 && clnorm_op_set(&desc, "eps", &n->eps, 1))
        return NULL;
    return rig_plan(r, &desc);
}

void norm_plan(norm *n, rig *r, int batch)
{
    if (n->kind == NORM_NONE || n->batch == batch)
        return;
    release_plans(n);
    n->batch = batch;
    n->train = plan_of(n, r, CLNORM_TRAIN, CLNORM_FORWARD);
    n->eval = plan_of(n, r, CLNORM_EVAL, CLNORM_FORWARD);
    n->back = plan_of(n, r, CLNORM_TRAIN, CLNORM_BACKWARD);
}

/* Gives a plan the buffer of a slot, if it knows the slot. */
static void give(clnorm_args *args, const clnorm_plan *plan, uint32_t slot, cl_mem mem)
{
    if (clnorm_plan_slot_bytes(plan, slot))
        args->slot[slot].mem = mem;
}

void norm_forward(const norm *n, rig *r, norm_mode mode, cl_mem x, cl_mem y)
{
    clnorm_args args = CLNORM_ARGS_INIT;
    const clnorm_plan *plan = mode == NORM_EVAL ? n->eval : n->train;
    if (n->kind == NORM_NONE || r->status)
        return;
    args.slot[CLNORM_X].mem = x;
    args.slot[CLNORM_Y].mem = y;
    args.slot[CLNORM_GAMMA] = n->gamma;
    args.slot[CLNORM_BETA] = n->beta;
    if (mode == NORM_TRAIN) {
        give(&args, plan, CLNORM_MEAN, n->mean);
        give(&args, plan, CLNORM_RSTD, n->rstd);
    }
    if (mode != NORM_AS_TRAINED) {
        give(&args, plan, CLNORM_RUNNING_MEAN, n->running_mean);
        give(&args, plan, CLNORM_RUNNING_VAR, n->running_var);
    }
    rig_enqueue(r, plan, &args);
}

void norm_backward(const norm *n, rig *r, cl_mem x, cl_mem dy, cl_mem dx)
{
    clnorm_args args = CLNORM_ARGS_INIT;
    if (n->kind == NORM_NONE || r->status)
        return;
    args.slot[CLNORM_X].mem = x;
    args.slot[CLNORM_DY].mem = dy;
    args.slot[CLNORM_DX].mem = dx;
    args.slot[CLNORM_GAMMA] = n->gamma;
    args.slot[CLNORM_BETA] = n->beta;
    args.slot[CLNORM_DGAMMA] = n->dgamma;
    args.slot[CLNORM_DBETA] = n->dbeta;
    give(&args, n->back, CLNORM_MEAN, n->mean);
    give(&args, n->back, CLNORM_RSTD, n->rstd);
    rig_enqueue(r, n->back, &args);
}

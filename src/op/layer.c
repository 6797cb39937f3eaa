/* layer.c -- what layers share: the problems that a descriptor makes, and their axes. */
#include "op/layer.h"

#include "base/status.h"
#include "tensor/tensor.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define RESPONSE_BYTES 20 /* of cl/common/stat_response.clh, of families */
#define BIT(slot) (1u << CLNORM_##slot)

/* ---- what ops say of themselves ---- */

clnorm_status cln_check_axes(const clnorm_any *desc, uint32_t axes)
{
    const clnorm_tensor *x = &desc->head.x;
    return axes && !(axes >> x->ndim)
               ? CLNORM_OK
               : cln_fail(CLNORM_EARG, "%s: axes is 0x%x and x has %u axes; 0x1 to 0x%x are allowed",
                          cln_op_of(desc->op.kind)->info.name, axes, x->ndim, (1u << x->ndim) - 1);
}

void cln_layer_moments(cln_problem *p, float inside, float outside, uint32_t ddof)
{
    const float k[] = { inside, outside, (float)ddof, 0.0f };
    memcpy(p->k, k, sizeof k);
    p->layer.centred = true;
}

void cln_layer_power(cln_problem *p, float inside, float outside, cln_power kind)
{
    const float least =
        outside > 0.0f ? nextafterf(1.0f / outside, 0.0f) : INFINITY; /* that recip gives of it */
    const float k[] = { inside, outside, least, (float)kind };
    memcpy(p->k, k, sizeof k);
}

/* ---- problems ---- */

static void bind(cln_layer_problem *l, uint32_t d, uint32_t r, uint32_t e)
{
    for (size_t k = 0; k < CLN_BINDS; k++)
        l->bind[k] = CLN_NO_SLOT;
    l->bind[CLN_BIND_D] = d;
    l->bind[CLN_BIND_R] = r;
    l->bind[CLN_BIND_E] = e;
}

static cln_problem *add(cln_problems *out, const cln_problem *base, cln_role role)
{
    cln_problem *p = &out->part[out->count++];
    const clnorm_layer *l = &base->desc.layered.layer;
    const bool before = l->residual == CLNORM_RESIDUAL_BEFORE, after = l->residual == CLNORM_RESIDUAL_AFTER;
    const bool back = cln_layer_backward(base), wants_dy = role >= CLN_ROLE_DX;
    uint32_t past;
    *p = *base;
    p->layer.role = role;
    if (role > CLN_ROLE_KEEP) { /* what that left is there */
        p->layer.past =
            out->part[0].layer.role == CLN_ROLE_KEEP || out->part[0].layer.both ? base->layer.stats : 0;
        p->layer.stats = 0;
    }
    p->layer.no_affine =
        !cln_layer_affine(base) || role == CLN_ROLE_KEEP || (role == CLN_ROLE_PARAMS && !l->act);
    p->layer.reads_d = wants_dy;
    p->maps = role != CLN_ROLE_KEEP && role != CLN_ROLE_PARAMS;
    p->y = back ? CLNORM_DX : CLNORM_Y;
    p->y_dtype = back ? base->desc.head.x.dtype : base->desc.head.y.dtype;
    p->stat_bytes = role == CLN_ROLE_GIVEN || role == CLN_ROLE_FROZEN || !base->stat_bytes ? 0
                    : !wants_dy                                                            ? base->stat_bytes
                    : base->layer.family                                                   ? RESPONSE_BYTES
                                                                                           : CLN_PAIR_BYTES;
    p->layer.d_dtype = back    ? base->desc.head.y.dtype
                       : after ? cln_layer_residual_dtype(&base->desc)
                               : base->desc.head.x.dtype;
    p->layer.d_bytes = clnorm_dtype_bytes(p->layer.d_dtype);
    p->layer.saves =
        role == CLN_ROLE_FORWARD ? BIT(MEAN) | BIT(RSTD) | BIT(RUNNING_MEAN) | BIT(RUNNING_VAR) : 0;
    bind(&p->layer, wants_dy ? CLNORM_DY : CLN_NO_SLOT,
         (!back && before) || (role != CLN_ROLE_KEEP && after && (!back || l->act)) ? CLNORM_RESIDUAL
                                                                                    : CLN_NO_SLOT,
         !back && before                ? CLNORM_SUM
         : wants_dy && after && p->maps ? CLNORM_DRESIDUAL
                                        : CLN_NO_SLOT);
    if (role != CLN_ROLE_KEEP && cln_layer_has_mask(&base->desc))
        p->layer.bind[CLN_BIND_MASK] = CLNORM_MASK;
    cln_layer_given(base, &past);
    if (past && role != CLN_ROLE_FORWARD && role != CLN_ROLE_KEEP && !base->layer.family) {
        p->layer.variance = past >> CLNORM_RUNNING_VAR & 1;
        p->layer.bind[CLN_BIND_RSTD] = p->layer.variance ? CLNORM_RUNNING_VAR : CLNORM_RSTD;
        p->layer.bind[CLN_BIND_MEAN] = p->layer.variance         ? CLNORM_RUNNING_MEAN
                                       : past >> CLNORM_MEAN & 1 ? CLNORM_MEAN
                                                                 : CLN_NO_SLOT;
    }
    if (!p->layer.no_affine) {
        p->layer.bind[CLN_BIND_GAMMA] = CLNORM_GAMMA;
        p->layer.bind[CLN_BIND_BETA] = CLNORM_BETA;
    }
    return p;
}

/* The axes of x that a set spans; of groups, all channels. */
static uint32_t set_axes(const cln_problem *p)
{
    return p->reduced | (p->layer.groups ? 1u << cln_layer_channel(&p->desc.head.x) : 0);
}

static uint64_t length_of(const clnorm_tensor *x, uint32_t axes)
{
    uint64_t n = 1;
    for (uint32_t i = 0; i < x->ndim; i++)
        n *= axes >> i & 1 ? (uint64_t)x->shape[i] : 1;
    return n;
}

/* How many weights there are, where each set, which spans `axes`, has one and those of sets in their order
 * take turns; else 0. */
static uint64_t weights_of_sets(const cln_problem *p, uint32_t axes)
{
    const clnorm_tensor *x = &p->desc.head.x;
    const uint32_t weights = cln_layer_weight_axes(p);
    uint64_t count = 1;
    for (uint32_t i = 0; i < x->ndim; i++) {
        const bool kept = !(axes >> i & 1), weighted = weights >> i & 1;
        if (x->shape[i] != 1 && kept != weighted && (weighted || count > 1))
            return 0;
        count *= kept && weighted ? (uint64_t)x->shape[i] : 1;
    }
    return count;
}

/* Elements of a part: for fewer, folding parts costs more than another walk, or does where they fold statistics too. Channels last
 * parts are columns, which cost less, or, of few channels, far more. */
#define LEAST_PART 128
#define LEAST_COLUMN_PART 64
static uint64_t least_part(const clnorm_tensor *x)
{
    const uint32_t c = cln_layer_channel(x);
    return x->stride[c] != 1 ? LEAST_PART : x->shape[c] >= 16 ? LEAST_COLUMN_PART : UINT64_MAX;
}

/* How many parts a set has, one per weight, that can be sets of their own, which serve the gradients of
 * weights too: they are long and neighbours. Else 0. A question of shapes and strides alone. */
static uint32_t parts_by_weight(const cln_problem *p)
{
    const clnorm_tensor *x = &p->desc.head.x;
    const uint32_t set = set_axes(p), weights = cln_layer_weight_axes(p), part = set & ~weights,
                   groups = p->layer.groups;
    bool inside = false;
    if (!cln_layer_affine(p) || p->layer.family || cln_layer_eval(p) || !(set & weights))
        return 0;
    for (uint32_t i = 0; i < x->ndim; i++) {
        inside |= (set & weights) >> i & 1 && x->shape[i] != 1;
        if (inside && x->shape[i] != 1 && !(set >> i & 1))
            return 0;
    }
    const uint64_t family = length_of(x, set & weights) / (groups ? groups : 1);
    return family > 1 && family < 1u << CLN_LEVELS && length_of(x, part) >= least_part(x) &&
                   length_of(x, part) <= CLN_MOST_IN_SET / family && /* what parts leave counts them */
                   length_of(x, cln_all_axes(x) & ~part) <= UINT32_MAX
               ? (uint32_t)family
               : 0;
}

#define MOST_GATHERED 4096 /* sets of one weight, which a work-item adds up alone */

/* How dx goes: by whose sums, and what comes with it. */
typedef struct dx_way {
    uint32_t family;        /* parts of a set that are sets of their own; 0: there are none */
    uint64_t sets, weights; /* weights: of sets that have one each, else 0 */
    bool merged;            /* gradients of weights come from the same sums */
} dx_way;

static dx_way way_of_dx(const cln_problem *base, uint32_t outputs, uint32_t params)
{
    const clnorm_tensor *x = &base->desc.head.x;
    dx_way w = { parts_by_weight(base), 0, 0, false };
    const uint32_t axes = set_axes(base) & ~(w.family ? cln_layer_weight_axes(base) : 0);
    w.sets = length_of(x, cln_all_axes(x) & ~axes);
    w.weights = base->layer.groups && !w.family ? 0 : weights_of_sets(base, axes);
    w.merged = params && !cln_layer_eval(base) && w.weights &&
               (base->layer.family || (outputs && w.sets / w.weights <= MOST_GATHERED));
    return w;
}

/* Whether dx makes the statistics that a call does not give. Not where its sums ask for them: behind an
 * activation; nor of the largest element, whose dx has sums of its own. */
static bool makes_statistics(const cln_problem *base, uint32_t outputs)
{
    return outputs && base->stat_bytes && !base->layer.family && base->layer.lp <= FLT_MAX &&
           !base->desc.layered.layer.act;
}

static void add_dx(cln_problems *out, const cln_problem *base, const dx_way *w, uint32_t outputs,
                   uint32_t params, bool both)
{
    cln_problem *p = add(out, base, cln_layer_eval(base) ? CLN_ROLE_FROZEN : CLN_ROLE_DX);
    p->maps = outputs;
    p->layer.by_weight = w->family;
    p->layer.family = w->family ? w->family : base->layer.family;
    p->layer.stats = w->family ? (uint32_t)(w->sets / w->family) : p->layer.family ? (uint32_t)w->sets : 0;
    p->layer.merged = w->merged;
    p->layer.weights = w->merged && w->sets != w->weights ? (uint32_t)w->weights : 0;
    p->layer.left = !w->family ? (p->layer.weights ? 2 : 0) : both ? 6 : 2;
    p->layer.saves = w->merged ? params : 0;
    p->layer.outputs = outputs | p->layer.saves;
    p->layer.both = both;
    if (both) {
        p->stat_bytes = base->stat_bytes + CLN_PAIR_BYTES;
        p->layer.kept_for = w->merged ? 0 : params;
        if (p->layer.kept_for)
            p->layer.stats = base->layer.stats;
    }
}

static void add_backward(cln_problems *out, const cln_problem *base, bool outside)
{
    uint32_t reads, writes, required;
    cln_layer_slots(base, &reads, &writes, &required);
    const uint32_t dx = writes & (BIT(DX) | BIT(DRESIDUAL)), params = writes & (BIT(DGAMMA) | BIT(DBETA));
    const bool has_dx = dx || base->layer.family;
    const dx_way w = way_of_dx(base, dx, params);
    const bool both = !outside && makes_statistics(base, dx);
    /* A family's dx takes its statistics itself; only an activation asks for them before. */
    if (!outside && (has_dx || params) && base->stat_bytes && !both &&
        !(base->layer.family && !base->desc.layered.layer.act))
        add(out, base, CLN_ROLE_KEEP);
    if (has_dx)
        add_dx(out, base, &w, dx, params, both);
    if (params && !w.merged) {
        cln_problem *p = add(out, base, CLN_ROLE_PARAMS);
        p->layer.outputs = p->layer.saves = params;
    }
}

clnorm_status cln_layer_parts(cln_problems *out)
{
    cln_problem base = out->part[0];
    uint32_t past;
    clnorm_tensor kept;
    const bool outside = cln_layer_given(&base, &past);
    const clnorm_layer *l = &base.desc.layered.layer;
    const float post[] = { l->out_scale, l->out_zero, l->slope,
                           l->out_scale != 0.0f ? 1.0f / l->out_scale : 0.0f };
    memcpy(base.layer.post, post, sizeof post);
    base.layer.accumulate = (l->accumulate >> CLNORM_DX & 1) | (l->accumulate >> CLNORM_DGAMMA & 1) << 1 |
                            (l->accumulate >> CLNORM_DBETA & 1) << 2 |
                            (l->accumulate >> CLNORM_DRESIDUAL & 1) << 3;
    cln_layer_statistic(&kept, &base);
    if (clnorm_tensor_count(&kept) > UINT32_MAX && clnorm_tensor_count(&base.desc.head.x) > 0)
        return cln_fail(CLNORM_EUNSUPPORTED, "%lld statistics; %u are allowed",
                        (long long)clnorm_tensor_count(&kept), UINT32_MAX);
    if (!outside && base.stat_bytes && (cln_layer_backward(&base) || base.layer.family))
        base.layer.stats = (uint32_t)clnorm_tensor_count(&kept);
    out->count = 0;
    if (cln_layer_backward(&base))
        add_backward(out, &base, outside);
    else
        add(out, &base, outside ? CLN_ROLE_GIVEN : CLN_ROLE_FORWARD)->layer.mask_bytes =
            cln_layer_has_mask(&base.desc) ? cln_layer_mask_bytes(&base.desc.head.y) : 0;
    return CLNORM_OK;
}

/* ---- axes ---- */

/* Strides of a tensor that has only `axes` of the problem's, dense in their order. */
static void stride_densely(cln_axes *axes, int view, uint32_t mask_of_axes)
{
    int64_t step = 1;
    for (size_t k = axes->count; k-- > 0;) {
        const bool has = mask_of_axes >> k & 1;
        axes->a[k].stride[view] = has ? step : 0;
        step *= has ? axes->a[k].n : 1;
    }
}

/* Bit per axis of x -> bit per axis of the problem, where groups split the channel in two. */
static uint32_t split_mask(const cln_problem *p, uint32_t axes)
{
    const uint32_t c = cln_layer_channel(&p->desc.head.x), below = axes & ((1u << c) - 1), at = axes >> c & 1;
    return p->layer.groups ? below | at << c | at << (c + 1) | (axes >> (c + 1)) << (c + 2) : axes;
}

void cln_layer_axes(cln_view_spec *spec, const cln_problem *p)
{
    const clnorm_tensor *x = &p->desc.head.x, *y = &p->desc.head.y;
    const uint32_t c = cln_layer_channel(x), group_bit = p->layer.groups ? 1u << (c + 1) : 0;
    const bool back = cln_layer_backward(p), after = p->desc.layered.layer.residual == CLNORM_RESIDUAL_AFTER;
    const clnorm_tensor *out = p->maps && !back ? y : x, *d = p->layer.reads_d || after ? y : x;
    const uint32_t set = split_mask(p, p->reduced) | group_bit,
                   weights = split_mask(p, cln_layer_weight_axes(p));
    const uint32_t reduced = p->layer.role == CLN_ROLE_PARAMS ? ~weights
                             : p->layer.by_weight             ? set & ~weights
                                                              : set;
    memset(spec, 0, sizeof *spec);
    spec->channel = p->window ? (int)c : -1;
    for (uint32_t i = 0; i < x->ndim; i++) {
        cln_axis a = { x->shape[i], { x->stride[i], out->stride[i], d->stride[i], 0, 0 }, false, false };
        if (p->layer.groups && i == c) {
            cln_axis outer = a;
            a.n /= p->layer.groups;
            outer.n = p->layer.groups;
            for (int v = 0; v < CLN_VIEW_W; v++)
                outer.stride[v] *= a.n;
            spec->axes.a[spec->axes.count++] = outer;
        }
        spec->axes.a[spec->axes.count++] = a;
    }
    for (size_t k = 0; k < spec->axes.count; k++)
        spec->axes.a[k].reduced = reduced >> k & 1;
    stride_densely(&spec->axes, CLN_VIEW_W, p->layer.no_affine ? 0 : weights);
    if (p->op->stat_bytes[0] && p->layer.role != CLN_ROLE_FORWARD && p->layer.role != CLN_ROLE_KEEP)
        stride_densely(&spec->axes, CLN_VIEW_S, ~set);
}

/* verify_case.c -- one case of `verify`: a descriptor and data, on the device and in the
 * reference. */
#include "cli/verify.h"
#include "ref/ref.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Host memory of a case: what the device sees, and what the reference writes. */
typedef struct memory {
    clnorm_host_args io;
    ref_io ref;
    double *scale, largest; /* of the elements of y; |x| */
    clnorm_tensor tensor[CLNORM_SLOTS];
} memory;

static size_t room_of(const clnorm_tensor *t)
{
    const size_t bytes = t->dtype ? clnorm_tensor_bytes(t) : (size_t)clnorm_tensor_count(t) * 8;
    return bytes ? bytes : 1;
}

static bool wants(const clnorm_any *desc, const clnorm_op_info *op, uint32_t slot)
{
    static const uint32_t of_minmax = 1u << CLNORM_MIN | 1u << CLNORM_MAX;
    static const uint32_t of_zscore = 1u << CLNORM_MEAN | 1u << CLNORM_RSTD;
    if (slot == CLNORM_X || slot == CLNORM_Y || (op->slots_out >> slot & 1u))
        return true;
    if (desc->op.kind != CLNORM_OP_DENORMALIZE)
        return false;
    const uint32_t of = desc->denormalize.of;
    return ((of == CLNORM_OP_MINMAX ? of_minmax : of == CLNORM_OP_ZSCORE ? of_zscore : 0u) >> slot & 1u) != 0;
}

/* Statistics that are given: a minimum below a maximum, a factor above 0. */
static void fill_given(uint32_t slot, float *p, int64_t n)
{
    static const float base[CLNORM_SLOTS] = {
        [CLNORM_MIN] = -2, [CLNORM_MAX] = 5, [CLNORM_MEAN] = 3, [CLNORM_RSTD] = 2
    };
    for (int64_t i = 0; i < n; i++)
        p[i] = base[slot] + 0.125f * (float)(i % 7);
}

/* Also what the strides skip, so that reading it by mistake shows. */
static void fill_x(memory *m, const cli_case *c)
{
    const clnorm_tensor *x = &m->tensor[CLNORM_X];
    const int64_t n = (int64_t)(clnorm_tensor_bytes(x) / clnorm_dtype_bytes(x->dtype));
    cli_data_fill(x->dtype, m->io.slot[CLNORM_X], n, c->data, c->seed);
    for (int64_t i = 0; i < n; i++)
        m->largest = fmax(m->largest, fabs(ref_get(x->dtype, m->io.slot[CLNORM_X], i)));
}

static bool make_slot(memory *m, const cli_case *c, const clnorm_op_info *op, uint32_t slot)
{
    clnorm_tensor *t = &m->tensor[slot];
    if (slot == CLNORM_X || slot == CLNORM_Y)
        *t = slot == CLNORM_X ? c->desc.head.x : c->desc.head.y;
    else if (!clnorm_op_slot(&c->desc, slot, t))
        return true;
    const bool output = slot == CLNORM_Y || (op->slots_out >> slot & 1u);
    m->io.slot[slot] = calloc(room_of(t), 1);
    if (!m->io.slot[slot])
        return false;
    if (slot == CLNORM_X)
        fill_x(m, c);
    else if (!output)
        fill_given(slot, (float *)m->io.slot[slot], clnorm_tensor_count(t));
    m->ref.slot[slot] = output ? calloc((size_t)clnorm_tensor_count(t) + 1, 8) : m->io.slot[slot];
    return m->ref.slot[slot] != NULL;
}

static bool make(memory *m, const cli_case *c)
{
    const clnorm_op_info *op = clnorm_op_of(c->desc.op.kind);
    memset(m, 0, sizeof *m);
    m->io.size = (uint32_t)sizeof m->io;
    for (uint32_t slot = 0; slot < CLNORM_SLOTS_USED; slot++)
        if (wants(&c->desc, op, slot) && !make_slot(m, c, op, slot))
            return false;
    m->scale = (double *)calloc((size_t)clnorm_tensor_count(&c->desc.head.y) + 1, sizeof *m->scale);
    return m->scale != NULL;
}

static void release(memory *m)
{
    for (size_t slot = 0; slot < CLNORM_SLOTS; slot++) {
        if (m->ref.slot[slot] != m->io.slot[slot])
            free(m->ref.slot[slot]);
        free(m->io.slot[slot]);
    }
    free(m->scale);
}

/* ---- comparing ---- */

static int64_t offset_of(const clnorm_tensor *t, int64_t index)
{
    int64_t offset = 0;
    for (uint32_t k = t->ndim; k-- > 0; index /= t->shape[k])
        offset += index % t->shape[k] * t->stride[k];
    return offset;
}

static void note(cli_worst *worst, uint32_t slot, int64_t index, double got, double want, double error)
{
    if (error > worst->error) {
        const cli_worst w = { error, got, want, index, slot };
        *worst = w;
    }
}

/* Statistics but the mean are relative to themselves, where they are in the range of f32 at all. */
static double statistic_error(double got, double want)
{
    if (isnan(want) || isinf((float)want))
        return isnan(got) || isinf(got) ? 0 : INFINITY;
    if (fabs(want) < 1e-37)
        return fabs(got) < 2e-37 ? 0 : INFINITY;
    return fabs(got - want) / fabs(want) / 1e-6;
}

/* y has the scale of its op, a mean that of what it averages. */
static double error_of(const memory *m, const cli_case *c, uint32_t slot, int64_t i, double got, double want)
{
    const uint32_t dtype = m->tensor[slot].dtype;
    if (slot == CLNORM_Y && c->desc.op.kind != CLNORM_OP_MOMENTS)
        return ref_error(dtype, got, want, m->scale[i], c->bound);
    if (slot == CLNORM_Y || slot == CLNORM_MEAN)
        return ref_error(dtype, got, want, m->largest, c->bound);
    return statistic_error(got, want);
}

static void compare_slot(const memory *m, const cli_case *c, uint32_t slot, cli_worst *worst)
{
    const clnorm_tensor *t = &m->tensor[slot];
    const int64_t n = clnorm_tensor_count(t);
    for (int64_t i = 0; i < n; i++)
        if (!t->dtype) {
            const uint64_t got = ((const uint64_t *)m->io.slot[slot])[i];
            const uint64_t want = ((const uint64_t *)m->ref.slot[slot])[i];
            note(worst, slot, i, (double)got, (double)want, got == want ? 0 : INFINITY);
        } else {
            const double got = ref_get(t->dtype, m->io.slot[slot], offset_of(t, i));
            const double want = ((const double *)m->ref.slot[slot])[i];
            note(worst, slot, i, got, want, error_of(m, c, slot, i, got, want));
        }
}

clnorm_status cli_case_run(clnorm_context *ctx, const cli_case *c, cli_worst *worst)
{
    memory m;
    memset(worst, 0, sizeof *worst);
    clnorm_status status = make(&m, c) ? clnorm_run_host(ctx, &c->desc.op, &m.io) : CLNORM_ENOMEM;
    if (status == CLNORM_OK && !ref_run(&c->desc, &m.ref, m.scale))
        status = CLNORM_EUNSUPPORTED;
    const bool empty = clnorm_tensor_count(&c->desc.head.x) == 0; /* nothing runs */
    for (uint32_t slot = 0; slot < CLNORM_SLOTS && status == CLNORM_OK && !empty; slot++)
        if (m.ref.slot[slot] && m.ref.slot[slot] != m.io.slot[slot])
            compare_slot(&m, c, slot, worst);
    release(&m);
    return status;
}

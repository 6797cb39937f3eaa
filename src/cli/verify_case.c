/* verify_case.c -- one case of `verify`: a descriptor and data, on the device and in the
 * reference. */
#include "cli/verify.h"
#include "ref/ref.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BIT(slot) (1u << CLNORM_##slot)
#define SECOND (BIT(RUNNING_VAR) | BIT(RUNNING_WHITENER) | BIT(V))
#define MOVED (BIT(RUNNING_MEAN) | BIT(U) | SECOND)

/* Host memory of a case: what the device sees, and what the reference writes. */
typedef struct memory {
    clnorm_host_args io;
    ref_io ref;
    uint32_t in, out;
    clnorm_tensor tensor[CLNORM_SLOTS];
} memory;

static size_t room_of(const clnorm_tensor *t)
{
    const size_t bytes = t->dtype ? clnorm_tensor_bytes(t) : (size_t)clnorm_tensor_count(t) * 8;
    return bytes ? bytes : 1;
}

/* ---- which slots ---- */

static void choose(memory *m, const cli_case *c)
{
    static const uint32_t of_minmax = BIT(MIN) | BIT(MAX), of_zscore = BIT(MEAN) | BIT(RSTD);
    const clnorm_any *desc = &c->desc;
    const clnorm_op_info *op = clnorm_op_of(desc->op.kind);
    m->in = BIT(X);
    m->out = BIT(Y) | op->slots_out;
    if (op->layer) {
        clnorm_op_slots(desc, &m->in, &m->out, NULL);
        m->in &= ~(c->absent | m->out);
    } else if (op->matrix) {
        clnorm_op_slots(desc, &m->in, &m->out, NULL);
        m->in &= ~m->out;
        m->out &= ~BIT(FAULT); /* clnorm_run_host looks at it */
    } else if (desc->op.kind == CLNORM_OP_DENORMALIZE) {
        const uint32_t of = desc->denormalize.of;
        m->in |= of == CLNORM_OP_MINMAX ? of_minmax : of == CLNORM_OP_ZSCORE ? of_zscore : 0;
    }
}

/* ---- data ---- */

static void fill_values(const cli_case *c, uint32_t slot, uint32_t dtype, void *p, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        ref_set(dtype, p, i, c->value(c->user, slot, i, n));
}

/* Statistics and weights that are given: a minimum below a maximum, factors and variances above 0. */
static void fill_given(uint32_t slot, uint32_t dtype, void *p, int64_t n)
{
    static const double base[CLNORM_SLOTS] = { [CLNORM_MIN] = -2,        [CLNORM_MAX] = 5,
                                               [CLNORM_MEAN] = 0.5,      [CLNORM_RSTD] = 2,
                                               [CLNORM_GAMMA] = 0.75,    [CLNORM_BETA] = -0.25,
                                               [CLNORM_RUNNING_VAR] = 1, [CLNORM_RUNNING_MEAN] = 0.25,
                                               [CLNORM_U] = 0.5,         [CLNORM_V] = 0.25,
                                               [CLNORM_SIGMA] = 1.5,     [CLNORM_RUNNING_WHITENER] = 0.25 };
    for (int64_t i = 0; i < n; i++)
        ref_set(dtype, p, i, base[slot] + 0.125 * (double)(i % 7));
}

static void fill(const memory *m, const cli_case *c, uint32_t slot)
{
    const uint32_t random = BIT(DY) | BIT(RESIDUAL) | BIT(MASK);
    const clnorm_tensor *t = &m->tensor[slot];
    const int64_t n = (int64_t)(room_of(t) / (t->dtype ? clnorm_dtype_bytes(t->dtype) : 8));
    if (c->value)
        fill_values(c, slot, t->dtype, m->io.slot[slot], clnorm_tensor_count(t) ? n : 0);
    else if (slot == CLNORM_X) /* also what the strides skip, so that reading it by mistake shows */
        cli_data_fill(t->dtype, m->io.slot[slot], clnorm_tensor_count(t) ? n : 0, c->data, c->seed);
    else if (random >> slot & 1u)
        cli_data_fill(t->dtype, m->io.slot[slot], clnorm_tensor_count(t) ? n : 0, 0, c->seed + slot);
    else
        fill_given(slot, t->dtype, m->io.slot[slot], clnorm_tensor_count(t));
}

/* What the reference has of an output: doubles, and their S. A mask is bits. What is moved is an input too.
 */
static bool make_output(memory *m, uint32_t slot)
{
    const size_t n = (size_t)clnorm_tensor_count(&m->tensor[slot]) + 1;
    double *values = (double *)calloc(n, sizeof *values);
    m->ref.scale[slot] = (double *)calloc(n, sizeof(double));
    m->ref.any[slot] = (double *)calloc(n, sizeof(double));
    const bool made = values && m->ref.scale[slot] && m->ref.any[slot];
    if (!(MOVED >> slot & 1u)) {
        m->ref.slot[slot] = values;
        return made;
    }
    m->ref.moved[SECOND >> slot & 1u] = values;
    m->ref.slot[slot] = malloc(room_of(&m->tensor[slot]));
    if (!made || !m->ref.slot[slot])
        return false;
    memcpy(m->ref.slot[slot], m->io.slot[slot], room_of(&m->tensor[slot]));
    return true;
}

static bool make_slot(memory *m, const cli_case *c, uint32_t slot)
{
    clnorm_tensor *t = &m->tensor[slot];
    const bool output = m->out >> slot & 1u;
    if (slot == CLNORM_X || slot == CLNORM_Y)
        *t = slot == CLNORM_X ? c->desc.head.x : c->desc.head.y;
    else if (!clnorm_op_slot(&c->desc, slot, t))
        return true;
    m->io.slot[slot] = calloc(room_of(t), 1);
    if (!m->io.slot[slot])
        return false;
    if (!output || MOVED >> slot & 1u)
        fill(m, c, slot);
    if (output)
        return make_output(m, slot);
    m->ref.slot[slot] = m->io.slot[slot];
    return true;
}

static bool make(memory *m, const cli_case *c)
{
    memset(m, 0, sizeof *m);
    m->io.size = (uint32_t)sizeof m->io;
    choose(m, c);
    for (uint32_t slot = 0; slot < CLNORM_SLOTS_USED; slot++)
        if ((m->in | m->out) >> slot & 1u && !make_slot(m, c, slot))
            return false;
    return true;
}

static void release(memory *m)
{
    for (size_t slot = 0; slot < CLNORM_SLOTS; slot++) {
        if (m->ref.slot[slot] != m->io.slot[slot])
            free(m->ref.slot[slot]);
        free(m->io.slot[slot]);
        free(m->ref.scale[slot]);
        free(m->ref.any[slot]);
    }
    free(m->ref.moved[0]);
    free(m->ref.moved[1]);
}

/* ---- comparing ---- */

static void note(cli_worst *worst, const cli_case *c, uint32_t slot, int64_t index, double got, double want,
                 double error)
{
    if (error > worst->error) {
        const cli_worst w = { error, ref_bound(c->desc.op.kind, slot, c->held), got, want, index, slot, 0 };
        *worst = w;
    }
}

/* Held to what holds of any data too. */
static double error_of(const memory *m, const cli_case *c, uint32_t slot, int64_t i, double got, double want)
{
    const uint32_t dtype = m->tensor[slot].dtype, kind = c->desc.op.kind;
    const double any = ref_off(kind, slot, REF_ANY, dtype, got, want, m->ref.any[slot][i]);
    return c->held == REF_ANY
               ? any
               : fmax(any, ref_off(kind, slot, c->held, dtype, got, want, m->ref.scale[slot][i]));
}

static const double *wanted(const memory *m, uint32_t slot)
{
    return MOVED >> slot & 1u ? m->ref.moved[SECOND >> slot & 1u] : (const double *)m->ref.slot[slot];
}

/* A bit may be the other where y is 0 within the bound. */
static void compare_mask(const memory *m, const cli_case *c, cli_worst *worst)
{
    const clnorm_tensor *y = &m->tensor[CLNORM_Y];
    const uint8_t *got = (const uint8_t *)m->io.slot[CLNORM_MASK],
                  *want = (const uint8_t *)m->ref.slot[CLNORM_MASK];
    const double bound = ref_bound(c->desc.op.kind, CLNORM_Y, c->held);
    const bool quantized =
        y->dtype == CLNORM_U8 || y->dtype == CLNORM_S8; /* then 0 is not to be seen in it */
    for (int64_t i = 0; i < clnorm_tensor_count(y) && !quantized; i++) {
        const int64_t at = ref_place(y, i);
        const int a = got[at / 8] >> at % 8 & 1, b = want[at / 8] >> at % 8 & 1;
        const double value = fmax(ref_get(y->dtype, m->io.slot[CLNORM_Y], at), wanted(m, CLNORM_Y)[i]);
        if (a != b)
            note(worst, c, CLNORM_MASK, i, a, b, value / (bound * fmax(1, m->ref.scale[CLNORM_Y][i])));
    }
}

static void compare_slot(const memory *m, const cli_case *c, uint32_t slot, cli_worst *worst)
{
    const clnorm_tensor *t = &m->tensor[slot];
    const int64_t n = clnorm_tensor_count(t);
    for (int64_t i = 0; i < n; i++)
        if (!t->dtype) {
            const uint64_t got = ((const uint64_t *)m->io.slot[slot])[i];
            const uint64_t want = ((const uint64_t *)m->ref.slot[slot])[i];
            note(worst, c, slot, i, (double)got, (double)want, got == want ? 0 : INFINITY);
        } else {
            const double got = ref_get(t->dtype, m->io.slot[slot], ref_place(t, i)),
                         want = wanted(m, slot)[i];
            note(worst, c, slot, i, got, want, error_of(m, c, slot, i, got, want));
        }
}

static bool is_empty(const cli_case *c) { return clnorm_tensor_count(&c->desc.head.x) == 0; }

static void compare(const memory *m, const cli_case *c, cli_worst *worst)
{
    if (is_empty(c)) /* nothing runs */
        return;
    for (uint32_t slot = 0; slot < CLNORM_SLOTS; slot++)
        if (c->judged && !(c->judged >> slot & 1u))
            continue;
        else if (slot == CLNORM_MASK && m->out & BIT(MASK))
            compare_mask(m, c, worst);
        else if (m->out >> slot & 1u && m->io.slot[slot])
            compare_slot(m, c, slot, worst);
}

/* ---- beside PyTorch ---- */

/* Of the slots, as SEMANTICS section 4 has it: without the bounds, which differ from slot to slot. */
static double worst_of(const memory *m, const cli_case *c, uint32_t slots)
{
    double worst = 0;
    for (uint32_t slot = 0; slot < CLNORM_SLOTS; slot++) {
        cli_worst w = { 0, 0, 0, 0, 0, 0, 0 };
        if (slots >> slot & 1u)
            compare_slot(m, c, slot, &w);
        worst = fmax(worst, w.error > 0 ? w.error * w.bound : 0);
    }
    return worst;
}

static void move(const memory *m, cli_dense *dense, uint32_t slot, bool back)
{
    const clnorm_tensor *t = &m->tensor[slot];
    void *lies = m->io.slot[slot];
    for (int64_t i = 0; i < clnorm_tensor_count(t); i++)
        if (back)
            ref_set(t->dtype, lies, ref_place(t, i), dense[slot].data[i]);
        else
            dense[slot].data[i] = (float)ref_get(t->dtype, lies, ref_place(t, i));
}

/* PyTorch's results take the place of ours, so that the same code measures both. */
static void ask(memory *m, const cli_case *c, cli_beside *b, uint32_t out)
{
    const uint32_t in =
        m->in & (BIT(X) | BIT(GAMMA) | BIT(BETA) | BIT(DY) | BIT(MIN) | BIT(MAX) | BIT(MEAN) | BIT(RSTD));
    cli_dense dense[CLNORM_SLOTS];
    bool ready = true;
    memset(dense, 0, sizeof dense);
    for (uint32_t slot = 0; slot < CLNORM_SLOTS && ready; slot++)
        if ((in | out) >> slot & 1u) {
            dense[slot].tensor = m->tensor[slot];
            dense[slot].data =
                (float *)malloc(((size_t)clnorm_tensor_count(&m->tensor[slot]) + 1) * sizeof(float));
            ready = dense[slot].data != NULL;
            if (ready && in >> slot & 1u)
                move(m, dense, slot, false);
        }
    if (ready && cli_torch_run(b->torch, &c->desc, dense, in, out)) {
        for (uint32_t slot = 0; slot < CLNORM_SLOTS; slot++)
            if (out >> slot & 1u)
                move(m, dense, slot, true);
        b->theirs = worst_of(m, c, out);
    }
    for (uint32_t slot = 0; slot < CLNORM_SLOTS; slot++)
        free(dense[slot].data);
}

static void look_beside(memory *m, const cli_case *c, cli_beside *b)
{
    const bool back = c->desc.op.direction == CLNORM_BACKWARD;
    const uint32_t both = back                                   ? BIT(DX) | BIT(DGAMMA) | BIT(DBETA)
                          : c->desc.op.kind == CLNORM_OP_MOMENTS ? BIT(Y) | BIT(M2)
                                                                 : BIT(Y);
    b->ours = worst_of(m, c, both & m->out);
    b->theirs = -1;
    if (b->torch)
        ask(m, c, b, both & m->out);
}

/* What the slots take, and of outputs three doubles an element. */
static uint64_t bytes_of(const memory *m)
{
    uint64_t bytes = 0;
    for (uint32_t slot = 0; slot < CLNORM_SLOTS_USED; slot++)
        if ((m->in | m->out) >> slot & 1u) {
            bytes += room_of(&m->tensor[slot]);
            bytes += m->out >> slot & 1u
                         ? 3 * sizeof(double) * (uint64_t)clnorm_tensor_count(&m->tensor[slot])
                         : 0;
        }
    return bytes;
}

clnorm_status cli_case_run(clnorm_context *ctx, const cli_case *c, cli_worst *worst, cli_beside *beside)
{
    memory m;
    memset(worst, 0, sizeof *worst);
    bool room = make(&m, c);
    clnorm_status status = room ? clnorm_run_host(ctx, &c->desc.op, &m.io) : CLNORM_ENOMEM;
    if (status == CLNORM_OK &&
        !(room = ref_run(&c->desc, &m.ref))) /* it knows every op, and has every input */
        status = CLNORM_ENOMEM;
    worst->lacks = room ? 0 : bytes_of(&m);
    if (status == CLNORM_OK)
        compare(&m, c, worst);
    if (status == CLNORM_OK && beside && !is_empty(c))
        look_beside(&m, c, beside);
    release(&m);
    return status;
}

/* work.c -- see work.h: what the tensors of a case hold, and the reference on them. */
#include "work.h"

#include "base/compiler.h"
#include "data.h"

#include <stdlib.h>
#include <string.h>

#define BIT(slot) (1u << CLNORM_##slot)
#define PAST (BIT(MEAN) | BIT(RSTD) | BIT(MASK)) /* what a layer's forward pass leaves for later */
#define MOVED (BIT(RUNNING_MEAN) | BIT(RUNNING_VAR))

const char *work_slot_name(uint32_t slot)
{
    static const char *const names[] = {
#define NAME(NAME, name) #name,
        CLNORM_SLOT_MAP(NAME)
#undef NAME
    };
    return names[slot];
}

uint32_t work_place_of(const work *w, uint32_t slot)
{
    const bool back = w->desc.op.direction == CLNORM_BACKWARD;
    return !w->c->in_place || slot != (back ? CLNORM_DX : CLNORM_Y) ? CLNORM_SLOTS
           : back                                                   ? CLNORM_DY
                                                                    : CLNORM_X;
}

/* ---- which slots ---- */

static bool reads(const work *w, uint32_t s) { return (w->slots & ~w->posed.writes) >> s & 1; }
static bool accumulates(const work *w, uint32_t s)
{
    return w->op->layer && w->desc.layered.layer.accumulate >> s & 1;
}
/* An output that holds something before. */
static bool updates(const work *w, uint32_t s)
{
    return w->posed.writes >> s & 1 && (MOVED >> s & 1 || accumulates(w, s));
}

/* Of a layer whatever it may take; of an input op every output and the inputs that it needs. */
static uint32_t slots_of(const work *w)
{
    const cln_problems *p = &w->posed;
    return ((w->op->layer ? p->reads : p->required) | p->writes) & ~w->c->absent;
}

/* ---- inputs ---- */

/* middle + spread * n, about normal, or * u in [0, 1). */
static const struct {
    double middle, spread;
    bool uniform;
} fills[CLNORM_SLOTS] = {
    [CLNORM_MIN] = { 0, 1, true },           [CLNORM_MAX] = { 2, 1, true },
    [CLNORM_MEAN] = { 0, 1, true },          [CLNORM_RSTD] = { 0.5, 1, true },
    [CLNORM_GAMMA] = { 0.5, 1, false },      [CLNORM_BETA] = { 0, 1, false },
    [CLNORM_RUNNING_MEAN] = { 0, 1, false }, [CLNORM_RUNNING_VAR] = { 0.25, 2, true },
    [CLNORM_RESIDUAL] = { 0, 1, false },     [CLNORM_DY] = { 0.3, 1, false },
    [CLNORM_DX] = { 0, 1, false },           [CLNORM_DGAMMA] = { 0, 1, false },
    [CLNORM_DBETA] = { 0, 1, false },        [CLNORM_DRESIDUAL] = { 0, 1, false },
};

static void fill(work *w, uint32_t s)
{
    array *a = &w->a[s];
    uint32_t state = w->c->seed + s;
    const int64_t n = clnorm_tensor_count(&a->t);
    for (int64_t i = 0; i < n; i++) {
        const double v = s == CLNORM_X
                             ? data_value(w->c->data, a->t.dtype, i, &state)
                             : fills[s].middle + fills[s].spread * (fills[s].uniform ? data_random(&state)
                                                                                     : data_bell(&state));
        ref_set(a->t.dtype, a->host + a->offset, ref_place(&a->t, i), v);
    }
}

static void *data_of(const work *w, uint32_t s)
{
    return w->a[s].host ? w->a[s].host + w->a[s].offset : NULL;
}

static double *numbers(const array *a)
{
    double *d = (double *)calloc((size_t)clnorm_tensor_count(&a->t) + 1, sizeof *d);
    ck_assert_ptr_nonnull(d);
    return d;
}

/* Statistics and mask as a forward pass over the same x leaves them, rounded to their types. */
static void fill_past(work *w)
{
    clnorm_any d = w->desc;
    clnorm_layer *l = &d.layered.layer;
    ref_io io = { .slot = { NULL } };
    d.op.direction = CLNORM_FORWARD;
    l->given = 0;
    if (d.op.kind == CLNORM_OP_BATCHNORM)
        d.batchnorm.mode = CLNORM_TRAIN;
    if (w->desc.op.direction == CLNORM_BACKWARD &&
        (l->residual == CLNORM_RESIDUAL_BEFORE || !reads(w, CLNORM_RESIDUAL)))
        l->residual = CLNORM_RESIDUAL_NONE; /* x is the sum; or no gradient asks for it */
    for (uint32_t s = 0; s < CLNORM_SLOTS; s++)
        io.slot[s] = reads(w, s) && !(PAST >> s & 1) ? data_of(w, s) : NULL;
    if (reads(w, CLNORM_MASK))
        io.slot[CLNORM_MASK] = data_of(w, CLNORM_MASK);
    const uint32_t statistics[] = { CLNORM_MEAN, CLNORM_RSTD };
    for (size_t k = 0; k < CLN_COUNT(statistics); k++)
        if (reads(w, statistics[k]))
            io.slot[statistics[k]] = numbers(&w->a[statistics[k]]);
    ck_assert(ref_run(&d, &io));
    for (size_t k = 0; k < CLN_COUNT(statistics); k++) {
        const array *a = &w->a[statistics[k]];
        double *v = (double *)io.slot[statistics[k]];
        for (int64_t i = 0; v && i < clnorm_tensor_count(&a->t); i++)
            ref_set(CLNORM_F32, a->host + a->offset, i, v[i]);
        free(v);
    }
}

static void make_arrays(work *w)
{
    for (uint32_t s = 0; s < CLNORM_SLOTS; s++) {
        clnorm_tensor t;
        if (!(w->slots >> s & 1))
            continue;
        ck_assert(clnorm_op_slot(&w->desc, s, &t));
        array_make(&w->a[s], &t, w->op->layer || s <= CLNORM_Y ? w->c->offset : 0, w->posed.writes >> s & 1);
        if (updates(w, s) || (reads(w, s) && !(w->op->layer && PAST >> s & 1)))
            fill(w, s);
    }
    if (w->op->layer)
        fill_past(w);
}

/* ---- the reference ---- */

static void run_reference(work *w)
{
    ref_io io = { .momentum = w->c->momentum,
                  .count = w->c->count,
                  .cumulative = w->c->flags & CLNORM_CUMULATIVE };
    for (uint32_t s = 0; s < CLNORM_SLOTS; s++) {
        const array *a = &w->a[s];
        if (!a->host)
            continue;
        if (!a->output) {
            io.slot[s] = data_of(w, s);
            continue;
        }
        w->want[s] = numbers(a);
        io.scale[s] = w->scale[s] = numbers(a);
        io.any[s] = w->any[s] = numbers(a);
        for (int64_t i = 0; accumulates(w, s) && i < clnorm_tensor_count(&a->t); i++)
            w->want[s][i] = ref_get(a->t.dtype, data_of(w, s), ref_place(&a->t, i));
        if (MOVED >> s & 1)
            io.moved[s == CLNORM_RUNNING_VAR] = w->want[s];
        io.slot[s] = MOVED >> s & 1 ? data_of(w, s) : w->want[s];
    }
    ck_assert(ref_run(&w->desc, &io));
}

void work_begin(work *w, harness *h, const op_case *c)
{
    memset(w, 0, sizeof *w);
    w->h = h;
    w->c = c;
    w->desc = c->desc;
    ck_assert_msg(clnorm_op_check(&w->desc) == CLNORM_OK, "%s", clnorm_last_error(NULL));
    ck_assert_msg(cln_op_pose(&w->posed, &w->desc.op) == CLNORM_OK, "%s", clnorm_last_error(NULL));
    w->op = clnorm_op_of(w->desc.op.kind);
    w->slots = slots_of(w);
    make_arrays(w);
    run_reference(w);
}

void work_end(work *w)
{
    for (uint32_t s = 0; s < CLNORM_SLOTS; s++) {
        free(w->a[s].host);
        free(w->want[s]);
        free(w->scale[s]);
        free(w->any[s]);
        free(w->first[s]);
    }
}

/* fusion_work.c -- see fusion_case.h: a case's descriptor, its tensors, and the reference on them. */
#include "fusion_case.h"

#include "data.h"

#include <stdlib.h>

#define LEAK 0.1f

static clnorm_tensor tensor(const fusion *f, uint32_t dtype, bool last)
{
    const clnorm_dtype type = (clnorm_dtype)dtype;
    const bool big = f->form == LONG;
    const int64_t c = big ? 18 : 6, h = big ? 24 : 3, w = big ? 23 : 7;
    return f->form == ROWS ? clnorm_rows(type, 40, 24)
           : last          ? clnorm_nhwc(type, 3, c, h, w)
                           : clnorm_nchw(type, 3, c, h, w);
}

static void describe(fusion_work *w)
{
    const fusion *f = w->f;
    clnorm_layer *l = &w->d.layered.layer;
    OK(clnorm_op_init(&w->d, f->kind));
    w->d.op.direction = f->back ? CLNORM_BACKWARD : CLNORM_FORWARD;
    w->d.head.x = tensor(f, f->x, f->last);
    w->d.head.y = tensor(f, f->y ? f->y : f->x, f->last != f->turned);
    l->affine = f->affine;
    l->act = f->act;
    l->slope = LEAK;
    l->residual = f->residual;
    l->out_scale = f->scale;
    l->out_zero = f->zero;
    l->accumulate = f->adds ? BIT(DX) | BIT(DGAMMA) | BIT(DBETA) | BIT(DRESIDUAL) : 0;
    if (f->kind == CLNORM_OP_BATCHNORM)
        w->d.batchnorm.mode = f->mode;
    if (f->kind == CLNORM_OP_GROUPNORM)
        w->d.groupnorm.groups = 2;
    OK(clnorm_op_check(&w->d));
}

static double value(uint32_t slot, uint32_t *state)
{
    const double bell = data_random(state) + data_random(state) + data_random(state) - 1.5;
    return slot == CLNORM_RSTD || slot == CLNORM_RUNNING_VAR ? 0.5 + data_random(state) : 2 * bell + 0.25;
}

static void fill(array *a, uint32_t slot)
{
    uint32_t state = 77 + slot;
    for (int64_t i = 0; i < clnorm_tensor_count(&a->t); i++)
        ref_set(a->t.dtype, a->host + a->offset, ref_place(&a->t, i), value(slot, &state));
}

/* Whether the case gives or takes a slot that its descriptor knows. */
static bool used(const fusion *f, uint32_t slot, uint32_t required)
{
    const bool statistic = slot == CLNORM_MEAN || slot == CLNORM_RSTD;
    if (f->absent >> slot & 1)
        return false;
    if (slot == CLNORM_MASK)
        return f->with_mask;
    if (slot == CLNORM_RESIDUAL && f->back)
        return !f->with_mask;
    return !(f->back && statistic) || f->saved || required >> slot & 1;
}

static void make_slot(fusion_work *w, uint32_t slot, bool output, ref_io *io)
{
    array *a = &w->a[slot];
    clnorm_tensor t;
    ck_assert(clnorm_op_slot(&w->d, slot, &t));
    const size_t n = (size_t)clnorm_tensor_count(&t);
    array_make(a, &t, 0, output);
    if (slot == CLNORM_MASK) {
        w->mask = (unsigned char *)calloc(n, 1);
        for (size_t i = 0; i < n; i++)
            w->mask[i] = (unsigned char)(57u * i + 91u);
        memcpy(a->host + a->offset, w->mask, n);
        io->slot[slot] = w->mask;
        return;
    }
    if (!output || w->f->adds)
        fill(a, slot);
    io->slot[slot] = a->host + a->offset;
    if (!output)
        return;
    w->want[slot] = (double *)calloc(n, sizeof(double));
    w->scale[slot] = (double *)calloc(n, sizeof(double));
    for (size_t i = 0; w->f->adds && i < n; i++)
        w->want[slot][i] = ref_get(t.dtype, io->slot[slot], ref_place(&t, (int64_t)i));
    io->slot[slot] = w->want[slot];
    io->scale[slot] = w->scale[slot];
}

void fusion_begin(fusion_work *w, const fusion *f)
{
    ref_io io;
    uint32_t reads, writes, required;
    memset(w, 0, sizeof *w);
    memset(&io, 0, sizeof io);
    w->f = f;
    describe(w);
    clnorm_op_slots(&w->d, &reads, &writes, &required);
    writes &= ~(BIT(RUNNING_MEAN) | BIT(RUNNING_VAR) | BIT(MEAN) | BIT(RSTD));
    for (uint32_t s = 0; s < CLNORM_SLOTS; s++)
        if ((reads | writes) >> s & 1 && used(f, s, required))
            make_slot(w, s, writes >> s & 1, &io);
    ck_assert(ref_run(&w->d, &io));
}

void fusion_end(fusion_work *w)
{
    for (uint32_t s = 0; s < CLNORM_SLOTS; s++) {
        free(w->a[s].host);
        free(w->want[s]);
        free(w->scale[s]);
    }
    free(w->mask);
}

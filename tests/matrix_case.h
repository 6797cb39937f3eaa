/* matrix_case.h -- matrix ops on the host level beside their reference: inputs by slot, then every output compared.
 * Define _POSIX_C_SOURCE 200809L before. */
#ifndef MATRIX_CASE_H
#define MATRIX_CASE_H

#include "api_case.h"

#include "ref/ref.h"

#include <math.h>
#include <stdlib.h>

/* One call. Slots that are given are filled by matrix_open; change them before matrix_run. */
typedef struct matrix_case {
    clnorm_any desc;
    clnorm_tensor tensor[CLNORM_SLOTS];
    void *data[CLNORM_SLOTS];   /* as the device has them, updated by a run */
    void *before[CLNORM_SLOTS]; /* as they were */
    double *want[CLNORM_SLOTS];
    uint32_t reads, writes;
} matrix_case;

static inline clnorm_context *matrix_context(void)
{
    static clnorm_context *ctx;
    const clnorm_options o = lazy();
    if (!ctx)
        OK(clnorm_open(&ctx, getenv("CLNORM_TEST_DEVICE"), &o));
    return ctx;
}

static inline size_t matrix_room(const clnorm_tensor *t)
{
    return clnorm_tensor_bytes(t) ? clnorm_tensor_bytes(t) : 1;
}

/* Uniform numbers of deviation about 0.6, the same for a seed. */
static inline void matrix_fill(const clnorm_tensor *t, void *p, unsigned seed)
{
    const size_t n = clnorm_tensor_bytes(t) / clnorm_dtype_bytes(t->dtype);
    for (size_t i = 0; i < n; i++) {
        seed = seed * 1664525u + 1013904223u;
        ref_set(t->dtype, p, (int64_t)i, (double)(seed >> 8) / 8388608.0 - 1.0);
    }
}

/* Slots: bits of the optional ones that are given. */
static inline matrix_case matrix_open(const clnorm_op *op, uint32_t slots)
{
    matrix_case m;
    uint32_t required;
    memset(&m, 0, sizeof m);
    memcpy(&m.desc, op, op->size);
    OK(clnorm_op_check(&m.desc));
    clnorm_op_slots(&m.desc, &m.reads, &m.writes, &required);
    for (uint32_t s = 0; s < CLNORM_SLOTS; s++) {
        if (!((required | slots) >> s & 1) || !((m.reads | m.writes) >> s & 1))
            continue;
        ck_assert(clnorm_op_slot(&m.desc, s, &m.tensor[s]));
        m.data[s] = calloc(matrix_room(&m.tensor[s]), 1);
        m.before[s] = calloc(matrix_room(&m.tensor[s]), 1);
        m.want[s] = (double *)calloc((size_t)clnorm_tensor_count(&m.tensor[s]) + 1, sizeof(double));
        matrix_fill(&m.tensor[s], m.data[s], s + 1);
    }
    return m;
}

static inline clnorm_status matrix_device(matrix_case *m)
{
    clnorm_host_args io;
    memset(&io, 0, sizeof io);
    io.size = sizeof io;
    for (uint32_t s = 0; s < CLNORM_SLOTS; s++) {
        io.slot[s] = m->data[s];
        if (m->data[s])
            memcpy(m->before[s], m->data[s], matrix_room(&m->tensor[s]));
    }
    return clnorm_run_host(matrix_context(), &m->desc.op, &io);
}

/* moved: the slots behind ref_io's two. */
static inline void matrix_reference(matrix_case *m, const uint32_t moved[2])
{
    ref_io io;
    memset(&io, 0, sizeof io);
    for (uint32_t s = 0; s < CLNORM_SLOTS; s++)
        io.slot[s] = m->writes >> s & 1 && !(m->reads >> s & 1) && s != moved[0] && s != moved[1]
                         ? (void *)m->want[s]
                         : m->before[s];
    io.slot[CLNORM_FAULT] = NULL;
    for (int k = 0; k < 2; k++)
        io.moved[k] = m->writes >> moved[k] & 1 ? m->want[moved[k]] : NULL;
    ck_assert(ref_run(&m->desc, &io));
}

/* The largest |got - want| of an output over the largest |want|, or 1. */
static inline double matrix_error(const matrix_case *m, uint32_t slot)
{
    const clnorm_tensor *t = &m->tensor[slot];
    double worst = 0, most = 1;
    for (int64_t i = 0; i < clnorm_tensor_count(t); i++)
        most = fmax(most, fabs(m->want[slot][i]));
    for (int64_t i = 0; i < clnorm_tensor_count(t); i++) {
        const double error = fabs(ref_get(t->dtype, m->data[slot], ref_place(t, i)) - m->want[slot][i]);
        if (isnan(error))
            return INFINITY;
        worst = fmax(worst, error);
    }
    return worst / most;
}

/* bound: of f32; f16 and bf16 round y to 11 and 8 bits. */
static inline void matrix_judge(const matrix_case *m, double bound, const char *what)
{
    for (uint32_t s = 0; s < CLNORM_SLOTS; s++) {
        if (!m->data[s] || !(m->writes >> s & 1) || s == CLNORM_FAULT)
            continue;
        const uint32_t dtype = m->tensor[s].dtype;
        const double room = dtype == CLNORM_F16 ? 1e-3 : dtype == CLNORM_BF16 ? 8e-3 : 0;
        const double error = matrix_error(m, s);
        ck_assert_msg(error <= bound + room, "%s: slot %u is off by %g, bound %g", what, s, error,
                      bound + room);
    }
    if (m->data[CLNORM_FAULT])
        ck_assert_float_eq(*(float *)m->data[CLNORM_FAULT], 0.0f);
}

/* No plan is made of it, and the sentence has that word. */
static inline void matrix_refused(const clnorm_op *op, clnorm_status status, const char *word)
{
    clnorm_plan *plan;
    ck_assert_int_eq(clnorm_plan_create(&plan, matrix_context(), op, 0), status);
    ck_assert_ptr_null(plan);
    SAYS(word);
}

static inline void matrix_close(matrix_case *m)
{
    for (uint32_t s = 0; s < CLNORM_SLOTS; s++) {
        free(m->data[s]);
        free(m->before[s]);
        free(m->want[s]);
    }
}

#endif

/* fuzz_differential.c -- an op on the device against src/ref: bytes choose the op, its attributes, shapes,
 * strides and data.
 *
 * What the library does not refuse with a sentence goes through tests/harness.c: one schedule, which the bytes
 * choose too, between guard bands, within the bounds of the op's test. Compiling takes a second, so the bytes
 * that kernels are compiled for (`pick`) may take PROGRAMS different forms in a process, the first that come;
 * all others (`vary`) are free. */
#define _XOPEN_SOURCE 700
#include "fuzz.h"

#include "data.h"
#include "harness.h"
#include "op/op.h"

#include <math.h>
#include <signal.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define BIT(slot) (1u << CLNORM_##slot)
enum { PROGRAMS = 32, ELEMENTS = 1 << 13 };

/* ---- bytes ---- */

typedef struct bytes {
    const uint8_t *at, *end;
    uint64_t program; /* a hash of what was picked */
} bytes;

/* Below n; behind the end 0, which is the default of everything. */
static uint32_t vary(bytes *b, size_t n) { return b->at < b->end ? *b->at++ % (uint32_t)n : 0; }
static uint32_t pick(bytes *b, size_t n)
{
    const uint32_t k = vary(b, n);
    b->program = (b->program ^ k) * 1099511628211u + 1;
    return k;
}

/* ---- tensors ---- */

static void pick_shape(bytes *b, clnorm_tensor *x)
{
    static const int64_t lengths[] = {
        3, 1, 2, 4, 5, 6, 7, 8, 9, 12, 15, 16, 17, 31, 33, 64, 65, 127, 513, 0
    };
    static const uint32_t ranks[] = { 4, 4, 2, 3, 5, 1 };
    int64_t elements = 1;
    x->ndim = ranks[vary(b, COUNT(ranks))];
    for (uint32_t k = 0; k < x->ndim; k++) {
        const int64_t n = lengths[vary(b, COUNT(lengths))];
        x->shape[k] = n * elements > ELEMENTS ? 1 : n;
        elements *= n * elements > ELEMENTS || n == 0 ? 1 : n;
    }
}

/* Channels first, last or axes in any order, with gaps, backwards, and repeated where the library says so. */
static void pick_strides(bytes *b, clnorm_tensor *t)
{
    static const int64_t first[] = { 1, 1, 2, -1 };
    const uint32_t order = pick(b, 3), turn = order == 2 ? vary(b, t->ndim) : 1;
    int64_t step = first[pick(b, COUNT(first))];
    bool placed[CLNORM_MAX_DIMS] = { false };
    for (uint32_t k = 0; k < t->ndim; k++) {
        uint32_t axis = order && t->ndim > 1 ? (turn + t->ndim - k) % t->ndim : t->ndim - 1 - k;
        while (placed[axis])
            axis = (axis + 1) % t->ndim;
        placed[axis] = true;
        t->stride[axis] = vary(b, 24) == 23 ? 0 : vary(b, 12) == 11 ? -step : step;
        step =
            (step < 0 ? -step : step) * (t->shape[axis] > 0 ? t->shape[axis] : 1) + (vary(b, 6) == 5 ? 3 : 0);
    }
}

static void pick_tensors(bytes *b, op_case *c)
{
    static const struct {
        uint32_t x, y;
    } types[] = { { CLNORM_F32, CLNORM_F32 },
                  { CLNORM_F16, CLNORM_F16 },
                  { CLNORM_U8, CLNORM_F32 },
                  { CLNORM_F32, CLNORM_U8 },
                  { CLNORM_BF16, CLNORM_F32 } };
    clnorm_tensor *x = &c->desc.head.x, *y = &c->desc.head.y;
    const uint32_t k = pick(b, COUNT(types));
    pick_shape(b, x);
    *y = *x;
    x->dtype = types[k].x;
    y->dtype = types[k].y;
    if (pick(b, 2)) /* else dense */
        pick_strides(b, x);
    if (pick(b, 2))
        pick_strides(b, y);
    else if (x->dtype == y->dtype && vary(b, 2)) {
        *y = *x;
        c->in_place = c->desc.op.direction == CLNORM_FORWARD;
    }
    if (c->desc.op.kind == CLNORM_OP_MOMENTS) { /* y is a statistic */
        memset(y, 0, sizeof *y);
        c->in_place = false;
    }
}

/* ---- attributes ---- */

static double pick_value(bytes *b, const clnorm_attr *a)
{
    static const double floats[] = { 1, 0.5, 0.25, 2, 1e-3, 10, 0, -1, -2.5 };
    const double range = a->high - a->low;
    const bool slots = a->high > 4e9;
    static const uint32_t some[] = { 0, BIT(DX), BIT(DGAMMA) | BIT(DBETA), BIT(DX) | BIT(DGAMMA) };
    if (a->type == CLNORM_ATTR_U32 && slots)
        return some[pick(b, COUNT(some))];
    if (a->type == CLNORM_ATTR_U32 && range > 8) /* groups, axes, a window */
        return vary(b, 2) ? a->low + vary(b, range < 64 ? (size_t)range + 1 : 8) : fmax(a->preset, a->low);
    if (a->type == CLNORM_ATTR_U32)
        return pick(b, 2) ? a->low + pick(b, (size_t)range + 1) : fmax(a->preset, a->low);
    const uint32_t k = strcmp(a->name, "p") ? vary(b, COUNT(floats) + 1) : pick(b, COUNT(floats) + 1);
    return k ? floats[k - 1] : a->preset;
}

static void pick_attrs(bytes *b, op_case *c, const clnorm_op_info *op)
{
    for (size_t k = 0; k < op->nattrs; k++) {
        const clnorm_attr *a = &op->attrs[k];
        double values[CLNORM_MAX_CHANNELS] = { 0.5, 0.25, 2, 0.125 };
        const bool list = a->type == CLNORM_ATTR_F32_LIST;
        if (!list)
            values[0] = pick_value(b, a);
        clnorm_op_set(&c->desc, a->name, values, list ? vary(b, 5) : 1); /* what it refuses stays */
        if (strcmp(a->name, "swap_rb") == 0 && values[0] > 0)
            c->in_place = false;
    }
}

/* Tensors that a layer can do without. */
static uint32_t pick_absent(bytes *b, const clnorm_any *d, const clnorm_op_info *op)
{
    const uint32_t past = op->layer && !d->layered.layer.given ? BIT(MEAN) | BIT(RSTD) : 0;
    const uint32_t sets[] = {
        0, past, BIT(GAMMA), BIT(BETA) | past, BIT(DGAMMA) | BIT(DBETA), BIT(DX) | past
    };
    return op->layer ? sets[pick(b, COUNT(sets))] : 0;
}

/* A case of the bytes; false where the library refuses it. */
static bool make_case(op_case *c, bytes *b)
{
    cln_problems posed;
    uint32_t kind = 0;
    memset(c, 0, sizeof *c);
    for (size_t n = 0; clnorm_op_at(n) && !clnorm_op_at(n)->matrix; n++)
        kind++;
    const clnorm_op_info *op = clnorm_op_at(pick(b, kind));
    clnorm_op_init(&c->desc, op->kind);
    c->desc.op.direction = op->layer ? pick(b, 2) : CLNORM_FORWARD;
    c->seed = pick(b, 5);
    pick_tensors(b, c);
    pick_attrs(b, c, op);
    c->absent = pick_absent(b, &c->desc, op);
    c->seed += 60 * vary(b, 256); /* of the data alone: the schedules are fewer than seven */
    c->data = (data_kind)vary(b, DATA_KINDS);
    if (!data_fits(c->data, c->desc.head.x.dtype))
        c->data = DATA_NORMAL;
    c->offset = vary(b, 4);
    c->unordered = vary(b, 2);
    c->force = WAYS_ONE;
    c->extra = true;
    c->view = "fuzzed";
    clnorm_any completed = c->desc;
    if (clnorm_op_check(&completed) == CLNORM_OK && cln_op_pose(&posed, &completed.op) == CLNORM_OK)
        return true;
    FUZZ_CHECK(clnorm_last_error(NULL)[0]);
    return false;
}

/* ---- running ---- */

static bool may_run(uint64_t program)
{
    static uint64_t programs[PROGRAMS];
    static size_t n;
    for (size_t k = 0; k < n; k++)
        if (programs[k] == program)
            return true;
    if (n == PROGRAMS)
        return false;
    programs[n++] = program;
    return true;
}

/* Signals of libFuzzer's, which it has set before the first input: the compiler takes abort's, and Check the
 * alarm, at which it would kill all processes of the group. */
static struct sigaction on_abort, on_alarm;

static void keep_signals(void)
{
    static bool kept;
    if (!kept) {
        sigaction(SIGABRT, NULL, &on_abort);
        sigaction(SIGALRM, NULL, &on_alarm);
    }
    kept = true;
}

static op_case now;
START_TEST(agrees)
{
    sigaction(SIGALRM, &on_alarm, NULL);
    harness_run(harness_get(), &now);
}
END_TEST

static void run_case(void)
{
    TCase *t = SUITE_CASE(agrees);
    SRunner *r = srunner_create(suite_of("differential", t));
    srunner_set_fork_status(r, CK_NOFORK);
    srunner_run_all(r, CK_SILENT);
    if (srunner_ntests_failed(r)) {
        TestResult **failures = srunner_failures(r);
        fprintf(stderr, "%s:%d: %s\n", tr_lfile(failures[0]), tr_lno(failures[0]), tr_msg(failures[0]));
        sigaction(SIGABRT, &on_abort, NULL);
        abort();
    }
    srunner_free(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bytes b = { data, data + size, 0 };
    keep_signals();
    if (make_case(&now, &b) && may_run(b.program))
        run_case();
    return 0;
}

/* test_fusion.c -- what layers fuse, forward and backward, against the reference: activations, residuals,
 * masks, quantized results, gradients that are added to what is there.
 *
 * Every case goes through all schedules that apply, and other work-groups; the bits must be the same.
 * Compiling is what costs: by default each activation with each residual has a few cases whose layouts, types
 * and weights take turns; CLNORM_TEST_FULL=1 has the whole product. */
#include "api_case.h"
#include "array.h"
#include "data.h"
#include "guard.h"
#include "ref/bound.h"
#include "tensor/tensor.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define BIT(slot) (1u << CLNORM_##slot)
#define LEAK 0.1f

typedef struct fusion {
    uint32_t kind, act, residual, affine, mode, x, y, form;
    bool last, back, with_mask, adds, saved; /* saved: backward, mean and rstd are given */
    float scale, zero;
    uint32_t absent; /* slots that the call leaves out */
} fusion;

/* ---- one case at work ---- */

typedef struct work {
    const fusion *f;
    clnorm_any d;
    array a[CLNORM_SLOTS];
    double *want[CLNORM_SLOTS], *scale[CLNORM_SLOTS];
    unsigned char *mask; /* the reference's */
    uint64_t hash;
    bool hashed;
} work;

/* Small planes; those that are long enough to be folded by weight; rows. */
enum { SMALL, LONG, ROWS };

static clnorm_tensor tensor(const fusion *f, uint32_t dtype)
{
    const clnorm_dtype type = (clnorm_dtype)dtype;
    const bool big = f->form == LONG;
    const int64_t c = big ? 18 : 6, h = big ? 24 : 3, w = big ? 23 : 7;
    return f->form == ROWS ? clnorm_rows(type, 40, 24)
           : f->last       ? clnorm_nhwc(type, 3, c, h, w)
                           : clnorm_nchw(type, 3, c, h, w);
}

static void describe(work *w)
{
    const fusion *f = w->f;
    clnorm_layer *l = &w->d.layered.layer;
    OK(clnorm_op_init(&w->d, f->kind));
    w->d.op.direction = f->back ? CLNORM_BACKWARD : CLNORM_FORWARD;
    w->d.head.x = tensor(f, f->x);
    w->d.head.y = tensor(f, f->y ? f->y : f->x);
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

static void make_slot(work *w, uint32_t slot, bool output, ref_io *io)
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

static void begin(work *w, const fusion *f)
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

static void end(work *w)
{
    for (uint32_t s = 0; s < CLNORM_SLOTS; s++) {
        free(w->a[s].host);
        free(w->want[s]);
        free(w->scale[s]);
    }
    free(w->mask);
}

/* ---- what came out ---- */

static void say(const work *w, const cln_choice *ch, char *text, size_t room)
{
    const fusion *f = w->f;
    snprintf(text, room, "%s %s act %u residual %u affine %u mode %u %s->%s %s%s%s%s, %s wg %u vec %u",
             clnorm_op_of(f->kind)->name, f->back ? "backward" : "forward", f->act, f->residual, f->affine,
             f->mode, clnorm_dtype_name(w->d.head.x.dtype), clnorm_dtype_name(w->d.head.y.dtype),
             f->last ? "nhwc" : "nchw", f->with_mask ? " mask" : "", f->adds ? " adds" : "",
             f->saved ? " saved" : "", ch->solver->name, ch->wg, ch->vec);
}

static bool bit(const unsigned char *mask, int64_t k) { return mask[k / 8] >> k % 8 & 1; }

/* The mask's bits are those of what y holds, which rounds a tiny z to 0. */
static void check_mask(const work *w, const char *text, const unsigned char *now)
{
    const array *y = &w->a[CLNORM_Y];
    for (int64_t i = 0; i < clnorm_tensor_count(&y->t); i++) {
        const int64_t k = ref_place(&y->t, i);
        if (fabs(w->want[CLNORM_Y][i]) > 1e-6 || w->want[CLNORM_Y][i] == 0.0)
            ck_assert_msg(bit(now, k) == bit(w->mask, k), "%s: bit %lld of the mask is %d", text,
                          (long long)k, bit(now, k));
    }
}

static void check_slot(const work *w, const char *text, uint32_t s, const unsigned char *now)
{
    const array *a = &w->a[s];
    for (int64_t i = 0; i < clnorm_tensor_count(&a->t); i++) {
        const double got = ref_get(a->t.dtype, now + a->offset, ref_place(&a->t, i)), want = w->want[s][i];
        const double error = ref_off(w->f->kind, s, REF_ORDINARY, a->t.dtype, got, want, w->scale[s][i]);
        ck_assert_msg(error <= 1, "%s: slot %u element %lld: got %.9g, want %.9g, %g times the bound", text,
                      s, (long long)i, got, want, error);
    }
}

static void check(work *w, const cln_choice *ch, const clnorm_args *args)
{
    uint64_t hash = 1469598103934665603u;
    char text[256];
    say(w, ch, text, sizeof text);
    for (uint32_t s = 0; s < CLNORM_SLOTS; s++) {
        const array *a = &w->a[s];
        if (!a->host)
            continue;
        unsigned char *now = array_download(a, harness_get()->queue, args->slot[s].mem);
        if (!a->output) {
            ck_assert_msg(!memcmp(now, a->host, array_room(a)), "%s: wrote to the input of slot %u", text, s);
        } else {
            ck_assert_msg(array_untouched(a, now), "%s: wrote outside of slot %u", text, s);
            if (s == CLNORM_MASK)
                check_mask(w, text, now + a->offset);
            else
                check_slot(w, text, s, now);
            hash = array_hash(a, now, hash);
        }
        free(now);
    }
    ck_assert_msg(!w->hashed || w->hash == hash, "%s: other bits than the launches before", text);
    w->hash = hash;
    w->hashed = true;
}

/* ---- all launches of a case ---- */

static void launch(work *w, const cln_choice *choices)
{
    clnorm_args args = CLNORM_ARGS_INIT;
    clnorm_plan *const plan = harness_plan(&w->d.op, choices, w->a[CLNORM_RSTD].host != NULL, true);
    harness *h = harness_get();
    char text[256];
    ck_assert_msg(plan != NULL, "%s", clnorm_last_error(NULL));
    for (uint32_t s = 0; s < CLNORM_SLOTS; s++)
        if (w->a[s].host) {
            snprintf(text, sizeof text, "slot %u", s);
            args.slot[s] = array_upload(&w->a[s], h->cl, text);
        }
    guard_workspace(&args, plan, h->cl);
    say(w, &choices[0], text, sizeof text);
    guard_says(text);
    OK(clnorm_enqueue(plan, h->queue, &args, 0, NULL, NULL));
    check(w, &choices[0], &args);
    for (uint32_t s = 0; s < CLNORM_SLOTS; s++)
        if (args.slot[s].mem)
            clReleaseMemObject(args.slot[s].mem);
    if (args.workspace.mem)
        clReleaseMemObject(args.workspace.mem);
    clnorm_plan_release(plan);
}

/* The k-th way for each problem, those with fewer begin anew; false behind the last. cheap: not by slab and
 * tile, where there is another. */
static bool choose(cln_choice *out, const cln_problems *posed, const cln_params *params, size_t k, bool cheap)
{
    size_t most = 0;
    for (size_t p = 0; p < posed->count; p++) {
        cln_choice choices[8];
        size_t n = 0;
        for (int dear = 0; dear <= 1 && !(n && cheap); dear++)
            for (size_t i = 0; cln_solvers[i]; i++)
                if ((cln_solvers[i] == &cln_solve_slab || cln_solvers[i] == &cln_solve_tile) == dear)
                    n += cln_choose_with(&choices[n], cln_solvers[i], &posed->part[p], params,
                                         &harness_get()->ctx->device);
        out[p] = choices[k % n];
        most = n > most ? n : most;
    }
    return k < most;
}

#define ALL_WAYS SIZE_MAX
/* The device's own work-group goes `most` ways, from another one on each time, and where they are two every
 * other case one; of the others, in which slab and tile compile for 10 to 35 seconds, one goes one of the
 * other ways in every sixth case; CLNORM_TEST_FULL: each goes all ways. */
static void run(const fusion *f, size_t most)
{
    static const uint32_t groups[][2] = { { 0, 0 }, { 64, 4 }, { 48, 4 }, { 64, 1 } };
    static size_t turn;
    const size_t other = turn % 6 || most == 1 ? 0 : 1 + turn / 6 % 3;
    const bool full = getenv("CLNORM_TEST_FULL") != NULL;
    cln_problems posed;
    work w;
    turn++;
    if (turn % 2 && most == 2)
        most = 1;
    begin(&w, f);
    OK(cln_op_pose(&posed, &w.d.op));
    for (size_t g = 0; g < CLN_COUNT(groups); g++) {
        cln_params params = harness_get()->ctx->params;
        cln_choice choices[CLN_MAX_PARTS];
        if (g) {
            params.wg = groups[g][0];
            params.vec = groups[g][1];
        }
        if (params.wg > harness_get()->ctx->device.max_wg)
            continue;
        size_t count = 0;
        while ((full || !g) && choose(choices, &posed, &params, count, false))
            count++;
        for (size_t k = 0; k < count && (full || k < most); k++) {
            choose(choices, &posed, &params, (turn + k) % count, false);
            launch(&w, choices);
        }
        if (!full && g && g == other) {
            choose(choices, &posed, &params, turn / 6, true);
            launch(&w, choices);
        }
    }
    end(&w);
}

/* ---- cases ---- */

static const struct layer {
    uint32_t kind, mode;
} layers[] = { { CLNORM_OP_LAYERNORM, 0 },
               { CLNORM_OP_BATCHNORM, CLNORM_TRAIN },
               { CLNORM_OP_BATCHNORM, CLNORM_EVAL } };

/* The turn-th of all combinations of what an activation and a residual meet. */
static void run_turn(uint32_t act, uint32_t residual, uint32_t turn, bool back)
{
    const struct layer *l = &layers[turn % 3];
    fusion f = { .kind = l->kind, .mode = l->mode, .act = act, .residual = residual, .back = back };
    f.last = turn / 3 % 2;
    f.x = turn / 6 % 2 ? CLNORM_F16 : CLNORM_F32;
    f.affine = f.kind == CLNORM_OP_LAYERNORM ? turn / 12 % 3 : 0;
    f.with_mask = act == CLNORM_RELU && (turn + residual) % 2;
    f.adds = back && (turn + act) % 3 == 1;
    f.saved = back && turn % 5 == 4 && f.mode != CLNORM_EVAL;
    run(&f, 2);
}

enum { TURNS = 36 };

START_TEST(combinations)
{
    const uint32_t act = (uint32_t)_i / 3, residual = (uint32_t)_i % 3;
    static const uint32_t some[] = { 24, 4, 8, 15, 19, 29 }; /* every kind, layout, type and weight */
    if (getenv("CLNORM_TEST_FULL"))
        for (uint32_t turn = 0; turn < 2 * TURNS; turn++)
            run_turn(act, residual, turn % TURNS, turn >= TURNS);
    else
        for (uint32_t back = 0; back < 2; back++)
            if ((act + residual + back) % 3 == 0) /* a third of them */
                run_turn(act, residual, some[(act + 2 * residual + 3 * back) % CLN_COUNT(some)], back);
}
END_TEST

START_TEST(quantized)
{
    static const fusion cases[] = {
        { .kind = CLNORM_OP_LAYERNORM, .y = CLNORM_U8, .x = CLNORM_F32, .scale = 0.02f, .zero = 3 },
        { .kind = CLNORM_OP_LAYERNORM,
          .y = CLNORM_S8,
          .x = CLNORM_F16,
          .scale = 0.05f,
          .zero = -7,
          .act = 3 },
        { .kind = CLNORM_OP_BATCHNORM,
          .y = CLNORM_U8,
          .x = CLNORM_F32,
          .scale = 0.01f,
          .zero = 0,
          .act = 1,
          .mode = CLNORM_EVAL,
          .residual = 1,
          .last = true },
        { .kind = CLNORM_OP_GROUPNORM, .y = CLNORM_S8, .x = CLNORM_F32, .act = 4 },
    };
    run(&cases[_i], ALL_WAYS);
}
END_TEST

/* Gradients that a call leaves out, in all mixtures that a plan must bear. */
START_TEST(absent_gradients)
{
    static const uint32_t absent[] = { BIT(DX), BIT(DRESIDUAL), BIT(DX) | BIT(DRESIDUAL),
                                       BIT(DGAMMA) | BIT(DBETA), BIT(DX) | BIT(DGAMMA) | BIT(DBETA) };
    for (size_t k = 0; k < CLN_COUNT(absent); k++) {
        const fusion f = { .kind = _i == 1 ? CLNORM_OP_BATCHNORM : CLNORM_OP_LAYERNORM,
                           .form = _i == 2 ? ROWS : SMALL,
                           .mode = CLNORM_TRAIN,
                           .act = CLNORM_RELU,
                           .residual = CLNORM_RESIDUAL_AFTER,
                           .x = CLNORM_F32,
                           .back = true,
                           .absent = absent[k] };
        run(&f, 1);
    }
}
END_TEST

START_TEST(other_layers)
{
    static const uint32_t kinds[] = { CLNORM_OP_GROUPNORM, CLNORM_OP_INSTANCENORM, CLNORM_OP_MVN,
                                      CLNORM_OP_RMSNORM,   CLNORM_OP_L2NORM,       CLNORM_OP_GRN };
    for (uint32_t back = 0; back < 2; back++) {
        if (!getenv("CLNORM_TEST_FULL") && back != (uint32_t)_i / 2 % 2)
            continue;
        const fusion f = { .kind = kinds[_i],
                           .act = 1 + (uint32_t)_i % 5,
                           .x = CLNORM_F32,
                           .back = back,
                           .residual = (uint32_t)_i % 2 + 1,
                           .last = _i % 2 };
        run(&f, 2);
    }
}
END_TEST

/* Rows that a CPU takes 16 of at a time, with a second output. */
START_TEST(short_rows)
{
    static const uint32_t kinds[] = { CLNORM_OP_L2NORM, CLNORM_OP_RMSNORM };
    const fusion f = { .kind = kinds[_i],
                       .form = ROWS,
                       .affine = CLNORM_NO_AFFINE,
                       .residual = CLNORM_RESIDUAL_AFTER,
                       .x = CLNORM_F32,
                       .saved = true,
                       .back = true };
    run(&f, 1);
}
END_TEST

/* Gradients of gamma and beta that come from the sums of dx: what is between them and dy. */
START_TEST(folded_by_weight)
{
    static const fusion cases[] = {
        { .kind = CLNORM_OP_LAYERNORM,
          .act = CLNORM_RELU,
          .x = CLNORM_F32,
          .with_mask = true,
          .saved = true },
        { .kind = CLNORM_OP_GROUPNORM,
          .act = CLNORM_GELU,
          .x = CLNORM_F32,
          .residual = CLNORM_RESIDUAL_AFTER },
        { .kind = CLNORM_OP_RMSNORM, .act = CLNORM_SILU, .x = CLNORM_F32, .adds = true, .last = true },
        { .kind = CLNORM_OP_GROUPNORM, .x = CLNORM_F16, .affine = CLNORM_PER_SAMPLE, .last = true },
        { .kind = CLNORM_OP_LAYERNORM, .x = CLNORM_F32, .adds = true, .residual = CLNORM_RESIDUAL_AFTER },
    };
    fusion f = cases[_i];
    f.form = LONG;
    f.back = true;
    f.absent = _i == 1 ? BIT(DX) : _i == 2 ? BIT(DGAMMA) : 0;
    run(&f, 2);
}
END_TEST

/* Cases of their own, so that CK_RUN_CASE takes one. */
static void add_case(Suite *s, const char *name, const TTest *test, int n)
{
    TCase *t = tcase_create(name);
    tcase_set_timeout(t, 0);
    tcase_add_loop_test(t, test, 0, n);
    suite_add_tcase(s, t);
}

int main(void)
{
    Suite *s = suite_create("fusion");
    add_case(s, "combinations", combinations, 18);
    add_case(s, "quantized", quantized, 4);
    add_case(s, "absent", absent_gradients, 3);
    add_case(s, "weights", folded_by_weight, 5);
    add_case(s, "others", other_layers, 6);
    add_case(s, "short", short_rows, 2);
    const int failed = suite_run(s, CK_NOFORK);
    harness_close();
    return failed;
}

/* test_fusion.c -- what layers fuse, forward and backward, against the reference: activations, residuals,
 * masks, quantized results, gradients that are added to what is there.
 *
 * A case goes through several schedules, and other work-groups; the bits must be the same. Compiling is what
 * costs: of the product of activations, residuals, layers, layouts, types and weights some are taken;
 * CLNORM_TEST_FULL=1 has it all, each in a schedule that is drawn, and all other cases in every schedule. */
#include "fusion_case.h"

#include <stdlib.h>

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
    f.draw = getenv("CLNORM_TEST_FULL") ? 1 + turn + 3 * act + residual : 0;
    fusion_run(&f, f.draw ? 1 : 2);
}

enum { TURNS = 36 };

START_TEST(combinations)
{
    const uint32_t act = (uint32_t)_i / 3, residual = (uint32_t)_i % 3;
    for (uint32_t turn = 0; turn < 2 * TURNS; turn++)
        run_turn(act, residual, turn % TURNS, turn >= TURNS);
}
END_TEST

enum { SOME = 10 };
/* Of them every activation in both directions, every residual, layer, layout, type and weight, a mask written and read,
 * gradients added to what is there, statistics saved and not. */
START_TEST(some_combinations)
{
    static const struct {
        uint32_t act, residual, turn;
        bool back;
    } some[SOME] = { { 1, 0, 15, false }, { 2, 1, 4, false }, { 3, 2, 8, false }, { 4, 0, 24, false },
                     { 5, 2, 6, false },  { 1, 1, 24, true }, { 2, 0, 15, true }, { 3, 1, 4, true },
                     { 4, 2, 19, true },  { 5, 0, 29, true } };
    run_turn(some[_i].act, some[_i].residual, some[_i].turn, some[_i].back);
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
        { .kind = CLNORM_OP_LAYERNORM,
          .y = CLNORM_S8,
          .x = CLNORM_F32,
          .scale = 0.03f,
          .act = 1,
          .residual = CLNORM_RESIDUAL_AFTER },
        { .kind = CLNORM_OP_LRN,
          .y = CLNORM_U8,
          .x = CLNORM_F16,
          .scale = 0.02f,
          .residual = CLNORM_RESIDUAL_AFTER },
    };
    fusion_run(&cases[_i], getenv("CLNORM_TEST_FULL") ? ALL_WAYS : 2);
}
END_TEST

/* The residual behind the layer is as y: in y's layout, and of y's type (of integers, in `quantized`, of x's). */
START_TEST(residual_as_y)
{
    static const fusion cases[] = {
        { .kind = CLNORM_OP_LAYERNORM, .x = CLNORM_F32, .turned = true },
        { .kind = CLNORM_OP_LAYERNORM, .x = CLNORM_F32, .turned = true, .act = CLNORM_RELU, .back = true },
        { .kind = CLNORM_OP_LAYERNORM, .x = CLNORM_F32, .y = CLNORM_F16 },
    };
    fusion f = cases[_i];
    f.residual = CLNORM_RESIDUAL_AFTER;
    fusion_run(&f, 1);
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
        fusion_run(&f, 1);
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
        fusion_run(&f, 2);
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
    fusion_run(&f, 1);
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
    fusion_run(&f, 2);
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
    if (getenv("CLNORM_TEST_FULL"))
        add_case(s, "combinations", combinations, 18);
    else
        add_case(s, "combinations", some_combinations, SOME);
    add_case(s, "quantized", quantized, 6);
    add_case(s, "absent", absent_gradients, 3);
    add_case(s, "weights", folded_by_weight, 5);
    add_case(s, "others", other_layers, 6);
    add_case(s, "short", short_rows, 2);
    add_case(s, "as_y", residual_as_y, 3);
    const int failed = suite_run(s, CK_NOFORK);
    harness_close();
    return failed;
}

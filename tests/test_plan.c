/* test_plan.c -- plans in words, and the same bits whatever was measured. */
#include "plan_case.h"

#include <math.h>
#include <stdlib.h>

/* ---- in words ---- */

/* In too little room the text is cut off, and nothing behind the room is touched. */
static void describe_in(const clnorm_plan *plan, const char *text, size_t room)
{
    char cut[2048];
    memset(cut, '#', sizeof cut);
    ck_assert_uint_eq(clnorm_plan_describe(plan, cut, room), strlen(text));
    ck_assert_int_eq(cut[room], '#');
    if (!room)
        return;
    ck_assert_uint_eq(strlen(cut), room - 1);
    ck_assert_int_eq(memcmp(cut, text, room - 1), 0);
}

static void describe_one(const clnorm_any *d)
{
    clnorm_plan *plan;
    char text[2048];
    OK(clnorm_plan_create(&plan, harness_get()->ctx, &d->op, CLNORM_ESTIMATE));
    const size_t n = clnorm_plan_describe(plan, NULL, 0);
    ck_assert_uint_lt(n, sizeof text);
    memset(text, '#', sizeof text);
    ck_assert_uint_eq(clnorm_plan_describe(plan, text, sizeof text), n);
    ck_assert_uint_eq(strlen(text), n);
    const bool steps = plan->body[0].steps != NULL;
    const char *const words[] = { clnorm_op_of(d->op.kind)->name,
                                  steps ? "steps" : plan->body[0].choice.solver->name,
                                  "wg ",
                                  "vec ",
                                  steps ? "products by" : "parts ",
                                  "workspace ",
                                  "moves at least ",
                                  steps ? "x 1" : "not " };
    for (size_t k = 0; k < CLN_COUNT(words); k++)
        ck_assert_msg(strstr(text, words[k]) != NULL, "no \"%s\" in: %s", words[k], text);
    for (size_t room = 0; room <= n + 1; room += plan->nbodies > 1 ? 1 : n / 7 + 1)
        describe_in(plan, text, room);
    clnorm_plan_release(plan);
}

START_TEST(described)
{
    const clnorm_op_info *op;
    for (size_t k = 0; (op = clnorm_op_at(k)) != NULL; k++) {
        const clnorm_any d = small(op->kind);
        describe_one(&d);
    }
    clnorm_any back = small(CLNORM_OP_LAYERNORM); /* of several problems */
    back.op.direction = CLNORM_BACKWARD;
    back.layered.layer.act = CLNORM_SILU;
    describe_one(&back);
    ck_assert_uint_eq(clnorm_plan_describe(NULL, NULL, 0), 0);
    ck_assert_uint_eq(clnorm_plan_workspace(NULL), 0);
    ck_assert_uint_eq(clnorm_plan_slot_bytes(NULL, 0), 0);
}
END_TEST

START_TEST(described_empty)
{
    const clnorm_tensor none = clnorm_nchw(CLNORM_F32, 0, 3, 4, 5);
    const clnorm_any d = desc_of(CLNORM_OP_ZSCORE, &none);
    clnorm_plan *plan;
    char text[256];
    OK(clnorm_plan_create(&plan, harness_get()->ctx, &d.op, CLNORM_MEASURE));
    clnorm_plan_describe(plan, text, sizeof text);
    ck_assert_ptr_nonnull(strstr(text, "empty"));
    ck_assert_uint_eq(clnorm_plan_workspace(plan), 0);
    clnorm_plan_release(plan);
}
END_TEST

/* Backward too, whose problems are several. */
START_TEST(described_empty_gradients)
{
    const clnorm_tensor none = clnorm_nchw(CLNORM_F32, 0, 3, 4, 5);
    const clnorm_op_info *op;
    for (size_t k = 0; (op = clnorm_op_at(k)) != NULL; k++) {
        clnorm_any d = desc_of(op->kind, &none);
        clnorm_plan *plan;
        char text[256];
        d.op.direction = CLNORM_BACKWARD;
        if (!op->layer)
            continue;
        OK(clnorm_plan_create(&plan, harness_get()->ctx, &d.op, CLNORM_ESTIMATE));
        clnorm_plan_describe(plan, text, sizeof text);
        ck_assert_msg(strstr(text, "nothing to do, the tensor is empty") != NULL, "%s", text);
        ck_assert_uint_eq(clnorm_plan_workspace(plan), 0);
        clnorm_plan_release(plan);
    }
}
END_TEST

/* Gradients that the op has none of: a plan that does nothing, as every other one can be asked. */
START_TEST(described_unwanted)
{
    const clnorm_tensor x = clnorm_nchw(CLNORM_F32, 2, 3, 4, 5);
    const uint32_t kinds[] = { CLNORM_OP_BATCHNORM, CLNORM_OP_LRN, CLNORM_OP_LAYERNORM };
    clnorm_context *ctx = fresh();
    char text[256] = "#";
    for (size_t k = 0; k < CLN_COUNT(kinds); k++) {
        clnorm_any d = desc_of(kinds[k], &x);
        const clnorm_op *list[] = { &d.op };
        const clnorm_args args = CLNORM_ARGS_INIT;
        clnorm_plan *plan;
        d.op.direction = CLNORM_BACKWARD;
        d.layered.layer.gradients = 1u << CLNORM_DRESIDUAL;
        OK(clnorm_plan_create(&plan, ctx, &d.op, CLNORM_MEASURE));
        clnorm_plan_describe(plan, text, sizeof text);
        ck_assert_msg(strstr(text, "nothing to do, no output is asked for") != NULL, "%s", text);
        ck_assert_uint_eq(clnorm_plan_slot_bytes(plan, CLNORM_X), 480);
        clnorm_plan_release(plan);
        const uint32_t before = stats_of(ctx).plans;
        for (int again = 0; again < 3; again++)
            OK(clnorm_run(ctx, harness_get()->queue, &d.op, &args, 0, NULL, NULL));
        ck_assert_uint_eq(stats_of(ctx).plans, before + 1);
        OK(clnorm_context_prepare(ctx, list, 1, NULL, NULL));
    }
    ck_assert_uint_eq(clnorm_plan_describe(NULL, text, sizeof text), 0);
    ck_assert_str_eq(text, "");
    clnorm_context_release(ctx);
}
END_TEST

START_TEST(slots)
{
    clnorm_any d = small(CLNORM_OP_MOMENTS);
    clnorm_plan *plan;
    OK(clnorm_plan_create(&plan, harness_get()->ctx, &d.op, CLNORM_ESTIMATE));
    ck_assert_uint_eq(clnorm_plan_slot_bytes(plan, CLNORM_X), 480);
    ck_assert_uint_eq(clnorm_plan_slot_bytes(plan, CLNORM_Y), 8);
    ck_assert_uint_eq(clnorm_plan_slot_bytes(plan, CLNORM_COUNT), 16);
    ck_assert_uint_eq(clnorm_plan_slot_bytes(plan, CLNORM_GAMMA), 0);
    ck_assert_uint_eq(clnorm_plan_slot_bytes(plan, CLNORM_SLOTS), 0);
    clnorm_plan_release(plan);
}
END_TEST

/* ---- measured ---- */

enum { N = 30000 };

static void run_plan(clnorm_plan *plan, const float *x, float *y)
{
    cl_mem x_mem = buffer(N * sizeof *x, x), y_mem = buffer(N * sizeof *y, NULL);
    const clnorm_args args = pair(x_mem, 0, y_mem, 0);
    OK(clnorm_enqueue(plan, harness_get()->queue, &args, 0, NULL, NULL));
    read_back(y_mem, 0, N * sizeof *y, y);
    RELEASE(x_mem, y_mem);
}

START_TEST(measured_gives_the_same_bits)
{
    float *x = (float *)malloc(3 * N * sizeof *x), *y = x + N, *z = y + N;
    const clnorm_tensor shape = clnorm_nchw(CLNORM_F32, 1, 3, 100, 100);
    const uint32_t kinds[] = { CLNORM_OP_ZSCORE, CLNORM_OP_MINMAX, CLNORM_OP_TOTENSOR };
    for (size_t i = 0; i < N; i++)
        x[i] = sinf((float)i) * 3 + (float)(i % 11);
    for (size_t k = 0; k < CLN_COUNT(kinds); k++) {
        const clnorm_any d = desc_of(kinds[k], &shape);
        clnorm_plan *plan;
        OK(clnorm_plan_create(&plan, harness_get()->ctx, &d.op, CLNORM_ESTIMATE));
        run_plan(plan, x, y);
        clnorm_plan_release(plan);
        OK(clnorm_plan_create(&plan, harness_get()->ctx, &d.op, CLNORM_MEASURE));
        run_plan(plan, x, z);
        clnorm_plan_release(plan);
        ck_assert_int_eq(memcmp(y, z, N * sizeof *y), 0);
    }
    free(x);
}
END_TEST

/* Rows from the bottom up, and each from right to left. */
START_TEST(measured_backwards)
{
    clnorm_tensor t = clnorm_nchw(CLNORM_F32, 1, 3, 8, 9);
    t.stride[2] = -9;
    t.stride[3] = -1;
    const clnorm_any d = desc_of(CLNORM_OP_ZSCORE, &t);
    clnorm_plan *plan;
    OK(clnorm_plan_create(&plan, harness_get()->ctx, &d.op, CLNORM_MEASURE));
    ck_assert_uint_eq(clnorm_plan_slot_bytes(plan, CLNORM_X), 3 * 8 * 9 * 4);
    clnorm_plan_release(plan);
}
END_TEST

/* Options that a compiler reads have no point that a locale prints its own way. */
START_TEST(options_in_every_locale)
{
    clnorm_any d = desc_of(CLNORM_OP_LPNORM, &(clnorm_tensor){ CLNORM_F32, 2, { 4, 64 }, { 64, 1 }, 0 });
    clnorm_plan *plan;
    char text[1024];
    d.lpnorm.p = 2.7f;
    OK(clnorm_plan_create(&plan, harness_get()->ctx, &d.op, CLNORM_ESTIMATE));
    cln_stage_options(text, sizeof text, &plan->body[0], &harness_get()->ctx->params, CLN_PLAIN);
    const char *at = strstr(text, "-DLP=0x");
    ck_assert_ptr_nonnull(at);
    ck_assert_uint_eq(strcspn(at, ".,"), strlen(at));
    ck_assert_float_eq(strtof(at + strlen("-DLP="), NULL), 2.7f);
    clnorm_plan_release(plan);
}
END_TEST

static Suite *plan_suite(void)
{
    TCase *t = SUITE_CASE(described, described_empty, described_empty_gradients, described_unwanted, slots,
                          measured_gives_the_same_bits, measured_backwards, options_in_every_locale);
    plan_bundles(t);
    plan_launches(t);
    plan_limits(t);
    return suite_of("plan", t);
}

SUITE_MAIN(plan_suite)

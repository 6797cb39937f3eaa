/* test_subgroups.c -- lanes folded by shuffles: where a plan says so, and that no bit moves. On a device that has none there is
 * no more than the choice to test, and the suite is skipped. */
#define _POSIX_C_SOURCE 200809L
#include "api_case.h"

#include <stdio.h>

START_TEST(asked_for_where_there_are_some)
{
    static const uint32_t all[][2] = { { 0, 0 }, { 8, 0 }, { 8 | 16 | 32, 16 }, { 16, 16 }, { 32 | 64, 0 } };
    static const cl_device_type types[] = { CL_DEVICE_TYPE_GPU, CL_DEVICE_TYPE_CPU };
    cln_device device = harness_get()->ctx->device;
    cln_params params;
    for (size_t k = 0; k < 2 * CLN_COUNT(all); k++) {
        device.type = types[k % 2];
        device.subgroups = all[k / 2][0];
        cln_params_for(&params, &device);
        ck_assert_uint_eq(params.subgroup, all[k / 2][1]);
    }
}
END_TEST

/* What a plan of that work-group says, and whether its kernels are asked for sub-groups. */
static bool says(clnorm_context *ctx, const clnorm_any *d, const cln_solver *solver, uint32_t wg,
                 uint32_t vec)
{
    const cln_choice c[CLN_MAX_PARTS] = { { .solver = solver, .wg = wg, .vec = vec, .per = 1, .block = 1 } };
    char text[2048], options[768];
    clnorm_plan *plan;
    OK(cln_plan_with(&plan, ctx, &d->op, c, true));
    clnorm_plan_describe(plan, text, sizeof text);
    cln_stage_options(options, sizeof options, &plan->body[0], &ctx->params, CLN_PLAIN);
    clnorm_plan_release(plan);
    const bool said = strstr(text, "lanes are folded in sub-groups of 16\n") != NULL;
    ck_assert_int_eq(said, strstr(options, "-DSUBGROUP=16") != NULL);
    ck_assert_int_eq(said, strstr(options, "SUBGROUP") != NULL);
    return said;
}

START_TEST(said_by_the_plan)
{
    const clnorm_any d = small(CLNORM_OP_ZSCORE), map = small(CLNORM_OP_TOTENSOR);
    clnorm_context *ctx = fresh();
    const bool has = ctx->device.subgroups & 16;
    ck_assert_int_eq(says(ctx, &d, &cln_solve_rows, 64, 4), has);
    ck_assert_int_eq(says(ctx, &d, &cln_solve_split, 64, 1), has);
    ck_assert(!says(ctx, &d, &cln_solve_rows, 1, 16));
    ck_assert(!says(ctx, &d, &cln_solve_rows, 8, 8)); /* less than one */
    ck_assert(!says(ctx, &map, &cln_solve_pointwise, 64, 4));
    ctx->params.subgroup = 0;
    ck_assert(!says(ctx, &d, &cln_solve_rows, 64, 4));
    clnorm_context_release(ctx);
}
END_TEST

/* ---- the bits ---- */

/* Each kind of fold. */
static const struct {
    uint32_t kind, x;
    data_kind data;
    uint32_t direction;
} cases[] = {
    { CLNORM_OP_ZSCORE, CLNORM_F32, DATA_ZEROS, CLNORM_FORWARD }, /* walks again */
    { CLNORM_OP_ZSCORE, CLNORM_U8, DATA_NORMAL, CLNORM_FORWARD }, /* exact */
    { CLNORM_OP_MINMAX, CLNORM_F32, DATA_NORMAL, CLNORM_FORWARD },
    { CLNORM_OP_LPNORM, CLNORM_F32, DATA_HUGE, CLNORM_FORWARD },
    { CLNORM_OP_GRN, CLNORM_F32, DATA_NORMAL, CLNORM_FORWARD },
    { CLNORM_OP_BATCHNORM, CLNORM_F32, DATA_NORMAL, CLNORM_BACKWARD },
};

/* By every solver but slab, in the device's own work-group and in `groups` of op_case; returns the outputs' hash. */
static uint64_t hash_of(size_t k, uint32_t subgroup, uint32_t groups)
{
    const clnorm_tensor shape = clnorm_nchw(CLNORM_F32, 2, 3, 70, 61);
    op_case c = { .desc = desc_of(cases[k].kind, &shape),
                  .data = cases[k].data,
                  .seed = 5,
                  .force = WAYS_ALL,
                  .groups = groups,
                  .no_slab = ~0u,
                  .extra = true,
                  .view = "sub-groups" };
    c.desc.op.direction = cases[k].direction;
    c.desc.head.x.dtype = cases[k].x;
    if (cases[k].kind == CLNORM_OP_LPNORM)
        c.desc.lpnorm.axes = 1u << 2 | 1u << 3; /* channels alone would be columns */
    harness_get()->ctx->params.subgroup = subgroup;
    return harness_run(harness_get(), &c);
}

static uint32_t built(void) { return stats_of(harness_get()->ctx).programs_built; }

START_TEST(same_bits)
{
    enum { TEAMS_OF_16 = 1, TEAMS_OF_64 = 4 }; /* 64 x 4, 64 x 1 */
    static const uint32_t sizes[][2] = {
        { 8, TEAMS_OF_16 }, { 16, TEAMS_OF_16 }, { 32, TEAMS_OF_16 }, { 16, TEAMS_OF_64 }, { 64, TEAMS_OF_64 }
    };
    const clnorm_context *ctx = harness_get()->ctx;
    const uint32_t own = ctx->params.subgroup;
    if (!ctx->device.subgroups) /* main says so */
        return;
    const uint64_t tree = hash_of((size_t)_i, 0, TEAMS_OF_16 | TEAMS_OF_64);
    for (size_t k = 0; k < CLN_COUNT(sizes); k++) {
        const uint32_t before = built();
        if (!(ctx->device.subgroups & sizes[k][0]))
            continue;
        ck_assert_msg(hash_of((size_t)_i, sizes[k][0], sizes[k][1]) == tree,
                      "%s: sub-groups of %u give other bits", clnorm_op_of(cases[_i].kind)->name,
                      sizes[k][0]);
        ck_assert_uint_gt(built(), before); /* with kernels of their own */
    }
    harness_get()->ctx->params.subgroup = own;
}
END_TEST

int main(void)
{
    Suite *suite = suite_of("subgroups", SUITE_CASE(asked_for_where_there_are_some, said_by_the_plan));
    TCase *bits = tcase_create("bits");
    tcase_set_timeout(bits, 0);
    tcase_add_loop_test(bits, same_bits, 0, (int)CLN_COUNT(cases));
    suite_add_tcase(suite, bits);
    int code = suite_run(suite, CK_NOFORK);
    if (!code && !harness_get()->ctx->device.subgroups) {
        printf("skipped: the device has no sub-groups to ask for, or no shuffles in them\n");
        code = 77;
    }
    harness_report();
    harness_close();
    return code;
}

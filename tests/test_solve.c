/* test_solve.c -- what single solvers take, and what they leave to others. No device runs any of it. */
#include "choose_case.h"

#include <stdio.h>

/* What fuses does so no longer when any of what both have to share differs. across: sets lie side by side. */
static void differences_end_it(const cln_problems *p, bool across)
{
    for (int k = 0; k < 13; k++) {
        cln_problem x = p->part[0], w = p->part[1];
        bool *const flags[] = { &x.columns, &w.columns };
        uint32_t *const counts[] = { &x.geo.plain, &w.geo.plain, &x.geo.runs,
                                     &x.geo.len,   &w.geo.len,   across ? &x.geo.span : &w.geo.span,
                                     &w.geo.sets,  &w.geo.runs };
        int64_t *const strides[] = { &x.geo.view[CLN_VIEW_X].kept[3], &w.geo.view[CLN_VIEW_D].run[2],
                                     across ? &w.geo.view[CLN_VIEW_X].kept[3]
                                            : &w.geo.view[CLN_VIEW_S].run[2] };
        if (k < 2)
            *flags[k] = !*flags[k];
        else if (k < 10)
            *counts[k - 2] = *counts[k - 2] == 1 ? 0 : *counts[k - 2] + 1;
        else
            *strides[k - 10] += 1;
        ck_assert_msg(!cln_fuses(&x, &w), "case %d", k);
    }
}

/* Gradients of x and of weights come from one walk where both have the same rows; whatever differs ends that. */
START_TEST(what_fuses)
{
    const clnorm_any d = of_rows(CLNORM_OP_LAYERNORM, 64, 96, CLNORM_BACKWARD);
    const cln_problems p = posed(&d);
    ck_assert_uint_eq(p.count, 2);
    ck_assert(p.part[0].layer.fuses && cln_fuses(&p.part[0], &p.part[1]));
    differences_end_it(&p, false);
    clnorm_any longer = of_rows(CLNORM_OP_LAYERNORM, 64, CLN_CHUNK + 1, CLNORM_BACKWARD);
    ck_assert(!posed(&longer).part[0].layer.fuses);
}
END_TEST

/* Over C of channels first, too, where dx goes across sets and the weights along them; chunks of them are dealt to a CPU's groups. */
START_TEST(what_fuses_over_channels)
{
    clnorm_any d = of_rows(CLNORM_OP_LAYERNORM, 64, 96, CLNORM_BACKWARD);
    d.head.x = d.head.y = clnorm_nchw(CLNORM_F32, 3, 24, 70, 70);
    d.layernorm.axes = 1u << 1;
    const cln_problems p = posed(&d);
    ck_assert_uint_eq(p.count, 2);
    ck_assert(p.part[0].columns && p.part[0].layer.fuses);
    differences_end_it(&p, true);
    cln_device cpu = device_of(CPU);
    const cln_device gpu = device_of(GPU);
    cln_params params;
    cln_choice c;
    cpu.near_bytes = 1u << 18;
    cln_params_for(&params, &cpu);
    ck_assert(cln_choose_with(&c, &cln_solve_fused, &p.part[0], &params, &cpu));
    ck_assert_uint_eq(c.cols, 256); /* 48 KiB of x and dy */
    cln_params_for(&params, &gpu);
    ck_assert(!cln_choose_with(&c, &cln_solve_fused, &p.part[0], &params, &gpu));
}
END_TEST

/* Gradients of a weight for each element: long pieces of rows two pages apart, where 256 KiB hold 256 columns of x and dy. */
START_TEST(pieces_of_far_rows)
{
    static const struct {
        int64_t n, c;
        uint32_t cols;
    } cases[] = { { 32, 2048, 1024 }, { 32, 2016, 64 }, { 100, 2048, 384 }, { 129, 2048, 64 } };
    for (size_t k = 0; k < CLN_COUNT(cases); k++) {
        const clnorm_any d = of_rows(CLNORM_OP_LAYERNORM, cases[k].n, cases[k].c, CLNORM_BACKWARD);
        const cln_problems p = posed(&d);
        cln_device cpu = device_of(CPU);
        cln_params params;
        cln_choice c;
        cpu.near_bytes = 1u << 20;
        cln_params_for(&params, &cpu);
        ck_assert(cln_choose_with(&c, &cln_solve_tile, &p.part[1], &params, &cpu));
        ck_assert_uint_eq(c.cols, cases[k].cols);
    }
}
END_TEST

/* Of sets that lie side by side `clan` takes the families of one place, not one that lies in several. */
START_TEST(families_in_places)
{
    const clnorm_tensor x = clnorm_nhwc(CLNORM_F32, 2, 16, 8, 8);
    clnorm_any d = desc_of(CLNORM_OP_LAYERNORM, &x);
    d.op.direction = CLNORM_BACKWARD;
    d.layered.layer.affine = CLNORM_PER_SAMPLE;
    const cln_problems each = posed(&d);
    ck_assert(each.part[0].columns && each.part[0].layer.family == 16);
    ck_assert_ptr_null(cln_solve_clan.applicable(&each.part[0]));
    d.layernorm.axes = 15;
    const cln_problems all = posed(&d);
    ck_assert(all.part[0].columns && all.part[0].layer.family == 32);
    ck_assert_str_eq(cln_solve_clan.applicable(&all.part[0]), "a family lies in several places");
}
END_TEST

/* What has more chunks than the tree of a group has leaves goes in parts; what needs more memory than the device gives at once, by
 * another way. */
START_TEST(beyond_a_group)
{
    const clnorm_tensor rows = { CLNORM_F32, 2, { 1u << 12, 1u << 13 }, { 1u << 14, 2 }, 0 },
                        over_c = clnorm_nchw(CLNORM_F32, 1, 3, 32, 32);
    cln_device device = device_of(CPU);
    cln_params params;
    cln_choice c;
    clnorm_any d = desc_of(CLNORM_OP_ZSCORE, &rows);
    cln_problems p = posed(&d);
    cln_params_for(&params, &device);
    ck_assert(cln_choose_with(&c, &cln_solve_slab, &p.part[0], &params, &device));
    p.part[0].geo.runs = 1u << CLN_LEVELS;
    ck_assert(!cln_choose_with(&c, &cln_solve_slab, &p.part[0], &params, &device));
    ck_assert(cln_choose_with(&c, &cln_solve_split, &p.part[0], &params, &device));
    p.part[0].geo.len = 16;
    p.part[0].geo.sets = CLN_MOST_PARTED;
    cln_choose(&c, &p.part[0], NULL, &params, &device);
    ck_assert_ptr_eq(c.solver, &cln_solve_split);
    d = desc_of(CLNORM_OP_LAYERNORM, &over_c);
    d.layernorm.axes = 1u << 1;
    p = posed(&d);
    device = device_of(GPU);
    cln_params_for(&params, &device);
    device.max_alloc = 20000;
    cln_choose(&c, &p.part[0], NULL, &params, &device);
    ck_assert_ptr_eq(c.solver, &cln_solve_tile);
}
END_TEST

/* What solvers propose for a problem: groups that a launch takes, whole families to each. */
static void proposals(const cln_problem *p, const cln_params *params, const cln_device *device,
                      const char *of)
{
    for (size_t k = 0; cln_solvers[k]; k++) {
        cln_choice c;
        cln_stage stages[CLN_MAX_STAGES];
        cln_geo geo = p->geo;
        size_t workspace;
        if (!cln_choose_with(&c, cln_solvers[k], p, params, device))
            continue;
        const size_t n = cln_choice_stages(stages, &geo, &workspace, p, &c);
        ck_assert_msg(n > 0 && n <= CLN_MAX_STAGES, "%s: %s has %zu stages", of, c.solver->name, n);
        for (size_t i = 0; i < n; i++)
            ck_assert_msg(stages[i].groups > 0 && stages[i].groups <= CLN_MAX_GROUPS, "%s: %s in %zu groups",
                          of, stages[i].kernel, stages[i].groups);
        if (c.solver == &cln_solve_clan)
            ck_assert_msg((p->columns ? geo.len / geo.span : p->layer.family) % p->layer.family == 0,
                          "%s: clan of %u sets a place, families of %u", of, geo.len / geo.span,
                          p->layer.family);
    }
}

/* Layers over all axes, with all weights, in both layouts, on a CPU and a GPU: nothing that a solver would run is cut in two. */
START_TEST(whole_proposals)
{
    static const int64_t shapes[][4] = {
        { 2, 16, 8, 8 }, { 3, 24, 17, 9 }, { 1, 6, 1, 65 }, { 5, 1, 33, 3 }
    };
    const cl_device_type types[] = { CPU, GPU };
    for (uint32_t u = 0; u < CLN_COUNT(types) * CLN_COUNT(shapes) * 16 * 4 * 4; u++) {
        const cl_device_type type = types[u % 2];
        const int64_t *n = shapes[u / 2 % 4];
        const uint32_t axes = u / 8 % 16, affine = u / 128 % 4, back = u / 512 % 2, last = u / 1024 % 2;
        const clnorm_tensor x = last ? clnorm_nhwc(CLNORM_F32, n[0], n[1], n[2], n[3])
                                     : clnorm_nchw(CLNORM_F16, n[0], n[1], n[2], n[3]);
        const cln_device device = device_of(type);
        cln_params params;
        cln_params_for(&params, &device);
        for (size_t k = 0; clnorm_op_at(k); k++) {
            char of[128];
            clnorm_any d;
            cln_problems p;
            if (!clnorm_op_at(k)->layer)
                continue;
            OK(clnorm_op_init(&d, clnorm_op_at(k)->kind));
            const double mask = axes;
            d.head.x = d.head.y = x;
            d.op.direction = back;
            d.layered.layer.affine = affine;
            clnorm_op_set(&d, "axes", &mask, 1); /* of those that have it */
            snprintf(of, sizeof of, "%s, case %u", clnorm_op_at(k)->name, u);
            if (cln_op_pose(&p, &d.op) == CLNORM_OK)
                for (size_t i = 0; i < p.count; i++)
                    proposals(&p.part[i], &params, &device, of);
        }
    }
}
END_TEST

static Suite *solve_suite(void)
{
    return suite_of("solve", SUITE_CASE(what_fuses, what_fuses_over_channels, pieces_of_far_rows,
                                        families_in_places, beyond_a_group, whole_proposals));
}

SUITE_MAIN(solve_suite)

/* plan_launches.c -- every schedule of every op is a few launches of few groups. */
#include "plan_case.h"

#include "tensor/tensor.h"

/* Problems for the planner alone; no device sees them. */
static size_t check_stages(const cln_solver *solver, const cln_problem *p, const cln_params *params,
                           const cln_device *device)
{
    cln_choice proposed;
    size_t tried = 0;
    if (!cln_choose_with(&proposed, solver, p, params, device))
        return 0;
    const uint32_t pers[] = { proposed.per, 1 }, blocks[] = { proposed.block, 1 };
    for (size_t k = 0; k < 2; k++, tried++) {
        cln_stage stages[CLN_MAX_STAGES];
        cln_geo geo = p->geo;
        size_t workspace;
        cln_choice c = proposed;
        c.per = pers[k];
        c.block = blocks[k];
        const size_t n = cln_choice_stages(stages, &geo, &workspace, p, &c);
        ck_assert_uint_ge(n, 1);
        ck_assert_uint_le(n, CLN_MAX_STAGES);
        for (size_t i = 0; i < n; i++)
            ck_assert_msg(stages[i].groups > 0 && stages[i].groups < 65536,
                          "%s, %u sets of %llu, %s: %zu groups", solver->name, p->geo.sets,
                          (unsigned long long)p->set_elements, stages[i].kernel, stages[i].groups);
    }
    return tried;
}

enum { CPU, GPU, DEVICES };

/* Adds to the launches of each device what its best choice takes. */
static size_t check_problem(const cln_problem *p, size_t launches[DEVICES])
{
    size_t tried = 0;
    for (int k = CPU; k < DEVICES; k++) {
        const cl_device_type type = k == CPU ? CL_DEVICE_TYPE_CPU : CL_DEVICE_TYPE_GPU;
        cln_device device = harness_get()->ctx->device;
        cln_params params;
        cln_choice best;
        device.type = type;
        device.units = type == CL_DEVICE_TYPE_CPU ? 2 : 132;
        device.max_wg = 1024;
        cln_params_for(&params, &device);
        for (size_t i = 0; cln_solvers[i]; i++)
            tried += check_stages(cln_solvers[i], p, &params, &device);
        cln_choose(&best, p, NULL, &params, &device);
        ck_assert_ptr_nonnull(best.solver);
        cln_stage stages[CLN_MAX_STAGES];
        cln_geo geo = p->geo;
        size_t workspace;
        launches[k] += cln_choice_stages(stages, &geo, &workspace, p, &best);
    }
    return tried;
}

/* Both directions, each in at most four launches. */
static size_t check_op(uint32_t kind, const clnorm_tensor *x)
{
    const cln_op *op = cln_op_of(kind);
    clnorm_any d = desc_of(kind, x);
    char text[CLN_TENSOR_TEXT];
    size_t tried = 0;
    for (uint32_t back = 0; back <= op->info.layer; back++) {
        cln_problems posed;
        size_t launches[DEVICES] = { 0 };
        d.op.direction = back;
        if (cln_op_pose(&posed, &d.op) != CLNORM_OK) {
            SAYS("are allowed");
            continue;
        }
        for (size_t k = 0; k < posed.count; k++)
            if (posed.part[k].layer.role != CLN_ROLE_KEEP) /* which saved statistics spare */
                tried += check_problem(&posed.part[k], launches);
        if (x->shape[0] <= 4096) /* few enough for cl/common/gather.clh */
            for (int k = CPU; k < DEVICES; k++)
                ck_assert_msg(launches[k] <= 4, "%s %s of %s: %zu launches", op->info.name,
                              back ? "backward" : "forward", cln_tensor_text(x, text, sizeof text),
                              launches[k]);
    }
    return tried;
}

START_TEST(launches_stay_small)
{
    const int64_t sets[] = { 1, 2, 32767, 32768, 65535, 65536, 1000000 },
                  sizes[] = { 1, 4096, 4097, 40000000 };
    const uint32_t kinds[] = { CLNORM_OP_ZSCORE, CLNORM_OP_MINMAX, CLNORM_OP_MOMENTS, CLNORM_OP_TOTENSOR };
    size_t tried = 0;
    for (size_t k = 0; k < CLN_COUNT(kinds); k++)
        for (size_t s = 0; s < CLN_COUNT(sets); s++)
            for (size_t e = 0; e < CLN_COUNT(sizes); e++) {
                const clnorm_tensor x = clnorm_nchw(CLNORM_F32, sets[s], 1, 1, sizes[e]);
                tried += check_op(kinds[k], &x);
            }
    ck_assert_uint_gt(tried, 300);
}
END_TEST

/* Layers, whatever axis is the long one. */
START_TEST(launches_of_layers_stay_small)
{
    static const int64_t shapes[][4] = {
        { 70000, 24, 5, 5 },  { 5, 70000, 5, 5 },     { 70000, 24, 1, 1 },
        { 3, 24, 70000, 2 },  { 2, 3, 1, 70000 },     { 70000, 3000, 4, 4 },
        { 1, 70000, 70, 70 }, { 2000, 96, 500, 500 }, { 1, 1, 70000, 30000 }
    };
    const clnorm_op_info *op;
    size_t tried = 0;
    for (size_t k = 0; (op = clnorm_op_at(k)) != NULL; k++)
        for (size_t s = 0; op->layer && s < 2 * CLN_COUNT(shapes); s++) {
            const int64_t *n = shapes[s / 2];
            const clnorm_tensor x = s % 2 ? clnorm_nhwc(CLNORM_F32, n[0], n[1], n[2], n[3])
                                          : clnorm_nchw(CLNORM_F32, n[0], n[1], n[2], n[3]);
            tried += check_op(op->kind, &x);
        }
    ck_assert_uint_gt(tried, 1000);
}
END_TEST

void plan_launches(TCase *t) { SUITE_ADD(t, launches_stay_small, launches_of_layers_stay_small); }

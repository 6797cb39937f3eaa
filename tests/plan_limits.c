/* plan_limits.c -- devices that allow less: work-groups, local memory, buffers. */
#define _XOPEN_SOURCE 700
#include "plan_case.h"

#include "scratch.h"

#include <unistd.h>

START_TEST(limits_of_the_device)
{
    clnorm_context *ctx = fresh();
    const clnorm_any d = small(CLNORM_OP_ZSCORE);
    clnorm_plan *plan = (clnorm_plan *)ctx;
    cln_choice c = { .solver = &cln_solve_rows, .wg = 64, .vec = 4, .per = 1, .block = 1 };
    ctx->device.max_wg = 16;
    ck_assert_int_eq(cln_plan_with(&plan, ctx, &d.op, &c, true), CLNORM_EUNSUPPORTED);
    ck_assert_ptr_null(plan);
    SAYS("64");
    SAYS("16");
    c.wg = 16;
    OK(cln_plan_with(&plan, ctx, &d.op, &c, true));
    clnorm_plan_release(plan);
    ctx->device.max_wg = 4096;
    ctx->device.local_bytes = 0;
    c.wg = 64;
    const clnorm_status st = cln_plan_with(&plan, ctx, &d.op, &c, true);
    if (st != CLNORM_OK) { /* where its kernels take local memory at all */
        ck_assert_int_eq(st, CLNORM_EUNSUPPORTED);
        SAYS("local memory");
    }
    clnorm_plan_release(plan);
    ctx->device.max_alloc = 16;
    const cln_choice split = choice_of(ctx, &cln_solve_split);
    ctx->device.local_bytes = harness_get()->ctx->device.local_bytes;
    ck_assert_int_eq(cln_plan_with(&plan, ctx, &d.op, &split, true), CLNORM_ENOMEM);
    SAYS("the device allows 16");
    clnorm_context_release(ctx);
}
END_TEST

/* A way that wants more memory than the device gives is left out by whoever tries it. */
START_TEST(ways_without_memory)
{
    clnorm_context *ctx = fresh();
    const clnorm_tensor x =
        clnorm_nchw(CLNORM_F32, 1, 3, 32, 32); /* of which cols would leave 57,344 bytes */
    clnorm_any d = desc_of(CLNORM_OP_LAYERNORM, &x);
    clnorm_plan *plan = NULL;
    d.layernorm.axes = 1u << 1;
    ctx->device.max_alloc = 20000;
    for (uint32_t effort = CLNORM_ESTIMATE; effort <= CLNORM_MEASURE; effort++) {
        OK(clnorm_plan_create(&plan, ctx, &d.op, effort));
        ck_assert_uint_le(clnorm_plan_workspace(plan), 20000);
        clnorm_plan_release(plan);
    }
    const cln_tuned cols = { "cols", 1, 16, 8, false }; /* of a smaller one of the class, as it may be */
    char name[CLN_CLASS_ROOM];
    cln_problems posed;
    OK(cln_op_pose(&posed, &d.op));
    cln_problem_class(name, &posed.part[0]);
    OK(cln_tuning_set(ctx->params.tuning, name, &cols));
    for (uint32_t effort = CLNORM_ESTIMATE; effort <= CLNORM_MEASURE; effort++) {
        OK(clnorm_plan_create(&plan, ctx, &d.op, effort));
        ck_assert_uint_le(clnorm_plan_workspace(plan), 20000);
        clnorm_plan_release(plan);
    }
    OK(clnorm_tune(ctx, &d.op, 0.01, NULL));
    clnorm_context_release(ctx);
}
END_TEST

static cln_way rows_with(uint32_t wg)
{
    cln_way w;
    memset(&w, 0, sizeof w);
    w.choices[0] = (cln_choice){ .solver = &cln_solve_rows, .wg = wg, .vec = 4, .per = 1, .block = 1 };
    return w;
}

/* Of ways that race, one that the device cannot run is left out; the first has to run, and all have its bits. */
START_TEST(races_of_what_runs)
{
    const clnorm_any d = small(CLNORM_OP_ZSCORE);
    clnorm_context *ctx = fresh();
    cln_way list[] = { rows_with(16), rows_with(64) }, turned[] = { list[1], list[0] },
            other[] = { list[0], list[0] };
    cln_lab lab;
    bool empty;
    size_t best = 7;
    ctx->device.max_wg = 16;
    OK(cln_lab_open(&lab, ctx, &d.op, &empty));
    ck_assert(!empty);
    OK(cln_lab_race(&lab, list, 2, &best));
    ck_assert_uint_eq(best, 0);
    ck_assert_uint_lt(list[0].ns, UINT64_MAX);
    ck_assert_uint_eq(list[1].ns, UINT64_MAX);
    ck_assert_int_eq(cln_lab_race(&lab, turned, 2, &best), CLNORM_EUNSUPPORTED);
    lab.verifies = lab.hashed = true;
    lab.hash = 1; /* as if another way had given other bits */
    ck_assert_int_eq(cln_lab_race(&lab, other, 2, &best), CLNORM_EBUG);
    SAYS("zscore by  with wg 0, vec 0 does not give the bits of other schedules");
    cln_lab_close(&lab);
    clnorm_context_release(ctx);
}
END_TEST

START_TEST(parameters_fit_the_device)
{
    cln_device device = harness_get()->ctx->device;
    cln_params params;
    device.type = CL_DEVICE_TYPE_GPU;
    for (uint32_t most = 1; most <= 256; most *= 2) {
        device.max_wg = most;
        cln_params_for(&params, &device);
        ck_assert_uint_le(params.wg, most);
        ck_assert_uint_ge(params.wg, 1);
    }
}
END_TEST

static clnorm_context *as_a_gpu(const char *kernel_dir)
{
    clnorm_options o = lazy();
    o.kernel_dir = kernel_dir;
    clnorm_context *ctx = created(&o);
    cln_tuning *const tuning = ctx->params.tuning;
    ctx->device.type = CL_DEVICE_TYPE_GPU;
    ctx->device.cpu = false;
    cln_params_for(&ctx->params, &ctx->device);
    ctx->params.tuning = tuning;
    ck_assert_uint_eq(ctx->params.wg, 128);
    return ctx;
}

static void plans_with(clnorm_context *ctx, uint32_t kind, const char *wg)
{
    const clnorm_any d = small(kind);
    char text[256];
    clnorm_plan *plan;
    OK(clnorm_plan_create(&plan, ctx, &d.op, CLNORM_ESTIMATE));
    clnorm_plan_describe(plan, text, sizeof text);
    ck_assert_msg(strstr(text, wg) != NULL, "no %s in: %s", wg, text);
    clnorm_plan_release(plan);
}

/* A kernel that a device allows, or its compiler builds, for smaller groups only. */
START_TEST(groups_as_large_as_they_can_be)
{
    static const char refusal[] = "#if WG > 64\n#error no such group\n#endif\n";
    char root[SCRATCH_PATH], path[SCRATCH_PATH];
    clnorm_context *ctx = as_a_gpu(NULL);
    plans_with(ctx, CLNORM_OP_ZSCORE, "wg 128");
    ctx->device.max_wg = 32;
    ck_assert_int_eq(clnorm_open(NULL, NULL, NULL), CLNORM_EARG);
    plans_with(ctx, CLNORM_OP_ZSCORE, "wg 32");
    SAYS("out is NULL"); /* the last failure of a call */
    ctx->device.max_wg = 8;
    clnorm_plan *plan;
    const clnorm_any d = small(CLNORM_OP_ZSCORE);
    ck_assert_int_eq(clnorm_plan_create(&plan, ctx, &d.op, CLNORM_ESTIMATE), CLNORM_EUNSUPPORTED);
    SAYS("a work-group of 16 is wanted; the device allows 8");
    clnorm_context_release(ctx);
    size_t bytes;
    unsigned char *text = scratch_read(CLNORM_SOURCE_DIR "/cl/zscore.cl", &bytes);
    char *all = (char *)malloc(sizeof refusal + bytes);
    ck_assert_ptr_nonnull(all);
    memcpy(all, refusal, sizeof refusal - 1);
    memcpy(all + sizeof refusal - 1, text, bytes);
    scratch_create(root);
    scratch_write(scratch_path(path, root, "zscore.cl"), all, sizeof refusal - 1 + bytes);
    ck_assert_int_eq(symlink(CLNORM_SOURCE_DIR "/cl/common", scratch_path(path, root, "common")), 0);
    ctx = as_a_gpu(root);
    plans_with(ctx, CLNORM_OP_ZSCORE, "wg 64");
    cln_way list[] = { rows_with(64), rows_with(128) };
    cln_lab lab;
    bool empty;
    size_t best;
    OK(cln_lab_open(&lab, ctx, &d.op, &empty));
    OK(cln_lab_race(&lab, list, 2, &best));
    ck_assert_uint_eq(best, 0);
    ck_assert_uint_eq(list[1].ns, UINT64_MAX);
    cln_lab_close(&lab);
    clnorm_context_release(ctx);
    scratch_remove(root);
    free(all);
    free(text);
}
END_TEST

/* Columns whose statistics nobody saved keep most there. */
START_TEST(kernels_of_a_gpu_fit_32_kib)
{
    const clnorm_tensor first = clnorm_nchw(CLNORM_F32, 4, 64, 14, 14),
                        last = clnorm_nhwc(CLNORM_F32, 8, 64, 14, 14);
    clnorm_any d[] = { desc_of(CLNORM_OP_LAYERNORM, &first), desc_of(CLNORM_OP_BATCHNORM, &last) };
    clnorm_context *ctx = as_a_gpu(NULL);
    d[0].layernorm.axes = 1u << 1;
    ctx->device.local_bytes = 32768;
    for (size_t k = 0; k < CLN_COUNT(d); k++) {
        clnorm_plan *plan;
        d[k].op.direction = CLNORM_BACKWARD;
        OK(clnorm_plan_create(&plan, ctx, &d[k].op, CLNORM_ESTIMATE));
        clnorm_plan_release(plan);
    }
    clnorm_context_release(ctx);
}
END_TEST

void plan_limits(TCase *t)
{
    SUITE_ADD(t, limits_of_the_device, ways_without_memory, races_of_what_runs,
              groups_as_large_as_they_can_be, kernels_of_a_gpu_fit_32_kib, parameters_fit_the_device);
}

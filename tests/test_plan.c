/* test_plan.c -- plans in words, the choice, limits of devices. */
#include "api_case.h"
#include "tensor/tensor.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- in words ---- */

static void describe_one(const clnorm_any *d)
{
    clnorm_plan *plan;
    char text[2048], cut[2048];
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
    for (size_t room = 1; room <= n + 1; room += n / 7 + 1) {
        memset(cut, '#', sizeof cut);
        ck_assert_uint_eq(clnorm_plan_describe(plan, cut, room), n);
        ck_assert_uint_eq(strlen(cut), room - 1);
        ck_assert_int_eq(memcmp(cut, text, room - 1), 0);
        ck_assert_int_eq(cut[room], '#');
    }
    clnorm_plan_release(plan);
}

START_TEST(described)
{
    const clnorm_op_info *op;
    for (size_t k = 0; (op = clnorm_op_at(k)) != NULL; k++) {
        const clnorm_any d = small(op->kind);
        describe_one(&d);
    }
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

/* ---- the choice ---- */

enum { N = 30000 };

static void run_plan(clnorm_plan *plan, const float *x, float *y)
{
    cl_mem x_mem = buffer(N * sizeof *x, x), y_mem = buffer(N * sizeof *y, NULL);
    clnorm_args args = CLNORM_ARGS_INIT;
    args.slot[CLNORM_X].mem = x_mem;
    args.slot[CLNORM_Y].mem = y_mem;
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

/* Vectors of a bundle are read aligned where the buffers are, and only there. */
START_TEST(bundles_of_buffers_anywhere)
{
    const clnorm_tensor x = clnorm_nhwc(CLNORM_F32, 2, 3, 16, 16);
    const clnorm_any d = desc_of(CLNORM_OP_INSTANCENORM, &x);
    cln_problems posed;
    cl_int code;
    cl_mem mem = clCreateBuffer(harness_get()->ctx->cl, CL_MEM_READ_WRITE, 1 << 16, NULL, &code);
    ck_assert_int_eq(code, CL_SUCCESS);
    OK(cln_op_pose(&posed, &d.op));
    cln_body body = { .problem = posed.part[0],
                      .choice = { .wg = 1, .vec = 16, .bundle = 3, .wide = true },
                      .geo = posed.part[0].geo };
    clnorm_args args = { .size = sizeof args };
    args.slot[CLNORM_X].mem = args.slot[CLNORM_Y].mem = mem;
    ck_assert_int_eq(cln_pick_variant(&body, &args), CLN_WIDE);
    args.slot[CLNORM_Y].byte_offset = 4;
    ck_assert_int_eq(cln_pick_variant(&body, &args), CLN_PLAIN);
    clReleaseMemObject(mem);
}
END_TEST

/* Few channels last are walked at once by work-groups of one; nothing else is. */
START_TEST(bundles)
{
    static const struct {
        uint32_t kind, affine;
        int64_t channels;
        bool x_last, y_last;
        uint32_t bundle;
    } cases[] = {
        { CLNORM_OP_BATCHNORM, CLNORM_PER_CHANNEL, 3, true, true, 3 },
        { CLNORM_OP_INSTANCENORM, CLNORM_NO_AFFINE, 2, true, true, 2 },
        { CLNORM_OP_INSTANCENORM, CLNORM_PER_CHANNEL, 15, true, true, 15 },
        { CLNORM_OP_GRN, CLNORM_PER_CHANNEL, 4, true, true, 4 },
        { CLNORM_OP_INSTANCENORM, CLNORM_PER_CHANNEL, 16, true, true, 1 }, /* columns */
        { CLNORM_OP_INSTANCENORM, CLNORM_PER_CHANNEL, 1, true, true, 1 },
        { CLNORM_OP_INSTANCENORM, CLNORM_PER_SAMPLE, 3, true, true, 1 }, /* weights of each sample */
        { CLNORM_OP_INSTANCENORM, CLNORM_PER_CHANNEL, 3, false, false, 1 },
        { CLNORM_OP_INSTANCENORM, CLNORM_PER_CHANNEL, 3, true, false, 1 },
        { CLNORM_OP_LAYERNORM, CLNORM_PER_CHANNEL, 3, true, true, 1 }, /* a set has all channels */
        { CLNORM_OP_LRN, 0, 3, true, true, 1 },
        { CLNORM_OP_NORMALIZE, 0, 3, true, true, 3 }, /* runs of one set */
        { CLNORM_OP_NORMALIZE, 0, 3, true, false, 1 },
        { CLNORM_OP_SYMMETRIC, 0, 3, true, true, 1 },
    };
    for (size_t k = 0; k < CLN_COUNT(cases); k++) {
        const int64_t c = cases[k].channels;
        const clnorm_tensor x =
            cases[k].x_last ? clnorm_nhwc(CLNORM_F32, 2, c, 9, 7) : clnorm_nchw(CLNORM_F32, 2, c, 9, 7);
        clnorm_any d = desc_of(cases[k].kind, &x);
        cln_problems posed;
        d.head.y =
            cases[k].y_last ? clnorm_nhwc(CLNORM_F32, 2, c, 9, 7) : clnorm_nchw(CLNORM_F32, 2, c, 9, 7);
        if (clnorm_op_of(cases[k].kind)->layer)
            d.layered.layer.affine = cases[k].affine;
        OK(cln_op_pose(&posed, &d.op));
        const cln_problem *p = &posed.part[0];
        const uint32_t bundle = cln_bundle(p, 1);
        const cln_geo g = cln_walked(p, 1);
        ck_assert_msg(bundle == cases[k].bundle, "case %zu: %u sets at once", k, bundle);
        ck_assert_uint_eq(cln_bundle(p, 64), 1);
        ck_assert_uint_eq(g.sets, cln_bundles(p, 1));
        ck_assert_uint_eq((uint64_t)g.sets * g.runs * g.len,
                          (uint64_t)p->geo.sets * p->geo.runs * p->geo.len);
        if (bundle > 1)
            ck_assert_int_eq(g.view[CLN_VIEW_X].step, 1);
    }
}
END_TEST

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

/* Columns whose statistics nobody saved keep most there. */
START_TEST(kernels_of_a_gpu_fit_32_kib)
{
    const clnorm_tensor first = clnorm_nchw(CLNORM_F32, 4, 64, 14, 14),
                        last = clnorm_nhwc(CLNORM_F32, 8, 64, 14, 14);
    clnorm_any d[] = { desc_of(CLNORM_OP_LAYERNORM, &first), desc_of(CLNORM_OP_BATCHNORM, &last) };
    clnorm_context *ctx = fresh();
    d[0].layernorm.axes = 1u << 1;
    ctx->device.type = CL_DEVICE_TYPE_GPU;
    ctx->device.cpu = false;
    ctx->device.local_bytes = 32768;
    cln_tuning *const tuning = ctx->params.tuning;
    cln_params_for(&ctx->params, &ctx->device);
    ctx->params.tuning = tuning;
    ck_assert_uint_gt(ctx->params.wg, 64);
    for (size_t k = 0; k < CLN_COUNT(d); k++) {
        clnorm_plan *plan;
        d[k].op.direction = CLNORM_BACKWARD;
        OK(clnorm_plan_create(&plan, ctx, &d[k].op, CLNORM_ESTIMATE));
        clnorm_plan_release(plan);
    }
    clnorm_context_release(ctx);
}
END_TEST

static Suite *plan_suite(void)
{
    return suite_of("plan",
                    SUITE_CASE(described, described_empty, described_empty_gradients, slots, bundles,
                               bundles_of_buffers_anywhere, measured_gives_the_same_bits, launches_stay_small,
                               launches_of_layers_stay_small, limits_of_the_device, races_of_what_runs,
                               kernels_of_a_gpu_fit_32_kib, parameters_fit_the_device));
}

SUITE_MAIN(plan_suite)

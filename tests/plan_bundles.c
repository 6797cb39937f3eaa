/* plan_bundles.c -- sets that lie side by side and are walked at once. */
#include "plan_case.h"

/* Vectors of a bundle are read aligned where the buffers are, and only there. */
START_TEST(bundles_of_buffers_anywhere)
{
    const clnorm_tensor x = clnorm_nhwc(CLNORM_F32, 2, 3, 16, 16);
    clnorm_any d = desc_of(CLNORM_OP_INSTANCENORM, &x);
    static const struct {
        uint32_t slot;
        size_t offset;
        int variant;
    } cases[] = {
        /* a vector has 64 bytes */
        { CLNORM_Y, 0, CLN_WIDE },         { CLNORM_Y, 64, CLN_WIDE },   { CLNORM_Y, 4, CLN_PLAIN },
        { CLNORM_Y, 16, CLN_PLAIN },       { CLNORM_Y, 32, CLN_PLAIN },  { CLNORM_X, 4, CLN_PLAIN },
        { CLNORM_RESIDUAL, 4, CLN_PLAIN }, { CLNORM_SUM, 64, CLN_WIDE }, { CLNORM_SUM, 4, CLN_PLAIN }
    };
    cln_problems posed;
    cl_int code;
    cl_mem mem = clCreateBuffer(harness_get()->cl, CL_MEM_READ_WRITE, 1 << 16, NULL, &code);
    ck_assert_int_eq(code, CL_SUCCESS);
    d.layered.layer.residual = CLNORM_RESIDUAL_BEFORE;
    OK(cln_op_pose(&posed, &d.op));
    cln_body body = { .problem = posed.part[0],
                      .choice = { .wg = 1, .vec = 16, .bundle = 3, .wide = true },
                      .geo = posed.part[0].geo };
    for (size_t k = 0; k < CLN_COUNT(cases); k++) {
        clnorm_args args = { .size = sizeof args };
        args.slot[CLNORM_X].mem = args.slot[CLNORM_Y].mem = mem;
        args.slot[cases[k].slot].mem = mem;
        args.slot[cases[k].slot].byte_offset = cases[k].offset;
        ck_assert_msg(cln_pick_variant(&body, &args) == cases[k].variant, "case %zu", k);
    }
    clReleaseMemObject(mem);
}
END_TEST

/* So are planes of x, and pixels of y written. */
START_TEST(planes_of_buffers_anywhere)
{
    const clnorm_tensor x = clnorm_nchw(CLNORM_F32, 2, 3, 16, 16);
    clnorm_any d = desc_of(CLNORM_OP_TOTENSOR, &x);
    cln_problems posed;
    cl_int code;
    cl_mem mem = clCreateBuffer(harness_get()->cl, CL_MEM_READ_WRITE, 1 << 16, NULL, &code);
    ck_assert_int_eq(code, CL_SUCCESS);
    d.head.y = clnorm_nhwc(CLNORM_F32, 2, 3, 16, 16);
    OK(cln_op_pose(&posed, &d.op));
    const cln_body body = { .problem = posed.part[0],
                            .choice = { .wg = 1, .vec = 16, .bundle = 1, .planes = 3, .wide = true },
                            .geo = posed.part[0].geo };
    for (uint32_t slot = CLNORM_X; slot <= CLNORM_Y; slot++)
        for (size_t offset = 0; offset <= 64; offset += 16) {
            clnorm_args args = { .size = sizeof args };
            args.slot[CLNORM_X].mem = args.slot[CLNORM_Y].mem = mem;
            args.slot[slot].byte_offset = offset;
            ck_assert_int_eq(cln_pick_variant(&body, &args), offset % 64 ? CLN_PLAIN : CLN_WIDE);
        }
    clReleaseMemObject(mem);
}
END_TEST

/* Memory of the caller begins where the caller says: where a vector may, or an element behind that. */
START_TEST(bundles_of_memory_anywhere)
{
    const clnorm_tensor x = clnorm_nhwc(CLNORM_F32, 2, 3, 16, 16);
    const clnorm_any d = desc_of(CLNORM_OP_INSTANCENORM, &x);
    cln_problems posed;
    static char host[8192];
    OK(cln_op_pose(&posed, &d.op));
    const cln_body body = { .problem = posed.part[0],
                            .choice = { .wg = 1, .vec = 16, .bundle = 3, .wide = true },
                            .geo = posed.part[0].geo };
    for (size_t past = 0; past <= 4; past += 4) {
        cl_int code;
        char *const at = host + (0 - (uintptr_t)host) % 64 + past;
        clnorm_args args = { .size = sizeof args };
        cl_mem mem = clCreateBuffer(harness_get()->cl, CL_MEM_READ_WRITE | CL_MEM_USE_HOST_PTR,
                                    sizeof host - 128, at, &code);
        ck_assert_int_eq(code, CL_SUCCESS);
        args.slot[CLNORM_X].mem = args.slot[CLNORM_Y].mem = mem;
        ck_assert_int_eq(cln_pick_variant(&body, &args), past ? CLN_PLAIN : CLN_WIDE);
        clReleaseMemObject(mem);
    }
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
        const cln_choice choice = { .wg = 1, .bundle = bundle };
        const cln_geo g = cln_walked(p, &choice);
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

/* Few planes of x that are pixels of y are mapped at once by work-groups of one. */
START_TEST(planes)
{
    static const struct {
        uint32_t kind, scope;
        int64_t channels;
        bool x_last, y_last, swap;
        uint32_t planes;
    } cases[] = {
        { CLNORM_OP_NORMALIZE, 0, 3, false, true, false, 3 },
        { CLNORM_OP_NORMALIZE, 0, 3, false, true, true, 3 },
        { CLNORM_OP_TOTENSOR, 0, 2, false, true, false, 2 },
        { CLNORM_OP_TOTENSOR, 0, 4, false, true, false, 4 },
        { CLNORM_OP_TOTENSOR, 0, 5, false, true, false, 0 },
        { CLNORM_OP_TOTENSOR, 0, 1, false, true, false, 0 },
        { CLNORM_OP_TOTENSOR, 0, 3, true, true, false, 0 },
        { CLNORM_OP_TOTENSOR, 0, 3, true, false, false, 0 },
        { CLNORM_OP_TOTENSOR, 0, 3, false, false, false, 0 },
        { CLNORM_OP_MINMAX, CLNORM_SCOPE_IMAGE, 3, false, true, false, 3 },
        { CLNORM_OP_ZSCORE, CLNORM_SCOPE_IMAGE, 3, false, true, true, 3 },
        { CLNORM_OP_ZSCORE, CLNORM_SCOPE_CHANNEL, 3, false, true, false, 0 }, /* a set each */
    };
    for (size_t k = 0; k < CLN_COUNT(cases); k++) {
        const int64_t c = cases[k].channels;
        const clnorm_tensor first = clnorm_nchw(CLNORM_F32, 2, c, 9, 7),
                            last = clnorm_nhwc(CLNORM_F32, 2, c, 9, 7);
        clnorm_any d = desc_of(cases[k].kind, cases[k].x_last ? &last : &first);
        const double scope = cases[k].scope, swap = cases[k].swap;
        cln_problems posed;
        d.head.y = cases[k].y_last ? last : first;
        clnorm_op_set(&d, "scope", &scope, 1);
        clnorm_op_set(&d, "swap_rb", &swap, 1);
        OK(cln_op_pose(&posed, &d.op));
        const cln_problem *p = &posed.part[0];
        const uint32_t got = cln_planes(p, 16);
        const cln_choice choice = { .wg = 1, .vec = 16, .bundle = 1, .planes = got };
        ck_assert_msg(got == cases[k].planes, "case %zu: %u planes", k, got);
        ck_assert_uint_eq(cln_planes(p, 4), got);
        ck_assert_uint_eq(cln_planes(p, 1), 0);
        ck_assert_uint_eq(cln_planes(p, 8), 0);
        ck_assert_int_eq(cln_walked(p, &choice).view[CLN_VIEW_Y].step,
                         got ? 1 : p->geo.view[CLN_VIEW_Y].step);
    }
}
END_TEST

/* What lies apart where lines beside it are neighbours is mapped 16 lines at a time; small y of it does not pass the cache by. */
START_TEST(transposed)
{
    enum { MIX = CLN_LINES_MIX, RUNS = CLN_LINES_RUNS, SETS = CLN_LINES_SETS, BUNDLE = CLN_LINES_BUNDLE };
    enum { IMAGE = CLNORM_SCOPE_IMAGE, CHANNEL = CLNORM_SCOPE_CHANNEL };
    static const struct {
        uint32_t kind, scope;
        clnorm_dtype y;
        int64_t channels, pixels;
        bool x_last, y_last;
        const cln_solver *solver;
        uint32_t lines, planes;
        bool wide;
    } cases[] = {
        { CLNORM_OP_SYMMETRIC, 0, CLNORM_F32, 16, 256, true, false, &cln_solve_pointwise, MIX, 0, true },
        { CLNORM_OP_SYMMETRIC, 0, CLNORM_F32, 5, 256, true, false, &cln_solve_pointwise, MIX, 0, true },
        { CLNORM_OP_SYMMETRIC, 0, CLNORM_F32, 4, 256, true, false, &cln_solve_pointwise, 0, 0, true },
        { CLNORM_OP_SYMMETRIC, 0, CLNORM_F16, 16, 256, true, false, &cln_solve_pointwise, MIX, 0, false },
        { CLNORM_OP_SYMMETRIC, 0, CLNORM_F32, 16, 256, false, true, &cln_solve_pointwise, RUNS, 0, true },
        { CLNORM_OP_SYMMETRIC, 0, CLNORM_F32, 20, 256, false, true, &cln_solve_pointwise, RUNS, 0, false },
        { CLNORM_OP_SYMMETRIC, 0, CLNORM_F32, 16, 256, true, true, &cln_solve_pointwise, 0, 0, true },
        { CLNORM_OP_ZSCORE, IMAGE, CLNORM_F32, 16, 256, true, false, &cln_solve_slab, MIX, 0, true },
        { CLNORM_OP_ZSCORE, CHANNEL, CLNORM_F32, 16, 256, false, true, &cln_solve_split, SETS, 0, true },
        { CLNORM_OP_ZSCORE, CHANNEL, CLNORM_F32, 16, 256, false, true, &cln_solve_slab, 0, 0, false },
        { CLNORM_OP_ZSCORE, CHANNEL, CLNORM_F32, 3, 256, false, true, &cln_solve_split, SETS, 3, true },
        { CLNORM_OP_ZSCORE, CHANNEL, CLNORM_F32, 3, 256, false, true, &cln_solve_rows, 0, 0, false },
        { CLNORM_OP_ZSCORE, CHANNEL, CLNORM_F32, 13, 256, true, false, &cln_solve_slab, BUNDLE, 0, true },
        { CLNORM_OP_ZSCORE, CHANNEL, CLNORM_F32, 13, 248, true, false, &cln_solve_slab, BUNDLE, 0, false },
        { CLNORM_OP_ZSCORE, CHANNEL, CLNORM_F32, 13, 256, true, true, &cln_solve_slab, 0, 0, true },
        { CLNORM_OP_L2NORM, 0, CLNORM_F32, 3, 256, true, false, &cln_solve_rows, SETS, 0, false },
        { CLNORM_OP_INSTANCENORM, 0, CLNORM_F32, 3, 256, false, true, &cln_solve_split, 0, 0, false },
        { CLNORM_OP_INSTANCENORM, 0, CLNORM_F32, 13, 256, true, false, &cln_solve_slab, 0, 0, true },
    };
    const harness *on = harness_get();
    cln_params params = on->ctx->params;
    params.wide_bytes = 0;
    for (size_t k = 0; k < CLN_COUNT(cases); k++) {
        const int64_t c = cases[k].channels, h = 2, w = cases[k].pixels / 2;
        const clnorm_tensor x =
            cases[k].x_last ? clnorm_nhwc(CLNORM_F32, 2, c, h, w) : clnorm_nchw(CLNORM_F32, 2, c, h, w);
        const double scope = cases[k].scope, scale = 1;
        clnorm_any d = desc_of(cases[k].kind, &x);
        cln_problems posed;
        cln_choice got;
        d.head.y =
            cases[k].y_last ? clnorm_nhwc(cases[k].y, 2, c, h, w) : clnorm_nchw(cases[k].y, 2, c, h, w);
        clnorm_op_set(&d, "scope", &scope, 1);
        clnorm_op_set(&d, "scale", &scale, 1);
        OK(cln_op_pose(&posed, &d.op));
        ck_assert_msg(cln_choose_with(&got, cases[k].solver, posed.part, &params, &on->ctx->device), "%zu",
                      k);
        ck_assert_msg(got.transposed == cases[k].lines && got.planes == cases[k].planes &&
                          got.wide == cases[k].wide,
                      "case %zu: lines %u, planes %u, wide %d", k, got.transposed, got.planes, got.wide);
        ck_assert(!got.transposed || !cln_scatters(posed.part, &got));
    }
}
END_TEST

/* Pixels that overlap are read as whole vectors, whose last ones end sums in an order of their own. */
START_TEST(overlapping_pixels)
{
    harness *on = harness_get();
    clnorm_tensor x = clnorm_nhwc(CLNORM_F32, 1, 7, 1, 512);
    for (int64_t step = 2; step <= 6; step++) {
        cln_problems posed;
        cln_choice got;
        x.stride[0] = x.stride[2] = 512 * step;
        x.stride[3] = step;
        clnorm_any d = desc_of(CLNORM_OP_ZSCORE, &x);
        d.head.y = clnorm_nchw(CLNORM_F32, 1, 7, 1, 512);
        OK(cln_op_pose(&posed, &d.op));
        ck_assert(cln_choose_with(&got, &cln_solve_slab, posed.part, &on->ctx->params, &on->ctx->device));
        ck_assert_int_eq(got.transposed, step < 5 ? CLN_LINES_NONE : CLN_LINES_MIX);
    }
}
END_TEST

void plan_bundles(TCase *t)
{
    SUITE_ADD(t, bundles, planes, transposed, overlapping_pixels, bundles_of_buffers_anywhere,
              planes_of_buffers_anywhere, bundles_of_memory_anywhere);
}

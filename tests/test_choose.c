/* test_choose.c -- what the planner asks of shapes, strides and devices, and how a plan says it. No device runs any of it. */
#include "choose_case.h"

/* ---- choices ---- */

START_TEST(choices_differ_in_anything)
{
    const cln_choice a = {
        .solver = &cln_solve_rows, .wg = 1, .vec = 16, .per = 2, .block = 3, .cols = 4, .mapped = 5
    };
    cln_choice b[10];
    for (size_t k = 0; k < CLN_COUNT(b); k++)
        b[k] = a;
    b[0].solver = &cln_solve_slab;
    b[1].wg = 2;
    b[2].vec = 8;
    b[3].per = 1;
    b[4].block = 1;
    b[5].cols = 1;
    b[6].mapped = 1;
    b[7].wide = true;
    b[8].leads = true;
    b[9].alone = true;
    ck_assert(cln_same_choice(&a, &a));
    for (size_t k = 0; k < CLN_COUNT(b); k++)
        ck_assert_msg(!cln_same_choice(&a, &b[k]), "field %zu does not count", k);
}
END_TEST

START_TEST(tuned_ways_of_a_device)
{
    static const struct {
        cl_device_type type;
        uint32_t max_wg, wg, vec;
        const char *fault; /* NULL: none */
    } cases[] = {
        { CPU, 4096, 1, 16, NULL },
        { CPU, 4096, 1, 1, "no device of this type" },
        { CPU, 4096, 64, 4, "no device of this type" },
        { GPU, 1024, 128, 4, NULL },
        { GPU, 1024, 128, 1, NULL },
        { GPU, 1024, 128, 2, NULL },
        { GPU, 1024, 256, 4, NULL },
        { GPU, 1024, 128, 3, "no device of this type" },
        { GPU, 1024, 128, 0, "no device of this type" },
        { GPU, 1024, 64, 2, "no device of this type" },
        { GPU, 32, 32, 2, NULL },
        { GPU, 32, 32, 0, "no device of this type" },
        { GPU, 128, 256, 4, "the device has no work-groups of that size" },
    };
    for (size_t k = 0; k < CLN_COUNT(cases); k++) {
        cln_device d = device_of(cases[k].type);
        const cln_tuned t = { "rows", cases[k].wg, cases[k].vec, 8, true };
        d.max_wg = cases[k].max_wg;
        const char *const fault = cln_tuned_check(&t, &d);
        ck_assert_msg(cases[k].fault ? fault && strstr(fault, cases[k].fault) : !fault, "case %zu: %s", k,
                      fault);
    }
}
END_TEST

static const char *no_fault(const char *name, const cln_tuned *tuned, const cln_device *device)
{
    (void)name, (void)tuned, (void)device;
    return NULL;
}

/* What was measured is taken where it can be had; else the estimate is. */
START_TEST(measured_or_estimated)
{
    const clnorm_any d = small(CLNORM_OP_ZSCORE);
    const cln_problems p = posed(&d);
    const cln_device device = device_of(CPU);
    const cln_tuned split = { "split", 1, 16, 8, false }, none = { "pointwise", 1, 16, 8, false },
                    estimate = { .solver = CLN_ESTIMATE };
    const cln_tuned *const tuned[] = { &split, &none, &estimate };
    cln_params params;
    cln_choice own, c;
    char name[CLN_CLASS_ROOM];
    cln_params_for(&params, &device);
    cln_choose(&own, &p.part[0], NULL, &params, &device);
    ck_assert_ptr_ne(own.solver, &cln_solve_split);
    cln_problem_class(name, &p.part[0]);
    for (size_t k = 0; k < CLN_COUNT(tuned); k++) {
        OK(cln_tuning_create(&params.tuning, &device, no_fault));
        OK(cln_tuning_set(params.tuning, name, tuned[k]));
        cln_choose(&c, &p.part[0], NULL, &params, &device);
        ck_assert_int_eq(c.tuned, k == 0);
        if (k)
            ck_assert(cln_same_choice(&c, &own));
        else
            ck_assert_ptr_eq(c.solver, &cln_solve_split);
        cln_tuning_release(params.tuning);
    }
}
END_TEST

/* ---- strides ---- */

/* A row of x, y and d each, and how far it is from the one before. */
START_TEST(aligned_to_vectors)
{
    static const struct {
        int64_t step[3], apart[3]; /* x, y, d */
        bool writes, reads;        /* whether y's stores, or loads alone, may be of whole vectors */
    } cases[] = {
        { { 1, 1, 1 }, { 8, 8, 8 }, true, true },   { { 1, 1, 1 }, { 8, 6, 8 }, false, true },
        { { 1, 1, 1 }, { 6, 8, 8 }, false, false }, { { 1, 1, 1 }, { 8, 8, 6 }, false, false },
        { { 3, 1, 1 }, { 6, 8, 8 }, true, true },   { { 1, 1, 0 }, { 8, 8, 6 }, true, true },
        { { 1, 3, 1 }, { 8, 8, 8 }, false, true },
    };
    static const int views[] = { CLN_VIEW_X, CLN_VIEW_Y, CLN_VIEW_D };
    for (size_t k = 0; k < CLN_COUNT(cases); k++) {
        cln_geo g = { .kept = { 1, 1, 1, 5 }, .run = { 1, 1, 1 }, .mix = 1, .sets = 5, .runs = 1, .len = 6 };
        for (size_t v = 0; v < CLN_COUNT(views); v++) {
            g.view[views[v]].step = cases[k].step[v];
            g.view[views[v]].kept[3] = cases[k].apart[v];
        }
        ck_assert_msg(cln_geo_aligned(&g, 4, true) == cases[k].writes, "case %zu", k);
        ck_assert_msg(cln_geo_aligned(&g, 4, false) == cases[k].reads, "case %zu", k);
    }
}
END_TEST

/* ---- solvers ---- */

static void says(const char *text, const char *words)
{
    ck_assert_msg(text && strstr(text, words), "no \"%s\" in: %s", words, text ? text : "nothing");
}

START_TEST(tiles_of_columns)
{
    const clnorm_tensor first = clnorm_nchw(CLNORM_F32, 2, 32, 16, 16),
                        last = clnorm_nhwc(CLNORM_F32, 2, 32, 16, 16),
                        tall = clnorm_nhwc(CLNORM_F32, 2, 32, 64, 64),
                        wide = clnorm_nchw(CLNORM_F32, 1600, 4, 9, 9);
    clnorm_any d = desc_of(CLNORM_OP_INSTANCENORM, &first);
    says(cln_solve_tile.applicable(&posed(&d).part[0]), "sets do not lie side by side");
    d = desc_of(CLNORM_OP_INSTANCENORM, &last);
    ck_assert_ptr_null(cln_solve_tile.applicable(&posed(&d).part[0]));
    d.layered.layer.given = 1;
    says(cln_solve_tile.applicable(&posed(&d).part[0]), "there is no statistic");
    d = desc_of(CLNORM_OP_INSTANCENORM, &tall);
    says(cln_solve_tile.applicable(&posed(&d).part[0]), "the columns are longer than 4 leaves of 512 rows");
    d = desc_of(CLNORM_OP_BATCHNORM, &wide); /* pieces of 81, of which 64 have room beside 4 leaves */
    says(cln_solve_tile.applicable(&posed(&d).part[0]), "a set is wider than a work-group's columns");
}
END_TEST

/* A body as a plan has it, but for its programs. */
static cln_body body_by(const cln_solver *solver, const cln_problem *p, const cln_params *params,
                        const cln_device *device)
{
    cln_body b = { .problem = *p, .geo = p->geo };
    ck_assert(cln_choose_with(&b.choice, solver, p, params, device));
    b.nstages = cln_choice_stages(b.stages, &b.geo, &b.workspace, p, &b.choice);
    return b;
}

/* ---- in words ---- */

static char text[4096];
static void describe(const cln_solver *solver, const clnorm_any *d, cl_device_type type)
{
    const cln_problems p = posed(d);
    const cln_device device = device_of(type);
    cln_params params;
    cln_params_for(&params, &device);
    const cln_body b = body_by(solver, &p.part[0], &params, &device);
    ck_assert_uint_lt(cln_describe(text, sizeof text, &b, &params, &device), sizeof text);
}

START_TEST(alignment_in_words)
{
    const clnorm_tensor even = clnorm_nchw(CLNORM_F32, 2, 4, 32, 32),
                        odd = clnorm_nchw(CLNORM_F32, 2, 3, 5, 131),
                        last = clnorm_nhwc(CLNORM_F32, 2, 4, 32, 32),
                        six = clnorm_nchw(CLNORM_F32, 2, 6, 32, 32),
                        six_last = clnorm_nhwc(CLNORM_F32, 2, 6, 32, 32);
    clnorm_any d = desc_of(CLNORM_OP_ZSCORE, &even);
    describe(&cln_solve_slab, &d, CPU);
    says(text, "wide: vector loads and streaming stores where the buffers are aligned\n");
    describe(&cln_solve_slab, &d, GPU);
    says(text, "wide: vector loads and stores where the buffers are aligned\n");
    d = desc_of(CLNORM_OP_MOMENTS, &even);
    describe(&cln_solve_slab, &d, GPU);
    says(text, "wide: vector loads where the buffers are aligned\n");
    d = desc_of(CLNORM_OP_ZSCORE, &odd);
    describe(&cln_solve_slab, &d, CPU);
    says(text, "streaming stores of y's whole cache lines where they are not aligned\n");
    describe(&cln_solve_slab, &d, GPU);
    says(text, "no wide stores: a stride is not a multiple of 4 elements\n");
    d = desc_of(CLNORM_OP_ZSCORE, &even);
    d.head.y = last;
    describe(&cln_solve_slab, &d, GPU);
    says(text, "4 planes at once, which are pixels of y\n");
    says(text, "wide: vector loads and stores where the buffers are aligned\n");
    d = desc_of(CLNORM_OP_ZSCORE, &six);
    d.head.y = six_last;
    describe(&cln_solve_slab, &d, GPU);
    says(text, "no wide stores: y's elements are 6 apart in a run\n");
    describe(&cln_solve_slab, &d, CPU);
    says(text, "16 runs at once, which are turned\n");
    d.zscore.scope = CLNORM_SCOPE_CHANNEL;
    describe(&cln_solve_split, &d, CPU);
    says(text, "16 sets at once, which are turned\n");
    d = desc_of(CLNORM_OP_ZSCORE, &six_last);
    d.head.y = six;
    describe(&cln_solve_slab, &d, CPU);
    says(text, "16 runs at once, which are turned\n");
    ck_assert_ptr_null(strstr(text, "one by one"));
    d = desc_of(CLNORM_OP_ZSCORE, &even);
    d.head.y = last;
    d.zscore.scope = CLNORM_SCOPE_CHANNEL;
    describe(&cln_solve_split, &d, CPU);
    says(text, "4 planes at once, which are pixels of y\n");
    ck_assert_ptr_null(strstr(text, "which are turned"));
    d = desc_of(CLNORM_OP_ZSCORE, &even);
    for (uint32_t k = 0; k < 4; k++)
        d.head.x.stride[k] *= 5;
    describe(&cln_solve_slab, &d, CPU);
    says(text, "loads one by one: x's elements are 5 apart in a run\n");
    for (uint32_t k = 0; k < 4; k++)
        d.head.x.stride[k] /= -5;
    describe(&cln_solve_slab, &d, CPU);
    says(text, "loads one by one: x's elements are -1 apart in a run\n");
}
END_TEST

START_TEST(solvers_in_words)
{
    const clnorm_tensor last = clnorm_nhwc(CLNORM_F32, 2, 32, 16, 16);
    clnorm_any d = of_rows(CLNORM_OP_LAYERNORM, 64, 96, CLNORM_BACKWARD);
    describe(&cln_solve_sums, &d, CPU);
    says(text, "dx is written with the gradients of the weights\n");
    d = desc_of(CLNORM_OP_GRN, &last);
    describe(&cln_solve_tile, &d, GPU);
    says(text, "not clan: it has no way for this shape with work-groups of 128\n");
    says(text, "not window: ");
    says(text, "not cols: about ");
}
END_TEST

/* ---- what kernels are told ---- */

/* How far weights are from element to element: WSTEP of cl/common/place.clh. */
static int step_of_weights(const cln_body *b, const cln_params *params)
{
    char options[768];
    cln_stage_options(options, sizeof options, b, params, CLN_PLAIN);
    const char *const at = strstr(options, "-DWSTEP=");
    ck_assert_ptr_nonnull(at);
    return at[strlen("-DWSTEP=")] - '0';
}

START_TEST(weights_along_columns)
{
    const clnorm_tensor last = clnorm_nhwc(CLNORM_F32, 2, 32, 16, 16);
    const clnorm_any d = desc_of(CLNORM_OP_INSTANCENORM, &last);
    const cln_problems p = posed(&d);
    const cln_device device = device_of(CPU);
    cln_params params;
    cln_params_for(&params, &device);
    const cln_body b = body_by(&cln_solve_cols, &p.part[0], &params, &device);
    ck_assert_int_eq(step_of_weights(&b, &params), 4); /* the same in every row */
    for (size_t k = 0; k < CLN_COUNT(b.geo.view->run); k++) {
        cln_body other = b;
        other.geo.view[CLN_VIEW_W].run[k] = 32;
        ck_assert_int_eq(step_of_weights(&other, &params), 2);
    }
    cln_body other = b;
    other.geo.view[CLN_VIEW_W].step = 0;
    ck_assert_int_eq(step_of_weights(&other, &params), 1);
    other.geo.view[CLN_VIEW_W].step = 1;
    other.geo.view[CLN_VIEW_W].run[0] = 32;
    other.geo.wdiv = 2;
    ck_assert_int_eq(step_of_weights(&other, &params), 3);
}
END_TEST

/* What a core has alone decides whether sets go alone: 32 x 72 x 72 of x and dy are 1.3 MB. */
START_TEST(a_cache_of_ones_own)
{
    const clnorm_tensor x = clnorm_nchw(CLNORM_F32, 32, 96, 72, 72);
    clnorm_any d = desc_of(CLNORM_OP_BATCHNORM, &x);
    d.op.direction = CLNORM_BACKWARD;
    const cln_problems p = posed(&d);
    cln_device device = device_of(CPU);
    for (uint64_t mib = 0; mib <= 2; mib++) {
        cln_params params;
        device.near_bytes = mib << 20;
        cln_params_for(&params, &device);
        ck_assert_uint_eq(params.near_bytes, (mib ? mib : 2) << 20);
        ck_assert_int_eq(body_by(&cln_solve_slab, &p.part[0], &params, &device).choice.alone, mib != 1);
    }
    device = device_of(GPU);
    cln_params params;
    cln_params_for(&params, &device);
    ck_assert_uint_eq(params.near_bytes, 0);
}
END_TEST

/* What leads to a line of y costs gradients of halves more than it saves where runs are short. */
START_TEST(short_runs_of_halves)
{
    static const struct {
        clnorm_dtype dtype;
        int64_t side;
        bool leads;
    } cases[] = { { CLNORM_F16, 15, false },
                  { CLNORM_BF16, 35, false },
                  { CLNORM_F16, 45, true },
                  { CLNORM_F32, 15, true } };
    const cln_device device = device_of(CPU);
    cln_params params;
    cln_params_for(&params, &device);
    for (size_t k = 0; k < CLN_COUNT(cases); k++) {
        const int64_t side = cases[k].side;
        const clnorm_tensor x = clnorm_nchw(cases[k].dtype, 32, 400000 / (side * side), side, side);
        clnorm_any d = desc_of(CLNORM_OP_BATCHNORM, &x);
        d.head.x = d.head.y = x; /* which that has made f32 */
        d.op.direction = CLNORM_BACKWARD;
        const cln_problems p = posed(&d);
        ck_assert_int_eq(body_by(&cln_solve_slab, &p.part[0], &params, &device).choice.leads, cases[k].leads);
    }
}
END_TEST

static Suite *choose_suite(void)
{
    return suite_of("choose",
                    SUITE_CASE(choices_differ_in_anything, tuned_ways_of_a_device, measured_or_estimated,
                               aligned_to_vectors, tiles_of_columns, alignment_in_words, solvers_in_words,
                               weights_along_columns, short_runs_of_halves, a_cache_of_ones_own));
}

SUITE_MAIN(choose_suite)

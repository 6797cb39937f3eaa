/* test_plan.c -- plans in words, the choice, limits of devices, and every descriptor that is refused. */
#include "harness.h"

#include "base/compiler.h"
#include "op/op.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SAYS(word)                                                                         \
    ck_assert_msg(strstr(clnorm_last_error(NULL), word) != NULL, "no \"%s\" in: %s", word, \
                  clnorm_last_error(NULL))
#define OK(call) ck_assert_msg((call) == CLNORM_OK, "%s", clnorm_last_error(NULL))

static clnorm_context *private_context(void)
{
    clnorm_options o;
    clnorm_context *ctx;
    memset(&o, 0, sizeof o);
    o.size = sizeof o;
    o.flags = CLNORM_LAZY | CLNORM_CACHE_OFF;
    OK(clnorm_context_create(&ctx, harness_get()->cl, harness_get()->device, &o));
    return ctx;
}

static clnorm_any desc_of(uint32_t kind, const clnorm_tensor *x)
{
    clnorm_any d;
    OK(clnorm_op_init(&d, kind));
    d.head.x = *x;
    d.head.x.dtype = CLNORM_F32;
    if (cln_op_of(kind)->maps)
        d.head.y = d.head.x;
    if (kind == CLNORM_OP_SYMMETRIC)
        d.symmetric.scale = 1;
    return d;
}

static clnorm_any small(uint32_t kind)
{
    const clnorm_tensor x = clnorm_nchw(CLNORM_F32, 2, 3, 4, 5);
    return desc_of(kind, &x);
}

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
    const char *const words[] = { clnorm_op_of(d->op.kind)->name,
                                  plan->body.choice.solver->name,
                                  "wg ",
                                  "vec ",
                                  "parts ",
                                  "workspace ",
                                  "moves at least ",
                                  "not " };
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
    harness *h = harness_get();
    cl_int code;
    clnorm_args args = CLNORM_ARGS_INIT;
    args.slot[CLNORM_X].mem =
        clCreateBuffer(h->cl, CL_MEM_COPY_HOST_PTR, N * sizeof *x, (void *)(uintptr_t)x, &code);
    args.slot[CLNORM_Y].mem = clCreateBuffer(h->cl, 0, N * sizeof *y, NULL, &code);
    OK(clnorm_enqueue(plan, h->queue, &args, 0, NULL, NULL));
    ck_assert_int_eq(
        clEnqueueReadBuffer(h->queue, args.slot[CLNORM_Y].mem, CL_TRUE, 0, N * sizeof *y, y, 0, NULL, NULL),
        CL_SUCCESS);
    clReleaseMemObject(args.slot[CLNORM_X].mem);
    clReleaseMemObject(args.slot[CLNORM_Y].mem);
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
        const size_t n = solver->stages(stages, &geo, &workspace, p, &c);
        ck_assert_uint_ge(n, 1);
        ck_assert_uint_le(n, CLN_MAX_STAGES);
        for (size_t i = 0; i < n; i++)
            ck_assert_msg(stages[i].groups > 0 && stages[i].groups < 65536,
                          "%s, %u sets of %llu, %s: %zu groups", solver->name, p->geo.sets,
                          (unsigned long long)p->set_elements, stages[i].kernel, stages[i].groups);
    }
    return tried;
}

START_TEST(launches_stay_small)
{
    const int64_t sets[] = { 1, 2, 32767, 32768, 65535, 65536, 1000000 },
                  sizes[] = { 1, 4096, 4097, 40000000 };
    const uint32_t kinds[] = { CLNORM_OP_ZSCORE, CLNORM_OP_MINMAX, CLNORM_OP_MOMENTS, CLNORM_OP_TOTENSOR };
    clnorm_context *ctx = harness_get()->ctx;
    size_t tried = 0;
    for (size_t k = 0; k < CLN_COUNT(kinds); k++)
        for (size_t s = 0; s < CLN_COUNT(sets); s++)
            for (size_t e = 0; e < CLN_COUNT(sizes); e++) {
                const clnorm_tensor x = clnorm_nchw(CLNORM_F32, sets[s], 1, 1, sizes[e]);
                const clnorm_any d = desc_of(kinds[k], &x);
                cln_problem p;
                OK(cln_op_pose(&p, &d.op));
                for (cl_device_type type = CL_DEVICE_TYPE_CPU; type <= CL_DEVICE_TYPE_GPU; type <<= 1) {
                    cln_device device = ctx->device;
                    cln_params params;
                    cln_choice best;
                    device.type = type;
                    device.units = type == CL_DEVICE_TYPE_CPU ? 2 : 132;
                    device.max_wg = 1024;
                    cln_params_for(&params, &device);
                    for (size_t i = 0; cln_solvers[i]; i++)
                        tried += check_stages(cln_solvers[i], &p, &params, &device);
                    cln_choose(&best, &p, &params, &device);
                    ck_assert_ptr_nonnull(best.solver);
                }
            }
    ck_assert_uint_gt(tried, 300);
}
END_TEST

START_TEST(limits_of_the_device)
{
    clnorm_context *ctx = private_context();
    const clnorm_any d = small(CLNORM_OP_ZSCORE);
    clnorm_plan *plan = (clnorm_plan *)ctx;
    cln_choice c = { &cln_solve_rows, 64, 4, 1, 1, false };
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
    const cln_choice split = { &cln_solve_split, ctx->params.wg, ctx->params.vec, 1, 1, false };
    ctx->device.local_bytes = harness_get()->ctx->device.local_bytes;
    ck_assert_int_eq(cln_plan_with(&plan, ctx, &d.op, &split, true), CLNORM_ENOMEM);
    SAYS("the device allows 16");
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

/* ---- what is refused ---- */

/* By the check that needs no device, and by the plan, in the same words. */
static void refused(const clnorm_any *d, clnorm_status status, const char *word)
{
    clnorm_any copy = *d;
    clnorm_plan *plan = (clnorm_plan *)&copy;
    ck_assert_msg(clnorm_op_check(&copy) == status, "%s: got %s, want %s (%s)", word,
                  clnorm_status_text(clnorm_op_check(&copy)), clnorm_status_text(status),
                  clnorm_last_error(NULL));
    SAYS(word);
    ck_assert_int_eq(clnorm_plan_create(&plan, harness_get()->ctx, &d->op, CLNORM_ESTIMATE), status);
    ck_assert_ptr_null(plan);
    SAYS(word);
}

#define EACH_OP(op)           \
    const clnorm_op_info *op; \
    for (size_t each_ = 0; (op = clnorm_op_at(each_)) != NULL; each_++)

START_TEST(arguments)
{
    clnorm_plan *plan;
    const clnorm_any d = small(CLNORM_OP_ZSCORE);
    ck_assert_int_eq(clnorm_plan_create(NULL, harness_get()->ctx, &d.op, 0), CLNORM_EARG);
    ck_assert_int_eq(clnorm_plan_create(&plan, NULL, &d.op, 0), CLNORM_EARG);
    SAYS("ctx");
    ck_assert_int_eq(clnorm_plan_create(&plan, harness_get()->ctx, NULL, 0), CLNORM_EARG);
    SAYS("op");
    ck_assert_int_eq(clnorm_plan_create(&plan, harness_get()->ctx, &d.op, 7), CLNORM_EARG);
    SAYS("effort is 7");
    ck_assert_int_eq(clnorm_op_check(NULL), CLNORM_EARG);
}
END_TEST

START_TEST(heads)
{
    EACH_OP(op)
    {
        clnorm_any d = small(op->kind);
        d.op.size += 8;
        refused(&d, CLNORM_EARG, "size");
        d.op.size = 0;
        refused(&d, CLNORM_EARG, "size");
        d = small(op->kind);
        d.op.kind = 99;
        refused(&d, CLNORM_EARG, "kind is 99");
        d = small(op->kind);
        d.op.direction = 1;
        refused(&d, CLNORM_EARG, "direction");
        d = small(op->kind);
        d.op.semantics = 1;
        refused(&d, CLNORM_EARG, "semantics");
        d = small(op->kind);
        d.op.flags = 1;
        refused(&d, CLNORM_EARG, "flags");
    }
}
END_TEST

static void set_bad(clnorm_any *d, const clnorm_attr *a, double v)
{
    const float f = (float)v;
    const uint32_t u = a->type == CLNORM_ATTR_U32 ? (uint32_t)v : 0;
    memcpy((char *)d + a->offset, a->type == CLNORM_ATTR_U32 ? (const void *)&u : (const void *)&f, 4);
}

START_TEST(attributes)
{
    EACH_OP(op)
    for (size_t k = 0; k < op->nattrs; k++) {
        const clnorm_attr *a = &op->attrs[k];
        const double step = a->type == CLNORM_ATTR_U32 ? 1 : a->low == 0 ? 1e-3 : 1e30;
        const double bad[] = { a->high + (a->type == CLNORM_ATTR_U32 ? 1 : 1e30), a->low - step, (double)NAN,
                               (double)INFINITY, -(double)INFINITY };
        for (size_t i = 0; i < CLN_COUNT(bad); i++) {
            clnorm_any d = small(op->kind);
            if (a->type == CLNORM_ATTR_U32 && (i > 1 || bad[i] < 0))
                continue;
            if (a->type == CLNORM_ATTR_F32_LIST) { /* both lists, of which one entry is bad */
                const size_t channels = op->kind == CLNORM_OP_NORMALIZE
                                            ? offsetof(clnorm_normalize, channels)
                                            : offsetof(clnorm_denormalize, channels);
                const uint32_t one = 1;
                for (size_t j = 0; j < op->nattrs; j++)
                    if (op->attrs[j].type == CLNORM_ATTR_F32_LIST)
                        set_bad(&d, &op->attrs[j], 1);
                memcpy((char *)&d + channels, &one, sizeof one);
            }
            set_bad(&d, a, bad[i]);
            refused(&d, CLNORM_EARG, a->name);
        }
    }
}
END_TEST

START_TEST(types)
{
    EACH_OP(op)
    for (uint32_t t = 0; t < 12; t++) {
        clnorm_any d = small(op->kind);
        d.head.x.dtype = t;
        if (!(op->x_types >> t & 1))
            refused(&d, CLNORM_EDTYPE, "x ");
        d = small(op->kind);
        if (op->kind == CLNORM_OP_MOMENTS)
            d.head.y = clnorm_nchw(CLNORM_F32, 2, 1, 1, 1);
        d.head.y.dtype = t;
        if (!(op->y_types >> t & 1))
            refused(&d, CLNORM_EDTYPE, "y ");
    }
}
END_TEST

START_TEST(shapes)
{
    EACH_OP(op)
    {
        clnorm_any d = small(op->kind);
        d.head.y = clnorm_nchw(CLNORM_F32, 2, 3, 4, 6);
        refused(&d, CLNORM_ESHAPE, "(2,3,4,6)");
        d.head.y = clnorm_rows(CLNORM_F32, 2, 60);
        refused(&d, CLNORM_ESHAPE, "(2,60)");
        d = small(op->kind);
        d.head.x.ndim = 0;
        refused(&d, CLNORM_ESHAPE, "x has 0 axes");
        d.head.x.ndim = 7;
        refused(&d, CLNORM_ESHAPE, "x has 7 axes");
        d = small(op->kind);
        d.head.x.shape[2] = -4;
        refused(&d, CLNORM_ESHAPE, "-4");
        d = small(op->kind);
        d.head.x.shape[2] = d.head.x.shape[3] = INT64_MAX / 2;
        refused(&d, CLNORM_ESHAPE, "larger than any memory");
        if (!cln_op_of(op->kind)->maps)
            continue;
        d = small(op->kind);
        d.head.y.stride[2] = 2; /* rows run into each other */
        refused(&d, CLNORM_ESHAPE, "two indices");
    }
}
END_TEST

START_TEST(lists)
{
    clnorm_any d = small(CLNORM_OP_NORMALIZE);
    clnorm_normalize *n = &d.normalize;
    const uint32_t bad[] = { 2, 4, 17, 1000 };
    for (uint32_t c = 0; c < CLNORM_MAX_CHANNELS; c++)
        n->std[c] = 1;
    for (size_t k = 0; k < CLN_COUNT(bad); k++) {
        n->channels = bad[k];
        refused(&d, CLNORM_ESHAPE, "channels");
    }
    n->channels = 3;
    n->std[1] = 0;
    refused(&d, CLNORM_EARG, "std");
    n->std[1] = 1;
    clnorm_any good = d;
    OK(clnorm_op_check(&good));
    d.head.x = d.head.y = clnorm_nchw(CLNORM_F32, 1, 4, 2, 2); /* imagenet has three */
    n->channels = 0;
    refused(&d, CLNORM_ESHAPE, "channels");
}
END_TEST

START_TEST(of_their_own)
{
    clnorm_any d = small(CLNORM_OP_SYMMETRIC);
    d.symmetric.scale = 0;
    refused(&d, CLNORM_EARG, "scale");
    d = small(CLNORM_OP_DENORMALIZE);
    d.denormalize.of = CLNORM_OP_MINMAX;
    d.denormalize.lo = d.denormalize.hi = 2;
    refused(&d, CLNORM_EARG, "lo and hi");
    d = small(CLNORM_OP_MOMENTS);
    d.moments.axes = 1u << 4;
    refused(&d, CLNORM_EARG, "axes");
    EACH_OP(op)
    {
        const clnorm_tensor two = clnorm_nchw(CLNORM_F32, 1, 2, 4, 5), flat = clnorm_rows(CLNORM_F32, 4, 5);
        d = desc_of(op->kind, &two);
        for (size_t k = 0; k < op->nattrs; k++)
            if (!strcmp(op->attrs[k].name, "swap_rb"))
                set_bad(&d, &op->attrs[k], 1);
        clnorm_any copy = d;
        ck_assert_int_ne(clnorm_op_check(&copy), CLNORM_OK);
        SAYS(op->kind == CLNORM_OP_NORMALIZE || op->kind == CLNORM_OP_DENORMALIZE ? "" : "swap_rb");
        d.head.x = d.head.y = flat;
        copy = d;
        ck_assert_int_ne(clnorm_op_check(&copy), CLNORM_OK);
    }
}
END_TEST

static Suite *plan_suite(void)
{
    const TTest *const tests[] = { described,
                                   described_empty,
                                   slots,
                                   measured_gives_the_same_bits,
                                   launches_stay_small,
                                   limits_of_the_device,
                                   parameters_fit_the_device,
                                   arguments,
                                   heads,
                                   attributes,
                                   types,
                                   shapes,
                                   lists,
                                   of_their_own };
    Suite *s = suite_create("plan");
    TCase *t = tcase_create("all");
    for (size_t k = 0; k < CLN_COUNT(tests); k++)
        tcase_add_test(t, tests[k]);
    suite_add_tcase(s, t);
    return s;
}

SUITE_MAIN(plan_suite)

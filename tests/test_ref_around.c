/* test_ref_around.c -- what is around every layer of the reference: activations, residuals, masks, types,
 * S, sums that go on, and values that are not numbers. */
#include "ref_layer.h"

/* Two channels of two: normalized to -1 1 -1 1. */
static const double pair[] = { 1, 3, 20, 30 };
static void instance(layer_run *r)
{
    *r = layer_make(CLNORM_OP_INSTANCENORM, dense(CLNORM_F32, 4, (shape){ { 1, 2, 1, 2 } }));
    r->d.instancenorm.eps = 0.0f;
    layer_give(r, CLNORM_X, pair, 4);
    layer_want(r, CLNORM_Y);
}

static void expect_out(layer_run *r, clnorm_slot slot, numbers want, int64_t n)
{
    ck_assert(ref_run(&r->d, &r->io));
    expect_doubles(r, "output", r->out[slot], want.v, n, 1e-14);
}

/* ---- forward ---------------------------------------------------------------------------------- */

START_TEST(activations)
{
    static const struct {
        uint32_t act;
        double at_minus_one, at_one; /* to 20 digits */
    } cases[] = { { CLNORM_ACT_NONE, -1, 1 },
                  { CLNORM_RELU, 0, 1 },
                  { CLNORM_LEAKY, -0.125, 1 },
                  { CLNORM_SILU, -0.26894142136999512075, 0.73105857863000487925 },
                  { CLNORM_GELU, -0.15865525393145705142, 0.84134474606854294858 },
                  { CLNORM_GELU_TANH, -0.15880800939172324, 0.84119199060827676 } };
    for (size_t k = 0; k < CLN_COUNT(cases); k++) {
        layer_run r;
        instance(&r);
        r.d.instancenorm.layer.act = cases[k].act;
        r.d.instancenorm.layer.slope = 0.125f;
        const double a = cases[k].at_minus_one, b = cases[k].at_one;
        expect_out(&r, CLNORM_Y, (numbers){ { a, b, a, b } }, 4);
    }
}
END_TEST

START_TEST(residuals)
{
    layer_run r;
    instance(&r);
    r.d.instancenorm.layer.residual = CLNORM_RESIDUAL_AFTER;
    r.d.instancenorm.layer.act = CLNORM_RELU;
    ck_assert(!ref_run(&r.d, &r.io));
    layer_give(&r, CLNORM_RESIDUAL, (const double[]){ 5, 6, 0.5, -7 }, 4);
    expect_out(&r, CLNORM_Y, (numbers){ { 4, 7, 0, 0 } }, 4);
    expect_doubles(&r, "S", r.scale[CLNORM_Y], (const double[]){ 6, 7, 1.5, 8 }, 4, 0);
    r.d.instancenorm.layer.residual = CLNORM_RESIDUAL_BEFORE;
    r.d.instancenorm.layer.act = 0;
    layer_want(&r, CLNORM_SUM);
    expect_out(&r, CLNORM_Y, (numbers){ { -1, 1, -1, 1 } }, 4);
    expect_doubles(&r, "sum", r.out[CLNORM_SUM], (const double[]){ 6, 9, 20.5, 23 }, 4, 0);
    r.d.head.y.stride[1] = 1; /* a residual behind the norm lies like y */
    r.d.head.y.stride[3] = 2;
    r.d.instancenorm.layer.residual = CLNORM_RESIDUAL_AFTER;
    expect_out(&r, CLNORM_Y, (numbers){ { 4, 1.5, 5, -6 } }, 4);
}
END_TEST

START_TEST(quantized)
{
    layer_run r;
    instance(&r);
    r.d.instancenorm.layer.out_scale = 0.5f;
    r.d.instancenorm.layer.out_zero = 100.0f;
    expect_out(&r, CLNORM_Y, (numbers){ { 98, 102, 98, 102 } }, 4);
    ck_assert(r.scale[CLNORM_Y][0] == 102);
}
END_TEST

/* The bits lie as y does. */
START_TEST(mask_bits)
{
    static const int64_t strides[][4] = { { 12, 4, 2, 1 }, { 12, 1, 6, 3 } };
    for (int k = 0; k < 2; k++) {
        layer_run r = layer_make(CLNORM_OP_INSTANCENORM, dense(CLNORM_F32, 4, (shape){ { 1, 3, 2, 2 } }));
        const double x[] = { -1, 2, -3, 4, 8, 7, 6, 5, 0, 0, 0, 1 };
        uint8_t mask[2] = { 0xff, 0xff };
        memcpy(r.d.head.y.stride, strides[k], sizeof strides[k]);
        r.d.instancenorm.layer.act = CLNORM_RELU;
        layer_give(&r, CLNORM_X, x, 12);
        layer_want(&r, CLNORM_Y);
        r.io.slot[CLNORM_MASK] = mask;
        ck_assert(ref_run(&r.d, &r.io));
        for (int i = 0; i < 12; i++) {
            const int64_t bit = i / 4 * strides[k][1] + i / 2 % 2 * strides[k][2] + i % 2 * strides[k][3];
            ck_assert_int_eq(mask[bit / 8] >> bit % 8 & 1, r.out[CLNORM_Y][i] > 0);
        }
        ck_assert_int_eq(mask[1] >> 4, 15);
    }
}
END_TEST

START_TEST(types)
{
    static const uint32_t dtypes[] = { 0, CLNORM_F32, CLNORM_F16, CLNORM_BF16 };
    for (size_t k = 0; k < CLN_COUNT(dtypes); k++) {
        layer_run r;
        instance(&r);
        r.d.head.x.dtype = dtypes[k] ? dtypes[k] : CLNORM_F32;
        r.d.instancenorm.layer.param_dtype = dtypes[k];
        layer_give(&r, CLNORM_X, pair, 4);
        for (int64_t i = 0; i < 2; i++) {
            ref_set(r.d.head.x.dtype, r.in[CLNORM_GAMMA], i, 2 + (double)i);
            ref_set(r.d.head.x.dtype, r.in[CLNORM_BETA], i, 0.5);
        }
        r.io.slot[CLNORM_GAMMA] = r.in[CLNORM_GAMMA];
        r.io.slot[CLNORM_BETA] = r.in[CLNORM_BETA];
        expect_out(&r, CLNORM_Y, (numbers){ { -1.5, 2.5, -2.5, 3.5 } }, 4);
    }
}
END_TEST

/* ---- backward --------------------------------------------------------------------------------- */

static void back(layer_run *r)
{
    *r = layer_make(CLNORM_OP_RMSNORM, row(CLNORM_F32, 2));
    r->d.op.direction = CLNORM_BACKWARD;
    r->d.rmsnorm.eps = 3.5f; /* r is 1/4 */
    layer_give(r, CLNORM_X, (const double[]){ 3, -4 }, 2);
    layer_give(r, CLNORM_DY, (const double[]){ 8, 16 }, 2);
    layer_want(r, CLNORM_DX);
    layer_want(r, CLNORM_DGAMMA);
    layer_want(r, CLNORM_DBETA);
}

START_TEST(gradients_by_hand)
{
    layer_run r;
    back(&r); /* mean(g * x) = -20; dx = g / 4 + x * 20 / 64 */
    expect_out(&r, CLNORM_DX, (numbers){ { 2.9375, 2.75 } }, 2);
    expect_doubles(&r, "S of dx", r.scale[CLNORM_DX], (const double[]){ 4, 4 }, 2, 0); /* g * rstd */
    expect_doubles(&r, "dgamma", r.out[CLNORM_DGAMMA], (const double[]){ 6, -16 }, 2, 0);
    expect_doubles(&r, "dbeta", r.out[CLNORM_DBETA], (const double[]){ 8, 16 }, 2, 0);
    expect_doubles(&r, "S of dgamma", r.scale[CLNORM_DGAMMA], (const double[]){ 0.06, 0.16 }, 2, 1e-16);
    r.d.rmsnorm.layer.accumulate = 1u << CLNORM_DX | 1u << CLNORM_DBETA;
    expect_out(&r, CLNORM_DX, (numbers){ { 5.875, 5.5 } }, 2);
    expect_doubles(&r, "dgamma", r.out[CLNORM_DGAMMA], (const double[]){ 6, -16 }, 2, 0);
    expect_doubles(&r, "dbeta", r.out[CLNORM_DBETA], (const double[]){ 16, 32 }, 2, 0);
}
END_TEST

START_TEST(mask_gates_gradient)
{
    const uint8_t mask = 2;
    layer_run r;
    back(&r);
    r.d.rmsnorm.layer.act = CLNORM_RELU;
    r.d.rmsnorm.layer.residual = CLNORM_RESIDUAL_AFTER;
    ck_assert(!ref_run(&r.d, &r.io)); /* neither a residual nor a mask */
    r.io.slot[CLNORM_MASK] = (void *)&mask;
    layer_want(&r, CLNORM_DRESIDUAL);
    r.in[CLNORM_DY][0] = INFINITY;
    expect_out(&r, CLNORM_DRESIDUAL, (numbers){ { 0, 16 } }, 2);
    expect_doubles(&r, "S", r.scale[CLNORM_DRESIDUAL], (const double[]){ 16, 16 }, 2, 0);
    expect_doubles(&r, "dx", r.out[CLNORM_DX], (const double[]){ 1.5, 2 }, 2, 0); /* mean(g * x) = -32 */
}
END_TEST

START_TEST(norm_gradients_at_corners)
{
    layer_run r = layer_make(CLNORM_OP_LPNORM, row(CLNORM_F32, 3));
    r.d.op.direction = CLNORM_BACKWARD;
    layer_want(&r, CLNORM_DX);
    layer_give(&r, CLNORM_DY, (const double[]){ 4, 8, 16 }, 3);
    layer_give(&r, CLNORM_X, (const double[]){ 2, -2, 1 }, 3);
    r.d.lpnorm.p = INFINITY; /* sum dy * y is 4; each of two takes half */
    expect_out(&r, CLNORM_DX, (numbers){ { 1, 5, 8 } }, 3);
    layer_give(&r, CLNORM_X, (const double[]){ 2, 0, -2 }, 3);
    r.d.lpnorm.p = 1.0f; /* sum dy * y is -6 */
    expect_out(&r, CLNORM_DX, (numbers){ { 2.5, 2, 2.5 } }, 3);
    r.d.lpnorm.eps = 4.0f; /* norm is not above eps */
    expect_out(&r, CLNORM_DX, (numbers){ { 1, 2, 4 } }, 3);
    layer_give(&r, CLNORM_RSTD, (const double[]){ 0.25 }, 1); /* nor is it by what was saved */
    expect_out(&r, CLNORM_DX, (numbers){ { 1, 2, 4 } }, 3);
    layer_give(&r, CLNORM_X, (const double[]){ 0, 0, 0 }, 3);
    for (int k = 0; k < 4; k++) {
        r.d.lpnorm.p = (const float[]){ 1.0f, 1.5f, 3.0f, INFINITY }[k];
        expect_out(&r, CLNORM_DX, (numbers){ { 1, 2, 4 } }, 3);
    }
}
END_TEST

/* ---- edges ------------------------------------------------------------------------------------ */

/* A constant set is beta to the bit, whatever eps; its gradient is not NaN. */
START_TEST(constant_sets)
{
    static const uint32_t kinds[] = { CLNORM_OP_LAYERNORM, CLNORM_OP_MVN };
    for (int k = 0; k < 4; k++) {
        layer_run r = layer_make(kinds[k / 2], dense(CLNORM_F32, 4, (shape){ { 1, 1, 1, 3 } }));
        if (k % 2)
            *(k / 2 ? &r.d.mvn.eps : &r.d.layernorm.eps) = 0.0f;
        layer_give(&r, CLNORM_X, (const double[]){ 0.1f, 0.1f, 0.1f }, 3);
        layer_give(&r, CLNORM_DY, (const double[]){ 1, 1, 1 }, 3);
        layer_want(&r, CLNORM_Y);
        layer_want(&r, CLNORM_DX);
        expect_out(&r, CLNORM_Y, (numbers){ { 0 } }, 3);
        r.d.op.direction = CLNORM_BACKWARD;
        expect_out(&r, CLNORM_DX, (numbers){ { 0 } }, 3);
    }
}
END_TEST

/* Two sets of two, or one sample of two channels: what a NaN and an infinity in the first element reach. */
START_TEST(not_numbers)
{
    static const struct {
        uint32_t kind;
        bool nan[4], inf[4]; /* what is NaN then */
    } cases[] = { { CLNORM_OP_LAYERNORM, { 1, 1, 1, 1 }, { 1, 1, 1, 1 } },
                  { CLNORM_OP_INSTANCENORM, { 1, 1, 0, 0 }, { 1, 1, 0, 0 } },
                  { CLNORM_OP_BATCHNORM, { 1, 1, 0, 0 }, { 1, 1, 0, 0 } },
                  { CLNORM_OP_MVN, { 1, 1, 0, 0 }, { 1, 1, 0, 0 } },
                  { CLNORM_OP_RMSNORM, { 1, 1, 1, 1 }, { 1, 0, 0, 0 } },
                  { CLNORM_OP_L2NORM, { 1, 0, 1, 0 }, { 1, 0, 0, 0 } },
                  { CLNORM_OP_LPNORM, { 1, 0, 1, 0 }, { 1, 0, 0, 0 } },
                  { CLNORM_OP_GRN, { 1, 1, 1, 1 }, { 1, 1, 1, 1 } },
                  { CLNORM_OP_LRN, { 1, 0, 1, 0 }, { 1, 0, 1, 0 } } };
    for (size_t k = 0; k < CLN_COUNT(cases); k++)
        for (int inf = 0; inf < 2; inf++) {
            layer_run r = layer_make(cases[k].kind, dense(CLNORM_F32, 4, (shape){ { 1, 2, 1, 2 } }));
            if (cases[k].kind == CLNORM_OP_BATCHNORM)
                r.d.batchnorm.mode = CLNORM_TRAIN;
            layer_give(&r, CLNORM_X, (const double[]){ inf ? INFINITY : NAN, 2, 3, 5 }, 4);
            layer_want(&r, CLNORM_Y);
            layer_want(&r, CLNORM_MEAN);
            ck_assert(ref_run(&r.d, &r.io));
            for (int i = 0; i < 4; i++)
                ck_assert_msg((isnan(r.out[CLNORM_Y][i]) != 0) == (inf ? cases[k].inf : cases[k].nan)[i],
                              "op %u, %s: y[%d] is %g", cases[k].kind, inf ? "inf" : "NaN", i,
                              r.out[CLNORM_Y][i]);
            if (inf && cases[k].kind == CLNORM_OP_RMSNORM)
                ck_assert(r.out[CLNORM_Y][1] == 0);
        }
}
END_TEST

START_TEST(empty)
{
    for (uint32_t kind = CLNORM_OP_BATCHNORM; kind <= CLNORM_OP_LRN; kind++)
        for (int axis = 0; axis < 4; axis++)
            for (uint32_t direction = 0; direction < 2; direction++) {
                shape s = { { 2, 2, 2, 2 } };
                s.n[axis] = 0;
                layer_run r = layer_make(kind, dense(CLNORM_F32, 4, s));
                r.d.op.direction = direction;
                if (kind == CLNORM_OP_BATCHNORM)
                    r.d.batchnorm.mode = CLNORM_TRAIN;
                if (kind == CLNORM_OP_GROUPNORM)
                    r.d.groupnorm.groups = 2;
                layer_give(&r, CLNORM_X, NULL, 0);
                layer_give(&r, CLNORM_DY, NULL, 0);
                layer_want(&r, CLNORM_Y);
                layer_want(&r, CLNORM_DX);
                ck_assert(ref_run(&r.d, &r.io));
                ck_assert(r.out[CLNORM_Y][0] == 0 && r.out[CLNORM_DX][0] == 0);
            }
}
END_TEST

int main(void)
{
    static const TTest *const *const tests[] = { &activations,
                                                 &residuals,
                                                 &quantized,
                                                 &mask_bits,
                                                 &types,
                                                 &gradients_by_hand,
                                                 &mask_gates_gradient,
                                                 &norm_gradients_at_corners,
                                                 &constant_sets,
                                                 &not_numbers,
                                                 &empty };
    TCase *t = tcase_create("all");
    tcase_set_timeout(t, 60);
    for (size_t k = 0; k < CLN_COUNT(tests); k++)
        tcase_add_test(t, *tests[k]);
    return suite_run(suite_of("ref_around", t), CK_FORK_GETENV);
}

/* test_ref_layers.c -- the layers of the reference against numbers worked out by hand. */
#include "ref_layer.h"

static const numbers eight = { { 2, 4, 4, 4, 5, 5, 7, 9 } }; /* mean 5, std 2 */

/* Runs with x and compares y. */
static void expect_y(layer_run *r, numbers x, numbers want, int64_t n)
{
    layer_give(r, CLNORM_X, x.v, n);
    layer_want(r, CLNORM_Y);
    ck_assert(ref_run(&r->d, &r->io));
    expect_doubles(r, "y", r->out[CLNORM_Y], want.v, n, 1e-14);
}

static clnorm_tensor channels(int64_t n, int64_t c, int64_t w)
{
    return dense(CLNORM_F32, 4, (shape){ { n, c, 1, w } });
}

/* ---- ops -------------------------------------------------------------------------------------- */

START_TEST(layernorm_by_hand)
{
    layer_run r = layer_make(CLNORM_OP_LAYERNORM, dense(CLNORM_F16, 2, (shape){ { 1, 8 } }));
    r.d.layernorm.eps = 0.0f;
    layer_want(&r, CLNORM_MEAN);
    layer_want(&r, CLNORM_RSTD);
    expect_y(&r, eight, (numbers){ { -1.5, -0.5, -0.5, -0.5, 0, 0, 1, 2 } }, 8);
    ck_assert(r.out[CLNORM_MEAN][0] == 5 && r.out[CLNORM_RSTD][0] == 0.5 && r.scale[CLNORM_MEAN][0] == 9);
    const double gamma[] = { 2, 2, 2, 4, 2, 2, 2, 2 }, beta[] = { 1, 1, 1, 1, -1, 1, 1, 0 };
    layer_give(&r, CLNORM_GAMMA, gamma, 8);
    layer_give(&r, CLNORM_BETA, beta, 8);
    expect_y(&r, eight, (numbers){ { -2, 0, 0, -1, -1, 1, 3, 4 } }, 8);
    expect_doubles(&r, "S", r.scale[CLNORM_Y], (const double[]){ 4, 2, 2, 3, 1, 1, 3, 4 }, 8, 0);
    r.d.layernorm.layer.affine = CLNORM_NO_AFFINE;
    r.d.layernorm.eps = 12.0f;
    expect_y(&r, eight, (numbers){ { -0.75, -0.25, -0.25, -0.25, 0, 0, 0.5, 1 } }, 8);
    r.d.layernorm.eps = 0.0f;
    r.d.layernorm.ddof = 1;
    const double s = sqrt(7.0 / 32.0);
    expect_y(&r, eight, (numbers){ { -3 * s, -s, -s, -s, 0, 0, 2 * s, 4 * s } }, 8);
}
END_TEST

/* Means of a ramp say which elements make a set. */
START_TEST(sets)
{
    static const struct {
        uint32_t kind, ndim;
        shape form;
        uint32_t axes, groups, sets;
        numbers means;
    } cases[] = { { CLNORM_OP_LAYERNORM, 4, { { 2, 2, 1, 2 } }, 0, 0, 2, { { 1.5, 5.5 } } },
                  { CLNORM_OP_LAYERNORM, 5, { { 2, 2, 1, 2, 1 } }, 0, 0, 2, { { 1.5, 5.5 } } },
                  { CLNORM_OP_LAYERNORM, 3, { { 2, 2, 2 } }, 0, 0, 1, { { 3.5 } } },
                  { CLNORM_OP_LAYERNORM, 2, { { 2, 4 } }, 0, 0, 2, { { 1.5, 5.5 } } },
                  { CLNORM_OP_LAYERNORM, 1, { { 8 } }, 0, 0, 1, { { 3.5 } } },
                  { CLNORM_OP_LAYERNORM, 4, { { 2, 2, 1, 2 } }, 2, 0, 4, { { 1, 2, 5, 6 } } },
                  { CLNORM_OP_LAYERNORM, 4, { { 2, 2, 1, 2 } }, 9, 0, 2, { { 2.5, 4.5 } } },
                  { CLNORM_OP_GROUPNORM, 4, { { 2, 4, 1, 1 } }, 0, 2, 4, { { 0.5, 2.5, 4.5, 6.5 } } },
                  { CLNORM_OP_GROUPNORM, 4, { { 2, 2, 1, 2 } }, 0, 1, 2, { { 1.5, 5.5 } } },
                  { CLNORM_OP_GROUPNORM, 3, { { 4, 1, 2 } }, 0, 2, 2, { { 1.5, 5.5 } } },
                  { CLNORM_OP_INSTANCENORM, 4, { { 2, 2, 1, 2 } }, 0, 0, 4, { { 0.5, 2.5, 4.5, 6.5 } } },
                  { CLNORM_OP_INSTANCENORM, 3, { { 2, 2, 2 } }, 0, 0, 2, { { 1.5, 5.5 } } },
                  { CLNORM_OP_BATCHNORM, 4, { { 2, 2, 1, 2 } }, 0, 0, 2, { { 2.5, 4.5 } } },
                  { CLNORM_OP_BATCHNORM, 2, { { 2, 4 } }, 0, 0, 4, { { 2, 3, 4, 5 } } },
                  { CLNORM_OP_MVN, 4, { { 2, 2, 1, 2 } }, 0, 0, 4, { { 0.5, 2.5, 4.5, 6.5 } } },
                  { CLNORM_OP_MVN, 4, { { 2, 2, 1, 2 } }, 13, 0, 2, { { 2.5, 4.5 } } } };
    for (size_t k = 0; k < CLN_COUNT(cases); k++) {
        layer_run r = layer_make(cases[k].kind, dense(CLNORM_F32, cases[k].ndim, cases[k].form));
        if (cases[k].kind == CLNORM_OP_BATCHNORM)
            r.d.batchnorm.mode = CLNORM_TRAIN;
        else if (cases[k].kind == CLNORM_OP_GROUPNORM)
            r.d.groupnorm.groups = cases[k].groups;
        else if (cases[k].kind == CLNORM_OP_LAYERNORM)
            r.d.layernorm.axes = cases[k].axes;
        else if (cases[k].kind == CLNORM_OP_MVN)
            r.d.mvn.axes = cases[k].axes;
        layer_give(&r, CLNORM_X, (const double[]){ 0, 1, 2, 3, 4, 5, 6, 7 }, 8);
        r.out[CLNORM_MEAN][cases[k].sets] = 99;
        layer_want(&r, CLNORM_MEAN);
        ck_assert(ref_run(&r.d, &r.io));
        expect_doubles(&r, "mean", r.out[CLNORM_MEAN], cases[k].means.v, cases[k].sets, 0);
        ck_assert_msg(r.out[CLNORM_MEAN][cases[k].sets] == 99, "case %zu has more sets", k);
    }
}
END_TEST

/* Four channels with values 1, two samples: beta alone says which weight an element has. */
START_TEST(weights)
{
    static const struct {
        uint32_t affine, axes;
        numbers y; /* (2,2,1,2) */
    } cases[] = { { CLNORM_PER_CHANNEL, 0, { { 1, 1, 2, 2, 1, 1, 2, 2 } } },
                  { CLNORM_PER_SAMPLE, 0, { { 1, 1, 2, 2, 3, 3, 4, 4 } } },
                  { CLNORM_PER_ELEMENT, 0, { { 1, 2, 3, 4, 1, 2, 3, 4 } } },
                  { CLNORM_PER_ELEMENT, 8, { { 1, 2, 1, 2, 1, 2, 1, 2 } } },
                  { CLNORM_PER_ELEMENT, 3, { { 1, 1, 2, 2, 3, 3, 4, 4 } } },
                  { CLNORM_NO_AFFINE, 0, { { 0 } } } };
    for (size_t k = 0; k < CLN_COUNT(cases); k++) {
        layer_run r = layer_make(CLNORM_OP_LAYERNORM, channels(2, 2, 2));
        r.d.layernorm.layer.affine = cases[k].affine;
        r.d.layernorm.axes = cases[k].axes;
        layer_give(&r, CLNORM_BETA, (const double[]){ 1, 2, 3, 4 }, 4);
        expect_y(&r, (numbers){ { 1, 1, 1, 1, 1, 1, 1, 1 } }, cases[k].y, 8);
    }
    layer_run r = layer_make(CLNORM_OP_GROUPNORM, channels(1, 2, 2)); /* an element of (C,H,W) */
    r.d.groupnorm.groups = 2;
    r.d.groupnorm.layer.affine = CLNORM_PER_ELEMENT;
    layer_give(&r, CLNORM_BETA, (const double[]){ 1, 2, 3, 4 }, 4);
    expect_y(&r, (numbers){ { 5, 5, 6, 6 } }, (numbers){ { 1, 2, 3, 4 } }, 4);
}
END_TEST

START_TEST(rmsnorm_by_hand)
{
    layer_run r = layer_make(CLNORM_OP_RMSNORM, row(CLNORM_F32, 2));
    r.d.rmsnorm.eps = 3.5f; /* 12.5 + 3.5 = 16 */
    layer_want(&r, CLNORM_RSTD);
    expect_y(&r, (numbers){ { 3, -4 } }, (numbers){ { 0.75, -1 } }, 2);
    ck_assert(r.out[CLNORM_RSTD][0] == 0.25);
    layer_give(&r, CLNORM_GAMMA, (const double[]){ 2, 3 }, 2);
    layer_give(&r, CLNORM_BETA, (const double[]){ 1, 1 }, 2);
    expect_y(&r, (numbers){ { 3, -4 } }, (numbers){ { 2.5, -2 } }, 2);
    r.d.rmsnorm.zero_centred = 1;
    expect_y(&r, (numbers){ { 3, -4 } }, (numbers){ { 3.25, -3 } }, 2);
    r.io.slot[CLNORM_GAMMA] = NULL;
    expect_y(&r, (numbers){ { 3, -4 } }, (numbers){ { 1.75, 0 } }, 2);
}
END_TEST

START_TEST(norms_by_hand)
{
    layer_run r = layer_make(CLNORM_OP_L2NORM, channels(1, 2, 2)); /* pixels (3,4) and (0,0) */
    const numbers x = { { 3, 0, 4, 0 } };
    layer_want(&r, CLNORM_RSTD);
    expect_y(&r, x, (numbers){ { 0.6, 0, 0.8, 0 } }, 4);
    ck_assert(r.out[CLNORM_RSTD][0] == 0.2 && r.out[CLNORM_RSTD][1] == 1.0 / (double)1e-12f);
    r.d.l2norm.eps = 8.0f;
    expect_y(&r, x, (numbers){ { 0.375, 0, 0.5, 0 } }, 4);
    r.d.l2norm.eps = 3.0f;
    r.d.l2norm.add_eps = 1;
    expect_y(&r, x, (numbers){ { 0.375, 0, 0.5, 0 } }, 4);
    static const struct {
        float p;
        double norm; /* of 3, -4 */
    } cases[] = { { 1.0f, 7 }, { 2.0f, 5 }, { INFINITY, 4 }, { 3.0f, 4.4979414452754147147 } };
    for (size_t k = 0; k < CLN_COUNT(cases); k++) {
        r = layer_make(CLNORM_OP_LPNORM, row(CLNORM_F32, 2));
        r.d.lpnorm.p = cases[k].p;
        expect_y(&r, (numbers){ { 3, -4 } }, (numbers){ { 3 / cases[k].norm, -4 / cases[k].norm } }, 2);
        expect_y(&r, (numbers){ { 0, 0 } }, (numbers){ { 0 } }, 2);
        expect_y(&r, (numbers){ { 3e38f, 0 } }, (numbers){ { 1 } }, 2);
    }
}
END_TEST

START_TEST(mvn_by_hand)
{
    layer_run r = layer_make(CLNORM_OP_MVN, channels(1, 1, 8));
    layer_want(&r, CLNORM_RSTD);
    r.d.mvn.eps = 2.0f;
    expect_y(&r, eight, (numbers){ { -0.75, -0.25, -0.25, -0.25, 0, 0, 0.5, 1 } }, 8);
    ck_assert(r.out[CLNORM_RSTD][0] == 0.25);
    r.d.mvn.eps_inside = 1;
    r.d.mvn.eps = 12.0f;
    expect_y(&r, eight, (numbers){ { -0.75, -0.25, -0.25, -0.25, 0, 0, 0.5, 1 } }, 8);
}
END_TEST

START_TEST(grn_by_hand)
{
    layer_run r = layer_make(CLNORM_OP_GRN, channels(1, 2, 2)); /* G 5 and 1, mean 3 */
    const numbers x = { { 3, 4, 0, -1 } };
    r.d.grn.eps = 1.0f;
    layer_want(&r, CLNORM_RSTD);
    expect_y(&r, x, x, 4);
    ck_assert(r.out[CLNORM_RSTD][0] == 1.25 && r.out[CLNORM_RSTD][1] == 0.25);
    layer_give(&r, CLNORM_BETA, (const double[]){ 10, 20 }, 2);
    expect_y(&r, x, (numbers){ { 13, 14, 20, 19 } }, 4);
    layer_give(&r, CLNORM_GAMMA, (const double[]){ 2, 4 }, 2);
    expect_y(&r, x, (numbers){ { 20.5, 24, 20, 18 } }, 4);
    ck_assert(r.scale[CLNORM_Y][3] == 22);
}
END_TEST

/* x_c / (k + A * S_c) of a ramp for beta 1 */
START_TEST(lrn_by_hand)
{
    static const struct {
        uint32_t window, lean, whole_alpha;
        numbers sums; /* of squares of 1 2 3 4 */
    } cases[] = { { 1, 0, 0, { { 1, 4, 9, 16 } } },
                  { 3, 0, 0, { { 5, 14, 29, 25 } } },
                  { 3, CLNORM_LEAN_LEFT, 1, { { 5, 14, 29, 25 } } },
                  { 2, CLNORM_LEAN_LEFT, 0, { { 1, 5, 13, 25 } } },
                  { 2, CLNORM_LEAN_RIGHT, 0, { { 5, 13, 25, 16 } } },
                  { 4, CLNORM_LEAN_LEFT, 0, { { 5, 14, 30, 29 } } },
                  { 4, CLNORM_LEAN_RIGHT, 1, { { 14, 30, 29, 25 } } },
                  { 9, 0, 0, { { 30, 30, 30, 30 } } } };
    for (size_t k = 0; k < CLN_COUNT(cases); k++) {
        layer_run r = layer_make(CLNORM_OP_LRN, channels(1, 4, 1));
        r.d.lrn.window = cases[k].window;
        r.d.lrn.lean = cases[k].lean;
        r.d.lrn.whole_alpha = cases[k].whole_alpha;
        r.d.lrn.alpha = 0.5f;
        r.d.lrn.beta = 1.0f;
        numbers want = { { 0 } };
        for (int c = 0; c < 4; c++)
            want.v[c] =
                (c + 1) / (2 + 0.5 / (cases[k].whole_alpha ? 1 : cases[k].window) * cases[k].sums.v[c]);
        expect_y(&r, (numbers){ { 1, 2, 3, 4 } }, want, 4);
    }
}
END_TEST

/* ---- batch normalization ---------------------------------------------------------------------- */

/* One channel of 2 4 4 4 5 5 7 9: mean 5, M2 32; running 1 and 3 before. */
static void batch(layer_run *r, int64_t w)
{
    *r = layer_make(CLNORM_OP_BATCHNORM, channels(1, 1, w));
    r->d.batchnorm.mode = CLNORM_TRAIN;
    r->d.batchnorm.eps = 0.0f;
    r->d.batchnorm.momentum = 0.25f;
    layer_give(r, CLNORM_RUNNING_MEAN, (const double[]){ 1 }, 1);
    layer_give(r, CLNORM_RUNNING_VAR, (const double[]){ 3 }, 1);
}

static void expect_moved(layer_run *r, double mean, double var)
{
    r->io.moved[0] = r->moved[0];
    r->io.moved[1] = r->moved[1];
    layer_give(r, CLNORM_X, eight.v, r->d.head.x.shape[3]);
    ck_assert(ref_run(&r->d, &r->io));
    ck_assert_msg(near(r->moved[0][0], mean, 1e-15) && near(r->moved[1][0], var, 1e-15),
                  "running %.17g %.17g, not %.17g %.17g", r->moved[0][0], r->moved[1][0], mean, var);
}

START_TEST(running_statistics)
{
    const double unbiased = 32.0 / 7.0;
    layer_run r;
    batch(&r, 8);
    expect_moved(&r, 2, 0.75 * 3 + 0.25 * unbiased);
    r.d.batchnorm.ddof = 1; /* of what normalizes, not of what is kept */
    expect_moved(&r, 2, 0.75 * 3 + 0.25 * unbiased);
    r.d.batchnorm.biased_running = 1;
    expect_moved(&r, 2, 3.25);
    r.d.batchnorm.old_momentum = 1;
    expect_moved(&r, 4, 3.75);
    r.io.momentum = 0.5;
    expect_moved(&r, 3, 3.5);
    r.io.cumulative = true;
    expect_moved(&r, 5, 4);
    r.io.count = 3;
    expect_moved(&r, 2, 3.25);
    r.d.batchnorm.mode = CLNORM_EVAL;
    expect_moved(&r, 1, 3);
    batch(&r, 1);
    expect_moved(&r, 1.25, 2.25);
    r.d.batchnorm.single = CLNORM_SINGLE_SKIP;
    expect_moved(&r, 1.25, 3);
}
END_TEST

START_TEST(batchnorm_by_hand)
{
    const numbers x = { { 2, 4, 10, 30, 4, 6, 50, 70 } }; /* mean 4 and 40, var 2 and 500 */
    layer_run r = layer_make(CLNORM_OP_BATCHNORM, channels(2, 2, 2));
    r.d.batchnorm.mode = CLNORM_TRAIN;
    r.d.batchnorm.eps = 0.0f;
    const double s = sqrt(0.5), t = sqrt(0.002);
    expect_y(&r, x, (numbers){ { -2 * s, 0, -30 * t, -10 * t, 0, 2 * s, 10 * t, 30 * t } }, 8);
    r.d.batchnorm.mode = CLNORM_EVAL;
    ck_assert(!ref_run(&r.d, &r.io));
    layer_give(&r, CLNORM_RUNNING_MEAN, (const double[]){ 2, 10 }, 2);
    layer_give(&r, CLNORM_RUNNING_VAR, (const double[]){ 3, 99 }, 2);
    r.d.batchnorm.eps = 1.0f;
    expect_y(&r, x, (numbers){ { 0, 1, 0, 2, 1, 2, 4, 6 } }, 8);
    r.d.batchnorm.layer.given = 1;
    ck_assert(!ref_run(&r.d, &r.io));
    layer_give(&r, CLNORM_MEAN, (const double[]){ 0, 30 }, 2);
    layer_give(&r, CLNORM_RSTD, (const double[]){ 0.5, 2 }, 2);
    expect_y(&r, x, (numbers){ { 1, 2, -40, 0, 2, 3, 40, 80 } }, 8);
    layer_want(&r, CLNORM_DX);
    layer_give(&r, CLNORM_DY, (const double[]){ 1, 2, 3, 4, 5, 6, 7, 8 }, 8);
    r.d.op.direction = CLNORM_BACKWARD;
    ck_assert(ref_run(&r.d, &r.io));
    expect_doubles(&r, "dx", r.out[CLNORM_DX], (const double[]){ 0.5, 1, 6, 8, 2.5, 3, 14, 16 }, 8, 0);
}
END_TEST

int main(void)
{
    static const TTest *const *const tests[] = { &layernorm_by_hand, &sets,          &weights,
                                                 &rmsnorm_by_hand,   &norms_by_hand, &mvn_by_hand,
                                                 &grn_by_hand,       &lrn_by_hand,   &running_statistics,
                                                 &batchnorm_by_hand };
    TCase *t = tcase_create("all");
    tcase_set_timeout(t, 60);
    for (size_t k = 0; k < CLN_COUNT(tests); k++)
        tcase_add_test(t, *tests[k]);
    return suite_run(suite_of("ref_layers", t), CK_FORK_GETENV);
}

/* test_pose.c -- the problems that a descriptor makes, and the numbers in them. No device runs any of it. */
#include "choose_case.h"

#include <math.h>
#include <stdio.h>

#define BIT(slot) (1u << CLNORM_##slot)

static clnorm_any backward(uint32_t kind)
{
    clnorm_any d = small(kind);
    d.op.direction = CLNORM_BACKWARD;
    return d;
}

/* ---- which problems ---- */

/* "keep dx params", for each of them; dx that maps nothing is in brackets. */
static void has_roles(const clnorm_any *d, const char *roles)
{
    const cln_problems p = posed(d);
    char text[64] = "";
    for (size_t k = 0; k < p.count; k++) {
        const cln_problem *part = &p.part[k];
        const bool silent = part->layer.role == CLN_ROLE_DX && !part->maps;
        const size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "%s%s%s%s", k ? " " : "", silent ? "(" : "",
                 cln_role_name(part->layer.role), silent ? ")" : "");
    }
    ck_assert_str_eq(text, roles);
}

/* Statistics that nobody gives are made by dx, unless its sums ask for them first, or there is no dx. */
START_TEST(problems_of_gradients)
{
    clnorm_any d = backward(CLNORM_OP_LAYERNORM);
    has_roles(&d, "dx params");
    d.layered.layer.act = CLNORM_SILU;
    has_roles(&d, "keep dx params");
    d.layered.layer.given = 1;
    has_roles(&d, "dx params");
    d = backward(CLNORM_OP_LAYERNORM);
    d.layered.layer.gradients = BIT(DX);
    has_roles(&d, "dx");
    d.layered.layer.gradients = BIT(DGAMMA) | BIT(DBETA);
    has_roles(&d, "keep params");
    d = backward(CLNORM_OP_GRN); /* of families, whose sums are dx's */
    has_roles(&d, "dx");
    d.layered.layer.gradients = BIT(DGAMMA);
    has_roles(&d, "(dx)");
    d = backward(CLNORM_OP_LPNORM);
    has_roles(&d, "dx");
    d.lpnorm.p = INFINITY; /* whose dx has sums of its own */
    has_roles(&d, "keep dx");
    d = backward(CLNORM_OP_BATCHNORM);
    d.batchnorm.mode = CLNORM_EVAL;
    has_roles(&d, "frozen params");
}
END_TEST

/* Parts of a set are sets of their own where they are long, and all of them are few enough to count; a sample has one map. */
START_TEST(parts_of_sets)
{
    static const struct {
        clnorm_dtype type;
        int64_t n, c, h;
        uint32_t family, left;
        bool given;
    } cases[] = { { CLNORM_F32, 6, 7, 32, 7, 6, false },   { CLNORM_F32, 6, 7, 6, 7, 6, false },
                  { CLNORM_F32, 6, 7, 5, 0, 0, false },    { CLNORM_F16, 6, 7, 6, 7, 2, true },
                  { CLNORM_BF16, 6, 7, 5, 0, 0, true },    { CLNORM_F32, 65536, 70000, 32, 0, 0, true },
                  { CLNORM_F32, 65536, 7, 32, 7, 2, true } };
    for (size_t k = 0; k < CLN_COUNT(cases); k++) {
        const clnorm_tensor x = clnorm_nchw(cases[k].type, cases[k].n, cases[k].c, cases[k].h, 23);
        clnorm_any d = desc_of(CLNORM_OP_LAYERNORM, &x);
        d.op.direction = CLNORM_BACKWARD;
        d.head.x.dtype = d.head.y.dtype = cases[k].type;
        d.layered.layer.given = cases[k].given;
        const cln_problems p = posed(&d);
        ck_assert_uint_eq(p.part[0].layer.by_weight, cases[k].family != 0);
        ck_assert_uint_eq(p.part[0].layer.left, cases[k].left);
        if (cases[k].family) {
            ck_assert_uint_eq(p.part[0].layer.family, cases[k].family);
            ck_assert_int_eq(p.part[0].layer.stats, cases[k].n);
        }
    }
}
END_TEST

/* Gradients of weights that are sums of columns write dx along, unless each sample has weights of its own. */
START_TEST(dx_along_columns)
{
    const clnorm_tensor x = clnorm_nhwc(CLNORM_F32, 2, 32, 4, 5);
    clnorm_any d = desc_of(CLNORM_OP_LAYERNORM, &x);
    d.op.direction = CLNORM_BACKWARD;
    has_roles(&d, "dx params");
    ck_assert(posed(&d).part[0].layer.leaves_dx);
    d.layered.layer.affine = CLNORM_PER_SAMPLE;
    has_roles(&d, "dx params");
    ck_assert(!posed(&d).part[0].layer.leaves_dx);
    clnorm_tensor tall =
        clnorm_nchw(CLNORM_F32, 4100, 20, 2, 100); /* more sets of a weight than one adds up */
    tall.stride[1] = 100;
    tall.stride[2] = 2000;
    d = desc_of(CLNORM_OP_LAYERNORM, &tall);
    d.op.direction = CLNORM_BACKWARD;
    const cln_problems p = posed(&d);
    has_roles(&d, "dx params");
    ck_assert(p.part[0].layer.family && !p.part[0].columns && p.part[1].columns);
    ck_assert(!p.part[0].layer.leaves_dx);
}
END_TEST

/* ---- what is read and written ---- */

/* A dy whose rows are one row is read; nothing that lies like it can be written. */
START_TEST(gradients_that_repeat)
{
    clnorm_any d = backward(CLNORM_OP_LAYERNORM);
    d.layered.layer.residual = CLNORM_RESIDUAL_AFTER;
    d.head.y.stride[2] = 0;
    d.layered.layer.gradients = BIT(DX);
    OK(clnorm_op_check(&d));
    d.layered.layer.gradients = BIT(DX) | BIT(DRESIDUAL);
    ck_assert_int_eq(clnorm_op_check(&d), CLNORM_ESHAPE);
    SAYS("two indices");
}
END_TEST

/* Behind an activation a call brings what it was applied to, or relu's mask where y has one. */
START_TEST(way_back_through_activations)
{
    static const struct {
        uint32_t act;
        bool upside_down;
        const char *says;
    } cases[] = { { CLNORM_RELU, false, "needs residual or mask" },
                  { CLNORM_RELU, true, "needs residual" },
                  { CLNORM_GELU, false, "needs residual" } };
    for (size_t k = 0; k < CLN_COUNT(cases); k++) {
        const clnorm_args none = CLNORM_ARGS_INIT;
        clnorm_any d = backward(CLNORM_OP_LAYERNORM);
        d.layered.layer.act = cases[k].act;
        d.layered.layer.residual = CLNORM_RESIDUAL_AFTER;
        if (cases[k].upside_down)
            d.head.y.stride[2] *= -1;
        const cln_problems p = posed(&d);
        ck_assert_int_eq(cln_layer_args(&p.part[0], &none), CLNORM_EBUFFER);
        const char *const said = clnorm_last_error(NULL), *const found = strstr(said, cases[k].says);
        ck_assert_msg(found && !found[strlen(cases[k].says)], "%s", said);
    }
}
END_TEST

/* ---- numbers ---- */

/* The weight of the batch, and of what ran before, whoever says it. */
START_TEST(momentum_of_a_call)
{
    static const struct {
        uint32_t old, flags;
        double momentum;
        uint64_t count;
        float batch;
    } cases[] = {
        { 0, 0, 0, 0, 0.125f },
        { 0, 0, 0.25, 0, 0.25f },
        { 1, 0, 0, 0, 0.875f },
        { 1, 0, 0.25, 0, 0.75f },
        { 0, CLNORM_CUMULATIVE, 0.25, 3, 0.25f },
        { 1, CLNORM_CUMULATIVE, 0.5, 3, 0.25f },
    };
    for (size_t k = 0; k < CLN_COUNT(cases); k++) {
        clnorm_args args = CLNORM_ARGS_INIT;
        clnorm_any d = small(CLNORM_OP_BATCHNORM);
        float call[4];
        d.batchnorm.momentum = 0.125f;
        d.batchnorm.old_momentum = cases[k].old;
        args.flags = cases[k].flags;
        args.momentum = cases[k].momentum;
        args.count = cases[k].count;
        const cln_problems p = posed(&d);
        p.part[0].layer.call(call, &p.part[0], &args);
        ck_assert_float_eq(call[0], cases[k].batch);
        ck_assert_float_eq(call[1], 1 - cases[k].batch);
    }
}
END_TEST

/* One value of a channel is too few to train with; no channel at all is no matter. */
START_TEST(single_values)
{
    const clnorm_tensor one = clnorm_nchw(CLNORM_F32, 1, 3, 1, 1), none = clnorm_nchw(CLNORM_F32, 2, 0, 4, 5);
    clnorm_any d = desc_of(CLNORM_OP_BATCHNORM, &one);
    d.batchnorm.single = CLNORM_SINGLE_ERROR;
    ck_assert_int_eq(clnorm_op_check(&d), CLNORM_ESHAPE);
    SAYS("every channel has one value; training needs more");
    d = desc_of(CLNORM_OP_BATCHNORM, &none);
    d.batchnorm.single = CLNORM_SINGLE_ERROR;
    OK(clnorm_op_check(&d));
    ck_assert_uint_eq(posed(&d).part[0].set_elements, 0);
}
END_TEST

START_TEST(eps_inside_or_outside)
{
    clnorm_any d = small(CLNORM_OP_MVN);
    d.mvn.eps = 0.5f;
    for (uint32_t inside = 0; inside < 2; inside++) {
        d.mvn.eps_inside = inside;
        const cln_problems p = posed(&d);
        ck_assert_float_eq(p.part[0].k[!inside], 0.5f);
        ck_assert_float_eq(p.part[0].k[inside], 0.0f);
    }
}
END_TEST

/* A row of channels is a set with its batch, unless that is more than a set may have. */
START_TEST(windows_of_rows)
{
    const clnorm_tensor few = clnorm_rows(CLNORM_F32, 5, 7), many = clnorm_rows(CLNORM_F32, 1 << 16, 1 << 15),
                        none = clnorm_nchw(CLNORM_F32, 2, 0, 4, 5);
    clnorm_any d = desc_of(CLNORM_OP_LRN, &few);
    ck_assert_uint_eq(posed(&d).part[0].geo.sets, 1);
    d = desc_of(CLNORM_OP_LRN, &many);
    ck_assert_uint_eq(posed(&d).part[0].geo.sets, 1 << 16);
    d = desc_of(CLNORM_OP_LRN, &none);
    ck_assert_uint_eq(posed(&d).part[0].set_elements, 0);
    ck_assert_uint_eq(posed(&d).part[0].window, 1);
}
END_TEST

/* The list is of y's channels, and where they trade places x's have each other's numbers. */
START_TEST(lists_that_trade_places)
{
    clnorm_any d = small(CLNORM_OP_DENORMALIZE);
    d.denormalize.of = CLNORM_OP_NORMALIZE;
    d.denormalize.scale = 1;
    for (uint32_t channels = 1; channels <= 3; channels += 2)
        for (uint32_t swap = 0; swap < 2; swap++) {
            d.denormalize.channels = channels;
            d.denormalize.swap_rb = swap;
            for (uint32_t c = 0; c < channels; c++) {
                d.denormalize.mean[c] = (float)c + 8;
                d.denormalize.std[c] = (float)c + 1;
            }
            const cln_problems p = posed(&d);
            for (uint32_t c = 0; c < channels; c++) {
                const uint32_t from = swap && channels == 3 ? 2 - c : c;
                ck_assert_float_eq(p.part[0].table[c][0], (float)from + 8);
                ck_assert_float_eq(p.part[0].table[c][2], (float)from + 1);
            }
        }
}
END_TEST

START_TEST(axes_that_x_has_not)
{
    clnorm_any d = small(CLNORM_OP_LAYERNORM);
    d.layernorm.axes = 1u << 4;
    ck_assert_int_eq(clnorm_op_check(&d), CLNORM_EARG);
    SAYS("layernorm: axes is 0x10 and x has 4 axes; 0x1 to 0xf are allowed");
    const clnorm_tensor rows = clnorm_rows(CLNORM_F32, 4, 5); /* without pixels */
    d = desc_of(CLNORM_OP_MVN, &rows);
    ck_assert_int_eq(clnorm_op_check(&d), CLNORM_EARG);
    SAYS("mvn: axes is 0x0 and x has 2 axes; 0x1 to 0x3 are allowed");
}
END_TEST

/* No channels: nothing is divided by them. PoCL hides it where its device is in use, so it is none here. */
START_TEST(no_channels)
{
    static const uint32_t kinds[] = { CLNORM_OP_LAYERNORM, CLNORM_OP_GROUPNORM, CLNORM_OP_RMSNORM };
    for (size_t k = 0; k < CLN_COUNT(kinds); k++) {
        clnorm_any d = backward(kinds[k]);
        d.head.x = d.head.y = clnorm_nchw(CLNORM_F32, 2, 0, 30, 30);
        posed(&d);
    }
}
END_TEST

/* What counts of 32 or 64 bits cannot hold is refused before anything is computed with it. */
START_TEST(too_many_elements)
{
    cln_problems p;
    clnorm_any d = backward(CLNORM_OP_LAYERNORM);
    d.head.x = d.head.y = clnorm_nchw(CLNORM_F32, 1, 65536, 256, 260); /* parts fit, and all of them do not */
    ck_assert_int_eq(cln_op_pose(&p, &d.op), CLNORM_EUNSUPPORTED);
    SAYS("one set has 4362076160 elements; 4294963199 are allowed");
    d.head.x = d.head.y = clnorm_nhwc(CLNORM_F32, 1, 512, 2900, 2900);
    ck_assert_int_eq(cln_op_pose(&p, &d.op), CLNORM_EUNSUPPORTED);
    SAYS("one set has 4305920000 elements");
    d = backward(CLNORM_OP_LRN);
    d.head.x = d.head.y = clnorm_rows(CLNORM_F32, 1 << 20, (int64_t)1 << 31);
    ck_assert_int_eq(cln_op_pose(&p, &d.op), CLNORM_EUNSUPPORTED);
    SAYS("x has 2251799813685248 elements; 70368744177664 are allowed");
    d.moments = (clnorm_moments)CLNORM_MOMENTS_INIT;
    d.head.x =
        (clnorm_tensor){ CLNORM_U8, 5, { 1 << 15, 256, 256, 256, 16 }, { 0, 1114369, 4353, 17, 1 }, 0 };
    ck_assert_int_eq(cln_op_pose(&p, &d.op), CLNORM_EUNSUPPORTED);
    SAYS("32768 statistics of sets in 16777216 pieces each; of 2^24 pieces and more 32767 are allowed");
    d.head.x.shape[0]--;
    OK(cln_op_pose(&p, &d.op));
    d.head.x.shape[0]++;
    d.head.x.shape[1]--;
    OK(cln_op_pose(&p, &d.op));
}
END_TEST

static Suite *pose_suite(void)
{
    return suite_of("pose",
                    SUITE_CASE(problems_of_gradients, parts_of_sets, dx_along_columns, gradients_that_repeat,
                               way_back_through_activations, momentum_of_a_call, single_values,
                               eps_inside_or_outside, windows_of_rows, lists_that_trade_places,
                               axes_that_x_has_not, no_channels, too_many_elements));
}

SUITE_MAIN(pose_suite)

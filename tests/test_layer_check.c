/* test_layer_check.c -- what a layer's descriptor may ask for, and what a call may give and share. */
#include "api_case.h"
#include "data.h"
#include "suite.h"

#define BIT(slot) (1u << CLNORM_##slot)

static clnorm_any fused(uint32_t act, uint32_t residual, bool back)
{
    clnorm_any d = small(CLNORM_OP_LAYERNORM);
    d.layered.layer.act = act;
    d.layered.layer.residual = residual;
    d.op.direction = back ? CLNORM_BACKWARD : CLNORM_FORWARD;
    return d;
}

/* The sum in x's place and y in the residual's. */
START_TEST(in_place)
{
    enum { N = 120 };
    float x[N], r[N], y[2][N], sum[N];
    uint32_t state = 3;
    const clnorm_any d = fused(CLNORM_GELU, CLNORM_RESIDUAL_BEFORE, false);
    clnorm_plan *plan;
    for (size_t i = 0; i < N; i++) {
        x[i] = (float)data_random(&state);
        r[i] = (float)data_random(&state);
    }
    OK(clnorm_plan_create(&plan, harness_get()->ctx, &d.op, CLNORM_ESTIMATE));
    for (int shared = 0; shared < 2; shared++) {
        clnorm_args args = CLNORM_ARGS_INIT;
        cl_mem mx = buffer(sizeof x, x), mr = buffer(sizeof r, r), my = buffer(sizeof x, NULL);
        args.slot[CLNORM_X].mem = mx;
        args.slot[CLNORM_RESIDUAL].mem = mr;
        args.slot[CLNORM_Y].mem = shared ? mr : my;
        if (shared)
            args.slot[CLNORM_SUM].mem = mx;
        OK(clnorm_enqueue(plan, harness_get()->queue, &args, 0, NULL, NULL));
        read_back(shared ? mr : my, 0, sizeof x, y[shared]);
        read_back(mx, 0, sizeof x, sum);
        RELEASE(mx, mr, my);
    }
    clnorm_plan_release(plan);
    ck_assert(!memcmp(y[0], y[1], sizeof x));
    for (size_t i = 0; i < N; i++)
        ck_assert_float_eq(sum[i], x[i] + r[i]);
}
END_TEST

static void refill(cl_mem mem, const void *data, size_t bytes)
{
    ck_assert_int_eq(clEnqueueWriteBuffer(harness_get()->queue, mem, CL_TRUE, 0, bytes, data, 0, NULL, NULL),
                     CL_SUCCESS);
}

/* dx in dy's place, in a call that gives the statistics and wants no gradient of weights, whatever else the plan can do. */
START_TEST(gradient_in_place)
{
    static const uint32_t kinds[] = { CLNORM_OP_LAYERNORM, CLNORM_OP_RMSNORM, CLNORM_OP_INSTANCENORM };
    enum { N = 120, SETS = 6 };
    float x[N], dy[N], past[SETS], dx[2][N], gamma[3] = { 1, 2, 3 };
    uint32_t state = 4;
    for (size_t i = 0; i < N; i++) {
        x[i] = (float)data_random(&state);
        dy[i] = (float)data_random(&state);
        past[i % SETS] = 0.5f + 0.25f * (float)(i % SETS);
    }
    for (size_t k = 0; k < CLN_COUNT(kinds); k++)
        for (uint32_t act = 0; act <= CLNORM_SILU; act += CLNORM_SILU) {
            clnorm_any d = small(kinds[k]);
            clnorm_plan *plan;
            clnorm_args args = CLNORM_ARGS_INIT;
            d.op.direction = CLNORM_BACKWARD;
            d.layered.layer.act = act;
            OK(clnorm_plan_create(&plan, harness_get()->ctx, &d.op, CLNORM_ESTIMATE));
            cl_mem mx = buffer(sizeof x, x), mg = buffer(sizeof gamma, gamma), mp = buffer(sizeof past, past),
                   mdx = buffer(sizeof x, NULL), mdy = buffer(sizeof dy, dy), mw = buffer(sizeof gamma, NULL);
            args.slot[CLNORM_X].mem = mx;
            args.slot[CLNORM_GAMMA].mem = mg;
            args.slot[CLNORM_DY].mem = mdy;
            for (int given = act != 0; given < 2;
                 given++) { /* behind an activation: else they are made first */
                args.slot[CLNORM_RSTD].mem = given ? mp : NULL;
                args.slot[CLNORM_MEAN].mem = given && kinds[k] != CLNORM_OP_RMSNORM ? mp : NULL;
                args.slot[CLNORM_DX].mem = mdx;
                refill(mdy, dy, sizeof dy);
                OK(clnorm_enqueue(plan, harness_get()->queue, &args, 0, NULL, NULL));
                read_back(mdx, 0, sizeof x, dx[0]);
                args.slot[CLNORM_DX].mem = mdy;
                args.slot[CLNORM_DGAMMA].mem = mw;
                if (kinds[k] != CLNORM_OP_INSTANCENORM) { /* whose dgamma comes from the sums that dx needs */
                    ck_assert_int_eq(clnorm_enqueue(plan, harness_get()->queue, &args, 0, NULL, NULL),
                                     CLNORM_EBUFFER);
                    SAYS("dx may be dy only where dy is read once: without dgamma and dbeta, and, behind an "
                         "activation or of p infinite, with the statistics; never of grn behind one");
                }
                args.slot[CLNORM_DGAMMA].mem = NULL;
                OK(clnorm_enqueue(plan, harness_get()->queue, &args, 0, NULL, NULL));
                read_back(mdy, 0, sizeof x, dx[1]);
                ck_assert(!memcmp(dx[0], dx[1], sizeof x));
            }
            RELEASE(mx, mg, mp, mdx, mdy, mw);
            clnorm_plan_release(plan);
        }
}
END_TEST

static void refused(const clnorm_any *d, clnorm_status code, const char *word)
{
    clnorm_any copy = *d;
    ck_assert_int_eq(clnorm_op_check(&copy), code);
    SAYS(word);
}

START_TEST(descriptors)
{
    clnorm_any d = fused(CLNORM_RELU, 0, false);
    d.layered.layer.out_zero = 3;
    refused(&d, CLNORM_EDTYPE, "out_zero is 3 and y is f32");
    d.layered.layer.out_scale = 2;
    refused(&d, CLNORM_EDTYPE, "out_scale is 2 and y is f32");
    d.head.y.dtype = CLNORM_U8;
    d.layered.layer.out_zero = -1;
    refused(&d, CLNORM_EARG, "out_zero is -1");
    d.layered.layer.out_zero = 2.5f;
    refused(&d, CLNORM_EARG, "out_zero is 2.5");
    d.layered.layer.out_zero = 255;
    d.layered.layer.out_scale = 1e-35f;
    refused(&d, CLNORM_EARG, "out_scale is 1e-35");
    d.layered.layer.out_scale = 0;
    OK(clnorm_op_check(&d));
    ck_assert_float_eq(d.layered.layer.out_scale, 1.0f);
    d = fused(0, 0, true);
    d.layered.layer.accumulate = BIT(DX) | BIT(Y);
    refused(&d, CLNORM_EARG, "accumulate has the bits 0x2");
    d.layered.layer.accumulate = 0;
    d.layered.layer.gradients = BIT(DX) | BIT(X);
    refused(&d, CLNORM_EARG, "gradients has the bits 0x1");
    d = fused(0, 0, true);
    d.head.y.dtype = CLNORM_U8;
    refused(&d, CLNORM_EDTYPE, "dy is u8");
    d = fused(0, 0, false);
    d.head.y.dtype = CLNORM_S8;
    d.layered.layer.out_zero = 128;
    refused(&d, CLNORM_EARG, "out_zero is 128");
    d.layered.layer.out_zero = -128;
    OK(clnorm_op_check(&d));
    d = fused(0, 0, false);
    d.layered.layer.param_dtype = CLNORM_U8;
    refused(&d, CLNORM_EARG, "param_dtype is 4");
}
END_TEST

/* What single layers ask of x, of its axes and weights. */
START_TEST(of_single_layers)
{
    const clnorm_tensor rows = clnorm_rows(CLNORM_F32, 4, 6);
    static const struct {
        uint32_t kind;
        clnorm_status status;
        const char *word;
    } flat[] = { { CLNORM_OP_GRN, CLNORM_ESHAPE, "grn: x has 2 axes; it needs H,W" },
                 { CLNORM_OP_INSTANCENORM, CLNORM_ESHAPE, "instancenorm: x has 2 axes; it needs H,W" } };
    for (size_t k = 0; k < CLN_COUNT(flat); k++) {
        const clnorm_any d = desc_of(flat[k].kind, &rows);
        refused(&d, flat[k].status, flat[k].word);
    }
    static const uint32_t reducing[] = { CLNORM_OP_LAYERNORM, CLNORM_OP_RMSNORM, CLNORM_OP_L2NORM,
                                         CLNORM_OP_LPNORM, CLNORM_OP_MVN };
    for (size_t k = 0; k < CLN_COUNT(reducing); k++) {
        const double axes = 1 << 4;
        clnorm_any d = small(reducing[k]);
        OK(clnorm_op_set(&d, "axes", &axes, 1));
        refused(&d, CLNORM_EARG, "axes is 0x10 and x has 4 axes; 0x1 to 0xf are allowed");
    }
    clnorm_any d = small(CLNORM_OP_GRN);
    d.layered.layer.affine = CLNORM_PER_ELEMENT;
    refused(&d, CLNORM_EARG, "grn: affine is 1");
    d = small(CLNORM_OP_GRN);
    d.layered.layer.given = 1;
    refused(&d, CLNORM_EUNSUPPORTED, "grn: given is 1; it takes no statistics from outside");
    d = small(CLNORM_OP_LPNORM);
    d.lpnorm.p = 64;
    OK(clnorm_op_check(&d));
    d.lpnorm.p = 65;
    refused(&d, CLNORM_EARG, "lpnorm: p is 65; 1 to 64 are allowed, and infinity");
    d = small(CLNORM_OP_LRN);
    d.lrn.k = 1e-3f;
    d.lrn.beta = 12;
    OK(clnorm_op_check(&d));
    d.lrn.beta = 15;
    refused(&d, CLNORM_EARG, "lrn: k is 0.001 and beta 15; k^-beta must be at most 3.4");
    d = small(CLNORM_OP_LRN);
    d.head.x = d.head.y = clnorm_nchw(CLNORM_F32, 1, 50001, 1, 2);
    d.lrn.window = 50001;
    OK(clnorm_op_check(&d));
    d.op.direction = CLNORM_BACKWARD;
    refused(&d, CLNORM_EUNSUPPORTED,
            "lrn: window is 50001, which is 50001 channels, each side at most all but one; backward 1024 are "
            "allowed");
    d.lrn.window = 1023;
    OK(clnorm_op_check(&d));
}
END_TEST

/* Inputs may reach an element by two indices, unless an output lies as they do. */
START_TEST(rows_that_overlap)
{
    const clnorm_tensor apart = clnorm_rows(CLNORM_F32, 4, 6);
    clnorm_tensor overlap = apart;
    overlap.stride[0] = 2;
    overlap.stride[1] = 1;
    clnorm_any d = fused(0, 0, false);
    d.head.x = overlap;
    d.head.y = apart;
    OK(clnorm_op_check(&d));
    d.layered.layer.residual = CLNORM_RESIDUAL_BEFORE;
    refused(&d, CLNORM_ESHAPE, "x (4,6) f32: its strides reach one element by two indices"); /* SUM */
    d = fused(0, 0, true);
    d.head.x = overlap;
    d.head.y = apart;
    refused(&d, CLNORM_ESHAPE, "x (4,6) f32: its strides"); /* DX */
    d.layered.layer.gradients = BIT(DGAMMA) | BIT(DBETA);
    d.head.y = overlap;
    OK(clnorm_op_check(&d));
    d.layered.layer.gradients |= BIT(DX);
    d.head.x = apart;
    OK(clnorm_op_check(&d));
    d.layered.layer.gradients = 0;
    d.layered.layer.residual = CLNORM_RESIDUAL_AFTER;
    refused(&d, CLNORM_ESHAPE, "y (4,6) f32: its strides"); /* DRESIDUAL */
}
END_TEST

START_TEST(masks)
{
    uint32_t reads, writes, required;
    clnorm_any d = fused(CLNORM_RELU, CLNORM_RESIDUAL_AFTER, false);
    clnorm_tensor t;
    OK(clnorm_op_check(&d));
    clnorm_op_slots(&d, &reads, &writes, NULL);
    ck_assert(writes & BIT(MASK) && !(reads & BIT(MASK)));
    ck_assert(clnorm_op_slot(&d, CLNORM_MASK, &t) && t.dtype == CLNORM_U8 && t.shape[0] == 120 / 8);
    d.op.direction = CLNORM_BACKWARD;
    clnorm_op_slots(&d, &reads, &writes, &required);
    ck_assert(reads & BIT(MASK) && !(required & BIT(RESIDUAL)));
    d.layered.layer.act = CLNORM_SILU;
    clnorm_op_slots(&d, &reads, NULL, &required);
    ck_assert(!(reads & BIT(MASK)) && required & BIT(RESIDUAL));
    d = fused(CLNORM_RELU, 0, false);
    d.head.y.dtype = CLNORM_U8;
    OK(clnorm_op_check(&d));
    clnorm_op_slots(&d, NULL, &writes, NULL);
    ck_assert(!(writes & BIT(MASK)));
    d = fused(CLNORM_RELU, 0, false); /* y upside down has no first element to count bits from */
    const int64_t upside_down[] = { 60, 20, -5, 1 };
    memcpy(d.head.y.stride, upside_down, sizeof upside_down);
    OK(clnorm_op_check(&d));
    clnorm_op_slots(&d, NULL, &writes, NULL);
    ck_assert(!(writes & BIT(MASK)));
}
END_TEST

/* word: of the sentence; NULL: the call runs. */
static void call_gives(const clnorm_any *d, uint32_t slots, const char *word)
{
    static const float zeros[120] = { 0 };
    clnorm_args args = CLNORM_ARGS_INIT;
    clnorm_plan *plan;
    cl_mem mem[CLNORM_SLOTS];
    OK(clnorm_plan_create(&plan, harness_get()->ctx, &d->op, CLNORM_ESTIMATE));
    for (uint32_t s = 0; s < CLNORM_SLOTS; s++)
        if (slots >> s & 1)
            args.slot[s].mem = mem[s] = buffer(sizeof zeros, zeros);
    const clnorm_status st = clnorm_enqueue(plan, harness_get()->queue, &args, 0, NULL, NULL);
    ck_assert_msg(st == (word ? CLNORM_EBUFFER : CLNORM_OK), "%s: %s", word ? word : "a call",
                  clnorm_last_error(NULL));
    if (word)
        SAYS(word);
    for (uint32_t s = 0; s < CLNORM_SLOTS; s++)
        if (slots >> s & 1)
            clReleaseMemObject(mem[s]);
    clnorm_plan_release(plan);
}

START_TEST(calls)
{
    const clnorm_any d = fused(CLNORM_RELU, CLNORM_RESIDUAL_AFTER, true);
    const uint32_t slots = BIT(X) | BIT(DY) | BIT(DX);
    call_gives(&d, slots, "needs residual or mask");
    call_gives(&d, slots | BIT(RESIDUAL) | BIT(MEAN), "mean is given without rstd");
    call_gives(&d, slots | BIT(RESIDUAL) | BIT(RSTD), "rstd is given without mean");
    call_gives(&d, slots | BIT(MASK), NULL);
    call_gives(&d, slots | BIT(RESIDUAL), NULL);
    clnorm_any upside_down = fused(CLNORM_RELU, 0, false);
    const int64_t strides[] = { 60, 20, -5, 1 };
    memcpy(upside_down.head.y.stride, strides, sizeof strides);
    call_gives(&upside_down, BIT(X) | BIT(Y) | BIT(MASK),
               "a mask only of a float y whose strides are not negative");
}
END_TEST

int main(void)
{
    const int failed =
        suite_run(suite_of("layer_check", SUITE_CASE(in_place, gradient_in_place, descriptors,
                                                     of_single_layers, rows_that_overlap, masks, calls)),
                  CK_NOFORK);
    harness_close();
    return failed;
}

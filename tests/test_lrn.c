/* test_lrn.c -- lrn: windows of all sizes over all layouts, both directions. */
#include "array.h"
#include "base/compiler.h"
#include "data.h"
#include "harness.h"
#include "record.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct extent {
    int64_t n, c, h, w;
} extent;

/* Fewer channels than a window has, one, as many as a vector, more; pixels from none to more than a chunk. */
static const extent shapes[] = {
    { 2, 7, 5, 9 },    { 1, 1, 1, 1 },  { 2, 3, 1, 1 },    { 1, 1, 1, 15 },  { 2, 2, 1, 17 },
    { 1, 33, 8, 8 },   { 2, 16, 4, 4 }, { 1, 4, 1, 4099 }, { 1, 97, 3, 11 }, { 3, 8, 16, 16 },
    { 1, 4099, 1, 3 }, { 0, 3, 4, 4 },  { 2, 3, 0, 4 },
};

typedef struct layout {
    const char *name;
    bool x_last, y_last;
    int64_t pad, pixel; /* elements behind each row, and of a pixel beyond C */
    size_t offset;
} layout;
static const layout layouts[] = {
    { "dense", false, false, 0, 0, 0 },     { "dense", true, true, 0, 0, 0 },
    { "padded", false, false, 5, 0, 1 },    { "padded", true, true, 6, 0, 0 },
    { "dense", true, false, 0, 0, 0 },      { "dense", false, true, 0, 0, 0 },
    { "wide pixels", true, true, 0, 2, 3 },
};

static const struct {
    uint32_t window, lean;
} windows[] = { { 5, 0 }, { 4, CLNORM_LEAN_LEFT }, { 4, CLNORM_LEAN_RIGHT }, { 1, 0 }, { 3, 0 }, { 101, 0 } };

static clnorm_tensor tensor(uint32_t dtype, extent s, bool last, int64_t pad, int64_t pixel)
{
    const int64_t n[] = { s.n, s.c, s.h, s.w };
    return array_image(dtype, n, last, pad, pixel);
}

static op_case make(extent s, const layout *l, uint32_t x, uint32_t y)
{
    op_case c;
    memset(&c, 0, sizeof c);
    clnorm_op_init(&c.desc, CLNORM_OP_LRN);
    c.desc.head.x = tensor(x, s, l->x_last, l->pad, l->pixel);
    c.desc.head.y = tensor(y, s, l->y_last, l->pad, l->pixel);
    c.seed = (uint32_t)(s.w * 31 + s.h * 7 + s.c);
    c.offset = l->offset;
    c.view = l->name;
    return c;
}

/* A case in work-groups of all kinds has one of the three each way, the next case the next. */
static void both_ways(op_case *c)
{
    static uint32_t turn;
    for (uint32_t direction = CLNORM_FORWARD; direction <= CLNORM_BACKWARD; direction++) {
        c->desc.op.direction = direction;
        c->groups = getenv("CLNORM_TEST_FULL") ? 0 : 1u << turn % 3;
        turn += c->force == WAYS_ALL;
        harness_run(harness_get(), c);
    }
}

/* Of the first two layouts, each of which is a program more, a case has the one that is its turn, and with
 * CLNORM_TEST_FULL both. */
static bool has_layout(op_case *c, size_t l, size_t turn)
{
    c->extra = l != turn % 2;
    return !c->extra || getenv("CLNORM_TEST_FULL");
}

/* Every shape in every layout; the first two layouts in work-groups of all kinds. */
START_TEST(layouts_and_shapes)
{
    for (size_t l = 0; l < (harness_small() ? 2 : CLN_COUNT(layouts)); l++)
        for (size_t s = 0; s < (harness_small() ? 5 : CLN_COUNT(shapes)); s++) {
            op_case c = make(shapes[s], &layouts[l], CLNORM_F32, CLNORM_F32);
            c.force = l < 2 && (s == 0 || s == 4 + 3 * l) ? WAYS_ALL : WAYS_OWN;
            c.desc.lrn.alpha = 1.0f;
            c.unordered = s % 2;
            both_ways(&c);
        }
}
END_TEST

START_TEST(windows_and_sides)
{
    for (size_t w = 1; w < CLN_COUNT(windows); w++)
        for (size_t l = 0; l < 2; l++) {
            op_case c = make(shapes[8], &layouts[l], CLNORM_F32, CLNORM_F32);
            c.desc.lrn.window = windows[w].window;
            c.desc.lrn.lean = windows[w].lean;
            c.desc.lrn.whole_alpha = l == 1;
            c.desc.lrn.alpha = 0.5f;
            c.force = w == 1 && !harness_small() ? WAYS_ALL : WAYS_OWN;
            both_ways(&c);
        }
}
END_TEST

START_TEST(types)
{
    static const uint32_t pairs[][2] = { { CLNORM_F16, CLNORM_F16 },
                                         { CLNORM_BF16, CLNORM_BF16 },
                                         { CLNORM_F32, CLNORM_F16 },
                                         { CLNORM_BF16, CLNORM_F32 } };
    static const size_t some[] = { 0, 4, 7 };
    for (size_t p = 0; p < (harness_small() ? 2 : CLN_COUNT(pairs)); p++)
        for (size_t l = 0; l < 2; l++)
            for (size_t s = 0; s < CLN_COUNT(some); s++) {
                op_case c = make(shapes[some[s]], &layouts[l], pairs[p][0], pairs[p][1]);
                c.desc.lrn.alpha = 1.0f;
                if (has_layout(&c, l, p))
                    both_ways(&c);
            }
}
END_TEST

START_TEST(hostile_data)
{
    for (size_t l = 0; l < 2; l++)
        for (int data = DATA_NORMAL; data < DATA_KINDS; data++) {
            op_case c = make(shapes[0], &layouts[l], CLNORM_F32, CLNORM_F32);
            c.data = (data_kind)data;
            both_ways(&c);
            c.desc.lrn.beta = 0.25f; /* whose powers of 3e38 are not 0 */
            both_ways(&c);
            c.desc.lrn.alpha = 1.0f;
            c.desc.lrn.beta = 0.6f;
            c.desc.lrn.k = 0.0f; /* nothing hides a small x */
            if (data != DATA_ZEROS && data != DATA_TINY)
                both_ways(&c);
        }
}
END_TEST

START_TEST(exponents)
{
    static const float betas[] = { 0.5f, 1.0f, 0.6f, 2.5f, 0.0f }, ks[] = { 1.0f, 1e-3f, 300.0f };
    for (size_t b = 0; b < CLN_COUNT(betas); b++)
        for (size_t k = 0; k < CLN_COUNT(ks); k++)
            for (size_t l = 0; l < 2; l++) {
                op_case c = make(shapes[0], &layouts[l], CLNORM_F32, CLNORM_F32);
                c.desc.lrn.alpha = 2.0f;
                c.desc.lrn.beta = betas[b];
                c.desc.lrn.k = ks[k];
                if (has_layout(&c, l, b))
                    both_ways(&c);
            }
}
END_TEST

/* What layers put around the window: relu, a smooth activation, a residual on either side, sums that go on.
 */
START_TEST(fused)
{
    static const uint32_t acts[] = { CLNORM_ACT_NONE, CLNORM_RELU, CLNORM_SILU };
    for (size_t l = 0; l < 2; l++)
        for (size_t a = 0; a < CLN_COUNT(acts); a++)
            for (uint32_t residual = 0; residual <= CLNORM_RESIDUAL_AFTER; residual++) {
                op_case c = make(shapes[harness_small() ? 4 : 0], &layouts[l], CLNORM_F32, CLNORM_F32);
                c.desc.lrn.alpha = 1.0f;
                c.desc.lrn.layer.act = acts[a];
                c.desc.lrn.layer.residual = residual;
                c.desc.lrn.layer.accumulate = residual ? 1u << CLNORM_DX | 1u << CLNORM_DRESIDUAL : 0;
                if (!has_layout(&c, l, a + residual))
                    continue;
                both_ways(&c);
                c.absent = 1u << CLNORM_MASK;
                if (acts[a] == CLNORM_RELU)
                    both_ways(&c);
            }
}
END_TEST

START_TEST(quantized)
{
    for (size_t l = 0; l < 2; l++) {
        op_case c = make(shapes[0], &layouts[l], CLNORM_F32, CLNORM_U8);
        c.desc.lrn.layer.out_scale = 0.02f;
        c.desc.lrn.layer.out_zero = 100.0f;
        harness_run(harness_get(), &c);
    }
}
END_TEST

/* 1-D, 2-D, 3-D and 5-D. */
START_TEST(ranks)
{
    static const int64_t shape[][5] = { { 19 }, { 70, 5 }, { 6, 5, 7 }, { 0 }, { 2, 6, 3, 2, 5 } };
    for (uint32_t ndim = 1; ndim <= 5; ndim++) {
        op_case c = make(shapes[0], &layouts[0], CLNORM_F32, CLNORM_F32);
        if (ndim == 4)
            continue;
        memset(&c.desc.head.x, 0, sizeof c.desc.head.x);
        c.desc.head.x.dtype = CLNORM_F32;
        c.desc.head.x.ndim = ndim;
        memcpy(c.desc.head.x.shape, shape[ndim - 1], ndim * sizeof(int64_t));
        c.desc.head.y = c.desc.head.x;
        c.view = "rank";
        both_ways(&c);
    }
}
END_TEST

/* After all cases above. */
START_TEST(frozen_bits)
{
    record_schedules(clnorm_op_of(CLNORM_OP_LRN));
    record_frozen(clnorm_op_of(CLNORM_OP_LRN));
}
END_TEST

/* ---- one set of bits over layouts ---- */

#define N 2
#define C 37
#define HW 45
#define ALL (N * C * HW)

static void run_layout(clnorm_context *ctx, const clnorm_lrn *op, bool last, const float *x, const float *dy,
                       float *out)
{
    const bool back = op->op.direction == CLNORM_BACKWARD;
    static float a[ALL], b[ALL], c[ALL];
    clnorm_lrn d = *op;
    clnorm_host_args io;
    d.x = d.y = last ? clnorm_nhwc(CLNORM_F32, N, C, 5, 9) : clnorm_nchw(CLNORM_F32, N, C, 5, 9);
    memset(&io, 0, sizeof io);
    io.size = sizeof io;
    io.slot[CLNORM_X] = a;
    io.slot[back ? CLNORM_DY : CLNORM_Y] = b;
    io.slot[CLNORM_DX] = back ? c : NULL;
#define PLACE(i) (last ? ((i) / (C * HW) * HW + (i) % HW) * C + (i) / HW % C : (i))
    for (int i = 0; i < ALL; i++) {
        a[PLACE(i)] = x[i];
        b[PLACE(i)] = dy[i];
    }
    ck_assert_msg(clnorm_run_host(ctx, &d.op, &io) == CLNORM_OK, "%s", clnorm_last_error(NULL));
    for (int i = 0; i < ALL; i++)
        out[i] = (back ? c : b)[PLACE(i)];
#undef PLACE
}

START_TEST(same_bits_in_every_layout)
{
    static const float betas[] = { 0.75f, 0.5f, 1.0f, 0.3f };
    static float x[ALL], dy[ALL], out[2][ALL];
    clnorm_options o;
    clnorm_context *ctx;
    uint32_t state = 5;
    memset(&o, 0, sizeof o);
    o.size = sizeof o;
    o.flags = CLNORM_LAZY | CLNORM_CACHE_OFF;
    ck_assert_int_eq(clnorm_open(&ctx, getenv("CLNORM_TEST_DEVICE"), &o), CLNORM_OK);
    for (int i = 0; i < ALL; i++) { /* sizes far apart, so that some windows leave the usual range */
        const double size = ldexp(1.0, (int)(data_random(&state) * 5) * 30 - 60);
        x[i] = (float)(size * data_bell(&state));
        dy[i] = (float)data_bell(&state);
    }
    for (uint32_t k = 0; k < CLN_COUNT(betas) * 2; k++) {
        clnorm_lrn d = CLNORM_LRN_INIT;
        d.alpha = 1.0f;
        d.beta = betas[k / 2];
        d.op.direction = k % 2;
        run_layout(ctx, &d, false, x, dy, out[0]);
        run_layout(ctx, &d, true, x, dy, out[1]);
        for (int i = 0; i < ALL; i++)
            ck_assert_msg(!memcmp(&out[0][i], &out[1][i], sizeof(float)),
                          "direction %u beta %g element %d: %.9g channels first, %.9g channels last", k % 2,
                          (double)d.beta, i, (double)out[0][i], (double)out[1][i]);
    }
    clnorm_close(ctx);
}
END_TEST

/* ---- what is refused ---- */

START_TEST(refused)
{
    clnorm_any d;
    clnorm_op_init(&d, CLNORM_OP_LRN);
    d.head.x = d.head.y = clnorm_nchw(CLNORM_F32, 1, 3, 2, 2);
    d.lrn.window = 4;
    ck_assert_int_eq(clnorm_op_check(&d), CLNORM_EARG);
    ck_assert_ptr_nonnull(strstr(clnorm_last_error(NULL), "odd"));
    d.lrn.lean = CLNORM_LEAN_LEFT;
    ck_assert_int_eq(clnorm_op_check(&d), CLNORM_OK);
    d.lrn.lean = 3;
    ck_assert_int_eq(clnorm_op_check(&d), CLNORM_EARG);
    d.lrn.lean = 0;
    d.lrn.window = 0;
    ck_assert_int_eq(clnorm_op_check(&d), CLNORM_EARG);
    ck_assert_ptr_nonnull(strstr(clnorm_last_error(NULL), "window"));
    d.lrn.window = 5;
    d.lrn.k = -1.0f;
    ck_assert_int_eq(clnorm_op_check(&d), CLNORM_EARG);
}
END_TEST

/* A window reads what was written, so y is never x. */
START_TEST(not_in_place)
{
    harness *h = harness_get();
    clnorm_lrn d = CLNORM_LRN_INIT;
    clnorm_args args = CLNORM_ARGS_INIT;
    clnorm_plan *plan;
    cl_int code;
    d.x = d.y = clnorm_nchw(CLNORM_F32, 1, 3, 4, 4);
    ck_assert_int_eq(clnorm_lrn_plan(&plan, h->ctx, &d, CLNORM_ESTIMATE), CLNORM_OK);
    cl_mem mem = clCreateBuffer(h->cl, CL_MEM_READ_WRITE, 48 * sizeof(float), NULL, &code);
    ck_assert_int_eq(code, CL_SUCCESS);
    args.slot[CLNORM_X].mem = args.slot[CLNORM_Y].mem = mem;
    ck_assert_int_eq(clnorm_enqueue(plan, h->queue, &args, 0, NULL, NULL), CLNORM_EBUFFER);
    clReleaseMemObject(mem);
    clnorm_plan_release(plan);
}
END_TEST

START_TEST(batches) { batch_run(CLNORM_OP_LRN); }
END_TEST

static Suite *suite(void)
{
    TCase *t =
        SUITE_CASE(layouts_and_shapes, windows_and_sides, types, hostile_data, exponents, fused, quantized,
                   ranks, frozen_bits, same_bits_in_every_layout, refused, not_in_place, batches);
    tcase_set_timeout(t, 0);
    return suite_of("lrn", t);
}
SUITE_MAIN(suite)

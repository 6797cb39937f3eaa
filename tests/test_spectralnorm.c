/* test_spectralnorm.c -- spectralnorm beside the reference; the reference's gradient beside differences; bad data. */
#define _POSIX_C_SOURCE 200809L
#include "matrix_case.h"

#include <math.h>
#include <stdio.h>

#define BIT(slot) (1u << CLNORM_##slot)
static const uint32_t moved[2] = { CLNORM_U, CLNORM_V };

static clnorm_tensor conv(uint32_t dtype, int64_t a, int64_t b, int64_t c, int64_t d)
{
    return clnorm_nchw((clnorm_dtype)dtype, a, b, c, d);
}

static clnorm_spectralnorm described(const clnorm_tensor *x, uint32_t dim, uint32_t mode, uint32_t iterations)
{
    clnorm_spectralnorm d = CLNORM_SPECTRALNORM_INIT;
    d.x = d.y = *x;
    d.dim = dim;
    d.mode = mode;
    d.iterations = iterations;
    return d;
}

/* Both ways. Sums of n rounded products, divided by sigma, which is well above 1: 1e-5 is ten times what is seen. */
static void check(const clnorm_spectralnorm *d)
{
    char what[160];
    for (uint32_t back = 0; back < 2; back++)
        for (uint32_t given = 0; given <= back; given++) {
            clnorm_spectralnorm own = *d;
            own.op.direction = back;
            snprintf(what, sizeof what, "(%lld,%lld,..) dim %u mode %u iterations %u%s%s",
                     (long long)d->x.shape[0], (long long)d->x.shape[1], d->dim, d->mode, d->iterations,
                     back ? " backward" : "", given ? " given sigma" : "");
            matrix_case m = matrix_open(&own.op, BIT(FAULT) | (back && !given ? 0 : BIT(SIGMA)));
            if (given)
                *(float *)m.data[CLNORM_SIGMA] = 3.5f;
            OK(matrix_device(&m));
            matrix_reference(&m, moved);
            matrix_judge(&m, 2e-5, what);
            matrix_close(&m);
        }
}

START_TEST(matrices)
{
    static const int64_t shapes[][4] = { { 1, 1, 1, 1 },    { 5, 7, 1, 1 },   { 33, 100, 1, 1 },
                                         { 64, 3, 3, 3 },   { 16, 20, 5, 5 }, { 2, 2000, 1, 1 },
                                         { 300, 17, 1, 1 }, { 128, 64, 3, 3 } };
    for (size_t k = 0; k < CLN_COUNT(shapes); k++)
        for (uint32_t dim = 0; dim < 2; dim++)
            for (uint32_t mode = CLNORM_TRAIN; mode <= CLNORM_EVAL; mode++) {
                const clnorm_tensor x =
                    conv(CLNORM_F32, shapes[k][0], shapes[k][1], shapes[k][2], shapes[k][3]);
                const clnorm_spectralnorm d = described(&x, dim, mode, 1 + (uint32_t)k % 3 * 2);
                check(&d);
            }
}
END_TEST

START_TEST(ranks_strides_and_types)
{
    clnorm_tensor x = clnorm_rows(CLNORM_F32, 40, 90);
    clnorm_spectralnorm d = described(&x, 1, CLNORM_TRAIN, 2);
    check(&d);
    x = clnorm_nhwc(CLNORM_F32, 24, 10, 3, 3);
    for (uint32_t dim = 0; dim < 4; dim++) {
        d = described(&x, dim, CLNORM_TRAIN, 2);
        d.y = conv(CLNORM_F32, 24, 10, 3, 3); /* lies otherwise */
        check(&d);
    }
    const clnorm_tensor cube = { CLNORM_F32, 5, { 6, 5, 4, 3, 2 }, { 0 }, 0 };
    for (uint32_t dim = 0; dim < 5; dim++) {
        d = described(&cube, dim, CLNORM_TRAIN, 1);
        check(&d);
    }
    for (uint32_t dtype = CLNORM_F16; dtype <= CLNORM_BF16; dtype++) {
        x = conv(dtype, 48, 12, 3, 3);
        d = described(&x, 0, CLNORM_TRAIN, 1);
        check(&d);
        d.y.dtype = CLNORM_F32;
        check(&d);
    }
}
END_TEST

/* With iterations enough sigma is the largest singular value: here, of a diagonal with known ones. */
START_TEST(sigma_is_the_norm)
{
    const clnorm_tensor x = clnorm_rows(CLNORM_F32, 6, 9);
    const clnorm_spectralnorm d = described(&x, 0, CLNORM_TRAIN, 60);
    matrix_case m = matrix_open(&d.op, BIT(SIGMA));
    memset(m.data[CLNORM_X], 0, 6 * 9 * 4);
    for (int i = 0; i < 6; i++)
        ((float *)m.data[CLNORM_X])[i * 9 + i] = i == 2 ? -7.0f : 0.5f * (float)i;
    OK(matrix_device(&m));
    ck_assert_float_eq_tol(*(float *)m.data[CLNORM_SIGMA], 7.0f, 1e-5f);
    ck_assert_float_eq_tol(((float *)m.data[CLNORM_Y])[2 * 9 + 2], -1.0f, 1e-6f);
    matrix_close(&m);
}
END_TEST

/* L = sum of dy * y as a function of one weight, u and v held. */
static double loss(matrix_case *m, const double *dy, size_t count, size_t at, double step)
{
    float *x = (float *)m->data[CLNORM_X], was = x[at];
    double sum = 0;
    x[at] = (float)((double)was + step);
    memcpy(m->before[CLNORM_X], x, count * sizeof *x);
    matrix_reference(m, moved);
    for (size_t i = 0; i < count; i++)
        sum += dy[i] * m->want[CLNORM_Y][i];
    x[at] = was;
    return sum;
}

START_TEST(gradient_is_the_difference)
{
    const clnorm_tensor x = conv(CLNORM_F32, 4, 3, 2, 2);
    clnorm_spectralnorm d = described(&x, 1, CLNORM_EVAL, 1);
    matrix_case f = matrix_open(&d.op, 0);
    d.op.direction = CLNORM_BACKWARD;
    matrix_case b = matrix_open(&d.op, 0);
    double dy[48];
    for (size_t i = 0; i < 48; i++)
        dy[i] = (double)((float *)b.data[CLNORM_DY])[i];
    OK(matrix_device(&b));
    for (uint32_t s = 0; s < CLNORM_SLOTS; s++)
        if (f.data[s] && b.data[s]) {
            memcpy(f.data[s], b.data[s], matrix_room(&f.tensor[s]));
            memcpy(f.before[s], b.data[s], matrix_room(&f.tensor[s]));
        }
    for (size_t i = 0; i < 48; i++) {
        const double h = 1.0 / 4096, slope = (loss(&f, dy, 48, i, h) - loss(&f, dy, 48, i, -h)) / (2 * h);
        const double got = (double)((float *)b.data[CLNORM_DX])[i];
        ck_assert_msg(fabs(got - slope) <= 1e-3 * fmax(1, fabs(slope)), "dx %zu is %g, differences say %g", i,
                      got, slope);
    }
    matrix_close(&f);
    matrix_close(&b);
}
END_TEST

START_TEST(bad_data_is_said)
{
    const clnorm_tensor x = clnorm_rows(CLNORM_F32, 8, 20);
    for (uint32_t back = 0; back < 2; back++) {
        clnorm_spectralnorm d = described(&x, 0, CLNORM_TRAIN, 1);
        d.op.direction = back;
        const uint32_t out = back ? CLNORM_DX : CLNORM_Y;
        matrix_case m = matrix_open(&d.op, BIT(FAULT));
        memset(m.data[CLNORM_X], 0, 8 * 20 * 4);
        ck_assert_int_eq(matrix_device(&m), CLNORM_EDATA);
        SAYS("sigma is 0");
        ck_assert_float_eq(*(float *)m.data[CLNORM_FAULT], 2.0f);
        for (size_t i = 0; i < 160; i++)
            ck_assert_float_eq(((float *)m.data[out])[i], 0.0f);
        matrix_fill(&m.tensor[CLNORM_X], m.data[CLNORM_X], 3);
        ((float *)m.data[back ? CLNORM_DY : CLNORM_X])[77] = NAN;
        ck_assert_int_eq(matrix_device(&m), CLNORM_EDATA);
        SAYS("NaN");
        ck_assert_float_eq(*(float *)m.data[CLNORM_FAULT], 1.0f);
        for (size_t i = 0; i < 160; i++)
            ck_assert(isnan(((float *)m.data[out])[i]));
        matrix_close(&m);
    }
}
END_TEST

/* Where sigma is given, u and v are read for dx alone. */
START_TEST(bad_vectors_are_said)
{
    static const uint32_t slots[] = { CLNORM_U, CLNORM_V, CLNORM_SIGMA };
    const clnorm_tensor x = clnorm_rows(CLNORM_F32, 8, 20);
    clnorm_spectralnorm d = described(&x, 0, CLNORM_TRAIN, 1);
    d.op.direction = CLNORM_BACKWARD;
    for (size_t k = 0; k < CLN_COUNT(slots); k++)
        for (uint32_t given = 0; given <= (slots[k] != CLNORM_SIGMA); given++)
            for (int inf = 0; inf < 2; inf++) {
                matrix_case m = matrix_open(&d.op, BIT(FAULT) | (given ? 0 : BIT(SIGMA)));
                OK(matrix_device(&m));
                ((float *)m.data[slots[k]])[0] = inf ? -INFINITY : NAN;
                ck_assert_int_eq(matrix_device(&m), CLNORM_EDATA);
                ck_assert_float_eq(*(float *)m.data[CLNORM_FAULT], 1.0f);
                matrix_close(&m);
            }
}
END_TEST

/* Weights whose squares are no floats. */
START_TEST(large_and_small)
{
    static const float by[] = { 1e25f, 1e-25f };
    const clnorm_tensor x = clnorm_rows(CLNORM_F32, 8, 20);
    for (size_t k = 0; k < 2; k++) {
        clnorm_spectralnorm d = described(&x, 0, CLNORM_TRAIN, 3);
        d.eps = 0;
        matrix_case m = matrix_open(&d.op, BIT(FAULT));
        for (size_t i = 0; i < 160; i++)
            ((float *)m.data[CLNORM_X])[i] *= by[k];
        OK(matrix_device(&m));
        matrix_reference(&m, moved);
        matrix_judge(&m, 2e-5, "large or small");
        matrix_close(&m);
    }
}
END_TEST

/* Equal weights, whose sums are all of one sign: sigma is their norm. */
START_TEST(long_sums)
{
    static const int64_t shapes[][2] = { { 1, 300000 }, { 300000, 1 }, { 3, 100003 }, { 1000000, 4 } };
    for (size_t k = 0; k < CLN_COUNT(shapes); k++)
        for (uint32_t mode = CLNORM_TRAIN; mode <= CLNORM_EVAL; mode++) {
            const int64_t n = shapes[k][0] * shapes[k][1];
            const clnorm_tensor x = clnorm_rows(CLNORM_F32, shapes[k][0], shapes[k][1]);
            const clnorm_spectralnorm d = described(&x, 0, mode, 1);
            matrix_case m = matrix_open(&d.op, BIT(FAULT) | BIT(SIGMA));
            for (int64_t i = 0; i < n; i++)
                ((float *)m.data[CLNORM_X])[i] = 0.1f;
            for (uint32_t slot = 0; slot < 2; slot++)
                for (int64_t i = 0; i < shapes[k][slot]; i++)
                    ((float *)m.data[moved[slot]])[i] = (float)(1 / sqrt((double)shapes[k][slot]));
            OK(matrix_device(&m));
            const double sigma = *(const float *)m.data[CLNORM_SIGMA], norm = (double)0.1f * sqrt((double)n);
            ck_assert_msg(fabs(sigma / norm - 1) < 5e-6, "%lldx%lld, mode %u: sigma is %.9g, not %.9g",
                          (long long)shapes[k][0], (long long)shapes[k][1], mode, sigma, norm);
            matrix_close(&m);
        }
}
END_TEST

/* Of runs of three elements, and backward, of which dy along u v' has nothing left. */
START_TEST(long_sums_of_pieces)
{
    enum { K = 300000 };
    const clnorm_tensor pieces = { CLNORM_F32, 3, { 1, K, 3 }, { 3 * K, 1, K }, 0 },
                        row = clnorm_rows(CLNORM_F32, 1, K);
    clnorm_spectralnorm d = described(&pieces, 0, CLNORM_EVAL, 1);
    matrix_case m = matrix_open(&d.op, BIT(SIGMA));
    for (int64_t i = 0; i < 3 * K; i++) {
        ((float *)m.data[CLNORM_X])[i] = 0.0173f;
        ((float *)m.data[CLNORM_V])[i] = (float)(1 / sqrt(3.0 * K));
    }
    *(float *)m.data[CLNORM_U] = 1;
    OK(matrix_device(&m));
    const double sigma = *(const float *)m.data[CLNORM_SIGMA], norm = (double)0.0173f * sqrt(3.0 * K);
    ck_assert_msg(fabs(sigma / norm - 1) < 5e-6, "sigma is %.9g, not %.9g", sigma, norm);
    matrix_close(&m);
    d = described(&row, 0, CLNORM_EVAL, 1);
    d.op.direction = CLNORM_BACKWARD;
    m = matrix_open(&d.op, BIT(DX));
    for (int64_t i = 0; i < K; i++) {
        ((float *)m.data[CLNORM_X])[i] = 0.1f;
        ((float *)m.data[CLNORM_DY])[i] = 0.1f;
        ((float *)m.data[CLNORM_V])[i] = (float)(1 / sqrt((double)K));
    }
    *(float *)m.data[CLNORM_U] = 1;
    OK(matrix_device(&m));
    const double left = ((float *)m.data[CLNORM_DX])[K / 2],
                 size = (double)0.1f / ((double)0.1f * sqrt((double)K));
    ck_assert_msg(fabs(left) < 1e-5 * size, "%g is left of %g", left, size);
    matrix_close(&m);
}
END_TEST

START_TEST(bad_descriptors)
{
    const clnorm_tensor x = conv(CLNORM_F32, 4, 3, 2, 2), row = { CLNORM_F32, 1, { 5 }, { 0 }, 0 };
    clnorm_spectralnorm d = described(&row, 0, CLNORM_TRAIN, 1);
    matrix_refused(&d.op, CLNORM_ESHAPE, "l2norm");
    d = described(&x, 4, CLNORM_TRAIN, 1);
    matrix_refused(&d.op, CLNORM_ESHAPE, "dim is 4");
    d = described(&x, 0, 0, 1);
    matrix_refused(&d.op, CLNORM_EARG, "mode is 0");
    d = described(&x, 0, CLNORM_TRAIN, 0);
    matrix_refused(&d.op, CLNORM_EARG, "iterations is 0");
    d = described(&x, 0, CLNORM_TRAIN, 1);
    d.eps = -1;
    matrix_refused(&d.op, CLNORM_EARG, "eps");
    d.eps = NAN;
    matrix_refused(&d.op, CLNORM_EARG, "eps");
    d.eps = 0;
    d.x.dtype = CLNORM_U8;
    matrix_refused(&d.op, CLNORM_EDTYPE, "x");
    d.x.dtype = CLNORM_F32;
    d.y.shape[0] = 5;
    matrix_refused(&d.op, CLNORM_ESHAPE, "y");
    d.y = d.x;
    d.op.direction = 2;
    matrix_refused(&d.op, CLNORM_EARG, "direction");
}
END_TEST

/* Buffers on the caller's queues, in order and out of order, with a workspace of the caller's, y in x's place. */
START_TEST(enqueued)
{
    harness *h = harness_get();
    const clnorm_tensor x = conv(CLNORM_F32, 64, 16, 3, 3);
    const clnorm_spectralnorm d = described(&x, 0, CLNORM_TRAIN, 2);
    clnorm_plan *plan;
    cl_int code;
    OK(clnorm_spectralnorm_plan(&plan, h->ctx, &d, 0));
    matrix_case m = matrix_open(&d.op, BIT(SIGMA));
    memcpy(m.before[CLNORM_X], m.data[CLNORM_X], matrix_room(&x));
    memcpy(m.before[CLNORM_U], m.data[CLNORM_U], 64 * 4);
    memcpy(m.before[CLNORM_V], m.data[CLNORM_V], 144 * 4);
    matrix_reference(&m, moved);
    for (int k = 0; k < 4; k++) {
        clnorm_args args = CLNORM_ARGS_INIT;
        const cl_command_queue queue = k & 1 && h->unordered ? h->unordered : h->queue;
        cl_event gate = clCreateUserEvent(h->cl, &code), done;
        for (uint32_t s = 0; s < CLNORM_SLOTS; s++)
            if (m.data[s])
                args.slot[s].mem = clCreateBuffer(h->cl, CL_MEM_COPY_HOST_PTR, matrix_room(&m.tensor[s]),
                                                  m.before[s], &code);
        clReleaseMemObject(args.slot[CLNORM_Y].mem);
        args.slot[CLNORM_Y] = args.slot[CLNORM_X];
        if (k & 2)
            args.workspace.mem =
                clCreateBuffer(h->cl, CL_MEM_READ_WRITE, clnorm_plan_workspace(plan), NULL, &code);
        OK(clnorm_enqueue(plan, queue, &args, 1, &gate, &done));
        clSetUserEventStatus(gate, CL_COMPLETE);
        ck_assert_int_eq(clWaitForEvents(1, &done), CL_SUCCESS);
        clEnqueueReadBuffer(h->queue, args.slot[CLNORM_Y].mem, CL_TRUE, 0, matrix_room(&x), m.data[CLNORM_Y],
                            0, NULL, NULL);
        ck_assert_double_le(matrix_error(&m, CLNORM_Y), 2e-5);
        clReleaseEvent(gate);
        clReleaseEvent(done);
        args.slot[CLNORM_Y].mem = NULL;
        for (uint32_t s = 0; s < CLNORM_SLOTS; s++)
            if (args.slot[s].mem)
                clReleaseMemObject(args.slot[s].mem);
        if (args.workspace.mem)
            clReleaseMemObject(args.workspace.mem);
    }
    char text[512];
    clnorm_plan_describe(plan, text, sizeof text);
    ck_assert_ptr_nonnull(strstr(text, "spectralnorm: steps"));
    clnorm_plan_release(plan);
    matrix_close(&m);
}
END_TEST

/* Parts of the side that is swept, of 16 rows and more each: less than what x takes. */
START_TEST(workspace_is_small)
{
    static const int64_t sizes[][2] = { { 16, 100000 }, { 100000, 16 }, { 512, 4608 } };
    for (size_t k = 0; k < CLN_COUNT(sizes); k++) {
        const clnorm_tensor x = clnorm_rows(CLNORM_F32, sizes[k][0], sizes[k][1]);
        const clnorm_spectralnorm d = described(&x, 0, CLNORM_TRAIN, 1);
        const int64_t most = sizes[k][0] > sizes[k][1] ? sizes[k][0] : sizes[k][1];
        clnorm_plan *plan;
        OK(clnorm_spectralnorm_plan(&plan, matrix_context(), &d, 0));
        ck_assert_uint_le(clnorm_plan_workspace(plan),
                          clnorm_tensor_bytes(&x) / 16 + (size_t)most * 4 + 1024);
        clnorm_plan_release(plan);
    }
}
END_TEST

/* Groups of many items, as a GPU has them. */
START_TEST(wide_groups)
{
    static const uint32_t vecs[] = { 4, 1 };
    clnorm_context *ctx = matrix_context();
    const cln_params params = ctx->params;
    for (size_t k = 0; k < 2; k++)
        for (uint32_t dim = 0; dim < 2; dim++)
            for (uint32_t mode = CLNORM_TRAIN; mode <= CLNORM_EVAL; mode++) {
                const clnorm_tensor x = conv(CLNORM_F32, 37 + (int64_t)k, 21, 5, 5);
                const clnorm_spectralnorm d = described(&x, dim, mode, 2);
                ctx->params.wg = 64;
                ctx->params.vec = vecs[k];
                check(&d);
            }
    ctx->params = params;
}
END_TEST

static Suite *spectralnorm_suite(void)
{
    return suite_of("spectralnorm",
                    SUITE_CASE(matrices, ranks_strides_and_types, sigma_is_the_norm,
                               gradient_is_the_difference, bad_data_is_said, bad_vectors_are_said,
                               large_and_small, long_sums, long_sums_of_pieces, bad_descriptors, enqueued,
                               workspace_is_small, wide_groups));
}

SUITE_MAIN(spectralnorm_suite)

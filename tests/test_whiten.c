/* test_whiten.c -- whitening: what is fitted on the device and what it makes of data, against src/ref in double.
 *
 * The bounds are those of the task, of matrices that are well conditioned: 1e-4 of the largest value, and 1e-3 of the identity
 * for the covariance of what comes out. */
#define _POSIX_C_SOURCE 200809L
#include "api_case.h"

#include "ref/whiten.h"

#include <math.h>
#include <stdlib.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static clnorm_context *ctx;

static void open_device(void)
{
    const clnorm_options o = lazy();
    OK(clnorm_open(&ctx, getenv("CLNORM_TEST_DEVICE"), &o));
}
static void close_device(void) { clnorm_close(ctx); }

static void *room(size_t bytes)
{
    void *p = calloc(bytes ? bytes : 1, 1);
    ck_assert_ptr_nonnull(p);
    return p;
}

static double random_of(uint64_t *state) /* near normal, variance 1 */
{
    double sum = 0;
    for (int i = 0; i < 12; i++) {
        *state = *state * 6364136223846793005u + 1442695040888963407u;
        sum += (double)(*state >> 40) / (double)(1 << 24);
    }
    return sum - 6;
}

/* ---- one case ------------------------------------------------------------------------------------ */

typedef struct cell {
    uint32_t samples, patch, stride, form, components;
    int64_t n, c, h, w; /* h 0: rows (N,C) */
    bool last;          /* channels */
    uint32_t dtype;
    double mean, std;
    bool as_image; /* y has x's shape */
} cell;

static const cell cells[] = {
    { CLNORM_PIXELS, 0, 0, CLNORM_ZCA, 0, 500, 7, 0, 0, false, CLNORM_F32, 3, 2, false },
    { CLNORM_PIXELS, 0, 0, CLNORM_PCA, 0, 500, 7, 0, 0, false, CLNORM_F32, -3, 2, false },
    { CLNORM_PIXELS, 0, 0, CLNORM_PCA, 3, 500, 7, 0, 0, false, CLNORM_F32, 0, 1, false },
    { CLNORM_PIXELS, 0, 0, CLNORM_ZCA, 0, 4, 3, 9, 11, false, CLNORM_F32, 1, 0.25, false },
    { CLNORM_PIXELS, 0, 0, CLNORM_ZCA, 0, 4, 3, 9, 11, true, CLNORM_U8, 120, 30, false },
    { CLNORM_PIXELS, 0, 0, CLNORM_PCA, 0, 3, 17, 12, 8, false, CLNORM_F16, 1, 0.5, false },
    { CLNORM_PIXELS, 0, 0, CLNORM_ZCA, 0, 3, 17, 12, 8, true, CLNORM_BF16, 1, 0.5, false },
    { CLNORM_PIXELS, 0, 0, CLNORM_ZCA, 0, 1000, 70, 0, 0, false, CLNORM_F32, 1e3, 1, false },
    { CLNORM_PIXELS, 0, 0, CLNORM_ZCA, 0, 900, 3, 0, 0, false, CLNORM_F32, 1e6, 1, false },
    { CLNORM_PIXELS, 0, 0, CLNORM_ZCA, 0, 900, 3, 0, 0, false, CLNORM_F32, 0, 1e-12, false },
    { CLNORM_PATCHES, 3, 1, CLNORM_ZCA, 0, 6, 2, 10, 12, false, CLNORM_F32, 1, 1, false },
    { CLNORM_PATCHES, 2, 0, CLNORM_ZCA, 0, 20, 3, 6, 8, false, CLNORM_F32, 1, 1, true },
    { CLNORM_PATCHES, 2, 0, CLNORM_PCA, 5, 20, 3, 7, 9, true, CLNORM_U8, 128, 40, false },
    { CLNORM_PATCHES, 4, 2, CLNORM_PCA, 0, 30, 1, 10, 10, false, CLNORM_U16, 30000, 9000, false },
    { CLNORM_IMAGES, 0, 0, CLNORM_ZCA, 0, 600, 3, 4, 4, false, CLNORM_F32, 1, 1, true },
    { CLNORM_IMAGES, 0, 0, CLNORM_ZCA, 0, 600, 3, 4, 4, true, CLNORM_U8, 128, 40, true },
    { CLNORM_IMAGES, 0, 0, CLNORM_PCA, 10, 600, 3, 4, 4, true, CLNORM_F32, 1, 1, false },
};

static clnorm_tensor tensor_of(const cell *k, int64_t n, uint32_t dtype)
{
    if (!k->h)
        return clnorm_rows((clnorm_dtype)dtype, n, k->c);
    return (k->last ? clnorm_nhwc : clnorm_nchw)((clnorm_dtype)dtype, n, k->c, k->h, k->w);
}

/* Values that follow each other in memory are correlated, and each channel has a scale of its own. */
static void *data_of(const cell *k, uint64_t seed)
{
    const clnorm_tensor t = tensor_of(k, k->n, k->dtype);
    const int64_t count = clnorm_tensor_count(&t);
    void *x = room(clnorm_tensor_bytes(&t));
    double before = 0;
    for (int64_t i = 0; i < count; i++) {
        before = 0.5 * before + random_of(&seed);
        ref_set(k->dtype, x, i, k->mean + k->std * before * (1 + 0.1 * (double)(i % 3)));
    }
    return x;
}

static clnorm_whiten task_of(const cell *k, uint32_t task)
{
    clnorm_whiten d = CLNORM_WHITEN_INIT;
    d.task = task;
    d.samples = k->samples;
    d.patch = k->patch;
    d.stride = k->stride;
    return d;
}

typedef struct fitted {
    size_t dims, outputs;
    clnorm_whiten_stats stats;
    clnorm_whitener w;
} fitted;

static void make_room(fitted *f, size_t dims)
{
    const clnorm_whitener none = CLNORM_WHITENER_INIT;
    f->dims = dims;
    f->w = none;
    f->stats = (clnorm_whiten_stats){ sizeof f->stats, (uint32_t)dims, 0, (float *)room(8 * dims),
                                      (float *)room(8 * dims * dims) };
    f->w.whitener = (float *)room(4 * dims * dims);
    f->w.inverse = (float *)room(4 * dims * dims);
    f->w.eigenvalues = (float *)room(4 * dims);
}

static void free_room(fitted *f)
{
    free(f->stats.mean);
    free(f->stats.m2);
    free(f->w.whitener);
    free(f->w.inverse);
    free(f->w.eigenvalues);
}

static clnorm_host_args host_args(void *x)
{
    clnorm_host_args io;
    memset(&io, 0, sizeof io);
    io.size = sizeof io;
    io.slot[CLNORM_X] = x;
    return io;
}

static void add_batch(fitted *f, clnorm_whiten d, clnorm_tensor x, void *data)
{
    clnorm_host_args io = host_args(data);
    d.x = x;
    io.slot[CLNORM_COUNT] = &f->stats.count;
    io.slot[CLNORM_MEAN] = f->stats.mean;
    io.slot[CLNORM_M2] = f->stats.m2;
    OK(clnorm_run_host(ctx, &d.op, &io));
}

/* The data in three batches, of which the last is the longest. */
static void fit_batches(fitted *f, const cell *k, unsigned char *x)
{
    const clnorm_tensor all = tensor_of(k, k->n, k->dtype);
    const size_t bytes = clnorm_tensor_bytes(&all) / (size_t)k->n;
    const int64_t ends[] = { 0, 1, k->n / 3 > 1 ? k->n / 3 : 2, k->n };
    for (size_t b = 0; b + 1 < COUNT(ends); b++)
        add_batch(f, task_of(k, CLNORM_FIT), tensor_of(k, ends[b + 1] - ends[b], k->dtype),
                  x + (size_t)ends[b] * bytes);
}

static clnorm_tensor outputs_of(const cell *k, const fitted *f)
{
    const clnorm_tensor x = tensor_of(k, k->n, CLNORM_F32);
    const int64_t p = k->samples == CLNORM_PATCHES  ? k->patch
                      : k->samples == CLNORM_PIXELS ? 1
                                                    : k->h,
                  q = k->samples == CLNORM_IMAGES ? k->w : p,
                  s = k->stride  ? k->stride
                      : k->patch ? k->patch
                                 : 1;
    if (k->as_image || !k->h)
        return k->as_image ? x : clnorm_rows(CLNORM_F32, k->n, f->w.outputs);
    return (k->last ? clnorm_nhwc : clnorm_nchw)(CLNORM_F32, k->n, f->w.outputs, (k->h - p) / s + 1,
                                                 (k->w - q) / s + 1);
}

/* The largest difference of count values, as a share of the largest `want`. */
static double worst(const float *got, const double *want, size_t count)
{
    double most = 0, error = 0;
    for (size_t i = 0; i < count; i++) {
        most = fmax(most, fabs(want[i]));
        error = fmax(error, isfinite(got[i]) ? fabs((double)got[i] - want[i]) : INFINITY);
    }
    return error / most;
}

typedef struct reference {
    double *x, *mean, *m2, *values, *vectors, *w;
    size_t count, dims;
} reference;

static reference refer(const cell *k, const void *x)
{
    const clnorm_whiten d = task_of(k, CLNORM_FIT);
    const clnorm_tensor t = tensor_of(k, k->n, k->dtype);
    reference r;
    r.x = ref_samples(&d, &t, x, &r.count, &r.dims);
    const size_t n = r.dims;
    r.mean = (double *)room(8 * (2 * n + 3 * n * n));
    r.values = r.mean + n;
    r.m2 = r.values + n;
    r.vectors = r.m2 + n * n;
    r.w = r.vectors + n * n;
    ref_moments_of(r.mean, r.m2, r.x, r.count, n);
    for (size_t i = 0; i < n * n; i++)
        r.w[i] = r.m2[i] / (double)(r.count - 1);
    ref_jacobi(r.values, r.vectors, r.w, n);
    return r;
}

static void free_reference(reference *r)
{
    free(r->x);
    free(r->mean);
}

static void check_stats(const fitted *f, const reference *r)
{
    const size_t n = r->dims;
    ck_assert_uint_eq(f->stats.count, r->count);
    for (size_t i = 0; i < n; i++) {
        const double std = sqrt(r->m2[i * n + i] / (double)r->count);
        const double mean = (double)f->stats.mean[i] + (double)f->stats.mean[n + i];
        ck_assert_msg(fabs(mean - r->mean[i]) <= 1e-5 * std, "mean %zu is %.9g, not %.9g", i, mean,
                      r->mean[i]);
        for (size_t j = 0; j < n; j++) {
            const double got = (double)f->stats.m2[i * n + j] + (double)f->stats.m2[n * n + i * n + j];
            ck_assert_msg(fabs(got - r->m2[i * n + j]) <= 1e-5 * sqrt(r->m2[i * n + i] * r->m2[j * n + j]),
                          "m2 %zu %zu is %.9g, not %.9g", i, j, got, r->m2[i * n + j]);
        }
    }
}

/* W (x - mean) of every sample in double, from the data alone. */
static double *whitened(const reference *r, const clnorm_whitener *how)
{
    const size_t n = r->dims, outputs = ref_whitener(r->w, how, r->values, r->vectors, n, false);
    double *y = (double *)room(8 * r->count * outputs);
    for (size_t i = 0; i < r->count; i++)
        for (size_t k = 0; k < outputs; k++)
            for (size_t j = 0; j < n; j++)
                y[i * outputs + k] += r->w[k * n + j] * (r->x[i * n + j] - r->mean[j]);
    return y;
}

/* Of the samples, outputs x outputs: how far from the identity, or from `diagonal`. */
static double from_identity(const double *y, size_t count, size_t outputs, const double *diagonal)
{
    double *mean = (double *)room(8 * outputs), *m2 = (double *)room(8 * outputs * outputs), error = 0;
    ref_moments_of(mean, m2, y, count, outputs);
    for (size_t i = 0; i < outputs; i++)
        for (size_t j = 0; j < outputs; j++) {
            const double want = i != j ? 0 : diagonal ? diagonal[i] : 1;
            error = fmax(error, fabs(m2[i * outputs + j] / (double)(count - 1) - want));
        }
    free(mean);
    free(m2);
    return error;
}

static void apply(clnorm_whiten d, void *x, float *mean, float *w, void *y)
{
    clnorm_host_args io = host_args(x);
    io.slot[CLNORM_MEAN] = mean;
    io.slot[CLNORM_WHITENER] = w;
    io.slot[CLNORM_Y] = y;
    OK(clnorm_run_host(ctx, &d.op, &io));
}

START_TEST(fits_and_whitens)
{
    const cell *k = &cells[_i];
    unsigned char *x = (unsigned char *)data_of(k, 1 + (uint64_t)_i);
    reference r = refer(k, x);
    fitted f;
    make_room(&f, r.dims);
    fit_batches(&f, k, x);
    check_stats(&f, &r);
    f.w.form = k->form;
    f.w.components = k->components;
    OK(clnorm_whiten_fit(&f.w, &f.stats));
    ck_assert_uint_eq(f.w.outputs, k->form == CLNORM_PCA && k->components ? k->components : r.dims);
    ck_assert_double_le(worst(f.w.eigenvalues, r.values, r.dims), 1e-5);
    ref_whitener(r.w, &f.w, r.values, r.vectors, r.dims, true);
    ck_assert_double_le(worst(f.w.inverse, r.w, r.dims * f.w.outputs), 1e-4);
    ref_whitener(r.w, &f.w, r.values, r.vectors, r.dims, false);
    ck_assert_double_le(worst(f.w.whitener, r.w, r.dims * f.w.outputs), 1e-4);

    clnorm_whiten d = task_of(k, CLNORM_WHITEN);
    d.x = tensor_of(k, k->n, k->dtype);
    d.y = outputs_of(k, &f);
    d.components = f.w.outputs;
    float *y = (float *)room(clnorm_tensor_bytes(&d.y));
    apply(d, x, f.stats.mean, f.w.whitener, y);
    const clnorm_whiten as_outputs =
        k->as_image ? task_of(k, CLNORM_WHITEN) : (clnorm_whiten)CLNORM_WHITEN_INIT;
    size_t count, outputs;
    double *const got = ref_samples(&as_outputs, &d.y, y, &count, &outputs);
    ck_assert_uint_eq(count, r.count);
    ck_assert_uint_eq(outputs, f.w.outputs);
    ck_assert_double_le(from_identity(got, count, outputs, NULL), 1e-3);
    double *const want = whitened(&r, &f.w);
    double most = 0, error = 0;
    for (size_t i = 0; i < count * outputs; i++) {
        most = fmax(most, fabs(want[i]));
        error = fmax(error, fabs(got[i] - want[i]));
    }
    ck_assert_msg(error <= 1e-4 * most, "y is off by %.3g of %.3g", error, most);

    clnorm_whiten back = task_of(k, CLNORM_UNWHITEN);
    if (!k->components && !(k->samples == CLNORM_PATCHES && k->stride)) {
        back.x = d.y;
        back.y = tensor_of(k, k->n, CLNORM_F32);
        float *again = (float *)room(clnorm_tensor_bytes(&back.y));
        apply(back, y, f.stats.mean, f.w.inverse, again);
        for (int64_t i = 0; i < clnorm_tensor_count(&back.y); i++)
            ck_assert_double_le(fabs((double)again[i] - ref_get(k->dtype, x, i)),
                                1e-4 * 6 * k->std + 1e-7 * fabs(k->mean));
        free(again);
    }
    free(want);
    free(got);
    free(y);
    free_room(&f);
    free_reference(&r);
    free(x);
}
END_TEST

/* ---- more than one chunk, other shapes of memory ------------------------------------------------- */

/* Rows enough for several chunks of a plan; views with gaps and negative strides. */
START_TEST(many_rows_and_views)
{
    enum { N = 3, H = 700, W = 900, PIXELS = N * H * W };
    uint64_t seed = 5;
    unsigned char *x = (unsigned char *)room((size_t)PIXELS * 4);
    for (size_t i = 0; i < (size_t)PIXELS * 4; i++)
        x[i] = (unsigned char)(((unsigned)(128 + 40 * random_of(&seed)) & 255u) / (1 + i % 4));
    clnorm_whiten d = CLNORM_WHITEN_INIT;
    d.task = CLNORM_FIT;
    d.x = clnorm_nhwc(CLNORM_U8, N, 3, H,
                      W); /* RGB inside RGBA, and the rows of an image from the last one up */
    d.x.stride[0] = (int64_t)H * W * 4;
    d.x.stride[2] = W * 4;
    d.x.stride[3] = 4;
    fitted f;
    make_room(&f, 3);
    add_batch(&f, d, d.x, x);
    size_t count, dims;
    double *samples = ref_samples(&d, &d.x, x, &count, &dims), mean[3], m2[9];
    ref_moments_of(mean, m2, samples, count, dims);
    ck_assert_uint_eq(f.stats.count, PIXELS);
    for (size_t i = 0; i < 9; i++)
        ck_assert_double_le(fabs((double)f.stats.m2[i] - m2[i]), 1e-5 * sqrt(m2[i / 3 * 4] * m2[i % 3 * 4]));
    OK(clnorm_whiten_fit(&f.w, &f.stats));
    d.task = CLNORM_WHITEN;
    d.y = clnorm_nchw(CLNORM_F32, N, 3, H, W);
    float *y = (float *)room((size_t)PIXELS * 12);
    apply(d, x, f.stats.mean, f.w.whitener, y);
    double *got = ref_samples(&d, &d.y, y, &count, &dims);
    ck_assert_double_le(from_identity(got, count, 3, NULL), 1e-3);
    clnorm_any checked;
    memcpy(&checked, &d, sizeof d);
    OK(clnorm_op_check(&checked));
    double *want = (double *)room((size_t)PIXELS * 24);
    ref_io io;
    memset(&io, 0, sizeof io);
    io.slot[CLNORM_X] = x;
    io.slot[CLNORM_MEAN] = f.stats.mean;
    io.slot[CLNORM_WHITENER] = f.w.whitener;
    io.slot[CLNORM_Y] = want;
    ck_assert(ref_run(&checked, &io));
    ck_assert_double_le(worst(y, want, (size_t)PIXELS * 3), 1e-6);
    free(want);
    free(got);
    free(samples);
    free(y);
    free(x);
    free_room(&f);
}
END_TEST

/* Two images of more patches than a chunk takes, which are split along their rows. */
START_TEST(many_patches)
{
    enum { N = 2, H = 1200, W = 600, P = 3, D = P * P };
    uint64_t seed = 11;
    float *x = (float *)room((size_t)N * H * W * 4);
    for (size_t i = 0; i < (size_t)N * H * W; i++)
        x[i] = (float)(random_of(&seed) + (i ? 0.5 * (double)x[i - 1] : 0));
    clnorm_whiten d = CLNORM_WHITEN_INIT;
    d.task = CLNORM_FIT;
    d.samples = CLNORM_PATCHES;
    d.patch = P;
    d.stride = 1;
    d.x = clnorm_nchw(CLNORM_F32, N, 1, H, W);
    clnorm_plan *plan;
    OK(clnorm_whiten_plan(&plan, ctx, &d, CLNORM_ESTIMATE));
    ck_assert_uint_lt(clnorm_plan_workspace(plan), (size_t)(H - 2) * (W - 2) * D * 4); /* of an image */
    clnorm_plan_release(plan);
    fitted f;
    make_room(&f, D);
    add_batch(&f, d, d.x, x);
    size_t count, dims;
    double *samples = ref_samples(&d, &d.x, x, &count, &dims), mean[D], m2[D * D];
    ref_moments_of(mean, m2, samples, count, dims);
    ck_assert_uint_eq(f.stats.count, count);
    for (size_t i = 0; i < D * D; i++)
        ck_assert_double_le(fabs((double)f.stats.m2[i] - m2[i]),
                            1e-5 * sqrt(m2[i / D * (D + 1)] * m2[i % D * (D + 1)]));
    free(samples);
    free(x);
    free_room(&f);
}
END_TEST

START_TEST(parts_merge)
{
    const cell *k = &cells[0];
    unsigned char *x = (unsigned char *)data_of(k, 9);
    fitted whole, a, b;
    make_room(&whole, 7);
    make_room(&a, 7);
    make_room(&b, 7);
    add_batch(&whole, task_of(k, CLNORM_FIT), tensor_of(k, 500, k->dtype), x);
    add_batch(&a, task_of(k, CLNORM_FIT), tensor_of(k, 100, k->dtype), x);
    add_batch(&b, task_of(k, CLNORM_FIT), tensor_of(k, 400, k->dtype), x + 100 * 7 * 4);
    fitted none;
    make_room(&none, 7);
    OK(clnorm_whiten_merge(&a.stats, &none.stats));
    OK(clnorm_whiten_merge(&a.stats, &b.stats));
    OK(clnorm_whiten_merge(&none.stats, &a.stats));
    ck_assert_uint_eq(none.stats.count, 500);
    for (size_t i = 0; i < 7; i++)
        ck_assert_double_le(fabs((double)none.stats.mean[i] - (double)whole.stats.mean[i]), 1e-6);
    for (size_t i = 0; i < 49; i++)
        ck_assert_double_le(fabs((double)none.stats.m2[i] - (double)whole.stats.m2[i]),
                            1e-6 * (double)whole.stats.m2[0]);
    free_room(&whole);
    free_room(&a);
    free_room(&b);
    free_room(&none);
    free(x);
}
END_TEST

/* ---- ill-conditioned data ------------------------------------------------------------------------ */

/* Channels 0 and 1 alike but for 1e-4, channel 3 constant: eps damps what is small and leaves what is large. */
START_TEST(eps_damps)
{
    enum { N = 4000, C = 4 };
    static float x[N * C], y[N * C];
    uint64_t seed = 3;
    for (size_t i = 0; i < N; i++) {
        const double a = random_of(&seed);
        x[i * C] = (float)(a + 10);
        x[i * C + 1] = (float)(a + 1e-4 * random_of(&seed));
        x[i * C + 2] = (float)(2 * random_of(&seed));
        x[i * C + 3] = 0.1f;
    }
    const cell k = { .n = N, .c = C, .dtype = CLNORM_F32 };
    fitted f;
    make_room(&f, C);
    add_batch(&f, task_of(&k, CLNORM_FIT), clnorm_rows(CLNORM_F32, N, C), x);
    ck_assert(f.stats.m2[15] == 0.0f); /* exactly */
    ck_assert_int_eq(clnorm_whiten_fit(&f.w, &f.stats), CLNORM_EDATA);
    SAYS("dimension 3 of the samples is constant");
    f.w.form = CLNORM_PCA;
    f.w.eps = 1e-3;
    OK(clnorm_whiten_fit(&f.w, &f.stats));
    clnorm_whiten d = CLNORM_WHITEN_INIT;
    d.x = d.y = clnorm_rows(CLNORM_F32, N, C);
    apply(d, x, f.stats.mean, f.w.whitener, y);
    size_t count, dims;
    double *got = ref_samples(&d, &d.y, y, &count, &dims), diagonal[C];
    for (size_t i = 0; i < C; i++)
        diagonal[i] = (double)f.w.eigenvalues[i] / ((double)f.w.eigenvalues[i] + f.w.eps);
    ck_assert_double_le(from_identity(got, N, C, diagonal), 1e-3);
    ck_assert(diagonal[1] > 0.999 && diagonal[2] < 1e-4 && diagonal[3] == 0);
    f.w.eps = 0;
    f.w.components = 2;
    OK(clnorm_whiten_fit(&f.w, &f.stats));
    ck_assert_uint_eq(f.w.outputs, 2);
    f.w.components = 4;
    f.w.eps = 1e-300;
    ck_assert_int_eq(clnorm_whiten_fit(&f.w, &f.stats), CLNORM_EDATA);
    SAYS("too small");
    free(got);
    free_room(&f);
}
END_TEST

START_TEST(few_samples)
{
    const cell k = { .n = 5, .c = 8, .std = 1, .dtype = CLNORM_F32 };
    float *x = (float *)data_of(&k, 4);
    fitted f;
    make_room(&f, 8);
    ck_assert_int_eq(clnorm_whiten_fit(&f.w, &f.stats), CLNORM_EDATA);
    SAYS("0 samples");
    add_batch(&f, task_of(&k, CLNORM_FIT), clnorm_rows(CLNORM_F32, 1, 8), x);
    f.w.eps = 1;
    ck_assert_int_eq(clnorm_whiten_fit(&f.w, &f.stats), CLNORM_EDATA);
    SAYS("1 sample;");
    f.w.eps = 0;
    add_batch(&f, task_of(&k, CLNORM_FIT), clnorm_rows(CLNORM_F32, 4, 8), x + 8);
    ck_assert_int_eq(clnorm_whiten_fit(&f.w, &f.stats), CLNORM_EDATA);
    SAYS("5 samples of 8 dimensions have a covariance of rank 4 at most");
    SAYS("4 components or fewer");
    for (f.w.components = 5; f.w.components >= 4; f.w.components--)
        ck_assert_int_eq(clnorm_whiten_fit(&f.w, &f.stats), f.w.components == 5 ? CLNORM_EDATA : CLNORM_OK);
    f.w.components = 0;
    f.w.eps = 1e-3;
    OK(clnorm_whiten_fit(&f.w, &f.stats));
    for (size_t i = 0; i < 64; i++)
        ck_assert(isfinite(f.w.whitener[i]) && isfinite(f.w.inverse[i]));
    for (size_t i = 0; i < 40; i++)
        x[i] = 7;
    f.stats.count = 0;
    add_batch(&f, task_of(&k, CLNORM_FIT), clnorm_rows(CLNORM_F32, 5, 8), x);
    f.w.eps = 0;
    ck_assert_int_eq(clnorm_whiten_fit(&f.w, &f.stats), CLNORM_EDATA);
    SAYS("all samples are the same");
    free(x);
    free_room(&f);
}
END_TEST

/* ---- what is refused ----------------------------------------------------------------------------- */

START_TEST(nan_is_said)
{
    static const float bad[] = { NAN, INFINITY, -INFINITY, 1e30f };
    const cell *k = &cells[0];
    for (size_t b = 0; b < COUNT(bad); b++) {
        float *x = (float *)data_of(k, 2);
        fitted f;
        make_room(&f, 7);
        x[7 * 123 + 4] = bad[b];
        add_batch(&f, task_of(k, CLNORM_FIT), tensor_of(k, 500, CLNORM_F32), x);
        ck_assert_int_eq(clnorm_whiten_fit(&f.w, &f.stats), CLNORM_EDATA);
        SAYS("dimension 4 of the samples has a NaN");
        clnorm_whiten d = CLNORM_WHITEN_INIT;
        clnorm_host_args io = host_args(x);
        float y[3500], w[49], mean[14] = { 0 };
        for (size_t i = 0; i < 49; i++)
            w[i] = 1e9f;
        d.x = d.y = clnorm_rows(CLNORM_F32, 500, 7);
        io.slot[CLNORM_MEAN] = mean;
        io.slot[CLNORM_WHITENER] = w;
        io.slot[CLNORM_Y] = y;
        ck_assert_int_eq(clnorm_run_host(ctx, &d.op, &io), CLNORM_EDATA);
        SAYS("NaN or infinity");
        ck_assert(!isfinite(y[7 * 123]) && isfinite(y[7 * 122]));
        x[7 * 123 + 4] = 1;
        OK(clnorm_run_host(ctx, &d.op, &io));
        free_room(&f);
        free(x);
    }
}
END_TEST

/* A NaN saturates to 0 in integers, an infinity to their end: FAULT says so as of floats, in the first chunk and in the last. */
START_TEST(nan_is_said_of_integers)
{
    enum { N = 800000, C = 4 };
    static const uint32_t dtypes[] = { CLNORM_U8, CLNORM_S8, CLNORM_F16 };
    static float x[N * C], w[C * C], mean[2 * C];
    static unsigned char y[N * C * 2];
    for (size_t i = 0; i < C; i++)
        w[i * C + i] = 1;
    for (size_t k = 0; k < COUNT(dtypes); k++)
        for (uint32_t task = CLNORM_WHITEN; task <= CLNORM_UNWHITEN; task++) {
            clnorm_whiten d = CLNORM_WHITEN_INIT;
            clnorm_host_args io = host_args(x);
            float fault = 7, *const places[] = { &x[5], &x[N * C - 1], &mean[2], &w[5] };
            d.task = task;
            d.x = clnorm_rows(CLNORM_F32, N, C);
            d.y = clnorm_rows((clnorm_dtype)dtypes[k], N, C);
            io.slot[CLNORM_MEAN] = mean;
            io.slot[CLNORM_WHITENER] = w;
            io.slot[CLNORM_Y] = y;
            io.slot[CLNORM_FAULT] = &fault;
            for (size_t p = 0; p < COUNT(places); p++) {
                const float was = *places[p];
                *places[p] = p & 1 ? INFINITY : NAN;
                ck_assert_int_eq(clnorm_run_host(ctx, &d.op, &io), CLNORM_EDATA);
                ck_assert_float_eq(fault, 1.0f);
                *places[p] = was;
            }
            x[3] = 300; /* saturates, which is no fault */
            OK(clnorm_run_host(ctx, &d.op, &io));
            ck_assert_float_eq(fault, 0.0f);
            x[3] = 0;
        }
}
END_TEST

static clnorm_status check(clnorm_whiten d)
{
    clnorm_any any;
    memcpy(&any, &d, sizeof d);
    return clnorm_op_check(&any);
}

#define REFUSES(status, word, ...)                 \
    do {                                           \
        clnorm_whiten d = CLNORM_WHITEN_INIT;      \
        d.x = clnorm_nchw(CLNORM_F32, 2, 3, 8, 8); \
        d.y = clnorm_nchw(CLNORM_F32, 2, 3, 8, 8); \
        __VA_ARGS__;                               \
        ck_assert_int_eq(check(d), status);        \
        SAYS(word);                                \
    } while (0)

START_TEST(shapes_are_refused)
{
    REFUSES(CLNORM_EARG, "task is 3", d.task = 3);
    REFUSES(CLNORM_EARG, "samples is 3", d.samples = 3);
    REFUSES(CLNORM_EARG, "patch is 2", d.patch = 2);
    REFUSES(CLNORM_EARG, "patch is 0", d.samples = CLNORM_PATCHES);
    REFUSES(CLNORM_ESHAPE, "8x8 pixels", d.samples = CLNORM_PATCHES; d.patch = 9);
    REFUSES(CLNORM_EARG, "components is 4", d.components = 4);
    REFUSES(CLNORM_ESHAPE, "(2,2,8,8)", d.components = 2);
    REFUSES(CLNORM_ESHAPE, "may be (2,12,4,4), or as the images", d.samples = CLNORM_PATCHES; d.patch = 2;
            d.y = clnorm_nchw(CLNORM_F32, 2, 12, 4, 5));
    REFUSES(CLNORM_ESHAPE, "side by side", d.samples = CLNORM_PATCHES; d.patch = 2; d.stride = 1;
            d.task = CLNORM_UNWHITEN; d.x = clnorm_nchw(CLNORM_F32, 2, 12, 7, 7));
    REFUSES(CLNORM_ESHAPE, "4096 are allowed", d.samples = CLNORM_IMAGES;
            d.x = clnorm_nchw(CLNORM_U8, 2, 3, 64, 64); d.task = CLNORM_FIT);
    REFUSES(CLNORM_ESHAPE, "x has 5 axes", d.x.ndim = 5; memset(d.x.stride, 0, sizeof d.x.stride);
            d.x.shape[4] = 1);
    REFUSES(CLNORM_EDTYPE, "s8", d.x.dtype = CLNORM_S8);
}
END_TEST

START_TEST(fits_are_refused)
{
    fitted f;
    make_room(&f, 2);
    f.stats.count = 9;
    ck_assert_int_eq(clnorm_whiten_fit(NULL, &f.stats), CLNORM_EARG);
    ck_assert_int_eq(clnorm_whiten_fit(&f.w, NULL), CLNORM_EARG);
    f.w.form = 2;
    ck_assert_int_eq(clnorm_whiten_fit(&f.w, &f.stats), CLNORM_EARG);
    SAYS("form is 2");
    f.w.form = 0;
    f.w.eps = -1;
    ck_assert_int_eq(clnorm_whiten_fit(&f.w, &f.stats), CLNORM_EARG);
    SAYS("eps is -1");
    f.w.eps = NAN;
    ck_assert_int_eq(clnorm_whiten_fit(&f.w, &f.stats), CLNORM_EARG);
    f.w.eps = 0;
    f.w.components = 3;
    ck_assert_int_eq(clnorm_whiten_fit(&f.w, &f.stats), CLNORM_EARG);
    SAYS("components is 3");
    f.stats.dims = 5000;
    ck_assert_int_eq(clnorm_whiten_fit(&f.w, &f.stats), CLNORM_EARG);
    SAYS("1 to 4096");
    f.stats.dims = 2;
    clnorm_whiten_stats other = f.stats;
    other.dims = 1;
    ck_assert_int_eq(clnorm_whiten_merge(&f.stats, &other), CLNORM_EARG);
    SAYS("must be equal");
    free_room(&f);
}
END_TEST

int main(void)
{
    TCase *t = SUITE_CASE(many_rows_and_views, many_patches, parts_merge, eps_damps, few_samples, nan_is_said,
                          nan_is_said_of_integers, shapes_are_refused, fits_are_refused);
    tcase_add_loop_test(t, fits_and_whitens, 0, (int)COUNT(cells));
    tcase_add_unchecked_fixture(t, open_device, close_device);
    tcase_set_timeout(t, 600);
    return suite_run(suite_of("whiten", t), CK_NOFORK);
}

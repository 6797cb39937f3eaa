/* test_whiten.c -- whitening: what is fitted on the device and what it makes of data, against src/ref in double.
 *
 * The bounds are those of the task, of matrices that are well conditioned: 1e-4 of the largest value, and 1e-3 of the identity
 * for the covariance of what comes out. */
#define _POSIX_C_SOURCE 200809L
#include "whiten_case.h"

static const whiten_cell cells[] = {
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

/* The data in three batches, of which the last is the longest. */
static void fit_batches(whiten_fitted *f, const whiten_cell *k, unsigned char *x)
{
    const clnorm_tensor all = whiten_tensor(k, k->n, k->dtype);
    const size_t bytes = clnorm_tensor_bytes(&all) / (size_t)k->n;
    const int64_t ends[] = { 0, 1, k->n / 3 > 1 ? k->n / 3 : 2, k->n };
    for (size_t b = 0; b + 1 < CLN_COUNT(ends); b++)
        whiten_add(f, whiten_task(k, CLNORM_FIT), whiten_tensor(k, ends[b + 1] - ends[b], k->dtype),
                   x + (size_t)ends[b] * bytes);
}

static clnorm_tensor outputs_of(const whiten_cell *k, const whiten_fitted *f)
{
    const clnorm_tensor x = whiten_tensor(k, k->n, CLNORM_F32);
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

typedef struct reference {
    double *x, *mean, *m2, *values, *vectors, *w;
    size_t count, dims;
} reference;

static reference refer(const whiten_cell *k, const void *x)
{
    const clnorm_whiten d = whiten_task(k, CLNORM_FIT);
    const clnorm_tensor t = whiten_tensor(k, k->n, k->dtype);
    reference r;
    r.x = ref_samples(&d, &t, x, &r.count, &r.dims);
    const size_t n = r.dims;
    r.mean = (double *)whiten_room(8 * (2 * n + 3 * n * n));
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

static void check_stats(const whiten_fitted *f, const reference *r)
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
    double *y = (double *)whiten_room(8 * r->count * outputs);
    for (size_t i = 0; i < r->count; i++)
        for (size_t k = 0; k < outputs; k++)
            for (size_t j = 0; j < n; j++)
                y[i * outputs + k] += r->w[k * n + j] * (r->x[i * n + j] - r->mean[j]);
    return y;
}

static void check_whitener(whiten_fitted *f, const whiten_cell *k, reference *r)
{
    f->w.form = k->form;
    f->w.components = k->components;
    OK(clnorm_whiten_fit(&f->w, &f->stats));
    ck_assert_uint_eq(f->w.outputs, k->form == CLNORM_PCA && k->components ? k->components : r->dims);
    ck_assert_double_le(whiten_worst(f->w.eigenvalues, r->values, r->dims), 1e-5);
    ref_whitener(r->w, &f->w, r->values, r->vectors, r->dims, true);
    ck_assert_double_le(whiten_worst(f->w.inverse, r->w, r->dims * f->w.outputs), 1e-4);
    ref_whitener(r->w, &f->w, r->values, r->vectors, r->dims, false);
    ck_assert_double_le(whiten_worst(f->w.whitener, r->w, r->dims * f->w.outputs), 1e-4);
}

/* y, whose covariance is the identity. */
static float *check_whitened(const whiten_fitted *f, const whiten_cell *k, const reference *r, void *x)
{
    clnorm_whiten d = whiten_task(k, CLNORM_WHITEN);
    d.x = whiten_tensor(k, k->n, k->dtype);
    d.y = outputs_of(k, f);
    d.components = f->w.outputs;
    float *y = (float *)whiten_room(clnorm_tensor_bytes(&d.y));
    whiten_apply(d, x, f->stats.mean, f->w.whitener, y);
    const clnorm_whiten as_outputs =
        k->as_image ? whiten_task(k, CLNORM_WHITEN) : (clnorm_whiten)CLNORM_WHITEN_INIT;
    size_t count, outputs;
    double *const got = ref_samples(&as_outputs, &d.y, y, &count, &outputs);
    ck_assert_uint_eq(count, r->count);
    ck_assert_uint_eq(outputs, f->w.outputs);
    ck_assert_double_le(whiten_from_identity(got, count, outputs, NULL), 1e-3);
    double *const want = whitened(r, &f->w);
    double most = 0, error = 0;
    for (size_t i = 0; i < count * outputs; i++) {
        most = fmax(most, fabs(want[i]));
        error = fmax(error, fabs(got[i] - want[i]));
    }
    ck_assert_msg(error <= 1e-4 * most, "y is off by %.3g of %.3g", error, most);
    free(want);
    free(got);
    return y;
}

/* The inverse gives x again, where no component is left out and patches lie side by side. */
static void check_unwhitened(const whiten_fitted *f, const whiten_cell *k, const void *x, float *y)
{
    if (k->components || (k->samples == CLNORM_PATCHES && k->stride))
        return;
    clnorm_whiten d = whiten_task(k, CLNORM_UNWHITEN);
    d.x = outputs_of(k, f);
    d.y = whiten_tensor(k, k->n, CLNORM_F32);
    float *again = (float *)whiten_room(clnorm_tensor_bytes(&d.y));
    whiten_apply(d, y, f->stats.mean, f->w.inverse, again);
    for (int64_t i = 0; i < clnorm_tensor_count(&d.y); i++)
        ck_assert_double_le(fabs((double)again[i] - ref_get(k->dtype, x, i)),
                            1e-4 * 6 * k->std + 1e-7 * fabs(k->mean));
    free(again);
}

START_TEST(fits_and_whitens)
{
    const whiten_cell *k = &cells[_i];
    unsigned char *x = (unsigned char *)whiten_data(k, 1 + (uint64_t)_i);
    reference r = refer(k, x);
    whiten_fitted f;
    whiten_make(&f, r.dims);
    fit_batches(&f, k, x);
    check_stats(&f, &r);
    check_whitener(&f, k, &r);
    float *y = check_whitened(&f, k, &r, x);
    check_unwhitened(&f, k, x, y);
    free(y);
    whiten_free(&f);
    free_reference(&r);
    free(x);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("all");
    tcase_add_loop_test(t, fits_and_whitens, 0, (int)CLN_COUNT(cells));
    whiten_chunks(t);
    whiten_fit(t);
    whiten_refused(t);
    tcase_add_unchecked_fixture(t, whiten_open, whiten_close);
    tcase_set_timeout(t, 600);
    return suite_run(suite_of("whiten", t), CK_NOFORK);
}

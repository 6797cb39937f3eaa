/* whiten_fit.c -- what a whitener is made of: parts that merge, eps, few samples, and what is refused. */
#define _POSIX_C_SOURCE 200809L
#include "whiten_case.h"

START_TEST(parts_merge)
{
    const whiten_cell k = { .n = 500, .c = 7, .mean = 3, .std = 2, .dtype = CLNORM_F32 };
    float *x = (float *)whiten_data(&k, 9);
    whiten_fitted whole, a, b;
    whiten_make(&whole, 7);
    whiten_make(&a, 7);
    whiten_make(&b, 7);
    whiten_add(&whole, whiten_task(&k, CLNORM_FIT), clnorm_rows(CLNORM_F32, 500, 7), x);
    whiten_add(&a, whiten_task(&k, CLNORM_FIT), clnorm_rows(CLNORM_F32, 100, 7), x);
    whiten_add(&b, whiten_task(&k, CLNORM_FIT), clnorm_rows(CLNORM_F32, 400, 7), x + 100 * 7);
    whiten_fitted none;
    whiten_make(&none, 7);
    OK(clnorm_whiten_merge(&a.stats, &none.stats));
    OK(clnorm_whiten_merge(&a.stats, &b.stats));
    OK(clnorm_whiten_merge(&none.stats, &a.stats));
    ck_assert_uint_eq(none.stats.count, 500);
    for (size_t i = 0; i < 7; i++)
        ck_assert_double_le(fabs((double)none.stats.mean[i] - (double)whole.stats.mean[i]), 1e-6);
    for (size_t i = 0; i < 49; i++)
        ck_assert_double_le(fabs((double)none.stats.m2[i] - (double)whole.stats.m2[i]),
                            1e-6 * (double)whole.stats.m2[0]);
    whiten_free(&whole);
    whiten_free(&a);
    whiten_free(&b);
    whiten_free(&none);
    free(x);
}
END_TEST

/* Channels 0 and 1 alike but for 1e-4, channel 3 constant: eps damps what is small and leaves what is large. */
START_TEST(eps_damps)
{
    enum { N = 4000, C = 4 };
    static float x[N * C], y[N * C];
    uint64_t seed = 3;
    for (size_t i = 0; i < N; i++) {
        const double a = whiten_random(&seed);
        x[i * C] = (float)(a + 10);
        x[i * C + 1] = (float)(a + 1e-4 * whiten_random(&seed));
        x[i * C + 2] = (float)(2 * whiten_random(&seed));
        x[i * C + 3] = 0.1f;
    }
    const whiten_cell k = { .n = N, .c = C, .dtype = CLNORM_F32 };
    whiten_fitted f;
    whiten_make(&f, C);
    whiten_add(&f, whiten_task(&k, CLNORM_FIT), clnorm_rows(CLNORM_F32, N, C), x);
    ck_assert(f.stats.m2[15] == 0.0f); /* exactly */
    ck_assert_int_eq(clnorm_whiten_fit(&f.w, &f.stats), CLNORM_EDATA);
    SAYS("dimension 3 of the samples is constant");
    f.w.form = CLNORM_PCA;
    f.w.eps = 1e-3;
    OK(clnorm_whiten_fit(&f.w, &f.stats));
    clnorm_whiten d = CLNORM_WHITEN_INIT;
    d.x = d.y = clnorm_rows(CLNORM_F32, N, C);
    whiten_apply(d, x, f.stats.mean, f.w.whitener, y);
    size_t count, dims;
    double *got = ref_samples(&d, &d.y, y, &count, &dims), diagonal[C];
    for (size_t i = 0; i < C; i++)
        diagonal[i] = (double)f.w.eigenvalues[i] / ((double)f.w.eigenvalues[i] + f.w.eps);
    ck_assert_double_le(whiten_from_identity(got, N, C, diagonal), 1e-3);
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
    whiten_free(&f);
}
END_TEST

START_TEST(few_samples)
{
    const whiten_cell k = { .n = 5, .c = 8, .std = 1, .dtype = CLNORM_F32 };
    float *x = (float *)whiten_data(&k, 4);
    whiten_fitted f;
    whiten_make(&f, 8);
    ck_assert_int_eq(clnorm_whiten_fit(&f.w, &f.stats), CLNORM_EDATA);
    SAYS("0 samples");
    whiten_add(&f, whiten_task(&k, CLNORM_FIT), clnorm_rows(CLNORM_F32, 1, 8), x);
    f.w.eps = 1;
    ck_assert_int_eq(clnorm_whiten_fit(&f.w, &f.stats), CLNORM_EDATA);
    SAYS("1 sample;");
    f.w.eps = 0;
    whiten_add(&f, whiten_task(&k, CLNORM_FIT), clnorm_rows(CLNORM_F32, 4, 8), x + 8);
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
    const float between = f.stats.m2[3 * 8 + 5];
    f.stats.m2[3 * 8 + 5] = f.stats.m2[5 * 8 + 3] = INFINITY; /* off the diagonal alone */
    ck_assert_int_eq(clnorm_whiten_fit(&f.w, &f.stats), CLNORM_EDATA);
    SAYS("dimension 3 of the samples has a NaN, an infinity");
    f.stats.m2[3 * 8 + 5] = f.stats.m2[5 * 8 + 3] = between;
    for (size_t i = 0; i < 40; i++)
        x[i] = 7;
    f.stats.count = 0;
    whiten_add(&f, whiten_task(&k, CLNORM_FIT), clnorm_rows(CLNORM_F32, 5, 8), x);
    f.w.eps = 0;
    ck_assert_int_eq(clnorm_whiten_fit(&f.w, &f.stats), CLNORM_EDATA);
    SAYS("all samples are the same");
    free(x);
    whiten_free(&f);
}
END_TEST

START_TEST(fits_are_refused)
{
    whiten_fitted f;
    whiten_make(&f, 2);
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
    whiten_free(&f);
}
END_TEST

void whiten_fit(TCase *t) { SUITE_ADD(t, parts_merge, eps_damps, few_samples, fits_are_refused); }

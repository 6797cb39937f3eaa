/* whiten_chunks.c -- samples that are more than one chunk of a plan, and lie anyhow. */
#define _POSIX_C_SOURCE 200809L
#include "whiten_case.h"

/* The sums of squares of what d fits are those in double; returns how many samples there are. */
static size_t check_m2(const whiten_fitted *f, const clnorm_whiten *d, const void *x)
{
    size_t count, dims;
    double *samples = ref_samples(d, &d->x, x, &count, &dims);
    double *mean = (double *)whiten_room(8 * (dims + dims * dims)), *m2 = mean + dims;
    ref_moments_of(mean, m2, samples, count, dims);
    ck_assert_uint_eq(f->stats.count, count);
    for (size_t i = 0; i < dims * dims; i++)
        ck_assert_double_le(fabs((double)f->stats.m2[i] - m2[i]),
                            1e-5 * sqrt(m2[i / dims * (dims + 1)] * m2[i % dims * (dims + 1)]));
    free(mean);
    free(samples);
    return count;
}

/* Rows enough for several chunks of a plan; views with gaps and negative strides. */
START_TEST(many_rows_and_views)
{
    enum { N = 3, H = 700, W = 900, PIXELS = N * H * W };
    uint64_t seed = 5;
    unsigned char *x = (unsigned char *)whiten_room((size_t)PIXELS * 4);
    for (size_t i = 0; i < (size_t)PIXELS * 4; i++)
        x[i] = (unsigned char)(((unsigned)(128 + 40 * whiten_random(&seed)) & 255u) / (1 + i % 4));
    clnorm_whiten d = CLNORM_WHITEN_INIT;
    d.task = CLNORM_FIT;
    d.x = clnorm_nhwc(CLNORM_U8, N, 3, H, W); /* RGB inside RGBA */
    d.x.stride[0] = (int64_t)H * W * 4;
    d.x.stride[2] = W * 4;
    d.x.stride[3] = 4;
    whiten_fitted f;
    whiten_make(&f, 3);
    whiten_add(&f, d, d.x, x);
    ck_assert_uint_eq(check_m2(&f, &d, x), PIXELS);
    OK(clnorm_whiten_fit(&f.w, &f.stats));
    d.task = CLNORM_WHITEN;
    d.y = clnorm_nchw(CLNORM_F32, N, 3, H, W);
    float *y = (float *)whiten_room((size_t)PIXELS * 12);
    whiten_apply(d, x, f.stats.mean, f.w.whitener, y);
    size_t count, dims;
    double *got = ref_samples(&d, &d.y, y, &count, &dims);
    ck_assert_double_le(whiten_from_identity(got, count, 3, NULL), 1e-3);
    clnorm_any checked;
    memcpy(&checked, &d, sizeof d);
    OK(clnorm_op_check(&checked));
    double *want = (double *)whiten_room((size_t)PIXELS * 24);
    ref_io io;
    memset(&io, 0, sizeof io);
    io.slot[CLNORM_X] = x;
    io.slot[CLNORM_MEAN] = f.stats.mean;
    io.slot[CLNORM_WHITENER] = f.w.whitener;
    io.slot[CLNORM_Y] = want;
    ck_assert(ref_run(&checked, &io));
    ck_assert_double_le(whiten_worst(y, want, (size_t)PIXELS * 3), 1e-6);
    free(want);
    free(got);
    free(y);
    free(x);
    whiten_free(&f);
}
END_TEST

/* Two images of more patches than a chunk takes, which are split along their rows. */
START_TEST(many_patches)
{
    enum { N = 2, H = 1200, W = 600, P = 3, D = P * P };
    uint64_t seed = 11;
    float *x = (float *)whiten_room((size_t)N * H * W * 4);
    for (size_t i = 0; i < (size_t)N * H * W; i++)
        x[i] = (float)(whiten_random(&seed) + (i ? 0.5 * (double)x[i - 1] : 0));
    clnorm_whiten d = CLNORM_WHITEN_INIT;
    d.task = CLNORM_FIT;
    d.samples = CLNORM_PATCHES;
    d.patch = P;
    d.stride = 1;
    d.x = clnorm_nchw(CLNORM_F32, N, 1, H, W);
    clnorm_plan *plan;
    OK(clnorm_whiten_plan(&plan, whiten_ctx, &d, CLNORM_ESTIMATE));
    ck_assert_uint_lt(clnorm_plan_workspace(plan), (size_t)(H - 2) * (W - 2) * D * 4); /* of an image */
    clnorm_plan_release(plan);
    whiten_fitted f;
    whiten_make(&f, D);
    whiten_add(&f, d, d.x, x);
    check_m2(&f, &d, x);
    free(x);
    whiten_free(&f);
}
END_TEST

void whiten_chunks(TCase *t) { SUITE_ADD(t, many_rows_and_views, many_patches); }

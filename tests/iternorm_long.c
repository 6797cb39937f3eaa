/* iternorm_long.c -- iternorm of many samples, whose sums lose what they do not keep, and of large ones. */
#define _POSIX_C_SOURCE 200809L
#include "iternorm_case.h"

enum { MANY = 1 << 22 };

/* Zeros in front of what is nearly one number: parts differ from the first one by the same, again and again. */
START_TEST(zeros_in_front)
{
    clnorm_iternorm d = described(clnorm_nchw(CLNORM_F32, 1, 1, 1, MANY), CLNORM_TRAIN, 1);
    matrix_case m = matrix_open(&d.op, BIT(MEAN));
    float *x = (float *)m.data[CLNORM_X];
    for (size_t i = 0; i < MANY; i++)
        x[i] = i < 4096 ? 0.0f : 1000.3f;
    OK(matrix_device(&m));
    const double mean = (double)1000.3f * (MANY - 4096) / MANY, got = (double)*(float *)m.data[CLNORM_MEAN];
    ck_assert_msg(fabs(got / mean - 1) < 1e-7, "the mean is %.9g, not %.9g", got, mean);
    matrix_close(&m);
}
END_TEST

/* The same of dy, in shorter parts. */
START_TEST(outliers_in_front)
{
    clnorm_iternorm d = described(clnorm_nchw(CLNORM_F32, 1, 1, 1, MANY), CLNORM_TRAIN, 1);
    d.op.direction = CLNORM_BACKWARD;
    matrix_case m = matrix_open(&d.op, BIT(DX) | BIT(DBETA));
    float *dy = (float *)m.data[CLNORM_DY];
    for (size_t i = 0; i < MANY; i++)
        dy[i] = i < 1024 ? 1000.0f : 1.1f;
    OK(matrix_device(&m));
    const double sum = 1000.0 * 1024 + (double)1.1f * (MANY - 1024),
                 got = (double)*(float *)m.data[CLNORM_DBETA];
    ck_assert_msg(fabs(got / sum - 1) < 1e-6, "dbeta is %.9g, not %.9g", got, sum);
    matrix_close(&m);
}
END_TEST

/* Squares that are all one: their sum is in as many parts as keep it. */
START_TEST(long_products)
{
    clnorm_iternorm d = described(clnorm_nchw(CLNORM_F32, 1, 1, 1, 4 * MANY), CLNORM_TRAIN, 1);
    matrix_case m = matrix_open(&d.op, BIT(WHITENER));
    float *x = (float *)m.data[CLNORM_X];
    for (size_t i = 0; i < 4 * (size_t)MANY; i++)
        x[i] = i % 2 ? 1.1f : -1.1f;
    OK(matrix_device(&m));
    const double want = 1 / sqrt((double)1.1f * (double)1.1f + (double)d.eps),
                 got = (double)*(float *)m.data[CLNORM_WHITENER];
    ck_assert_msg(fabs(got / want - 1) < 2e-6, "W is %.9g, not %.9g", got, want);
    matrix_close(&m);
}
END_TEST

/* In evaluation no sum of x is needed, so that none of it is wrong. */
START_TEST(sums_that_nobody_needs)
{
    clnorm_iternorm d = described(clnorm_nchw(CLNORM_F32, 1, 2, 64, 64), CLNORM_EVAL, 1);
    matrix_case m = matrix_open(&d.op, BIT(FAULT));
    float *x = (float *)m.data[CLNORM_X], *w = (float *)m.data[CLNORM_RUNNING_WHITENER];
    for (size_t i = 0; i < 2 * 64 * 64; i++)
        x[i] = 1e36f;
    for (size_t i = 0; i < 4; i++)
        w[i] = i % 3 ? 0.0f : 1e-36f;
    memset(m.data[CLNORM_RUNNING_MEAN], 0, 2 * sizeof *x);
    OK(matrix_device(&m));
    ck_assert(fabs((double)((float *)m.data[CLNORM_Y])[77] - 1) < 1e-6);
    x[5000] = NAN; /* which is still found */
    ck_assert_int_eq(matrix_device(&m), CLNORM_EDATA);
    matrix_close(&m);
}
END_TEST

void iternorm_long(TCase *t)
{
    SUITE_ADD(t, zeros_in_front, outliers_in_front, long_products, sums_that_nobody_needs);
}

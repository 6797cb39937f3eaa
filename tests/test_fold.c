/* test_fold.c -- a convolution with a batch normalization behind it, and the same folded into one. */
#include "clnorm.h"
#include "data.h"
#include "suite.h"

#include "base/compiler.h"

#include <math.h>
#include <string.h>

enum { OUTPUTS = 5, INPUTS = 3 * 3 * 3 };

typedef struct convolution {
    float weight[OUTPUTS * INPUTS], bias[OUTPUTS];
    float gamma[OUTPUTS], beta[OUTPUTS], mean[OUTPUTS], var[OUTPUTS];
    clnorm_fold fold;
} convolution;

static void fill(float *v, size_t n, double low, double high, uint32_t *state)
{
    for (size_t i = 0; i < n; i++)
        v[i] = (float)(low + (high - low) * data_random(state));
}

static convolution make(void)
{
    const clnorm_fold init = CLNORM_FOLD_INIT;
    convolution c;
    uint32_t state = 5;
    fill(c.weight, CLN_COUNT(c.weight), -1, 1, &state);
    fill(c.bias, OUTPUTS, -1, 1, &state);
    fill(c.gamma, OUTPUTS, -2, 2, &state);
    fill(c.beta, OUTPUTS, -1, 1, &state);
    fill(c.mean, OUTPUTS, -3, 3, &state);
    fill(c.var, OUTPUTS, 0.1, 4, &state);
    c.fold = init;
    c.fold.outputs = OUTPUTS;
    c.fold.inputs = INPUTS;
    return c;
}
/* The arrays of the fold, which must not be those of a copy. */
static void bind(convolution *c)
{
    c->fold.gamma = c->gamma;
    c->fold.beta = c->beta;
    c->fold.mean = c->mean;
    c->fold.var = c->var;
}

/* One pixel of the output, in double. */
static double convolved(const convolution *c, const float *x, size_t o)
{
    double sum = (double)c->bias[o];
    for (size_t i = 0; i < INPUTS; i++)
        sum += (double)c->weight[o * INPUTS + i] * (double)x[i];
    return sum;
}

static void same_outputs(const convolution *before, const convolution *after)
{
    float x[INPUTS];
    uint32_t state = 9;
    for (int pixel = 0; pixel < 20; pixel++) {
        fill(x, INPUTS, -2, 2, &state);
        for (size_t o = 0; o < OUTPUTS; o++) {
            const clnorm_fold *f = &before->fold;
            const double gamma = f->gamma ? (double)before->gamma[o] : 1.0,
                         beta = f->beta ? (double)before->beta[o] : 0.0;
            const double rstd = 1.0 / sqrt((double)before->var[o] + f->eps);
            const double want = (convolved(before, x, o) - (double)before->mean[o]) * rstd * gamma + beta;
            ck_assert_double_eq_tol(convolved(after, x, o), want, 1e-5);
        }
    }
}

START_TEST(folds)
{
    convolution before = make(), after = before;
    bind(&before);
    bind(&after);
    ck_assert_int_eq(clnorm_fold_batchnorm(after.weight, after.bias, &after.fold), CLNORM_OK);
    same_outputs(&before, &after);
}
END_TEST

START_TEST(without_gamma_and_beta)
{
    convolution before = make(), after = before;
    bind(&before);
    bind(&after);
    before.fold.gamma = after.fold.gamma = NULL;
    before.fold.beta = after.fold.beta = NULL;
    ck_assert_int_eq(clnorm_fold_batchnorm(after.weight, after.bias, &after.fold), CLNORM_OK);
    same_outputs(&before, &after);
}
END_TEST

/* a is 2 exactly: nothing is rounded. */
START_TEST(exact)
{
    float weight[2] = { 3.0f, -0.5f }, bias[1] = { 1.0f };
    const float gamma = 4.0f, beta = 0.25f, mean = 5.0f, var = 3.0f;
    clnorm_fold f = CLNORM_FOLD_INIT;
    f.outputs = 1;
    f.inputs = 2;
    f.gamma = &gamma;
    f.beta = &beta;
    f.mean = &mean;
    f.var = &var;
    f.eps = 1.0;
    ck_assert_int_eq(clnorm_fold_batchnorm(weight, bias, &f), CLNORM_OK);
    ck_assert_float_eq(weight[0], 6.0f);
    ck_assert_float_eq(weight[1], -1.0f);
    ck_assert_float_eq(bias[0], -7.75f);
}
END_TEST

static void refused(convolution *c, float *weight, float *bias, const clnorm_fold *f, const char *word)
{
    const convolution before = *c;
    ck_assert_int_eq(clnorm_fold_batchnorm(weight, bias, f), CLNORM_EARG);
    ck_assert_msg(strstr(clnorm_last_error(NULL), word) != NULL, "no \"%s\" in: %s", word,
                  clnorm_last_error(NULL));
    ck_assert(!memcmp(before.weight, c->weight, sizeof c->weight));
    ck_assert(!memcmp(before.bias, c->bias, sizeof c->bias));
}

START_TEST(errors)
{
    convolution c = make();
    bind(&c);
    const clnorm_fold good = c.fold;
    clnorm_fold f = good;
    refused(&c, NULL, c.bias, &good, "weight is NULL");
    refused(&c, c.weight, NULL, &good, "bias is NULL");
    refused(&c, c.weight, c.bias, NULL, "fold is NULL");
    f.var = NULL;
    refused(&c, c.weight, c.bias, &f, "var is NULL");
    f = good;
    f.mean = NULL;
    refused(&c, c.weight, c.bias, &f, "mean is NULL");
    f = good;
    f.size = 8;
    refused(&c, c.weight, c.bias, &f, "size is 8");
    f = good;
    f.eps = -1.0;
    refused(&c, c.weight, c.bias, &f, "eps is -1");
    f.eps = (double)NAN;
    refused(&c, c.weight, c.bias, &f, "eps is nan");
    f.eps = INFINITY;
    refused(&c, c.weight, c.bias, &f, "eps is inf");
    f.eps = 1.0;
    f.reserved = 1;
    refused(&c, c.weight, c.bias, &f, "reserved is 1");
    c.var[3] = -0.5f;
    refused(&c, c.weight, c.bias, &good, "var[3] is -0.5");
    c.var[3] = NAN;
    refused(&c, c.weight, c.bias, &good, "var[3] is nan");
    f = good;
    f.eps = 0.0;
    c.var[3] = 0.0f;
    refused(&c, c.weight, c.bias, &f, "var[3] is 0 and eps 0; their sum must be above 0");
}
END_TEST

/* Of a newer header, which has more fields. */
START_TEST(larger_size)
{
    convolution c = make();
    struct {
        clnorm_fold known;
        uint64_t more;
    } f;
    bind(&c);
    f.known = c.fold;
    f.more = 0;
    f.known.size = sizeof f;
    ck_assert_int_eq(clnorm_fold_batchnorm(c.weight, c.bias, &f.known), CLNORM_OK);
    f.more = 1;
    refused(&c, c.weight, c.bias, &f.known, "the rest is of a newer version");
}
END_TEST

START_TEST(nothing)
{
    convolution c = make();
    bind(&c);
    c.fold.inputs = 0; /* a bias alone */
    ck_assert_int_eq(clnorm_fold_batchnorm(NULL, c.bias, &c.fold), CLNORM_OK);
    ck_assert_int_eq(clnorm_fold_batchnorm(NULL, NULL, &c.fold), CLNORM_EARG);
    c.fold.outputs = 0;
    ck_assert_int_eq(clnorm_fold_batchnorm(NULL, NULL, &c.fold), CLNORM_OK);
}
END_TEST

int main(void)
{
    return suite_run(
        suite_of("fold", SUITE_CASE(folds, without_gamma_and_beta, exact, errors, larger_size, nothing)),
        CK_FORK_GETENV);
}

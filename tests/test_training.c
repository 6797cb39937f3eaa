/* test_training.c -- batch normalization over several training steps: the running statistics after each, by
 * PyTorch's recurrence in double, and evaluation with what they have become. */
#include "api_case.h"

#include "data.h"

#include <math.h>
#include <stdlib.h>

enum { STEPS = 8, CHANNELS = 16 };

/* momentum 0: the descriptor's 0.1. */
static const struct {
    double momentum;
    uint32_t flags;
} averages[] = { { 0, 0 }, { 0.25, 0 }, { 1, 0 }, { 0, CLNORM_CUMULATIVE }, { 0.5, CLNORM_CUMULATIVE } };

/* Many elements and few, for M / (M - 1) is far from 1 there; two in all; channels last and first. */
static const struct {
    int64_t n, c, h, w;
    bool last;
} batches[] = { { 4, 5, 6, 7, false },
                { 3, 16, 2, 2, true },
                { 2, 3, 1, 1, false },
                { 2, 7, 65, 67, true },
                { 8, 16, 7, 7, false } };

typedef struct training {
    clnorm_batchnorm d;
    clnorm_plan *plan;
    size_t count, channels;
    float *x, *y;
    cl_mem x_mem, y_mem, mean, var;
    double want_mean[CHANNELS], want_var[CHANNELS]; /* PyTorch's running_mean and running_var */
} training;

static size_t channel_of(const training *t, size_t i)
{
    const size_t pixels = (size_t)(t->d.x.shape[2] * t->d.x.shape[3]);
    return (t->d.x.stride[1] == 1 ? i : i / pixels) % t->channels;
}

static void write(cl_mem mem, size_t bytes, const void *data)
{
    ck_assert_int_eq(clEnqueueWriteBuffer(harness_get()->queue, mem, CL_TRUE, 0, bytes, data, 0, NULL, NULL),
                     CL_SUCCESS);
}

static void begin(training *t, size_t b, uint32_t mode)
{
    const clnorm_batchnorm preset = CLNORM_BATCHNORM_INIT;
    float zeros[CHANNELS] = { 0 }, ones[CHANNELS];
    memset(t, 0, sizeof *t);
    t->d = preset;
    t->d.mode = mode;
    t->d.x = (batches[b].last ? clnorm_nhwc : clnorm_nchw)(CLNORM_F32, batches[b].n, batches[b].c,
                                                           batches[b].h, batches[b].w);
    t->d.y = t->d.x;
    t->channels = (size_t)batches[b].c;
    t->count = (size_t)clnorm_tensor_count(&t->d.x);
    t->x = (float *)calloc(2 * t->count, sizeof *t->x);
    ck_assert_ptr_nonnull(t->x);
    t->y = t->x + t->count;
    for (size_t c = 0; c < CHANNELS; c++)
        ones[c] = (float)(t->want_var[c] = 1);
    t->x_mem = buffer(t->count * sizeof *t->x, NULL);
    t->y_mem = buffer(t->count * sizeof *t->x, NULL);
    t->mean = buffer(t->channels * sizeof *zeros, zeros);
    t->var = buffer(t->channels * sizeof *ones, ones);
    OK(clnorm_plan_create(&t->plan, harness_get()->ctx, &t->d.op, CLNORM_ESTIMATE));
}

static void end(training *t)
{
    clnorm_plan_release(t->plan);
    RELEASE(t->x_mem, t->y_mem, t->mean, t->var);
    free(t->x);
}

/* ---- PyTorch's recurrence ---- */

/* Mean of each channel, and M2 / (M - 1). */
static void statistics(const training *t, double *mean, double *var)
{
    const double m = (double)(t->count / t->channels);
    memset(mean, 0, CHANNELS * sizeof *mean);
    memset(var, 0, CHANNELS * sizeof *var);
    for (size_t i = 0; i < t->count; i++)
        mean[channel_of(t, i)] += (double)t->x[i] / m;
    for (size_t i = 0; i < t->count; i++) {
        const double off = (double)t->x[i] - mean[channel_of(t, i)];
        var[channel_of(t, i)] += off * off / (m - 1);
    }
}

static void move(training *t, double momentum)
{
    double mean[CHANNELS], var[CHANNELS];
    statistics(t, mean, var);
    for (size_t c = 0; c < t->channels; c++) {
        t->want_mean[c] += momentum * (mean[c] - t->want_mean[c]);
        t->want_var[c] += momentum * (var[c] - t->want_var[c]);
    }
}

/* ---- steps ---- */

static void compare(const training *t, cl_mem mem, const double *want, const char *what, size_t step)
{
    float got[CHANNELS];
    read_back(mem, 0, t->channels * sizeof *got, got);
    for (size_t c = 0; c < t->channels; c++)
        ck_assert_msg(fabs((double)got[c] - want[c]) <= 1e-6 * fmax(1, fabs(want[c])),
                      "step %zu: %s[%zu] is %.9g, not %.9g", step, what, c, (double)got[c], want[c]);
}

static clnorm_args args_of(const training *t)
{
    clnorm_args args = CLNORM_ARGS_INIT;
    args.slot[CLNORM_X].mem = t->x_mem;
    args.slot[CLNORM_Y].mem = t->y_mem;
    args.slot[CLNORM_RUNNING_MEAN].mem = t->mean;
    args.slot[CLNORM_RUNNING_VAR].mem = t->var;
    return args;
}

/* Each step's data has another mean and spread. */
static void step(training *t, size_t k, size_t average)
{
    const double momentum = averages[average].flags          ? 1.0 / (double)(k + 1)
                            : averages[average].momentum > 0 ? averages[average].momentum
                                                             : 0.1;
    clnorm_args args = args_of(t);
    uint32_t state = (uint32_t)(k * 7 + average);
    for (size_t i = 0; i < t->count; i++)
        t->x[i] = (float)(((double)k - 3) * 0.5 + (1 + (double)k) * data_bell(&state));
    write(t->x_mem, t->count * sizeof *t->x, t->x);
    args.flags = averages[average].flags;
    args.momentum = averages[average].momentum;
    args.count = k;
    OK(clnorm_enqueue(t->plan, harness_get()->queue, &args, 0, NULL, NULL));
    move(t, momentum);
    compare(t, t->mean, t->want_mean, "running_mean", k);
    compare(t, t->var, t->want_var, "running_var", k);
}

START_TEST(running_statistics)
{
    for (size_t b = 0; b < CLN_COUNT(batches); b++) {
        training t;
        begin(&t, b, CLNORM_TRAIN);
        for (size_t k = 0; k < STEPS; k++)
            step(&t, k, (size_t)_i);
        end(&t);
    }
}
END_TEST

/* What was trained is what evaluation takes, and evaluation leaves it alone. */
START_TEST(evaluation_afterwards)
{
    for (size_t b = 0; b < CLN_COUNT(batches); b++) {
        training t, e;
        begin(&t, b, CLNORM_TRAIN);
        for (size_t k = 0; k < STEPS; k++)
            step(&t, k, 0);
        begin(&e, b, CLNORM_EVAL);
        clnorm_args args = args_of(&t);
        OK(clnorm_enqueue(e.plan, harness_get()->queue, &args, 0, NULL, NULL));
        read_back(t.y_mem, 0, t.count * sizeof *t.y, t.y);
        for (size_t i = 0; i < t.count; i++) {
            const size_t c = channel_of(&t, i);
            const double want = ((double)t.x[i] - t.want_mean[c]) / sqrt(t.want_var[c] + 1e-5);
            ck_assert_msg(fabs((double)t.y[i] - want) <= 2e-6 * fmax(1, fabs(want)),
                          "y[%zu] is %.9g, not %.9g", i, (double)t.y[i], want);
        }
        compare(&t, t.mean, t.want_mean, "running_mean", STEPS);
        compare(&t, t.var, t.want_var, "running_var", STEPS);
        end(&t);
        end(&e);
    }
}
END_TEST

/* One value per channel: refused where the descriptor asks for that, as PyTorch does, in training alone. */
START_TEST(single_value)
{
    clnorm_batchnorm d = CLNORM_BATCHNORM_INIT;
    const uint32_t policies[] = { CLNORM_SINGLE_BIASED, CLNORM_SINGLE_ERROR, CLNORM_SINGLE_SKIP };
    for (int64_t n = 0; n <= 2; n++)
        for (uint32_t mode = CLNORM_TRAIN; mode <= CLNORM_EVAL; mode++)
            for (size_t k = 0; k < CLN_COUNT(policies); k++) {
                const bool bad = n == 1 && mode == CLNORM_TRAIN && policies[k] == CLNORM_SINGLE_ERROR;
                clnorm_plan *plan;
                d.x = d.y = clnorm_nchw(CLNORM_F32, n, 3, 1, 1);
                d.mode = mode;
                d.single = policies[k];
                ck_assert_int_eq(clnorm_plan_create(&plan, harness_get()->ctx, &d.op, CLNORM_ESTIMATE),
                                 bad ? CLNORM_ESHAPE : CLNORM_OK);
                if (bad)
                    SAYS("one value");
                clnorm_plan_release(plan);
            }
}
END_TEST

/* y of x and the running statistics, which training moves. */
static void run_running(clnorm_context *ctx, const clnorm_any *d, float *x, float *y, float *mean, float *var)
{
    clnorm_host_args io = { .size = sizeof io };
    io.slot[CLNORM_X] = x;
    io.slot[CLNORM_Y] = y;
    io.slot[CLNORM_RUNNING_MEAN] = mean;
    io.slot[CLNORM_RUNNING_VAR] = var;
    OK(clnorm_run_host(ctx, &d->op, &io));
}

/* What is no variance, or one that eps makes 0, makes its channel NaN, or its beta; not the other channels. */
START_TEST(no_variance)
{
    enum { N = 120 };
    static float x[N], y[N];
    float mean[3] = { 0, 0, 0 }, var[3] = { -1, 1, -0.5f };
    clnorm_any d = small(CLNORM_OP_BATCHNORM); /* (2,3,4,5) */
    const clnorm_options o = lazy();
    clnorm_context *ctx;
    OK(clnorm_open(&ctx, getenv("CLNORM_TEST_DEVICE"), &o));
    for (size_t i = 0; i < N; i++)
        x[i] = (float)i;
    d.batchnorm.mode = CLNORM_EVAL;
    d.batchnorm.eps = 0.5f;
    run_running(ctx, &d, x, y, mean, var);
    clnorm_close(ctx);
    for (size_t i = 0; i < N; i++) {
        const size_t c = i / 20 % 3;
        ck_assert(c == 0   ? isnan(y[i])
                  : c == 2 ? y[i] == 0.0f
                           : fabs((double)(y[i] - x[i] / sqrtf(1.5f))) < 1e-4);
    }
}
END_TEST

/* ONNX's meaning: momentum weighs the old value, and the variance divides by M. Each switch alone too. */
START_TEST(conventions)
{
    enum { C = 3, M = 40, N = C * M };
    float x[N], y[N];
    uint32_t state = 5;
    clnorm_options o = lazy();
    clnorm_context *ctx;
    OK(clnorm_open(&ctx, getenv("CLNORM_TEST_DEVICE"), &o));
    for (size_t i = 0; i < N; i++)
        x[i] = (float)data_bell(&state);
    for (uint32_t bits = 0; bits < 5; bits++) {
        const bool onnx = bits == 4, old = onnx || bits & 1, biased = onnx || bits & 2;
        const double moved = old ? 0.25 : 0.75, began[2][C] = { { 1, 2, 3 }, { 2, 1, 4 } };
        float mean[C] = { 1, 2, 3 }, var[C] = { 2, 1, 4 };
        clnorm_any d = small(CLNORM_OP_BATCHNORM); /* (2,3,4,5): a channel is 20 elements of each sample */
        if (onnx)
            OK(clnorm_op_semantics(&d, CLNORM_ONNX));
        else
            d.batchnorm.old_momentum = old, d.batchnorm.biased_running = biased;
        d.batchnorm.mode = CLNORM_TRAIN;
        d.batchnorm.momentum = 0.75f;
        run_running(ctx, &d, x, y, mean, var);
        for (size_t c = 0; c < C; c++) {
            double sum = 0, squares = 0;
            for (size_t k = 0; k < M; k++)
                sum += (double)x[k / 20 * 60 + c * 20 + k % 20];
            for (size_t k = 0; k < M; k++)
                squares += pow((double)x[k / 20 * 60 + c * 20 + k % 20] - sum / M, 2);
            const double batch = squares / (biased ? M : M - 1);
            ck_assert_double_eq_tol((double)mean[c], began[0][c] + moved * (sum / M - began[0][c]), 1e-6);
            ck_assert_double_eq_tol((double)var[c], began[1][c] + moved * (batch - began[1][c]), 1e-6);
        }
    }
    clnorm_close(ctx);
}
END_TEST

static Suite *training_suite(void)
{
    TCase *t = tcase_create("all");
    tcase_set_timeout(t, 0);
    tcase_add_loop_test(t, running_statistics, 0, (int)CLN_COUNT(averages));
    tcase_add_test(t, evaluation_afterwards);
    tcase_add_test(t, single_value);
    tcase_add_test(t, conventions);
    tcase_add_test(t, no_variance);
    return suite_of("training", t);
}

SUITE_MAIN(training_suite)

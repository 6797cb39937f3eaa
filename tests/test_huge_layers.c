/* test_huge_layers.c -- layers of more than 2^31 elements: y to the last one, and sums of gradients.
 *
 * As f16 those are 4.3 GB, more than PoCL gives a buffer on most machines. So x and dy are rows that overlap,
 * each STEP elements behind the one before, y is u8, and dx, which may not overlap, is not wanted. */
#include "api_case.h"

#include "data.h"
#include "huge_case.h"

#include "base/half.h"
#include "ref/bound.h"

enum {
    ROWS = 65537,
    LENGTH = 32769,
    STEP = 8,
    LATER = 5
}; /* 2^31 + 98,305 elements; dy is x from the LATER-th on */
#define COUNT ((size_t)ROWS * LENGTH)
#define ROOM (COUNT + (1u << 16))
#define X_COUNT ((size_t)STEP * (ROWS - 1) + LENGTH)
#define SCALE 0.03125
#define ZERO 128

typedef unsigned char pixel;

static struct {
    cl_mem x, y;
    uint16_t *half; /* what x holds */
    double *value;
    pixel *back; /* a row of y */
} the;

static double x_at(size_t r, size_t k) { return the.value[r * STEP + k]; }
static double dy_at(size_t r, size_t k) { return the.value[r * STEP + k + LATER]; }

static clnorm_tensor rows(int64_t n)
{
    clnorm_tensor t = clnorm_rows(CLNORM_F16, n, LENGTH);
    t.stride[0] = STEP;
    t.stride[1] = 1;
    return t;
}

/* One image of one channel. */
static clnorm_tensor image(void)
{
    clnorm_tensor t = { CLNORM_F16, 3, { 1, ROWS, LENGTH }, { COUNT, STEP, 1 }, 0 };
    return t;
}

static clnorm_tensor quantized(const clnorm_tensor *x, clnorm_layer *layer)
{
    clnorm_tensor y = *x;
    y.dtype = CLNORM_U8;
    memset(y.stride, 0, sizeof y.stride);
    layer->out_scale = (float)SCALE;
    layer->out_zero = ZERO;
    return y;
}

/* Forward, y filled before with what must be left behind its last element. */
static void run_forward(const clnorm_op *op, const cl_mem *mean, const cl_mem *rstd)
{
    clnorm_args args = CLNORM_ARGS_INIT;
    args.slot[CLNORM_X].mem = the.x;
    args.slot[CLNORM_Y].mem = the.y;
    args.slot[CLNORM_MEAN].mem = mean ? *mean : NULL;
    args.slot[CLNORM_RSTD].mem = rstd ? *rstd : NULL;
    huge_clear(the.y, ROOM);
    huge_run(op, &args);
    for (size_t k = COUNT; k < ROOM; k += LENGTH) {
        const size_t n = ROOM - k < LENGTH ? ROOM - k : LENGTH;
        read_back(the.y, k, n, the.back);
        for (size_t i = 0; i < n; i++)
            if (the.back[i] != HUGE_BEFORE) /* an assertion that holds writes a line to Check */
                ck_abort_msg("y[%zu], behind the last, was written", k + i);
    }
}

/* That row r of y is (x - mean) * rstd, quantized; where that lies at the middle of two, either. */
static void check_row(size_t r, const double *mean, const double *rstd, bool per_place)
{
    read_back(the.y, r * LENGTH, LENGTH, the.back);
    for (size_t k = 0; k < LENGTH; k++) {
        const size_t at = per_place ? k : 0;
        const double q = fmin(255, fmax(0, (x_at(r, k) - mean[at]) * rstd[at] / SCALE + ZERO));
        if (!(fabs(the.back[k] - q) < 0.501))
            ck_abort_msg("y[%zu][%zu] is %d, not %.6f", r, k, the.back[k], q);
    }
}

static double rstd_of(double squares, double count, double eps) { return 1 / sqrt(squares / count + eps); }

/* ---- forward ---- */

START_TEST(a_set_per_row)
{
    clnorm_layernorm d = CLNORM_LAYERNORM_INIT;
    d.x = rows(ROWS);
    d.y = quantized(&d.x, &d.layer);
    run_forward(&d.op, NULL, NULL);
    for (size_t r = 0; r < ROWS; r++) {
        double mean = 0, squares = 0;
        for (size_t k = 0; k < LENGTH; k++)
            mean += x_at(r, k);
        mean /= LENGTH;
        for (size_t k = 0; k < LENGTH; k++)
            squares += (x_at(r, k) - mean) * (x_at(r, k) - mean);
        const double rstd = rstd_of(squares, LENGTH, 1e-6);
        check_row(r, &mean, &rstd, false);
    }
}
END_TEST

/* Means and rstds of the columns. */
static double *of_columns(double eps)
{
    double *mean = (double *)calloc(2 * LENGTH, sizeof *mean), *rstd = mean + LENGTH;
    ck_assert_ptr_nonnull(mean);
    for (size_t r = 0; r < ROWS; r++)
        for (size_t k = 0; k < LENGTH; k++)
            mean[k] += x_at(r, k) / ROWS;
    for (size_t r = 0; r < ROWS; r++)
        for (size_t k = 0; k < LENGTH; k++)
            rstd[k] += (x_at(r, k) - mean[k]) * (x_at(r, k) - mean[k]);
    for (size_t k = 0; k < LENGTH; k++)
        rstd[k] = rstd_of(rstd[k], ROWS, eps);
    return mean;
}

START_TEST(a_set_per_column)
{
    clnorm_batchnorm d = CLNORM_BATCHNORM_INIT;
    d.mode = CLNORM_TRAIN;
    d.x = rows(ROWS);
    d.y = quantized(&d.x, &d.layer);
    run_forward(&d.op, NULL, NULL);
    double *mean = of_columns(1e-5);
    for (size_t r = 0; r < ROWS; r++)
        check_row(r, mean, mean + LENGTH, true);
    free(mean);
}
END_TEST

/* Mean and rstd of everything. */
static void of_all(double eps, double *mean, double *rstd)
{
    double sum = 0, squares = 0;
    for (size_t r = 0; r < ROWS; r++) {
        double of_row = 0;
        for (size_t k = 0; k < LENGTH; k++)
            of_row += x_at(r, k);
        sum += of_row;
    }
    *mean = sum / (double)COUNT;
    for (size_t r = 0; r < ROWS; r++) {
        double of_row = 0;
        for (size_t k = 0; k < LENGTH; k++)
            of_row += (x_at(r, k) - *mean) * (x_at(r, k) - *mean);
        squares += of_row;
    }
    *rstd = rstd_of(squares, (double)COUNT, eps);
}

static float number_in(cl_mem mem)
{
    float v;
    read_back(mem, 0, sizeof v, &v);
    return v;
}

START_TEST(one_set)
{
    clnorm_batchnorm d = CLNORM_BATCHNORM_INIT;
    double mean, rstd;
    d.mode = CLNORM_TRAIN;
    d.x = image();
    d.y = quantized(&d.x, &d.layer);
    cl_mem got_mean = buffer(sizeof(float), NULL), got_rstd = buffer(sizeof(float), NULL);
    run_forward(&d.op, &got_mean, &got_rstd);
    of_all(1e-5, &mean, &rstd);
    ck_assert_double_eq_tol(number_in(got_mean), mean, 5e-7);
    ck_assert_double_eq_tol(number_in(got_rstd), rstd, 5e-7);
    for (size_t r = 0; r < ROWS; r++)
        check_row(r, &mean, &rstd, false);
    RELEASE(got_mean, got_rstd);
}
END_TEST

/* ---- sums of gradients ---- */

/* Runs it; dgamma and dbeta, n of each. */
static float *run_backward(clnorm_op *op, clnorm_layer *layer, size_t n)
{
    const size_t bytes = n * sizeof(float);
    float *got = (float *)malloc(2 * bytes);
    clnorm_args args = CLNORM_ARGS_INIT;
    ck_assert_ptr_nonnull(got);
    op->direction = CLNORM_BACKWARD;
    layer->gradients = 1u << CLNORM_DGAMMA | 1u << CLNORM_DBETA;
    args.slot[CLNORM_X].mem = args.slot[CLNORM_DY].mem = the.x;
    args.slot[CLNORM_DY].byte_offset = LATER * sizeof *the.half;
    args.slot[CLNORM_DGAMMA].mem = buffer(bytes, NULL);
    args.slot[CLNORM_DBETA].mem = buffer(bytes, NULL);
    huge_run(op, &args);
    read_back(args.slot[CLNORM_DGAMMA].mem, 0, bytes, got);
    read_back(args.slot[CLNORM_DBETA].mem, 0, bytes, got + n);
    RELEASE(args.slot[CLNORM_DGAMMA].mem, args.slot[CLNORM_DBETA].mem);
    return got;
}

typedef struct sums {
    double gamma, beta, terms_gamma, terms_beta;
} sums;

static void add(sums *to, double xhat, double dy)
{
    to->gamma += dy * xhat;
    to->beta += dy;
    to->terms_gamma += fabs(dy * xhat);
    to->terms_beta += fabs(dy);
}

static void check_sum(const char *what, size_t at, double got, double want, double terms)
{
    if (!(ref_off(CLNORM_OP_BATCHNORM, CLNORM_DGAMMA, REF_HOSTILE, CLNORM_F32, got, want, 1e-2 * terms) <= 1))
        ck_abort_msg("%s[%zu] is %.9g, not %.9g", what, at, got, want);
}

static void check_sums(const float *got, const sums *want, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        check_sum("dgamma", k, got[k], want[k].gamma, want[k].terms_gamma);
        check_sum("dbeta", k, got[n + k], want[k].beta, want[k].terms_beta);
    }
}

START_TEST(sums_of_columns)
{
    clnorm_batchnorm d = CLNORM_BATCHNORM_INIT;
    d.mode = CLNORM_TRAIN;
    d.x = d.y = rows(ROWS);
    float *got = run_backward(&d.op, &d.layer, LENGTH);
    double *mean = of_columns(1e-5);
    sums *want = (sums *)calloc(LENGTH, sizeof *want);
    ck_assert_ptr_nonnull(want);
    for (size_t r = 0; r < ROWS; r++)
        for (size_t k = 0; k < LENGTH; k++)
            add(&want[k], (x_at(r, k) - mean[k]) * mean[LENGTH + k], dy_at(r, k));
    check_sums(got, want, LENGTH);
    free(want);
    free(mean);
    free(got);
}
END_TEST

START_TEST(sums_of_all)
{
    clnorm_batchnorm d = CLNORM_BATCHNORM_INIT;
    double mean, rstd;
    sums want = { 0, 0, 0, 0 };
    d.mode = CLNORM_TRAIN;
    d.x = d.y = image();
    float *got = run_backward(&d.op, &d.layer, 1);
    of_all(1e-5, &mean, &rstd);
    for (size_t r = 0; r < ROWS; r++) {
        sums of_row = { 0, 0, 0, 0 };
        for (size_t k = 0; k < LENGTH; k++)
            add(&of_row, (x_at(r, k) - mean) * rstd, dy_at(r, k));
        want.gamma += of_row.gamma;
        want.beta += of_row.beta;
        want.terms_gamma += of_row.terms_gamma;
        want.terms_beta += of_row.terms_beta;
    }
    check_sums(got, &want, 1);
    free(got);
}
END_TEST

static void begin(void)
{
    const size_t n = X_COUNT + LATER;
    uint32_t state = 11;
    the.half = (uint16_t *)malloc(n * sizeof *the.half);
    the.value = (double *)malloc(n * sizeof *the.value);
    the.back = (pixel *)malloc(LENGTH);
    ck_assert(the.half && the.value && the.back);
    for (size_t k = 0; k < n; k++) {
        the.half[k] = cln_f32_to_f16((float)(3 * data_random(&state) + (double)(k % 1024) / 512));
        the.value[k] = cln_f16_to_f32(the.half[k]);
    }
    the.x = buffer(n * sizeof *the.half, the.half);
    the.y = buffer(ROOM, NULL);
}

static void end(void)
{
    RELEASE(the.x, the.y);
    free(the.back);
    free(the.value);
    free(the.half);
}

int main(void)
{
    if (!huge_has_room(1, ROOM))
        return 77;
    TCase *t = SUITE_CASE(a_set_per_row, a_set_per_column, one_set, sums_of_columns, sums_of_all);
    tcase_set_timeout(t, 0);
    tcase_add_unchecked_fixture(t, begin, end);
    const int code = suite_run(suite_of("huge_layers", t), CK_NOFORK);
    harness_close();
    return code;
}

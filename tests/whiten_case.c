/* whiten_case.c -- see whiten_case.h. */
#define _POSIX_C_SOURCE 200809L
#include "whiten_case.h"

clnorm_context *whiten_ctx;

void whiten_open(void)
{
    const clnorm_options o = lazy();
    OK(clnorm_open(&whiten_ctx, getenv("CLNORM_TEST_DEVICE"), &o));
}
void whiten_close(void) { clnorm_close(whiten_ctx); }

void *whiten_room(size_t bytes)
{
    void *p = calloc(bytes ? bytes : 1, 1);
    ck_assert_ptr_nonnull(p);
    return p;
}

double whiten_random(uint64_t *state)
{
    double sum = 0;
    for (int i = 0; i < 12; i++) {
        *state = *state * 6364136223846793005u + 1442695040888963407u;
        sum += (double)(*state >> 40) / (double)(1 << 24);
    }
    return sum - 6;
}

/* ---- a cell ---- */

clnorm_tensor whiten_tensor(const whiten_cell *k, int64_t n, uint32_t dtype)
{
    if (!k->h)
        return clnorm_rows((clnorm_dtype)dtype, n, k->c);
    return (k->last ? clnorm_nhwc : clnorm_nchw)((clnorm_dtype)dtype, n, k->c, k->h, k->w);
}

void *whiten_data(const whiten_cell *k, uint64_t seed)
{
    const clnorm_tensor t = whiten_tensor(k, k->n, k->dtype);
    const int64_t count = clnorm_tensor_count(&t);
    void *x = whiten_room(clnorm_tensor_bytes(&t));
    double before = 0;
    for (int64_t i = 0; i < count; i++) {
        before = 0.5 * before + whiten_random(&seed);
        ref_set(k->dtype, x, i, k->mean + k->std * before * (1 + 0.1 * (double)(i % 3)));
    }
    return x;
}

clnorm_whiten whiten_task(const whiten_cell *k, uint32_t task)
{
    clnorm_whiten d = CLNORM_WHITEN_INIT;
    d.task = task;
    d.samples = k->samples;
    d.patch = k->patch;
    d.stride = k->stride;
    return d;
}

/* ---- what is fitted ---- */

void whiten_make(whiten_fitted *f, size_t dims)
{
    const clnorm_whitener none = CLNORM_WHITENER_INIT;
    f->w = none;
    f->stats = (clnorm_whiten_stats){ sizeof f->stats, (uint32_t)dims, 0, (float *)whiten_room(8 * dims),
                                      (float *)whiten_room(8 * dims * dims) };
    f->w.whitener = (float *)whiten_room(4 * dims * dims);
    f->w.inverse = (float *)whiten_room(4 * dims * dims);
    f->w.eigenvalues = (float *)whiten_room(4 * dims);
}

void whiten_free(whiten_fitted *f)
{
    free(f->stats.mean);
    free(f->stats.m2);
    free(f->w.whitener);
    free(f->w.inverse);
    free(f->w.eigenvalues);
}

clnorm_host_args whiten_args(void *x)
{
    clnorm_host_args io;
    memset(&io, 0, sizeof io);
    io.size = sizeof io;
    io.slot[CLNORM_X] = x;
    return io;
}

void whiten_add(whiten_fitted *f, clnorm_whiten d, clnorm_tensor x, void *data)
{
    clnorm_host_args io = whiten_args(data);
    d.x = x;
    io.slot[CLNORM_COUNT] = &f->stats.count;
    io.slot[CLNORM_MEAN] = f->stats.mean;
    io.slot[CLNORM_M2] = f->stats.m2;
    OK(clnorm_run_host(whiten_ctx, &d.op, &io));
}

void whiten_apply(clnorm_whiten d, void *x, float *mean, float *w, void *y)
{
    clnorm_host_args io = whiten_args(x);
    io.slot[CLNORM_MEAN] = mean;
    io.slot[CLNORM_WHITENER] = w;
    io.slot[CLNORM_Y] = y;
    OK(clnorm_run_host(whiten_ctx, &d.op, &io));
}

/* ---- errors ---- */

double whiten_worst(const float *got, const double *want, size_t count)
{
    double most = 0, error = 0;
    for (size_t i = 0; i < count; i++) {
        most = fmax(most, fabs(want[i]));
        error = fmax(error, isfinite(got[i]) ? fabs((double)got[i] - want[i]) : INFINITY);
    }
    return error / most;
}

double whiten_from_identity(const double *y, size_t count, size_t outputs, const double *diagonal)
{
    double *mean = (double *)whiten_room(8 * outputs), *m2 = (double *)whiten_room(8 * outputs * outputs),
           error = 0;
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

/* whiten.c -- whitening: samples gathered one by one, their covariance, its eigenvectors by Jacobi's rotations. */
#include "ref/whiten.h"
#include "ref/internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- samples ------------------------------------------------------------------------------------- */

/* An image tensor and the windows in it. */
typedef struct samples {
    const clnorm_tensor *t;
    int64_t n, c, h, w;          /* of the tensor */
    int64_t rows, columns, step; /* of a window */
    int64_t down, across;
} samples;

static samples samples_of(const clnorm_whiten *d, const clnorm_tensor *t)
{
    samples s = { .t = t, .n = 1, .h = 1, .w = 1, .rows = 1, .columns = 1, .step = 1 };
    const int64_t *l = t->shape;
    if (t->ndim == 2) {
        s.n = l[0];
        s.c = l[1];
    } else {
        s.n = t->ndim == 4 ? l[0] : 1;
        s.c = l[t->ndim - 3];
        s.h = l[t->ndim - 2];
        s.w = l[t->ndim - 1];
    }
    if (d->samples == CLNORM_PATCHES) {
        s.rows = s.columns = d->patch;
        s.step = d->stride ? d->stride : d->patch;
    } else if (d->samples == CLNORM_IMAGES) {
        s.rows = s.h;
        s.columns = s.w;
    }
    s.down = (s.h - s.rows) / s.step + 1;
    s.across = (s.w - s.columns) / s.step + 1;
    return s;
}

static int64_t place_of(const clnorm_tensor *t, int64_t n, int64_t c, int64_t y, int64_t x)
{
    const int64_t *s = t->stride;
    if (t->ndim == 2)
        return n * s[0] + c * s[1];
    return (t->ndim == 4 ? n * s[0] : 0) + c * s[t->ndim - 3] + y * s[t->ndim - 2] + x * s[t->ndim - 1];
}

/* Value k of sample i. */
static int64_t place(const samples *s, int64_t i, int64_t k)
{
    const int64_t n = i / (s->down * s->across), at = i % (s->down * s->across),
                  inside = k % (s->rows * s->columns);
    return place_of(s->t, n, k / (s->rows * s->columns), at / s->across * s->step + inside / s->columns,
                    at % s->across * s->step + inside % s->columns);
}

static int64_t dims_of(const samples *s) { return s->c * s->rows * s->columns; }

double *ref_samples(const clnorm_whiten *d, const clnorm_tensor *t, const void *data, size_t *count,
                    size_t *dims)
{
    const samples s = samples_of(d, t);
    *count = (size_t)(s.n * s.down * s.across);
    *dims = (size_t)dims_of(&s);
    double *const out = (double *)malloc((*count * *dims + 1) * sizeof *out);
    for (size_t i = 0; out && i < *count; i++)
        for (size_t k = 0; k < *dims; k++)
            out[i * *dims + k] = ref_get(t->dtype, data, place(&s, (int64_t)i, (int64_t)k));
    return out;
}

/* ---- the covariance and its eigenvectors --------------------------------------------------------- */

void ref_moments_of(double *mean, double *m2, const double *x, size_t count, size_t dims)
{
    for (size_t k = 0; k < dims; k++) {
        double rest = 0;
        mean[k] = 0;
        for (size_t i = 0; i < count; i++)
            mean[k] += x[i * dims + k] / (double)count;
        for (size_t i = 0; i < count; i++)
            rest += x[i * dims + k] - mean[k];
        mean[k] += rest / (double)count;
    }
    for (size_t k = 0; k < dims; k++)
        for (size_t l = 0; l < dims; l++) {
            m2[k * dims + l] = 0;
            for (size_t i = 0; i < count; i++)
                m2[k * dims + l] += (x[i * dims + k] - mean[k]) * (x[i * dims + l] - mean[l]);
        }
}

static void rotate(double *a, double *v, size_t n, size_t p, size_t q)
{
    const double theta = (a[q * n + q] - a[p * n + p]) / (2 * a[p * n + q]);
    const double t = (theta < 0 ? -1 : 1) / (fabs(theta) + sqrt(theta * theta + 1));
    const double c = 1 / sqrt(t * t + 1), s = t * c;
    for (size_t k = 0; k < n; k++) {
        const double x = a[k * n + p], y = a[k * n + q];
        a[k * n + p] = c * x - s * y;
        a[k * n + q] = s * x + c * y;
    }
    for (size_t k = 0; k < n; k++) {
        const double x = a[p * n + k], y = a[q * n + k], u = v[p * n + k], w = v[q * n + k];
        a[p * n + k] = c * x - s * y;
        a[q * n + k] = s * x + c * y;
        v[p * n + k] = c * u - s * w;
        v[q * n + k] = s * u + c * w;
    }
}

static void swap(double *a, double *b, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        const double t = a[k];
        a[k] = b[k];
        b[k] = t;
    }
}

static void sort(double *values, double *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = i + 1; j < n; j++)
            if (values[j] > values[i]) {
                swap(&values[i], &values[j], 1);
                swap(v + i * n, v + j * n, n);
            }
}

void ref_jacobi(double *values, double *v, double *a, size_t n)
{
    memset(v, 0, n * n * sizeof *v);
    for (size_t i = 0; i < n; i++)
        v[i * n + i] = 1;
    for (int sweep = 0; sweep < 60; sweep++)
        for (size_t p = 0; p < n; p++)
            for (size_t q = p + 1; q < n; q++)
                if (fabs(a[p * n + q]) > 1e-300)
                    rotate(a, v, n, p, q);
    for (size_t i = 0; i < n; i++)
        values[i] = a[i * n + i];
    sort(values, v, n);
}

/* ---- the matrix ---------------------------------------------------------------------------------- */

size_t ref_whitener(double *w, const clnorm_whitener *how, const double *values, const double *v, size_t dims,
                    bool inverse)
{
    const size_t kept = how->components ? how->components : dims,
                 rows = how->form == CLNORM_PCA ? kept : dims;
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < dims; j++) {
            double sum = 0;
            for (size_t k = 0; k < kept; k++) {
                const double *u = v + k * dims, root = sqrt(fmax(values[k], 0) + how->eps);
                double turn = 1, most = 0;
                for (size_t l = 0; l < dims; l++)
                    if (fabs(u[l]) > most) {
                        most = fabs(u[l]);
                        turn = u[l] < 0 ? -1 : 1;
                    }
                const double left = how->form == CLNORM_ZCA ? u[i] : k == i ? turn : 0;
                sum += left * u[j] * (inverse ? root : 1 / root);
            }
            w[inverse ? j * rows + i : i * dims + j] = sum;
        }
    return rows;
}

/* ---- the op -------------------------------------------------------------------------------------- */

/* The whitened side as samples whose values are channels, or as the images. */
static samples outputs_of(const clnorm_whiten *d, const clnorm_tensor *t, const samples *images)
{
    static const clnorm_whiten pixels = CLNORM_WHITEN_INIT;
    bool same = t->ndim == images->t->ndim;
    for (uint32_t k = 0; same && k < t->ndim; k++)
        same = t->shape[k] == images->t->shape[k];
    return samples_of(same && d->samples != CLNORM_PIXELS ? d : &pixels, t);
}

/* y's strides, in the order of its axes. */
static clnorm_tensor dense(const clnorm_tensor *t)
{
    clnorm_tensor out = *t;
    int64_t step = 1;
    for (uint32_t k = t->ndim; k-- > 0; step *= t->shape[k])
        out.stride[k] = step;
    return out;
}

bool ref_whiten_run(const clnorm_any *desc, const ref_io *io)
{
    const clnorm_whiten *d = &desc->whiten;
    const bool back = d->task == CLNORM_UNWHITEN;
    const clnorm_tensor y = dense(&d->y);
    const float *mean = (const float *)io->slot[CLNORM_MEAN], *w = (const float *)io->slot[CLNORM_WHITENER];
    double *out = (double *)io->slot[CLNORM_Y];
    if (d->task == CLNORM_FIT || !mean || !w || !out || !io->slot[CLNORM_X])
        return false;
    const samples images = samples_of(d, back ? &y : &d->x),
                  outputs = outputs_of(d, back ? &d->x : &y, &images), from = back ? outputs : images,
                  to = back ? images : outputs;
    const int64_t dims = dims_of(&images), inner = dims_of(&from), outer = dims_of(&to);
    for (int64_t i = 0; i < images.n * images.down * images.across; i++)
        for (int64_t k = 0; k < outer; k++) {
            double sum = back ? (double)mean[k] + (double)mean[dims + k] : 0, size = fabs(sum);
            for (int64_t j = 0; j < inner; j++) {
                const double x = ref_get(d->x.dtype, io->slot[CLNORM_X], place(&from, i, j));
                const double term =
                    (double)w[k * inner + j] * (back ? x : x - (double)mean[j] - (double)mean[dims + j]);
                sum += term;
                size += fabs(term);
            }
            out[place(&to, i, k)] = sum;
            ref_put_scale(io, CLNORM_Y, place(&to, i, k), size, size);
        }
    return true;
}

/* spectralnorm.c -- Miyato et al. 2018: u = W v / |W v|, v = W^T u / |W^T u|, y = W / (u^T W v). io->moved: u and v after. */
#include "ref/matrix.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* out = W w, or W^T w. */
static void multiply(double *out, const double *m, int64_t rows, int64_t columns, const double *w,
                     bool transposed)
{
    memset(out, 0, (size_t)(transposed ? columns : rows) * sizeof *out);
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < columns; c++)
            out[transposed ? c : r] += m[r * columns + c] * w[transposed ? r : c];
}

static void normalize(double *v, int64_t n, double eps)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += v[i] * v[i];
    const double norm = fmax(sqrt(sum), eps);
    for (int64_t i = 0; i < n; i++)
        v[i] = norm > 0 ? v[i] / norm : 0;
}

static double sigma_of(const double *m, int64_t rows, int64_t columns, const double *u, const double *v)
{
    double sum = 0;
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < columns; c++)
            sum += u[r] * m[r * columns + c] * v[c];
    return sum;
}

static void forward(const clnorm_any *desc, const ref_io *io, const double *m, double *u, double *v)
{
    const clnorm_spectralnorm *d = &desc->spectralnorm;
    const int64_t rows = d->x.shape[d->dim], columns = clnorm_tensor_count(&d->x) / rows;
    for (uint32_t i = 0; d->mode == CLNORM_TRAIN && i < d->iterations; i++) {
        multiply(u, m, rows, columns, v, false);
        normalize(u, rows, (double)d->eps);
        multiply(v, m, rows, columns, u, true);
        normalize(v, columns, (double)d->eps);
    }
    const double sigma = sigma_of(m, rows, columns, u, v);
    double *y = (double *)io->slot[CLNORM_Y];
    for (int64_t i = 0; y && i < rows * columns; i++)
        y[ref_matrix_index(&d->x, d->dim, i / columns, i % columns)] = sigma == 0 ? 0 : m[i] / sigma;
    if (io->slot[CLNORM_SIGMA])
        *(double *)io->slot[CLNORM_SIGMA] = sigma;
    if (io->moved[0])
        memcpy(io->moved[0], u, (size_t)rows * sizeof *u);
    if (io->moved[1])
        memcpy(io->moved[1], v, (size_t)columns * sizeof *v);
}

static bool backward(const clnorm_any *desc, const ref_io *io, const double *m, const double *u,
                     const double *v)
{
    const clnorm_spectralnorm *d = &desc->spectralnorm;
    const int64_t rows = d->x.shape[d->dim], columns = clnorm_tensor_count(&d->x) / rows;
    double *dy = ref_matrix_of(&d->y, io->slot[CLNORM_DY], d->dim), *dx = (double *)io->slot[CLNORM_DX];
    const double sigma = io->slot[CLNORM_SIGMA] ? (double)*(const float *)io->slot[CLNORM_SIGMA]
                                                : sigma_of(m, rows, columns, u, v);
    double inner = 0;
    for (int64_t i = 0; dy && i < rows * columns; i++)
        inner += dy[i] * m[i] / sigma;
    for (int64_t i = 0; dy && i < rows * columns; i++)
        dx[ref_matrix_index(&d->x, d->dim, i / columns, i % columns)] =
            sigma == 0 ? 0 : (dy[i] - inner * u[i / columns] * v[i % columns]) / sigma;
    free(dy);
    return dy != NULL;
}

bool ref_spectralnorm(const clnorm_any *desc, const ref_io *io)
{
    const clnorm_spectralnorm *d = &desc->spectralnorm;
    clnorm_tensor tu, tv;
    if (!clnorm_op_slot(desc, CLNORM_U, &tu) || !clnorm_op_slot(desc, CLNORM_V, &tv))
        return false;
    double *m = ref_matrix_of(&d->x, io->slot[CLNORM_X], d->dim),
           *u = ref_matrix_of(&tu, io->slot[CLNORM_U], 0), *v = ref_matrix_of(&tv, io->slot[CLNORM_V], 0);
    bool done = m && u && v;
    if (done && d->op.direction == CLNORM_BACKWARD)
        done = backward(desc, io, m, u, v);
    else if (done)
        forward(desc, io, m, u, v);
    free(m);
    free(u);
    free(v);
    return done;
}

/* iternorm.c -- Huang et al. 2019, algorithm 1, and its gradient by the chain rule, product by product. io->moved: the running
 * mean and whitener after. */
#include "ref/matrix.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* One group of channels, M samples of each. Matrices are n x n, one per iteration of p. */
typedef struct group {
    const clnorm_iternorm *d;
    int64_t n, m, first; /* channels, samples, the first channel */
    double *x;           /* n x m, then about the mean */
    double *mean, *s, *p, *w;
    double trace;
    double *t[8]; /* n x n each, for whoever wants them */
} group;

static uint32_t channel_axis(const clnorm_tensor *x) { return x->ndim >= 4 || x->ndim == 2 ? 1 : 0; }

static void close_group(group *g)
{
    free(g->x);
    free(g->mean);
    free(g->s);
    free(g->p);
    free(g->w);
    for (int k = 0; k < 8; k++)
        free(g->t[k]);
}

static bool open_group(group *g, const clnorm_iternorm *d, int64_t which, const double *all)
{
    const int64_t c = d->x.shape[channel_axis(&d->x)], n = c / d->groups, m = clnorm_tensor_count(&d->x) / c;
    const size_t size = (size_t)(n * n) * sizeof(double);
    memset(g, 0, sizeof *g);
    g->d = d;
    g->n = n;
    g->m = m;
    g->first = which * n;
    g->x = (double *)malloc((size_t)(n * m) * sizeof(double));
    g->mean = (double *)calloc((size_t)n, sizeof(double));
    g->s = (double *)calloc(1, size);
    g->p = (double *)calloc(d->iterations + 1, size);
    g->w = (double *)calloc(1, size);
    bool there = g->x && g->mean && g->s && g->p && g->w;
    for (int k = 0; k < 8; k++)
        there = (g->t[k] = (double *)calloc(1, size)) != NULL && there;
    if (there)
        memcpy(g->x, all + g->first * m, (size_t)(n * m) * sizeof(double));
    return there;
}

static void centre(group *g)
{
    for (int64_t c = 0; c < g->n; c++) {
        for (int64_t i = 0; i < g->m; i++)
            g->mean[c] += g->x[c * g->m + i] / (double)g->m;
        for (int64_t i = 0; i < g->m; i++)
            g->x[c * g->m + i] -= g->mean[c];
    }
}

/* S', P of each iteration, W. */
static void whiten(group *g)
{
    const int64_t n = g->n, size = n * n;
    centre(g);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++) {
            for (int64_t l = 0; l < g->m; l++)
                g->s[i * n + j] += g->x[i * g->m + l] * g->x[j * g->m + l] / (double)g->m;
            g->s[i * n + j] += i == j ? (double)g->d->eps : 0;
        }
    for (int64_t i = 0; i < n; i++) {
        g->trace += g->s[i * n + i];
        g->p[i * n + i] = 1;
    }
    for (int64_t e = 0; e < size; e++)
        g->s[e] /= g->trace;
    for (uint32_t k = 0; k < g->d->iterations; k++) {
        const double *p = g->p + k * size;
        ref_multiply(g->t[0], p, p, n);
        ref_multiply(g->t[1], g->t[0], p, n);
        ref_multiply(g->t[2], g->t[1], g->s, n);
        for (int64_t e = 0; e < size; e++)
            g->p[(k + 1) * size + e] = 1.5 * p[e] - 0.5 * g->t[2][e];
    }
    for (int64_t e = 0; e < size; e++)
        g->w[e] = g->p[g->d->iterations * size + e] / sqrt(g->trace);
}

static void recall(group *g, const ref_io *io)
{
    for (int64_t c = 0; c < g->n; c++) {
        g->mean[c] = (double)((const float *)io->slot[CLNORM_RUNNING_MEAN])[g->first + c];
        for (int64_t i = 0; i < g->m; i++)
            g->x[c * g->m + i] -= g->mean[c];
    }
    for (int64_t e = 0; e < g->n * g->n; e++)
        g->w[e] = (double)((const float *)io->slot[CLNORM_RUNNING_WHITENER])[g->first * g->n + e];
}

static double weight(const ref_io *io, uint32_t slot, int64_t c, double absent)
{
    return io->slot[slot] ? (double)((const float *)io->slot[slot])[c] : absent;
}

/* Sample l of channel c in the tensor's order. */
static int64_t index_of(const group *g, int64_t c, int64_t l)
{
    return ref_matrix_index(&g->d->x, channel_axis(&g->d->x), g->first + c, l);
}

static double xhat(const group *g, int64_t c, int64_t l)
{
    double sum = 0;
    for (int64_t k = 0; k < g->n; k++)
        sum += g->w[c * g->n + k] * g->x[k * g->m + l];
    return sum;
}

static void keep(const group *g, const ref_io *io)
{
    const double m = io->cumulative     ? 1.0 / ((double)io->count + 1)
                     : io->momentum > 0 ? io->momentum
                                        : (double)g->d->momentum;
    const int64_t size = g->n * g->n, from = g->first * g->n;
    for (int64_t c = 0; c < g->n; c++) {
        if (io->slot[CLNORM_MEAN])
            ((double *)io->slot[CLNORM_MEAN])[g->first + c] = g->mean[c];
        if (io->moved[0])
            io->moved[0][g->first + c] =
                (1 - m) * weight(io, CLNORM_RUNNING_MEAN, g->first + c, 0) + m * g->mean[c];
    }
    for (int64_t e = 0; e < size; e++) {
        if (io->slot[CLNORM_WHITENER])
            ((double *)io->slot[CLNORM_WHITENER])[from + e] = g->w[e];
        if (io->moved[1])
            io->moved[1][from + e] = (1 - m) * weight(io, CLNORM_RUNNING_WHITENER, from + e, 0) + m * g->w[e];
    }
}

static void forward(group *g, const ref_io *io)
{
    double *y = (double *)io->slot[CLNORM_Y];
    for (int64_t c = 0; y && c < g->n; c++)
        for (int64_t l = 0; l < g->m; l++)
            y[index_of(g, c, l)] = xhat(g, c, l) * weight(io, CLNORM_GAMMA, g->first + c, 1) +
                                   weight(io, CLNORM_BETA, g->first + c, 0);
    if (g->d->mode == CLNORM_TRAIN)
        keep(g, io);
}

/* c += by a^T b, or a b^T. */
static void add_ta(double *c, const double *a, const double *b, int64_t n, double by)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++)
            for (int64_t k = 0; k < n; k++)
                c[i * n + j] += by * a[k * n + i] * b[k * n + j];
}
static void add_tb(double *c, const double *a, const double *b, int64_t n, double by)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++)
            for (int64_t k = 0; k < n; k++)
                c[i * n + j] += by * a[i * n + k] * b[j * n + k];
}

/* From dW to dS, which replaces it. */
static void through(group *g, double *dw)
{
    const int64_t n = g->n, size = n * n;
    double *dp = g->t[1], *ds = g->t[2], *square = g->t[3], *cube = g->t[4], *dcube = g->t[5],
           *dsquare = g->t[6], *before = g->t[7], droot = 0, dtrace = 0;
    memset(ds, 0, (size_t)size * sizeof *ds);
    for (int64_t e = 0; e < size; e++) {
        dp[e] = dw[e] / sqrt(g->trace);
        droot += dw[e] * g->p[g->d->iterations * size + e];
    }
    for (uint32_t k = g->d->iterations;
         k-- > 0;) { /* P' = 1.5 P - 0.5 cube S', cube = square P, square = P P */
        const double *p = g->p + k * size;
        ref_multiply(square, p, p, n);
        ref_multiply(cube, square, p, n);
        add_ta(ds, cube, dp, n, -0.5);
        memset(dcube, 0, (size_t)size * sizeof *dcube);
        memset(dsquare, 0, (size_t)size * sizeof *dsquare);
        add_tb(dcube, dp, g->s, n, -0.5);
        add_tb(dsquare, dcube, p, n, 1);
        for (int64_t e = 0; e < size; e++)
            before[e] = 1.5 * dp[e];
        add_ta(before, square, dcube, n, 1);
        add_tb(before, dsquare, p, n, 1);
        add_ta(before, p, dsquare, n, 1);
        memcpy(dp, before, (size_t)size * sizeof *dp);
    }
    for (int64_t e = 0; e < size; e++)
        dtrace -= ds[e] * g->s[e] / g->trace;
    dtrace -= 0.5 * droot / (g->trace * sqrt(g->trace));
    for (int64_t e = 0; e < size; e++)
        dw[e] = ds[e] / g->trace + (e / n == e % n ? dtrace : 0);
}

static void backward(group *g, const ref_io *io, const double *dy)
{
    const int64_t n = g->n, m = g->m;
    double *dw = g->t[0], *dx = (double *)io->slot[CLNORM_DX],
           *one = (double *)malloc((size_t)m * sizeof *one);
    memset(dw, 0, (size_t)(n * n) * sizeof *dw);
    for (int64_t c = 0; c < n; c++) {
        double sum = 0, product = 0;
        for (int64_t l = 0; l < m; l++) {
            const double d = dy[(g->first + c) * m + l];
            sum += d;
            product += d * xhat(g, c, l);
            for (int64_t k = 0; k < n; k++)
                dw[c * n + k] += d * weight(io, CLNORM_GAMMA, g->first + c, 1) * g->x[k * m + l];
        }
        if (io->slot[CLNORM_DBETA])
            ((double *)io->slot[CLNORM_DBETA])[g->first + c] = sum;
        if (io->slot[CLNORM_DGAMMA])
            ((double *)io->slot[CLNORM_DGAMMA])[g->first + c] = product;
    }
    const bool trains = g->d->mode == CLNORM_TRAIN;
    if (trains)
        through(g, dw);
    for (int64_t c = 0; dx && one && c < n; c++) {
        double mean = 0;
        for (int64_t l = 0; l < m; l++) {
            one[l] = 0;
            for (int64_t k = 0; k < n; k++) {
                const double gk = dy[(g->first + k) * m + l] * weight(io, CLNORM_GAMMA, g->first + k, 1);
                one[l] += gk * g->w[k * n + c];
                one[l] += trains ? (dw[k * n + c] + dw[c * n + k]) * g->x[k * m + l] / (double)m : 0;
            }
            mean += trains ? one[l] / (double)m : 0;
        }
        for (int64_t l = 0; l < m; l++)
            dx[index_of(g, c, l)] = one[l] - mean;
    }
    free(one);
}

bool ref_iternorm(const clnorm_any *desc, const ref_io *io)
{
    const clnorm_iternorm *d = &desc->iternorm;
    const bool back = d->op.direction == CLNORM_BACKWARD;
    const uint32_t axis = channel_axis(&d->x);
    double *x = ref_matrix_of(&d->x, io->slot[CLNORM_X], axis),
           *dy = back ? ref_matrix_of(&d->y, io->slot[CLNORM_DY], axis) : NULL;
    bool done = x && (dy || !back);
    for (uint32_t k = 0; done && k < d->groups; k++) {
        group g;
        done = open_group(&g, d, k, x);
        if (done && d->mode == CLNORM_TRAIN)
            whiten(&g);
        else if (done)
            recall(&g, io);
        if (done && back)
            backward(&g, io, dy);
        else if (done)
            forward(&g, io);
        close_group(&g);
    }
    free(x);
    free(dy);
    return done;
}

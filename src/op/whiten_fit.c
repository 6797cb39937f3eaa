/* whiten_fit.c -- from the statistics of samples to the matrix that whitens them. */
#include "base/sized.h"
#include "base/status.h"
#include "blas/eigen.h"
#include "op/op.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- statistics ---------------------------------------------------------------------------------- */

static clnorm_status check_stats(const clnorm_whiten_stats *s, const char *name)
{
    if (!s)
        return cln_fail(CLNORM_EARG, "%s is NULL", name);
    char size[32];
    snprintf(size, sizeof size, "%s: size", name);
    CLN_TRY(cln_sized_read(NULL, s, sizeof *s, sizeof *s, size, "clnorm_whiten_stats"));
    if (s->dims < 1 || s->dims > CLNORM_WHITEN_DIMS)
        return cln_fail(CLNORM_EARG, "%s: dims is %u; 1 to %d are allowed", name, s->dims,
                        CLNORM_WHITEN_DIMS);
    if (!s->mean || !s->m2)
        return cln_fail(CLNORM_EARG, "%s: %s is NULL", name, s->mean ? "m2" : "mean");
    return CLNORM_OK;
}

static double mean_of(const clnorm_whiten_stats *s, size_t i)
{
    return (double)s->mean[i] + (double)s->mean[s->dims + i];
}

static double m2_of(const clnorm_whiten_stats *s, size_t i, size_t j)
{
    const size_t n = s->dims, at = i * n + j;
    return (double)s->m2[at] + (double)s->m2[n * n + at];
}

static void set_m2(clnorm_whiten_stats *s, size_t i, size_t j, double value)
{
    const size_t n = s->dims, at = i * n + j;
    cln_two_floats(value, &s->m2[at], &s->m2[n * n + at]);
}

clnorm_status clnorm_whiten_merge(clnorm_whiten_stats *into, const clnorm_whiten_stats *other)
{
    CLN_TRY(check_stats(into, "into"));
    CLN_TRY(check_stats(other, "other"));
    if (into->dims != other->dims)
        return cln_fail(CLNORM_EARG, "into: dims is %u; other's is %u, and they must be equal", into->dims,
                        other->dims);
    const size_t n = into->dims;
    if (!other->count)
        return CLNORM_OK;
    const bool first = !into->count;
    const double a = (double)into->count, b = (double)other->count, share = b / (a + b);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            const double di = mean_of(other, i) - mean_of(into, i), dj = mean_of(other, j) - mean_of(into, j);
            set_m2(into, i, j, m2_of(other, i, j) + (first ? 0.0 : m2_of(into, i, j) + a * share * di * dj));
        }
    for (size_t i = 0; i < n; i++) {
        const double mean =
            first ? mean_of(other, i) : mean_of(into, i) + share * (mean_of(other, i) - mean_of(into, i));
        cln_two_floats(mean, &into->mean[i], &into->mean[n + i]);
    }
    into->count += other->count;
    return CLNORM_OK;
}

/* ---- checks of a fit ----------------------------------------------------------------------------- */

static clnorm_status check_whitener(const clnorm_whitener *w, const clnorm_whiten_stats *s)
{
    if (!w)
        return cln_fail(CLNORM_EARG, "out is NULL");
    CLN_TRY(cln_sized_read(NULL, w, sizeof *w, sizeof *w, "out: size", "clnorm_whitener"));
    if (w->form > CLNORM_PCA)
        return cln_fail(CLNORM_EARG, "out: form is %u; ZCA 0 and PCA 1 are allowed", w->form);
    if (w->components > s->dims)
        return cln_fail(CLNORM_EARG, "out: components is %u; the samples have %u dimensions", w->components,
                        s->dims);
    if (!(w->eps >= 0.0 && w->eps <= FLT_MAX))
        return cln_fail(CLNORM_EARG, "out: eps is %g; finite values from 0 up are allowed", w->eps);
    return CLNORM_OK;
}

static clnorm_status not_a_number(size_t i)
{
    return cln_fail(
        CLNORM_EDATA,
        "dimension %zu of the samples has a NaN, an infinity or numbers whose squares are too large for f32",
        i);
}

/* Its own numbers tell which dimension it is: those between it and another are bad with either. */
static clnorm_status check_numbers(const clnorm_whiten_stats *s)
{
    for (size_t i = 0; i < s->dims; i++)
        if (!isfinite(mean_of(s, i)) || !isfinite(m2_of(s, i, i)))
            return not_a_number(i);
    for (size_t i = 0; i < s->dims; i++)
        for (size_t k = 0; k < s->dims; k++)
            if (!isfinite(m2_of(s, i, k)))
                return not_a_number(i);
    return CLNORM_OK;
}

static uint32_t kept(const clnorm_whitener *w, const clnorm_whiten_stats *s)
{
    return w->components ? w->components : s->dims;
}

/* Below it an eigenvalue says nothing: each entry of the covariance has f32's rounding of its two deviations, so that the
 * vector v sees about sum v_i^2 var_i of that, and sqrt(n) of it where roundings are unlike. */
static double noise(const double *v, const clnorm_whiten_stats *s, double largest)
{
    double sum = 0.0;
    for (size_t i = 0; i < s->dims; i++)
        sum += v[i] * v[i] * m2_of(s, i, i);
    return 4.0 * (double)FLT_EPSILON * sqrt((double)s->dims) * sum / (double)(s->count - 1) +
           largest * (double)s->dims * DBL_EPSILON;
}

static bool constant_dimension(const clnorm_whiten_stats *s, size_t *which)
{
    for (*which = 0; *which < s->dims; ++*which)
        if (m2_of(s, *which, *which) == 0.0)
            return true;
    return false;
}

#define REMEDY "give an eps above 0, or %u components or fewer"

static clnorm_status check_rank(const clnorm_whitener *w, const clnorm_whiten_stats *s, const double *values,
                                const double *vectors)
{
    const uint32_t wanted = kept(w, s);
    uint32_t rank = 0;
    size_t which;
    while (rank < s->dims && values[rank] > noise(vectors + (size_t)rank * s->dims, s, values[0]))
        rank++;
    if (s->count - 1 < rank)
        rank = (uint32_t)(s->count - 1);
    if (w->eps > 0.0 || rank >= wanted)
        return CLNORM_OK;
    if (!rank)
        return cln_fail(CLNORM_EDATA, "all samples are the same; give an eps above 0");
    if (s->count <= wanted)
        return cln_fail(CLNORM_EDATA,
                        "%llu samples of %u dimensions have a covariance of rank %u at most, and it has no "
                        "inverse; " REMEDY,
                        (unsigned long long)s->count, s->dims, rank, rank);
    if (constant_dimension(s, &which))
        return cln_fail(
            CLNORM_EDATA,
            "dimension %zu of the samples is constant, and the covariance has no inverse; " REMEDY, which,
            rank);
    return cln_fail(
        CLNORM_EDATA,
        "%u of %u eigenvalues of the covariance are 0 within rounding (the largest is %.3g), and it has no "
        "inverse; " REMEDY,
        s->dims - rank, s->dims, values[0], rank);
}

/* ---- the matrix ---------------------------------------------------------------------------------- */

static clnorm_status covariance(double *a, const clnorm_whiten_stats *s)
{
    const size_t n = s->dims;
    if (s->count < 2)
        return cln_fail(CLNORM_EDATA, "there %s %llu sample%s; a covariance takes 2 or more",
                        s->count == 1 ? "is" : "are", (unsigned long long)s->count, s->count == 1 ? "" : "s");
    CLN_TRY(check_numbers(s));
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            a[i * n + j] = (m2_of(s, i, j) + m2_of(s, j, i)) / 2.0 / (double)(s->count - 1);
    return CLNORM_OK;
}

/* Each vector points where its largest entry is positive, or two libraries would give two signs. */
static void turn(double *vectors, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        double *const v = vectors + i * n;
        size_t most = 0;
        for (size_t j = 1; j < n; j++)
            most = fabs(v[j]) > fabs(v[most]) ? j : most;
        const double sign = v[most] < 0.0 ? -1.0 : 1.0;
        for (size_t j = 0; j < n; j++)
            v[j] *= sign;
    }
}

/* Rows of vectors times (value + eps)^power, to f32; transposed: columns. */
static void scale_rows(float *to, const double *vectors, const double *by, size_t rows, size_t n,
                       bool transposed)
{
    for (size_t i = 0; to && i < rows; i++)
        for (size_t j = 0; j < n; j++)
            to[transposed ? j * rows + i : i * n + j] = (float)(vectors[i * n + j] * by[i]);
}

/* U diag(by^2) U^T. */
static void compose(float *to, const double *vectors, const double *by, uint32_t rows, uint32_t n,
                    double *scaled, double *product)
{
    if (!to)
        return;
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < n; j++)
            scaled[i * n + j] = vectors[i * n + j] * by[i];
    cln_gram(product, scaled, rows, n);
    for (size_t i = 0; i < (size_t)n * n; i++)
        to[i] = (float)product[i];
}

/* PCA takes 1 / sqrt(value + eps) once, ZCA its root twice; the inverse the other way up. */
static void powers(double *by, const double *values, uint32_t rows, double eps, double power)
{
    for (uint32_t i = 0; i < rows; i++)
        by[i] = pow(fmax(values[i], 0.0) + eps, power);
}

static clnorm_status write(clnorm_whitener *w, const clnorm_whiten_stats *s, double *vectors,
                           const double *values, double *by)
{
    const uint32_t rows = kept(w, s), n = s->dims;
    const bool pca = w->form == CLNORM_PCA;
    double *scaled = NULL;
    powers(by, values, rows, w->eps, -0.5);
    for (uint32_t i = 0; i < rows; i++)
        if (by[i] > FLT_MAX)
            return cln_fail(CLNORM_EDATA,
                            "eps is %g, too small for eigenvalues of 0: the result is too large for f32",
                            w->eps);
    if (pca) {
        scale_rows(w->whitener, vectors, by, rows, n, false);
        powers(by, values, rows, w->eps, 0.5);
        scale_rows(w->inverse, vectors, by, rows, n, true);
    } else {
        scaled = (double *)malloc(2 * (size_t)n * n * sizeof *scaled);
        if (!scaled)
            return cln_fail(CLNORM_ENOMEM, "no memory for a whitener of %u dimensions", n);
        powers(by, values, rows, w->eps, -0.25);
        compose(w->whitener, vectors, by, rows, n, scaled, scaled + (size_t)n * n);
        powers(by, values, rows, w->eps, 0.25);
        compose(w->inverse, vectors, by, rows, n, scaled, scaled + (size_t)n * n);
    }
    for (uint32_t i = 0; w->eigenvalues && i < n; i++)
        w->eigenvalues[i] = (float)fmax(values[i], 0.0);
    w->outputs = pca ? rows : n;
    free(scaled);
    return CLNORM_OK;
}

clnorm_status clnorm_whiten_fit(clnorm_whitener *out, const clnorm_whiten_stats *stats)
{
    CLN_TRY(check_stats(stats, "stats"));
    CLN_TRY(check_whitener(out, stats));
    const size_t n = stats->dims;
    double *const vectors = (double *)malloc((n * n + 2 * n) * sizeof *vectors);
    if (!vectors)
        return cln_fail(CLNORM_ENOMEM, "no memory for the covariance of %zu dimensions", n);
    double *const values = vectors + n * n, *const by = values + n;
    clnorm_status st = covariance(vectors, stats);
    if (st == CLNORM_OK)
        st = cln_eigen(vectors, values, stats->dims);
    if (st == CLNORM_OK)
        st = check_rank(out, stats, values, vectors);
    if (st == CLNORM_OK) {
        turn(vectors, n);
        st = write(out, stats, vectors, values, by);
    }
    free(vectors);
    return st;
}

/* whitener.c -- a fitted whitener as an .npz file. */
#include "cli/whitener.h"
#include "cli/input.h"
#include "cli/npz.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
enum { SAMPLE_NUMBERS = 6 };

static int floats(float **out, size_t count)
{
    void *memory;
    const int code = cli_zeros(&memory, "a whitener", count * sizeof(float));
    *out = (float *)memory;
    return code;
}

int cli_whitener_alloc(cli_whitener *w, size_t dims, size_t outputs)
{
    w->dims = dims;
    w->outputs = outputs;
    int code = floats(&w->mean, 2 * dims);
    if (code == EXIT_OK)
        code = floats(&w->whitener, dims * outputs);
    if (code == EXIT_OK)
        code = floats(&w->inverse, dims * outputs);
    return code == EXIT_OK ? floats(&w->eigenvalues, dims) : code;
}

void cli_whitener_free(cli_whitener *w)
{
    free(w->mean);
    free(w->whitener);
    free(w->inverse);
    free(w->eigenvalues);
    memset(w, 0, sizeof *w);
}

const char *cli_sample_text(const cli_sample *s)
{
    static char text[128];
    static const char *const kinds[] = { "pixels", "patches", "images" };
    const unsigned long long c = s->channels, h = s->height, w = s->width;
    if (s->samples == CLNORM_PIXELS)
        snprintf(text, sizeof text, "pixels of %llu channel%s", c, c == 1 ? "" : "s");
    else
        snprintf(text, sizeof text, "%s of %llux%llu pixels of %llu channel%s", kinds[s->samples], w, h, c,
                 c == 1 ? "" : "s");
    return text;
}

/* ---- read ---------------------------------------------------------------------------------------- */

/* The file being read: where its sentences begin. */
typedef struct reader {
    cli_npz *z;
    const char *name;
} reader;

static int refuse(const reader *r, const char *array, const char *why)
{
    return cli_fail(EXIT_INPUT, "%s is no whitener: its array %s %s", cli_quote(r->name), array, why);
}

/* An array of f32 (or of numbers, dtype 0), rows x columns; rows 0: one axis. */
static int read_array(void *to, const reader *r, const char *array, uint32_t dtype, size_t rows,
                      size_t columns)
{
    cli_array a;
    int code = cli_npz_read(&a, r->z, array);
    if (code != EXIT_OK)
        return code;
    const bool fits = a.ndim == (rows ? 2u : 1u) && (size_t)a.shape[a.ndim - 1] == columns &&
                      (!rows || (size_t)a.shape[0] == rows);
    if (a.dtype != dtype)
        code = refuse(r, array, dtype ? "is not of f4 or f8" : "is not of u8");
    else if (!fits)
        code = refuse(r, array, "has another shape than the others want");
    else
        memcpy(to, a.data, a.bytes);
    for (size_t i = 0; code == EXIT_OK && dtype && i < a.bytes / sizeof(float); i++)
        if (!isfinite(((const float *)to)[i]))
            code = refuse(r, array, "has a NaN or an infinity");
    cli_array_free(&a);
    return code;
}

/* D and K are the lengths of `whitener`. */
static int read_lengths(size_t *outputs, size_t *dims, const reader *r)
{
    cli_array a;
    int code = cli_npz_read(&a, r->z, "whitener");
    if (code != EXIT_OK)
        return code;
    if (a.ndim != 2)
        code = refuse(r, "whitener", "is no matrix");
    else if (a.shape[0] < 1 || a.shape[0] > a.shape[1] || a.shape[1] > CLNORM_WHITEN_DIMS)
        code = refuse(r, "whitener", "has more rows than columns, or more columns than 4096");
    *outputs = (size_t)a.shape[0];
    *dims = (size_t)a.shape[1];
    cli_array_free(&a);
    return code;
}

static int check_sample(const reader *r, const cli_whitener *w)
{
    const cli_sample *s = &w->sample;
    const uint64_t most = CLNORM_WHITEN_DIMS;
    const bool sizes =
        s->channels - 1 < most && s->height - 1 < most && s->width - 1 < most && s->stride <= most;
    const bool shapes = (s->samples != CLNORM_PIXELS || (s->height == 1 && s->width == 1)) &&
                        (s->samples != CLNORM_PATCHES || (s->height == s->width && s->stride > 0));
    if (s->samples > CLNORM_IMAGES || s->form > CLNORM_PCA || !sizes || !shapes ||
        s->channels * s->height * s->width != w->dims)
        return refuse(r, "sample", "says something that does not fit its others");
    return EXIT_OK;
}

static int read_all(cli_whitener *w, const reader *r)
{
    size_t outputs = 0, dims = 0;
    int code = read_lengths(&outputs, &dims, r);
    if (code == EXIT_OK)
        code = cli_whitener_alloc(w, dims, outputs);
    if (code != EXIT_OK)
        return code;
    const struct {
        const char *name;
        void *to;
        uint32_t dtype;
        size_t rows, columns;
    } list[] = { { "sample", &w->sample, 0, 0, SAMPLE_NUMBERS },
                 { "count", &w->count, 0, 0, 1 },
                 { "eps", &w->eps, CLNORM_F32, 0, 1 },
                 { "mean", w->mean, CLNORM_F32, 0, dims },
                 { "mean_rest", w->mean + dims, CLNORM_F32, 0, dims },
                 { "eigenvalues", w->eigenvalues, CLNORM_F32, 0, dims },
                 { "whitener", w->whitener, CLNORM_F32, outputs, dims },
                 { "inverse", w->inverse, CLNORM_F32, dims, outputs } };
    for (size_t k = 0; k < COUNT(list) && code == EXIT_OK; k++)
        code = read_array(list[k].to, r, list[k].name, list[k].dtype, list[k].rows, list[k].columns);
    return code == EXIT_OK ? check_sample(r, w) : code;
}

int cli_whitener_read(cli_whitener *out, const char *name)
{
    reader r = { NULL, name };
    memset(out, 0, sizeof *out);
    int code = cli_npz_open(&r.z, name);
    if (code == EXIT_OK)
        code = read_all(out, &r);
    cli_npz_close(r.z);
    if (code != EXIT_OK)
        cli_whitener_free(out);
    return code;
}

int cli_whitener_input(cli_array *out, const cli_reading *r, const char *name, bool images)
{
    int code = cli_reading_read(out, r, name, images);
    if (code != EXIT_OK || (out->ndim >= 2 && out->ndim <= 4))
        return code;
    code = cli_fail(EXIT_INPUT, "%s has %u %s; (N,C), (C,H,W) and (N,C,H,W) are allowed", cli_quote(name),
                    out->ndim, out->ndim == 1 ? "axis" : "axes");
    cli_array_free(out);
    return code;
}

/* ---- write --------------------------------------------------------------------------------------- */

static cli_array vector(const void *data, uint32_t dtype, size_t count)
{
    const size_t each = dtype ? sizeof(float) : sizeof(uint64_t);
    const cli_array a = { dtype, 1, { (int64_t)count }, (void *)(uintptr_t)data, count * each, false };
    return a;
}

static cli_array matrix(const float *data, size_t rows, size_t columns)
{
    const cli_array a = { CLNORM_F32,
                          2,
                          { (int64_t)rows, (int64_t)columns },
                          (void *)(uintptr_t)data,
                          rows * columns * sizeof(float),
                          false };
    return a;
}

int cli_whitener_write(const cli_whitener *w, cli_output *sink)
{
    const cli_array mean = vector(w->mean, CLNORM_F32, w->dims),
                    rest = vector(w->mean + w->dims, CLNORM_F32, w->dims),
                    whitener = matrix(w->whitener, w->outputs, w->dims),
                    inverse = matrix(w->inverse, w->dims, w->outputs),
                    values = vector(w->eigenvalues, CLNORM_F32, w->dims),
                    eps = vector(&w->eps, CLNORM_F32, 1), count = vector(&w->count, 0, 1),
                    sample = vector(&w->sample, 0, SAMPLE_NUMBERS);
    const cli_npz_array list[] = { { "mean", &mean },          { "mean_rest", &rest },
                                   { "whitener", &whitener },  { "inverse", &inverse },
                                   { "eigenvalues", &values }, { "eps", &eps },
                                   { "count", &count },        { "sample", &sample } };
    return cli_output_npz(sink, list, COUNT(list));
}

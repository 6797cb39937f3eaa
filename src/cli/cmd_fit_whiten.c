/* cmd_fit_whiten.c -- statistics of images or arrays on the device, and the whitener that is fitted to them. */
#define _XOPEN_SOURCE 700
#include "cli/cmd.h"
#include "cli/input.h"
#include "cli/json.h"
#include "cli/npz.h"
#include "cli/number.h"
#include "cli/paths.h"
#include "cli/session.h"
#include "cli/whitener.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH_BYTES ((size_t)1 << 26) /* of x on the device at a time */

typedef struct job {
    const cli_args *args;
    clnorm_whiten op; /* x is the batch at hand */
    clnorm_whitener how;
    cli_reading reading;
    cli_output *sink;
    cli_session session;
    cli_whitener w;
    cl_mem x, sums[3]; /* count, mean, m2 */
    size_t x_bytes;
    void *m2;    /* of floats */
    char *first; /* the input that all others are to be like */
} job;

/* ---- words --------------------------------------------------------------------------------------- */

/* The first word of the list is the default. */
static int take_word(uint32_t *out, const cli_args *args, const char *option, const char *const *list)
{
    int at;
    const int code = cli_choice(&at, args, option, list);
    *out = at > 0 ? (uint32_t)at : 0;
    return code;
}

static int take_whole(uint32_t *out, const cli_args *args, const char *option)
{
    const char *word = cli_get(args, option), *why;
    double value = 0;
    if (!word)
        return EXIT_OK;
    if (!cli_number(word, &value, &why) || value != floor(value) || value < 1 || value > CLNORM_WHITEN_DIMS)
        return cli_usage(args, "--%s %s: is not a whole number from 1 to %d", option, cli_quote(word),
                         CLNORM_WHITEN_DIMS);
    *out = (uint32_t)value;
    return EXIT_OK;
}

static int take_eps(double *out, const cli_args *args)
{
    const char *word = cli_get(args, "eps"), *why = "";
    if (!word || (cli_number(word, out, &why) && *out >= 0))
        return EXIT_OK;
    return cli_usage(args, "--eps %s: %s; it is added to eigenvalues, from 0 up", cli_quote(word),
                     *out < 0 ? "is below 0" : why);
}

static int check_patch(const job *j)
{
    const bool patches = j->op.samples == CLNORM_PATCHES;
    if (patches && !j->op.patch)
        return cli_usage(j->args, "--samples patches needs --patch, its pixels each way");
    if (!patches && (cli_has(j->args, "patch") || cli_has(j->args, "stride")))
        return cli_usage(j->args, "--patch and --stride go with --samples patches");
    return EXIT_OK;
}

static int take_words(job *j)
{
    static const char *const samples[] = { "pixels", "patches", "images", NULL }, *const forms[] = { "zca",
                                                                                                     "pca",
                                                                                                     NULL };
    const cli_args *args = j->args;
    int code = take_word(&j->op.samples, args, "samples", samples);
    if (code == EXIT_OK)
        code = take_word(&j->how.form, args, "form", forms);
    if (code == EXIT_OK)
        code = cli_reading_take(&j->reading, args);
    if (code == EXIT_OK)
        code = take_whole(&j->op.patch, args, "patch");
    if (code == EXIT_OK)
        code = take_whole(&j->op.stride, args, "stride");
    if (code == EXIT_OK)
        code = take_whole(&j->how.components, args, "components");
    if (code == EXIT_OK)
        code = take_eps(&j->how.eps, args);
    if (code == EXIT_OK)
        code = check_patch(j);
    if (code == EXIT_OK && !cli_has(args, "output"))
        code = cli_usage(args, "-o W.npz is missing: where the whitener is to go");
    return code == EXIT_OK ? cli_json_alone(args, "-o", cli_get(args, "output")) : code;
}

/* ---- statistics ---------------------------------------------------------------------------------- */

/* Channels, rows and columns of an image; rows of (N,C) are pixels. */
static void image_of(uint64_t out[3], const clnorm_tensor *x)
{
    const bool flat = x->ndim == 2;
    for (uint32_t k = 0; k < 3; k++)
        out[k] = flat ? (k ? 1 : (uint64_t)x->shape[1]) : (uint64_t)x->shape[x->ndim - 3 + k];
}

static cli_sample sample_of(const job *j, const clnorm_tensor *x)
{
    const clnorm_whiten *op = &j->op;
    const bool patches = op->samples == CLNORM_PATCHES;
    uint64_t image[3];
    image_of(image, x);
    const uint64_t windows[][2] = { [CLNORM_PIXELS] = { 1, 1 },
                                    [CLNORM_PATCHES] = { op->patch, op->patch },
                                    [CLNORM_IMAGES] = { image[1], image[2] } };
    const cli_sample sample = { op->samples,
                                image[0],
                                windows[op->samples][0],
                                windows[op->samples][1],
                                !patches     ? 0
                                : op->stride ? op->stride
                                             : op->patch,
                                j->how.form };
    return sample;
}

/* The first input decides what a sample is. */
static int begin(job *j, const clnorm_any *desc, const char *name)
{
    const clnorm_tensor *x = &desc->head.x;
    clnorm_tensor mean;
    const uint64_t none = 0;
    int code = EXIT_OK;
    if (!clnorm_op_slot(desc, CLNORM_MEAN, &mean))
        return cli_fail(EXIT_OPENCL, "whiten has no mean");
    const size_t dims = (size_t)mean.shape[2];
    if (!dims)
        return cli_fail(EXIT_INPUT, "a sample of %s has no values", cli_quote(name));
    if (j->how.components > dims)
        return cli_fail(EXIT_INPUT, "--components is %u; samples of %s have %zu values", j->how.components,
                        cli_quote(name), dims);
    const size_t outputs = j->how.form == CLNORM_PCA && j->how.components ? j->how.components : dims;
    j->first = strdup(name);
    if (!j->first)
        return cli_fail(EXIT_MEMORY, "no memory for the name of a file");
    j->w.sample = sample_of(j, x);
    const size_t bytes[] = { sizeof(uint64_t), 2 * dims * sizeof(float), 2 * dims * dims * sizeof(float) };
    code = cli_whitener_alloc(&j->w, dims, outputs);
    for (size_t k = 0; k < 3 && code == EXIT_OK; k++)
        code = cli_buffer_create(&j->session, bytes[k], &j->sums[k]);
    if (code == EXIT_OK)
        code = cli_memory(&j->m2, "the covariance", bytes[2], 0);
    if (code != EXIT_OK)
        return code;
    const cl_int error =
        clEnqueueWriteBuffer(j->session.queue, j->sums[0], CL_TRUE, 0, sizeof none, &none, 0, NULL, NULL);
    return error == CL_SUCCESS ? EXIT_OK : cli_fail_cl(error, "clEnqueueWriteBuffer");
}

/* Every input has the samples of the first. */
static int check_like(const job *j, const clnorm_tensor *x, const char *name)
{
    const cli_sample *s = &j->w.sample;
    const bool images = s->samples == CLNORM_IMAGES;
    uint64_t image[3];
    image_of(image, x);
    const uint64_t c = image[0], h = image[1], w = image[2];
    if (c == s->channels && (!images || (h == s->height && w == s->width)))
        return EXIT_OK;
    return cli_fail(EXIT_INPUT, "%s has %llu channel%s of %llux%llu pixels; the samples of %s are %s",
                    cli_quote(name), (unsigned long long)c, c == 1 ? "" : "s", (unsigned long long)w,
                    (unsigned long long)h, cli_quote(j->first), cli_sample_text(s));
}

static int run_batch(job *j, const clnorm_tensor *x, const void *data, size_t bytes)
{
    clnorm_args args = CLNORM_ARGS_INIT;
    cl_event event = NULL;
    int code = EXIT_OK;
    if (bytes > j->x_bytes) {
        if (j->x)
            clReleaseMemObject(j->x);
        code = cli_buffer_create(&j->session, bytes, &j->x);
        j->x_bytes = j->x ? bytes : 0;
    }
    if (code != EXIT_OK)
        return code;
    const cl_int error = clEnqueueWriteBuffer(j->session.queue, j->x, CL_TRUE, 0, bytes, data, 0, NULL, NULL);
    if (error != CL_SUCCESS)
        return cli_fail_cl(error, "clEnqueueWriteBuffer");
    j->op.x = *x;
    args.slot[CLNORM_X].mem = j->x;
    args.slot[CLNORM_COUNT].mem = j->sums[0];
    args.slot[CLNORM_MEAN].mem = j->sums[1];
    args.slot[CLNORM_M2].mem = j->sums[2];
    code = cli_status(clnorm_run(j->session.ctx, j->session.queue, &j->op.op, &args, 0, NULL, &event));
    return code == EXIT_OK ? cli_finish(event) : code;
}

/* An array image by image, as many at a time as a batch takes; rows of (N,C) likewise. */
static int add_array(job *j, const cli_array *a, const char *name)
{
    clnorm_any desc;
    memcpy(&desc, &j->op, sizeof j->op);
    desc.head.x = cli_tensor_of(a->dtype, a->ndim, a->shape, cli_reading_layout(&j->reading, a));
    if (clnorm_op_check(&desc) != CLNORM_OK)
        return cli_fail(EXIT_INPUT, "%s: %s", cli_quote(name), clnorm_last_error(NULL));
    int code = j->first ? check_like(j, &desc.head.x, name) : begin(j, &desc, name);
    if (code != EXIT_OK || !a->bytes)
        return code;
    const int64_t n = a->ndim == 3 ? 1 : a->shape[0];
    const size_t each = a->bytes / (size_t)n;
    const int64_t most = each < BATCH_BYTES ? (int64_t)(BATCH_BYTES / each) : 1;
    for (int64_t i = 0; i < n && code == EXIT_OK; i += most) {
        clnorm_tensor x = desc.head.x;
        const int64_t count = n - i < most ? n - i : most;
        if (a->ndim != 3)
            x.shape[0] = count;
        code = run_batch(j, &x, (const char *)a->data + (size_t)i * each, (size_t)count * each);
    }
    return code;
}

static int add_input(void *user, const char *name)
{
    job *j = (job *)user;
    cli_array a;
    int code = cli_whitener_input(&a, &j->reading, name, true);
    if (code != EXIT_OK)
        return code;
    if (j->args->verbose)
        fprintf(stderr, "clnorm: %s %s\n", cli_quote(name), cli_shape_text(a.shape, a.ndim));
    code = add_array(j, &a, name);
    cli_array_free(&a);
    return code;
}

/* ---- the whitener -------------------------------------------------------------------------------- */

static int read_back(job *j)
{
    const size_t dims = j->w.dims;
    void *const to[] = { &j->w.count, j->w.mean, j->m2 };
    const size_t bytes[] = { sizeof j->w.count, 2 * dims * sizeof(float), 2 * dims * dims * sizeof(float) };
    for (size_t k = 0; k < 3; k++) {
        const cl_int error =
            clEnqueueReadBuffer(j->session.queue, j->sums[k], CL_TRUE, 0, bytes[k], to[k], 0, NULL, NULL);
        if (error != CL_SUCCESS)
            return cli_fail_cl(error, "clEnqueueReadBuffer");
        if (k == 0 && !j->w.count) /* nothing has been written yet */
            return cli_fail(EXIT_INPUT, "there is no sample in %s", cli_quote(j->first));
    }
    return EXIT_OK;
}

static int fit(job *j)
{
    const clnorm_whiten_stats stats = { (uint32_t)sizeof stats, (uint32_t)j->w.dims, j->w.count, j->w.mean,
                                        (float *)j->m2 };
    j->how.whitener = j->w.whitener;
    j->how.inverse = j->w.inverse;
    j->how.eigenvalues = j->w.eigenvalues;
    j->w.eps = (float)j->how.eps;
    const int code = cli_status(clnorm_whiten_fit(&j->how, &stats));
    return code == EXIT_OK ? cli_whitener_write(&j->w, j->sink) : code;
}

static int report(const job *j, double ms)
{
    const cli_whitener *w = &j->w;
    const float most = w->eigenvalues[0], least = w->eigenvalues[w->dims - 1];
    if (j->args->verbose)
        fprintf(stderr, "clnorm: %llu %s, eigenvalues %.4g to %.4g, %zu outputs, %.3g s on %s\n",
                (unsigned long long)w->count, cli_sample_text(&w->sample), (double)most, (double)least,
                w->outputs, ms / 1e3, j->session.device.name);
    if (!j->args->json)
        return EXIT_OK;
    return cli_json_print(json_pack(
        "{s:I, s:s, s:I, s:I, s:s, s:o, s:o, s:o, s:o, s:o}", "count", (json_int_t)w->count, "samples",
        cli_sample_text(&w->sample), "dims", (json_int_t)w->dims, "outputs", (json_int_t)w->outputs, "form",
        w->sample.form == CLNORM_PCA ? "pca" : "zca", "eps", cli_json_real(j->how.eps), "largest",
        cli_json_real((double)most), "smallest", cli_json_real((double)least), "device",
        cli_json_text(j->session.device.name), "ms", cli_json_real(ms)));
}

static void close_job(job *j)
{
    cli_output_abandon(j->sink);
    for (size_t k = 0; k < 3; k++)
        if (j->sums[k])
            clReleaseMemObject(j->sums[k]);
    if (j->x)
        clReleaseMemObject(j->x);
    free(j->m2);
    free(j->first);
    cli_whitener_free(&j->w);
    cli_session_close(&j->session);
}

static int work(job *j)
{
    const double start = cli_now_ms();
    int code = take_words(j);
    if (code == EXIT_OK)
        code = cli_output_open_npz(&j->sink, cli_get(j->args, "output"), j->args->words[0]);
    if (code == EXIT_OK)
        code = cli_session_open(&j->session, j->args);
    for (size_t k = 0; k < j->args->nwords && code == EXIT_OK; k++)
        code = cli_paths(j->args->words[k], add_input, j);
    if (code == EXIT_OK)
        code = read_back(j);
    if (code == EXIT_OK)
        code = fit(j);
    if (code == EXIT_OK) {
        cli_output *sink = j->sink;
        j->sink = NULL;
        code = cli_output_commit(sink);
    }
    return code == EXIT_OK ? report(j, cli_now_ms() - start) : code;
}

int cmd_fit_whiten(const cli_args *args)
{
    const clnorm_whiten op = CLNORM_WHITEN_INIT;
    const clnorm_whitener how = CLNORM_WHITENER_INIT;
    job j;
    memset(&j, 0, sizeof j);
    j.args = args;
    j.op = op;
    j.op.task = CLNORM_FIT;
    j.how = how;
    if (!clnorm_op_named("whiten"))
        return cli_usage(args, "this build of clnorm has no whitening (CLNORM_CLBLAST=OFF)");
    const int code = work(&j);
    close_job(&j);
    return code;
}

/* run_whiten.c -- `run whiten` and `plan whiten`: INPUT by the matrix of --whitener, and back. */
#include "cli/run_whiten.h"
#include "cli/input.h"
#include "cli/json.h"
#include "cli/number.h"
#include "cli/session.h"
#include "cli/whitener.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct job {
    const cli_args *args;
    const char *input;
    clnorm_any desc;
    cli_reading reading;
    cli_layout layout, out; /* of INPUT, of OUTPUT */
    cli_writing writing;
    bool inverse;
    cli_whitener w;
    cli_array x, y;
    cli_output *sink;
    cli_session session;
    clnorm_plan *plan;
    cli_times times;
} job;

/* ---- words --------------------------------------------------------------------------------------- */

/* What `run` takes of other ops, and has no meaning here. */
static int check_options(const cli_args *args)
{
    static const char *const taken[] = { "--whitener",   "--inverse",   "--layout", "--in-dtype", "--rgb8",
                                         "--out-layout", "--out-dtype", "--effort", NULL };
    for (size_t k = 0; k < args->nvalues; k++) {
        const cli_option *o = args->values[k].option;
        const bool every = !(~o->commands & CLI_EVERY) || !strcmp(o->name, "tuning");
        char dashed[sizeof o->name + 2];
        snprintf(dashed, sizeof dashed, "--%s", o->name);
        if (!every && cli_word(dashed, taken) < 0)
            return cli_usage(args, "whiten does not take --%s; it takes %s", o->name, cli_words(taken));
    }
    return cli_has(args, "whitener")
               ? EXIT_OK
               : cli_usage(args, "whiten needs --whitener FILE.npz, which `clnorm fit-whiten` writes");
}

static int take_words(job *j)
{
    int code = check_options(j->args);
    if (code == EXIT_OK)
        code = cli_reading_take(&j->reading, j->args);
    if (code == EXIT_OK)
        code = cli_writing_take(&j->writing, j->args);
    j->inverse = cli_has(j->args, "inverse");
    return code;
}

/* ---- shapes -------------------------------------------------------------------------------------- */

/* Channels, height and width of a tensor, whatever its rank. */
typedef struct extent {
    int64_t c, h, w;
} extent;

static extent extent_of(const clnorm_tensor *t)
{
    const bool flat = t->ndim == 2;
    const extent e = { t->shape[flat ? 1 : t->ndim - 3], flat ? 1 : t->shape[t->ndim - 2],
                       flat ? 1 : t->shape[t->ndim - 1] };
    return e;
}

static int refuse_shape(const job *j, extent e)
{
    return cli_fail(EXIT_INPUT,
                    "%s has %lld channel%s of %lldx%lld pixels; %s was fitted to %s, with %zu outputs",
                    cli_quote(j->input), (long long)e.c, e.c == 1 ? "" : "s", (long long)e.w, (long long)e.h,
                    cli_quote(cli_get(j->args, "whitener")), cli_sample_text(&j->w.sample), j->w.outputs);
}

/* Whether whitened images are images again: ZCA, of samples that fill them. */
static bool stays_image(const cli_sample *s, extent e)
{
    return s->form == CLNORM_ZCA &&
           (s->samples != CLNORM_PATCHES ||
            (s->stride == s->height && e.h % (int64_t)s->height == 0 && e.w % (int64_t)s->width == 0));
}

static int shape_whitened(extent *y, const job *j, extent x)
{
    const cli_sample *s = &j->w.sample;
    const int64_t h = (int64_t)s->height, w = (int64_t)s->width, step = s->stride ? (int64_t)s->stride : 1;
    const bool images = s->samples == CLNORM_IMAGES;
    if (x.c != (int64_t)s->channels || x.h < h || x.w < w || (images && (x.h != h || x.w != w)))
        return refuse_shape(j, x);
    const extent outputs = { (int64_t)j->w.outputs, (x.h - h) / step + 1, (x.w - w) / step + 1 };
    *y = stays_image(s, x) ? x : outputs;
    return EXIT_OK;
}

static int shape_restored(extent *y, const job *j, extent x)
{
    const cli_sample *s = &j->w.sample;
    const bool pixels = s->samples == CLNORM_PIXELS;
    const extent image = { (int64_t)s->channels, pixels ? x.h : x.h * (int64_t)s->height,
                           pixels ? x.w : x.w * (int64_t)s->width };
    if (x.c == (int64_t)j->w.outputs && (s->samples != CLNORM_IMAGES || (x.h == 1 && x.w == 1)))
        *y = image;
    else if (x.c == (int64_t)s->channels && stays_image(s, x))
        *y = x;
    else
        return refuse_shape(j, x);
    return EXIT_OK;
}

/* y keeps the rank of x, but where rows become images and images rows. */
static clnorm_tensor output_of(const job *j, const clnorm_tensor *x, extent e)
{
    const bool flat = e.h == 1 && e.w == 1;
    const int64_t n = x->ndim == 3 ? 1 : x->shape[0];
    const uint32_t ndim = flat && (x->ndim == 2 || (!j->inverse && j->w.sample.samples == CLNORM_IMAGES)) ? 2
                          : x->ndim == 3                                                                  ? 3
                                                                                                          : 4;
    clnorm_tensor t = { CLNORM_F32, ndim, { n, e.c, e.h, e.w }, { 0 }, 0 };
    if (ndim == 3) {
        const int64_t shape[] = { e.c, e.h, e.w };
        memset(t.shape, 0, sizeof t.shape);
        memcpy(t.shape, shape, sizeof shape);
    }
    for (uint32_t k = ndim; k < CLNORM_MAX_DIMS; k++)
        t.shape[k] = 0;
    const bool is_float = x->dtype == CLNORM_F32 || x->dtype == CLNORM_F16 || x->dtype == CLNORM_BF16;
    return cli_tensor_dense(&t,
                            j->writing.dtype ? j->writing.dtype
                            : is_float       ? x->dtype
                                             : (uint32_t)CLNORM_F32,
                            j->out);
}

static int pose(job *j)
{
    const cli_sample *s = &j->w.sample;
    clnorm_whiten *d = &j->desc.whiten;
    const cli_array *a = &j->x;
    extent y;
    j->layout = cli_reading_layout(&j->reading, a);
    j->out = j->writing.layout >= 0 ? (cli_layout)j->writing.layout : a->image ? CLI_FIRST : j->layout;
    d->task = j->inverse ? CLNORM_UNWHITEN : CLNORM_WHITEN;
    d->samples = (uint32_t)s->samples;
    d->patch = s->samples == CLNORM_PATCHES ? (uint32_t)s->height : 0;
    d->stride = s->samples == CLNORM_PATCHES ? (uint32_t)s->stride : 0;
    d->components = (uint32_t)j->w.outputs;
    d->x = cli_tensor_of(a->dtype, a->ndim, a->shape, j->layout);
    const int code = (j->inverse ? shape_restored : shape_whitened)(&y, j, extent_of(&d->x));
    if (code != EXIT_OK)
        return code;
    d->y = output_of(j, &d->x, y);
    return clnorm_op_check(&j->desc) == CLNORM_OK
               ? EXIT_OK
               : cli_fail(EXIT_INPUT, "%s: %s", cli_quote(j->input), clnorm_last_error(NULL));
}

static int open_files(job *j)
{
    int code = cli_whitener_read(&j->w, cli_get(j->args, "whitener"));
    if (code == EXIT_OK)
        code = cli_whitener_input(&j->x, &j->reading, j->input,
                                  !j->inverse); /* principal components are no image */
    if (code == EXIT_OK)
        code = pose(j);
    if (code == EXIT_OK)
        code = cli_session_open(&j->session, j->args);
    if (code != EXIT_OK)
        return code;
    const double start = cli_now_ms();
    code = cli_status(clnorm_plan_create(&j->plan, j->session.ctx, &j->desc.op, j->writing.effort));
    j->times.build_ms = cli_now_ms() - start;
    return code;
}

/* ---- run ----------------------------------------------------------------------------------------- */

static void set(cli_slots *slots, uint32_t slot, void *data, size_t bytes, bool output)
{
    slots->slot[slot].data = data;
    slots->slot[slot].bytes = bytes;
    slots->slot[slot].output = output;
}

static int compute(job *j)
{
    const clnorm_tensor *t = &j->desc.head.y;
    const size_t dims = j->w.dims, matrix = dims * j->w.outputs * sizeof(float);
    float fault = 0;
    cli_slots slots;
    j->y.dtype = t->dtype;
    j->y.ndim = t->ndim;
    cli_file_shape(j->y.shape, t, j->out);
    j->y.bytes = (size_t)clnorm_tensor_count(t) * clnorm_dtype_bytes(t->dtype);
    int code = cli_memory(&j->y.data, "OUTPUT", j->y.bytes, 0);
    if (code != EXIT_OK)
        return code;
    memset(&slots, 0, sizeof slots);
    set(&slots, CLNORM_X, j->x.data, j->x.bytes, false);
    set(&slots, CLNORM_MEAN, j->w.mean, 2 * dims * sizeof(float), false);
    set(&slots, CLNORM_WHITENER, j->inverse ? j->w.inverse : j->w.whitener, matrix, false);
    set(&slots, CLNORM_Y, j->y.data, j->y.bytes, true);
    set(&slots, CLNORM_FAULT, &fault, sizeof fault, true);
    code = cli_execute(&j->session, j->plan, &slots, &j->times);
    return code == EXIT_OK ? cli_status(clnorm_fault_status(&j->desc, fault)) : code;
}

static json_t *tensors_json(const job *j)
{
    const clnorm_tensor *t = &j->desc.head.y;
    int64_t shape[CLNORM_MAX_DIMS];
    cli_file_shape(shape, t, j->out);
    return json_pack("{s:s, s:o, s:o, s:o}", "op", "whiten", "device", cli_json_text(j->session.device.name),
                     "x", cli_json_tensor(j->x.dtype, j->x.ndim, j->x.shape, j->layout), "y",
                     cli_json_tensor(t->dtype, t->ndim, shape, j->out));
}

static int report(const job *j)
{
    char plan[512];
    const double bytes = (double)(j->x.bytes + j->y.bytes), ms = j->times.run_ms;
    clnorm_plan_describe(j->plan, plan, sizeof plan);
    plan[strcspn(plan, "\n")] = '\0';
    if (j->args->verbose)
        fprintf(stderr, "clnorm: %s\nclnorm: %s; built in %.3g ms, ran in %.3g ms\n", j->session.device.name,
                plan, j->times.build_ms, ms);
    if (!j->args->json)
        return EXIT_OK;
    json_t *root = tensors_json(j);
    json_object_set_new(root, "plan", cli_json_text(plan));
    json_object_set_new(root, "bytes", json_integer((json_int_t)bytes));
    json_object_set_new(root, "build_ms", cli_json_real(j->times.build_ms));
    json_object_set_new(root, "run_ms", cli_json_real(ms));
    json_object_set_new(root, "gbps", cli_json_real(ms > 0 ? bytes / ms * 1e-6 : 0));
    return cli_json_print(root);
}

static void close_job(job *j)
{
    cli_output_abandon(j->sink);
    cli_whitener_free(&j->w);
    cli_array_free(&j->x);
    cli_array_free(&j->y);
    clnorm_plan_release(j->plan);
    cli_session_close(&j->session);
}

bool cli_is_whiten(const cli_args *args)
{
    return strcmp(args->words[0], "whiten") == 0 && clnorm_op_named("whiten");
}

static int start(job *j, const cli_args *args)
{
    memset(j, 0, sizeof *j);
    j->args = args;
    j->input = args->words[1];
    const int code = cli_status(clnorm_op_init(&j->desc, CLNORM_OP_WHITEN));
    return code == EXIT_OK ? take_words(j) : code;
}

int cli_run_whiten(const cli_args *args)
{
    job j;
    const char *output = args->words[2];
    int code = start(&j, args);
    if (code == EXIT_OK)
        code = cli_json_alone(args, "OUTPUT", output);
    if (code == EXIT_OK && cli_ends_in(output, ".png"))
        code = cli_usage(args, "whiten writes no picture; OUTPUT is to be a .npy");
    if (code == EXIT_OK)
        code = cli_output_open(&j.sink, output, j.input);
    if (code == EXIT_OK)
        code = open_files(&j);
    if (code == EXIT_OK)
        code = compute(&j);
    if (code == EXIT_OK)
        code = cli_output_npy(j.sink, &j.y);
    if (code == EXIT_OK) {
        cli_output *sink = j.sink;
        j.sink = NULL;
        code = cli_output_commit(sink);
    }
    if (code == EXIT_OK)
        code = report(&j);
    close_job(&j);
    return code;
}

static int describe(const job *j)
{
    char text[1024];
    clnorm_plan_describe(j->plan, text, sizeof text);
    if (j->args->json) {
        json_t *root = tensors_json(j);
        json_object_set_new(root, "plan", cli_json_text(text));
        return cli_json_print(root);
    }
    int64_t shape[CLNORM_MAX_DIMS];
    const clnorm_tensor *y = &j->desc.head.y;
    cli_file_shape(shape, y, j->out);
    printf("%s (%s)\n", j->session.device.name, j->session.device.id);
    printf("x %s %s, y %s %s, %s\n%s", cli_shape_text(j->x.shape, j->x.ndim), clnorm_dtype_name(j->x.dtype),
           cli_shape_text(shape, y->ndim), clnorm_dtype_name(y->dtype), cli_sample_text(&j->w.sample), text);
    return EXIT_OK;
}

int cli_plan_whiten(const cli_args *args)
{
    job j;
    int code = start(&j, args);
    if (code == EXIT_OK)
        code = open_files(&j);
    if (code == EXIT_OK)
        code = cli_fits_plan(&j.session.device, j.plan, CLNORM_Y);
    if (code == EXIT_OK)
        code = describe(&j);
    close_job(&j);
    return code;
}

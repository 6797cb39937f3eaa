/* problem.c -- options and INPUT as a checked descriptor. */
#include "cli/problem.h"
#include "cli/layer.h"
#include "cli/number.h"
#include "cli/session.h"
#include "cli/tensors.h"

#include <stdio.h>
#include <string.h>

/* ---- words ---- */

static int take_words(cli_request *out, const cli_args *args)
{
    static const char *const semantics[] = { "chapter", "torch", "onnx", "paper", NULL };
    int profile = -1;
    int code = cli_reading_take(&out->reading, args);
    if (code == EXIT_OK)
        code = cli_writing_take(&out->writing, args);
    if (code == EXIT_OK)
        code = cli_choice(&profile, args, "semantics", semantics);
    if (profile >= 0 && clnorm_op_semantics(&out->desc, (uint32_t)profile) != CLNORM_OK)
        return cli_usage(args, "%s", clnorm_last_error(NULL));
    return code;
}

static int refuse_dtype(const cli_request *r, const cli_args *args)
{
    const char *names[33] = { NULL };
    size_t n = 0;
    for (uint32_t d = 1; d < 32; d++)
        if (r->op->y_types >> d & 1u)
            names[n++] = clnorm_dtype_name(d);
    return cli_usage(args, "%s does not write %s; it writes %s", r->op->name,
                     clnorm_dtype_name(r->writing.dtype), cli_words(names));
}

static int check_dtype(const cli_request *r, const cli_args *args)
{
    const uint32_t dtype = r->writing.dtype;
    if (dtype && !(r->op->y_types >> dtype & 1u))
        return refuse_dtype(r, args);
    if ((dtype == CLNORM_U8 || dtype == CLNORM_S8) && cli_has(args, "backward"))
        return cli_usage(args, "--out-dtype %s: a gradient is f32, f16 or bf16", clnorm_dtype_name(dtype));
    return EXIT_OK;
}

static int check_picture(const cli_request *r, const cli_args *args)
{
    const bool view = cli_has(args, "view");
    if (view && !r->png)
        return cli_usage(args, "--view is for an OUTPUT that ends in .png");
    if (r->png && r->writing.layout >= 0)
        return cli_usage(args, "a .png has one layout only; --out-layout is for .npy");
    if (r->png && !view && r->writing.dtype != CLNORM_U8)
        return cli_usage(
            args, "a .png is written from u8: add --out-dtype u8, or --view to map min..max to 0..255");
    return EXIT_OK;
}

clnorm_status cli_request_sample(clnorm_any *out, const cli_request *r)
{
    const bool bytes = r->op->x_types >> CLNORM_U8 & 1u, back = r->desc.op.direction == CLNORM_BACKWARD;
    int64_t c = r->lists.channels > 1 ? (int64_t)r->lists.channels : 3;
    if (r->op->kind == CLNORM_OP_GROUPNORM)
        c = r->desc.groupnorm.groups;
    if (r->op->kind == CLNORM_OP_ITERNORM)
        c = r->desc.iternorm.groups;
    *out = r->desc;
    out->head.x = clnorm_nchw(bytes ? CLNORM_U8 : CLNORM_F32, 1, c, 8, 8);
    if (r->op->kind != CLNORM_OP_MOMENTS)
        out->head.y =
            clnorm_nchw(r->writing.dtype && !back ? (clnorm_dtype)r->writing.dtype : CLNORM_F32, 1, c, 8, 8);
    if (r->op->kind == CLNORM_OP_SPECTRALNORM &&
        r->desc.spectralnorm.dim == 4) /* of five axes, the most that a file has */
        for (uint32_t k = 0; k < 2; k++) {
            clnorm_tensor *t = k ? &out->head.y : &out->head.x;
            const clnorm_tensor five = { t->dtype, 5, { 2, 2, 2, 2, 2 }, { 0 }, 0 };
            *t = five;
        }
    return clnorm_op_check(out);
}

/* What a descriptor cannot do with an image that suits it, it cannot do with any: that is
 * usage, whatever the files hold. What fails only with INPUT is INPUT's fault. */
static int check_alone(const cli_request *r, const cli_args *args)
{
    clnorm_any desc;
    return cli_request_sample(&desc, r) == CLNORM_OK ? EXIT_OK
                                                     : cli_usage(args, "%s", clnorm_last_error(NULL));
}

static int start(cli_request *out, const cli_args *args)
{
    const bool backward = cli_has(args, "backward");
    const double train = CLNORM_TRAIN;
    const char *count = cli_get(args, "count");
    if (backward && !out->op->schedules_back)
        return cli_usage(args, "%s has no backward", out->op->name);
    if (backward && cli_has(args, "out-layout"))
        return cli_usage(args, "--out-layout is of y; with --backward OUTPUT is dx, which lies like x");
    if (backward && out->png)
        return cli_usage(args, "with --backward OUTPUT is dx, which is written as .npy only");
    const int code = cli_status(clnorm_op_init(&out->desc, out->op->kind));
    if (code != EXIT_OK)
        return code;
    out->desc.op.direction = backward ? CLNORM_BACKWARD : CLNORM_FORWARD;
    clnorm_op_set(&out->desc, "mode", &train, 1); /* refused where there are no modes, which is no matter */
    out->cumulative = count != NULL;
    if (count)
        cli_count(count, &out->count);
    return EXIT_OK;
}

int cli_request_make(cli_request *out, const cli_args *args, const char *op, bool png)
{
    memset(out, 0, sizeof *out);
    out->op = cli_op(args, op);
    out->png = png;
    if (!out->op)
        return EXIT_USAGE;
    int code = start(out, args);
    if (code == EXIT_OK)
        code = take_words(out, args);
    if (code == EXIT_OK)
        code = check_dtype(out, args);
    if (code == EXIT_OK)
        code = check_picture(out, args);
    if (code == EXIT_OK)
        code = cli_attrs_set(&out->desc, &out->lists, args);
    return code == EXIT_OK ? check_alone(out, args) : code;
}

int cli_request_moments(cli_request *out, const cli_args *args, double scope, const cli_lists *lists)
{
    memset(out, 0, sizeof *out);
    out->op = clnorm_op_of(CLNORM_OP_MOMENTS);
    out->lists = *lists;
    int code = cli_status(clnorm_op_init(&out->desc, CLNORM_OP_MOMENTS));
    if (code == EXIT_OK)
        code = cli_status(clnorm_op_set(&out->desc, "scope", &scope, 1));
    return code == EXIT_OK ? take_words(out, args) : code;
}

/* ---- INPUT ---- */

/* Ops of images know where red and blue are; layers do not care how many channels there
 * are. */
static bool takes_images(const clnorm_op_info *op)
{
    static const cli_option swap = { "", 0, false, 0, NULL, NULL, "swap_rb", NULL };
    return cli_op_takes(op, &swap);
}

/* Rows of tokens taken for an image would be silently wrong, and one axis says nothing. */
static int check_rank(const cli_problem *p, const cli_request *r, const cli_args *args)
{
    const cli_array *a = &p->input;
    const bool axis = cli_has(args, "axis");
    const bool tokens = p->op->kind == CLNORM_OP_LAYERNORM || p->op->kind == CLNORM_OP_RMSNORM;
    const bool said =
        axis || cli_has(args, "over") || r->reading.layout >= 0 || r->desc.op.semantics == CLNORM_ONNX;
    const bool planes = p->op->kind == CLNORM_OP_INSTANCENORM || p->op->kind == CLNORM_OP_GRN;
    if (a->ndim > 5) /* none has 0 */
        return cli_fail(EXIT_INPUT, "%s has %u axes; 1 to 5 are allowed", cli_quote(p->name), a->ndim);
    if (p->op->kind == CLNORM_OP_MVN && a->ndim == 2 && !cli_has(args, "over") &&
        r->desc.op.semantics != CLNORM_ONNX)
        return cli_fail(EXIT_INPUT, "%s is %s, (N,C), without the axes that mvn reduces: add --over c",
                        cli_quote(p->name), cli_shape_text(a->shape, 2));
    if (!p->op->layer || (a->ndim != 1 && a->ndim != 3))
        return EXIT_OK;
    if (a->ndim == 1 && !axis)
        return cli_fail(EXIT_INPUT, "%s has one axis; %s takes %d to 5%s", cli_quote(p->name), p->op->name,
                        planes ? 3 : 2, cli_takes_axis(p->op, args) ? ", or one with --axis 0" : "");
    if (a->ndim == 3 && tokens && !said) /* of an array: an image has four */
        return cli_fail(EXIT_INPUT,
                        "%s is %s: add --axis -1 if its rows are tokens, or --layout nchw or nhwc if it is "
                        "one image",
                        cli_quote(p->name), cli_shape_text(a->shape, 3));
    return EXIT_OK;
}

/* ---- tensors ---- */

/* Three-value presets repeat on one channel: the gray image is seen as three equal
 * channels, by a stride of 0 and so without a copy, and y has three. (Taking one of the
 * three values instead would be a guess, and models that come with such a preset want
 * three channels.) An array of one or two axes has no axis to hold them. */
static int repeat_gray(clnorm_tensor *x, const cli_request *r, const cli_args *args, const char *name)
{
    const int axis = cli_channel_axis(x->ndim);
    const int64_t c = axis < 0 ? 1 : x->shape[axis], n = (int64_t)r->lists.channels;
    if (n <= 1 || n == c)
        return EXIT_OK;
    if (c != 1 || !r->lists.preset)
        return cli_fail(EXIT_INPUT, "%s has %lld channel%s, the %s %lld values; 1 or as many as channels fit",
                        name, (long long)c, c == 1 ? "" : "s", r->lists.preset ? "preset" : "list of means",
                        (long long)n);
    if (axis < 0)
        return cli_fail(
            EXIT_INPUT,
            "%s is one gray image without an axis of channels, and preset %s has %lld values: make the "
            "array (1,H,W), or take a mean and std of one value",
            name, cli_quote(r->lists.name), (long long)n);
    x->shape[axis] = n;
    x->stride[axis] = 0;
    if (args->verbose)
        fprintf(stderr, "clnorm: %s has one channel; it repeats for the %lld values of preset %s\n", name,
                (long long)n, cli_quote(r->lists.name));
    return EXIT_OK;
}

static uint32_t y_dtype(const cli_problem *p, const cli_request *r)
{
    const uint32_t x = p->input.dtype;
    const bool is_float = x == CLNORM_F32 || x == CLNORM_F16 || x == CLNORM_BF16;
    if (r->writing.dtype && p->main == CLNORM_Y)
        return r->writing.dtype;
    return is_float && (p->op->y_types >> x & 1u) ? x : (uint32_t)CLNORM_F32;
}

static cli_layout y_layout(const cli_problem *p, const cli_request *r)
{
    const bool first = p->op->kind == CLNORM_OP_TOTENSOR || p->op->kind == CLNORM_OP_NORMALIZE;
    if (r->png)
        return CLI_LAST;
    return r->writing.layout >= 0 ? (cli_layout)r->writing.layout : first ? CLI_FIRST : p->kept;
}

/* dx has x's type; another is rounded to from f32, once. */
static int widen(cli_problem *p, const cli_request *r)
{
    const bool other = p->main == CLNORM_DX && r->writing.dtype && r->writing.dtype != p->input.dtype;
    return other && p->input.dtype != CLNORM_F32 ? cli_convert(&p->input, CLNORM_F32) : EXIT_OK;
}

static int complete(cli_problem *p, const cli_request *r, const cli_args *args, cli_extras *extras)
{
    const cli_array *a = &p->input;
    clnorm_tensor *x = &p->desc.head.x;
    p->layout = cli_reading_layout(&r->reading, a);
    p->kept = a->image ? CLI_FIRST : p->layout;
    p->out = y_layout(p, r);
    *x = cli_tensor_of(a->dtype, a->ndim, a->shape, p->layout);
    int code = repeat_gray(x, r, args, cli_quote(p->name));
    if (code == EXIT_OK)
        code = cli_attrs_axes(&p->desc, args, a->ndim, p->layout);
    if (p->op->kind != CLNORM_OP_MOMENTS) /* its y is a statistic */
        p->desc.head.y = cli_tensor_dense(x, y_dtype(p, r), p->out);
    if (code == EXIT_OK && extras && p->out != p->kept && cli_extras_find(extras, CLNORM_MASK, true))
        code = cli_usage(args, "--out mask: its bits lie as y does, and --backward reads them as x lies; y "
                               "cannot lie otherwise");
    if (code == EXIT_OK && p->op->layer && extras)
        code = cli_layer_fit(p, args, extras);
    if (code == EXIT_OK && clnorm_op_check(&p->desc) != CLNORM_OK)
        code = cli_fail(EXIT_INPUT, "%s: %s", cli_quote(p->name), clnorm_last_error(NULL));
    return code;
}

int cli_problem_read(cli_problem *out, const cli_request *request, const cli_args *args, const char *input,
                     cli_extras *extras)
{
    memset(out, 0, sizeof *out);
    out->op = request->op;
    out->desc = request->desc;
    out->name = input;
    out->main = request->desc.op.direction == CLNORM_BACKWARD ? CLNORM_DX : CLNORM_Y;
    int code = cli_reading_read(&out->input, &request->reading, input, takes_images(out->op));
    if (code == EXIT_OK)
        code = check_rank(out, request, args);
    if (code == EXIT_OK)
        code = widen(out, request);
    if (code == EXIT_OK && extras)
        code = cli_extras_load(extras, request->reading.bf16);
    if (code == EXIT_OK)
        code = complete(out, request, args, extras);
    if (code == EXIT_OK)
        out->dtype = out->main == CLNORM_Y    ? out->desc.head.y.dtype
                     : request->writing.dtype ? request->writing.dtype
                                              : out->input.dtype;
    if (code != EXIT_OK)
        cli_problem_free(out);
    return code;
}

void cli_problem_free(cli_problem *p)
{
    cli_array_free(&p->input);
    memset(p, 0, sizeof *p);
}

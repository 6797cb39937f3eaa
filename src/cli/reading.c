/* reading.c -- how an input is to be read, and whether it is so; how an output is to be made. */
#include "cli/reading.h"

int cli_reading_take(cli_reading *out, const cli_args *args)
{
    static const char *const in_dtypes[] = { "bf16", NULL };
    int in_dtype;
    int code = cli_choice(&out->layout, args, "layout", cli_layout_names);
    if (code == EXIT_OK)
        code = cli_choice(&in_dtype, args, "in-dtype", in_dtypes);
    out->bf16 = cli_has(args, "in-dtype");
    out->rgb8 = cli_has(args, "rgb8");
    return code;
}

int cli_writing_take(cli_writing *out, const cli_args *args)
{
    static const char *const names[] = { "f32", "f16", "bf16", "u8", "s8", NULL };
    static const uint32_t dtypes[] = { CLNORM_F32, CLNORM_F16, CLNORM_BF16, CLNORM_U8, CLNORM_S8 };
    static const char *const efforts[] = { "estimate", "measure", NULL };
    int dtype = -1, effort = -1;
    int code = cli_choice(&out->layout, args, "out-layout", cli_layout_names);
    if (code == EXIT_OK)
        code = cli_choice(&dtype, args, "out-dtype", names);
    if (code == EXIT_OK)
        code = cli_choice(&effort, args, "effort", efforts);
    out->dtype = dtype >= 0 ? dtypes[dtype] : 0;
    out->effort = effort == 1 ? CLNORM_MEASURE : CLNORM_ESTIMATE;
    return code;
}

/* An image stored channels last and read as channels first gives numbers that look right. */
static int check_layout(const cli_array *a, const char *name)
{
    const int axis = cli_channel_axis(a->ndim);
    if (axis < 0 || a->ndim > 5) /* which no op takes */
        return EXIT_OK;
    const int64_t c = a->shape[axis], last = a->shape[a->ndim - 1];
    if (c <= 4 || last < 1 || last > 4)
        return EXIT_OK;
    return cli_fail(EXIT_INPUT,
                    "%s %s would have %lld channels, but its last axis looks like them: add --layout nhwc, "
                    "or --layout nchw if that is meant",
                    cli_quote(name), cli_shape_text(a->shape, a->ndim), (long long)c);
}

static int check(const cli_reading *r, const cli_array *a, const char *name, bool images)
{
    if (r->bf16 && a->dtype != CLNORM_BF16)
        return cli_fail(EXIT_INPUT, "%s is %s; --in-dtype bf16 is for a .npy of <u2", cli_quote(name),
                        clnorm_dtype_name(a->dtype));
    if (r->rgb8 && !a->image)
        return cli_fail(EXIT_INPUT, "%s is an array; --rgb8 is for image files", cli_quote(name));
    if (r->layout == CLI_FIRST && a->image)
        return cli_fail(EXIT_INPUT, "%s is an image, (1,H,W,C): --layout nchw does not fit", cli_quote(name));
    return images && !a->image && r->layout < 0 ? check_layout(a, name) : EXIT_OK;
}

int cli_reading_read(cli_array *out, const cli_reading *r, const char *name, bool images)
{
    int code = cli_read(out, name, r->bf16, r->rgb8);
    if (code != EXIT_OK)
        return code;
    code = check(r, out, name, images);
    if (code != EXIT_OK)
        cli_array_free(out);
    return code;
}

cli_layout cli_reading_layout(const cli_reading *r, const cli_array *a)
{
    return a->image || r->layout == CLI_LAST ? CLI_LAST : CLI_FIRST;
}

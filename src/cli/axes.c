/* axes.c -- the axes that are reduced: --over by letter, --axis by number, or a profile's own. */
#include "cli/attrs.h"
#include "cli/io.h"
#include "cli/session.h"

#include <assert.h>
#include <string.h>

/* What the axes of a rank are called. Below three axes an array is one gray image to the input ops. */
static const char *const of_images[] = { "", "w", "hw", "chw", "nchw", "ncdhw" };
static const char *const of_layers[] = { "", "c", "nc", "chw", "nchw", "ncdhw" };

static int set_axes(clnorm_any *desc, uint32_t axes)
{
    const double value = axes;
    return clnorm_op_set(desc, "axes", &value, 1) == CLNORM_OK ? EXIT_OK : cli_status(CLNORM_EARG);
}

static int set_over(clnorm_any *desc, const char *over, uint32_t ndim)
{
    const char *letters = (clnorm_op_of(desc->op.kind)->layer ? of_layers : of_images)[ndim];
    uint32_t axes = 0;
    for (const char *c = over; *c; c += c[1] ? 2 : 1) {
        const char *at = strchr(letters, *c);
        if (!at)
            return cli_fail(EXIT_INPUT, "--over %s: an array of %u %s has no axis %c", over, ndim,
                            ndim == 1 ? "axis" : "axes", *c);
        axes |= 1u << (at - letters);
    }
    return set_axes(desc, axes);
}

bool cli_takes_axis(const clnorm_op_info *op, const cli_args *args)
{
    for (size_t k = 0; k < args->noptions; k++)
        if (strcmp(args->options[k].name, "axis") == 0)
            return cli_op_takes(op, &args->options[k]);
    return false;
}

/* alone: that axis, not from it to the last. */
static bool find_axis(const clnorm_any *desc, const cli_args *args, int *axis, bool *alone)
{
    const char *word = cli_get(args, "axis");
    *axis = -1; /* of ONNX */
    *alone = desc->op.kind == CLNORM_OP_L2NORM || desc->op.kind == CLNORM_OP_LPNORM;
    if (!cli_takes_axis(clnorm_op_of(desc->op.kind), args) || cli_has(args, "over"))
        return false;
    return word ? cli_axis_of(word, axis) : desc->op.semantics == CLNORM_ONNX;
}

bool cli_attrs_axis(const clnorm_any *desc, const cli_args *args, uint32_t ndim, int *axis)
{
    bool alone;
    const bool found = find_axis(desc, args, axis, &alone);
    *axis += *axis < 0 ? (int)ndim : 0;
    assert(!found || !alone); /* ops of one axis alone have no weights */
    (void)alone;
    return found;
}

static int set_axis(clnorm_any *desc, uint32_t ndim, int given, bool alone, cli_layout layout)
{
    const int axis = given < 0 ? given + (int)ndim : given;
    uint32_t axes = 0;
    if (axis < 0 || axis >= (int)ndim)
        return cli_fail(EXIT_INPUT, "--axis %d: an array of %u %s has %d to %u", given, ndim,
                        ndim == 1 ? "axis" : "axes", -(int)ndim, ndim - 1);
    for (uint32_t k = 0; k < ndim; k++) {
        const int at = (int)cli_file_axis(ndim, k, layout);
        axes |= (alone ? at == axis : at >= axis) ? 1u << k : 0;
    }
    return set_axes(desc, axes);
}

/* ONNX reduces axes 0, 2 and 3. */
static int set_mvn(clnorm_any *desc, uint32_t ndim)
{
    if (ndim < 4)
        return cli_fail(EXIT_INPUT,
                        "mvn --semantics onnx reduces axes 0, 2 and 3; an array of %u axes has no "
                        "axis 3: add --over",
                        ndim);
    return set_axes(desc, 1u << 0 | 1u << 2 | 1u << 3);
}

int cli_attrs_axes(clnorm_any *desc, const cli_args *args, uint32_t ndim, cli_layout layout)
{
    const char *over = cli_get(args, "over");
    bool alone;
    int axis;
    if (over)
        return set_over(desc, over, ndim);
    if (find_axis(desc, args, &axis, &alone))
        return set_axis(desc, ndim, axis, alone, layout);
    if (desc->op.kind == CLNORM_OP_MVN && desc->op.semantics == CLNORM_ONNX)
        return set_mvn(desc, ndim);
    return EXIT_OK;
}

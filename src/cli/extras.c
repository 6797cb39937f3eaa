/* extras.c -- the arrays of --in and --out, between their files and the op. */
#include "cli/input.h"
#include "cli/layer.h"
#include "cli/tensors.h"
#include "ref/ref.h"

#include <stdlib.h>
#include <string.h>

#define BIT(slot) (1u << CLNORM_##slot)

/* ---- types and shapes ---- */

/* On input axes of length 1 are ignored. */
static uint32_t squeeze(int64_t *out, const int64_t *shape, uint32_t ndim)
{
    uint32_t n = 0;
    for (uint32_t k = 0; k < ndim; k++)
        if (shape[k] != 1)
            out[n++] = shape[k];
    return n;
}

bool cli_shape_fits(const cli_array *a, const int64_t *shape, uint32_t ndim)
{
    int64_t from[CLNORM_MAX_DIMS], to[CLNORM_MAX_DIMS];
    const uint32_t n = squeeze(from, a->shape, a->ndim), m = squeeze(to, shape, ndim);
    return n == m && memcmp(from, to, n * sizeof *from) == 0;
}

int cli_convert(cli_array *a, uint32_t dtype)
{
    const size_t n = a->bytes / clnorm_dtype_bytes(a->dtype), bytes = n * clnorm_dtype_bytes(dtype);
    if (a->dtype == dtype)
        return EXIT_OK;
    void *data;
    const int code = cli_memory(&data, "an array in another type", bytes, 0);
    if (code != EXIT_OK)
        return code;
    for (size_t i = 0; i < n; i++)
        ref_set(dtype, data, (int64_t)i, ref_get(a->dtype, a->data, (int64_t)i));
    free(a->data);
    a->data = data;
    a->bytes = bytes;
    a->dtype = dtype;
    return EXIT_OK;
}

/* ---- --in ---- */

static int load(cli_extra *x, bool bf16)
{
    const uint32_t floats = 1u << CLNORM_F32 | 1u << CLNORM_F16 | 1u << CLNORM_BF16;
    const bool bits = x->slot == CLNORM_MASK;
    const int code = cli_read_npy(&x->array, x->file, bf16);
    if (code != EXIT_OK)
        return code;
    if (!((bits ? 1u << CLNORM_U8 : floats) >> x->array.dtype & 1u))
        return cli_fail(EXIT_INPUT, "--in %s: %s is %s; %s", x->name, cli_quote(x->file),
                        x->array.dtype ? clnorm_dtype_name(x->array.dtype) : "u64",
                        bits   ? "u8, a bit per element, is allowed"
                        : bf16 ? "f32, f16, bf16 and f64 are allowed"
                               : "f32, f16 and f64 are allowed, and bf16 with an INPUT of --in-dtype bf16");
    return EXIT_OK;
}

int cli_extras_load(cli_extras *e, bool bf16)
{
    for (size_t k = 0; k < e->count; k++) {
        const int code = e->list[k].output ? EXIT_OK : load(&e->list[k], bf16);
        if (code != EXIT_OK)
            return code;
    }
    return EXIT_OK;
}

static int fit_input(cli_extra *x, const int64_t *shape, uint32_t ndim)
{
    if (!cli_shape_fits(&x->array, shape, ndim))
        return cli_fail(EXIT_INPUT, "--in %s: %s is %s; %s is expected, axes of length 1 apart", x->name,
                        cli_quote(x->file), cli_shape_text(x->array.shape, x->array.ndim),
                        cli_shape_text(shape, ndim));
    const int code = cli_convert(&x->array, x->tensor.dtype);
    return code == EXIT_OK ? cli_relayout(x->array.data, &x->lies, &x->tensor, x->array.bytes) : code;
}

/* ---- --out ---- */

#define MOVED (BIT(RUNNING_MEAN) | BIT(RUNNING_VAR) | BIT(RUNNING_WHITENER) | BIT(U) | BIT(V))

/* Where training starts: mean 0, variance 1, the identity of each group. */
static float first(const cli_extra *x, size_t k)
{
    const size_t width = x->tensor.ndim == 3 ? (size_t)x->tensor.shape[2] : 1;
    return x->slot == CLNORM_RUNNING_VAR        ? 1.0f
           : x->slot == CLNORM_RUNNING_WHITENER ? (float)(k % width == k / width % width)
                                                : 0.0f;
}

/* What an --out that is moved, not computed, holds before: its --in, or the start. */
static void start(const cli_extra *x, const cli_extra *from)
{
    float *to = (float *)x->array.data;
    const size_t n = x->array.bytes / sizeof *to;
    for (size_t k = 0; k < n; k++)
        to[k] = from ? ((const float *)from->array.data)[k] : first(x, k);
}

/* Gradients have the shape of the file of what they are gradients of. */
static const cli_array *pattern(const cli_extras *e, uint32_t slot)
{
    const uint32_t own = slot == CLNORM_DGAMMA ? CLNORM_GAMMA : CLNORM_BETA;
    const cli_extra *x = cli_extras_find(e, own, false);
    if (slot != CLNORM_DGAMMA && slot != CLNORM_DBETA)
        return NULL;
    if (!x)
        x = cli_extras_find(e, own == CLNORM_GAMMA ? CLNORM_BETA : CLNORM_GAMMA, false);
    return x ? &x->array : NULL;
}

static int make_room(cli_extra *x, const cli_extras *e, const int64_t *shape, uint32_t ndim)
{
    const uint32_t statistics = BIT(MEAN) | BIT(RSTD) | BIT(MIN) | BIT(MAX) | BIT(M2);
    const cli_array *like = pattern(e, x->slot);
    cli_array *a = &x->array;
    a->dtype = x->tensor.dtype;
    a->ndim = like ? like->ndim : ndim;
    memcpy(a->shape, like ? like->shape : shape, a->ndim * sizeof *a->shape);
    a->bytes = (size_t)clnorm_tensor_count(&x->tensor) * (a->dtype ? clnorm_dtype_bytes(a->dtype) : 8);
    const int code = cli_zeros(&a->data, x->name, a->bytes);
    if (code != EXIT_OK)
        return code;
    if (statistics >> x->slot & 1u)
        cli_fill_nan(a);
    if (MOVED >> x->slot & 1u)
        start(x, cli_extras_find(e, x->slot, false));
    return EXIT_OK;
}

/* ---- both ---- */

/* Inputs first: some outputs start as they are. */
int cli_extras_fit(cli_extras *e, const cli_problem *problem)
{
    for (size_t k = 0; k < e->count; k++) {
        cli_extra *x = &e->list[k];
        int64_t shape[CLNORM_MAX_DIMS] = { 0 };
        uint32_t ndim;
        x->used = clnorm_op_slot(&problem->desc, x->slot, &x->tensor) != 0;
        if (!x->used && x->output)
            return cli_fail(EXIT_USAGE, "%s has no %s here", problem->op->name, x->name);
        if (!x->used)
            continue;
        ndim = cli_layer_file(&x->lies, shape, problem, x->slot, &x->tensor);
        const int code = x->output ? make_room(x, e, shape, ndim) : fit_input(x, shape, ndim);
        if (code != EXIT_OK)
            return code;
    }
    return EXIT_OK;
}

int cli_extras_open(cli_extras *e, const char *input)
{
    for (size_t k = 0; k < e->count; k++) {
        const int code =
            e->list[k].output ? cli_output_open(&e->list[k].sink, e->list[k].file, input) : EXIT_OK;
        if (code != EXIT_OK)
            return code;
    }
    return EXIT_OK;
}

void cli_extras_bind(const cli_extras *e, cli_slots *slots)
{
    for (size_t k = 0; k < e->count; k++) {
        const cli_extra *x = &e->list[k];
        if (!x->used || (!x->output && cli_extras_find(e, x->slot, true)))
            continue;
        slots->slot[x->slot].data = x->array.data;
        slots->slot[x->slot].bytes = x->array.bytes;
        slots->slot[x->slot].output = x->output;
        slots->slot[x->slot].update = x->output && MOVED >> x->slot & 1u;
    }
}

int cli_extras_write(cli_extras *e)
{
    for (size_t k = 0; k < e->count; k++) {
        cli_extra *x = &e->list[k];
        int code = x->output ? cli_relayout(x->array.data, &x->tensor, &x->lies, x->array.bytes) : EXIT_OK;
        if (x->output && code == EXIT_OK)
            code = cli_output_npy(x->sink, &x->array);
        if (code != EXIT_OK)
            return code;
    }
    return EXIT_OK;
}

int cli_extras_commit(cli_extras *e, cli_output *first)
{
    cli_output *sinks[2 * CLNORM_SLOTS + 1] = { first };
    size_t n = 1;
    for (size_t k = 0; k < e->count; k++) {
        if (e->list[k].sink)
            sinks[n++] = e->list[k].sink;
        e->list[k].sink = NULL;
    }
    return cli_output_commit_all(sinks, n);
}

void cli_extras_free(cli_extras *e)
{
    for (size_t k = 0; k < e->count; k++) {
        cli_output_abandon(e->list[k].sink);
        cli_array_free(&e->list[k].array);
    }
    memset(e, 0, sizeof *e);
}

/* layout.c -- arrays of files as tensors of the library, and back. */
#include "cli/layout.h"
#include "cli/input.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const cli_layout_names[] = { "nchw", "nhwc", NULL };

int cli_channel_axis(uint32_t ndim) { return ndim >= 4 ? 1 : ndim == 3 ? 0 : -1; }

/* Where axis k is in a file that has axis c, unless -1, behind all others. */
static uint32_t place(uint32_t ndim, uint32_t k, int c)
{
    return c < 0 || (int)k < c ? k : (int)k == c ? ndim - 1 : k - 1;
}

static int axis_last(uint32_t ndim, cli_layout layout)
{
    return layout == CLI_FIRST ? -1 : cli_channel_axis(ndim);
}

uint32_t cli_file_axis(uint32_t ndim, uint32_t k, cli_layout layout)
{
    return place(ndim, k, axis_last(ndim, layout));
}

static clnorm_tensor tensor_of(uint32_t dtype, uint32_t ndim, const int64_t *shape, int c)
{
    clnorm_tensor t;
    int64_t step[CLNORM_MAX_DIMS], next = 1;
    memset(&t, 0, sizeof t);
    t.dtype = dtype;
    t.ndim = ndim;
    for (uint32_t k = ndim; k-- > 0; next *= shape[k] > 0 ? shape[k] : 1)
        step[k] = next;
    for (uint32_t k = 0; k < ndim; k++) {
        t.shape[k] = shape[place(ndim, k, c)];
        t.stride[k] = step[place(ndim, k, c)];
    }
    return t;
}

clnorm_tensor cli_tensor_of(uint32_t dtype, uint32_t ndim, const int64_t *shape, cli_layout layout)
{
    return tensor_of(dtype, ndim, shape, axis_last(ndim, layout));
}

clnorm_tensor cli_tensor_dense(const clnorm_tensor *t, uint32_t dtype, cli_layout layout)
{
    int64_t shape[CLNORM_MAX_DIMS] = { 0 };
    cli_file_shape(shape, t, layout);
    return cli_tensor_of(dtype, t->ndim, shape, layout);
}

clnorm_tensor cli_tensor_last(const clnorm_tensor *t, int c, int64_t *shape)
{
    for (uint32_t k = 0; k < t->ndim; k++)
        shape[place(t->ndim, k, c)] = t->shape[k];
    return tensor_of(t->dtype, t->ndim, shape, c);
}

void cli_file_shape(int64_t *shape, const clnorm_tensor *t, cli_layout layout)
{
    for (uint32_t k = 0; k < t->ndim; k++)
        shape[cli_file_axis(t->ndim, k, layout)] = t->shape[k];
}

const char *cli_shape_text(const int64_t *shape, uint32_t ndim)
{
    static char texts[4][160];
    static unsigned turn;
    char *text = texts[turn++ % 4];
    size_t used = 1;
    strcpy(text, "(");
    for (uint32_t k = 0; k < ndim && used < sizeof texts[0] - 24; k++)
        used += (size_t)snprintf(text + used, sizeof texts[0] - used, "%s%lld", k ? "," : "",
                                 (long long)shape[k]);
    snprintf(text + used, sizeof texts[0] - used, ndim == 1 ? ",)" : ")");
    return text;
}

/* Copies elements of `size` bytes between two tensors of one shape, whatever their
 * strides. */
static void copy(char *to, const clnorm_tensor *to_t, const char *from, const clnorm_tensor *from_t,
                 size_t size)
{
    int64_t at[CLNORM_MAX_DIMS] = { 0 };
    for (int64_t left = clnorm_tensor_count(to_t); left > 0; left--) {
        int64_t a = 0, b = 0;
        for (uint32_t k = 0; k < to_t->ndim; k++) {
            a += at[k] * to_t->stride[k];
            b += at[k] * from_t->stride[k];
        }
        memcpy(to + (size_t)a * size, from + (size_t)b * size, size);
        for (uint32_t k = to_t->ndim; k-- > 0; at[k] = 0)
            if (++at[k] < to_t->shape[k])
                break;
    }
}

int cli_relayout(void *data, const clnorm_tensor *from, const clnorm_tensor *to, size_t bytes)
{
    const size_t count = (size_t)clnorm_tensor_count(from);
    if (!count || memcmp(from->stride, to->stride, sizeof to->stride) == 0)
        return EXIT_OK;
    void *copied;
    const int code = cli_memory(&copied, "an array in another layout", bytes, 0);
    if (code != EXIT_OK)
        return code;
    copy((char *)copied, to, (const char *)data, from, bytes / count);
    memcpy(data, copied, bytes);
    free(copied);
    return EXIT_OK;
}

int cli_to_layout(void *data, const clnorm_tensor *t, cli_layout layout, size_t bytes)
{
    const clnorm_tensor from = cli_tensor_dense(t, t->dtype, CLI_FIRST),
                        to = cli_tensor_dense(t, t->dtype, layout);
    return cli_relayout(data, &from, &to, bytes);
}

void cli_fill_nan(cli_array *a)
{
    for (size_t k = 0; a->dtype == CLNORM_F32 && k < a->bytes / sizeof(float); k++)
        ((float *)a->data)[k] = NAN;
}

/* picture.c -- y as a .png. */
#include "cli/picture.h"
#include "ref/ref.h"

#include <math.h>
#include <string.h>

/* Height, width and channels of a tensor; below three axes it is gray. */
typedef struct picture {
    int64_t images, channels, height, width;
} picture;

static picture picture_of(const clnorm_tensor *y)
{
    const int axis = cli_channel_axis(y->ndim);
    picture p = { 1, 1, 1, y->shape[y->ndim - 1] };
    if (axis >= 0)
        p.channels = y->shape[axis];
    if (y->ndim >= 2)
        p.height = y->shape[y->ndim - 2];
    for (uint32_t k = 0; (int)k < (int)y->ndim - 2; k++)
        p.images *= (int)k == axis ? 1 : y->shape[k];
    return p;
}

int cli_picture_check(const cli_problem *problem, const char *name)
{
    const clnorm_tensor *y = &problem->desc.head.y;
    const picture p = picture_of(y);
    const bool colors = p.channels == 1 || p.channels == 3 || p.channels == 4;
    if (p.images == 1 && colors && p.height > 0 && p.width > 0)
        return EXIT_OK;
    return cli_fail(EXIT_INPUT, "%s: y is %s; a .png holds one image of 1, 3 or 4 channels", cli_quote(name),
                    cli_shape_text(y->shape, y->ndim));
}

/* What is not finite has no place between minimum and maximum, and becomes 0. A byte is
 * written where its element, or an earlier one, was. */
void cli_picture_map(cli_array *y)
{
    const int64_t n = (int64_t)(y->bytes / clnorm_dtype_bytes(y->dtype));
    unsigned char *out = (unsigned char *)y->data;
    double low = INFINITY, high = -INFINITY;
    for (int64_t i = 0; i < n; i++) {
        const double v = ref_get(y->dtype, y->data, i);
        if (isfinite(v)) {
            low = v < low ? v : low;
            high = v > high ? v : high;
        }
    }
    for (int64_t i = 0; i < n; i++) {
        const double v = ref_get(y->dtype, y->data, i);
        out[i] = isfinite(v) && high > low ? (unsigned char)rint((v - low) / (high - low) * 255) : 0;
    }
    y->dtype = CLNORM_U8;
    y->bytes = (size_t)n;
}

int cli_picture_write(cli_output *sink, const cli_problem *problem, const cli_array *y)
{
    const picture p = picture_of(&problem->desc.head.y);
    return cli_output_png(sink, y->data, p.height, p.width, (int)p.channels);
}

/* image.c -- what the image decoders share: the limits and the array that they fill. */
#include "cli/image.h"
#include "cli/input.h"

#include <inttypes.h>

int cli_image_check(const char *name, uint64_t width, uint64_t height)
{
    if (width == 0 || height == 0)
        return cli_fail(EXIT_INPUT, "%s is damaged: it has %" PRIu64 "x%" PRIu64 " pixels", name, width,
                        height);
    if (width > CLI_IMAGE_LENGTH || height > CLI_IMAGE_LENGTH)
        return cli_fail(EXIT_INPUT, "%s has %" PRIu64 "x%" PRIu64 " pixels; the limit is %d each way", name,
                        width, height, CLI_IMAGE_LENGTH);
    if (width * height > CLI_IMAGE_PIXELS)
        return cli_fail(EXIT_INPUT,
                        "%s has %" PRIu64 "x%" PRIu64 " = %" PRIu64 " pixels; the limit is %" PRIu64, name,
                        width, height, width * height, CLI_IMAGE_PIXELS);
    return EXIT_OK;
}

int cli_image_alloc(cli_array *out, const char *name, const cli_pixels *p)
{
    int code = cli_image_check(name, p->width, p->height);
    if (code != EXIT_OK)
        return code;
    const uint64_t bytes = p->width * p->height * p->channels * (p->dtype == CLNORM_U16 ? 2 : 1);
    code = cli_memory(&out->data, name, bytes, p->working);
    if (code != EXIT_OK)
        return code;
    out->dtype = p->dtype;
    out->ndim = 4;
    out->shape[0] = 1;
    out->shape[1] = (int64_t)p->height;
    out->shape[2] = (int64_t)p->width;
    out->shape[3] = p->channels;
    out->bytes = (size_t)bytes;
    out->image = true;
    return EXIT_OK;
}

/* webp.c -- WebP by libwebp. Always RGB; alpha is dropped, not blended. */
#include "cli/image.h"

#include <string.h>
#include <webp/decode.h>

static int refuse(const cli_file *file, VP8StatusCode status)
{
    static const char *const texts[] = { [VP8_STATUS_OUT_OF_MEMORY] = "no memory",
                                         [VP8_STATUS_BITSTREAM_ERROR] = "bad data",
                                         [VP8_STATUS_UNSUPPORTED_FEATURE] = "a feature that libwebp lacks",
                                         [VP8_STATUS_SUSPENDED] = "the file ends too early",
                                         [VP8_STATUS_NOT_ENOUGH_DATA] = "the file ends too early" };
    const char *const text = (size_t)status < sizeof texts / sizeof *texts ? texts[status] : NULL;
    if (status == VP8_STATUS_OUT_OF_MEMORY)
        return cli_fail(EXIT_MEMORY, "%s: libwebp found no memory to decode it", file->name);
    return cli_fail(EXIT_INPUT, "%s is a damaged WebP file: %s", file->name, text ? text : "bad data");
}

int cli_webp_decode(cli_array *out, const cli_file *file)
{
    WebPDecoderConfig config;
    if (!WebPInitDecoderConfig(&config))
        return cli_fail(EXIT_INPUT, "%s cannot be read: another libwebp is installed than was built for",
                        file->name);
    VP8StatusCode status = WebPGetFeatures(file->data, file->size, &config.input);
    if (status != VP8_STATUS_OK)
        return refuse(file, status);
    if (config.input.has_animation)
        return cli_fail(EXIT_INPUT, "%s is an animation; only still WebP pictures are read", file->name);
    const uint64_t width = (uint64_t)config.input.width, height = (uint64_t)config.input.height;
    /* libwebp decodes lossless pictures into 4 bytes a pixel first, and keeps alpha beside lossy ones. */
    const cli_pixels picture = { width, height, 3, CLNORM_U8, width * height * 4 };
    const int code = cli_image_alloc(out, file->name, &picture);
    if (code != EXIT_OK)
        return code;
    config.output.colorspace = MODE_RGB;
    config.output.is_external_memory = 1;
    config.output.u.RGBA.rgba = (uint8_t *)out->data;
    config.output.u.RGBA.stride = config.input.width * 3;
    config.output.u.RGBA.size = out->bytes;
    status = WebPDecode(file->data, file->size, &config);
    WebPFreeDecBuffer(&config.output);
    return status == VP8_STATUS_OK ? EXIT_OK : refuse(file, status);
}

/* image.h -- what the image decoders share: the file in memory, the limits, the array that they fill. */
#ifndef CLI_IMAGE_H
#define CLI_IMAGE_H

#include "cli/io.h"

/* Beyond these a picture is taken for a decompression bomb and refused before anything is decoded. */
#define CLI_IMAGE_PIXELS ((uint64_t)1 << 28)
enum {
    CLI_IMAGE_LENGTH = 1000000,
    CLI_PNG_CHUNK_BYTES = 8000000,
    CLI_PNG_CHUNKS = 1000,
    CLI_JPEG_SCANS = 100
};

typedef struct cli_file {
    const char *name; /* quoted, for sentences */
    const unsigned char *data;
    size_t size;
    bool rgb8; /* 3 channels of 8 bits whatever the file holds */
} cli_file;

typedef struct cli_pixels {
    uint64_t width, height;
    uint32_t channels;
    uint32_t dtype;   /* CLNORM_U8 or CLNORM_U16 */
    uint64_t working; /* bytes that the codec takes besides */
} cli_pixels;

/* Exit 3 where the size is beyond the limits. */
int cli_image_check(const char *name, uint64_t width, uint64_t height);
/* Checks the limits and makes the (1,H,W,C) array of the picture. */
int cli_image_alloc(cli_array *out, const char *name, const cli_pixels *p);

/* Each decodes a whole file; on failure the caller frees what is in out. */
int cli_png_decode(cli_array *out, const cli_file *file);
int cli_jpeg_decode(cli_array *out, const cli_file *file);
int cli_webp_decode(cli_array *out, const cli_file *file);
int cli_pnm_decode(cli_array *out, const cli_file *file);

/* Encodes u8 pixels with 1, 3 or 4 channels last. put returns false to stop; then so does this. */
typedef bool cli_put(void *user, const void *bytes, size_t size);
bool cli_png_encode(cli_put *put, void *user, const unsigned char *pixels, const cli_pixels *p);

#endif

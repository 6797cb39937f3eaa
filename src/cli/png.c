/* png.c -- PNG by libpng, to and from memory.
 *
 * Palettes become RGB, 1, 2 and 4 bits become 8, alpha and transparent colours are dropped, and gamma,
 * profiles and text are not even read. 16 bits stay, or with rgb8 keep their high byte, which is what Pillow
 * does. */
#include "cli/image.h"

#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

enum { CHUNK_TO_WRITE = 1 << 18, IHDR_AT = 8, IHDR_END = 24 };

typedef struct reader {
    const cli_file *file;
    cli_array *out;
    png_structp png;
    png_infop info;
    size_t at;
    int code;      /* of a failure that has said its sentence */
    char why[128]; /* libpng's reason otherwise */
} reader;

static void stay_silent(png_structp png, png_const_charp text)
{
    (void)png;
    (void)text;
}

static void stop_reading(png_structp png, png_const_charp text)
{
    reader *const r = (reader *)png_get_error_ptr(png);
    snprintf(r->why, sizeof r->why, "%s", text);
    png_longjmp(png, 1);
}

static void stop_writing(png_structp png, png_const_charp text)
{
    (void)text;
    png_longjmp(png, 1);
}

static void get(png_structp png, png_bytep to, size_t size)
{
    reader *const r = (reader *)png_get_io_ptr(png);
    if (size > r->file->size - r->at)
        png_error(png, "the file ends too early");
    memcpy(to, r->file->data + r->at, size);
    r->at += size;
}

/* libpng's own refusal of a size names neither the size nor the limit. */
static int check_size(const cli_file *file)
{
    const unsigned char *const ihdr = file->data + IHDR_AT;
    if (file->size < IHDR_END || memcmp(ihdr + 4, "IHDR", 4) != 0)
        return EXIT_OK; /* libpng says what is wrong */
    return cli_image_check(file->name, png_get_uint_32(ihdr + 8), png_get_uint_32(ihdr + 12));
}

static void limit(png_structp png)
{
    png_set_user_limits(png, CLI_IMAGE_LENGTH, CLI_IMAGE_LENGTH);
    png_set_chunk_malloc_max(png, CLI_PNG_CHUNK_BYTES);
    png_set_chunk_cache_max(png, CLI_PNG_CHUNKS);
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
}

static void choose_form(const reader *r)
{
    png_structp png = r->png;
    const int depth = png_get_bit_depth(png, r->info), color = png_get_color_type(png, r->info);
    if (color == PNG_COLOR_TYPE_PALETTE)
        png_set_packing(png); /* expand_palette does the rest */
    else if (depth < 8)
        png_set_expand_gray_1_2_4_to_8(png);
    if (depth == 16 && r->file->rgb8)
        png_set_strip_16(png);
    else if (depth == 16)
        png_set_swap(png); /* the file is big-endian */
    if (r->file->rgb8 && !(color & PNG_COLOR_MASK_COLOR))
        png_set_gray_to_rgb(png);
    png_set_strip_alpha(png);
}

static void read_rows(const reader *r, unsigned char *data, int passes)
{
    const size_t rows = png_get_image_height(r->png, r->info), stride = png_get_rowbytes(r->png, r->info);
    while (passes-- > 0)
        for (size_t row = 0; row < rows; row++)
            png_read_row(r->png, data + row * stride, NULL);
    png_read_end(r->png, NULL); /* a file without its end is half a file */
}

/* From indices in the last third of the array, which are read before they are overwritten. libpng would
 * paint an index beyond the palette black and say nothing. */
static void expand_palette(const reader *r, const unsigned char *indices, size_t pixels)
{
    unsigned char *rgb = (unsigned char *)r->out->data;
    png_colorp palette = NULL;
    int colors = 0;
    png_get_PLTE(r->png, r->info, &palette, &colors);
    for (size_t i = 0; i < pixels; i++, rgb += 3) {
        if (indices[i] >= colors)
            png_error(r->png, "a pixel is beyond the palette");
        const png_color color = palette[indices[i]];
        rgb[0] = color.red;
        rgb[1] = color.green;
        rgb[2] = color.blue;
    }
}

static int alloc(const reader *r)
{
    const bool palette = png_get_color_type(r->png, r->info) == PNG_COLOR_TYPE_PALETTE;
    const cli_pixels picture = { png_get_image_width(r->png, r->info), png_get_image_height(r->png, r->info),
                                 palette ? 3 : png_get_channels(r->png, r->info),
                                 png_get_bit_depth(r->png, r->info) == 16 ? CLNORM_U16 : CLNORM_U8, 0 };
    return cli_image_alloc(r->out, r->file->name, &picture);
}

static void read_pixels(const reader *r, int passes)
{
    unsigned char *const data = (unsigned char *)r->out->data;
    const size_t pixels = r->out->bytes / 3;
    if (png_get_color_type(r->png, r->info) != PNG_COLOR_TYPE_PALETTE) {
        read_rows(r, data, passes);
        return;
    }
    read_rows(r, data + 2 * pixels, passes);
    expand_palette(r, data + 2 * pixels, pixels);
}

/* Nothing local changes between setjmp and a longjmp, so that nothing here needs to be volatile. */
static bool read_guarded(reader *r)
{
    if (setjmp(png_jmpbuf(r->png)))
        return false;
    limit(r->png);
    png_set_read_fn(r->png, r, get);
    png_read_info(r->png, r->info);
    choose_form(r);
    const int passes = png_set_interlace_handling(r->png);
    png_read_update_info(r->png, r->info);
    r->code = alloc(r);
    if (r->code != EXIT_OK)
        return false;
    read_pixels(r, passes);
    return true;
}

int cli_png_decode(cli_array *out, const cli_file *file)
{
    reader r = { file, out, NULL, NULL, 0, EXIT_OK, "" };
    const int code = check_size(file);
    if (code != EXIT_OK)
        return code;
    r.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &r, stop_reading, stay_silent);
    r.info = r.png ? png_create_info_struct(r.png) : NULL;
    if (!r.info)
        r.code = cli_fail(EXIT_MEMORY, "%s: libpng found no memory to decode it", file->name);
    const bool done = r.info && read_guarded(&r);
    png_destroy_read_struct(&r.png, &r.info, NULL);
    if (done || r.code != EXIT_OK)
        return r.code;
    return cli_fail(EXIT_INPUT, "%s is a damaged PNG file: %s", file->name, r.why);
}

typedef struct writer {
    cli_put *put;
    void *user;
} writer;

static void put_bytes(png_structp png, png_bytep bytes, size_t size)
{
    const writer *const w = (const writer *)png_get_io_ptr(png);
    if (!w->put(w->user, bytes, size))
        png_error(png, "stopped");
}

static void flush_nothing(png_structp png) { (void)png; }

static bool write_guarded(png_structp png, png_infop info, const unsigned char *pixels, const cli_pixels *p)
{
    static const int color[] = { 0, PNG_COLOR_TYPE_GRAY, 0, PNG_COLOR_TYPE_RGB, PNG_COLOR_TYPE_RGB_ALPHA };
    if (setjmp(png_jmpbuf(png)))
        return false;
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_set_compression_buffer_size(png, CHUNK_TO_WRITE);
    png_set_IHDR(png, info, (png_uint_32)p->width, (png_uint_32)p->height, 8, color[p->channels],
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_BASE, PNG_FILTER_TYPE_BASE);
    png_write_info(png, info);
    for (size_t row = 0; row < p->height; row++)
        png_write_row(png, pixels + row * (size_t)p->width * p->channels);
    png_write_end(png, NULL);
    return true;
}

bool cli_png_encode(cli_put *put, void *user, const unsigned char *pixels, const cli_pixels *p)
{
    writer w = { put, user };
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &w, stop_writing, stay_silent);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    if (info)
        png_set_write_fn(png, &w, put_bytes, flush_nothing);
    const bool done = info && write_guarded(png, info, pixels, p);
    png_destroy_write_struct(&png, &info);
    return done;
}

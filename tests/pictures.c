/* pictures.c -- small image files made in memory, good ones by their libraries and bad ones by hand. */
#include "pictures.h"

#include <png.h>
#include <stdio.h> /* before jpeglib.h, which needs FILE */
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <webp/encode.h>
#include <zlib.h>

void blob_add(blob *b, const void *bytes, size_t size) { blob_insert(b, b->size, bytes, size); }

/* Memory grows in powers of two: some pictures are made of ten thousand pieces. */
static size_t room_for(size_t size)
{
    size_t room = 64;
    while (room < size)
        room *= 2;
    return room;
}

void blob_insert(blob *b, size_t at, const void *bytes, size_t size)
{
    if (!b->data || room_for(b->size + size) != room_for(b->size))
        b->data = (unsigned char *)realloc(b->data, room_for(b->size + size));
    ck_assert_ptr_nonnull(b->data);
    memmove(b->data + at + size, b->data + at, b->size - at);
    if (size)
        memcpy(b->data + at, bytes, size);
    b->size += size;
}

int picture_read(cli_array *a, const blob *b, bool rgb8)
{
    files_write("picture", b->data, b->size);
    return cli_read(a, "picture", false, rgb8);
}

void picture_expect(const blob *b, int code, const char *part, int line)
{
    cli_array a;
    files_listen();
    files_expect(picture_read(&a, b, false), code, part, "picture_read", line);
    cli_array_free(&a);
}

void picture_shape(const cli_array *a, uint32_t dtype, int64_t height, int64_t width, int64_t channels)
{
    ck_assert_uint_eq(a->dtype, dtype);
    ck_assert_uint_eq(a->ndim, 4);
    ck_assert_int_eq(a->shape[0], 1);
    ck_assert_int_eq(a->shape[1], height);
    ck_assert_int_eq(a->shape[2], width);
    ck_assert_int_eq(a->shape[3], channels);
    ck_assert(a->image);
    ck_assert_uint_eq(a->bytes, (size_t)(height * width * channels) * (dtype == CLNORM_U16 ? 2 : 1));
}

/* Smooth for JPEG's sake, but no two neighbours and channels alike. */
uint32_t picture_sample(uint32_t x, uint32_t y, uint32_t channel, int bits)
{
    return (x * 5 + y * 3 + channel * 41) * (bits == 16 ? 257u : 1u) & ((1u << bits) - 1);
}

/* ---- PNG --------------------------------------------------------------------------------------- */

static void put_png(png_structp png, png_bytep bytes, size_t size)
{
    blob_add((blob *)png_get_io_ptr(png), bytes, size);
}

static void flush_png(png_structp png) { (void)png; }

static void put_palette(png_structp png, png_infop info, const png_form *form)
{
    png_color palette[256];
    png_byte alpha[256] = { 0 };
    const int colors = 1 << form->bits;
    for (int i = 0; i < colors; i++) {
        palette[i].red = (png_byte)i;
        palette[i].green = (png_byte)(2 * i);
        palette[i].blue = (png_byte)(255 - i);
    }
    png_set_PLTE(png, info, palette, colors);
    if (form->transparent)
        png_set_tRNS(png, info, alpha, colors, NULL);
}

static void put_rows(png_structp png, const png_form *form, uint32_t channels)
{
    const size_t stride = (size_t)form->width * channels * 2;
    unsigned char *const row = (unsigned char *)malloc(stride);
    ck_assert_ptr_nonnull(row);
    for (int passes = png_set_interlace_handling(png); passes > 0; passes--)
        for (uint32_t y = 0; y < form->height; y++) {
            for (uint32_t i = 0; i < form->width * channels; i++) {
                const uint32_t v = picture_sample(i / channels, y, i % channels, form->bits);
                if (form->bits == 16)
                    row[2 * i] = (unsigned char)(v >> 8), row[2 * i + 1] = (unsigned char)v;
                else
                    row[i] = (unsigned char)v;
            }
            png_write_row(png, row);
        }
    free(row);
}

blob picture_png(const png_form *form)
{
    static const uint32_t channels[] = { 1, 0, 3, 1, 2, 0, 4 };
    png_color_16 key = { 0, 1, 2, 3, 1 };
    blob b = { NULL, 0 };
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    png_set_write_fn(png, &b, put_png, flush_png);
    png_set_IHDR(png, info, form->width, form->height, form->bits, form->color, form->interlaced,
                 PNG_COMPRESSION_TYPE_BASE, PNG_FILTER_TYPE_BASE);
    if (form->color == PNG_COLOR_TYPE_PALETTE)
        put_palette(png, info, form);
    else if (form->transparent)
        png_set_tRNS(png, info, NULL, 0, &key);
    png_write_info(png, info);
    png_set_packing(png);
    put_rows(png, form, channels[form->color]);
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    return b;
}

static void put_big(unsigned char *to, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        to[i] = (unsigned char)(v >> (24 - 8 * i));
}

static uint32_t get_big(const unsigned char *from)
{
    return (uint32_t)from[0] << 24 | (uint32_t)from[1] << 16 | (uint32_t)from[2] << 8 | from[3];
}

void png_begin(blob *b) { blob_add(b, "\x89PNG\r\n\x1a\n", 8); }

void png_chunk(blob *b, const char *type, const void *bytes, size_t size)
{
    unsigned char number[4];
    put_big(number, (uint32_t)size);
    blob_add(b, number, 4);
    blob_add(b, type, 4);
    blob_add(b, bytes, size);
    put_big(number, (uint32_t)crc32(0, b->data + b->size - size - 4, (uInt)size + 4));
    blob_add(b, number, 4);
}

void png_ihdr(blob *b, uint32_t width, uint32_t height, int bits, int color)
{
    unsigned char ihdr[13] = { 0 };
    put_big(ihdr, width);
    put_big(ihdr + 4, height);
    ihdr[8] = (unsigned char)bits;
    ihdr[9] = (unsigned char)color;
    png_chunk(b, "IHDR", ihdr, sizeof ihdr);
}

void png_deflated(blob *b, const char *type, const char *head, size_t head_size, size_t zeros)
{
    blob content = { NULL, 0 };
    uLongf size = compressBound((uLong)zeros);
    void *const from = calloc(1, zeros), *const to = malloc(size);
    ck_assert(from != NULL && to != NULL);
    ck_assert_int_eq(compress2((Bytef *)to, &size, (const Bytef *)from, (uLong)zeros, 1), Z_OK);
    blob_add(&content, head, head_size);
    blob_add(&content, to, size);
    png_chunk(b, type, content.data, content.size);
    free(content.data);
    free(from);
    free(to);
}

void png_mend(unsigned char *bytes, size_t size)
{
    for (size_t at = 8; at + 12 <= size;) {
        const size_t length = get_big(bytes + at);
        if (length > size - at - 12)
            return;
        put_big(bytes + at + 8 + length, (uint32_t)crc32(0, bytes + at + 4, (uInt)length + 4));
        at += length + 12;
    }
}

/* ---- JPEG and WebP ----------------------------------------------------------------------------- */

static void choose_form(struct jpeg_compress_struct *j, const jpeg_form *form)
{
    static const jpeg_scan_info one_each[] = { { 1, { 0 }, 0, 63, 0, 0 },
                                               { 1, { 1 }, 0, 63, 0, 0 },
                                               { 1, { 2 }, 0, 63, 0, 0 } };
    static const J_COLOR_SPACE spaces[] = { JCS_UNKNOWN, JCS_GRAYSCALE, JCS_UNKNOWN, JCS_RGB, JCS_CMYK };
    j->image_width = form->width;
    j->image_height = form->height;
    j->input_components = form->components;
    j->in_color_space = spaces[form->components];
    jpeg_set_defaults(j);
    j->arith_code = form->arithmetic;
    if (form->ycck)
        jpeg_set_colorspace(j, JCS_YCCK);
    if (form->progressive)
        jpeg_simple_progression(j);
    if (form->scans) {
        j->scan_info = one_each;
        j->num_scans = 3;
    }
}

blob picture_jpeg(const jpeg_form *form)
{
    struct jpeg_compress_struct j;
    struct jpeg_error_mgr errors;
    unsigned char *memory = NULL;
    unsigned long size = 0;
    const uint32_t channels = (uint32_t)form->components;
    unsigned char *const row = (unsigned char *)malloc((size_t)form->width * channels);
    ck_assert_ptr_nonnull(row);
    j.err = jpeg_std_error(&errors);
    jpeg_create_compress(&j);
    jpeg_mem_dest(&j, &memory, &size);
    choose_form(&j, form);
    jpeg_start_compress(&j, TRUE);
    for (uint32_t y = 0; y < form->height; y++) {
        JSAMPROW rows = row;
        for (uint32_t i = 0; i < form->width * channels; i++) {
            const uint32_t v = picture_sample(i / channels, y, i % channels, 8);
            row[i] = channels == 4 ? form->flat[i % 4] : (unsigned char)v;
        }
        jpeg_write_scanlines(&j, &rows, 1);
    }
    jpeg_finish_compress(&j);
    jpeg_destroy_compress(&j);
    free(row);
    blob b = { NULL, 0 };
    blob_add(&b, memory, size);
    free(memory);
    return b;
}

size_t jpeg_marker(const blob *b, unsigned char marker)
{
    size_t at = b->size - 1;
    while (--at && (b->data[at] != 0xff || b->data[at + 1] != marker))
        ;
    ck_assert_uint_gt(at, 0);
    return at;
}

blob picture_webp(uint32_t width, uint32_t height, bool lossless, bool alpha)
{
    const uint32_t channels = alpha ? 4 : 3;
    const int w = (int)width, h = (int)height, stride = (int)(width * channels);
    uint8_t *out = NULL;
    unsigned char *const pixels = (unsigned char *)malloc((size_t)width * height * channels);
    ck_assert_ptr_nonnull(pixels);
    for (uint32_t i = 0; i < width * height * channels; i++) {
        const uint32_t v = picture_sample(i / channels % width, i / channels / width, i % channels, 8);
        pixels[i] = (unsigned char)(i % channels == 3 ? v | 1 : v); /* libwebp cleans what alpha 0 hides */
    }
    const size_t size =
        lossless ? (alpha ? WebPEncodeLosslessRGBA : WebPEncodeLosslessRGB)(pixels, w, h, stride, &out)
                 : (alpha ? WebPEncodeRGBA : WebPEncodeRGB)(pixels, w, h, stride, 75, &out);
    blob b = { NULL, 0 };
    blob_add(&b, out, size);
    WebPFree(out);
    free(pixels);
    return b;
}

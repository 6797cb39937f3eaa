/* test_png.c -- every form of PNG that is read, hostile ones, and those that are written. */
#include "pictures.h"

#include <png.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- forms --------------------------------------------------------------------------------------- */

static const png_form png_forms[] = {
    { 13, 9, 1, 0, false, false },  { 13, 9, 2, 0, true, false },  { 13, 9, 4, 0, false, true },
    { 13, 9, 8, 0, true, true },    { 13, 9, 16, 0, true, false }, { 13, 9, 16, 0, false, true },
    { 13, 9, 8, 2, false, false },  { 13, 9, 8, 2, true, true },   { 13, 9, 16, 2, true, false },
    { 13, 9, 1, 3, false, false },  { 13, 9, 2, 3, true, true },   { 13, 9, 4, 3, true, false },
    { 13, 9, 8, 3, true, false },   { 13, 9, 8, 3, false, true },  { 13, 9, 8, 4, true, false },
    { 13, 9, 16, 4, false, false }, { 13, 9, 8, 6, true, false },  { 13, 9, 16, 6, true, false },
    { 1, 1, 8, 2, true, false },    { 1, 300, 1, 3, true, false },
};

static uint32_t png_want(const png_form *f, uint32_t x, uint32_t y, uint32_t c, bool rgb8)
{
    const bool gray = f->color == 0 || f->color == 4;
    const uint32_t v = picture_sample(x, y, gray || f->color == 3 ? 0 : c, f->bits);
    const uint32_t palette[] = { v, 2 * v & 0xff, 255 - v };
    if (f->color == 3)
        return palette[c];
    if (f->bits < 8)
        return v * 255 / ((1u << f->bits) - 1);
    return f->bits == 16 && rgb8 ? v >> 8 : v;
}

static void check_png(const png_form *f, const cli_array *a, bool rgb8)
{
    const uint8_t *const u8 = (const uint8_t *)a->data;
    const uint16_t *const u16 = (const uint16_t *)a->data;
    const bool gray = (f->color == 0 || f->color == 4) && !rgb8, wide = f->bits == 16 && !rgb8;
    const uint32_t channels = gray ? 1 : 3;
    picture_shape(a, wide ? CLNORM_U16 : CLNORM_U8, f->height, f->width, channels);
    for (uint32_t i = 0; i < f->width * f->height * channels; i++) {
        const uint32_t x = i / channels % f->width, y = i / channels / f->width;
        ck_assert_uint_eq(wide ? u16[i] : u8[i], png_want(f, x, y, i % channels, rgb8));
    }
}

START_TEST(png_is_read) /* 37 */
{
    const blob b = picture_png(&png_forms[_i]);
    for (int rgb8 = 0; rgb8 < 2; rgb8++) {
        cli_array a;
        FILES_EXPECT(picture_read(&a, &b, rgb8), EXIT_OK, NULL);
        check_png(&png_forms[_i], &a, rgb8);
        cli_array_free(&a);
    }
    free(b.data);
}
END_TEST

/* ---- hostile ------------------------------------------------------------------------------------- */

/* A good 1x1 gray picture after so many more chunks. */
static void end_png(blob *b)
{
    png_deflated(b, "IDAT", "", 0, 2);
    png_chunk(b, "IEND", "", 0);
}

START_TEST(png_sizes) /* 31, 32, 33 */
{
    static const struct {
        uint32_t width, height;
        const char *why;
    } cases[] = { { 0, 0, "it has 0x0 pixels" },
                  { 5, 0, "it has 5x0 pixels" },
                  { 2147483647, 1, "2147483647x1 pixels; the limit is 1000000 each way" },
                  { 1, 4294967295u, "1x4294967295 pixels; the limit" },
                  { 100000, 100000, "100000x100000 = 10000000000 pixels; the limit is 268435456" } };
    for (size_t i = 0; i < COUNT(cases); i++) {
        blob b = { NULL, 0 };
        png_begin(&b);
        png_ihdr(&b, cases[i].width, cases[i].height, 1, 0);
        png_deflated(&b, "IDAT", "", 0, 1000000);
        png_chunk(&b, "IEND", "", 0);
        const double start = files_seconds();
        PICTURE_EXPECT(b, EXIT_INPUT, cases[i].why);
        ck_assert_double_lt(files_seconds() - start, 1);
        free(b.data);
    }
}
END_TEST

START_TEST(png_crc) /* 34 */
{
    const png_form form = { 5, 5, 8, 2, false, false };
    const blob b = picture_png(&form);
    b.data[8 + 8 + 13] ^= 1;
    PICTURE_EXPECT(b, EXIT_INPUT, "CRC");
    b.data[8 + 8 + 13] ^= 1;
    b.data[b.size - 12 - 1] ^= 1; /* of IDAT, which is just before IEND */
    PICTURE_EXPECT(b, EXIT_INPUT, "CRC");
    free(b.data);
}
END_TEST

START_TEST(png_palette) /* 36 */
{
    static const int bits[] = { 1, 2, 4, 8 };
    for (size_t i = 0; i < COUNT(bits); i++) {
        blob b = { NULL, 0 };
        png_begin(&b);
        png_ihdr(&b, 1, 1, bits[i], 3);
        png_chunk(&b, "PLTE", "\x01\x02\x03", 3);
        blob bad = { NULL, 0 };
        blob_add(&bad, b.data, b.size);
        end_png(&b);
        PICTURE_EXPECT(b, EXIT_OK, NULL);
        /* The stored form of deflate: filter 0, a pixel with all bits set; and its Adler-32. */
        png_chunk(&bad, "IDAT", "\x78\x01\x01\x02\x00\xfd\xff\x00\xff\x01\x01\x01\x00", 13);
        bad.data[bad.size - 8] = 0x01; /* s2 = 1 + 256 = 0x0101, s1 = 256 = 0x0100 */
        bad.data[bad.size - 7] = 0x01, bad.data[bad.size - 6] = 0x01, bad.data[bad.size - 5] = 0x00;
        png_chunk(&bad, "IEND", "", 0);
        png_mend(bad.data, bad.size);
        PICTURE_EXPECT(bad, EXIT_INPUT, "beyond the palette");
        free(b.data);
        free(bad.data);
    }
}
END_TEST

START_TEST(png_chunks) /* 38, 39 */
{
    static const struct {
        const char *type, *head;
        size_t head_size, zeros;
        int times;
    } cases[] = { { "iCCP", "icc\0\0", 5, 16000000, 1 },     { "zTXt", "a\0\0", 3, 50000000, 1 },
                  { "iTXt", "a\0\1\0\0\0", 6, 16000000, 1 }, { "tEXt", "a\0b", 3, 0, 10000 },
                  { "sPLT", "a\0\x08", 3, 0, 10000 },        { "teSt", "", 0, 0, 10000 } };
    for (size_t i = 0; i < COUNT(cases); i++) {
        blob b = { NULL, 0 };
        png_begin(&b);
        png_ihdr(&b, 1, 1, 8, 0);
        for (int n = 0; n < cases[i].times; n++)
            if (cases[i].zeros)
                png_deflated(&b, cases[i].type, cases[i].head, cases[i].head_size, cases[i].zeros);
            else
                png_chunk(&b, cases[i].type, cases[i].head, cases[i].head_size);
        end_png(&b);
        const double start = files_seconds();
        PICTURE_EXPECT(b, EXIT_OK, NULL);
        ck_assert_double_lt(files_seconds() - start, 1);
        free(b.data);
    }
}
END_TEST

/* ---- written ---------------------------------------------------------------------------------- */

START_TEST(png_is_written)
{
    static const int channels[] = { 1, 3, 4 };
    static const png_uint_32 formats[] = { PNG_FORMAT_GRAY, PNG_FORMAT_RGB, PNG_FORMAT_RGBA };
    unsigned char pixels[5 * 7 * 4], got[sizeof pixels];
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (unsigned char)(i * 31);
    for (size_t i = 0; i < COUNT(channels); i++) {
        cli_output *o;
        png_image image;
        FILES_EXPECT(cli_output_open(&o, "y.png", NULL), EXIT_OK, NULL);
        FILES_EXPECT(cli_output_png(o, pixels, 5, 7, channels[i]), EXIT_OK, NULL);
        FILES_EXPECT(cli_output_commit(o), EXIT_OK, NULL);
        memset(&image, 0, sizeof image);
        image.version = PNG_IMAGE_VERSION;
        ck_assert(png_image_begin_read_from_file(&image, "y.png"));
        ck_assert_uint_eq(image.width, 7);
        ck_assert_uint_eq(image.height, 5);
        ck_assert_uint_eq(image.format, formats[i]);
        ck_assert(png_image_finish_read(&image, NULL, got, 0, NULL));
        ck_assert_mem_eq(got, pixels, (size_t)(5 * 7 * channels[i]));
    }
}
END_TEST

START_TEST(png_is_not_written)
{
    static const struct {
        const char *name;
        int64_t height, width;
        int channels, code;
        const char *why;
    } cases[] = { { "y.npy", 1, 1, 3, EXIT_USAGE, "y.npy cannot be a PNG picture" },
                  { "-", 1, 1, 3, EXIT_USAGE, "cannot be a PNG picture" },
                  { "y.png", 1, 1, 2, EXIT_INPUT, "cannot have 2 channels" },
                  { "y.png", 0, 1, 3, EXIT_INPUT, "cannot have 1x0 pixels" },
                  { "y.png", 1, (int64_t)1 << 31, 3, EXIT_INPUT, "cannot have 2147483648x1 pixels" } };
    unsigned char rgb[] = { 1, 2, 3 };
    const cli_array pixel = { CLNORM_U8, 1, { 3 }, rgb, sizeof rgb, false };
    cli_output *o;
    const int before = files_count(".");
    for (size_t i = 0; i < COUNT(cases); i++) {
        FILES_EXPECT(cli_output_open(&o, cases[i].name, NULL), EXIT_OK, NULL);
        FILES_EXPECT(cli_output_png(o, pixel.data, cases[i].height, cases[i].width, cases[i].channels),
                     cases[i].code, cases[i].why);
        cli_output_abandon(o);
    }
    FILES_EXPECT(cli_output_open(&o, "y.png", NULL), EXIT_OK, NULL);
    FILES_EXPECT(cli_output_npy(o, &pixel), EXIT_USAGE, "y.png is called .png");
    cli_output_abandon(o);
    ck_assert_int_eq(files_count("."), before);
}
END_TEST

int main(void)
{
    TCase *const c =
        SUITE_CASE(png_sizes, png_crc, png_palette, png_chunks, png_is_written, png_is_not_written);
    tcase_add_loop_test(c, png_is_read, 0, (int)COUNT(png_forms));
    return files_run(suite_of("png", c));
}

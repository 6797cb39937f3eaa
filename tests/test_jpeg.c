/* test_jpeg.c -- every form of JPEG that is read, and hostile ones. */
#include "pictures.h"

#include <stdio.h> /* before jpeglib.h, which needs FILE */
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* libjpeg-turbo's default decoding of gray and RGB, by the book. */
static unsigned char *jpeg_want(const blob *b, size_t *bytes)
{
    struct jpeg_decompress_struct j;
    struct jpeg_error_mgr errors;
    j.err = jpeg_std_error(&errors);
    jpeg_create_decompress(&j);
    jpeg_mem_src(&j, b->data, (unsigned long)b->size);
    jpeg_read_header(&j, TRUE);
    jpeg_start_decompress(&j);
    const size_t stride = (size_t)j.output_width * (size_t)j.output_components;
    unsigned char *const pixels = (unsigned char *)malloc(stride * j.output_height);
    ck_assert_ptr_nonnull(pixels);
    while (j.output_scanline < j.output_height) {
        JSAMPROW row = pixels + j.output_scanline * stride;
        jpeg_read_scanlines(&j, &row, 1);
    }
    *bytes = stride * j.output_height;
    jpeg_destroy_decompress(&j);
    return pixels;
}

START_TEST(jpeg_is_read)
{
    static const jpeg_form forms[] = { { 37, 21, 1, false, false, false, false, { 0 } },
                                       { 37, 21, 3, false, false, false, false, { 0 } },
                                       { 37, 21, 3, true, false, false, false, { 0 } },
                                       { 37, 21, 3, false, false, false, true, { 0 } },
                                       { 37, 21, 3, false, true, false, false, { 0 } } };
    for (size_t i = 0; i < COUNT(forms); i++) {
        const blob b = picture_jpeg(&forms[i]);
        size_t bytes;
        unsigned char *const want = jpeg_want(&b, &bytes);
        cli_array a;
        FILES_EXPECT(picture_read(&a, &b, false), EXIT_OK, NULL);
        picture_shape(&a, CLNORM_U8, 21, 37, forms[i].components);
        ck_assert_uint_eq(a.bytes, bytes);
        ck_assert_mem_eq(a.data, want, bytes);
        cli_array_free(&a);
        FILES_EXPECT(picture_read(&a, &b, true), EXIT_OK, NULL);
        picture_shape(&a, CLNORM_U8, 21, 37, 3);
        ck_assert_int_eq(((unsigned char *)a.data)[3], want[forms[i].components]);
        cli_array_free(&a);
        free(want);
        free(b.data);
    }
}
END_TEST

START_TEST(jpeg_of_inks) /* 40 */
{
    static const struct {
        unsigned char file[4];
        int rgb[3];
    } cases[] = { { { 255, 255, 255, 255 }, { 255, 255, 255 } },
                  { { 255, 255, 255, 0 }, { 0, 0, 0 } },
                  { { 0, 255, 255, 255 }, { 0, 255, 255 } },
                  { { 255, 255, 255, 128 }, { 128, 128, 128 } },
                  { { 128, 255, 64, 200 }, { 100, 200, 50 } } };
    for (size_t i = 0; i < COUNT(cases); i++)
        for (int ycck = 0; ycck < 2; ycck++) {
            jpeg_form form = { 16, 16, 4, false, false, ycck, false, { 0 } };
            memcpy(form.flat, cases[i].file, 4);
            const blob b = picture_jpeg(&form);
            cli_array a;
            FILES_EXPECT(picture_read(&a, &b, false), EXIT_OK, NULL);
            picture_shape(&a, CLNORM_U8, 16, 16, 3);
            for (int c = 0; c < 3; c++)
                ck_assert_int_le(abs(((unsigned char *)a.data)[c] - cases[i].rgb[c]), 2);
            cli_array_free(&a);
            free(b.data);
        }
}
END_TEST

START_TEST(jpeg_headers) /* 40, 42 */
{
    static const struct {
        size_t at; /* behind the SOF marker: length 2, precision 1, height 2, width 2, components 1 */
        unsigned char value;
        const char *why;
    } cases[] = { { 4, 12, "precision 12" }, { 9, 0, "damaged JPEG" },  { 5, 1, "damaged JPEG" },
                  { 6, 9, "damaged JPEG" },  { 6, 0, "damaged JPEG" },  { 5, 255, "damaged JPEG" },
                  { 8, 8, "damaged JPEG" },  { 7, 255, "damaged JPEG" } };
    const jpeg_form form = { 32, 32, 1, false, false, false, false, { 0 } };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const blob b = picture_jpeg(&form);
        b.data[jpeg_marker(&b, 0xc0) + cases[i].at] = cases[i].value;
        PICTURE_EXPECT(b, EXIT_INPUT, cases[i].why);
        free(b.data);
    }
}
END_TEST

START_TEST(jpeg_scans) /* 41 */
{
    const jpeg_form form = { 8, 8, 3, false, false, false, true, { 0 } };
    blob b = picture_jpeg(&form);
    const size_t at = jpeg_marker(&b, 0xda), scan = b.size - 2 - at;
    unsigned char bytes[1024];
    ck_assert_uint_le(scan, sizeof bytes);
    memcpy(bytes, b.data + at, scan);
    for (int i = 0; i < 10000; i++)
        blob_insert(&b, b.size - 2, bytes, scan);
    const double start = files_seconds();
    PICTURE_EXPECT(b, EXIT_INPUT, "has 101 scans or more; the limit is 100");
    ck_assert_double_lt(files_seconds() - start, 1);
    free(b.data);
}
END_TEST

START_TEST(jpeg_extras) /* 43 */
{
    /* EXIF: rotated by a quarter. */
    static const char exif[] = "\xff\xe1\x00\x22"
                               "Exif\0\0"
                               "MM\0*\0\0\0\x08"
                               "\0\x01"
                               "\x01\x12\0\x03\0\0\0\x01\0\x06\0\0"
                               "\0\0\0\0";
    static const unsigned char noise[64] = { 0 }; /* more than the decoder reads ahead */
    const jpeg_form form = { 16, 8, 3, false, false, false, false, { 0 } };
    blob b = picture_jpeg(&form);
    cli_array a;
    blob_insert(&b, 2, exif, sizeof exif - 1);
    FILES_EXPECT(picture_read(&a, &b, false), EXIT_OK, NULL);
    picture_shape(&a, CLNORM_U8, 8, 16, 3);
    cli_array_free(&a);
    blob_insert(&b, b.size - 2, noise, sizeof noise);
    PICTURE_EXPECT(b, EXIT_INPUT, "extraneous bytes");
    free(b.data);
}
END_TEST

int main(void)
{
    return files_run(
        suite_of("jpeg", SUITE_CASE(jpeg_is_read, jpeg_of_inks, jpeg_headers, jpeg_scans, jpeg_extras)));
}

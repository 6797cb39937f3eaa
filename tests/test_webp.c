/* test_webp.c -- lossless and lossy WebP, with and without alpha. */
#include "pictures.h"

#include <stdlib.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

START_TEST(webp_is_read)
{
    for (int alpha = 0; alpha < 2; alpha++) {
        blob b = picture_webp(19, 7, true, alpha);
        cli_array a;
        FILES_EXPECT(picture_read(&a, &b, false), EXIT_OK, NULL);
        picture_shape(&a, CLNORM_U8, 7, 19, 3);
        for (uint32_t i = 0; i < 19 * 7 * 3; i++)
            ck_assert_uint_eq(((uint8_t *)a.data)[i], picture_sample(i / 3 % 19, i / 3 / 19, i % 3, 8));
        cli_array_free(&a);
        free(b.data);
        b = picture_webp(19, 7, false, alpha);
        PICTURE_EXPECT(b, EXIT_OK, NULL);
        free(b.data);
    }
}
END_TEST

/* What follows the magic of a file: its form, and why that is not read. */
START_TEST(webp_is_refused)
{
    static const struct {
        const char *bytes;
        size_t size;
        const char *why;
    } cases[] = {
        { "VP8X\x0a\0\0\0\x02\0\0\0\x08\0\0\x04\0\0", 18,
          "is an animation; only still WebP pictures are read" },
        { "VP8L\x04\0\0\0abcd", 12, "damaged WebP file" },
        { "VP8L\x05\0\0\0\x2f", 9, "damaged WebP file" },
        { "VP8 \x0a\0\0\0\0\0\0\x9d\x01\x2a\0\0\0\0", 18, "damaged WebP file" },
        { "none", 4, "" },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const unsigned char size[4] = { (unsigned char)(4 + cases[i].size), 0, 0, 0 };
        blob b = { NULL, 0 };
        blob_add(&b, "RIFF", 4);
        blob_add(&b, size, 4);
        blob_add(&b, "WEBP", 4);
        blob_add(&b, cases[i].bytes, cases[i].size);
        PICTURE_EXPECT(b, EXIT_INPUT, cases[i].why);
        free(b.data);
    }
}
END_TEST

int main(void) { return files_run(suite_of("webp", SUITE_CASE(webp_is_read, webp_is_refused))); }

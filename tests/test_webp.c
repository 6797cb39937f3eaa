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

int main(void) { return files_run(suite_of("webp", SUITE_CASE(webp_is_read))); }

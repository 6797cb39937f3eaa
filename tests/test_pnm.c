/* test_pnm.c -- PPM and PGM of all depths, and their bad headers. */
#include "pictures.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

START_TEST(pnm_is_read)
{
    static const struct {
        const char *text;
        size_t size;
        uint32_t dtype;
        int64_t channels;
        unsigned want[3];
        bool rgb8;
    } cases[] = { { "P6\n1 1\n255\nabc", 14, CLNORM_U8, 3, { 'a', 'b', 'c' }, false },
                  { "P6 #x 9 9\n# y\n1#z\n 1\r\n255 \n\r ", 29, CLNORM_U8, 3, { '\n', '\r', ' ' }, false },
                  { "P5\t1\v1\f255\nA", 12, CLNORM_U8, 1, { 'A' }, false },
                  { "P5 1 1 255 A", 12, CLNORM_U8, 3, { 'A', 'A', 'A' }, true },
                  { "P5 1 1 65535 \x12\x34", 15, CLNORM_U16, 1, { 0x1234 }, false },
                  { "P5 1 1 65535 \x12\x34", 15, CLNORM_U8, 3, { 0x12, 0x12, 0x12 }, true },
                  { "P5 1 1 1000 \x01\xf4", 14, CLNORM_U16, 1, { 32768 }, false },
                  { "P5 1 1 1 \x01", 10, CLNORM_U8, 1, { 255 }, false },
                  { "P5 1 1 100 \x32", 12, CLNORM_U8, 1, { 128 }, false } };
    for (size_t i = 0; i < COUNT(cases); i++) {
        cli_array a;
        const blob b = { (unsigned char *)(uintptr_t)cases[i].text, cases[i].size };
        FILES_EXPECT(picture_read(&a, &b, cases[i].rgb8), EXIT_OK, NULL);
        picture_shape(&a, cases[i].dtype, 1, 1, cases[i].channels);
        for (int c = 0; c < cases[i].channels; c++)
            ck_assert_uint_eq(a.dtype == CLNORM_U16 ? ((uint16_t *)a.data)[c] : ((uint8_t *)a.data)[c],
                              cases[i].want[c]);
        cli_array_free(&a);
    }
}
END_TEST

START_TEST(pnm_is_refused)
{
    static const struct {
        const char *text, *why;
    } cases[] = { { "P6", "its header" },
                  { "P6x1 1 255 abc", "its header" },
                  { "P6 -1 1 255 abc", "its header" },
                  { "P6 1 1 255", "its header" },
                  { "P6 1 1 255#\nabc", "its header" },
                  { "P6 1 1 # no end", "its header" },
                  { "P6 1 99999999999999999999 255 abc", "its header" },
                  { "P5 42949672961 1 255 A", "its header" },
                  { "P5 1 1 4294967551 A", "its header" },
                  { "P6 0 1 255 ", "it has 0x1 pixels" },
                  { "P6 1 1 0 abc", "its maxval is 0" },
                  { "P6 1 1 65536 abcdef", "its maxval is 65536" },
                  { "P6 100000 100000 255 abc", "10000000000 pixels; the limit is 268435456" },
                  { "P6 1 1 255 ab", "holds 2 bytes of samples; 1x1 pixels need 3" },
                  { "P6 1 1 255 abcd", "holds 4 bytes of samples; 1x1 pixels need 3" },
                  { "P6 1 1 97 abc", "above its maxval, 97" },
                  { "P3 1 1 255 1 2 3", "is a text PPM file" } };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const blob b = { (unsigned char *)(uintptr_t)cases[i].text, strlen(cases[i].text) };
        PICTURE_EXPECT(b, EXIT_INPUT, cases[i].why);
    }
}
END_TEST

int main(void) { return files_run(suite_of("pnm", SUITE_CASE(pnm_is_read, pnm_is_refused))); }

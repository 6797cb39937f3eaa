/* test_read.c -- names that contradict the content, files that cannot be read, the data of .npy. */
#define _XOPEN_SOURCE 700
#include "pictures.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- names and files -------------------------------------------------------------------------- */

START_TEST(names_and_content) /* 44 */
{
    static const struct {
        const char *name, *bytes;
        size_t size;
        int code;
        const char *why;
    } cases[] = {
        { "x.jpg", "\x89PNG\r\n\x1a\n", 8, EXIT_INPUT, "x.jpg is a PNG file, but is called .jpg; rename it" },
        { "x.PNG", "\xff\xd8\xff", 3, EXIT_INPUT, "is a JPEG file, but is called .PNG" },
        { "x.png", "hello", 5, EXIT_INPUT, "is called .png, but its content is not" },
        { "x.npy", "P6 1 1 255 abc", 14, EXIT_INPUT, "is a PPM file, but is called .npy" },
        { "x.pgm", "P6 1 1 255 abc", 14, EXIT_INPUT, "is a PPM file, but is called .pgm" },
        { "x.pnm", "P6 1 1 255 abc", 14, EXIT_OK, NULL },
        { "x.PPM", "P6 1 1 255 abc", 14, EXIT_OK, NULL },
        { "x.dat", "P6 1 1 255 abc", 14, EXIT_OK, NULL },
        { "-x", "P6 1 1 255 abc", 14, EXIT_OK, NULL },
        { ".png", "P6 1 1 255 abc", 14, EXIT_INPUT, "is a PPM file, but is called .png" },
        { "x.npz", "PK\x03\x04", 4, EXIT_INPUT, "zip archive, perhaps .npz; save the array with np.save" },
        { "x.npy", "PK\x03\x04", 4, EXIT_INPUT, "zip archive" },
        { "x.gif", "GIF89a", 6, EXIT_INPUT, "is a GIF file" },
        { "x.png", "RIFF\0\0\0\0WEBPVP8 ", 16, EXIT_INPUT, "is a WebP file, but is called .png" },
        { "x.bmp", "BM", 2, EXIT_INPUT, "is a BMP file" },
        { "x.tif", "II*\0", 4, EXIT_INPUT, "is a TIFF file" },
        { "x.tif", "MM\0*", 4, EXIT_INPUT, "is a TIFF file" },
        { "x", "hello", 5, EXIT_INPUT, "is of no known type" },
        { "new\nline", "hello", 5, EXIT_INPUT, "clnorm: new\\x0aline is" },
        { "\x1b[2Jx", "hello", 5, EXIT_INPUT, "clnorm: \\x1b[2Jx is" },
        { "\xff\xc3\xa9", "hello", 5, EXIT_INPUT, "clnorm: \\xff\xc3\xa9 is" },
        { "a/../x", "hello", 5, EXIT_INPUT, "a/../x cannot be read" }
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        cli_array a;
        if (!strchr(cases[i].name, '/'))
            files_write(cases[i].name, cases[i].bytes, cases[i].size);
        FILES_EXPECT(cli_read(&a, cases[i].name, false, false), cases[i].code, cases[i].why);
        cli_array_free(&a);
        unlink(cases[i].name);
    }
}
END_TEST

START_TEST(no_file) /* 45, 46, 47, 51 */
{
    static char longest[4097];
    static const struct {
        const char *name, *why;
    } cases[] = { { "missing.png", "missing.png cannot be read: No such file" },
                  { ".", "it is a directory" },
                  { "", "No such file" },
                  { "/dev/null", "/dev/null is empty" },
                  { "/dev/zero", "/dev/zero is of no known type" },
                  { longest, "... cannot be read: File name too long" } };
    memset(longest, 'x', sizeof longest - 1);
    for (size_t i = 0; i < COUNT(cases); i++) {
        cli_array a;
        FILES_EXPECT(cli_read(&a, cases[i].name, false, false), EXIT_INPUT, cases[i].why);
        ck_assert_ptr_null(a.data);
    }
}
END_TEST

static int read_secret(void)
{
    cli_array a;
    files_listen();
    const int code = cli_read(&a, "secret.png", false, false);
    return strstr(files_heard(), "secret.png cannot be read: Permission denied") ? code : 0;
}

START_TEST(unreadable) /* 48 */
{
    files_write("secret.png", "x", 1);
    ck_assert_int_eq(chmod("secret.png", 0), 0);
    ck_assert_int_eq(files_as_nobody(read_secret), EXIT_INPUT);
}
END_TEST

START_TEST(through_a_pipe) /* 47 */
{
    const png_form form = { 300, 200, 8, 2, false, false };
    const blob b = picture_png(&form);
    cli_array a;
    files_feed("fifo", b.data, b.size, 0);
    FILES_EXPECT(cli_read(&a, "fifo", false, false), EXIT_OK, NULL);
    picture_shape(&a, CLNORM_U8, 200, 300, 3);
    cli_array_free(&a);
    wait(NULL);
    unlink("fifo");
    files_feed("fifo", b.data, b.size / 2, 0);
    FILES_EXPECT(cli_read(&a, "fifo", false, false), EXIT_INPUT, "ends too early");
    wait(NULL);
    unlink("fifo");
    free(b.data);
}
END_TEST

START_TEST(longer_than_the_limit)
{
    cli_array a;
    files_write("x.png", "\x89PNG\r\n\x1a\n", 8);
    if (truncate("x.png", (off_t)(((int64_t)4 << 30) + 1)) != 0) {
        puts("skipped: this file system has no files of 4 GiB");
        return;
    }
    FILES_EXPECT(cli_read(&a, "x.png", false, false), EXIT_INPUT,
                 "has 4294967297 bytes; the limit is 4294967296");
    unlink("x.png");
}
END_TEST

/* ---- the data of .npy ------------------------------------------------------------------------- */

START_TEST(data_must_fit) /* 19, 20 */
{
    cli_array a;
    files_write_npy("x.npy", FILES_NPY_F4("(2, 3)"), 24);
    FILES_EXPECT(cli_read(&a, "x.npy", false, false), EXIT_OK, NULL);
    ck_assert_uint_eq(a.bytes, 24);
    ck_assert(!a.image);
    cli_array_free(&a);
    files_write_npy("x.npy", FILES_NPY_F4("(2, 3)"), 23);
    FILES_EXPECT(cli_read(&a, "x.npy", false, false), EXIT_INPUT, "less than the 24 bytes");
    files_write_npy("x.npy", FILES_NPY_F4("(2, 3)"), 25);
    FILES_EXPECT(cli_read(&a, "x.npy", false, false), EXIT_INPUT, "more than the 24 bytes");
    ck_assert_ptr_null(a.data);
}
END_TEST

START_TEST(data_of_a_pipe_must_fit)
{
    static const struct {
        const char *text;
        size_t data;
        int code;
        const char *why;
    } cases[] = { { FILES_NPY_F4("(2, 3)"), 24, EXIT_OK, NULL },
                  { FILES_NPY_F4("(2, 3)"), 23, EXIT_INPUT, "less than" },
                  { FILES_NPY_F4("(2, 3)"), 1 << 20, EXIT_INPUT, "more than" },
                  { FILES_NPY("<f8", "False", "(2, 3)"), 47, EXIT_INPUT, "less than" },
                  { FILES_NPY("<f8", "False", "(100, 100)"), 80000, EXIT_OK, NULL } };
    for (size_t i = 0; i < COUNT(cases); i++) {
        unsigned char bytes[256];
        cli_array a;
        files_feed("fifo", bytes, files_npy_text(bytes, cases[i].text), cases[i].data);
        FILES_EXPECT(cli_read(&a, "fifo", false, false), cases[i].code, cases[i].why);
        cli_array_free(&a);
        wait(NULL);
        ck_assert_int_eq(unlink("fifo"), 0);
    }
}
END_TEST

START_TEST(standard_input)
{
    cli_array a;
    files_write_npy("x", FILES_NPY_F4("(2, 3)"), 24);
    ck_assert_ptr_nonnull(freopen("x", "rb", stdin));
    FILES_EXPECT(cli_read(&a, "-", false, false), EXIT_OK, NULL);
    cli_array_free(&a);
    FILES_EXPECT(cli_read(&a, "-", false, false), EXIT_INPUT, "standard input is empty");
    files_listen(); /* before a descriptor is free that it might take */
    ck_assert_int_eq(close(STDIN_FILENO), 0);
    files_expect(cli_read(&a, "-", false, false), EXIT_INPUT, "standard input cannot be read", "47",
                 __LINE__);
}
END_TEST

START_TEST(empty_arrays) /* 18 */
{
    cli_array a;
    files_write_npy("x.npy", FILES_NPY_F4("(0, 3, 224, 224)"), 0);
    FILES_EXPECT(cli_read(&a, "x.npy", false, false), EXIT_OK, NULL);
    ck_assert_uint_eq(a.bytes, 0);
    ck_assert_ptr_nonnull(a.data);
    cli_array_free(&a);
}
END_TEST

START_TEST(doubles_become_floats)
{
    static const double values[] = { 0.1, -1e300, 1e-300, NAN, 16777217.0 };
    unsigned char bytes[256];
    cli_array a;
    const size_t size = files_npy_text(bytes, FILES_NPY("<f8", "False", "(5,)"));
    memcpy(bytes + size, values, sizeof values);
    files_write("x.npy", bytes, size + sizeof values);
    FILES_EXPECT(cli_read(&a, "x.npy", false, false), EXIT_OK, NULL);
    const float *const got = (const float *)a.data;
    ck_assert_uint_eq(a.dtype, CLNORM_F32);
    ck_assert_uint_eq(a.bytes, 5 * sizeof(float));
    ck_assert(got[0] == 0.1f && isinf(got[1]) && got[1] < 0 && got[2] == 0 && isnan(got[3]) &&
              got[4] == 16777216.0f);
    cli_array_free(&a);
}
END_TEST

START_TEST(counts_only_where_wanted)
{
    cli_array a;
    files_write_npy("x.npy", FILES_NPY("<u8", "False", "(5,)"), 40);
    FILES_EXPECT(cli_read(&a, "x.npy", false, false), EXIT_INPUT, "'<u8'");
    FILES_EXPECT(cli_read_npy(&a, "x.npy", false), EXIT_OK, NULL);
    ck_assert_uint_eq(a.dtype, 0);
    ck_assert_uint_eq(a.bytes, 40);
    cli_array_free(&a);
    files_write("x.ppm", "P6 1 1 255 abc", 14);
    FILES_EXPECT(cli_read_npy(&a, "x.ppm", false), EXIT_INPUT, "is a PPM file; only an .npy file");
}
END_TEST

/* A sparse file, so that its length is right and no disk is needed. */
START_TEST(more_than_the_machine_has)
{
    cli_array a;
    unsigned char bytes[256];
    const size_t size = files_npy_text(bytes, FILES_NPY("|u1", "False", "(8796093022208,)"));
    files_write("x.npy", bytes, size);
    if (truncate("x.npy", (off_t)((int64_t)8796093022208 + (int64_t)size)) != 0) {
        puts("skipped: this file system has no files of 8 TiB");
        return;
    }
    FILES_EXPECT(cli_read(&a, "x.npy", false, false), EXIT_MEMORY,
                 "needs 8796093022208 bytes of host memory; the limit");
    ck_assert_int_eq(unlink("x.npy"), 0);
}
END_TEST

START_TEST(every_prefix)
{
    unsigned char bytes[256] = { 0 };
    cli_array a;
    const size_t size = files_npy_text(bytes, FILES_NPY_F4("(2, 3)") "      \n") + 24;
    for (size_t n = 0; n <= size; n++) {
        files_write("x", bytes, n);
        files_listen();
        const int code = cli_read(&a, "x", false, false);
        files_heard();
        ck_assert_int_eq(code, n < size ? EXIT_INPUT : EXIT_OK);
        cli_array_free(&a);
    }
}
END_TEST

int main(void)
{
    return files_run(
        suite_of("read", SUITE_CASE(names_and_content, no_file, unreadable, through_a_pipe,
                                    longer_than_the_limit, data_must_fit, data_of_a_pipe_must_fit,
                                    standard_input, empty_arrays, doubles_become_floats,
                                    counts_only_where_wanted, more_than_the_machine_has, every_prefix)));
}

/* test_npz.c -- .npz archives: what is written is read, NumPy's too, and what is damaged is refused. */
#include "cli/npy.h"
#include "cli/npz.h"

#include "files.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zip.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static float mean[] = { 1, -2, 3.5f }, matrix[] = { 1, 2, 3, 4, 5, 6 };
static const cli_array mean_array = { CLNORM_F32, 1, { 3 }, mean, sizeof mean, false };
static const cli_array matrix_array = { CLNORM_F32, 2, { 2, 3 }, matrix, sizeof matrix, false };
static const cli_npz_array both[] = { { "mean", &mean_array }, { "whitener", &matrix_array } };

static void write_both(const char *name)
{
    cli_output *o;
    FILES_EXPECT(cli_output_open_npz(&o, name, NULL), EXIT_OK, NULL);
    FILES_EXPECT(cli_output_npz(o, both, COUNT(both)), EXIT_OK, NULL);
    FILES_EXPECT(cli_output_commit(o), EXIT_OK, NULL);
}

static void check_both(const char *name)
{
    cli_npz *z;
    cli_array a;
    FILES_EXPECT(cli_npz_open(&z, name), EXIT_OK, NULL);
    for (size_t k = 0; k < 2 * COUNT(both); k++) { /* each twice */
        const cli_array *want = both[k % COUNT(both)].array;
        FILES_EXPECT(cli_npz_read(&a, z, both[k % COUNT(both)].name), EXIT_OK, NULL);
        ck_assert_uint_eq(a.dtype, want->dtype);
        ck_assert_uint_eq(a.ndim, want->ndim);
        ck_assert_mem_eq(a.shape, want->shape, want->ndim * sizeof *a.shape);
        ck_assert_uint_eq(a.bytes, want->bytes);
        ck_assert_mem_eq(a.data, want->data, want->bytes);
        cli_array_free(&a);
    }
    FILES_EXPECT(cli_npz_read(&a, z, "eigenvalues"), EXIT_INPUT, "has no array eigenvalues");
    ck_assert_ptr_null(a.data);
    cli_npz_close(z);
}

START_TEST(what_is_written_is_read)
{
    size_t size, again;
    write_both("W.npz");
    check_both("W.npz");
    unsigned char *const first = files_read("W.npz", &size);
    write_both("W2.npz");
    unsigned char *const second = files_read("W2.npz", &again);
    ck_assert_uint_eq(size, again); /* no date, nothing of the process */
    ck_assert_mem_eq(first, second, size);
    ck_assert_mem_eq(first + 10, "\x00\x00\x21\x00", 4); /* midnight, the first of 1980 */
    files_feed("fifo", first, size, 0);
    check_both("fifo");
    free(first);
    free(second);
    ck_assert_int_eq(files_count("."), 3);
}
END_TEST

START_TEST(takes_the_place_of_the_old_one_only_when_whole)
{
    cli_output *o;
    files_write("old.npz", "old", 3);
    FILES_EXPECT(cli_output_open_npz(&o, "old.npz", NULL), EXIT_OK, NULL);
    FILES_EXPECT(cli_output_npz(o, both, COUNT(both)), EXIT_OK, NULL);
    cli_output_abandon(o);
    size_t size;
    unsigned char *const bytes = files_read("old.npz", &size);
    ck_assert_uint_eq(size, 3);
    free(bytes);
    FILES_EXPECT(cli_output_open_npz(&o, "W.npy", NULL), EXIT_USAGE, "must end in .npz");
    FILES_EXPECT(cli_output_open(&o, "W.npz", NULL), EXIT_USAGE, "must end in .npy or .png");
}
END_TEST

/* ---- archives of others ------------------------------------------------------------------------- */

typedef struct member {
    const char *name, *text; /* of the .npy header */
    size_t data;             /* bytes of zeros behind it */
    int method;
} member;

static void make_zip(const char *name, const member *list, size_t count)
{
    static unsigned char bytes[8][1 << 16];
    int why;
    zip_t *z = zip_open(name, ZIP_CREATE | ZIP_TRUNCATE, &why);
    ck_assert_ptr_nonnull(z);
    for (size_t k = 0; k < count; k++) {
        memset(bytes[k], 0, sizeof bytes[k]);
        const size_t n = list[k].text ? files_npy_text(bytes[k], list[k].text) : 0;
        zip_source_t *s = zip_source_buffer(z, bytes[k], n + list[k].data, 0);
        const zip_int64_t at = zip_file_add(z, list[k].name, s, 0);
        ck_assert_int_ge(at, 0);
        ck_assert_int_eq(zip_set_file_compression(z, (zip_uint64_t)at, list[k].method, 0), 0);
    }
    ck_assert_int_eq(zip_close(z), 0);
}

static int read_array(cli_array *a, const char *file, const char *array)
{
    cli_npz *z;
    memset(a, 0, sizeof *a);
    const int code = cli_npz_open(&z, file);
    if (code != EXIT_OK)
        return code;
    const int read = cli_npz_read(a, z, array);
    cli_npz_close(z);
    return read;
}

static const struct {
    member file;
    const char *array, *why; /* NULL: it is read */
} others[] = {
    { { "a.npy", FILES_NPY_F4("(2, 3)"), 24, ZIP_CM_STORE }, "a", NULL },
    { { "a.npy", FILES_NPY_F4("(2, 3)"), 24, ZIP_CM_DEFLATE }, "a", NULL },
    { { "a.npy", FILES_NPY_F4("(0,)"), 0, ZIP_CM_DEFLATE }, "a", NULL },
    { { "a.npy", FILES_NPY("<f8", "False", "(5,)"), 40, ZIP_CM_DEFLATE }, "a", NULL },
    { { "a.npy", FILES_NPY("<u8", "False", "(5,)"), 40, ZIP_CM_STORE }, "a", NULL },
    { { "a.npy", FILES_NPY_F4("(8000,)"), 32000, ZIP_CM_DEFLATE }, "a", NULL },
    { { "a.npy", FILES_NPY_F4("(2, 3)"), 20, ZIP_CM_STORE }, "a", "another length" },
    { { "a.npy", FILES_NPY_F4("(2, 3)"), 28, ZIP_CM_STORE }, "a", "another length" },
    { { "a.npy", FILES_NPY_F4("(1000000, 1000000)"), 24, ZIP_CM_STORE }, "a", "another length" },
    { { "a.npy", FILES_NPY_F4("(4294967296, 4294967296)"), 24, ZIP_CM_STORE }, "a", "2^63 bytes" },
    { { "a.npy", FILES_NPY("|O", "False", "(2, 3)"), 24, ZIP_CM_STORE }, "a", "Python objects" },
    { { "a.npy", FILES_NPY("<f4", "True", "(2, 3)"), 24, ZIP_CM_STORE }, "a", "Fortran" },
    { { "a.npy", NULL, 7, ZIP_CM_STORE }, "a", "no .npy file" },
    { { "a.npy", NULL, 0, ZIP_CM_STORE }, "a", "ends within" },
    { { "a.npy", NULL, 5000, ZIP_CM_DEFLATE }, "a", "no .npy file" },
    { { "a", FILES_NPY_F4("(2, 3)"), 24, ZIP_CM_STORE }, "a", "has no array a" },
    { { "b.npy", FILES_NPY_F4("(2, 3)"), 24, ZIP_CM_STORE }, "a", "has no array a" },
    { { "A.npy", FILES_NPY_F4("(2, 3)"), 24, ZIP_CM_STORE }, "a", "has no array a" },
    { { "../a.npy", FILES_NPY_F4("(2, 3)"), 24, ZIP_CM_STORE }, "a", "has no array a" },
};

START_TEST(archives_of_others)
{
    cli_array a;
    make_zip("other.npz", &others[_i].file, 1);
    FILES_EXPECT(read_array(&a, "other.npz", others[_i].array), others[_i].why ? EXIT_INPUT : EXIT_OK,
                 others[_i].why);
    ck_assert_int_eq(a.data != NULL, others[_i].why == NULL);
    for (size_t k = 0; k < a.bytes; k++)
        ck_assert_int_eq(((char *)a.data)[k], 0);
    cli_array_free(&a);
}
END_TEST

START_TEST(doubles_are_rounded)
{
    unsigned char bytes[4096];
    const double from[] = { 1.0 / 3, -1e300, 16777217, 0 };
    const size_t n = files_npy_text(bytes, FILES_NPY("<f8", "False", "(4,)"));
    int why;
    cli_array a;
    memcpy(bytes + n, from, sizeof from);
    zip_t *z = zip_open("doubles.npz", ZIP_CREATE | ZIP_TRUNCATE, &why);
    zip_file_add(z, "a.npy", zip_source_buffer(z, bytes, n + sizeof from, 0), 0);
    ck_assert_int_eq(zip_close(z), 0);
    FILES_EXPECT(read_array(&a, "doubles.npz", "a"), EXIT_OK, NULL);
    ck_assert_uint_eq(a.bytes, 16);
    for (size_t k = 0; k < 4; k++)
        ck_assert(((float *)a.data)[k] == (float)from[k]);
    cli_array_free(&a);
}
END_TEST

START_TEST(many_arrays)
{
    for (int more = 0; more <= 1; more++) {
        char name[16];
        int why;
        cli_array a;
        zip_t *z = zip_open("many.npz", ZIP_CREATE | ZIP_TRUNCATE, &why);
        for (int k = 0; k < CLI_NPZ_ARRAYS + more; k++) {
            snprintf(name, sizeof name, "a%d.npy", k);
            zip_file_add(z, name, zip_source_buffer(z, "x", 1, 0), 0);
        }
        ck_assert_int_eq(zip_close(z), 0);
        FILES_EXPECT(read_array(&a, "many.npz", "a0"), EXIT_INPUT,
                     more ? "65 arrays; the limit is 64" : "its array a0");
    }
}
END_TEST

/* A million zeros in a kilobyte: deflate can do that, but not to an array that says it is longer still. */
START_TEST(a_bomb)
{
    size_t size;
    unsigned char header[4096];
    const member m = { "a.npy", FILES_NPY_F4("(15000,)"), 60000, ZIP_CM_DEFLATE };
    cli_array a;
    make_zip("bomb.npz", &m, 1);
    unsigned char *const bytes = files_read("bomb.npz", &size);
    for (size_t i = 0; i + 4 <= size; i++) { /* its length, in both lists */
        const uint32_t length = (uint32_t)files_npy_text(header, m.text) + 60000;
        if (memcmp(bytes + i, &length, 4) == 0)
            memset(bytes + i, 0x7f, 4);
    }
    files_write("bomb.npz", bytes, size);
    FILES_EXPECT(read_array(&a, "bomb.npz", "a"), EXIT_INPUT, "over a thousand times");
    free(bytes);
}
END_TEST

/* ---- damage ------------------------------------------------------------------------------------- */

START_TEST(not_a_zip)
{
    cli_npz *z;
    files_write("no.npz", "\x93NUMPY\x01\x00v\x00", 10);
    FILES_EXPECT(cli_npz_open(&z, "no.npz"), EXIT_INPUT, "no .npz file");
    ck_assert_ptr_null(z);
    files_write("empty.npz", "", 0);
    FILES_EXPECT(cli_npz_open(&z, "empty.npz"), EXIT_INPUT, "is empty");
    FILES_EXPECT(cli_npz_open(&z, "absent.npz"), EXIT_INPUT, "cannot be read");
    FILES_EXPECT(cli_npz_open(&z, "."), EXIT_INPUT, "directory");
}
END_TEST

/* Every shorter file is refused when it is opened or when the array is read. */
START_TEST(cut_short)
{
    size_t size;
    write_both("whole.npz");
    unsigned char *const bytes = files_read("whole.npz", &size);
    for (size_t n = 1; n < size; n++) {
        cli_array a;
        files_write("cut.npz", bytes, n);
        FILES_EXPECT(read_array(&a, "cut.npz", "whitener"), EXIT_INPUT, "is refused");
        ck_assert_ptr_null(a.data);
    }
    free(bytes);
}
END_TEST

/* A bit of an array that turned is seen by its checksum. */
START_TEST(turned_bits)
{
    size_t size, at = 0;
    cli_array a;
    write_both("whole.npz");
    unsigned char *const bytes = files_read("whole.npz", &size);
    while (memcmp(bytes + at, matrix, sizeof matrix) != 0)
        at++;
    bytes[at + 5] ^= 4;
    files_write("turned.npz", bytes, size);
    FILES_EXPECT(read_array(&a, "turned.npz", "whitener"), EXIT_INPUT, "CRC");
    ck_assert_ptr_null(a.data);
    FILES_EXPECT(read_array(&a, "turned.npz", "mean"), EXIT_OK, NULL);
    cli_array_free(&a);
    free(bytes);
}
END_TEST

START_TEST(damaged)
{
    size_t size;
    uint64_t seed = files_seed();
    write_both("whole.npz");
    unsigned char *const bytes = files_read("whole.npz", &size);
    for (int k = 0; k < 300; k++) {
        size_t n = size;
        cli_array a;
        unsigned char *const bad = files_damage(&seed, bytes, &n);
        files_write("bad.npz", bad, n);
        files_listen();
        const int code = read_array(&a, "bad.npz", "whitener");
        ck_assert(code == EXIT_OK || code == EXIT_INPUT || code == EXIT_MEMORY);
        ck_assert_int_eq(strlen(files_heard()) == 0, code == EXIT_OK);
        cli_array_free(&a);
        free(bad);
    }
    free(bytes);
}
END_TEST

int main(void)
{
    TCase *t =
        SUITE_CASE(what_is_written_is_read, takes_the_place_of_the_old_one_only_when_whole,
                   doubles_are_rounded, many_arrays, a_bomb, not_a_zip, cut_short, turned_bits, damaged);
    tcase_add_loop_test(t, archives_of_others, 0, (int)COUNT(others));
    return files_run(suite_of("npz", t));
}

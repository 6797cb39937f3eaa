/* test_npy.c -- .npy headers that NumPy accepts, those that must be refused, and the data behind them. */
#include "cli/npy.h"

#include "files.h"

#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
enum { ROOM = 1 << 16 };

/* A copy of exactly the bytes' size, so that ASan sees every read beyond it; for free(). */
static unsigned char *copy_of(const unsigned char *bytes, size_t size)
{
    unsigned char *const copy = (unsigned char *)malloc(size);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, bytes, size);
    return copy;
}

/* ---- headers ----------------------------------------------------------------------------------- */

static const struct {
    const char *text;
    uint32_t dtype, ndim;
    size_t elements, element_bytes;
} good[] = {
    { FILES_NPY_F4("(2, 3)"), CLNORM_F32, 2, 6, 4 },
    { FILES_NPY_F4("(2, 3)") "            \n", CLNORM_F32, 2, 6, 4 },
    { FILES_NPY_F4("(7,)"), CLNORM_F32, 1, 7, 4 },
    { FILES_NPY_F4("(2,3,)"), CLNORM_F32, 2, 6, 4 },
    { FILES_NPY_F4("(2L, 3L)"), CLNORM_F32, 2, 6, 4 },
    { FILES_NPY_F4("(0, 3, 224, 224)"), CLNORM_F32, 4, 0, 4 },
    { FILES_NPY_F4("(1, 1, 1, 1, 1, 1)"), CLNORM_F32, 6, 1, 4 },
    { "{'shape':(2,3),'fortran_order':False,'descr':'<f4'}", CLNORM_F32, 2, 6, 4 },
    { "{\"descr\": \"<f4\", 'fortran_order': False, \"shape\": (2, 3)}", CLNORM_F32, 2, 6, 4 },
    { " {\n 'descr' :\t'<f4' ,\r\n'fortran_order': False,\n\n 'shape':\f( 2 ,\n3 ) ,\n}\n\n", CLNORM_F32, 2,
      6, 4 },
    { FILES_NPY("|u1", "False", "(5,)"), CLNORM_U8, 1, 5, 1 },
    { FILES_NPY(">u1", "False", "(5,)"), CLNORM_U8, 1, 5, 1 },
    { FILES_NPY("|i1", "False", "(5,)"), CLNORM_S8, 1, 5, 1 },
    { FILES_NPY("<u2", "False", "(5,)"), CLNORM_U16, 1, 5, 2 },
    { FILES_NPY("<f2", "False", "(5,)"), CLNORM_F16, 1, 5, 2 },
    { FILES_NPY("<f8", "False", "(5,)"), CLNORM_F32, 1, 5, 8 },
    { FILES_NPY("=f8", "False", "(5,)"), CLNORM_F32, 1, 5, 8 },
    { FILES_NPY("f4", "False", "(5,)"), CLNORM_F32, 1, 5, 4 },
    { FILES_NPY("<u8", "False", "(5,)"), 0, 1, 5, 8 },
};

START_TEST(accepts)
{
    static unsigned char bytes[ROOM];
    for (unsigned major = 1; major <= 3; major++) {
        cli_npy h;
        const size_t size = files_npy(bytes, major, good[_i].text, strlen(good[_i].text));
        ck_assert_uint_eq(cli_npy_length(&h, bytes, CLI_NPY_PREFIX), size);
        unsigned char *const cut = copy_of(bytes, size - 1), *const copy = copy_of(bytes, size);
        ck_assert(!cli_npy_parse(&h, cut, size - 1, false));
        ck_assert_ptr_nonnull(strstr(h.why, "ends within the .npy header"));
        ck_assert_msg(cli_npy_parse(&h, copy, size, false), "%s: %s", good[_i].text, h.why);
        free(cut);
        free(copy);
        ck_assert_uint_eq(h.dtype, good[_i].dtype);
        ck_assert_uint_eq(h.ndim, good[_i].ndim);
        ck_assert_uint_eq(h.elements, good[_i].elements);
        ck_assert_uint_eq(h.element_bytes, good[_i].element_bytes);
        ck_assert_uint_eq(h.data_offset, size);
    }
}
END_TEST

#define LETTERS_63 "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijk"

/* The numbers are those of the list of bad inputs, background/reliability.md (d). */
static const struct {
    int number;
    const char *text, *why;
} bad[] = {
    { 8, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), ", "damaged" },
    { 8, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, ", "damaged" },
    { 8, "{'descr':", "a string" },
    { 8, "{'descr': '<f4", "the end of a string" },
    { 8, "{'shape': (2,), 'fortran_order': Fals", "True or False" },
    { 9, "{'descr': '<f4', 'fortran_order': False, }", "no key shape" },
    { 9, "{'fortran_order': False, 'shape': (2, 3), }", "no key descr" },
    { 9, "{'descr': '<f4', 'shape': (2, 3), }", "no key fortran_order" },
    { 9, "{}", "no key descr" },
    { 10, "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", "key descr twice" },
    { 10, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), 'shape': (2,)}", "key shape twice" },
    { 11, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), 'x': 1}", "unknown key 'x'" },
    { 11, "{'\x1b[2J': 1}", "the end of a string" },
    { 11, "{'" LETTERS_63 "': 1}", "unknown key '" LETTERS_63 "'" }, /* the longest that is kept */
    { 11, "{'" LETTERS_63 "x': 1}", "the end of a string" },
    { 12, FILES_NPY_F4("(-1, 3)"), "negative" },
    { 13, FILES_NPY_F4("(99999999999999999999,)"), "a length of 2^63" },
    { 13, FILES_NPY_F4("(9223372036854775808,)"), "a length of 2^63" },
    { 13, FILES_NPY_F4("(9223372036854775807,)"), "2^63 bytes" },
    { 14, FILES_NPY_F4("(4294967296, 4294967296)"), "2^63 bytes" },
    { 14, FILES_NPY_F4("(0, 4294967296, 4294967296)"), "2^63 bytes" },
    { 15, FILES_NPY_F4("(4611686018427387904,)"), "2^63 bytes" },
    { 15, FILES_NPY_F4("(2305843009213693952,)"), "2^63 bytes" },
    { 16, FILES_NPY_F4("(1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1)"),
      "more than 6 axes" },
    { 16, FILES_NPY_F4("(1, 1, 1, 1, 1, 1, 1)"), "more than 6 axes" },
    { 17, FILES_NPY_F4("()"), "shape is ()" },
    { 21, FILES_NPY(">f4", "False", "(2, 3)"), "'>f4', big-endian" },
    { 22, FILES_NPY("|O", "False", "(2, 3)"), "'|O' (Python objects)" },
    { 23, "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,), }", "structured" },
    { 24, FILES_NPY("<c8", "False", "(2, 3)"), "'<c8' (complex numbers)" },
    { 24, FILES_NPY("<U5", "False", "(2, 3)"), "'<U5' (text)" },
    { 24, FILES_NPY("|b1", "False", "(2, 3)"), "'|b1' (booleans)" },
    { 24, FILES_NPY("<i8", "False", "(2, 3)"), "'<i8'" },
    { 24, FILES_NPY("", "False", "(2, 3)"), "type is ''" },
    { 24, FILES_NPY("\x1b]0;x", "False", "(2, 3)"), "damaged" },
    { 25, FILES_NPY("<f4", "True", "(2, 3)"), "np.ascontiguousarray" },
    { 26, "__import__('os').system('touch pwned')", "damaged" },
    { 26, "{'descr': __import__('os'), 'fortran_order': False, 'shape': (2, 3), }", "damaged" },
    { 26, FILES_NPY_F4("(__import__('os'),)"), "damaged" },
    { 28, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), '\xc3\xa9': 1}",
      "unknown key '\xc3\xa9'" },
    { 28, "{'descr': '\xff', 'fortran_order': False, 'shape': (2, 3)}", "'\\xff'" },
    /* Not numbered: what a Python literal may be, but NumPy never writes. */
    { 0, FILES_NPY_F4("(3)"), "comma" },
    { 0, FILES_NPY_F4("[2, 3]"), "( of shape" },
    { 0, FILES_NPY_F4("(2 3)"), "comma" },
    { 0, FILES_NPY_F4("(,)"), "a length" },
    { 0, FILES_NPY_F4("(2,,3)"), "a length" },
    { 0, FILES_NPY_F4("(02, 3)"), "a length" },
    { 0, FILES_NPY_F4("(2.0, 3)"), "damaged" },
    { 0, FILES_NPY_F4("(True,)"), "a length" },
    { 0, FILES_NPY("<f4", "1", "(2,)"), "True or False" },
    { 0, FILES_NPY("<f4", "Falsey", "(2,)"), "comma" },
    { 0, "{'descr': '<f\\x34', 'fortran_order': False, 'shape': (2,)}", "damaged" },
    { 0, "{'descr': '<f4' 'fortran_order': False, 'shape': (2,)}", "comma" },
    { 0, "{'descr' '<f4'}", "colon" },
    { 0, "{,}", "a string" },
    { 0, FILES_NPY_F4("(2,)") "x", "the end" },
    { 0, FILES_NPY_F4("(2,)") "{}", "the end" },
    { 0, "", "ends within" },
    { 0, " ", "ends within" },
    { 0, "  ", "the {" },
    { 0, "                 ", "the {" },
};

START_TEST(refuses)
{
    unsigned char bytes[CLI_NPY_HEADER];
    for (unsigned major = 1; major <= 3; major++) {
        cli_npy h;
        const size_t size = files_npy(bytes, major, bad[_i].text, strlen(bad[_i].text));
        if (major > 1 && size < 14)
            continue; /* the 10 bytes of version 1 may be too few, the 12 of the others are not */
        unsigned char *const copy = copy_of(bytes, size);
        ck_assert_msg(!cli_npy_parse(&h, copy, size, false), "%d: %s", bad[_i].number, bad[_i].text);
        free(copy);
        ck_assert_msg(strstr(h.why, bad[_i].why) != NULL, "%d: %s: %s", bad[_i].number, bad[_i].text, h.why);
    }
}
END_TEST

START_TEST(refuses_prefixes)
{
    static const struct {
        int number;
        const char *bytes;
        size_t size;
        const char *why;
    } cases[] = { { 1, "", 0, "is empty" },
                  { 2, "\x93NUMPY", 6, "ends within" },
                  { 3, "\x93NUMPX\x01\x00\x02\x00{}", 12, "no known type" },
                  { 4, "\x93NUMPY\x00\x00\x02\x00{}", 12, "version is 0.0" },
                  { 4, "\x93NUMPY\x01\x01\x02\x00{}", 12, "version is 1.1" },
                  { 4, "\x93NUMPY\x04\x00\x02\x00{}", 12, "version is 4.0" },
                  { 4, "\x93NUMPY\xff\xff\x02\x00{}", 12, "version is 255.255" },
                  { 5, "\x93NUMPY\x01\x00\x76\x00{}", 12, "ends within the .npy header, which has 128" },
                  { 6, "\x93NUMPY\x01\x00\x00\x00{}", 12, "too few" },
                  { 7, "\x93NUMPY\x02\x00\xff\xff\xff\xff{}", 14, "4294967295 bytes; at most 10000" },
                  { 29, "\x93NUMPY\x02\x00\x40\x42\x0f\x00{}", 14, "1000000 bytes; at most 10000" } };
    for (size_t i = 0; i < COUNT(cases); i++) {
        cli_array a;
        files_write("x", cases[i].bytes, cases[i].size);
        FILES_EXPECT(cli_read(&a, "x", false, false), EXIT_INPUT, cases[i].why);
        ck_assert_ptr_null(a.data);
    }
}
END_TEST

START_TEST(refuses_nul) /* 27 */
{
    unsigned char bytes[256];
    static const char inside[] = "{'descr': '<f4\0', 'fortran_order': False, 'shape': (2, 3), }";
    static const char behind[] = FILES_NPY_F4("(2, 3)") "\0";
    cli_npy h;
    size_t size = files_npy(bytes, 1, inside, sizeof inside - 1);
    ck_assert(!cli_npy_parse(&h, bytes, size, false));
    size = files_npy(bytes, 1, behind, sizeof behind - 1);
    ck_assert(!cli_npy_parse(&h, bytes, size, false));
}
END_TEST

START_TEST(bf16_is_u2_when_asked)
{
    unsigned char bytes[256];
    cli_npy h;
    const size_t size = files_npy_text(bytes, FILES_NPY("<u2", "False", "(5,)"));
    ck_assert(cli_npy_parse(&h, bytes, size, true));
    ck_assert_uint_eq(h.dtype, CLNORM_BF16);
}
END_TEST

START_TEST(writes_as_numpy)
{
    /* numpy.save(f, numpy.zeros((1, 3, 4, 5), 'f4')), NumPy 2.4. */
    static const char want[] =
        "\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, 'shape': (1, 3, 4, 5), }";
    char text[CLI_NPY_WRITTEN];
    const cli_array a = { CLNORM_F32, 4, { 1, 3, 4, 5 }, NULL, 240, false };
    ck_assert_uint_eq(cli_npy_format(text, &a), 128);
    ck_assert_mem_eq(text, want, sizeof want - 1);
    for (size_t i = sizeof want - 1; i < 127; i++)
        ck_assert_int_eq(text[i], ' ');
    ck_assert_int_eq(text[127], '\n');
}
END_TEST

/* A header that ends at a multiple of 64, and one byte more: as numpy.save does, NumPy 2.4. */
START_TEST(aligns_as_numpy)
{
    static const struct {
        int64_t shape[3];
        size_t size;
    } cases[] = { { { 2, 100000000000000000, 100000000000000000 }, 128 },
                  { { 12345, 100000000000000000, 100000000000000000 }, 128 },
                  { { 2, 100000000000000000, 1000000000000000000 }, 192 } };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[CLI_NPY_WRITTEN];
        cli_array a = { CLNORM_F32, 3, { 0 }, NULL, 0, false };
        memcpy(a.shape, cases[i].shape, sizeof cases[i].shape);
        ck_assert_uint_eq(cli_npy_format(text, &a), cases[i].size);
        ck_assert_int_eq(text[cases[i].size - 1], '\n');
    }
}
END_TEST

START_TEST(reads_what_it_writes)
{
    static const uint32_t dtypes[] = { CLNORM_F32, CLNORM_F16, CLNORM_BF16, CLNORM_U8, CLNORM_U16,
                                       CLNORM_S8,  0 };
    for (size_t i = 0; i < COUNT(dtypes); i++)
        for (uint32_t ndim = 1; ndim <= CLNORM_MAX_DIMS; ndim++) {
            char text[CLI_NPY_WRITTEN];
            cli_npy h;
            const cli_array a = { dtypes[i], ndim, { 1234567, 1, 0, 65536, 2, 3 }, NULL, 0, false };
            const size_t size = cli_npy_format(text, &a);
            ck_assert_uint_eq(size % 64, 0);
            ck_assert_msg(cli_npy_parse(&h, (unsigned char *)text, size, dtypes[i] == CLNORM_BF16), "%s",
                          h.why);
            ck_assert_uint_eq(h.dtype, a.dtype);
            ck_assert_uint_eq(h.ndim, ndim);
            ck_assert_mem_eq(h.shape, a.shape, ndim * sizeof *a.shape);
        }
}
END_TEST

/* ---- damage ------------------------------------------------------------------------------------ */

START_TEST(damaged_headers)
{
    uint64_t state = files_seed();
    unsigned char bytes[256];
    for (size_t i = 0; i < 2000; i++) {
        size_t size = files_npy_text(bytes, good[i % COUNT(good)].text);
        unsigned char *const copy = files_damage(&state, bytes, &size);
        cli_npy h;
        if (!cli_npy_parse(&h, copy, size, false))
            ck_assert_uint_gt(strlen(h.why), 0);
        else
            ck_assert_uint_le(h.data_offset, size);
        free(copy);
    }
}
END_TEST

int main(void)
{
    TCase *const c = SUITE_CASE(refuses_prefixes, refuses_nul, bf16_is_u2_when_asked, writes_as_numpy,
                                aligns_as_numpy, reads_what_it_writes, damaged_headers);
    tcase_add_loop_test(c, accepts, 0, (int)COUNT(good));
    tcase_add_loop_test(c, refuses, 0, (int)COUNT(bad));
    return files_run(suite_of("npy", c));
}

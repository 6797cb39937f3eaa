/* output_case.c -- see output_case.h. */
#define _XOPEN_SOURCE 700
#include "output_case.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static float values[] = { 1, 2, 3, 4, 5, 6 };
const cli_array output_array = { CLNORM_F32, 2, { 2, 3 }, values, sizeof values, false };

void output_enter(const char *folder)
{
    ck_assert_int_eq(mkdir(folder, 0777), 0);
    ck_assert_int_eq(chdir(folder), 0);
}

void output_check(const char *name)
{
    size_t size;
    unsigned char *const bytes = files_read(name, &size);
    ck_assert_uint_eq(size, OUTPUT_FILE);
    ck_assert_mem_eq(
        bytes, "\x93NUMPY\x01\x00\x76\x00{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", 67);
    ck_assert_mem_eq(bytes + 128, values, sizeof values);
    free(bytes);
}

void output_check_old(const char *name)
{
    size_t size;
    unsigned char *const bytes = files_read(name, &size);
    ck_assert_uint_eq(size, 3);
    ck_assert_mem_eq(bytes, "old", 3);
    free(bytes);
}

void output_write(const char *name, const char *input)
{
    cli_output *o;
    FILES_EXPECT(cli_output_open(&o, name, input), EXIT_OK, NULL);
    FILES_EXPECT(cli_output_npy(o, &output_array), EXIT_OK, NULL);
    FILES_EXPECT(cli_output_commit(o), EXIT_OK, NULL);
}

/* test_program_cache.c -- programs across tables: saved when used, loaded next time, rebuilt when in doubt.
 */
#define _XOPEN_SOURCE 700
#include "program_case.h"

#include <dirent.h>

/* Path of the one file in the cache. */
static void only_file(char *path)
{
    int n = 0;
    DIR *listing = opendir(root);
    ck_assert_ptr_nonnull(listing);
    for (struct dirent *e; (e = readdir(listing)) != NULL;)
        if (e->d_name[0] != '.') {
            ck_assert_int_lt(snprintf(path, SCRATCH_PATH, "%s/%.80s", root, e->d_name), SCRATCH_PATH);
            n++;
        }
    closedir(listing);
    ck_assert_int_eq(n, 1);
}

static void fill_cache(void)
{
    cln_programs *p = open_table(root, NULL);
    const cl_program program = get(p, unit, OPTIONS);
    ck_assert_int_eq(answer(program), 42);
    cln_programs_used(p, program);
    cln_programs_save(p);
    counts(p, 1, 0, 0, 1);
    cln_programs_release(p);
}

START_TEST(saves_what_was_used_once)
{
    char path[SCRATCH_PATH];
    cln_programs *p = open_table(root, NULL);
    const cl_program program = get(p, unit, OPTIONS);
    get(p, unit, "-DANSWER=43");
    cln_programs_save(p);
    counts(p, 2, 0, 0, 0);
    ck_assert_int_eq(answer(program), 42);
    cln_programs_used(p, program);
    cln_programs_save(p);
    cln_programs_save(p);
    counts(p, 2, 0, 0, 1);
    only_file(path);
    SAYS(said, "built a program");
    SAYS(said, "saved a binary");
    cln_programs_release(p);
}
END_TEST

START_TEST(no_cache_no_file)
{
    cln_programs *p = open_table("", NULL);
    const cl_program program = get(p, unit, OPTIONS);
    cln_programs_used(p, program);
    cln_programs_save(p);
    counts(p, 1, 0, 0, 0);
    cln_programs_release(p);
}
END_TEST

START_TEST(loads_next_time)
{
    fill_cache();
    cln_programs *p = open_table(root, NULL);
    const cl_program program = get(p, unit, OPTIONS);
    counts(p, 0, 1, 0, 0);
    ck_assert_int_eq(answer(program), 42);
    SAYS(said, "loaded a program");
    cln_programs_used(p, program);
    cln_programs_save(p); /* it is there already */
    counts(p, 0, 1, 0, 0);
    cln_programs_release(p);
}
END_TEST

/* One that is there by itself is loaded, and leaves the unit; a unit is kept as one. */
START_TEST(wanted_and_cached)
{
    static const char other[] = "kernel void other(global int *y) { y[get_global_id(0)] = 1; }\n",
                      last[] = "kernel void last(global int *y) { y[get_global_id(0)] = 2; }\n";
    fill_cache();
    for (uint32_t time = 0; time < 2; time++) {
        cln_programs *p = open_table(root, NULL);
        want(p, other, OPTIONS);
        want(p, unit, OPTIONS);
        want(p, last, OPTIONS);
        counts(p, 0, 1, 0, 0);
        ck_assert_int_eq(answer(get(p, unit, OPTIONS)), 42);
        const cl_program program = get(p, last, OPTIONS);
        ck_assert_ptr_eq(get(p, other, OPTIONS), program);
        ck_assert_ptr_ne(get(p, unit, OPTIONS), program);
        cln_programs_used(p, program);
        cln_programs_save(p);
        counts(p, !time, 1 + time, 0, !time);
        cln_programs_release(p);
    }
}
END_TEST

/* Any part of the key that differs is a miss; nobody's fault. */
START_TEST(the_key_tells_apart)
{
    const cln_device here = device;
    fill_cache();
    cln_programs *p = open_table(root, NULL);
    ck_assert_int_eq(answer(get(p, unit, OPTIONS " -DX")), 42);
    get(p, "kernel void answer(global int *y) { *y = 7; }", OPTIONS);
    counts(p, 2, 0, 0, 0);
    cln_programs_release(p);
    char *const parts[] = { device.name, device.driver, device.platform_name, device.platform_version };
    for (size_t i = 0; i < CLN_COUNT(parts); i++) {
        parts[i][0] ^= 1;
        p = open_table(root, NULL);
        get(p, unit, OPTIONS);
        counts(p, 1, 0, 0, 0);
        cln_programs_release(p);
        device = here;
    }
}
END_TEST

/* The next table refuses what lies in the cache, builds from source and puts a good file there. */
static void is_rebuilt(void)
{
    cln_programs *p = open_table(root, NULL);
    const cl_program program = get(p, unit, OPTIONS);
    counts(p, 1, 0, 1, 0);
    ck_assert_int_eq(answer(program), 42);
    SAYS(said, "refused");
    cln_programs_used(p, program);
    cln_programs_save(p);
    counts(p, 1, 0, 1, 1);
    cln_programs_release(p);
    p = open_table(root, NULL);
    get(p, unit, OPTIONS);
    counts(p, 0, 1, 0, 0);
    cln_programs_release(p);
}

START_TEST(damaged_file_is_rebuilt)
{
    char path[SCRATCH_PATH];
    size_t bytes;
    fill_cache();
    only_file(path);
    unsigned char *file = scratch_read(path, &bytes);
    file[bytes / 2] ^= 1;
    scratch_write(path, file, bytes);
    free(file);
    is_rebuilt();
}
END_TEST

/* A whole file, of which the driver does not know the binary. The key is the text behind the header. */
START_TEST(binary_that_the_driver_refuses)
{
    static const unsigned char junk[] = "this is not a binary of any driver";
    char path[SCRATCH_PATH];
    size_t bytes;
    uint32_t key_bytes;
    fill_cache();
    only_file(path);
    unsigned char *file = scratch_read(path, &bytes);
    memcpy(&key_bytes, file + 28, sizeof key_bytes);
    file[40 + key_bytes] = '\0';
    ck_assert(cln_cache_save(root, (const char *)file + 40, junk, sizeof junk));
    free(file);
    is_rebuilt();
}
END_TEST

int main(void)
{
    TCase *t = SUITE_CASE(saves_what_was_used_once, no_cache_no_file, loads_next_time, wanted_and_cached,
                          the_key_tells_apart, damaged_file_is_rebuilt, binary_that_the_driver_refuses);
    tcase_add_checked_fixture(t, setup, teardown);
    return run_with_device(suite_of("program_cache", t));
}

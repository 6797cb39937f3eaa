/* test_tuning.c -- the table of tuned classes, and its file. */
#define _XOPEN_SOURCE 700
#include "tuning_case.h"

#include <sys/stat.h>
#include <unistd.h>

static cln_device a_device(void)
{
    cln_device d;
    memset(&d, 0, sizeof d);
    d.units = 1;
    d.type = CL_DEVICE_TYPE_CPU;
    d.max_wg = 4096;
    snprintf(d.name, sizeof d.name, "Some CPU");
    snprintf(d.driver, sizeof d.driver, "1.2");
    return d;
}

/* Names that begin with x are wrong. Whatever was read, a solver's name ends. */
static const char *fault_of(const char *name, const cln_tuned *tuned, const cln_device *device)
{
    (void)device;
    ck_assert(!tuned || memchr(tuned->solver, 0, sizeof tuned->solver));
    return name[0] == 'x' ? "x is wrong" : tuned ? cln_tuned_check(tuned, device) : NULL;
}

static const cln_tuned rows_8 = { "rows", 1, 16, 8, true }, slab_2 = { "slab", 1, 16, 2, false };

START_TEST(what_is_set_is_found)
{
    const cln_device d = a_device();
    cln_tuning *t;
    cln_tuned got;
    OK(cln_tuning_create(&t, &d, fault_of));
    ck_assert(!cln_tuning_find(t, "a", &got));
    OK(cln_tuning_set(t, "a", &rows_8));
    OK(cln_tuning_set(t, "b", &slab_2));
    ck_assert(cln_tuning_find(t, "a", &got) && same(&got, &rows_8));
    OK(cln_tuning_set(t, "a", &slab_2));
    ck_assert(cln_tuning_find(t, "a", &got) && same(&got, &slab_2));
    for (int k = 0; k < 100; k++) {
        char name[16];
        snprintf(name, sizeof name, "n%d", k);
        OK(cln_tuning_set(t, name, &rows_8));
    }
    ck_assert(cln_tuning_find(t, "n77", &got) && cln_tuning_find(t, "b", &got) && same(&got, &slab_2));
    cln_tuning_release(t);
}
END_TEST

START_TEST(a_file_holds_what_is_saved)
{
    const cln_tuned estimate = { .solver = CLN_ESTIMATE };
    const cln_device d = a_device();
    cln_tuning *t, *u;
    cln_tuned got;
    char path[SCRATCH_PATH];
    bool absent;
    scratch_path(path, root, "tuning.txt");
    OK(cln_tuning_create(&t, &d, fault_of));
    OK(cln_tuning_create(&u, &d, fault_of));
    ck_assert_int_eq(cln_tuning_load(u, path, &absent), CLNORM_EIO);
    ck_assert(absent);
    OK(cln_tuning_set(t, "a b 2^3", &rows_8));
    OK(cln_tuning_set(t, "c", &slab_2));
    OK(cln_tuning_set(t, "d", &estimate));
    OK(cln_tuning_save(t, path));
    OK(cln_tuning_load(u, path, &absent));
    ck_assert(cln_tuning_find(u, "a b 2^3", &got) && same(&got, &rows_8));
    ck_assert(cln_tuning_find(u, "c", &got) && same(&got, &slab_2));
    ck_assert(cln_tuning_find(u, "d", &got) && !strcmp(got.solver, CLN_ESTIMATE));
    cln_tuning_release(t);
    cln_tuning_release(u);
}
END_TEST

START_TEST(a_link_stays_one)
{
    const cln_device d = a_device();
    char path[SCRATCH_PATH], link[SCRATCH_PATH];
    struct stat is;
    cln_tuning *t;
    cln_tuned got;
    bool absent;
    scratch_path(path, root, "real.txt");
    ck_assert_int_eq(symlink("real.txt", scratch_path(link, root, "link.txt")), 0);
    for (int again = 0; again < 2; again++) { /* it leads nowhere at first */
        OK(cln_tuning_create(&t, &d, fault_of));
        OK(cln_tuning_set(t, "a", again ? &slab_2 : &rows_8));
        OK(cln_tuning_save(t, link));
        ck_assert(lstat(link, &is) == 0 && S_ISLNK(is.st_mode));
        OK(cln_tuning_load(t, path, &absent));
        ck_assert(cln_tuning_find(t, "a", &got) && same(&got, again ? &slab_2 : &rows_8));
        ck_assert(stat(path, &is) == 0 && (!again || (is.st_mode & 0777) == 0600) && chmod(path, 0600) == 0);
        cln_tuning_release(t);
    }
}
END_TEST

static const char others[] = "clnorm tuning 1\n# a comment\ndevice Other, driver 9\nx y: anything at all\n\n"
                             "device Some CPU, driver 1.2\na: rows wg 1 vec 16 busy 8 wide 1\n"
                             "device Some CPU, driver 1.3\na: slab wg 1 vec 16 busy 4 wide 0\n"
                             "device Some CPU\nb: slab wg 1 vec 16 busy 4 wide 0\n"
                             "device Some\na: nothing of ours\n";

START_TEST(other_devices_keep_theirs)
{
    const cln_device d = a_device();
    cln_tuning *t;
    cln_tuned got;
    char path[SCRATCH_PATH];
    size_t bytes;
    bool absent;
    scratch_path(path, root, "tuning.txt");
    scratch_write(path, others, strlen(others));
    OK(cln_tuning_create(&t, &d, fault_of));
    OK(cln_tuning_load(t, path, &absent));
    ck_assert(cln_tuning_find(t, "a", &got) && same(&got, &rows_8));
    ck_assert(cln_tuning_find(t, "b", &got) && got.busy == 4);
    OK(cln_tuning_set(t, "a", &slab_2));
    OK(cln_tuning_save(t, path));
    char *const text = (char *)scratch_read(path, &bytes);
    ck_assert_str_eq(text, "clnorm tuning 1\n# a comment\ndevice Other, driver 9\nx y: anything at all\n"
                           "device Some CPU, driver 1.3\na: slab wg 1 vec 16 busy 4 wide 0\n"
                           "device Some CPU\nb: slab wg 1 vec 16 busy 4 wide 0\n"
                           "device Some\na: nothing of ours\n"
                           "device Some CPU, driver 1.2\na: slab wg 1 vec 16 busy 2 wide 0\n"
                           "b: slab wg 1 vec 16 busy 4 wide 0\n");
    free(text);
    cln_tuning_release(t);
}
END_TEST

/* A device has nothing of another one, with whose whole name its own begins. */
START_TEST(names_that_begin_alike)
{
    cln_device d = a_device();
    cln_tuning *t;
    cln_tuned got;
    char path[SCRATCH_PATH];
    bool absent;
    snprintf(d.name, sizeof d.name, "Some CPU, Rev 2");
    scratch_path(path, root, "tuning.txt");
    scratch_write(path, others, strlen(others));
    OK(cln_tuning_create(&t, &d, fault_of));
    OK(cln_tuning_load(t, path, &absent));
    ck_assert(!cln_tuning_find(t, "a", &got) && !cln_tuning_find(t, "b", &got));
    cln_tuning_release(t);
}
END_TEST

/* A file that is longer than those of long_names. */
static void load_long_line(const cln_device *d)
{
    char text[1024] = "clnorm tuning 1\ndevice Other, driver 1\n", path[SCRATCH_PATH];
    cln_tuning *t;
    bool absent;
    memset(text + strlen(text), 'z', 900);
    scratch_write(scratch_path(path, root, "tuning.txt"), text, strlen(text));
    OK(cln_tuning_create(&t, d, fault_of));
    OK(cln_tuning_load(t, path, &absent));
    cln_tuning_release(t);
}

/* As long as there is room for, and by one character too long; the files end without a newline. */
START_TEST(long_names)
{
    const cln_device d = a_device();
    for (int k = 0; k < 2; k++) /* so that memory which is handed out again has something behind the file */
        load_long_line(&d);
    for (size_t length = CLN_CLASS_ROOM - 1; length <= CLN_CLASS_ROOM; length++) {
        char name[CLN_CLASS_ROOM + 1] = "", text[256], path[SCRATCH_PATH];
        cln_tuning *t;
        cln_tuned got;
        bool absent;
        memset(name, 'n', length);
        snprintf(text, sizeof text,
                 "clnorm tuning 1\ndevice Some CPU, driver 1.2\n%s: rows wg 1 vec 16 busy 8 wide 1", name);
        scratch_write(scratch_path(path, root, "tuning.txt"), text, strlen(text));
        OK(cln_tuning_create(&t, &d, fault_of));
        const clnorm_status st = cln_tuning_load(t, path, &absent);
        if (length < CLN_CLASS_ROOM) {
            ck_assert_msg(st == CLNORM_OK, "%s", clnorm_last_error(NULL));
            ck_assert(cln_tuning_find(t, name, &got) && same(&got, &rows_8));
        } else {
            ck_assert_int_eq(st, CLNORM_EIO);
            SAYS("a class, a colon and a solver are expected");
        }
        cln_tuning_release(t);
    }
}
END_TEST

/* Whatever a driver calls its device, that is one line of ASCII. */
START_TEST(strange_names)
{
    cln_device d = a_device();
    cln_tuning *t, *u;
    cln_tuned got;
    char path[SCRATCH_PATH];
    size_t bytes;
    bool absent;
    snprintf(d.name, sizeof d.name, "Some\nCPU\xc2\xae");
    scratch_path(path, root, "tuning.txt");
    OK(cln_tuning_create(&t, &d, fault_of));
    OK(cln_tuning_set(t, "a", &rows_8));
    OK(cln_tuning_save(t, path));
    char *const text = (char *)scratch_read(path, &bytes);
    ck_assert_str_eq(text,
                     "clnorm tuning 1\ndevice Some?CPU\?\?, driver 1.2\na: rows wg 1 vec 16 busy 8 wide 1\n");
    free(text);
    OK(cln_tuning_create(&u, &d, fault_of));
    OK(cln_tuning_load(u, path, &absent));
    ck_assert(cln_tuning_find(u, "a", &got) && same(&got, &rows_8));
    cln_tuning_release(t);
    cln_tuning_release(u);
}
END_TEST

/* What stands behind the first two lines; the sentence. */
static const struct {
    const char *lines, *says;
} bad[] = {
    { "a rows", "line 3: a class, a colon and a solver are expected" },
    { "# fine\n: rows wg 1 vec 16 busy 8 wide 1", "line 4: a class, a colon" },
    { "a:rows wg 1 vec 16 busy 8 wide 1", "a class, a colon" },
    { "a: ", "there is no such solver" },
    { "a: diagonal wg 1 vec 16 busy 8 wide 1", "there is no such solver" },
    { "a: abcdefghijklmnopq wg 1 vec 16 busy 8 wide 1", "there is no such solver" },
    { "a: abcdefghijklmnop wg 1 vec 16 busy 8 wide 1", "there is no such solver" },
    { "a: rows wg 1 vec 16 busy 8", "\"wg N vec N busy N wide N\" is expected" },
    { "a: rows wg 1 vec 16 busy 8 wide 1 more", "is expected" },
    { "a: rows wg 1  vec 16 busy 8 wide 1", "is expected" },
    { "a: rows wg=1 vec 16 busy 8 wide 1", "is expected" },
    { "a: rows wg 1 vec 16 busy 8 wide ", "is expected" },
    { "a: rows wg -1 vec 16 busy 8 wide 1", "is expected" },
    { "a: rows wg 1 vec 16 busy nan wide 1", "is expected" },
    { "a: rows wg 1 vec 16 busy 8 wide 2", "is expected" },
    { "a: rows wg 2147483648 vec 16 busy 8 wide 1", "is expected" },
    { "a: rows wg 18446744073709551617 vec 16 busy 8 wide 1", "is expected" },
    { "a: rows wg 99999999999999999999999 vec 16 busy 8 wide 1", "is expected" },
    { "a: rows wg 1 vec 16 busy 0 wide 1", "busy is 0; 1 to 4096 is allowed" },
    { "a: rows wg 0 vec 16 busy 8 wide 1", "no device of this type runs that work-group" },
    { "a: rows wg 3 vec 16 busy 8 wide 1", "no device of this type runs that work-group" },
    { "a: estimate wg 1", "nothing is expected behind" },
    { "x: rows wg 1 vec 16 busy 8 wide 1", "x is wrong" },
    { "x: estimate", "x is wrong" },
    { "a: rows wg 1 vec 16 busy 8 wide 1\r", "is expected" },
};

START_TEST(bad_lines_are_named)
{
    const cln_device d = a_device();
    cln_tuning *t;
    cln_tuned got;
    char path[SCRATCH_PATH], text[512];
    size_t bytes;
    bool absent;
    scratch_path(path, root, "tuning.txt");
    OK(cln_tuning_create(&t, &d, fault_of));
    OK(cln_tuning_set(t, "a", &slab_2));
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        snprintf(text, sizeof text, "clnorm tuning 1\ndevice Some CPU, driver 1.2\n%s\n", bad[k].lines);
        scratch_write(path, text, strlen(text));
        ck_assert_msg(cln_tuning_load(t, path, &absent) == CLNORM_EIO, "taken: %s", bad[k].lines);
        SAYS(bad[k].says);
        SAYS(path);
        ck_assert(cln_tuning_find(t, "a", &got) && same(&got, &slab_2));
        ck_assert_int_eq(cln_tuning_save(t, path), CLNORM_EIO); /* nor is it written over */
        char *const left = (char *)scratch_read(path, &bytes);
        ck_assert_str_eq(left, text);
        free(left);
    }
    cln_tuning_release(t);
}
END_TEST

static void refuse(cln_tuning *t, const char *path, const char *says)
{
    bool absent;
    ck_assert_int_eq(cln_tuning_load(t, path, &absent), CLNORM_EIO);
    ck_assert(!absent);
    SAYS(says);
    ck_assert_int_eq(cln_tuning_save(t, path), CLNORM_EIO);
}

START_TEST(what_is_no_such_file)
{
    static const char wide[] = "c\0l\0n\0o\0r\0m\0"; /* UTF-16 */
    static const char alone[] = "clnorm tuning 1\na: rows wg 1 vec 16 busy 8 wide 1\n";
    static const char late[] = "clnorm tuning 1\ndevice Other, driver 1\nb: \0\n";
    const cln_device d = a_device();
    cln_tuning *t;
    char path[SCRATCH_PATH], below[SCRATCH_PATH];
    bool absent;
    const size_t huge = ((size_t)4 << 20) + 1;
    char *const spaces = (char *)malloc(huge);
    OK(cln_tuning_create(&t, &d, fault_of));
    scratch_path(path, root, "tuning.txt");
    scratch_write(path, "", 0);
    refuse(t, path, "line 1: \"clnorm tuning 1\" is expected there");
    scratch_write(path, "clnorm tuning 2\n", 16);
    refuse(t, path, "line 1: \"clnorm tuning 1\" is expected there");
    scratch_write(path, wide, sizeof wide);
    refuse(t, path, "is not text");
    scratch_write(path, late, sizeof late);
    refuse(t, path, "is not text");
    scratch_write(path, alone, strlen(alone));
    refuse(t, path, "line 2: a line \"device NAME, driver VERSION\" is expected");
    ck_assert_ptr_nonnull(spaces);
    memset(spaces, '\n', huge);
    scratch_write(path, spaces, huge);
    refuse(t, path, "is larger than");
    memset(spaces, '#', huge);
    memcpy(spaces, "clnorm tuning 1\n", 16);
    scratch_write(path, spaces, huge - 1);
    OK(cln_tuning_load(t, path, &absent));
    refuse(t, scratch_path(below, root, "tuning.txt/below"), "cannot be read");
    refuse(t, root, "is no regular file");
    refuse(t, "/dev/null", "is no regular file");
    if (access("/proc/self/mem", R_OK) == 0) /* regular, and nothing is at address 0 */
        refuse(t, "/proc/self/mem", "cannot be read");
    ck_assert_int_eq(cln_tuning_save(t, "/nowhere/at/all.txt"), CLNORM_EIO);
    SAYS("cannot be written");
    free(spaces);
    cln_tuning_release(t);
}
END_TEST

START_TEST(no_more_than_4096_classes)
{
    const cln_device d = a_device();
    cln_tuning *t;
    char name[16];
    OK(cln_tuning_create(&t, &d, fault_of));
    for (int k = 0; k < 4096; k++) {
        snprintf(name, sizeof name, "%d", k);
        if (cln_tuning_set(t, name, &rows_8) != CLNORM_OK)
            ck_abort_msg("%d: %s", k, clnorm_last_error(NULL));
    }
    ck_assert_int_eq(cln_tuning_set(t, "one more", &rows_8), CLNORM_ENOMEM);
    OK(cln_tuning_set(t, "17", &slab_2));
    cln_tuning_release(t);
}
END_TEST

/* Nor from a file. */
START_TEST(no_file_of_more_than_4096_classes)
{
    const cln_device d = a_device();
    cln_tuning *t;
    char path[SCRATCH_PATH];
    bool absent;
    FILE *const file = fopen(scratch_path(path, root, "tuning.txt"), "w");
    ck_assert_ptr_nonnull(file);
    fprintf(file, "clnorm tuning 1\ndevice Some CPU, driver 1.2\n");
    for (int k = 0; k <= 4096; k++)
        fprintf(file, "%d: rows wg 1 vec 16 busy 8 wide 1\n", k);
    ck_assert_int_eq(fclose(file), 0);
    OK(cln_tuning_create(&t, &d, fault_of));
    ck_assert_int_eq(cln_tuning_load(t, path, &absent), CLNORM_EIO);
    SAYS("line 4099: there is no room for it, or more than 4096 of the device");
    cln_tuning_release(t);
}
END_TEST

/* Every class that the library ships is one that contexts of its device accept. */
START_TEST(shipped_classes_are_taken)
{
    for (size_t k = 0; cln_tuned_shipped[k]; k++) {
        cln_device d = a_device();
        cln_tuning *t;
        cln_tuned got;
        if (strncmp(cln_tuned_shipped[k], "device ", 7) != 0)
            continue;
        snprintf(d.name, sizeof d.name, "%s", cln_tuned_shipped[k] + 7);
        d.type = CL_DEVICE_TYPE_GPU;
        OK(cln_tuning_create(&t, &d, fault_of));
        for (size_t i = k + 1; cln_tuned_shipped[i] && strncmp(cln_tuned_shipped[i], "device ", 7) != 0;
             i++) {
            char name[CLN_CLASS_ROOM];
            snprintf(name, sizeof name, "%.*s", (int)strcspn(cln_tuned_shipped[i], ":"),
                     cln_tuned_shipped[i]);
            ck_assert_msg(cln_tuning_find(t, name, &got), "%s", name);
        }
        cln_tuning_release(t);
    }
}
END_TEST

static Suite *suite(void)
{
    TCase *t = SUITE_CASE(what_is_set_is_found, a_file_holds_what_is_saved, a_link_stays_one,
                          other_devices_keep_theirs, strange_names, names_that_begin_alike, long_names,
                          bad_lines_are_named, what_is_no_such_file, no_more_than_4096_classes,
                          no_file_of_more_than_4096_classes, shipped_classes_are_taken);
    tcase_add_checked_fixture(t, setup, teardown);
    return suite_of("tuning", t);
}
SUITE_MAIN(suite)

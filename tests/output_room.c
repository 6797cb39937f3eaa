/* output_room.c -- outputs that find no room: on a disk, in a picture, among the temporaries, in a path. */
#define _GNU_SOURCE /* unshare, for a small disk */
#include "output_case.h"

#include "cli/temporary.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MANY = 1 << 20 };

static void fill_up(const char *why)
{
    static float many[MANY];
    const cli_array large = { CLNORM_F32, 1, { MANY }, many, sizeof many, false };
    cli_output *o;
    FILES_EXPECT(cli_output_open(&o, "y.npy", NULL), EXIT_OK, NULL);
    FILES_EXPECT(cli_output_npy(o, &large), EXIT_INPUT, why);
    cli_output_abandon(o);
    /* Pixels that do not compress. */
    uint64_t state = 1;
    for (size_t i = 0; i < COUNT(many); i++)
        many[i] = (float)files_random(&state);
    FILES_EXPECT(cli_output_open(&o, "y.png", NULL), EXIT_OK, NULL);
    FILES_EXPECT(cli_output_png(o, many, 512, 512, 4), EXIT_INPUT, why);
    cli_output_abandon(o);
    ck_assert_int_eq(files_count("."), 0);
}

START_TEST(small_disk) /* 49 */
{
    ck_assert_int_eq(mkdir("disk", 0777), 0);
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("tmpfs", "disk", "tmpfs", 0, "size=64k") != 0) {
        puts("skipped: only root may mount a small disk");
        return;
    }
    ck_assert_int_eq(chdir("disk"), 0);
    fill_up("No space left on device");
    ck_assert_int_eq(chdir(".."), 0);
}
END_TEST

START_TEST(small_limit) /* 64: ulimit -f, whose signal the command ignores */
{
    struct rlimit limit;
    output_enter("limit");
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = 1 << 16;
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    fill_up("File too large");
}
END_TEST

START_TEST(full_device) /* 49 */
{
    cli_output *o;
    FILES_EXPECT(cli_output_open(&o, "/dev/full", NULL), EXIT_OK, NULL);
    FILES_EXPECT(cli_output_npy(o, &output_array), EXIT_OK, NULL);
    FILES_EXPECT(cli_output_commit(o), EXIT_INPUT, "/dev/full cannot be written: No space left on device");
    output_write("/dev/null", "/dev/null");
}
END_TEST

START_TEST(sizes_of_pictures)
{
    static const int64_t sizes[][2] = {
        { 0, 4 }, { 4, 0 }, { (int64_t)INT32_MAX + 1, 1 }, { 1, (int64_t)INT32_MAX + 1 }
    };
    cli_output *o;
    output_enter("sizes");
    for (size_t i = 0; i < COUNT(sizes); i++) {
        FILES_EXPECT(cli_output_open(&o, "y.png", NULL), EXIT_OK, NULL);
        FILES_EXPECT(cli_output_png(o, output_array.data, sizes[i][0], sizes[i][1], 1), EXIT_INPUT,
                     "a PNG picture has 1 to 2147483647 each way");
        cli_output_abandon(o);
    }
    ck_assert_int_eq(files_count("."), 0);
}
END_TEST

static void open_all(cli_output *o[CLI_TEMPORARIES])
{
    char name[32];
    for (size_t i = 0; i < CLI_TEMPORARIES; i++) {
        snprintf(name, sizeof name, "%zu.npy", i);
        FILES_EXPECT(cli_output_open(&o[i], name, NULL), EXIT_OK, NULL);
    }
}

/* As many as there are names for, and one more. Without a name for what was there before, that is replaced all the same. */
START_TEST(too_many_at_once)
{
    cli_output *o[CLI_TEMPORARIES], *more;
    output_enter("many");
    files_write("0.npy", "old", 3);
    open_all(o);
    FILES_EXPECT(cli_output_open(&more, "more.npy", NULL), EXIT_INPUT,
                 "more.npy cannot be written: Too many open files");
    ck_assert_ptr_null(more);
    FILES_EXPECT(cli_output_npy(o[0], &output_array), EXIT_OK, NULL);
    FILES_EXPECT(cli_output_commit(o[0]), EXIT_OK, NULL);
    output_check("0.npy");
    for (size_t i = 1; i < COUNT(o); i++)
        cli_output_abandon(o[i]);
    ck_assert_int_eq(files_count("."), 1);
    output_write("more.npy", NULL); /* all names are free again */
}
END_TEST

/* What cannot be taken back stays, rather than nothing. */
START_TEST(no_way_back)
{
    cli_output *o[CLI_TEMPORARIES];
    output_enter("no_way_back");
    files_write("0.npy", "old", 3);
    open_all(o);
    for (size_t i = 0; i < 2; i++)
        FILES_EXPECT(cli_output_npy(o[i], &output_array), EXIT_OK, NULL);
    ck_assert_int_eq(mkdir("1.npy", 0777), 0);
    FILES_EXPECT(cli_output_commit_all(o, 2), EXIT_INPUT, "1.npy cannot be written");
    output_check("0.npy");
    for (size_t i = 2; i < COUNT(o); i++)
        cli_output_abandon(o[i]);
    ck_assert_int_eq(files_count("."), 2);
}
END_TEST

/* A name that is short enough, beside which there is none for a temporary. */
START_TEST(path_too_long)
{
    char path[4096] = "";
    size_t used = 0;
    cli_output *o;
    output_enter("long");
    for (int i = 0; i < 16; i++) {
        used += (size_t)snprintf(path + used, sizeof path - used, "%0250d", i);
        ck_assert_int_eq(mkdir(path, 0777), 0);
        path[used++] = '/';
    }
    snprintf(path + used, sizeof path - used, "%070d.npy", 0);
    FILES_EXPECT(cli_output_open(&o, path, NULL), EXIT_INPUT, "File name too long");
    ck_assert_ptr_null(o);
}
END_TEST

void output_room(TCase *t)
{
    SUITE_ADD(t, small_disk, small_limit, full_device, sizes_of_pictures, too_many_at_once, no_way_back,
              path_too_long);
}

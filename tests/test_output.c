/* test_output.c -- outputs appear together or not at all. */
#define _XOPEN_SOURCE 700
#include "output_case.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

START_TEST(appears_at_commit)
{
    cli_output *o;
    struct stat info;
    output_enter("appears");
    umask(027);
    files_write("y.npy", "old", 3);
    FILES_EXPECT(cli_output_open(&o, "y.npy", NULL), EXIT_OK, NULL);
    FILES_EXPECT(cli_output_npy(o, &output_array), EXIT_OK, NULL);
    ck_assert_int_eq(stat("y.npy", &info), 0);
    ck_assert_int_eq(info.st_size, 3);
    ck_assert_int_eq(files_count("."), 2);
    FILES_EXPECT(cli_output_commit(o), EXIT_OK, NULL);
    output_check("y.npy");
    ck_assert_int_eq(files_count("."), 1);
    ck_assert_int_eq(stat("y.npy", &info), 0);
    ck_assert_uint_eq(info.st_mode & 0777, 0640);
}
END_TEST

START_TEST(keeps_the_mode)
{
    static const mode_t modes[] = { 0600, 0640, 0666, 0755 };
    struct stat info;
    output_enter("keeps_the_mode");
    umask(022);
    for (size_t i = 0; i < COUNT(modes); i++) {
        files_write("y.npy", "old", 3);
        ck_assert_int_eq(chmod("y.npy", modes[i]), 0);
        output_write("y.npy", NULL);
        output_check("y.npy");
        ck_assert_int_eq(stat("y.npy", &info), 0);
        ck_assert_uint_eq(info.st_mode & 07777, modes[i]);
    }
    output_write("new.npy", NULL);
    ck_assert_int_eq(stat("new.npy", &info), 0);
    ck_assert_uint_eq(info.st_mode & 07777, 0644);
}
END_TEST

/* The third meets a folder that was not there before: the first two are as they were. */
START_TEST(all_or_none)
{
    static const char *const names[] = { "old.npy", "new.npy", "folder.npy" };
    cli_output *o[COUNT(names)];
    output_enter("all_or_none");
    files_write("old.npy", "old", 3);
    for (size_t i = 0; i < COUNT(names); i++) {
        FILES_EXPECT(cli_output_open(&o[i], names[i], NULL), EXIT_OK, NULL);
        FILES_EXPECT(cli_output_npy(o[i], &output_array), EXIT_OK, NULL);
    }
    ck_assert_int_eq(mkdir("folder.npy", 0777), 0);
    FILES_EXPECT(cli_output_commit_all(o, COUNT(names)), EXIT_INPUT, "folder.npy cannot be written");
    output_check_old("old.npy");
    ck_assert_int_eq(files_count("."), 2);
    FILES_EXPECT(cli_output_open(&o[0], "old.npy", NULL), EXIT_OK, NULL);
    FILES_EXPECT(cli_output_open(&o[1], "new.npy", NULL), EXIT_OK, NULL);
    for (size_t i = 0; i < 2; i++)
        FILES_EXPECT(cli_output_npy(o[i], &output_array), EXIT_OK, NULL);
    FILES_EXPECT(cli_output_commit_all(o, 2), EXIT_OK, NULL);
    output_check("old.npy");
    output_check("new.npy");
    ck_assert_int_eq(files_count("."), 3);
}
END_TEST

/* Those behind the one that fails are not touched, those before it have their own back. */
START_TEST(whichever_fails)
{
    static const char *const orders[][3] = { { "folder.npy", "a.npy", "z.npy" },
                                             { "a.npy", "folder.npy", "z.npy" },
                                             { "a.npy", "z.npy", "folder.npy" } };
    output_enter("whichever");
    files_write("a.npy", "old", 3);
    files_write("z.npy", "old", 3);
    for (size_t k = 0; k < COUNT(orders); k++) {
        cli_output *o[COUNT(orders[k])];
        for (size_t i = 0; i < COUNT(o); i++) {
            FILES_EXPECT(cli_output_open(&o[i], orders[k][i], NULL), EXIT_OK, NULL);
            FILES_EXPECT(cli_output_npy(o[i], &output_array), EXIT_OK, NULL);
        }
        ck_assert_int_eq(mkdir("folder.npy", 0777), 0);
        FILES_EXPECT(cli_output_commit_all(o, COUNT(o)), EXIT_INPUT, "folder.npy cannot be written");
        output_check_old("a.npy");
        output_check_old("z.npy");
        ck_assert_int_eq(files_count("."), 3);
        ck_assert_int_eq(rmdir("folder.npy"), 0);
    }
}
END_TEST

START_TEST(abandoned)
{
    cli_output *o[3];
    output_enter("abandoned");
    FILES_EXPECT(cli_output_open(&o[0], "a.npy", NULL), EXIT_OK, NULL);
    FILES_EXPECT(cli_output_open(&o[1], "b.png", NULL), EXIT_OK, NULL);
    FILES_EXPECT(cli_output_open(&o[2], "-", NULL), EXIT_OK, NULL);
    FILES_EXPECT(cli_output_npy(o[0], &output_array), EXIT_OK, NULL);
    ck_assert_int_eq(files_count("."), 2);
    for (size_t i = 0; i < COUNT(o); i++)
        cli_output_abandon(o[i]);
    cli_output_abandon(NULL);
    ck_assert_int_eq(files_count("."), 0);
}
END_TEST

static void stop(int number)
{
    (void)number;
    cli_output_unlink_all();
    _exit(EXIT_SIGNAL);
}

START_TEST(interrupted)
{
    int status = 0;
    output_enter("interrupted");
    files_write("a.npy", "old", 3);
    const pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        cli_output *a, *b;
        signal(SIGTERM, stop);
        if (cli_output_open(&a, "a.npy", NULL) || cli_output_open(&b, "b.npy", NULL) ||
            cli_output_npy(a, &output_array))
            _exit(1);
        raise(SIGTERM);
        _exit(2);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(WEXITSTATUS(status), EXIT_SIGNAL);
    ck_assert_int_eq(files_count("."), 1);
}
END_TEST

int main(void)
{
    TCase *t =
        SUITE_CASE(appears_at_commit, keeps_the_mode, all_or_none, whichever_fails, abandoned, interrupted);
    output_targets(t);
    output_pipes(t);
    output_room(t);
    return files_run(suite_of("output", t));
}

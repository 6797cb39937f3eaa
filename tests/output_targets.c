/* output_targets.c -- where an output may go: names, links, never over the input. */
#define _XOPEN_SOURCE 700
#include "output_case.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

START_TEST(names)
{
    static char longest[4200], long_base[256];
    static const struct {
        const char *name;
        int code;
        const char *why;
    } cases[] = {
        { "y.txt", EXIT_USAGE,
          "OUTPUT y.txt must end in .npy or .png, or be a device, a pipe or - for standard output" },
        { "y", EXIT_USAGE, "must end in" },
        { ".npy", EXIT_USAGE, "must end in" },
        { "notes.txt", EXIT_USAGE, "must end in" }, /* which is there */
        { "", EXIT_USAGE, "must end in" },
        { "missing/y.npy", EXIT_INPUT, "missing/y.npy cannot be written: No such file" },
        { "file/y.npy", EXIT_INPUT, "Not a directory" },
        { "folder.npy", EXIT_INPUT, "folder.npy cannot be written: Is a directory" },
        { "dangling.npy", EXIT_INPUT, "a link to a file that does not exist" },
        { "loop.npy", EXIT_INPUT, "cannot be written" },
        { longest, EXIT_INPUT, "File name too long" },
        { "\x1b[2J", EXIT_USAGE, "OUTPUT \\x1b[2J must" }
    };
    output_enter("names");
    memset(longest, 'x', sizeof longest - 1);
    memcpy(longest + sizeof longest - 5, ".npy", 4);
    ck_assert_int_eq(mkdir("folder.npy", 0777), 0);
    ck_assert_int_eq(symlink("nowhere", "dangling.npy"), 0);
    ck_assert_int_eq(symlink("loop.npy", "loop.npy"), 0);
    files_write("file", "x", 1);
    files_write("notes.txt", "x", 1);
    const int before = files_count(".");
    for (size_t i = 0; i < COUNT(cases); i++) {
        cli_output *o;
        FILES_EXPECT(cli_output_open(&o, cases[i].name, NULL), cases[i].code, cases[i].why);
        ck_assert_ptr_null(o);
    }
    ck_assert_int_eq(files_count("."), before);
    memset(long_base, 'x', 255);
    memcpy(long_base + 251, ".npy", 4);
    output_write(long_base, NULL); /* as long as a name may be: the temporary's is cut */
    output_write("new\nline.npy", NULL);
    output_write("-.npy", NULL);
    output_write("\xff.NPY", NULL);
    ck_assert_int_eq(files_count("."), before + 4);
}
END_TEST

START_TEST(never_over_the_input) /* 50 */
{
    static const char *const same[] = { "x.npy", "./x.npy", "hard.npy", "soft.npy" };
    output_enter("input");
    files_write("x.npy", "old", 3);
    ck_assert_int_eq(link("x.npy", "hard.npy"), 0);
    ck_assert_int_eq(symlink("x.npy", "soft.npy"), 0);
    for (size_t i = 0; i < COUNT(same); i++)
        for (size_t k = 0; k < COUNT(same); k++) {
            cli_output *o;
            FILES_EXPECT(cli_output_open(&o, same[i], same[k]), EXIT_USAGE, "is the same file as INPUT");
        }
    cli_output *o;
    ck_assert_ptr_nonnull(freopen("x.npy", "rb", stdin));
    FILES_EXPECT(cli_output_open(&o, "hard.npy", "-"), EXIT_USAGE, "is the same file as INPUT");
    ck_assert_int_eq(files_count("."), 3);
    output_write("y.npy", "x.npy");
    output_write("y.npy", "missing.npy");
}
END_TEST

/* Names of temporaries that another has given to a file of theirs. */
START_TEST(taken_names)
{
    enum { TAKEN = 64 };
    char name[64];
    struct stat info;
    output_enter("taken");
    files_write("victim", "old", 3);
    for (int i = 0; i < TAKEN; i++) {
        snprintf(name, sizeof name, ".y.npy.clnorm-%ld-%d", (long)getpid(), i);
        ck_assert_int_eq(symlink("victim", name), 0);
    }
    output_write("y.npy", NULL);
    output_check("y.npy");
    output_check_old("victim");
    ck_assert_int_eq(lstat("y.npy", &info), 0);
    ck_assert(S_ISREG(info.st_mode));
    ck_assert_int_eq(files_count("."), TAKEN + 2);
}
END_TEST

START_TEST(through_a_link)
{
    struct stat info;
    output_enter("link");
    ck_assert_int_eq(mkdir("there", 0777), 0);
    files_write("there/y.npy", "old", 3);
    ck_assert_int_eq(symlink("there/y.npy", "soft.npy"), 0);
    output_write("soft.npy", NULL);
    output_check("there/y.npy");
    ck_assert_int_eq(lstat("soft.npy", &info), 0);
    ck_assert(S_ISLNK(info.st_mode));
    ck_assert_int_eq(files_count("there"), 1);
}
END_TEST

static int open_closed(void)
{
    static const char *const targets[] = { "closed/y.npy", "readonly.npy" };
    for (size_t i = 0; i < COUNT(targets); i++) {
        cli_output *o;
        files_listen();
        const int code = cli_output_open(&o, targets[i], NULL);
        if (!strstr(files_heard(), "cannot be written: Permission denied") || code != EXIT_INPUT)
            return 1 + (int)i;
    }
    return 0;
}

START_TEST(read_only) /* 49 */
{
    output_enter("closed_folder");
    ck_assert_int_eq(chmod(".", 0777), 0);
    ck_assert_int_eq(mkdir("closed", 0555), 0);
    files_write("readonly.npy", "old", 3);
    ck_assert_int_eq(chmod("readonly.npy", 0444), 0);
    ck_assert_int_eq(files_as_nobody(open_closed), 0);
}
END_TEST

void output_targets(TCase *t)
{
    SUITE_ADD(t, names, never_over_the_input, taken_names, through_a_link, read_only);
}

/* test_output.c -- outputs appear together or not at all: targets, links, full disks, pipes. */
#define _GNU_SOURCE /* unshare, for a small disk */
#include "cli/temporary.h"
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static float values[] = { 1, 2, 3, 4, 5, 6 };
static const cli_array array = { CLNORM_F32, 2, { 2, 3 }, values, sizeof values, false };
enum { ARRAY_FILE = 128 + sizeof values, MANY = 1 << 20 };

/* A new folder to write in, so that what is left behind can be counted. */
static void enter(const char *folder)
{
    ck_assert_int_eq(mkdir(folder, 0777), 0);
    ck_assert_int_eq(chdir(folder), 0);
}

static void check_array_file(const char *name)
{
    size_t size;
    unsigned char *const bytes = files_read(name, &size);
    ck_assert_uint_eq(size, ARRAY_FILE);
    ck_assert_mem_eq(
        bytes, "\x93NUMPY\x01\x00\x76\x00{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", 67);
    ck_assert_mem_eq(bytes + 128, values, sizeof values);
    free(bytes);
}

static void write_array(const char *name, const char *input)
{
    cli_output *o;
    FILES_EXPECT(cli_output_open(&o, name, input), EXIT_OK, NULL);
    FILES_EXPECT(cli_output_npy(o, &array), EXIT_OK, NULL);
    FILES_EXPECT(cli_output_commit(o), EXIT_OK, NULL);
}

/* ---- files ------------------------------------------------------------------------------------- */

START_TEST(appears_at_commit)
{
    cli_output *o;
    struct stat info;
    enter("appears");
    umask(027);
    files_write("y.npy", "old", 3);
    FILES_EXPECT(cli_output_open(&o, "y.npy", NULL), EXIT_OK, NULL);
    FILES_EXPECT(cli_output_npy(o, &array), EXIT_OK, NULL);
    ck_assert_int_eq(stat("y.npy", &info), 0);
    ck_assert_int_eq(info.st_size, 3);
    ck_assert_int_eq(files_count("."), 2);
    FILES_EXPECT(cli_output_commit(o), EXIT_OK, NULL);
    check_array_file("y.npy");
    ck_assert_int_eq(files_count("."), 1);
    ck_assert_int_eq(stat("y.npy", &info), 0);
    ck_assert_uint_eq(info.st_mode & 0777, 0640);
}
END_TEST

START_TEST(keeps_the_mode)
{
    static const mode_t modes[] = { 0600, 0640, 0666, 0755 };
    struct stat info;
    enter("keeps_the_mode");
    umask(022);
    for (size_t i = 0; i < COUNT(modes); i++) {
        files_write("y.npy", "old", 3);
        ck_assert_int_eq(chmod("y.npy", modes[i]), 0);
        write_array("y.npy", NULL);
        check_array_file("y.npy");
        ck_assert_int_eq(stat("y.npy", &info), 0);
        ck_assert_uint_eq(info.st_mode & 07777, modes[i]);
    }
}
END_TEST

/* The third meets a folder that was not there before: the first two are as they were. */
START_TEST(all_or_none)
{
    static const char *const names[] = { "old.npy", "new.npy", "folder.npy" };
    cli_output *o[COUNT(names)];
    size_t size;
    enter("all_or_none");
    files_write("old.npy", "old", 3);
    for (size_t i = 0; i < COUNT(names); i++) {
        FILES_EXPECT(cli_output_open(&o[i], names[i], NULL), EXIT_OK, NULL);
        FILES_EXPECT(cli_output_npy(o[i], &array), EXIT_OK, NULL);
    }
    ck_assert_int_eq(mkdir("folder.npy", 0777), 0);
    FILES_EXPECT(cli_output_commit_all(o, COUNT(names)), EXIT_INPUT, "folder.npy cannot be written");
    unsigned char *const bytes = files_read("old.npy", &size);
    ck_assert_uint_eq(size, 3);
    ck_assert_mem_eq(bytes, "old", 3);
    free(bytes);
    ck_assert_int_eq(files_count("."), 2);
    FILES_EXPECT(cli_output_open(&o[0], "old.npy", NULL), EXIT_OK, NULL);
    FILES_EXPECT(cli_output_open(&o[1], "new.npy", NULL), EXIT_OK, NULL);
    for (size_t i = 0; i < 2; i++)
        FILES_EXPECT(cli_output_npy(o[i], &array), EXIT_OK, NULL);
    FILES_EXPECT(cli_output_commit_all(o, 2), EXIT_OK, NULL);
    check_array_file("old.npy");
    check_array_file("new.npy");
    ck_assert_int_eq(files_count("."), 3);
}
END_TEST

START_TEST(abandoned)
{
    cli_output *o[3];
    enter("abandoned");
    FILES_EXPECT(cli_output_open(&o[0], "a.npy", NULL), EXIT_OK, NULL);
    FILES_EXPECT(cli_output_open(&o[1], "b.png", NULL), EXIT_OK, NULL);
    FILES_EXPECT(cli_output_open(&o[2], "-", NULL), EXIT_OK, NULL);
    FILES_EXPECT(cli_output_npy(o[0], &array), EXIT_OK, NULL);
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
    enter("interrupted");
    files_write("a.npy", "old", 3);
    const pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        cli_output *a, *b;
        signal(SIGTERM, stop);
        if (cli_output_open(&a, "a.npy", NULL) || cli_output_open(&b, "b.npy", NULL) ||
            cli_output_npy(a, &array))
            _exit(1);
        raise(SIGTERM);
        _exit(2);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(WEXITSTATUS(status), EXIT_SIGNAL);
    ck_assert_int_eq(files_count("."), 1);
}
END_TEST

START_TEST(names)
{
    static char longest[4200], long_base[256];
    static const struct {
        const char *name;
        int code;
        const char *why;
    } cases[] = { { "y.txt", EXIT_USAGE,
                    "OUTPUT y.txt must end in .npy or .png, or be - for standard output" },
                  { "y", EXIT_USAGE, "must end in" },
                  { ".npy", EXIT_USAGE, "must end in" },
                  { "", EXIT_USAGE, "must end in" },
                  { "missing/y.npy", EXIT_INPUT, "missing/y.npy cannot be written: No such file" },
                  { "file/y.npy", EXIT_INPUT, "Not a directory" },
                  { "folder.npy", EXIT_INPUT, "folder.npy cannot be written: Is a directory" },
                  { "dangling.npy", EXIT_INPUT, "a link to a file that does not exist" },
                  { "loop.npy", EXIT_INPUT, "cannot be written" },
                  { longest, EXIT_INPUT, "File name too long" },
                  { "\x1b[2J", EXIT_USAGE, "OUTPUT \\x1b[2J must" } };
    enter("names");
    memset(longest, 'x', sizeof longest - 1);
    memcpy(longest + sizeof longest - 5, ".npy", 4);
    ck_assert_int_eq(mkdir("folder.npy", 0777), 0);
    ck_assert_int_eq(symlink("nowhere", "dangling.npy"), 0);
    ck_assert_int_eq(symlink("loop.npy", "loop.npy"), 0);
    files_write("file", "x", 1);
    const int before = files_count(".");
    for (size_t i = 0; i < COUNT(cases); i++) {
        cli_output *o;
        FILES_EXPECT(cli_output_open(&o, cases[i].name, NULL), cases[i].code, cases[i].why);
        ck_assert_ptr_null(o);
    }
    ck_assert_int_eq(files_count("."), before);
    memset(long_base, 'x', 255);
    memcpy(long_base + 251, ".npy", 4);
    write_array(long_base, NULL); /* as long as a name may be: the temporary's is cut */
    write_array("new\nline.npy", NULL);
    write_array("-.npy", NULL);
    write_array("\xff.NPY", NULL);
    ck_assert_int_eq(files_count("."), before + 4);
}
END_TEST

START_TEST(never_over_the_input) /* 50 */
{
    static const char *const same[] = { "x.npy", "./x.npy", "hard.npy", "soft.npy" };
    enter("input");
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
    write_array("y.npy", "x.npy");
    write_array("y.npy", "missing.npy");
}
END_TEST

START_TEST(through_a_link)
{
    struct stat info;
    enter("link");
    ck_assert_int_eq(mkdir("there", 0777), 0);
    files_write("there/y.npy", "old", 3);
    ck_assert_int_eq(symlink("there/y.npy", "soft.npy"), 0);
    write_array("soft.npy", NULL);
    check_array_file("there/y.npy");
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
    enter("closed_folder");
    ck_assert_int_eq(chmod(".", 0777), 0);
    ck_assert_int_eq(mkdir("closed", 0555), 0);
    files_write("readonly.npy", "old", 3);
    ck_assert_int_eq(chmod("readonly.npy", 0444), 0);
    ck_assert_int_eq(files_as_nobody(open_closed), 0);
}
END_TEST

/* ---- no room ----------------------------------------------------------------------------------- */

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

START_TEST(small_limit) /* 64: ulimit -f, whose signal would kill */
{
    struct rlimit limit;
    enter("limit");
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = 1 << 16;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    fill_up("File too large");
}
END_TEST

START_TEST(full_device) /* 49 */
{
    cli_output *o;
    FILES_EXPECT(cli_output_open(&o, "/dev/full", NULL), EXIT_OK, NULL);
    FILES_EXPECT(cli_output_npy(o, &array), EXIT_OK, NULL);
    FILES_EXPECT(cli_output_commit(o), EXIT_INPUT, "/dev/full cannot be written: No space left on device");
    write_array("/dev/null", "/dev/null");
}
END_TEST

/* ---- pipes and standard output ----------------------------------------------------------------- */

/* Puts fd in the place of stdout for one write, so that Check's own is whole. */
static int write_stdout(const char *name, int fd, const char *why, int code)
{
    cli_output *o;
    fflush(stdout);
    files_listen(); /* before a descriptor is free that it might take */
    const int kept = dup(STDOUT_FILENO);
    if (fd >= 0)
        dup2(fd, STDOUT_FILENO);
    else
        close(STDOUT_FILENO);
    int got = cli_output_open(&o, name, NULL);
    if (got == EXIT_OK)
        got = cli_output_npy(o, &array);
    if (got == EXIT_OK)
        got = cli_output_commit(o);
    dup2(kept, STDOUT_FILENO);
    close(kept);
    files_expect(got, code, why, name, __LINE__);
    return got;
}

START_TEST(standard_output)
{
    static const char *const written[] = { "-", "/dev/stdout" };
    int ends[2];
    for (size_t i = 0; i < COUNT(written); i++) {
        const int fd = open("out", O_WRONLY | O_CREAT | O_TRUNC, 0666);
        ck_assert_int_ge(fd, 0);
        write_stdout(written[i], fd, NULL, EXIT_OK);
        close(fd);
        check_array_file("out");
    }
    write_stdout("-", -1, "- cannot be written: Bad file descriptor", EXIT_INPUT);
    ck_assert_int_eq(pipe(ends), 0);
    close(ends[0]);
    write_stdout("-", ends[1], NULL, EXIT_INPUT); /* nobody reads: no sentence, and SIGPIPE kills nobody */
    close(ends[1]);
    ck_assert(signal(SIGPIPE, SIG_DFL) == SIG_DFL);
}
END_TEST

/* With stdout closed the temporary must not become it, or text would go into the file. */
START_TEST(closed_standard_output)
{
    cli_output *o;
    enter("closed_stdout");
    fflush(stdout);
    files_listen();
    const int kept = dup(STDOUT_FILENO);
    close(STDOUT_FILENO);
    const int code = cli_output_open(&o, "y.npy", NULL);
    const bool open_now = fcntl(STDOUT_FILENO, F_GETFD) >= 0;
    dup2(kept, STDOUT_FILENO);
    close(kept);
    files_expect(code, EXIT_OK, NULL, "cli_output_open", __LINE__);
    ck_assert(!open_now);
    cli_output_abandon(o);
}
END_TEST

START_TEST(a_fifo)
{
    int status = 0;
    ck_assert_int_eq(mkfifo("fifo.npy", 0666), 0);
    const pid_t reader = fork();
    ck_assert_int_ge(reader, 0);
    if (reader == 0) {
        unsigned char bytes[1024];
        FILE *const file = fopen("fifo.npy", "rb");
        _exit(file && fread(bytes, 1, sizeof bytes, file) == ARRAY_FILE ? 0 : 1);
    }
    write_array("fifo.npy", NULL);
    ck_assert_int_eq(waitpid(reader, &status, 0), reader);
    ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(a_fifo_that_goes)
{
    cli_output *o;
    ck_assert_int_eq(mkfifo("gone.npy", 0666), 0);
    FILES_EXPECT(cli_output_open(&o, "gone.npy", NULL), EXIT_OK, NULL);
    FILES_EXPECT(cli_output_npy(o, &array), EXIT_OK, NULL);
    ck_assert_int_eq(unlink("gone.npy"), 0);
    FILES_EXPECT(cli_output_commit(o), EXIT_INPUT, "gone.npy cannot be written: No such file or directory");
}
END_TEST

/* ---- limits ------------------------------------------------------------------------------------ */

START_TEST(sizes_of_pictures)
{
    static const int64_t sizes[][2] = {
        { 0, 4 }, { 4, 0 }, { (int64_t)INT32_MAX + 1, 1 }, { 1, (int64_t)INT32_MAX + 1 }
    };
    cli_output *o;
    enter("sizes");
    for (size_t i = 0; i < COUNT(sizes); i++) {
        FILES_EXPECT(cli_output_open(&o, "y.png", NULL), EXIT_OK, NULL);
        FILES_EXPECT(cli_output_png(o, values, sizes[i][0], sizes[i][1], 1), EXIT_INPUT,
                     "a PNG picture has 1 to 2147483647 each way");
        cli_output_abandon(o);
    }
    ck_assert_int_eq(files_count("."), 0);
}
END_TEST

/* As many as there are names for, and one more. Without a name for what was there before, that is replaced all the same. */
START_TEST(too_many_at_once)
{
    cli_output *o[CLI_TEMPORARIES], *more;
    char name[32];
    enter("many");
    files_write("0.npy", "old", 3);
    for (size_t i = 0; i < COUNT(o); i++) {
        snprintf(name, sizeof name, "%zu.npy", i);
        FILES_EXPECT(cli_output_open(&o[i], name, NULL), EXIT_OK, NULL);
    }
    FILES_EXPECT(cli_output_open(&more, "more.npy", NULL), EXIT_INPUT,
                 "more.npy cannot be written: Too many open files");
    ck_assert_ptr_null(more);
    FILES_EXPECT(cli_output_npy(o[0], &array), EXIT_OK, NULL);
    FILES_EXPECT(cli_output_commit(o[0]), EXIT_OK, NULL);
    check_array_file("0.npy");
    for (size_t i = 1; i < COUNT(o); i++)
        cli_output_abandon(o[i]);
    ck_assert_int_eq(files_count("."), 1);
}
END_TEST

/* A name that is short enough, beside which there is none for a temporary. */
START_TEST(path_too_long)
{
    char path[4096] = "";
    size_t used = 0;
    cli_output *o;
    enter("long");
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

int main(void)
{
    return files_run(suite_of(
        "output", SUITE_CASE(appears_at_commit, keeps_the_mode, all_or_none, abandoned, interrupted, names,
                             never_over_the_input, through_a_link, read_only, small_disk, small_limit,
                             full_device, standard_output, closed_standard_output, a_fifo, a_fifo_that_goes,
                             sizes_of_pictures, too_many_at_once, path_too_long)));
}

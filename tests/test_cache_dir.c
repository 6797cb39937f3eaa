/* test_cache_dir.c -- the cache's directory: which are taken, and saving there under difficulties. */
#define _XOPEN_SOURCE 700
#include "cache_case.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>

static bool save_fails_with_nothing_left(void) { return !save() && entries(dir) == 0; }

static bool as_nobody(bool (*part)(void)) { return (geteuid() != 0 || setuid(NOBODY) == 0) && part(); }
static bool unwritable_part(void) { return as_nobody(save_fails_with_nothing_left); }

START_TEST(unwritable_directory)
{
    if (geteuid() == 0) {
        ck_assert_int_eq(chmod(root, 0755), 0);
        ck_assert_int_eq(chown(dir, NOBODY, NOBODY), 0);
    }
    ck_assert_int_eq(chmod(dir, 0500), 0);
    ck_assert(in_child(unwritable_part));
}
END_TEST

/* A limit on the size of files stops a write in its middle, as a full disk does. */
static bool full_disk_part(void)
{
    struct rlimit before, limit;
    signal(SIGXFSZ, SIG_IGN);
    if (getrlimit(RLIMIT_FSIZE, &before) != 0)
        return false;
    limit = before;
    limit.rlim_cur = 60;
    const bool failed = setrlimit(RLIMIT_FSIZE, &limit) == 0 && save_fails_with_nothing_left();
    return setrlimit(RLIMIT_FSIZE, &before) == 0 && failed;
}
START_TEST(full_disk) { ck_assert(in_child(full_disk_part)); }
END_TEST

static bool vanished_part(void) { return !save(); }
START_TEST(vanished_directory)
{
    bool rejected;
    ck_assert_int_eq(rmdir(dir), 0);
    ck_assert(in_child(vanished_part));
    ck_assert(!loads(key, &rejected));
    ck_assert(!rejected);
}
END_TEST

static bool strange_mask_part(void)
{
    struct stat st;
    umask(0777);
    return save() && lstat(path, &st) == 0 && (st.st_mode & 07777) == 0600;
}
START_TEST(strange_mask) { ck_assert(in_child(strange_mask_part)); }
END_TEST

/* Many at once: a reader sees a whole file or none. */
static bool concurrent_part(void)
{
    bool fine = true, rejected = false;
    for (int i = 0; i < 25; i++) {
        fine &= save();
        fine &= loads(key, &rejected) && !rejected;
    }
    return fine;
}
START_TEST(concurrent_savers)
{
    pid_t pids[4];
    for (size_t i = 0; i < CLN_COUNT(pids); i++) {
        pids[i] = fork();
        ck_assert_int_ge(pids[i], 0);
        if (pids[i] == 0)
            counted_exit(concurrent_part() ? 0 : 1);
    }
    for (size_t i = 0; i < CLN_COUNT(pids); i++) {
        int status = 1;
        ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
        ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    ck_assert_int_eq(entries(dir), 1);
}
END_TEST

static void make_old(const char *file, time_t when)
{
    const struct timespec times[2] = { { when, 0 }, { when, 0 } };
    ck_assert_int_eq(utimensat(AT_FDCWD, file, times, 0), 0);
}

static void put_sparse(const char *name, off_t bytes, time_t when)
{
    char file[SCRATCH_PATH];
    scratch_write(scratch_path(file, dir, name), "", 0);
    ck_assert_int_eq(truncate(file, bytes), 0);
    make_old(file, when);
}

START_TEST(oldest_go_first)
{
    char file[SCRATCH_PATH], folder[SCRATCH_PATH];
    put_sparse("12-ab.clbin", (off_t)100 << 20, 2000);
    ck_assert_int_eq(mkdir(scratch_path(folder, dir, "34.clbin"), 0700), 0);
    make_old(folder, 400); /* which does not go, and keeps none from going */
    put_sparse("12-cd.clbin.tmp", (off_t)200 << 20, 1000);
    put_sparse("someone.else", (off_t)500 << 20, 500);
    put_sparse("other.clbin", (off_t)500 << 20, 300);
    ck_assert(save());
    ck_assert(there());
    ck_assert_int_ne(access(scratch_path(file, dir, "12-cd.clbin.tmp"), F_OK), 0);
    ck_assert_int_eq(access(scratch_path(file, dir, "12-ab.clbin"), F_OK), 0);
    ck_assert_int_eq(access(scratch_path(file, dir, "someone.else"), F_OK), 0);
    ck_assert_int_eq(access(scratch_path(file, dir, "other.clbin"), F_OK), 0);
    ck_assert_int_eq(access(folder, F_OK), 0);
}
END_TEST

/* ---- the directory ---- */

static void is_off(const char *wanted, const char *reason)
{
    open_cache(wanted);
    ck_assert_str_eq(dir, "");
    ck_assert_msg(strstr(why, reason) != NULL, "\"%s\" does not say \"%s\"", why, reason);
}

START_TEST(off_by_choice)
{
    is_off(NULL, "");
    ck_assert_str_eq(why, "");
    is_off("", "");
    ck_assert_str_eq(why, "");
}
END_TEST

START_TEST(makes_parents)
{
    static const char *const made[] = { "a", "a/b", "a/b/c" };
    char wanted[SCRATCH_PATH], expected[SCRATCH_PATH];
    struct stat st;
    const mode_t mask = umask(0);
    open_cache(scratch_path(wanted, root, "a/b//c//"));
    umask(mask);
    ck_assert_str_eq(dir, scratch_path(expected, root, "a/b//c"));
    for (size_t i = 0; i < CLN_COUNT(made); i++) {
        ck_assert_int_eq(lstat(scratch_path(wanted, root, made[i]), &st), 0);
        ck_assert_uint_eq(st.st_mode & 07777, 0700);
    }
}
END_TEST

START_TEST(relative_becomes_absolute)
{
    char here[SCRATCH_PATH], expected[SCRATCH_PATH];
    ck_assert_ptr_nonnull(getcwd(here, sizeof here));
    ck_assert_int_eq(chdir(root), 0);
    open_cache("near");
    ck_assert_int_eq(chdir(here), 0);
    ck_assert_str_eq(dir, scratch_path(expected, root, "near"));
}
END_TEST

/* Where the process is has no path any more. */
START_TEST(relative_to_nowhere)
{
    char here[SCRATCH_PATH], gone[SCRATCH_PATH];
    ck_assert_ptr_nonnull(getcwd(here, sizeof here));
    ck_assert_int_eq(mkdir(scratch_path(gone, root, "gone"), 0700), 0);
    ck_assert_int_eq(chdir(gone), 0);
    ck_assert_int_eq(rmdir(gone), 0);
    is_off("near", "No such file or directory");
    ck_assert_int_eq(chdir(here), 0);
}
END_TEST

START_TEST(unfit_directories)
{
    char wanted[SCRATCH_PATH], target[SCRATCH_PATH];
    ck_assert_int_eq(symlink(scratch_path(target, root, "cache"), scratch_path(wanted, root, "link")), 0);
    is_off(wanted, "symbolic link");
    is_off(scratch_path(wanted, root, "link/"), "symbolic link");
    scratch_write(scratch_path(wanted, root, "file"), "", 0);
    is_off(wanted, "not a directory");
    is_off(scratch_path(wanted, root, "file/below"), "ot a directory");
    ck_assert_int_eq(chmod(target, 0770), 0);
    is_off(target, "others may write");
    ck_assert_int_eq(chmod(target, 0707), 0);
    is_off(target, "others may write");
    if (geteuid() == 0) {
        ck_assert_int_eq(chmod(target, 0700), 0);
        ck_assert_int_eq(chown(target, NOBODY, NOBODY), 0);
        is_off(target, "another user");
    }
}
END_TEST

START_TEST(path_too_long)
{
    char wanted[SCRATCH_PATH + 8];
    memset(wanted, 'x', sizeof wanted);
    wanted[0] = '/';
    wanted[sizeof wanted - 1] = '\0';
    is_off(wanted, "too long");
    char all[4096], longest[4096]; /* names of up to 96 characters have to fit behind it */
    memset(longest, 'x', sizeof longest);
    longest[0] = '/';
    longest[4000] = '\0';
    ck_assert_str_eq(cln_cache_absolute(all, sizeof all, longest), "its path is too long");
    longest[3999] = '\0';
    ck_assert_ptr_null(cln_cache_absolute(all, sizeof all, longest));
    ck_assert_str_eq(all, longest);
}
END_TEST

/* With rights that are not its user's or group's, a process neither saves nor loads. */
static bool is_locked_out(void)
{
    char wanted[SCRATCH_PATH];
    bool rejected = true;
    const bool used = save() || loads(key, &rejected) || rejected;
    open_cache(scratch_path(wanted, root, "cache"));
    return !used && !dir[0] && strstr(why, "rights of another user");
}

static bool set_user_id_part(void)
{
    const bool out = seteuid(NOBODY) == 0 && is_locked_out();
    return seteuid(0) == 0 && out;
}
static bool set_group_id_part(void)
{
    const gid_t group = getegid();
    const bool out = setegid(NOBODY) == 0 && is_locked_out();
    return setegid(group) == 0 && out;
}
START_TEST(set_user_id)
{
    if (geteuid() != 0) {
        fprintf(stderr, "set_user_id is left out: only root changes its user\n");
        return;
    }
    ck_assert(save());
    ck_assert_int_eq(chmod(root, 0777), 0);
    ck_assert_int_eq(chown(dir, NOBODY, NOBODY), 0); /* nothing else may be in the way */
    ck_assert_int_eq(chown(path, NOBODY, NOBODY), 0);
    ck_assert(in_child(set_user_id_part));
    ck_assert(in_child(set_group_id_part));
    ck_assert(there());
}
END_TEST

/* fork is fine here: the cache uses no OpenCL. */
int main(void)
{
    TCase *t =
        SUITE_CASE(unwritable_directory, full_disk, vanished_directory, strange_mask, concurrent_savers,
                   oldest_go_first, off_by_choice, makes_parents, relative_becomes_absolute,
                   relative_to_nowhere, unfit_directories, path_too_long, set_user_id);
    tcase_add_checked_fixture(t, setup, teardown);
    alarm(120); /* without a fork Check cannot end a test that hangs */
    return suite_run(suite_of("cache_dir", t), CK_NOFORK);
}

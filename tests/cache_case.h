/* cache_case.h -- a cache in a scratch directory, one key and one binary. Define _XOPEN_SOURCE 700 before. */
#ifndef CACHE_CASE_H
#define CACHE_CASE_H

#include "device/device.h"

#include "base/compiler.h"
#include "counted.h"
#include "scratch.h"
#include "suite.h"

#include <dirent.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define NOBODY 65534

static const char key[] = "clnorm 0\nsource 1\noptions -DWG=1\n";
static const unsigned char binary[] = { 'p', 'o', 'c', 'l', 0, 255, 1, 2, 3, 4, 5 };
static char root[SCRATCH_PATH], dir[SCRATCH_PATH], path[SCRATCH_PATH], why[512];

static inline void open_cache(const char *wanted)
{
    cln_cache_open(dir, sizeof dir, wanted, why, sizeof why);
}

static inline void setup(void)
{
    char wanted[SCRATCH_PATH];
    scratch_create(root);
    open_cache(scratch_path(wanted, root, "cache"));
    ck_assert_str_eq(why, "");
    ck_assert_str_eq(dir, wanted);
    cln_cache_path(path, sizeof path, dir, key);
}
static inline void teardown(void) { scratch_remove(root); }

static inline bool save(void) { return cln_cache_save(dir, key, binary, sizeof binary); }

/* Whether the key loads; what loads is always right. */
static inline bool loads(const char *k, bool *rejected)
{
    unsigned char *data;
    size_t bytes;
    const bool loaded = cln_cache_load(dir, k, &data, &bytes, rejected);
    if (loaded) {
        ck_assert_uint_eq(bytes, sizeof binary);
        ck_assert_mem_eq(data, binary, sizeof binary);
        ck_assert(!*rejected);
    } else {
        ck_assert_ptr_null(data);
        ck_assert_uint_eq(bytes, 0);
    }
    free(data);
    return loaded;
}

static inline bool there(void)
{
    struct stat st;
    return lstat(path, &st) == 0;
}

/* What lies there is refused and taken away. */
static inline void refused(const char *k)
{
    bool rejected;
    ck_assert(!loads(k, &rejected));
    ck_assert(rejected);
    ck_assert(!there());
}

static inline int entries(const char *where)
{
    int n = 0;
    DIR *listing = opendir(where);
    ck_assert_ptr_nonnull(listing);
    for (struct dirent *e; (e = readdir(listing)) != NULL;)
        n += e->d_name[0] != '.';
    closedir(listing);
    return n;
}

/* Runs a part in a child, which may change its user, limits and mask; true when that says so. */
static inline bool in_child(bool (*part)(void))
{
    int status = 0;
    const pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0)
        counted_exit(part() ? 0 : 1);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

#endif

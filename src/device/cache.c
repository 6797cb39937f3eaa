/* cache.c -- binaries of programs on disk: anything doubtful is a miss.
 *
 * A binary is native code, and a runtime may crash on a damaged one (PoCL does). So a file is believed only
 * if it is ours alone to write, says the key in full and carries the right checksum. The checksum finds
 * accidents; ownership keeps others out. File: header, key, binary; numbers as the host writes them. */
#define _POSIX_C_SOURCE 200809L
#include "device/device.h"

#include <stdio.h>
#include <string.h>

#if defined(_WIN32)
void cln_cache_open(char *dir, size_t room, const char *wanted, char *why, size_t room_why)
{
    (void)room, (void)wanted;
    dir[0] = '\0';
    snprintf(why, room_why, "there is no cache of binaries on Windows yet");
}
const char *cln_cache_absolute(char *path, size_t room, const char *wanted)
{
    const int n = snprintf(path, room, "%s", wanted);
    return n < 0 || (size_t)n >= room ? "its path is too long" : NULL;
}
void cln_cache_path(char *path, size_t room, const char *dir, const char *key)
{
    (void)room, (void)dir, (void)key;
    path[0] = '\0';
}
bool cln_cache_load(const char *dir, const char *key, unsigned char **binary, size_t *bytes, bool *rejected)
{
    (void)dir, (void)key;
    *binary = NULL;
    *bytes = 0;
    *rejected = false;
    return false;
}
bool cln_cache_save(const char *dir, const char *key, const unsigned char *binary, size_t bytes)
{
    (void)dir, (void)key, (void)binary, (void)bytes;
    return false;
}
#else
#define XXH_INLINE_ALL
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#define PATH_ROOM 4096
#define NAME_ROOM 96             /* of a name that this file makes, with its slash */
#define MOST ((size_t)256 << 20) /* bytes, of one file and of the directory */
#define SUFFIX ".clbin"

typedef struct header {
    char magic[8];
    unsigned char check[16]; /* XXH3-128 of all that follows it */
    uint32_t format, key_bytes;
    uint64_t binary_bytes;
} header;
static const char magic[8] = { 'c', 'l', 'n', 'o', 'r', 'm', '\r', '\n' };
#define FORMAT 1u
#define CHECKED offsetof(header, format)

static void checksum(unsigned char out[16], const unsigned char *file, size_t bytes)
{
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits(file + CHECKED, bytes - CHECKED));
    memcpy(out, canonical.digest, sizeof canonical.digest);
}

/* Set-user-id programs would trust, and write, files on behalf of somebody else. */
static bool same_user(void) { return geteuid() == getuid() && getegid() == getgid(); }

static bool ours_alone(const struct stat *st)
{
    return st->st_uid == geteuid() && (st->st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

/* ---- the directory ---- */

/* Creates path and its parents for us alone; that one exists is fine, lstat looks at the last. */
static bool make_directories(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        const int failed = mkdir(path, S_IRWXU);
        *slash = '/';
        if (failed && errno != EEXIST && errno != EROFS && errno != EACCES && errno != EISDIR)
            return false;
    }
    return mkdir(path, S_IRWXU) == 0 || errno == EEXIST;
}

const char *cln_cache_absolute(char *path, size_t room, const char *wanted)
{
    char here[PATH_ROOM] = "";
    if (wanted[0] != '/' && !getcwd(here, sizeof here))
        return strerror(errno);
    const int n = snprintf(path, room, "%s%s%s", here, here[0] ? "/" : "", wanted);
    if (n < 0 || (size_t)n >= room || (size_t)n + NAME_ROOM >= PATH_ROOM)
        return "its path is too long";
    for (size_t end = (size_t)n; end > 1 && path[end - 1] == '/'; end--)
        path[end - 1] = '\0';
    return NULL;
}

/* NULL when the directory is fit, else what is wrong with it. */
static const char *fault_of(char *dir)
{
    struct stat st;
    if (!make_directories(dir))
        return strerror(errno);
    if (lstat(dir, &st) != 0)
        return strerror(errno);
    if (S_ISLNK(st.st_mode))
        return "it is a symbolic link";
    if (!S_ISDIR(st.st_mode))
        return "it is not a directory";
    if (st.st_uid != geteuid())
        return "it belongs to another user";
    if (!ours_alone(&st))
        return "others may write to it";
    return NULL;
}

void cln_cache_open(char *dir, size_t room, const char *wanted, char *why, size_t room_why)
{
    dir[0] = '\0';
    why[0] = '\0';
    if (!wanted || !wanted[0])
        return;
    const char *fault =
        same_user() ? cln_cache_absolute(dir, room, wanted) : "the process has the rights of another user";
    if (!fault)
        fault = fault_of(dir);
    if (!fault)
        return;
    snprintf(why, room_why, "no binaries are kept in \"%s\": %s", wanted, fault);
    dir[0] = '\0';
}

void cln_cache_path(char *path, size_t room, const char *dir, const char *key)
{
    const XXH128_hash_t hash = XXH3_128bits(key, strlen(key));
    const int n = snprintf(path, room, "%s/%016llx%016llx" SUFFIX, dir, (unsigned long long)hash.high64,
                           (unsigned long long)hash.low64);
    assert(n > 0 && (size_t)n < room);
    (void)n;
}

/* ---- loading ---- */

/* Opens without following a link or waiting at a FIFO. -1 and *foul when what is there is not a file of ours.
 */
static int open_ours(const char *path, size_t *bytes, bool *foul)
{
    struct stat st;
    const int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        *foul = errno == ELOOP || errno == EMLINK || errno == EACCES || errno == ENXIO;
        return -1;
    }
    *foul = fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || !ours_alone(&st) ||
            st.st_size < (off_t)sizeof(header) || st.st_size > (off_t)MOST;
    if (!*foul) {
        *bytes = (size_t)st.st_size;
        return fd;
    }
    close(fd);
    return -1;
}

static bool read_all(int fd, unsigned char *data, size_t bytes)
{
    while (bytes > 0) {
        const ssize_t n = read(fd, data, bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        data += n;
        bytes -= (size_t)n;
    }
    return true;
}

/* Whether the file is what save writes for this key. The checksum comes last: it reads everything. */
static bool valid(const unsigned char *file, size_t bytes, const char *key)
{
    const size_t key_bytes = strlen(key);
    unsigned char check[16];
    header h;
    memcpy(&h, file, sizeof h);
    if (memcmp(h.magic, magic, sizeof magic) != 0 || h.format != FORMAT || h.key_bytes != key_bytes)
        return false;
    if (bytes - sizeof h <= key_bytes || h.binary_bytes != bytes - sizeof h - key_bytes)
        return false;
    if (memcmp(file + sizeof h, key, key_bytes) != 0)
        return false;
    checksum(check, file, bytes);
    return memcmp(check, h.check, sizeof check) == 0;
}

/* The whole file, malloc'ed, or NULL; out of memory is no fault of the file. */
static unsigned char *read_valid(int fd, size_t bytes, const char *key, bool *foul)
{
    unsigned char *file = (unsigned char *)malloc(bytes);
    *foul = file && (!read_all(fd, file, bytes) || !valid(file, bytes, key));
    if (!*foul)
        return file;
    free(file);
    return NULL;
}

bool cln_cache_load(const char *dir, const char *key, unsigned char **binary, size_t *bytes, bool *rejected)
{
    char path[PATH_ROOM];
    size_t size = 0;
    *binary = NULL;
    *bytes = 0;
    *rejected = false;
    if (!same_user())
        return false;
    cln_cache_path(path, sizeof path, dir, key);
    const int fd = open_ours(path, &size, rejected);
    unsigned char *file = fd < 0 ? NULL : read_valid(fd, size, key, rejected);
    if (fd >= 0)
        close(fd);
    if (*rejected)
        unlink(path);
    if (!file)
        return false;
    *bytes = size - sizeof(header) - strlen(key);
    memmove(file, file + size - *bytes, *bytes);
    *binary = file;
    return true;
}

/* ---- saving ---- */

static bool write_all(int fd, const unsigned char *data, size_t bytes)
{
    while (bytes > 0) {
        const ssize_t n = write(fd, data, bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        data += n;
        bytes -= (size_t)n;
    }
    return true;
}

/* The file in memory, malloc'ed; NULL without memory. */
static unsigned char *compose(const char *key, const unsigned char *binary, size_t bytes, size_t total)
{
    header h = { { 0 }, { 0 }, FORMAT, (uint32_t)strlen(key), bytes };
    unsigned char *file = (unsigned char *)malloc(total);
    if (!file)
        return NULL;
    memcpy(h.magic, magic, sizeof magic);
    memcpy(file, &h, sizeof h);
    memcpy(file + sizeof h, key, h.key_bytes);
    memcpy(file + sizeof h + h.key_bytes, binary, bytes);
    checksum(file + offsetof(header, check), file, total);
    return file;
}

/* fsync before the rename: else a crash may leave the name with an empty file behind it. */
static bool write_file(const char *path, const unsigned char *file, size_t bytes)
{
    const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (fd < 0)
        return false;
    const bool written = fchmod(fd, S_IRUSR | S_IWUSR) == 0 && write_all(fd, file, bytes) && fsync(fd) == 0;
    const bool closed = close(fd) == 0;
    if (!written || !closed)
        unlink(path);
    return written && closed;
}

/* Hexadecimal digits and the suffix, with .tmp behind where a process was killed: as `clnorm cache` has it. */
static bool is_ours(const char *name)
{
    const size_t stem = strspn(name, "0123456789abcdef-");
    return stem > 0 && (!strcmp(name + stem, SUFFIX) || !strcmp(name + stem, SUFFIX ".tmp"));
}

/* Sums up our files in dir; puts the path of the least recently written into oldest. */
static size_t survey(const char *dir, char *oldest, size_t room)
{
    size_t total = 0;
    time_t since = 0;
    DIR *const listing = opendir(dir);
    oldest[0] = '\0';
    for (struct dirent *e; listing && (e = readdir(listing)) != NULL;) {
        char path[PATH_ROOM];
        struct stat st;
        const int n = snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        if (n < 0 || (size_t)n >= sizeof path || !is_ours(e->d_name) || lstat(path, &st) != 0 ||
            !S_ISREG(st.st_mode))
            continue;
        total += (size_t)st.st_size;
        if (!oldest[0] || st.st_mtime < since) {
            since = st.st_mtime;
            snprintf(oldest, room, "%s", path);
        }
    }
    if (listing)
        closedir(listing);
    return total;
}

/* Keeps the directory within its bound; what a killed process left behind goes this way too. */
static void prune(const char *dir)
{
    char oldest[PATH_ROOM];
    while (survey(dir, oldest, sizeof oldest) > MOST)
        if (unlink(oldest) != 0)
            return;
}

bool cln_cache_save(const char *dir, const char *key, const unsigned char *binary, size_t bytes)
{
    char path[PATH_ROOM], temporary[PATH_ROOM];
    const size_t around = sizeof(header) + strlen(key);
    if (!same_user() || bytes == 0 || around > MOST || bytes > MOST - around)
        return false;
    unsigned char *file = compose(key, binary, bytes, around + bytes);
    if (!file)
        return false;
    cln_cache_path(path, sizeof path, dir, key);
    /* No two live threads have this variable at one address, so the name is this thread's own. */
    snprintf(temporary, sizeof temporary, "%s/%lx-%llx-%llx" SUFFIX ".tmp", dir, (unsigned long)getpid(),
             (unsigned long long)(uintptr_t)(void *)&file, (unsigned long long)cln_now_ns());
    bool saved = write_file(temporary, file, around + bytes);
    free(file);
    if (saved && rename(temporary, path) != 0) {
        unlink(temporary);
        saved = false;
    }
    if (saved)
        prune(dir);
    return saved;
}
#endif

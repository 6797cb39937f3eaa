/* iofault.c -- preloaded: fails the N-th file operation of clnorm's own objects. IOFAULT=N:ERRNO:once.
 *
 * ERRNO 4, EINTR, is a call that was interrupted half-way: a read or write of half the bytes, which is no
 * failure. A close that fails has closed. A failing unlink would be a file left behind that nobody can help,
 * so it works. */
#define _GNU_SOURCE
#include "fault.h"
#include "ours.h"

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

FAULT_EXPORT fault iofault;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static int refused(const char *call)
{
    pthread_mutex_lock(&lock);
    const int code = fault_hit(&iofault, call);
    pthread_mutex_unlock(&lock);
    if (code)
        errno = code;
    return code;
}

/* The function behind ours, once: `next` of the type that `call` has. */
#define NEXT(call)                 \
    static __typeof__(call) *next; \
    if (!next)                     \
    *(void **)&next = dlsym(RTLD_NEXT, #call)

#define OPEN(call)                                                       \
    FAULT_EXPORT int call(const char *path, int flags, ...)              \
    {                                                                    \
        va_list rest;                                                    \
        NEXT(call);                                                      \
        va_start(rest, flags);                                           \
        const mode_t mode = va_arg(rest, mode_t);                        \
        va_end(rest);                                                    \
        return OURS() && refused("open") ? -1 : next(path, flags, mode); \
    }
OPEN(open)
OPEN(open64)

/* Some of the bytes where code is EINTR. */
#define MOVE(call, buffer)                                            \
    FAULT_EXPORT ssize_t call(int fd, buffer data, size_t bytes)      \
    {                                                                 \
        NEXT(call);                                                   \
        const int code = OURS() ? refused(#call) : 0;                 \
        if (code && code != EINTR)                                    \
            return -1;                                                \
        return next(fd, data, code && bytes > 1 ? bytes / 2 : bytes); \
    }
MOVE(read, void *)
MOVE(write, const void *)

FAULT_EXPORT int fsync(int fd)
{
    NEXT(fsync);
    return OURS() && refused("fsync") ? -1 : next(fd);
}

FAULT_EXPORT int close(int fd)
{
    NEXT(close);
    const int code = OURS() ? refused("close") : 0, done = next(fd);
    if (code)
        errno = code;
    return code ? -1 : done;
}

FAULT_EXPORT int rename(const char *from, const char *to)
{
    NEXT(rename);
    return OURS() && refused("rename") ? -1 : next(from, to);
}

FAULT_EXPORT int fchmod(int fd, mode_t mode)
{
    NEXT(fchmod);
    return OURS() && refused("fchmod") ? -1 : next(fd, mode);
}

FAULT_EXPORT int mkdir(const char *path, mode_t mode)
{
    NEXT(mkdir);
    return OURS() && refused("mkdir") ? -1 : next(path, mode);
}

FAULT_EXPORT DIR *opendir(const char *path)
{
    NEXT(opendir);
    return OURS() && refused("opendir") ? NULL : next(path);
}

FAULT_EXPORT FILE *fopen(const char *path, const char *mode)
{
    NEXT(fopen);
    return OURS() && refused("fopen") ? NULL : next(path, mode);
}

/* glibc's own mark, which ferror reads. */
#define STREAM_FAILED 0x20

FAULT_EXPORT size_t fread(void *data, size_t size, size_t n, FILE *file)
{
    NEXT(fread);
    if (!OURS() || !refused("fread"))
        return next(data, size, n, file);
    file->_flags |= STREAM_FAILED;
    return 0;
}

__attribute__((constructor)) static void begin(void)
{
    ours_find();
    fault_from_environment(&iofault, "IOFAULT");
}

static void end(void)
{
    fault_report(&iofault, "iofault");
    iofault.on = 0;
}

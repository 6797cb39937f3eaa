/* input.c -- the bytes of an input file or stream, and the host memory to hold them. */
#define _XOPEN_SOURCE 700
#include "cli/input.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* Linux reads at most this much in one call anyway, and macOS fails above it. */
enum { READ_BYTES = 1 << 30, FIRST_BYTES = 1 << 16 };

/* The machine's memory, or less where `ulimit -v` says so. */
static uint64_t memory_limit(void)
{
    struct rlimit address_space;
    const uint64_t bytes = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    if (getrlimit(RLIMIT_AS, &address_space) != 0 || address_space.rlim_cur > bytes)
        return bytes;
    return address_space.rlim_cur;
}

static int check_memory(const char *name, uint64_t bytes)
{
    const uint64_t limit = memory_limit();
    if (bytes <= limit)
        return EXIT_OK;
    return cli_fail(EXIT_MEMORY, "%s needs %" PRIu64 " bytes of host memory; the limit is %" PRIu64, name,
                    bytes, limit);
}

int cli_no_memory(const char *name, uint64_t bytes)
{
    return cli_fail(EXIT_MEMORY,
                    "%s needs %" PRIu64 " bytes of host memory, which are not free; the limit is %" PRIu64,
                    name, bytes, memory_limit());
}

int cli_memory(void **out, const char *name, uint64_t bytes, uint64_t more)
{
    *out = NULL;
    const int code = check_memory(name, bytes > UINT64_MAX - more ? UINT64_MAX : bytes + more);
    if (code != EXIT_OK)
        return code;
    if (bytes <= SIZE_MAX)
        *out = malloc(bytes ? (size_t)bytes : 1);
    return *out ? EXIT_OK : cli_no_memory(name, bytes);
}

int cli_zeros(void **out, const char *name, uint64_t bytes)
{
    const int code = cli_memory(out, name, bytes, 0);
    if (code == EXIT_OK)
        memset(*out, 0, (size_t)bytes);
    return code;
}

int cli_source_read(size_t *got, cli_source *s, void *bytes, size_t room)
{
    unsigned char *const to = (unsigned char *)bytes;
    const size_t ready = s->head_bytes - s->head_taken;
    *got = ready < room ? ready : room;
    memcpy(to, s->head + s->head_taken, *got);
    s->head_taken += *got;
    while (*got < room) {
        const size_t rest = room - *got;
        const ssize_t n = read(s->fd, to + *got, rest < READ_BYTES ? rest : READ_BYTES);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return cli_fail(EXIT_INPUT, "%s cannot be read: %s", s->name, strerror(errno));
        if (n == 0)
            break;
        *got += (size_t)n;
    }
    return EXIT_OK;
}

static int look(cli_source *s)
{
    struct stat info;
    if (fstat(s->fd, &info) != 0)
        return cli_fail(EXIT_INPUT, "%s cannot be read: %s", s->name, strerror(errno));
    if (S_ISDIR(info.st_mode))
        return cli_fail(EXIT_INPUT, "%s cannot be read: it is a directory", s->name);
    s->size = S_ISREG(info.st_mode) ? (uint64_t)info.st_size : 0;
    const int code = cli_source_read(&s->head_bytes, s, s->head, CLI_HEAD);
    return code == EXIT_OK && s->head_bytes == 0 ? cli_fail(EXIT_INPUT, "%s is empty", s->name) : code;
}

int cli_source_open(cli_source *s, const char *name)
{
    const bool standard = strcmp(name, "-") == 0;
    memset(s, 0, sizeof *s);
    s->name = standard ? "standard input" : cli_quote(name);
    s->fd = standard ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (s->fd < 0)
        return cli_fail(EXIT_INPUT, "%s cannot be read: %s", s->name, strerror(errno));
    const int code = look(s);
    if (code != EXIT_OK)
        cli_source_close(s);
    return code;
}

void cli_source_close(cli_source *s)
{
    if (s->fd > STDIN_FILENO)
        close(s->fd);
    s->fd = -1;
}

static int grow(unsigned char **bytes, size_t *room, const char *name)
{
    const uint64_t wanted = *room < CLI_FILE_BYTES / 2 ? (uint64_t)*room * 2 : CLI_FILE_BYTES + 1;
    const int code = check_memory(name, wanted);
    if (code != EXIT_OK)
        return code;
    unsigned char *const more = wanted <= SIZE_MAX ? (unsigned char *)realloc(*bytes, (size_t)wanted) : NULL;
    if (!more)
        return cli_no_memory(name, wanted);
    *bytes = more;
    *room = (size_t)wanted;
    return EXIT_OK;
}

/* One byte of room beyond the size: a read that leaves it free has met the end. */
static int fill(unsigned char **bytes, size_t *size, cli_source *s, size_t room)
{
    for (*size = 0;;) {
        size_t got;
        int code = cli_source_read(&got, s, *bytes + *size, room - *size);
        if (code != EXIT_OK)
            return code;
        *size += got;
        if (*size < room)
            return EXIT_OK;
        if (*size > CLI_FILE_BYTES)
            return cli_fail(EXIT_INPUT, "%s is longer than %" PRIu64 " bytes, the limit", s->name,
                            CLI_FILE_BYTES);
        if ((code = grow(bytes, &room, s->name)) != EXIT_OK)
            return code;
    }
}

int cli_source_all(unsigned char **bytes, size_t *size, cli_source *s)
{
    void *memory = NULL;
    *bytes = NULL;
    *size = 0;
    if (s->size > CLI_FILE_BYTES)
        return cli_fail(EXIT_INPUT, "%s has %" PRIu64 " bytes; the limit is %" PRIu64, s->name, s->size,
                        CLI_FILE_BYTES);
    const size_t room = s->size ? (size_t)s->size + 1 : FIRST_BYTES;
    int code = cli_memory(&memory, s->name, room, 0);
    if (code != EXIT_OK)
        return code;
    *bytes = (unsigned char *)memory;
    code = fill(bytes, size, s, room);
    if (code == EXIT_OK)
        return EXIT_OK;
    free(*bytes);
    *bytes = NULL;
    return code;
}

/* output.c -- outputs that appear together or not at all.
 *
 * A file is written under a temporary name beside its target, flushed to the disk and closed; commit only
 * renames it, so that an older file stays whole until then. The older file keeps a second name until all
 * outputs have their place, and takes its own back where one of them fails. A device, a pipe or standard
 * output is written at commit. */
#define _XOPEN_SOURCE 700
#include "cli/image.h"
#include "cli/npy.h"
#include "cli/npz.h"
#include "cli/temporary.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WRITE_BYTES = 1 << 30 };

struct cli_output {
    char *target; /* where links lead; NULL when written directly */
    char *name;   /* as given */
    int slot;     /* of the temporary */
    int aside;    /* of the second name of what was there before */
    int fd;
    bool replaces; /* a file that was there before, whose mode is kept */
    mode_t mode;
    bool undo;              /* it has its target's name, and what was there before can have it back */
    bool standard;          /* stdout, which stays open */
    const cli_array *array; /* what to write directly at commit: an array, a picture, or bytes as they are */
    const unsigned char *pixels;
    unsigned char *bytes;
    size_t size; /* of the bytes */
    cli_pixels picture;
};

/* ---- open --------------------------------------------------------------------------------------- */

bool cli_ends_in(const char *name, const char *extension)
{
    const size_t n = strlen(name), e = strlen(extension);
    return n > e && strcasecmp(name + n - e, extension) == 0;
}

bool cli_is_standard(const char *name)
{
    static const char *const names[] = { "-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1" };
    for (size_t k = 0; k < sizeof names / sizeof *names; k++)
        if (strcmp(name, names[k]) == 0)
            return true;
    return false;
}

static int fail_write(const char *name, int why)
{
    return cli_fail(why == ENOMEM ? EXIT_MEMORY : EXIT_INPUT, "%s cannot be written: %s",
                    cli_is_standard(name) ? "standard output" : cli_quote(name), strerror(why));
}

static int refuse_input(const struct stat *target, const char *name, const char *input)
{
    struct stat from;
    if (!input || !S_ISREG(target->st_mode))
        return EXIT_OK;
    const int failed = strcmp(input, "-") == 0 ? fstat(STDIN_FILENO, &from) : stat(input, &from);
    if (failed || from.st_dev != target->st_dev || from.st_ino != target->st_ino)
        return EXIT_OK;
    return cli_fail(EXIT_USAGE, "OUTPUT %s is the same file as INPUT; give it another name", cli_quote(name));
}

/* A new file: nothing may be there, not even a link to nothing, which rename would replace. */
static int resolve_new(cli_output *o, const char *name)
{
    struct stat info;
    if (lstat(name, &info) == 0)
        return cli_fail(EXIT_INPUT, "%s cannot be written: it is a link to a file that does not exist",
                        cli_quote(name));
    o->target = strdup(name);
    return o->target ? EXIT_OK : fail_write(name, errno);
}

static int resolve_old(cli_output *o, const char *name, const struct stat *info)
{
    if (S_ISDIR(info->st_mode))
        return fail_write(name, EISDIR);
    if (faccessat(AT_FDCWD, name, W_OK, AT_EACCESS) != 0)
        return fail_write(name, errno);
    if (!S_ISREG(info->st_mode))
        return EXIT_OK; /* a device or pipe, written directly */
    o->replaces = true;
    o->mode = info->st_mode & 0777;
    o->target = realpath(name, NULL);
    return o->target ? EXIT_OK : fail_write(name, errno);
}

static int check_ending(const char *name, bool npz)
{
    if (npz ? cli_ends_in(name, ".npz") : cli_ends_in(name, ".npy") || cli_ends_in(name, ".png"))
        return EXIT_OK;
    return cli_fail(EXIT_USAGE, "OUTPUT %s must end in %s, or be a device, a pipe or - for standard output",
                    cli_quote(name), npz ? ".npz" : ".npy or .png");
}

static int resolve(cli_output *o, const char *name, const char *input, bool npz)
{
    struct stat info;
    o->standard = cli_is_standard(name);
    const bool there = (o->standard ? fstat(STDOUT_FILENO, &info) : stat(name, &info)) == 0;
    if (!there && (o->standard || errno != ENOENT))
        return fail_write(name, errno);
    int code = there ? refuse_input(&info, name, input) : EXIT_OK;
    if (code == EXIT_OK && !o->standard && (!there || S_ISREG(info.st_mode)))
        code = check_ending(name, npz);
    if (code != EXIT_OK || o->standard)
        return code;
    return there ? resolve_old(o, name, &info) : resolve_new(o, name);
}

static bool has_mode(int fd, mode_t mode)
{
    struct stat info;
    return fstat(fd, &info) == 0 && (info.st_mode & 0777) == mode;
}

/* With the mode of what it replaces before there is a byte in it. */
static int open_temporary(cli_output *o)
{
    cli_temporary_lock();
    o->fd = cli_temporary_create(&o->slot, o->target);
    cli_temporary_unlock();
    return o->fd < 0 || (o->replaces && !has_mode(o->fd, o->mode) && fchmod(o->fd, o->mode) != 0)
               ? fail_write(o->name, errno)
               : EXIT_OK;
}

static int open_output(cli_output **out, const char *name, const char *input, bool npz)
{
    *out = NULL;
    cli_output *const o = (cli_output *)calloc(1, sizeof *o);
    if (!o)
        return cli_fail(EXIT_MEMORY, "no memory is left to open %s", cli_quote(name));
    o->fd = -1;
    o->slot = o->aside = CLI_TEMPORARIES;
    o->name = strdup(name);
    int code = o->name ? resolve(o, name, input, npz) : fail_write(name, errno);
    if (code == EXIT_OK && o->target)
        code = open_temporary(o);
    if (code != EXIT_OK)
        cli_output_abandon(o);
    else
        *out = o;
    return code;
}

int cli_output_open(cli_output **out, const char *name, const char *input)
{
    return open_output(out, name, input, false);
}

int cli_output_open_npz(cli_output **out, const char *name, const char *input)
{
    return open_output(out, name, input, true);
}

/* ---- write -------------------------------------------------------------------------------------- */

typedef struct sink {
    int fd;
    int why; /* errno of the first failure */
} sink;

static bool put(void *user, const void *bytes, size_t size)
{
    sink *const s = (sink *)user;
    const char *from = (const char *)bytes;
    while (size) {
        const ssize_t n = write(s->fd, from, size < WRITE_BYTES ? size : WRITE_BYTES);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            s->why = errno;
            return false;
        }
        from += n;
        size -= (size_t)n;
    }
    return true;
}

static bool put_array(sink *s, const cli_array *a)
{
    char header[CLI_NPY_WRITTEN];
    return put(s, header, cli_npy_format(header, a)) && put(s, a->data, a->bytes);
}

/* A closed pipe shall be a failure of write, not a death. */
static int put_content(const cli_output *o, int fd)
{
    struct sigaction ignore, before;
    sink s = { fd, 0 };
    memset(&ignore, 0, sizeof ignore);
    ignore.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &ignore, &before);
    const bool done = o->bytes   ? put(&s, o->bytes, o->size)
                      : o->array ? put_array(&s, o->array)
                                 : cli_png_encode(put, &s, o->pixels, &o->picture);
    if (done && o->target && fsync(fd) != 0)
        s.why = errno;
    sigaction(SIGPIPE, &before, NULL);
    return done || s.why ? s.why : ENOMEM; /* libpng stops by itself only for lack of memory */
}

static int close_file(cli_output *o)
{
    const int fd = o->fd;
    o->fd = -1;
    return close(fd) == 0 ? 0 : errno;
}

/* A file is written and closed now, where failing still leaves all targets alone. */
static int write_file(cli_output *o)
{
    if (!o->target)
        return EXIT_OK;
    const int why = put_content(o, o->fd), closing = close_file(o);
    return why || closing ? fail_write(o->name, why ? why : closing) : EXIT_OK;
}

int cli_output_npy(cli_output *o, const cli_array *a)
{
    assert(!o->array && !o->pixels && !o->bytes);
    if (cli_ends_in(o->name, ".png"))
        return cli_fail(EXIT_USAGE, "%s is called .png, but an array of this kind can only be .npy",
                        cli_quote(o->name));
    o->array = a;
    return write_file(o);
}

int cli_output_png(cli_output *o, const void *u8, int64_t height, int64_t width, int channels)
{
    assert(!o->array && !o->pixels && !o->bytes);
    if (cli_ends_in(o->name, ".npy") || o->standard)
        return cli_fail(EXIT_USAGE, "%s cannot be a PNG picture; its name must end in .png",
                        cli_quote(o->name));
    if (channels != 1 && channels != 3 && channels != 4)
        return cli_fail(EXIT_INPUT, "%s cannot have %d channels; a PNG picture has 1, 3 or 4",
                        cli_quote(o->name), channels);
    if (height < 1 || width < 1 || height > INT32_MAX || width > INT32_MAX)
        return cli_fail(EXIT_INPUT,
                        "%s cannot have %lldx%lld pixels; a PNG picture has 1 to 2147483647 each way",
                        cli_quote(o->name), (long long)width, (long long)height);
    const cli_pixels picture = { (uint64_t)width, (uint64_t)height, (uint32_t)channels, CLNORM_U8, 0 };
    o->pixels = (const unsigned char *)u8;
    o->picture = picture;
    return write_file(o);
}

int cli_output_npz(cli_output *o, const cli_npz_array *list, size_t count)
{
    assert(!o->array && !o->pixels && !o->bytes);
    const int code = cli_npz_pack(&o->bytes, &o->size, o->name, list, count);
    return code == EXIT_OK ? write_file(o) : code;
}

/* ---- commit ------------------------------------------------------------------------------------- */

static int commit_file(cli_output *o)
{
    struct stat info;
    const bool back = lstat(o->target, &info) == 0 ? cli_temporary_link(&o->aside, o->target) : true;
    if (!cli_temporary_rename(&o->slot, o->target))
        return fail_write(o->name, errno);
    o->undo = back;
    return EXIT_OK;
}

/* The target as it was before: without a second name there was none. */
static void take_back(cli_output *o)
{
    if (!o->undo)
        return;
    if (o->aside == CLI_TEMPORARIES)
        unlink(o->target);
    else
        cli_temporary_rename(&o->aside, o->target);
}

/* That a reader has gone is known to whoever closed the pipe; it is not worth a sentence. */
static int commit_direct(cli_output *o)
{
    o->fd = o->standard ? STDOUT_FILENO : open(o->name, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    if (o->fd < 0)
        return fail_write(o->name, errno);
    int why = put_content(o, o->fd);
    if (!o->standard) {
        const int closing = close_file(o);
        why = why ? why : closing;
    }
    if (why == EPIPE)
        return EXIT_INPUT;
    return why ? fail_write(o->name, why) : EXIT_OK;
}

/* Removes what temporaries there are, and frees it. */
static void discard(cli_output *o)
{
    if (o->fd >= 0 && !o->standard)
        close(o->fd);
    cli_temporary_remove(&o->slot);
    cli_temporary_remove(&o->aside);
    free(o->bytes);
    free(o->target);
    free(o->name);
    free(o);
}

int cli_output_commit_all(cli_output *const *list, size_t count)
{
    int code = EXIT_OK;
    for (size_t i = 0; i < count && code == EXIT_OK; i++) {
        assert(list[i]->array || list[i]->pixels || list[i]->bytes);
        code = list[i]->target ? EXIT_OK : commit_direct(list[i]);
    }
    cli_temporary_lock(); /* a signal comes before all files have their places, or behind it */
    for (size_t i = 0; i < count && code == EXIT_OK; i++)
        code = list[i]->target ? commit_file(list[i]) : EXIT_OK;
    for (size_t i = 0; i < count; i++) {
        if (code != EXIT_OK)
            take_back(list[i]);
        discard(list[i]);
    }
    cli_temporary_unlock();
    return code;
}

int cli_output_commit(cli_output *o) { return cli_output_commit_all(&o, 1); }

void cli_output_abandon(cli_output *o)
{
    if (!o)
        return;
    cli_temporary_lock();
    discard(o);
    cli_temporary_unlock();
}

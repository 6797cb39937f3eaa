/* files.c -- for tests of the command's files: a folder to write in, what stderr was told, damaged bytes. */
#define _XOPEN_SOURCE 700
#include "files.h"
#include "counted.h"

#include <dirent.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* ---- the folder -------------------------------------------------------------------------------- */

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *walk)
{
    (void)info;
    (void)kind;
    (void)walk;
    return remove(path);
}

int files_run(Suite *suite)
{
    char folder[] = "/tmp/clnorm-test-XXXXXX";
    if (!mkdtemp(folder) || chdir(folder) != 0 || chmod(folder, 0755) != 0) {
        perror(folder);
        return 1;
    }
    const int failed = suite_run(suite, CK_FORK_GETENV);
    const int removed = chdir("/") == 0 && nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS) == 0;
    return failed || !removed;
}

void files_write(const char *name, const void *bytes, size_t size)
{
    FILE *const file = fopen(name, "wb");
    ck_assert_msg(file != NULL, "%s", name);
    ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
    ck_assert_int_eq(fclose(file), 0);
}

unsigned char *files_read(const char *name, size_t *size)
{
    struct stat info;
    FILE *const file = fopen(name, "rb");
    ck_assert_msg(file != NULL, "%s", name);
    ck_assert_int_eq(fstat(fileno(file), &info), 0);
    *size = (size_t)info.st_size;
    unsigned char *const bytes = (unsigned char *)calloc(1, *size + 1);
    ck_assert_ptr_nonnull(bytes);
    ck_assert_uint_eq(fread(bytes, 1, *size, file), *size);
    fclose(file);
    return bytes;
}

int files_count(const char *folder)
{
    int entries = -2;
    DIR *const dir = opendir(folder);
    ck_assert_ptr_nonnull(dir);
    while (readdir(dir))
        entries++;
    closedir(dir);
    return entries;
}

/* _exit without the parent's handlers; a reader that stops early is no failure of the feeder. */
void files_feed(const char *fifo, const void *bytes, size_t size, size_t more)
{
    ck_assert_int_eq(mkfifo(fifo, 0600), 0);
    const pid_t feeder = fork();
    ck_assert_int_ge(feeder, 0);
    if (feeder > 0)
        return;
    FILE *const file = fopen(fifo, "wb");
    if (file && fwrite(bytes, 1, size, file) == size)
        while (more-- && fputc(0, file) != EOF)
            ;
    if (file)
        fflush(file);
    _exit(0);
}

/* A process of its own, because one that has changed its user is closed to LeakSanitizer. */
int files_as_nobody(int (*act)(void))
{
    int status = -1;
    const pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        const bool root = geteuid() == 0;
        const int code = root && seteuid(65534) != 0 ? 99 : act();
        counted_exit(root && seteuid(0) != 0 ? 98 : code); /* what is counted is root's */
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

double files_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* ---- .npy ---------------------------------------------------------------------------------------- */

size_t files_npy(unsigned char *to, unsigned major, const char *text, size_t length)
{
    const size_t prefix = major > 1 ? 12 : 10;
    memcpy(to, "\x93NUMPY", 6);
    to[6] = (unsigned char)major;
    to[7] = 0;
    for (size_t i = 0; i < prefix - 8; i++)
        to[8 + i] = (unsigned char)(length >> 8 * i & 0xff);
    memcpy(to + prefix, text, length);
    return prefix + length;
}

size_t files_npy_text(unsigned char *to, const char *text) { return files_npy(to, 1, text, strlen(text)); }

void files_write_npy(const char *name, const char *text, size_t data)
{
    static unsigned char bytes[1 << 16];
    memset(bytes, 0, sizeof bytes);
    files_write(name, bytes, files_npy_text(bytes, text) + data);
}

/* ---- stderr ------------------------------------------------------------------------------------ */

static int kept = -1;
static FILE *caught;

void files_listen(void)
{
    caught = tmpfile(); /* not in the folder, which a test may count, fill or close */
    ck_assert_ptr_nonnull(caught);
    fflush(stderr);
    kept = dup(STDERR_FILENO);
    ck_assert_int_ge(kept, 0);
    ck_assert_int_ge(dup2(fileno(caught), STDERR_FILENO), 0);
}

const char *files_heard(void)
{
    static char text[1 << 16];
    fflush(stderr);
    dup2(kept, STDERR_FILENO);
    close(kept);
    rewind(caught);
    text[fread(text, 1, sizeof text - 1, caught)] = '\0';
    fclose(caught);
    return text;
}

void files_expect(int got, int want, const char *part, const char *call, int line)
{
    const char *const text = files_heard(), *const end = strchr(text, '\n');
    const int lines = end ? 1 + (end[1] != '\0') : 0;
    if (got != want || lines != (part != NULL) || (part && !strstr(text, part)))
        ck_abort_msg("line %d: %s returned %d and said '%s', not %d and '%s'", line, call, got, text, want,
                     part ? part : "");
}

/* ---- damage ------------------------------------------------------------------------------------ */

uint64_t files_seed(void)
{
    const char *const given = getenv("CLNORM_SEED");
    const uint64_t drawn = (uint64_t)time(NULL) * 2654435761u ^ (uint64_t)getpid();
    const uint64_t seed = given ? (uint64_t)strtoull(given, NULL, 0) : drawn;
    printf("CLNORM_SEED=%" PRIu64 "\n", seed);
    fflush(stdout);
    return seed;
}

/* splitmix64: every seed is a good one. */
uint32_t files_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (uint32_t)(z >> 32);
}

/* One to four bytes changed: by a bit, to an extreme, at random; sometimes the end is cut off. */
unsigned char *files_damage(uint64_t *state, const unsigned char *bytes, size_t *size)
{
    static const unsigned char extremes[] = { 0x00, 0x7f, 0x80, 0xff };
    if (files_random(state) % 8 == 0)
        *size = files_random(state) % *size + 1;
    unsigned char *const copy = (unsigned char *)malloc(*size);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, bytes, *size);
    for (uint32_t n = files_random(state) % 4 + 1; n > 0; n--) {
        unsigned char *const at = &copy[files_random(state) % *size];
        const uint32_t draw = files_random(state);
        const unsigned char changes[] = { (unsigned char)(*at ^ 1u << draw % 8), extremes[draw % 4],
                                          (unsigned char)(draw >> 8) };
        *at = changes[draw >> 16 & 1 ? 0 : 1 + (draw >> 17 & 1)];
    }
    return copy;
}

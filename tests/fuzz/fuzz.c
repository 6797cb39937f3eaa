/* fuzz.c -- what the fuzzing targets share. */
#define _XOPEN_SOURCE 700
#include "fuzz.h"

#include <ftw.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- files ---- */

static char directory[256];

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
    (void)st, (void)type, (void)walk;
    return remove(path);
}
static void remove_all(void) { nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS); }

const char *fuzz_directory(void)
{
    if (!directory[0]) {
        const char *tmp = getenv("TMPDIR");
        const int n = snprintf(directory, sizeof directory, "%s/clnorm-fuzz-XXXXXX", tmp ? tmp : "/tmp");
        FUZZ_CHECK(n > 0 && (size_t)n < sizeof directory && mkdtemp(directory));
        umask(S_IRWXG | S_IRWXO);
        atexit(remove_all);
    }
    return directory;
}

void fuzz_write(const char *path, const uint8_t *data, size_t size)
{
    FILE *const file = fopen(path, "wb");
    FUZZ_CHECK(file && fwrite(data, 1, size, file) == size);
    FUZZ_CHECK(fclose(file) == 0);
}

uint8_t *fuzz_read(const char *path, size_t *size)
{
    struct stat st;
    FILE *const file = fopen(path, "rb");
    FUZZ_CHECK(file && fstat(fileno(file), &st) == 0);
    uint8_t *const data = (uint8_t *)malloc(st.st_size ? (size_t)st.st_size : 1);
    *size = (size_t)st.st_size;
    FUZZ_CHECK(data && fread(data, 1, *size, file) == *size);
    fclose(file);
    return data;
}

/* ---- what is printed ---- */

/* glibc lets stdout and stderr be assigned, which costs less than files do. */
static FILE *kept_out, *kept_err, *stream;
static char *text;
static size_t length;

void fuzz_listen(void)
{
    free(text);
    stream = open_memstream(&text, &length);
    FUZZ_CHECK(stream);
    kept_out = stdout;
    kept_err = stderr;
    stdout = stderr = stream;
}

const char *fuzz_heard(void)
{
    stdout = kept_out;
    stderr = kept_err;
    FUZZ_CHECK(fclose(stream) == 0);
    FUZZ_CHECK(strlen(text) == length);
    for (const char *c = text; *c; c++)
        FUZZ_CHECK(*c == '\n' || *c == '\t' || ((unsigned char)*c >= ' ' && *c != 0x7f));
    return text;
}

/* scratch.h -- a directory of its own for a test, and files in it. Define _XOPEN_SOURCE 700 before. */
#ifndef SCRATCH_H
#define SCRATCH_H

#include <check.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SCRATCH_PATH 256

static inline void scratch_create(char root[SCRATCH_PATH])
{
    strcpy(root, "/tmp/clnorm-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
}

static inline int scratch_remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
    (void)st, (void)type, (void)walk;
    return remove(path);
}
static inline void scratch_remove(const char *root)
{
    nftw(root, scratch_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* root/name, into path[SCRATCH_PATH]. */
static inline const char *scratch_path(char *path, const char *root, const char *name)
{
    const int n = snprintf(path, SCRATCH_PATH, "%s/%s", root, name);
    ck_assert(n > 0 && n < SCRATCH_PATH);
    return path;
}

static inline void scratch_write(const char *path, const void *data, size_t bytes)
{
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(data, 1, bytes, file), bytes);
    ck_assert_int_eq(fclose(file), 0);
}

/* The file's bytes and a NUL, malloc'ed. */
static inline unsigned char *scratch_read(const char *path, size_t *bytes)
{
    FILE *file = fopen(path, "rb");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fseek(file, 0, SEEK_END), 0);
    *bytes = (size_t)ftell(file);
    rewind(file);
    unsigned char *data = (unsigned char *)malloc(*bytes + 1);
    ck_assert_ptr_nonnull(data);
    ck_assert_uint_eq(fread(data, 1, *bytes, file), *bytes);
    data[*bytes] = '\0';
    fclose(file);
    return data;
}

#endif

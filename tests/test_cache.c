/* test_cache.c -- binaries on disk: what is saved comes back, and nothing else does. */
#define _XOPEN_SOURCE 700
#define XXH_INLINE_ALL
#include "cache_case.h"

#include <xxhash.h>

/* The layout of a file: magic, checksum, format, bytes of the key, bytes of the binary, key, binary. */
#define AT_CHECK 8
#define AT_FORMAT 24
#define AT_KEY_BYTES 28
#define AT_BINARY_BYTES 32
#define AT_KEY 40

/* The one that is opened next. */
static int next_descriptor(void)
{
    const int fd = dup(STDERR_FILENO);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(close(fd), 0);
    return fd;
}

START_TEST(round_trip)
{
    const int next = next_descriptor();
    struct stat st;
    bool rejected;
    ck_assert(save());
    ck_assert(loads(key, &rejected));
    ck_assert(save()); /* over the old one */
    ck_assert(loads(key, &rejected));
    ck_assert_int_eq(entries(dir), 1);
    ck_assert_int_eq(lstat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0600);
    ck_assert_int_eq(lstat(dir, &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0700);
    ck_assert_int_eq(chmod(path, 0666), 0);
    refused(key);
    ck_assert_int_eq(next_descriptor(), next); /* none is left open */
}
END_TEST

START_TEST(missing_is_not_rejected)
{
    bool rejected = true;
    ck_assert(!loads(key, &rejected));
    ck_assert(!rejected);
    ck_assert(save());
    ck_assert(!loads("another key", &rejected));
    ck_assert(!rejected);
}
END_TEST

START_TEST(nothing_is_not_saved)
{
    ck_assert(!cln_cache_save(dir, key, binary, 0));
    ck_assert(!cln_cache_save(dir, key, binary, SIZE_MAX - 4)); /* refused by its length alone */
    ck_assert(!cln_cache_save(dir, key, binary, ((size_t)256 << 20) + 1));
    ck_assert_int_eq(entries(dir), 0);
}
END_TEST

/* Writes over the saved file and closes it to others, so that its bytes alone decide. */
static void replace(const unsigned char *file, size_t bytes)
{
    scratch_write(path, file, bytes);
    ck_assert_int_eq(chmod(path, 0600), 0);
}

START_TEST(any_byte_changed)
{
    size_t bytes;
    ck_assert(save());
    unsigned char *file = scratch_read(path, &bytes);
    ck_assert_uint_eq(bytes, AT_KEY + strlen(key) + sizeof binary);
    for (size_t i = 0; i < bytes; i++) {
        file[i] ^= (unsigned char)(1u << i % 8);
        replace(file, bytes);
        refused(key);
        file[i] ^= (unsigned char)(1u << i % 8);
    }
    bool rejected;
    replace(file, bytes);
    ck_assert(loads(key, &rejected));
    free(file);
}
END_TEST

START_TEST(any_other_length)
{
    size_t bytes;
    ck_assert(save());
    unsigned char *file = scratch_read(path, &bytes);
    for (size_t n = 0; n < bytes; n++) {
        replace(file, n);
        refused(key);
    }
    replace(file, bytes + 1); /* scratch_read puts a NUL behind */
    refused(key);
    free(file);
}
END_TEST

/* Rewrites a field and makes the checksum right again: what is refused is refused for the field. */
static void forge(size_t at, const void *value, size_t value_bytes)
{
    size_t bytes;
    XXH128_canonical_t check;
    ck_assert(save());
    unsigned char *file = scratch_read(path, &bytes);
    memcpy(file + at, value, value_bytes);
    XXH128_canonicalFromHash(&check, XXH3_128bits(file + AT_FORMAT, bytes - AT_FORMAT));
    memcpy(file + AT_CHECK, check.digest, sizeof check.digest);
    replace(file, bytes);
    free(file);
}

START_TEST(forged_fields)
{
    static const uint32_t formats[] = { 0, 2, 0x01000000u, 1 };
    static const uint32_t keys[] = { 0, 1, sizeof key, 0x7fffffffu, 0xffffffffu };
    static const uint64_t binaries[] = { 0, sizeof binary + 1, UINT64_MAX, UINT64_MAX - AT_KEY + 1,
                                         1ull << 40 };
    bool rejected;
    forge(AT_FORMAT, &formats[3], 4); /* the one we write: forging itself is right */
    ck_assert(loads(key, &rejected));
    for (size_t i = 0; i < CLN_COUNT(formats) - 1; i++) {
        forge(AT_FORMAT, &formats[i], 4);
        refused(key);
    }
    for (size_t i = 0; i < CLN_COUNT(keys); i++) {
        forge(AT_KEY_BYTES, &keys[i], 4);
        refused(key);
    }
    for (size_t i = 0; i < CLN_COUNT(binaries); i++) {
        forge(AT_BINARY_BYTES, &binaries[i], 8);
        refused(key);
    }
    forge(AT_KEY + 3, "X", 1);
    refused(key);
}
END_TEST

START_TEST(file_of_another_key)
{
    char other[] = "clnorm 0\nsource 2\noptions -DWG=1\n";
    ck_assert_uint_eq(strlen(other), strlen(key));
    char from[SCRATCH_PATH];
    ck_assert(save());
    strcpy(from, path);
    cln_cache_path(path, sizeof path, dir, other);
    ck_assert_str_ne(from, path);
    ck_assert_int_eq(rename(from, path), 0);
    refused(other);
}
END_TEST

START_TEST(link_in_place_of_file)
{
    char aside[SCRATCH_PATH];
    struct stat st;
    bool rejected;
    ck_assert(save());
    ck_assert_int_eq(rename(path, scratch_path(aside, root, "aside")), 0);
    ck_assert_int_eq(symlink(aside, path), 0);
    refused(key);
    ck_assert_int_eq(lstat(aside, &st), 0); /* the link went, not what it points to */
    ck_assert_int_eq(symlink(aside, path), 0);
    ck_assert(save());
    ck_assert(loads(key, &rejected));
    ck_assert_int_eq(lstat(path, &st), 0);
    ck_assert(S_ISREG(st.st_mode));
}
END_TEST

START_TEST(fifo_in_place_of_file)
{
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    refused(key);
}
END_TEST

START_TEST(directory_in_place_of_file)
{
    bool rejected;
    ck_assert_int_eq(mkdir(path, 0700), 0);
    ck_assert(!loads(key, &rejected));
    ck_assert(rejected);
    ck_assert(!save());
    ck_assert_int_eq(entries(dir), 1); /* and no temporary */
}
END_TEST

START_TEST(file_that_others_may_write)
{
    static const mode_t modes[] = { 0620, 0602, 0666, 0660 };
    for (size_t i = 0; i < CLN_COUNT(modes); i++) {
        ck_assert(save());
        ck_assert_int_eq(chmod(path, modes[i]), 0);
        refused(key);
    }
}
END_TEST

START_TEST(file_of_another_user)
{
    if (geteuid() != 0) {
        fprintf(stderr, "file_of_another_user is left out: only root gives files away\n");
        return;
    }
    ck_assert(save());
    ck_assert_int_eq(chown(path, NOBODY, NOBODY), 0);
    refused(key);
}
END_TEST

START_TEST(file_too_long)
{
    ck_assert(save());
    ck_assert_int_eq(truncate(path, ((off_t)256 << 20) + 1), 0);
    refused(key);
}
END_TEST

int main(void)
{
    TCase *t = SUITE_CASE(round_trip, missing_is_not_rejected, nothing_is_not_saved, any_byte_changed,
                          any_other_length, forged_fields, file_of_another_key, link_in_place_of_file,
                          fifo_in_place_of_file, directory_in_place_of_file, file_that_others_may_write,
                          file_of_another_user, file_too_long);
    tcase_add_checked_fixture(t, setup, teardown);
    alarm(120); /* without a fork Check cannot end a test that hangs */
    return suite_run(suite_of("cache", t), CK_NOFORK);
}

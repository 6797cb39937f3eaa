/* fuzz_cache.c -- a file in the cache of binaries: believed is what is saved, byte for byte, and nothing else.
 *
 * An input is the content of the file. One that is not believed needs to be gone. */
#define _XOPEN_SOURCE 700
#include "fuzz.h"

#include "device/device.h"

#define XXH_INLINE_ALL
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

static const char key[] = "clnorm 0\nsource 1\noptions -DWG=1\n";

/* What save writes for the binary that was loaded is the file that it was loaded from. */
static void check_saved(const char *path, const unsigned char *binary, size_t bytes, const uint8_t *data,
                        size_t size)
{
    size_t n;
    FUZZ_CHECK(cln_cache_save(fuzz_directory(), key, binary, bytes));
    uint8_t *const file = fuzz_read(path, &n);
    FUZZ_CHECK(n == size && memcmp(file, data, size) == 0);
    free(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[4096];
    unsigned char *binary;
    size_t bytes;
    bool rejected;
    cln_cache_path(path, sizeof path, fuzz_directory(), key);
    fuzz_write(path, data, size);
    if (cln_cache_load(fuzz_directory(), key, &binary, &bytes, &rejected)) {
        FUZZ_CHECK(!rejected && binary && bytes > 0 && bytes < size);
        check_saved(path, binary, bytes, data, size);
    } else {
        FUZZ_CHECK(rejected && !binary && bytes == 0);
        FUZZ_CHECK(access(path, F_OK) != 0);
    }
    free(binary);
    return 0;
}

#ifdef CLNORM_FUZZ
enum { AT_CHECK = 8, AT_CHECKED = 24 };

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed)
{
    XXH128_canonical_t check;
    const size_t n = LLVMFuzzerMutate(data, size, room);
    if (seed % 4 && n > AT_CHECKED) {
        XXH128_canonicalFromHash(&check, XXH3_128bits(data + AT_CHECKED, n - AT_CHECKED));
        memcpy(data + AT_CHECK, check.digest, sizeof check.digest);
    }
    return n;
}
#endif

/* fuzz_image.c -- an input file of the command: .npy, PNG, JPEG, WebP, PPM, PGM or none of them.
 *
 * It is refused with one sentence, or becomes an array of the size that it says. */
#include "fuzz.h"

#include "cli/image.h"
#include "cli/npy.h"
#include "pictures.h"

#include <string.h>

/* Larger pictures are right to take seconds, which are not spent here. The linker puts this in the place of
 * what the decoders call (--wrap). */
#define PIXELS ((uint64_t)1 << 18)
int __real_cli_image_alloc(cli_array *out, const char *name, const cli_pixels *p);
int __wrap_cli_image_alloc(cli_array *out, const char *name, const cli_pixels *p);
int __wrap_cli_image_alloc(cli_array *out, const char *name, const cli_pixels *p)
{
    if (p->width <= CLI_IMAGE_LENGTH && p->height <= CLI_IMAGE_LENGTH && p->width * p->height > PIXELS)
        return cli_fail(EXIT_INPUT, "%s is too large to be fuzzed", name);
    return __real_cli_image_alloc(out, name, p);
}

static void check_array(const cli_array *a)
{
    size_t bytes = a->dtype ? clnorm_dtype_bytes(a->dtype) : 8;
    FUZZ_CHECK(bytes > 0 && a->data && a->ndim >= 1 && a->ndim <= CLNORM_MAX_DIMS);
    for (uint32_t k = 0; k < a->ndim; k++) {
        FUZZ_CHECK(a->shape[k] >= (a->image ? 1 : 0));
        bytes *= (size_t)a->shape[k];
    }
    FUZZ_CHECK(bytes == a->bytes);
    FUZZ_CHECK(!a->image || (a->ndim == 4 && (a->shape[3] == 1 || a->shape[3] == 3)));
}

/* What is written for it is read as it. */
static void check_header(const cli_array *a)
{
    char text[CLI_NPY_WRITTEN];
    cli_npy h;
    const size_t n = cli_npy_format(text, a);
    FUZZ_CHECK(cli_npy_parse(&h, (const unsigned char *)text, n, a->dtype == CLNORM_BF16));
    FUZZ_CHECK(h.dtype == a->dtype && h.ndim == a->ndim && h.data_offset == n);
    FUZZ_CHECK(memcmp(h.shape, a->shape, a->ndim * sizeof *h.shape) == 0);
}

typedef int reader(cli_array *out, const char *path, bool option);
static int read_any(cli_array *out, const char *path, bool bf16) { return cli_read(out, path, bf16, false); }
static int read_rgb8(cli_array *out, const char *path, bool bf16) { return cli_read(out, path, bf16, true); }

static int read_once(cli_array *out, reader *read, const char *path, bool option)
{
    fuzz_listen();
    const int code = read(out, path, option);
    const char *text = fuzz_heard();
    FUZZ_CHECK(code == EXIT_OK || code == EXIT_INPUT || code == EXIT_MEMORY);
    if (code == EXIT_OK) {
        FUZZ_CHECK(text[0] == '\0');
        return code;
    }
    FUZZ_CHECK(strncmp(text, "clnorm: ", 8) == 0 && text[8]);
    FUZZ_CHECK(strchr(text, '\n') == text + strlen(text) - 1);
    FUZZ_CHECK(!out->data);
    return code;
}

static void try_reader(reader *read, const char *path, bool option)
{
    cli_array a;
    if (read_once(&a, read, path, option) == EXIT_OK) {
        check_array(&a);
        check_header(&a);
    }
    cli_array_free(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/input", fuzz_directory());
    fuzz_write(path, data, size);
    try_reader(read_any, path, false);
    if (size > 1 && data[0] == 0x93) {
        try_reader(read_any, path, true);
        try_reader(cli_read_npy, path, false);
    } else
        try_reader(read_rgb8, path, false);
    return 0;
}

#ifdef CLNORM_FUZZ
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed)
{
    const size_t n = LLVMFuzzerMutate(data, size, room);
    if (seed % 4 && n > 8 && memcmp(data, "\x89PNG", 4) == 0)
        png_mend(data, n);
    return n;
}
#endif

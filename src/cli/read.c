/* read.c -- an input by its content: which type it is, whether its name agrees, who decodes it. */
#include "cli/image.h"
#include "cli/input.h"
#include "cli/npy.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define READABLE ".npy, PNG, JPEG, WebP and binary PPM and PGM files are read"

typedef struct options {
    bool bf16, rgb8, npy_only;
} options;

/* ---- types ------------------------------------------------------------------------------------- */

typedef struct file_type {
    const char *name;
    const char *magic; /* the first bytes; '?' fits any */
    const char *extensions[3];
    int (*decode)(cli_array *out, const cli_file *file);
    const char *hint; /* not NULL: a type that is only known to be refused by name */
} file_type;

#define NPY_TYPE 0
static const file_type types[] = {
    { "an .npy file", "\x93NUMPY", { ".npy" }, NULL, NULL },
    { "a PNG file", "\x89PNG\r\n\x1a\n", { ".png" }, cli_png_decode, NULL },
    { "a JPEG file", "\xff\xd8\xff", { ".jpg", ".jpeg", ".jpe" }, cli_jpeg_decode, NULL },
    { "a WebP file", "RIFF????WEBP", { ".webp" }, cli_webp_decode, NULL },
    { "a PPM file", "P6", { ".ppm", ".pnm" }, cli_pnm_decode, NULL },
    { "a PGM file", "P5", { ".pgm", ".pnm" }, cli_pnm_decode, NULL },
    { "a zip archive, perhaps .npz", "PK\x03\x04", { ".npz", ".zip" }, NULL, "save the array with np.save" },
    { "an empty zip archive", "PK\x05\x06", { ".npz", ".zip" }, NULL, READABLE },
    { "a GIF file", "GIF8", { ".gif" }, NULL, READABLE },
    { "a TIFF file", "II*", { ".tif", ".tiff" }, NULL, READABLE },
    { "a TIFF file", "MM?*", { ".tif", ".tiff" }, NULL, READABLE },
    { "a HEIF or AVIF file", "????ftyp", { ".heic", ".heif", ".avif" }, NULL, READABLE },
    { "a text PPM file", "P3", { ".ppm", ".pnm" }, NULL, READABLE },
    { "a text PGM file", "P2", { ".pgm", ".pnm" }, NULL, READABLE },
    { "a PBM file", "P4", { ".pbm", ".pnm" }, NULL, READABLE },
    { "a BMP file", "BM", { ".bmp" }, NULL, READABLE },
};

static bool has_magic(const cli_source *s, const char *magic)
{
    size_t i = 0;
    while (magic[i] && i < s->head_bytes && (magic[i] == '?' || (unsigned char)magic[i] == s->head[i]))
        i++;
    return !magic[i];
}

static const file_type *sniff(const cli_source *s)
{
    for (size_t i = 0; i < COUNT(types); i++)
        if (has_magic(s, types[i].magic))
            return &types[i];
    return NULL;
}

static bool is_called(const file_type *type, const char *extension)
{
    for (size_t i = 0; i < COUNT(type->extensions) && type->extensions[i]; i++)
        if (strcasecmp(type->extensions[i], extension) == 0)
            return true;
    return false;
}

/* The extension where some type is called so, else NULL. */
static const char *known_extension(const char *name)
{
    const char *const slash = strrchr(name, '/'), *const dot = strrchr(slash ? slash : name, '.');
    for (size_t i = 0; dot && i < COUNT(types); i++)
        if (is_called(&types[i], dot))
            return dot;
    return NULL;
}

static int check_type(const file_type *type, const cli_source *s, const char *name, const options *o)
{
    const char *const extension = known_extension(name);
    const bool npy = type == &types[NPY_TYPE];
    if (!type && extension)
        return cli_fail(EXIT_INPUT, "%s is called %s, but its content is not; " READABLE, s->name, extension);
    if (!type)
        return cli_fail(EXIT_INPUT, "%s is of no known type; " READABLE, s->name);
    if (extension && !is_called(type, extension))
        return cli_fail(EXIT_INPUT, "%s is %s, but is called %s; rename it", s->name, type->name, extension);
    if (type->hint)
        return cli_fail(EXIT_INPUT, "%s is %s; %s", s->name, type->name, type->hint);
    if (o->npy_only && !npy)
        return cli_fail(EXIT_INPUT, "%s is %s; only an .npy file will do here", s->name, type->name);
    return EXIT_OK;
}

/* ---- .npy -------------------------------------------------------------------------------------- */

static int refuse_npy(const cli_source *s, const cli_npy *h)
{
    return cli_fail(EXIT_INPUT, "%s is refused: %s", s->name, h->why);
}

static int read_header(cli_npy *h, cli_source *s, const options *o)
{
    unsigned char bytes[CLI_NPY_HEADER];
    size_t prefix, rest = 0;
    int code = cli_source_read(&prefix, s, bytes, CLI_NPY_PREFIX);
    if (code != EXIT_OK)
        return code;
    const size_t length = cli_npy_length(h, bytes, prefix);
    if (!length)
        return refuse_npy(s, h);
    code = cli_source_read(&rest, s, bytes + CLI_NPY_PREFIX, length - CLI_NPY_PREFIX);
    if (code != EXIT_OK)
        return code;
    if (!cli_npy_parse(h, bytes, prefix + rest, o->bf16))
        return refuse_npy(s, h);
    if (h->dtype == 0 && !o->npy_only)
        return cli_fail(EXIT_INPUT, "%s is refused: its type is '<u8', which only counts may have", s->name);
    return EXIT_OK;
}

static int fail_length(const cli_source *s, const cli_npy *h, const char *relation)
{
    return cli_fail(EXIT_INPUT, "%s holds %s than the %zu bytes of data that its .npy header says", s->name,
                    relation, h->elements * h->element_bytes);
}

/* Through a small buffer, so that a file of doubles never takes more than its f32 array. A double beyond
 * f32 becomes infinite. */
static int read_doubles(size_t *got, cli_source *s, float *data, size_t elements)
{
    double buffer[4096];
    int code = EXIT_OK;
    for (size_t done = 0, part; code == EXIT_OK && done < elements; done += part) {
        size_t bytes;
        part = elements - done < COUNT(buffer) ? elements - done : COUNT(buffer);
        code = cli_source_read(&bytes, s, buffer, part * sizeof *buffer);
        *got += bytes;
        for (size_t i = 0; i < bytes / sizeof *buffer; i++)
            data[done + i] = (float)buffer[i];
        if (bytes < part * sizeof *buffer)
            break;
    }
    return code;
}

static int read_data(cli_array *out, cli_source *s, const cli_npy *h)
{
    const size_t wanted = h->elements * h->element_bytes;
    const bool doubles = h->dtype == CLNORM_F32 && h->element_bytes == sizeof(double);
    size_t got = 0, more = 0;
    char beyond;
    out->bytes = doubles ? h->elements * sizeof(float) : wanted;
    int code = cli_memory(&out->data, s->name, out->bytes, 0);
    if (code == EXIT_OK)
        code = doubles ? read_doubles(&got, s, (float *)out->data, h->elements)
                       : cli_source_read(&got, s, out->data, wanted);
    if (code == EXIT_OK && got < wanted)
        return fail_length(s, h, "less");
    if (code == EXIT_OK)
        code = cli_source_read(&more, s, &beyond, 1);
    return code == EXIT_OK && more ? fail_length(s, h, "more") : code;
}

static int read_npy(cli_array *out, cli_source *s, const options *o)
{
    cli_npy h;
    const int code = read_header(&h, s, o);
    if (code != EXIT_OK)
        return code;
    const uint64_t wanted = h.data_offset + (uint64_t)h.elements * h.element_bytes;
    if (s->size && s->size != wanted) /* before memory is taken for a header's empty promise */
        return fail_length(s, &h, s->size < wanted ? "less" : "more");
    out->dtype = h.dtype;
    out->ndim = h.ndim;
    memcpy(out->shape, h.shape, sizeof out->shape);
    return read_data(out, s, &h);
}

/* ---- images and all ---------------------------------------------------------------------------- */

static int read_image(cli_array *out, cli_source *s, const file_type *type, const options *o)
{
    unsigned char *bytes;
    cli_file file = { s->name, NULL, 0, o->rgb8 };
    int code = cli_source_all(&bytes, &file.size, s);
    if (code != EXIT_OK)
        return code;
    file.data = bytes;
    code = type->decode(out, &file);
    free(bytes);
    return code;
}

static int read_input(cli_array *out, const char *name, const options *o)
{
    cli_source s;
    memset(out, 0, sizeof *out);
    int code = cli_source_open(&s, name);
    if (code != EXIT_OK)
        return code;
    const file_type *const type = sniff(&s);
    code = check_type(type, &s, name, o);
    if (code == EXIT_OK)
        code = type->decode ? read_image(out, &s, type, o) : read_npy(out, &s, o);
    cli_source_close(&s);
    if (code != EXIT_OK)
        cli_array_free(out);
    return code;
}

int cli_read(cli_array *out, const char *name, bool bf16, bool rgb8)
{
    const options o = { bf16, rgb8, false };
    return read_input(out, name, &o);
}

int cli_read_npy(cli_array *out, const char *name, bool bf16)
{
    const options o = { bf16, false, true };
    return read_input(out, name, &o);
}

void cli_array_free(cli_array *a)
{
    free(a->data);
    memset(a, 0, sizeof *a);
}

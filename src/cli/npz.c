/* npz.c -- .npz files, by libzip: whole archives in memory, each array believed only as far as its bytes go. */
#include "cli/npz.h"
#include "cli/input.h"
#include "cli/npy.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <zip.h>

enum { FIRST_OF_1980 = 1 << 5 | 1 }; /* the date that numpy.savez writes too */

struct cli_npz {
    const char *name; /* quoted, for sentences */
    unsigned char *bytes;
    size_t size;
    zip_t *zip;
};

static int refuse(const cli_npz *z, const char *why)
{
    return cli_fail(EXIT_INPUT, "%s is refused: %s", z->name, why);
}

/* libzip tells lack of memory from damage. */
static int fail_zip(const cli_npz *z, zip_error_t *error)
{
    if (zip_error_code_zip(error) == ZIP_ER_MEMORY)
        return cli_no_memory(z->name, z->size);
    return cli_fail(EXIT_INPUT, "%s is refused: as a zip archive it is damaged (%s)", z->name,
                    zip_error_strerror(error));
}

/* ---- read --------------------------------------------------------------------------------------- */

static int read_bytes(cli_npz *z, const char *name)
{
    cli_source s;
    int code = cli_source_open(&s, name);
    if (code != EXIT_OK)
        return code;
    z->name = s.name;
    const bool zip = s.head_bytes >= 4 && (!memcmp(s.head, "PK\3\4", 4) || !memcmp(s.head, "PK\5\6", 4));
    code = zip ? cli_source_all(&z->bytes, &z->size, &s)
               : refuse(z, "it is no .npz file, whose first bytes are PK");
    cli_source_close(&s);
    return code;
}

static int open_zip(cli_npz *z)
{
    zip_error_t error;
    int code = EXIT_OK;
    zip_error_init(&error);
    zip_source_t *const source = zip_source_buffer_create(z->bytes, z->size, 0, &error);
    z->zip = source ? zip_open_from_source(source, ZIP_RDONLY | ZIP_CHECKCONS, &error) : NULL;
    if (!z->zip) {
        code = fail_zip(z, &error);
        zip_source_free(source);
    } else if (zip_get_num_entries(z->zip, 0) > CLI_NPZ_ARRAYS)
        code = cli_fail(EXIT_INPUT, "%s is refused: it has %" PRId64 " arrays; the limit is %d", z->name,
                        (int64_t)zip_get_num_entries(z->zip, 0), CLI_NPZ_ARRAYS);
    zip_error_fini(&error);
    return code;
}

int cli_npz_open(cli_npz **out, const char *name)
{
    *out = NULL;
    cli_npz *const z = (cli_npz *)calloc(1, sizeof *z);
    if (!z)
        return cli_no_memory(cli_quote(name), sizeof *z);
    int code = read_bytes(z, name);
    if (code == EXIT_OK)
        code = open_zip(z);
    if (code == EXIT_OK)
        *out = z;
    else
        cli_npz_close(z);
    return code;
}

/* One array on its way out of the archive. */
typedef struct entry {
    const cli_npz *z;
    const char *name;
    zip_file_t *file;
    uint64_t size; /* as the archive's list says */
    cli_npy h;
} entry;

static int refuse_array(const entry *e, const char *why)
{
    return cli_fail(EXIT_INPUT, "%s is refused: its array %s: %s", e->z->name, e->name, why);
}

static int read_part(size_t *got, const entry *e, void *to, size_t room)
{
    for (*got = 0; *got < room;) {
        const zip_int64_t n = zip_fread(e->file, (unsigned char *)to + *got, room - *got);
        if (n < 0)
            return refuse_array(e, zip_error_strerror(zip_file_get_error(e->file)));
        if (n == 0)
            break;
        *got += (size_t)n;
    }
    return EXIT_OK;
}

static int find(entry *e)
{
    char name[CLI_NPZ_NAME + sizeof ".npy"];
    zip_stat_t stat;
    assert(strlen(e->name) < CLI_NPZ_NAME);
    strcat(strcpy(name, e->name), ".npy");
    const zip_int64_t at = zip_name_locate(e->z->zip, name, 0);
    if (at < 0 || zip_stat_index(e->z->zip, (zip_uint64_t)at, 0, &stat) != 0)
        return cli_fail(EXIT_INPUT, "%s has no array %s", e->z->name, e->name);
    e->size = stat.size;
    if (stat.size / CLI_NPZ_RATIO > stat.comp_size)
        return refuse_array(e, "it claims to be over a thousand times as long as its bytes in the file");
    e->file = zip_fopen_index(e->z->zip, (zip_uint64_t)at, 0);
    return e->file ? EXIT_OK : refuse_array(e, zip_error_strerror(zip_get_error(e->z->zip)));
}

static int read_header(entry *e)
{
    unsigned char bytes[CLI_NPY_HEADER];
    size_t prefix, rest = 0;
    int code = read_part(&prefix, e, bytes, CLI_NPY_PREFIX);
    if (code != EXIT_OK)
        return code;
    const size_t length = cli_npy_length(&e->h, bytes, prefix);
    if (!length)
        return refuse_array(e, e->h.why);
    code = read_part(&rest, e, bytes + CLI_NPY_PREFIX, length - CLI_NPY_PREFIX);
    if (code != EXIT_OK)
        return code;
    if (!cli_npy_parse(&e->h, bytes, prefix + rest, false))
        return refuse_array(e, e->h.why);
    const uint64_t wanted = e->h.data_offset + (uint64_t)e->h.elements * e->h.element_bytes;
    return e->size == wanted ? EXIT_OK
                             : refuse_array(e, "its .npy header says another length than the archive");
}

/* A double beyond f32 becomes infinite. Each float ends where its double began, or before. */
static void round_doubles(cli_array *a, size_t elements)
{
    for (size_t i = 0; i < elements; i++) {
        double from;
        memcpy(&from, (const char *)a->data + i * sizeof from, sizeof from);
        const float to = (float)from;
        memcpy((char *)a->data + i * sizeof to, &to, sizeof to);
    }
    a->bytes = elements * sizeof(float);
}

/* The end is read too: there libzip compares the checksum. */
static int read_data(cli_array *out, const entry *e)
{
    size_t got = 0, more = 0;
    char beyond;
    out->dtype = e->h.dtype;
    out->ndim = e->h.ndim;
    memcpy(out->shape, e->h.shape, sizeof out->shape);
    out->bytes = e->h.elements * e->h.element_bytes;
    int code = cli_memory(&out->data, e->z->name, out->bytes, 0);
    if (code == EXIT_OK)
        code = read_part(&got, e, out->data, out->bytes);
    if (code == EXIT_OK)
        code = read_part(&more, e, &beyond, 1);
    if (code == EXIT_OK && (got < out->bytes || more))
        return refuse_array(e, "it is shorter or longer than it says");
    if (code == EXIT_OK && e->h.dtype == CLNORM_F32 && e->h.element_bytes == sizeof(double))
        round_doubles(out, e->h.elements);
    return code;
}

int cli_npz_read(cli_array *out, const cli_npz *z, const char *array)
{
    entry e = { .z = z, .name = array };
    memset(out, 0, sizeof *out);
    int code = find(&e);
    if (code == EXIT_OK)
        code = read_header(&e);
    if (code == EXIT_OK)
        code = read_data(out, &e);
    if (e.file)
        zip_fclose(e.file);
    if (code != EXIT_OK)
        cli_array_free(out);
    return code;
}

void cli_npz_close(cli_npz *z)
{
    if (!z)
        return;
    if (z->zip)
        zip_discard(z->zip);
    free(z->bytes);
    free(z);
}

/* ---- write -------------------------------------------------------------------------------------- */

/* The .npy file of an array, which libzip frees. */
static zip_source_t *make_source(zip_t *zip, const cli_array *a)
{
    char header[CLI_NPY_WRITTEN];
    const size_t n = cli_npy_format(header, a);
    char *const bytes = (char *)malloc(n + a->bytes);
    if (!bytes)
        return NULL;
    memcpy(bytes, header, n);
    if (a->bytes)
        memcpy(bytes + n, a->data, a->bytes);
    zip_source_t *const source = zip_source_buffer(zip, bytes, n + a->bytes, 1);
    if (!source)
        free(bytes);
    return source;
}

static bool add(zip_t *zip, const cli_npz_array *array)
{
    char name[CLI_NPZ_NAME + sizeof ".npy"];
    assert(strlen(array->name) < CLI_NPZ_NAME);
    strcat(strcpy(name, array->name), ".npy");
    zip_source_t *const source = make_source(zip, array->array);
    const zip_int64_t at = source ? zip_file_add(zip, name, source, ZIP_FL_ENC_UTF_8) : -1;
    if (at < 0) {
        zip_source_free(source);
        return false;
    }
    return zip_set_file_compression(zip, (zip_uint64_t)at, ZIP_CM_STORE, 0) == 0 &&
           zip_file_set_dostime(zip, (zip_uint64_t)at, 0, FIRST_OF_1980, 0) == 0;
}

static bool read_back(unsigned char **bytes, size_t *size, zip_source_t *source)
{
    zip_stat_t stat;
    if (zip_source_stat(source, &stat) != 0 || zip_source_open(source) != 0)
        return false;
    *size = (size_t)stat.size;
    *bytes = (unsigned char *)malloc(*size ? *size : 1);
    const bool done = *bytes && zip_source_read(source, *bytes, stat.size) == (zip_int64_t)stat.size;
    zip_source_close(source);
    return done;
}

int cli_npz_pack(unsigned char **bytes, size_t *size, const char *name, const cli_npz_array *list,
                 size_t count)
{
    *bytes = NULL;
    *size = 0;
    zip_source_t *const source = zip_source_buffer_create(NULL, 0, 0, NULL);
    zip_t *const zip = source ? zip_open_from_source(source, ZIP_CREATE | ZIP_TRUNCATE, NULL) : NULL;
    uint64_t wanted = 0;
    bool done = zip != NULL;
    if (done)
        zip_source_keep(source); /* closing gives back what opening took */
    for (size_t i = 0; i < count; i++) {
        wanted += list[i].array->bytes;
        done = done && add(zip, &list[i]);
    }
    if (done)
        done = zip_close(zip) == 0;
    if (zip && !done)
        zip_discard(zip);
    done = done && read_back(bytes, size, source);
    zip_source_free(source);
    if (done)
        return EXIT_OK;
    free(*bytes);
    *bytes = NULL;
    return cli_no_memory(cli_quote(name), wanted);
}

/* tensors.c -- --in and --out: the further tensors of an op as .npy files. */
#define _XOPEN_SOURCE 700
#include "cli/tensors.h"
#include "ref/ref.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- words ---- */

const char *const cli_slot_names[] = {
#define NAME(NAME, name) #name,
    CLNORM_SLOT_MAP(NAME)
#undef NAME
};

static int find_slot(const char *text, size_t length)
{
    for (int k = 0; k < CLNORM_SLOTS_USED; k++)
        if (strlen(cli_slot_names[k]) == length && strncmp(cli_slot_names[k], text, length) == 0)
            return k;
    return -1;
}

static const char *slot_list(uint32_t slots)
{
    static char text[512];
    size_t used = 0;
    strcpy(text, " none");
    for (int k = 0; k < CLNORM_SLOTS_USED; k++)
        if (slots >> k & 1u)
            used += (size_t)snprintf(text + used, sizeof text - used, " %s", cli_slot_names[k]);
    return text;
}

static bool ends_in_npy(const char *file)
{
    const size_t n = strlen(file);
    return n > 4 && strcmp(file + n - 4, ".npy") == 0;
}

static int add(cli_extras *e, const cli_args *args, const cli_request *r, const char *word, bool output)
{
    const char *option = output ? "out" : "in", *equals = strchr(word, '=');
    const uint32_t known = output ? r->op->slots_out : r->op->slots_in;
    const int slot = equals ? find_slot(word, (size_t)(equals - word)) : -1;
    if (!equals || !equals[1])
        return cli_usage(args, "--%s %s is not NAME=FILE.npy", option, cli_quote(word));
    if (slot < 0 || !(known >> slot & 1u))
        return cli_usage(args, "--%s %s: %s %s%s", option, cli_quote(word), r->op->name,
                         output ? "writes, besides y," : "reads, besides x,", slot_list(known));
    if (!ends_in_npy(equals + 1) && strncmp(equals + 1, "/dev/", 5) != 0)
        return cli_usage(args, "--%s %s: the file is to be a .npy", option, cli_quote(word));
    for (size_t k = 0; k < e->count; k++)
        if (e->list[k].output == output && e->list[k].slot == (uint32_t)slot)
            return cli_usage(args, "--%s %s is given twice", option, cli_slot_names[slot]);
    cli_extra *x = &e->list[e->count++];
    x->slot = (uint32_t)slot;
    x->name = cli_slot_names[slot];
    x->file = equals + 1;
    x->output = output;
    return EXIT_OK;
}

/* ---- one file, two names ---- */

/* A name with its folder resolved, for files that may not exist yet. */
static bool resolve(char *out, const char *file)
{
    char folder[PATH_MAX], resolved[PATH_MAX];
    const char *slash = strrchr(file, '/');
    if (strlen(file) >= sizeof folder)
        return false;
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - file) + 1 : 1, slash ? file : ".");
    if (!realpath(folder, resolved))
        return false;
    return snprintf(out, 2 * PATH_MAX, "%s/%s", resolved, slash ? slash + 1 : file) > 0;
}

static bool same_file(const char *a, const char *b)
{
    char path_a[2 * PATH_MAX], path_b[2 * PATH_MAX];
    struct stat sa, sb;
    if (stat(a, &sa) == 0 && stat(b, &sb) == 0)
        return S_ISREG(sa.st_mode) && sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
    return resolve(path_a, a) && resolve(path_b, b) && strcmp(path_a, path_b) == 0;
}

static int check_files(const cli_extras *e, const cli_args *args, const char *output)
{
    for (size_t k = 0; k < e->count; k++) {
        if (!e->list[k].output)
            continue;
        if (output && same_file(e->list[k].file, output))
            return cli_usage(args, "--out %s and OUTPUT are one file, %s", e->list[k].name,
                             cli_quote(output));
        for (size_t i = 0; i < k; i++)
            if (e->list[i].output && same_file(e->list[k].file, e->list[i].file))
                return cli_usage(args, "--out %s and --out %s are one file, %s", e->list[i].name,
                                 e->list[k].name, cli_quote(e->list[i].file));
    }
    return EXIT_OK;
}

/* What an op cannot do without; everything else is optional. */
static const struct {
    uint32_t kind, of, slots;
} needs[] = {
    { CLNORM_OP_DENORMALIZE, CLNORM_OP_MINMAX, 1u << CLNORM_MIN | 1u << CLNORM_MAX },
    { CLNORM_OP_DENORMALIZE, CLNORM_OP_ZSCORE, 1u << CLNORM_MEAN | 1u << CLNORM_RSTD },
};

static int check_needs(const cli_extras *e, const cli_args *args, const cli_request *r)
{
    uint32_t given = 0, needed = 0;
    for (size_t k = 0; k < e->count; k++)
        given |= e->list[k].output ? 0 : 1u << e->list[k].slot;
    if (r->op->kind != CLNORM_OP_DENORMALIZE)
        return EXIT_OK;
    const clnorm_op_info *of = clnorm_op_of(r->desc.denormalize.of);
    for (size_t k = 0; k < sizeof needs / sizeof *needs; k++)
        needed |= needs[k].kind == r->op->kind && needs[k].of == of->kind ? needs[k].slots : 0;
    if (needed & ~given)
        return cli_usage(args, "denormalize --of %s needs --in for:%s", of->name, slot_list(needed & ~given));
    if (given & ~needed)
        return cli_usage(args, "denormalize --of %s does not use --in%s", of->name,
                         slot_list(given & ~needed));
    return EXIT_OK;
}

int cli_extras_parse(cli_extras *out, const cli_args *args, const cli_request *request, const char *output)
{
    const char *word;
    int code = EXIT_OK;
    memset(out, 0, sizeof *out);
    for (size_t k = 0; code == EXIT_OK && (word = cli_get_nth(args, "in", k)) != NULL; k++)
        code = add(out, args, request, word, false);
    for (size_t k = 0; code == EXIT_OK && (word = cli_get_nth(args, "out", k)) != NULL; k++)
        code = add(out, args, request, word, true);
    if (code == EXIT_OK)
        code = check_files(out, args, output);
    return code == EXIT_OK ? check_needs(out, args, request) : code;
}

/* ---- reading ---- */

/* On input axes of length 1 are ignored. */
static uint32_t squeeze(int64_t *out, const int64_t *shape, uint32_t ndim)
{
    uint32_t n = 0;
    for (uint32_t k = 0; k < ndim; k++)
        if (shape[k] != 1)
            out[n++] = shape[k];
    return n;
}

static bool fits(const cli_array *a, const clnorm_tensor *t)
{
    int64_t from[CLNORM_MAX_DIMS], to[CLNORM_MAX_DIMS];
    const uint32_t n = squeeze(from, a->shape, a->ndim), m = squeeze(to, t->shape, t->ndim);
    return n == m && memcmp(from, to, n * sizeof *from) == 0;
}

static int to_f32(cli_extra *x)
{
    const size_t n = (size_t)clnorm_tensor_count(&x->tensor);
    float *data = (float *)malloc(n ? n * sizeof *data : 1);
    if (!data)
        return cli_fail(EXIT_MEMORY, "no memory for %zu values of %s", n, x->name);
    for (size_t i = 0; i < n; i++)
        data[i] = (float)ref_get(x->array.dtype, x->array.data, (int64_t)i);
    free(x->array.data);
    x->array.data = data;
    x->array.bytes = n * sizeof *data;
    x->array.dtype = CLNORM_F32;
    return EXIT_OK;
}

static int read_one(cli_extra *x, bool bf16)
{
    const uint32_t floats = 1u << CLNORM_F32 | 1u << CLNORM_F16 | 1u << CLNORM_BF16;
    const int code = cli_read_npy(&x->array, x->file, bf16);
    if (code != EXIT_OK)
        return code;
    if (!(floats >> x->array.dtype & 1u))
        return cli_fail(EXIT_INPUT, "--in %s: %s is %s; f32, f16, bf16 and f64 are allowed", x->name,
                        cli_quote(x->file), x->array.dtype ? clnorm_dtype_name(x->array.dtype) : "u64");
    if (!fits(&x->array, &x->tensor))
        return cli_fail(EXIT_INPUT, "--in %s: %s is %s; %s is expected, axes of length 1 apart", x->name,
                        cli_quote(x->file), cli_shape_text(x->array.shape, x->array.ndim),
                        cli_shape_text(x->tensor.shape, x->tensor.ndim));
    return x->array.dtype == CLNORM_F32 ? EXIT_OK : to_f32(x);
}

static int make_room(cli_extra *x, cli_layout layout)
{
    cli_array *a = &x->array;
    a->dtype = x->tensor.dtype;
    a->ndim = x->tensor.ndim;
    cli_file_shape(a->shape, &x->tensor, layout);
    a->bytes = (size_t)clnorm_tensor_count(&x->tensor) * (a->dtype ? clnorm_dtype_bytes(a->dtype) : 8);
    a->data = calloc(a->bytes ? a->bytes : 1, 1);
    if (!a->data)
        return cli_fail(EXIT_MEMORY, "no memory for %zu bytes of %s", a->bytes, x->name);
    cli_fill_nan(a);
    return EXIT_OK;
}

int cli_extras_read(cli_extras *e, const cli_problem *problem)
{
    for (size_t k = 0; k < e->count; k++) {
        cli_extra *x = &e->list[k];
        if (!clnorm_op_slot(&problem->desc, x->slot, &x->tensor))
            return cli_fail(EXIT_USAGE, "%s has no %s here", problem->op->name, x->name);
        const int code = x->output ? make_room(x, problem->kept) : read_one(x, problem->bf16);
        if (code != EXIT_OK)
            return code;
    }
    return EXIT_OK;
}

/* ---- writing ---- */

int cli_extras_open(cli_extras *e, const char *input)
{
    for (size_t k = 0; k < e->count; k++) {
        const int code =
            e->list[k].output ? cli_output_open(&e->list[k].sink, e->list[k].file, input) : EXIT_OK;
        if (code != EXIT_OK)
            return code;
    }
    return EXIT_OK;
}

void cli_extras_bind(const cli_extras *e, cli_slots *slots)
{
    for (size_t k = 0; k < e->count; k++) {
        slots->slot[e->list[k].slot].data = e->list[k].array.data;
        slots->slot[e->list[k].slot].bytes = e->list[k].array.bytes;
        slots->slot[e->list[k].slot].output = e->list[k].output;
    }
}

int cli_extras_write(cli_extras *e, const cli_problem *problem)
{
    for (size_t k = 0; k < e->count; k++) {
        cli_extra *x = &e->list[k];
        int code =
            x->output ? cli_to_layout(x->array.data, &x->tensor, problem->kept, x->array.bytes) : EXIT_OK;
        if (x->output && code == EXIT_OK)
            code = cli_output_npy(x->sink, &x->array);
        if (code != EXIT_OK)
            return code;
    }
    return EXIT_OK;
}

int cli_extras_commit(cli_extras *e)
{
    for (size_t k = 0; k < e->count; k++) {
        cli_output *sink = e->list[k].sink;
        e->list[k].sink = NULL;
        const int code = sink ? cli_output_commit(sink) : EXIT_OK;
        if (code != EXIT_OK)
            return code;
    }
    return EXIT_OK;
}

void cli_extras_free(cli_extras *e)
{
    for (size_t k = 0; k < e->count; k++) {
        cli_output_abandon(e->list[k].sink);
        cli_array_free(&e->list[k].array);
    }
    memset(e, 0, sizeof *e);
}

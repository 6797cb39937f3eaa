/* tensors.c -- the words of --in and --out: names, files, and what the op needs. */
#define _XOPEN_SOURCE 700
#include "cli/tensors.h"
#include "cli/json.h"
#include "cli/layer.h"

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

const char *cli_slot_list(uint32_t slots)
{
    static char text[512];
    size_t used = 0;
    strcpy(text, " none");
    for (int k = 0; k < CLNORM_SLOTS_USED; k++)
        if (slots >> k & 1u)
            used += (size_t)snprintf(text + used, sizeof text - used, " %s", cli_slot_names[k]);
    return text;
}

/* Of an op that is no layer. Backward may read what forward has written. */
static uint32_t names_of(const cli_request *r, bool output)
{
    uint32_t reads, writes, required;
    cli_layer_slots(r->op, r->desc.op.direction, 0, &reads, &writes, &required);
    return output ? r->op->slots_out : r->op->slots_in | (reads & ~(1u << CLNORM_X));
}

static int add(cli_extras *e, const cli_args *args, const cli_request *r, const char *word, bool output)
{
    const char *option = output ? "out" : "in", *equals = strchr(word, '=');
    const uint32_t known = r->op->layer ? 0 : names_of(r, output);
    const int slot = equals ? find_slot(word, (size_t)(equals - word)) : -1;
    if (!equals || !equals[1])
        return cli_usage(args, "--%s %s is not NAME=FILE.npy", option, cli_quote(word));
    if (slot < 0 || (!r->op->layer && !(known >> slot & 1u))) /* of layers, cli_layer_words knows */
        return cli_usage(args, "--%s %s: %s %s%s", option, cli_quote(word), r->op->name,
                         output ? "writes, besides y," : "reads, besides x,",
                         cli_slot_list(r->op->layer ? cli_layer_names(r, output) : known));
    struct stat info; /* /dev/fd/3 may be any file */
    const bool named =
        output && !cli_is_standard(equals + 1) && stat(equals + 1, &info) == 0 && S_ISREG(info.st_mode);
    const bool device = strncmp(equals + 1, "/dev/", 5) == 0 && !named;
    if (!cli_ends_in(equals + 1, ".npy") && !device)
        return cli_usage(args, "--%s %s: the file is to be a .npy", option, cli_quote(word));
    if (cli_extras_find(e, (uint32_t)slot, output))
        return cli_usage(args, "--%s %s is given twice", option, cli_slot_names[slot]);
    cli_extra *x = &e->list[e->count++];
    x->slot = (uint32_t)slot;
    x->name = cli_slot_names[slot];
    x->file = equals + 1;
    x->output = output;
    return EXIT_OK;
}

cli_extra *cli_extras_find(const cli_extras *e, uint32_t slot, bool output)
{
    for (size_t k = 0; k < e->count; k++)
        if (e->list[k].output == output && e->list[k].slot == slot)
            return (cli_extra *)(uintptr_t)&e->list[k];
    return NULL;
}

uint32_t cli_extras_named(const cli_extras *e, bool output)
{
    uint32_t slots = 0;
    for (size_t k = 0; k < e->count; k++)
        slots |= e->list[k].output == output ? 1u << e->list[k].slot : 0;
    return slots;
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

static bool same_output(const char *a, const char *b)
{
    return cli_is_standard(a) ? cli_is_standard(b) : same_file(a, b);
}

static int check_files(const cli_extras *e, const cli_args *args, const char *output)
{
    for (size_t k = 0; k < e->count; k++) {
        if (!e->list[k].output)
            continue;
        if (output && cli_json_alone(args, "--out", e->list[k].file) != EXIT_OK)
            return EXIT_USAGE;
        if (output && same_file(e->list[k].file, args->words[1]))
            return cli_usage(args, "--out %s: %s is the same file as INPUT; give it another name",
                             e->list[k].name, cli_quote(e->list[k].file));
        if (output && same_output(e->list[k].file, output))
            return cli_usage(args, "--out %s and OUTPUT are one file, %s", e->list[k].name,
                             cli_quote(output));
        for (size_t i = 0; i < k; i++)
            if (e->list[i].output && same_output(e->list[k].file, e->list[i].file))
                return cli_usage(args, "--out %s and --out %s are one file, %s", e->list[i].name,
                                 e->list[k].name, cli_quote(e->list[i].file));
    }
    return EXIT_OK;
}

/* What denormalize cannot do without to undo an op; everything else is optional. */
static const struct {
    uint32_t of, slots;
} needs[] = {
    { CLNORM_OP_MINMAX, 1u << CLNORM_MIN | 1u << CLNORM_MAX },
    { CLNORM_OP_ZSCORE, 1u << CLNORM_MEAN | 1u << CLNORM_RSTD },
};

/* Of a matrix op, direction and mode decide. What is moved starts as training does. */
static int check_matrix(const cli_extras *e, const cli_args *args, const cli_request *r, bool run)
{
    static const uint32_t starts = 1u << CLNORM_RUNNING_MEAN | 1u << CLNORM_RUNNING_WHITENER;
    const uint32_t in = cli_extras_named(e, false), out = cli_extras_named(e, true);
    clnorm_any desc;
    uint32_t reads, writes, required;
    if (cli_request_sample(&desc, r) != CLNORM_OK) /* which was checked before */
        return cli_usage(args, "%s", clnorm_last_error(NULL));
    clnorm_op_slots(&desc, &reads, &writes, &required);
    const uint32_t missing = required & reads & ~(in | 1u << CLNORM_X), idle = in & ~reads & ~starts,
                   no = out & ~writes;
    if (missing && run)
        return cli_usage(args, "%s needs --in for:%s", r->op->name, cli_slot_list(missing));
    if (idle || no)
        return cli_usage(args, "%s in this direction and mode has no --%s for:%s", r->op->name,
                         idle ? "in" : "out", cli_slot_list(idle ? idle : no));
    return EXIT_OK;
}

static int check_needs(const cli_extras *e, const cli_args *args, const cli_request *r, bool run)
{
    const uint32_t given = cli_extras_named(e, false);
    uint32_t needed = 0;
    if (r->op->matrix)
        return check_matrix(e, args, r, run);
    if (r->op->kind != CLNORM_OP_DENORMALIZE)
        return EXIT_OK;
    const clnorm_op_info *of = clnorm_op_of(r->desc.denormalize.of);
    for (size_t k = 0; k < sizeof needs / sizeof *needs; k++)
        needed |= needs[k].of == of->kind ? needs[k].slots : 0;
    if (needed & ~given)
        return cli_usage(args, "denormalize --of %s needs --in for:%s", of->name,
                         cli_slot_list(needed & ~given));
    if (given & ~needed)
        return cli_usage(args, "denormalize --of %s does not use --in%s", of->name,
                         cli_slot_list(given & ~needed));
    return EXIT_OK;
}

int cli_extras_parse(cli_extras *out, const cli_args *args, cli_request *request, const char *output)
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
    if (code == EXIT_OK && request->op->layer)
        return cli_layer_words(request, args, out, output != NULL);
    return code == EXIT_OK ? check_needs(out, args, request, output != NULL) : code;
}

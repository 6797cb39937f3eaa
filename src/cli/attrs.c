/* attrs.c -- options as attributes of a descriptor. */
#include "cli/attrs.h"
#include "cli/io.h"
#include "cli/number.h"

#include <stdio.h>
#include <string.h>

const clnorm_op_info *cli_op(const cli_args *args, const char *name)
{
    const clnorm_op_info *op = clnorm_op_named(name);
    const char *names[64] = { NULL };
    for (size_t k = 0; k + 1 < sizeof names / sizeof *names && clnorm_op_at(k); k++)
        names[k] = clnorm_op_at(k)->name;
    if (!op)
        cli_usage(args, "%s is not an op; there are %s", cli_quote(name), cli_words(names));
    return op;
}

bool cli_ops_known(const cli_args *args)
{
    for (size_t k = 0; k < args->nwords; k++) {
        const clnorm_op_info *op = strcmp(args->words[k], "all") ? cli_op(args, args->words[k]) : NULL;
        if (strcmp(args->words[k], "all") != 0 && !op)
            return false;
        if (op && op->reshapes) {
            cli_usage(args, "%s takes no %s: what it does depends on what it was fitted to",
                      args->command->name, op->name);
            return false;
        }
    }
    return true;
}

bool cli_wants(const cli_args *args, const clnorm_op_info *op)
{
    if (op->reshapes)
        return false;
    for (size_t k = 0; k < args->nwords; k++)
        if (strcmp(args->words[k], "all") == 0 || strcmp(args->words[k], op->name) == 0)
            return true;
    return args->nwords == 0;
}

double cli_attr_value(const clnorm_any *desc, const clnorm_attr *attr, size_t k)
{
    const char *field = (const char *)desc + attr->offset + k * sizeof(float);
    float f;
    uint32_t u;
    memcpy(&f, field, sizeof f);
    memcpy(&u, field, sizeof u);
    return attr->type == CLNORM_ATTR_U32 ? (double)u : (double)f;
}

/* ---- which options ---- */

static int refuse_option(const cli_args *args, const clnorm_op_info *op, const cli_option *option)
{
    char takes[512] = "";
    size_t used = 0;
    for (size_t k = 0; k < args->noptions && used < sizeof takes; k++) {
        const cli_option *o = &args->options[k];
        if (o->attrs[0] && cli_op_takes(op, o))
            used += (size_t)snprintf(takes + used, sizeof takes - used, " --%s", o->name);
    }
    return cli_usage(args, "%s does not take --%s; it takes%s", op->name, option->name, takes);
}

static int check_options(const cli_args *args, const clnorm_op_info *op)
{
    for (size_t k = 0; k < args->nvalues; k++)
        if (!cli_op_takes(op, args->values[k].option))
            return refuse_option(args, op, args->values[k].option);
    if (cli_has(args, "scope") && cli_has(args, "over"))
        return cli_usage(args, "--scope and --over both say what is reduced; give one");
    if (cli_has(args, "axis") && cli_has(args, "over"))
        return cli_usage(args, "--axis and --over both say what is reduced; give one");
    if (cli_has(args, "out-zero") && !cli_has(args, "out-scale"))
        return cli_usage(args, "--out-zero goes with --out-scale; without it y is not quantized");
    if (cli_has(args, "preset") && (cli_has(args, "mean") || cli_has(args, "std")))
        return cli_usage(args, "--preset and --mean, --std both say what is subtracted; give one");
    if (cli_has(args, "mean") != cli_has(args, "std"))
        return cli_usage(args, "--mean and --std go together; give both");
    return EXIT_OK;
}

/* An attribute whose default is out of its range has none. */
static int check_given(const clnorm_op_info *op, const cli_args *args)
{
    for (size_t k = 0; k < args->noptions; k++)
        for (size_t i = 0; i < op->nattrs; i++) {
            const clnorm_attr *a = &op->attrs[i];
            const cli_option *o = &args->options[k];
            if (strcmp(o->attrs, a->name) == 0 && a->type == CLNORM_ATTR_U32 && a->preset < a->low &&
                strcmp(o->name, "mode") != 0 && !cli_has(args, o->name))
                return cli_usage(args, "%s needs --%s: %s", op->name, o->name, a->text);
        }
    return EXIT_OK;
}

/* The op whose attributes count: denormalize takes those of the op that it undoes. */
static const clnorm_op_info *undone(const clnorm_any *desc)
{
    return clnorm_op_of(desc->op.kind == CLNORM_OP_DENORMALIZE ? desc->denormalize.of : desc->op.kind);
}

static int check_undone(const clnorm_any *desc, const cli_args *args)
{
    const clnorm_op_info *op = undone(desc);
    if (desc->op.kind != CLNORM_OP_DENORMALIZE)
        return EXIT_OK;
    for (size_t k = 0; k < args->nvalues; k++)
        if (!cli_op_takes(op, args->values[k].option) && strcmp(args->values[k].option->name, "of") != 0)
            return refuse_option(args, op, args->values[k].option);
    return EXIT_OK;
}

/* One value is that of all channels that another list has. */
static void repeat_one(double *list, size_t *count, size_t wanted)
{
    if (*count == 1)
        for (; *count < wanted; ++*count)
            list[*count] = list[0];
}

static int use_lists(clnorm_any *desc, cli_lists *lists, const cli_args *args)
{
    static const cli_option preset = { "preset", 0, false, 0, NULL, NULL, "mean std", NULL };
    const clnorm_op_info *op = undone(desc);
    const char *name = cli_get(args, "preset");
    if (!cli_op_takes(op, &preset))
        return EXIT_OK;
    if (!lists->channels) {
        const int code = cli_preset(lists, args, name ? name : "imagenet");
        if (code != EXIT_OK)
            return code;
    }
    repeat_one(lists->std, &lists->nstd, lists->channels);
    repeat_one(lists->mean, &lists->channels, lists->nstd);
    if (lists->channels != lists->nstd)
        return cli_usage(args, "--mean has %zu values, --std %zu: one is allowed, or one per channel",
                         lists->channels, lists->nstd);
    if (lists->scale > 0 && !cli_has(args, "scale") &&
        clnorm_op_set(desc, "scale", &lists->scale, 1) != CLNORM_OK)
        return cli_usage(args, "%s: %s", cli_quote(lists->name), clnorm_last_error(NULL));
    if (clnorm_op_set(desc, "mean", lists->mean, lists->channels) != CLNORM_OK ||
        clnorm_op_set(desc, "std", lists->std, lists->channels) != CLNORM_OK)
        return cli_usage(args, "%s", clnorm_last_error(NULL));
    return EXIT_OK;
}

int cli_attrs_set(clnorm_any *desc, cli_lists *lists, const cli_args *args)
{
    const clnorm_op_info *op = clnorm_op_of(desc->op.kind);
    memset(lists, 0, sizeof *lists);
    int code = check_options(args, op);
    for (size_t k = 0; k < args->nvalues && code == EXIT_OK; k++) {
        const cli_place p = { desc, lists, args, args->values[k].option, args->values[k].text };
        code = p.option->attrs[0] ? cli_set_option(&p) : EXIT_OK;
    }
    if (code == EXIT_OK)
        code = check_given(op, args);
    if (code == EXIT_OK)
        code = check_undone(desc, args);
    return code == EXIT_OK ? use_lists(desc, lists, args) : code;
}

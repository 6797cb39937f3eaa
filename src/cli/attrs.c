/* attrs.c -- options as attributes of a descriptor. */
#include "cli/attrs.h"
#include "cli/io.h"
#include "cli/number.h"
#include "cli/session.h"

#include <math.h>
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
    for (size_t k = 0; k < args->nwords; k++)
        if (strcmp(args->words[k], "all") != 0 && !cli_op(args, args->words[k]))
            return false;
    return true;
}

bool cli_wants(const cli_args *args, const clnorm_op_info *op)
{
    for (size_t k = 0; k < args->nwords; k++)
        if (strcmp(args->words[k], "all") == 0 || strcmp(args->words[k], op->name) == 0)
            return true;
    return args->nwords == 0;
}

/* ---- one option ---- */

typedef struct place {
    clnorm_any *desc;
    cli_lists *lists;
    const cli_args *args;
    const cli_option *option;
    const char *text;
} place;

static int refuse(const place *p, const char *why)
{
    return cli_usage(p->args, "--%s %s: %s", p->option->name, cli_quote(p->text), why);
}

static int set(const place *p, const char *attr, const double *values, size_t n)
{
    if (clnorm_op_set(p->desc, attr, values, n) != CLNORM_OK)
        return refuse(p, clnorm_last_error(NULL));
    return EXIT_OK;
}

static bool is_whole(const clnorm_op_info *op, const char *attr)
{
    for (size_t k = 0; k < op->nattrs; k++)
        if (strcmp(op->attrs[k].name, attr) == 0)
            return op->attrs[k].type == CLNORM_ATTR_U32;
    return false;
}

static int set_number(const place *p)
{
    double value;
    const char *why, *attr = p->option->attrs;
    if (!cli_number(p->text, &value, &why))
        return refuse(p, why);
    if (is_whole(clnorm_op_of(p->desc->op.kind), attr) && value != floor(value))
        return refuse(p, "is not a whole number");
    return set(p, attr, &value, 1);
}

/* 0 in the descriptor is the default, which who gives a number does not mean. */
static int set_scale(const place *p)
{
    double value;
    const char *why;
    return cli_number(p->text, &value, &why) && value == 0 ? refuse(p, "a scale of 0 cannot divide")
                                                           : set_number(p);
}

static int set_range(const place *p)
{
    double v[2];
    const char *why = "is not LO,HI";
    if (cli_numbers(p->text, v, 2, &why) != 2)
        return refuse(p, why);
    const int code = set(p, "lo", &v[0], 1);
    return code == EXIT_OK ? set(p, "hi", &v[1], 1) : code;
}

static int set_scope(const place *p)
{
    static const char *const scopes[] = { "image", "channel", "batch", "batch-channel", NULL };
    const double value = cli_word(p->text, scopes);
    return value < 0 ? refuse(p, "it may be image, channel, batch or batch-channel")
                     : set(p, "scope", &value, 1);
}

static int set_flag(const place *p)
{
    const double value = 1;
    return set(p, p->option->attrs, &value, 1);
}

static int set_of(const place *p)
{
    const clnorm_op_info *op = cli_op(p->args, p->text);
    const double value = op ? op->kind : 0;
    return op ? set(p, "of", &value, 1) : EXIT_USAGE;
}

/* The lists go to the descriptor when all options are known: use_lists. */
static int read_list(const place *p, double *list, size_t *n)
{
    const char *why;
    *n = cli_numbers(p->text, list, CLNORM_MAX_CHANNELS, &why);
    return *n ? EXIT_OK : refuse(p, why);
}
static int set_mean(const place *p) { return read_list(p, p->lists->mean, &p->lists->channels); }
static int set_std(const place *p)
{
    const int code = read_list(p, p->lists->std, &p->lists->nstd);
    for (size_t k = 0; k < p->lists->nstd; k++)
        if (p->lists->std[k] == 0)
            return refuse(p, "a standard deviation of 0 cannot divide");
    return code;
}

/* "c,h,w": which axes these are depends on the rank and waits for cli_attrs_axes. */
static int check_over(const place *p)
{
    static const char known[] = "ncdhw";
    uint32_t seen = 0;
    for (const char *c = p->text;; c += 2) {
        const char *at = *c ? strchr(known, *c) : NULL;
        if (!at || (c[1] && c[1] != ',') || (seen >> (at - known) & 1u))
            return refuse(p, "axes are n c d h w, each once, with commas between");
        seen |= 1u << (at - known);
        if (!c[1])
            return EXIT_OK;
    }
}

static int set_later(const place *p)
{
    (void)p;
    return EXIT_OK;
}

static const struct {
    const char *option;
    int (*set)(const place *);
} setters[] = {
    { "range", set_range }, { "scope", set_scope },  { "swap-rb", set_flag },
    { "of", set_of },       { "mean", set_mean },    { "std", set_std },
    { "over", check_over }, { "preset", set_later }, { "scale", set_scale },
};

static int set_option(const place *p)
{
    for (size_t k = 0; k < sizeof setters / sizeof *setters; k++)
        if (strcmp(setters[k].option, p->option->name) == 0)
            return setters[k].set(p);
    return set_number(p);
}

/* ---- which options ---- */

static int refuse_option(const cli_args *args, const clnorm_op_info *op, const cli_option *option)
{
    char takes[512] = "";
    size_t used = 0;
    for (size_t k = 0; k < args->noptions && used < sizeof takes; k++) {
        const cli_option *o = &args->options[k];
        if (o->attrs[0] && (o->commands & CLI_RUN) && cli_op_takes(op, o))
            used += (size_t)snprintf(takes + used, sizeof takes - used, " --%s", o->name);
    }
    return cli_usage(args, "%s does not take --%s; it takes%s", op->name, option->name,
                     takes[0] ? takes : " none");
}

static int check_options(const cli_args *args, const clnorm_op_info *op)
{
    for (size_t k = 0; k < args->nvalues; k++)
        if (!cli_op_takes(op, args->values[k].option))
            return refuse_option(args, op, args->values[k].option);
    if (cli_has(args, "scope") && cli_has(args, "over"))
        return cli_usage(args, "--scope and --over both say what is reduced; give one");
    if (cli_has(args, "preset") && (cli_has(args, "mean") || cli_has(args, "std")))
        return cli_usage(args, "--preset and --mean, --std both say what is subtracted; give one");
    if (cli_has(args, "mean") != cli_has(args, "std"))
        return cli_usage(args, "--mean and --std go together; give both");
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
    if (desc->op.kind != CLNORM_OP_DENORMALIZE || !op)
        return EXIT_OK;
    for (size_t k = 0; k < args->nvalues; k++)
        if (!cli_op_takes(op, args->values[k].option) && strcmp(args->values[k].option->name, "of") != 0)
            return refuse_option(args, op, args->values[k].option);
    return EXIT_OK;
}

static int use_lists(clnorm_any *desc, cli_lists *lists, const cli_args *args)
{
    static const cli_option preset = { "preset", 0, false, 0, NULL, NULL, "mean std" };
    const clnorm_op_info *op = undone(desc);
    const char *name = cli_get(args, "preset");
    if (!op || !cli_op_takes(op, &preset))
        return EXIT_OK;
    if (!lists->channels) {
        const int code = cli_preset(lists, args, name ? name : "imagenet");
        if (code != EXIT_OK)
            return code;
    }
    if (lists->channels != lists->nstd)
        return cli_usage(args, "%zu means and %zu standard deviations are not of one length", lists->channels,
                         lists->nstd);
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
        const place p = { desc, lists, args, args->values[k].option, args->values[k].text };
        code = p.option->attrs[0] ? set_option(&p) : EXIT_OK;
    }
    if (code == EXIT_OK)
        code = check_undone(desc, args);
    return code == EXIT_OK ? use_lists(desc, lists, args) : code;
}

/* ---- --over ---- */

/* What the axes of a rank are called; below three axes an array is one gray image. */
static const char *const letters[] = { "", "w", "hw", "chw", "nchw", "ncdhw" };

int cli_attrs_axes(clnorm_any *desc, const cli_args *args, uint32_t ndim)
{
    const char *over = cli_get(args, "over");
    uint32_t axes = 0;
    for (const char *c = over; c && *c; c += c[1] ? 2 : 1) {
        const char *at = strchr(letters[ndim], *c);
        if (!at)
            return cli_fail(EXIT_INPUT, "--over %s: an array of %u axes has no axis %c", over, ndim, *c);
        axes |= 1u << (at - letters[ndim]);
    }
    const double value = axes;
    return !over || clnorm_op_set(desc, "axes", &value, 1) == CLNORM_OK ? EXIT_OK : cli_status(CLNORM_EARG);
}

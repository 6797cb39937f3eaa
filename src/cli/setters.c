/* setters.c -- the value of one option as attributes of a descriptor. */
#include "cli/attrs.h"
#include "cli/io.h"
#include "cli/number.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int refuse(const cli_place *p, const char *why)
{
    return cli_usage(p->args, "--%s %s: %s", p->option->name, cli_quote(p->text), why);
}

static int set(const cli_place *p, const char *attr, const double *values, size_t n)
{
    if (clnorm_op_set(p->desc, attr, values, n) != CLNORM_OK)
        return refuse(p, clnorm_last_error(NULL));
    return EXIT_OK;
}

static const clnorm_attr *attr_of(const cli_place *p, const char *name)
{
    const clnorm_op_info *op = clnorm_op_of(p->desc->op.kind);
    size_t k = 0;
    while (strcmp(op->attrs[k].name, name) != 0)
        k++;
    return &op->attrs[k];
}

static bool is_whole(const clnorm_attr *a) { return a->type == CLNORM_ATTR_U32; }

/* A word that is no value of an attribute: why, and what may be. */
static int refuse_number(const cli_place *p, const char *attr, const char *why)
{
    const clnorm_attr *a = attr_of(p, attr);
    return cli_usage(p->args, "--%s %s: %s; %s%.15g to %.15g%s are allowed", p->option->name,
                     cli_quote(p->text), why, is_whole(a) ? "whole numbers from " : "", a->low, a->high,
                     strcmp(attr, "std") ? "" : ", not 0,");
}

static int set_number(const cli_place *p)
{
    double value;
    const char *why, *attr = p->option->attrs;
    if (!cli_number(p->text, &value, &why))
        return refuse_number(p, attr, why);
    if (is_whole(attr_of(p, attr)) && value != floor(value))
        return refuse_number(p, attr, "is not a whole number");
    return set(p, attr, &value, 1);
}

/* 0 in the descriptor is the default, which who gives a number does not mean. */
static int set_scale(const cli_place *p)
{
    double value;
    const char *why;
    return cli_number(p->text, &value, &why) && value == 0
               ? refuse_number(p, p->option->attrs, "a scale of 0 cannot divide")
               : set_number(p);
}

static int set_range(const cli_place *p)
{
    double v[2];
    const char *why;
    const size_t n = cli_numbers(p->text, v, 2, &why);
    if (n != 2)
        return refuse_number(p, "lo", n ? "is not LO,HI, two numbers" : why);
    const int code = set(p, "lo", &v[0], 1);
    return code == EXIT_OK ? set(p, "hi", &v[1], 1) : code;
}

static int set_scope(const cli_place *p)
{
    static const char *const scopes[] = { "image", "channel", "batch", "batch-channel", NULL };
    const double value = cli_word(p->text, scopes);
    return value < 0 ? refuse(p, "it may be image, channel, batch or batch-channel")
                     : set(p, "scope", &value, 1);
}

static int set_flag(const cli_place *p)
{
    const double value = 1;
    return set(p, p->option->attrs, &value, 1);
}

static int set_of(const cli_place *p)
{
    const clnorm_attr *a = attr_of(p, "of");
    const clnorm_op_info *op = clnorm_op_named(p->text);
    const double value = op ? op->kind : a->low - 1;
    const char *names[16] = { NULL };
    if (value >= a->low && value <= a->high)
        return set(p, "of", &value, 1);
    for (size_t k = 0, n = 0; n + 1 < sizeof names / sizeof *names && (op = clnorm_op_at(k)) != NULL; k++)
        if (op->kind >= a->low && op->kind <= a->high)
            names[n++] = op->name;
    return cli_usage(p->args, "--of %s: it may be %s", cli_quote(p->text), cli_words(names));
}

/* The lists go to the descriptor when all options are known: use_lists. */
static int read_list(const cli_place *p, double *list, size_t *n)
{
    const char *why;
    *n = cli_numbers(p->text, list, CLNORM_MAX_CHANNELS, &why);
    return *n ? EXIT_OK : refuse_number(p, p->option->attrs, why);
}
static int set_mean(const cli_place *p) { return read_list(p, p->lists->mean, &p->lists->channels); }
static int set_std(const cli_place *p)
{
    const int code = read_list(p, p->lists->std, &p->lists->nstd);
    for (size_t k = 0; k < p->lists->nstd; k++)
        if (p->lists->std[k] == 0)
            return refuse(p, "a standard deviation of 0 cannot divide");
    return code;
}

/* "c,h,w": which axes these are depends on the rank and waits for cli_attrs_axes. */
static int check_over(const cli_place *p)
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

/* ---- layers ---- */

static int set_mode(const cli_place *p)
{
    static const char *const modes[] = { "train", "eval", NULL };
    const double value = cli_word(p->text, modes) + CLNORM_TRAIN;
    return value < CLNORM_TRAIN ? refuse(p, "it may be train or eval") : set(p, "mode", &value, 1);
}

static int set_residual(const cli_place *p)
{
    static const char *const places[] = { "before", "after", NULL };
    const double value = cli_word(p->text, places) + CLNORM_RESIDUAL_BEFORE;
    return value < CLNORM_RESIDUAL_BEFORE ? refuse(p, "it may be before or after")
                                          : set(p, "residual", &value, 1);
}

/* "leaky:0.2" */
static int set_slope(const cli_place *p)
{
    double value;
    const char *why;
    if (!cli_number(p->text + strlen("leaky:"), &value, &why))
        return refuse_number(p, "slope", "behind leaky: there is to be a number");
    return set(p, "slope", &value, 1);
}

static int set_act(const cli_place *p)
{
    static const char *const acts[] = { "relu", "leaky", "silu", "gelu", "gelu-tanh", NULL };
    const bool slope = strncmp(p->text, "leaky:", strlen("leaky:")) == 0;
    const double value = slope ? CLNORM_LEAKY : cli_word(p->text, acts) + CLNORM_RELU;
    if (value < CLNORM_RELU)
        return refuse(p, "it may be relu, leaky, leaky:SLOPE, silu, gelu or gelu-tanh");
    const int code = slope ? set_slope(p) : EXIT_OK;
    return code == EXIT_OK ? set(p, "act", &value, 1) : code;
}

bool cli_count(const char *word, uint64_t *count)
{
    const size_t n = strlen(word);
    *count = n && n <= 18 && word[strspn(word, "0123456789")] == '\0' ? strtoull(word, NULL, 10) : UINT64_MAX;
    return *count != UINT64_MAX;
}

static bool averages(const cli_args *args)
{
    const char *momentum = cli_get(args, "momentum");
    return momentum && strcmp(momentum, "none") == 0;
}

static int check_count(const cli_place *p)
{
    uint64_t count;
    if (!cli_count(p->text, &count))
        return refuse(p, "whole numbers of batches from 0 to 999999999999999999 are allowed");
    return averages(p->args) ? EXIT_OK : refuse(p, "goes with --momentum none");
}

static int set_momentum(const cli_place *p)
{
    if (!averages(p->args))
        return set_number(p);
    return cli_has(p->args, "count") ? EXIT_OK : refuse(p, "goes with --count N, the batches seen before");
}

static int set_p(const cli_place *p)
{
    const bool infinite = strcmp(p->text, "inf") == 0;
    double value = INFINITY;
    const char *why;
    return (infinite || cli_number(p->text, &value, &why)) &&
                   clnorm_op_set(p->desc, "p", &value, 1) == CLNORM_OK
               ? EXIT_OK
               : refuse(p, "1 to 64 are allowed, and inf");
}

/* Only a profile says where the middle of an even window is. */
static int set_size(const cli_place *p)
{
    const int code = set_number(p);
    return code == EXIT_OK && p->desc->lrn.window % 2 == 0 && p->desc->lrn.lean == CLNORM_ODD_ONLY
               ? refuse(p, "odd sizes are allowed, even ones with --semantics torch or onnx")
               : code;
}

static int set_zero(const cli_place *p)
{
    double value;
    const char *why;
    return cli_number(p->text, &value, &why) && value != floor(value) ? refuse(p, "is not a whole number")
                                                                      : set_number(p);
}

bool cli_axis_of(const char *word, int *axis)
{
    double value;
    const char *why;
    const bool known = cli_number(word, &value, &why) && value == floor(value) && value >= -5 && value <= 4;
    *axis = known ? (int)value : 0;
    return known;
}

/* Which axis it is depends on the rank and waits for cli_attrs_axes, as --over does. */
static int check_axis(const cli_place *p)
{
    int axis;
    return cli_axis_of(p->text, &axis) ? EXIT_OK : refuse(p, "an axis is a whole number from -5 to 4");
}

static int set_later(const cli_place *p)
{
    (void)p;
    return EXIT_OK;
}

static const struct {
    const char *option;
    int (*set)(const cli_place *);
} setters[] = {
    { "range", set_range },     { "scope", set_scope },       { "swap-rb", set_flag },
    { "of", set_of },           { "mean", set_mean },         { "std", set_std },
    { "over", check_over },     { "preset", set_later },      { "scale", set_scale },
    { "mode", set_mode },       { "residual", set_residual }, { "act", set_act },
    { "count", check_count },   { "momentum", set_momentum }, { "p", set_p },
    { "out-scale", set_scale }, { "out-zero", set_zero },     { "zero-centred", set_flag },
    { "axis", check_axis },     { "size", set_size },
};

int cli_set_option(const cli_place *p)
{
    for (size_t k = 0; k < sizeof setters / sizeof *setters; k++)
        if (strcmp(setters[k].option, p->option->name) == 0)
            return setters[k].set(p);
    return set_number(p);
}

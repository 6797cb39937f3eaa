/* options.c -- the table of options: the command's own, and the attributes of the ops. */
#include "cli/args.h"

#include <stdio.h>
#include <string.h>

#define ON_INPUT (CLI_RUN | CLI_PLAN)
#define ON_DEVICE (CLI_RUN | CLI_PLAN | CLI_VERIFY | CLI_BENCH | CLI_WARMUP | CLI_TUNE | CLI_FIT)
#define OF_FILES (ON_INPUT | CLI_CHECK | CLI_FIT)

static const cli_option own[] = {
    { "device", 0, false, CLI_EVERY, "DEV", "0:0 as in `list`, gpu, cpu, or a part of a name", "", NULL },
    { "cache-dir", 0, false, CLI_EVERY, "DIR", "where compiled kernels are kept", "", NULL },
    { "no-cache", 0, false, CLI_EVERY, NULL, "keep no compiled kernels", "", NULL },
    { "tuning", 0, false, ON_DEVICE, "FILE",
      "what `tune` found; else CLNORM_TUNING, or tuning.txt beside the cache", "", NULL },
    { "quiet", 'q', false, CLI_EVERY, NULL, "errors only", "", NULL },
    { "verbose", 'v', false, CLI_EVERY, NULL, "say what is done", "", NULL },
    { "json", 0, false, CLI_EVERY, NULL, "one JSON value on stdout", "", NULL },
    { "color", 0, false, CLI_EVERY, "WHEN", "auto, always or never", "", NULL },
    { "help", 'h', false, CLI_EVERY, NULL, "this text", "", NULL },
    { "version", 0, false, CLI_EVERY, NULL, "the version", "", NULL },
    { "layout", 0, false, OF_FILES, "LAYOUT", "of the .npy: nchw (default) or nhwc", "", NULL },
    { "in-dtype", 0, false, OF_FILES, "TYPE", "bf16: the .npy's <u2 are bf16", "", NULL },
    { "rgb8", 0, false, OF_FILES, NULL, "3 channels of 8 bits from any image file", "", NULL },
    { "out-layout", 0, false, ON_INPUT, "LAYOUT", "of OUTPUT: nchw or nhwc", "", NULL },
    { "out-dtype", 0, false, ON_INPUT, "TYPE", "of OUTPUT: f32, f16, bf16, u8 or s8", "", NULL },
    { "in", 0, true, ON_INPUT, "NAME=FILE.npy", "a further tensor to read, repeatable", "", NULL },
    { "out", 0, true, ON_INPUT, "NAME=FILE.npy", "a further tensor to write, repeatable", "", NULL },
    { "view", 0, false, CLI_RUN, NULL, "OUTPUT.png: map min..max of the image to 0..255", "", NULL },
    { "backward", 0, false, ON_INPUT, NULL, "the gradient instead", "", NULL },
    { "semantics", 0, false, ON_INPUT, "NAME", "chapter (default), torch, onnx or paper", "", NULL },
    { "effort", 0, false, ON_INPUT, "HOW", "estimate (default) or measure", "", NULL },
    { "preset", 0, false, ON_INPUT | CLI_CHECK, "NAME", "mean, std: a name or a preprocessor_config.json",
      "mean std", NULL },
    { "mean", 0, false, ON_INPUT, "A,B,C", "subtracted after the scale: one, or one per channel", "mean",
      NULL },
    { "std", 0, false, ON_INPUT, "A,B,C", "divides: one, or one per channel", "std", NULL },
    { "range", 0, false, ON_INPUT, "LO,HI", "where minimum and maximum go", "lo hi", NULL },
    { "scope", 0, false, ON_INPUT, "SCOPE", "a set: image, channel, batch or batch-channel", "scope", NULL },
    { "over", 0, false, ON_INPUT, "AXES", "reduced axes by letter, such as c,h,w", "axes", NULL },
    { "swap-rb", 0, false, ON_INPUT, NULL, "channels 0 and 2 trade places first", "swap_rb", NULL },
    { "axis", 0, false, ON_INPUT, "K", "reduces axis K to the last (Lp: K alone); -1 is the last", "axes",
      "layernorm rmsnorm l2norm lpnorm" },
    { "mode", 0, false, ON_INPUT, "MODE", "train (default): the batch's statistics; eval: the running ones",
      "mode", NULL },
    { "momentum", 0, false, ON_INPUT, "M", "of the running statistics; none: their average, with --count",
      "momentum", NULL },
    { "count", 0, false, ON_INPUT, "N", "batches seen before, with --momentum none", "momentum", NULL },
    { "size", 0, false, ON_INPUT, "N", "channels of the window", "window", NULL },
    { "p", 0, false, ON_INPUT, "P", "of the norm: 1 to 64, or inf", "p", NULL },
    { "zero-centred", 0, false, ON_INPUT, NULL, "the factor is 1 + gamma", "zero_centred", NULL },
    { "residual", 0, false, ON_INPUT, "WHERE", "before or after (default) is where --in residual is added",
      "residual", NULL },
    { "act", 0, false, ON_INPUT, "ACT", "y = act(..): relu, leaky[:slope], silu, gelu or gelu-tanh",
      "act slope", NULL },
    { "out-scale", 0, false, ON_INPUT, "NUMBER", "quantizes y: y / out_scale + out_zero", "out_scale", NULL },
    { "of", 0, false, ON_INPUT, "OP", "the op to undo", "of", NULL },
    { "whitener", 0, false, ON_INPUT, "FILE.npz", "what `fit-whiten` has written", "task", NULL },
    { "inverse", 0, false, ON_INPUT, NULL, "from whitened data back", "task", NULL },
    { "output", 'o', false, CLI_FIT, "W.npz", "the file to write", "", NULL },
    { "form", 0, false, CLI_FIT, "FORM", "zca (default): outputs like inputs; pca: the principal components",
      "", NULL },
    { "samples", 0, false, CLI_FIT, "KIND", "what is whitened: pixels (default), patches or images", "",
      NULL },
    { "patch", 0, false, CLI_FIT, "N", "pixels of a patch each way", "", NULL },
    { "stride", 0, false, CLI_FIT, "N", "pixels from patch to patch; as many as --patch where not given", "",
      NULL },
    { "components", 0, false, CLI_FIT, "K", "keeps those of the K largest eigenvalues", "", NULL },
    { "eps", 0, false, ON_INPUT | CLI_FIT, "NUMBER",
      "added to a variance, a norm or eigenvalues: `clnorm explain OP`", "eps", NULL },
    { "hostile", 0, false, CLI_VERIFY, NULL, "also data that breaks careless arithmetic, beside PyTorch", "",
      NULL },
    { "suite", 0, false, CLI_BENCH, NULL, "the shapes of the published tables", "", NULL },
    { "shape", 0, false, CLI_BENCH | CLI_TUNE, "NxCxHxW", "one shape", "", NULL },
    { "seconds", 0, false, CLI_TUNE, "N", "of measuring, about (300)", "", NULL },
    { "latency", 0, false, CLI_BENCH, NULL, "small shapes, and the time of one call", "", NULL },
    { "matrix", 0, false, CLI_KERNELS, NULL, "op x schedule x direction", "", NULL },
};
#define OWN (sizeof own / sizeof *own)

/* Attributes that are no options: what files decide, and what only a profile turns. */
static const char by_files[] =
    "channels affine param_dtype given gradients accumulate task samples patch stride components";
static const char switches[] = "single biased_running old_momentum eps_inside add_eps whole_alpha lean";

static bool has_word(const char *list, const char *word)
{
    const size_t length = strlen(word);
    for (const char *at = list; *at; at += strcspn(at, " "), at += strspn(at, " "))
        if (strcspn(at, " ") == length && strncmp(at, word, length) == 0)
            return true;
    return false;
}

bool cli_is_switch(const char *attr) { return has_word(switches, attr); }

static bool has_attr(const clnorm_op_info *op, const char *name, size_t length)
{
    for (size_t k = 0; k < op->nattrs; k++)
        if (strlen(op->attrs[k].name) == length && strncmp(op->attrs[k].name, name, length) == 0)
            return true;
    return false;
}

bool cli_op_takes(const clnorm_op_info *op, const cli_option *option)
{
    for (const char *at = option->attrs; *at; at += strcspn(at, " "), at += strspn(at, " "))
        if (!has_attr(op, at, strcspn(at, " ")))
            return false;
    return !option->ops || has_word(option->ops, op->name);
}

static bool some_op_takes(const cli_option *option)
{
    const clnorm_op_info *op;
    for (size_t k = 0; (op = clnorm_op_at(k)) != NULL; k++)
        if (cli_op_takes(op, option))
            return true;
    return false;
}

/* Whether an option in the list sets the attribute, or none is to. */
static bool is_set(const cli_option *list, size_t n, const char *attr)
{
    for (size_t i = 0; i < n; i++)
        if (has_word(list[i].attrs, attr))
            return true;
    return has_word(by_files, attr) || cli_is_switch(attr);
}

static cli_option number_option(const clnorm_attr *attr)
{
    cli_option o = { "", 0, false, ON_INPUT, "NUMBER", attr->text, attr->name, NULL };
    snprintf(o.name, sizeof o.name, "%s", attr->name);
    for (char *c = o.name; *c; c++)
        *c = *c == '_' ? '-' : *c;
    return o;
}

/* One word may mean different things to different ops; then only `explain` can say
 * which. */
static void note_meaning(cli_option *list, size_t n, const clnorm_attr *attr)
{
    for (size_t k = 0; k < n; k++)
        if (strcmp(list[k].attrs, attr->name) == 0 && strcmp(list[k].help, attr->text) != 0)
            list[k].help = "of the op; `clnorm explain OP` says what it is";
}

size_t cli_options(cli_option *list)
{
    const clnorm_op_info *op;
    size_t n = 0;
    for (size_t k = 0; k < OWN; k++)
        if (some_op_takes(&own[k]))
            list[n++] = own[k];
    const size_t first = n;
    for (size_t k = 0; (op = clnorm_op_at(k)) != NULL; k++)
        for (size_t a = 0; a < op->nattrs && n < CLI_MAX_OPTIONS; a++)
            if (!is_set(list, n, op->attrs[a].name))
                list[n++] = number_option(&op->attrs[a]);
            else
                note_meaning(list + first, n - first, &op->attrs[a]);
    return n;
}

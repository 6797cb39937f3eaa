/* args.c -- the command line, parsed by libpopt and checked against the tables. */
#include "cli/args.h"
#include "cli/io.h"
#include "cli/number.h"

#include <popt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* popt replaces "!#:+" inside a value by the next word, for its aliases. A file may be
 * called so: a word that holds it, or our mark, goes through popt as mark, kind and index
 * instead. */
#define MARK '\001'

static const char *value_part(const char *word)
{
    const char *equals = strncmp(word, "--", 2) == 0 ? strchr(word, '=') : NULL;
    return equals ? equals + 1 : word;
}

static char *shield(const char *word, int index)
{
    const size_t name = (size_t)(value_part(word) - word), room = strlen(word) + 16;
    char *copy = (char *)malloc(room);
    if (!copy)
        return NULL;
    if (strstr(word, "!#:+") || strchr(word, MARK))
        snprintf(copy, room, "%.*s%c%c%d", (int)name, word, MARK, name ? 'v' : 'w', index);
    else
        memcpy(copy, word, strlen(word) + 1);
    return copy;
}

static const char *unshield(const char *text, char **argv)
{
    if (text[0] != MARK)
        return text;
    const char *word = argv[atoi(text + 2)];
    return text[1] == 'v' ? value_part(word) : word;
}

static char *copy_of(const char *text)
{
    char *copy = (char *)malloc(strlen(text) + 1);
    return copy ? strcpy(copy, text) : NULL;
}

const char *cli_get_nth(const cli_args *args, const char *name, size_t k)
{
    for (size_t i = 0; i < args->nvalues; i++)
        if (strcmp(args->values[i].option->name, name) == 0 && k-- == 0)
            return args->values[i].text;
    return NULL;
}
const char *cli_get(const cli_args *args, const char *name) { return cli_get_nth(args, name, 0); }
bool cli_has(const cli_args *args, const char *name) { return cli_get(args, name) != NULL; }

int cli_usage(const cli_args *args, const char *format, ...)
{
    char text[2048];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    cli_fail(EXIT_USAGE, "%s", text);
    fprintf(stderr, "try `clnorm %s%s-h`\n", args->command ? args->command->name : "",
            args->command ? " " : "");
    return EXIT_USAGE;
}

int cli_choice(int *out, const cli_args *args, const char *name, const char *const *list)
{
    const char *word = cli_get(args, name);
    *out = word ? cli_word(word, list) : -1;
    if (!word || *out >= 0)
        return EXIT_OK;
    return cli_usage(args, "--%s is %s; it may be %s", name, cli_quote(word), cli_words(list));
}

/* ---- parsing ---- */

static int keep_value(cli_args *args, const cli_option *option, const char *text)
{
    if (!option->many && cli_has(args, option->name))
        return cli_usage(args, "--%s is given twice", option->name);
    args->values[args->nvalues].option = option;
    args->values[args->nvalues].text = copy_of(text);
    if (!args->values[args->nvalues].text)
        return cli_fail(EXIT_MEMORY, "no memory for the command line");
    args->nvalues++;
    return EXIT_OK;
}

static int refuse_word(const cli_args *args, poptContext popt, int code)
{
    const char *word = cli_quote(poptBadOption(popt, POPT_BADOPTION_NOALIAS));
    if (code == POPT_ERROR_NOARG)
        return cli_usage(args, "%s needs a value", word);
    if (code == POPT_ERROR_UNWANTEDARG)
        return cli_usage(args, "%s: this option takes no value", word);
    return cli_usage(args, "%s is not an option of clnorm", word);
}

static int take_options(cli_args *args, poptContext popt, char **argv)
{
    int code, at;
    while ((at = poptGetNextOpt(popt)) > 0) {
        char *text = poptGetOptArg(popt);
        code = keep_value(args, &args->options[at - 1], text ? unshield(text, argv) : "");
        free(text);
        if (code != EXIT_OK)
            return code;
    }
    return at == -1 ? EXIT_OK : refuse_word(args, popt, at);
}

static int take_words(cli_args *args, poptContext popt, char **argv)
{
    const char *word;
    while ((word = poptGetArg(popt)) != NULL) {
        args->words[args->nwords] = copy_of(unshield(word, argv));
        if (!args->words[args->nwords])
            return cli_fail(EXIT_MEMORY, "no memory for the command line");
        args->nwords++;
    }
    return EXIT_OK;
}

static void fill_table(struct poptOption *table, const cli_args *args)
{
    for (size_t k = 0; k < args->noptions; k++) {
        const cli_option *o = &args->options[k];
        table[k].longName = o->name;
        table[k].shortName = o->letter;
        table[k].argInfo = o->value ? POPT_ARG_STRING : POPT_ARG_NONE;
        table[k].val = (int)k + 1;
    }
}

static int parse_words(cli_args *args, int argc, char **argv, char **copies)
{
    struct poptOption table[CLI_MAX_OPTIONS + 1];
    memset(table, 0, sizeof table);
    fill_table(table, args);
    for (int i = 0; i < argc; i++)
        if ((copies[i] = shield(argv[i], i)) == NULL)
            return cli_fail(EXIT_MEMORY, "no memory for the command line");
    poptContext popt = poptGetContext(NULL, argc, (const char **)(void *)copies, table, 0);
    if (!popt)
        return cli_fail(EXIT_MEMORY, "no memory for the command line");
    int code = take_options(args, popt, argv);
    if (code == EXIT_OK)
        code = take_words(args, popt, argv);
    poptFreeContext(popt);
    return code;
}

static int parse(cli_args *args, int argc, char **argv)
{
    char **copies = (char **)calloc((size_t)argc + 1, sizeof *copies);
    args->values = (cli_value *)calloc((size_t)argc + 1, sizeof *args->values);
    args->words = (char **)calloc((size_t)argc + 1, sizeof *args->words);
    const int code = copies && args->values && args->words
                         ? parse_words(args, argc, argv, copies)
                         : cli_fail(EXIT_MEMORY, "no memory for the command line");
    for (int i = 0; copies && i < argc; i++)
        free(copies[i]);
    free(copies);
    return code;
}

/* ---- checking ---- */

static int find_command(cli_args *args)
{
    const char *name = args->nwords ? args->words[0] : NULL;
    const char *names[32] = { NULL };
    for (size_t k = 0; cli_commands[k].name; k++) {
        names[k] = cli_commands[k].name;
        if (name && strcmp(name, names[k]) == 0)
            args->command = &cli_commands[k];
    }
    if (!name)
        return cli_has(args, "help")
                   ? EXIT_OK
                   : cli_usage(args, "a command is missing; there are %s", cli_words(names));
    if (!args->command)
        return cli_usage(args, "%s is not a command; there are %s", cli_quote(name), cli_words(names));
    free(args->words[0]);
    args->nwords--;
    memmove(args->words, args->words + 1, args->nwords * sizeof *args->words);
    return EXIT_OK;
}

static int check_words(const cli_args *args)
{
    const cli_command *c = args->command;
    for (size_t i = 0; i < args->nvalues; i++)
        if (!(args->values[i].option->commands & c->bit))
            return cli_usage(args, "%s does not take --%s", c->name, args->values[i].option->name);
    if (args->json && !c->json)
        return cli_usage(args, "%s has no --json", c->name);
    if (args->nwords < c->least || args->nwords > c->most)
        return cli_usage(args, "%s takes %s, but was given %zu word%s", c->name,
                         c->words[0] ? c->words : "nothing", args->nwords, args->nwords == 1 ? "" : "s");
    return EXIT_OK;
}

static int take_globals(cli_args *args)
{
    static const char *const colors[] = { "auto", "always", "never", NULL };
    const char *color = cli_get(args, "color"), *no_color = getenv("NO_COLOR"),
               *dir = cli_get(args, "cache-dir");
    const int when = color ? cli_word(color, colors) : 0;
    if (when < 0)
        return cli_usage(args, "--color is %s; it may be %s", cli_quote(color), cli_words(colors));
    args->quiet = cli_has(args, "quiet");
    args->verbose = cli_has(args, "verbose");
    args->json = cli_has(args, "json");
    args->color = when == 1 || (when == 0 && !(no_color && no_color[0]) && isatty(STDOUT_FILENO));
    if (args->quiet && args->verbose)
        return cli_usage(args, "-q and -v exclude each other");
    if (cli_has(args, "no-cache") && cli_has(args, "cache-dir"))
        return cli_usage(args, "--no-cache and --cache-dir exclude each other");
    if (dir && !dir[0])
        return cli_usage(args, "--cache-dir is empty; it names a directory");
    return EXIT_OK;
}

static bool answer(const cli_args *args)
{
    if (cli_has(args, "help"))
        cli_help(args);
    else if (cli_has(args, "version"))
        printf("clnorm %u.%u.%u\n", clnorm_version() >> 16, clnorm_version() >> 8 & 255u,
               clnorm_version() & 255u);
    else
        return false;
    return true;
}

int cli_args_parse(cli_args *out, int argc, char **argv, bool *done)
{
    memset(out, 0, sizeof *out);
    *done = false;
    out->noptions = cli_options(out->options);
    int code = parse(out, argc, argv);
    if (code == EXIT_OK && !(cli_has(out, "version") && !out->nwords))
        code = find_command(out);
    if (code != EXIT_OK)
        return code;
    if ((*done = answer(out)))
        return EXIT_OK;
    code = take_globals(out);
    return code == EXIT_OK ? check_words(out) : code;
}

void cli_args_free(cli_args *args)
{
    for (size_t i = 0; i < args->nvalues; i++)
        free(args->values[i].text);
    for (size_t i = 0; i < args->nwords; i++)
        free(args->words[i]);
    free(args->values);
    free(args->words);
    memset(args, 0, sizeof *args);
}

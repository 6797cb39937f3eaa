/* args.h -- the command line, parsed once and checked against tables. */
#ifndef CLI_ARGS_H
#define CLI_ARGS_H

#include "clnorm.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- options.c: which words there are ---- */

/* A bit per command, for the options that it takes. */
enum {
    CLI_LIST = 1,
    CLI_RUN = 2,
    CLI_PLAN = 4,
    CLI_EXPLAIN = 8,
    CLI_CHECK = 16,
    CLI_VERIFY = 32,
    CLI_BENCH = 64,
    CLI_KERNELS = 128,
    CLI_CACHE = 256,
    CLI_WARMUP = 512,
    CLI_TUNE = 1024,
    CLI_FIT = 2048,
    CLI_EVERY = 4095
};

/* One option. Those that set attributes of an op are there only if some op has these
 * attributes and, where ops are named, is one of them. */
typedef struct cli_option {
    char name[32]; /* without dashes */
    char letter;   /* or 0 */
    bool many;     /* may be given more than once */
    uint32_t commands;
    const char *value; /* what the help calls its value; NULL: a flag */
    const char *help;
    const char *attrs; /* of a descriptor, with blanks between; "" where none */
    const char *ops;   /* NULL: all that have them */
} cli_option;

#define CLI_MAX_OPTIONS 96
/* Fills the table: the command's own, then one number per attribute that no other option
 * sets. */
size_t cli_options(cli_option *list);
/* Whether the op has every attribute that the option sets. */
bool cli_op_takes(const clnorm_op_info *op, const cli_option *option);
/* Whether an attribute is a switch that only --semantics turns. */
bool cli_is_switch(const char *attr);

/* ---- args.c: what was given ---- */

typedef struct cli_value {
    const cli_option *option;
    char *text; /* "" of a flag */
} cli_value;

struct cli_command;

typedef struct cli_args {
    const struct cli_command *command;
    cli_option options[CLI_MAX_OPTIONS];
    size_t noptions;
    cli_value *values;
    size_t nvalues;
    char **words; /* behind the command */
    size_t nwords;
    bool quiet, verbose, json, color;
} cli_args;

/* One command: what it is called, takes and does. */
typedef struct cli_command {
    const char *name;
    uint32_t bit;
    size_t least, most; /* words */
    bool json;          /* has a form for programs */
    const char *words;  /* as the usage line prints them */
    const char *what;
    int (*run)(const cli_args *args); /* returns the exit code */
} cli_command;
extern const cli_command cli_commands[]; /* ends with name NULL */

/* Parses argv. *done is set where -h or --version was answered. Returns an exit code. */
int cli_args_parse(cli_args *out, int argc, char **argv, bool *done);
void cli_args_free(cli_args *args);

/* The value of an option, NULL where it was not given. */
const char *cli_get(const cli_args *args, const char *name);
/* The k-th value of an option that may be given more than once, NULL behind the last. */
const char *cli_get_nth(const cli_args *args, const char *name, size_t k);
bool cli_has(const cli_args *args, const char *name);
/* Where the value of --name is in a list that ends with NULL; -1 where it was not given. Returns an exit code. */
int cli_choice(int *out, const cli_args *args, const char *name, const char *const *list);
/* Prints the sentence and where to find help; returns EXIT_USAGE. */
int cli_usage(const cli_args *args, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- help.c ---- */

/* Of the command, or of the whole where args->command is NULL; on stdout. */
void cli_help(const cli_args *args);

#endif

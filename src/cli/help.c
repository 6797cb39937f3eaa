/* help.c -- the table of commands and the help texts. */
#include "cli/cmd.h"

#include <popt.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define ANY SIZE_MAX

const cli_command cli_commands[] = {
    { "list", CLI_LIST, 0, 0, true, "",
      "devices: id, name, driver, OpenCL C, fp16/fp64, images, local memory", cmd_list },
    { "run", CLI_RUN, 3, 3, true, "OP INPUT OUTPUT", "one normalization of an array or an image", cmd_run },
    { "plan", CLI_PLAN, 2, 2, true, "OP INPUT", "what would run and why; runs nothing", cmd_plan },
    { "explain", CLI_EXPLAIN, 1, 1, true, "OP", "formula, defaults, when to use it and when not, source",
      cmd_explain },
    { "check", CLI_CHECK, 1, ANY, true, "--preset NAME INPUT...",
      "is this tensor in the regime that the model expects? exit 1 if not", cmd_check },
    { "verify", CLI_VERIFY, 0, ANY, true, "[OP...|all]",
      "every op against the double reference on this device", cmd_verify },
    { "bench", CLI_BENCH, 0, ANY, true, "[OP...|all]",
      "verify, then time against the copy limit of the same run", cmd_bench },
    { "tune", CLI_TUNE, 0, ANY, true, "[OP...|all]",
      "search what runs fastest on this device, and keep it for all later runs", cmd_tune },
    { "kernels", CLI_KERNELS, 0, 1, false, "[OP]", "the ops, or the kernel text of one", cmd_kernels },
    { "cache", CLI_CACHE, 1, 1, true, "path|stats|clear", "the directory of compiled kernels", cmd_cache },
    { "warmup", CLI_WARMUP, 0, ANY, true, "[OP...|all]",
      "build the start-up set, or these ops of it, into the cache, so that no run waits", cmd_warmup },
    { "fit-whiten", CLI_FIT, 1, ANY, true, "PATH... -o W.npz",
      "the matrix that whitens images or arrays, for `run whiten --whitener W.npz`", cmd_fit_whiten },
    { NULL, 0, 0, 0, false, NULL, NULL, NULL },
};

static void print_options(const cli_args *args, uint32_t commands, const char *usage)
{
    struct poptOption table[CLI_MAX_OPTIONS + 1];
    const char *argv[] = { "clnorm", NULL };
    size_t n = 0;
    memset(table, 0, sizeof table);
    for (size_t k = 0; k < args->noptions; k++) {
        const cli_option *o = &args->options[k];
        if ((o->commands & commands) != commands ||
            (args->command && !args->command->json && strcmp(o->name, "json") == 0))
            continue;
        table[n].longName = o->name;
        table[n].shortName = o->letter;
        table[n].argInfo = o->value ? POPT_ARG_STRING : POPT_ARG_NONE;
        table[n].descrip = o->help;
        table[n].argDescrip = o->value;
        n++;
    }
    poptContext popt = poptGetContext(NULL, 1, argv, table, 0);
    if (!popt)
        return;
    poptSetOtherOptionHelp(popt, usage);
    poptPrintHelp(popt, stdout, 0);
    poptFreeContext(popt);
}

static void print_names(void)
{
    const clnorm_op_info *op;
    printf("\nops:\n");
    for (size_t k = 0; (op = clnorm_op_at(k)) != NULL; k++)
        printf("  %-13s %s\n", op->name, op->title);
}

void cli_help(const cli_args *args)
{
    char usage[128];
    const cli_command *c = args->command;
    if (c) {
        snprintf(usage, sizeof usage, "%s [OPTIONS] %s", c->name, c->words);
        printf("clnorm %s: %s\n\n", c->name, c->what);
        print_options(args, c->bit, usage);
        if (c->bit & (CLI_RUN | CLI_PLAN | CLI_EXPLAIN | CLI_VERIFY | CLI_KERNELS))
            print_names();
        return;
    }
    printf("clnorm: normalization for vision on any OpenCL device\n\n");
    print_options(args, CLI_EVERY, "[OPTIONS] COMMAND ...");
    printf("\ncommands (`clnorm COMMAND -h` says more):\n");
    for (c = cli_commands; c->name; c++)
        printf("  %-10s %-24s %s\n", c->name, c->words, c->what);
    print_names();
}

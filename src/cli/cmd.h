/* cmd.h -- one function per command; each returns the exit code. */
#ifndef CLI_CMD_H
#define CLI_CMD_H

#include "cli/args.h"

int cmd_list(const cli_args *args);
int cmd_run(const cli_args *args);
int cmd_plan(const cli_args *args);
int cmd_explain(const cli_args *args);
int cmd_check(const cli_args *args);
int cmd_verify(const cli_args *args);
int cmd_bench(const cli_args *args);
int cmd_tune(const cli_args *args);
int cmd_kernels(const cli_args *args);
int cmd_cache(const cli_args *args);
int cmd_warmup(const cli_args *args);
int cmd_fit_whiten(const cli_args *args);

#endif

/* run_whiten.h -- `run whiten` and `plan whiten`: y has a shape of its own, which the whitener's file decides. */
#ifndef CLI_RUN_WHITEN_H
#define CLI_RUN_WHITEN_H

#include "cli/args.h"

/* Whether the op is whiten, and this build has it. */
bool cli_is_whiten(const cli_args *args);
int cli_run_whiten(const cli_args *args);
int cli_plan_whiten(const cli_args *args);

#endif

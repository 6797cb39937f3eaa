/* cmd_bench.c -- the bench is not linked yet. */
#include "cli/cmd.h"
#include "cli/io.h"

int cmd_bench(const cli_args *args)
{
    (void)args;
    return cli_fail(EXIT_USAGE, "this build of clnorm has no bench");
}

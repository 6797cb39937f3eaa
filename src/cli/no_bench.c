/* no_bench.c -- what `bench` and `tune` say in a build without it (CLNORM_BENCH=OFF). */
#include "cli/cmd.h"
#include "cli/io.h"

int cmd_bench(const cli_args *args)
{
    (void)args;
    return cli_fail(EXIT_USAGE, "this build of clnorm has no bench (CLNORM_BENCH=OFF)");
}

int cmd_tune(const cli_args *args)
{
    (void)args;
    return cli_fail(EXIT_USAGE, "this build of clnorm has no bench to tune with (CLNORM_BENCH=OFF)");
}

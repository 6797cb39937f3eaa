/* main.c -- the command: parse, dispatch, and leave nothing half-written when a signal
 * comes. */
#define _POSIX_C_SOURCE 200809L
#include "cli/args.h"
#include "cli/io.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The device may be busy and its threads hold locks: only remove the temporaries and
 * go. */
static void interrupted(int number)
{
    (void)number;
    cli_output_unlink_all();
    _exit(EXIT_SIGNAL);
}

/* A reader that went away is no error to print, but temporaries beside other outputs must
 * not stay. */
static void pipe_closed(int number)
{
    cli_output_unlink_all();
    signal(number, SIG_DFL);
    raise(number);
}

static void handle(int number, void (*handler)(int))
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = handler;
    sigemptyset(&action.sa_mask);
    sigaction(number, &action, NULL);
}

static void handle_unless_ignored(int number, void (*handler)(int))
{
    struct sigaction before;
    if (sigaction(number, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
        handle(number, handler);
}

/* Text that could not be written is a failure, even where the command went well. */
static int flush_text(int code)
{
    const int failed = fflush(stdout) != 0 || ferror(stdout);
    return failed && code == EXIT_OK ? cli_fail(EXIT_INPUT, "standard output cannot be written") : code;
}

int main(int argc, char **argv)
{
    cli_args args;
    bool done = false;
    handle(SIGINT, interrupted);
    handle(SIGTERM, interrupted);
    handle(SIGPIPE, pipe_closed);
    handle_unless_ignored(SIGHUP, interrupted); /* nohup ignores it */
    int code = cli_args_parse(&args, argc, argv, &done);
    if (code == EXIT_OK && !done)
        code = args.command->run(&args);
    cli_args_free(&args);
    return flush_text(code);
}

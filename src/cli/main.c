/* main.c -- the command: parse, dispatch, and leave nothing half-written when a signal
 * comes. */
#define _XOPEN_SOURCE 700
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

/* The signal does what it would have done, but for the temporaries. Of a closed pipe that is no error to print. */
static void end(int number)
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
    sigfillset(&action.sa_mask); /* another signal waits until the temporaries are gone */
    sigaction(number, &action, NULL);
}

/* What whoever started the command ignores stays ignored, as nohup and `&` of a script have it. */
static void handle_all(const int *numbers, size_t count, void (*handler)(int))
{
    struct sigaction before;
    for (size_t k = 0; k < count; k++)
        if (sigaction(numbers[k], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
            handle(numbers[k], handler);
}

static void handle_signals(void)
{
    static const int stop[] = { SIGINT, SIGTERM, SIGHUP },
                     others[] = { SIGABRT, SIGQUIT, SIGALRM, SIGXCPU, SIGUSR1, SIGUSR2 };
    handle_all(stop, sizeof stop / sizeof *stop, interrupted);
    handle_all(others, sizeof others / sizeof *others, end);
    handle(SIGPIPE, end);
    handle(SIGXFSZ, SIG_IGN); /* `ulimit -f`: writes fail, and are reported */
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
    handle_signals();
    int code = cli_args_parse(&args, argc, argv, &done);
    if (code == EXIT_OK && !done)
        code = args.command->run(&args);
    cli_args_free(&args);
    return flush_text(code);
}

/* main.c -- the command: parse, dispatch, and leave nothing half-written when a signal
 * comes. */
#define _XOPEN_SOURCE 700
#include "cli/args.h"
#include "cli/io.h"
#include "cli/temporary.h"

#include <limits.h>
#include <pthread.h>
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

static const int stops[] = { SIGINT, SIGTERM, SIGHUP };
enum { STOPS = sizeof stops / sizeof *stops };

#ifdef __ELF__
/* Before any library starts a thread, as OpenBLAS does when it is loaded: all have what is blocked here. */
static void block_stops(void)
{
    sigset_t all;
    sigemptyset(&all);
    for (int k = 0; k < STOPS; k++)
        sigaddset(&all, stops[k]);
    sigprocmask(SIG_BLOCK, &all, NULL);
}
__attribute__((section(".preinit_array"), used)) static void (*const before_libraries)(void) = block_stops;
#endif

static void *wait_for(void *signals)
{
    int number;
    if (sigwait((const sigset_t *)signals, &number) == 0) {
        cli_temporary_lock(); /* for good: nothing gets a name any more */
        interrupted(number);
    }
    return NULL;
}

/* A thread takes what interrupts. By handlers two signals at once would end the process where it is: while a kernel compiles there are
 * LLVM's, which the first one finds, and the second none. Without the thread ours are there. */
static void watch_stops(void)
{
    static sigset_t ours;
    struct sigaction before;
    pthread_attr_t small;
    pthread_t thread;
    handle_all(stops, STOPS, interrupted);
    sigemptyset(&ours);
    for (int k = 0; k < STOPS; k++)
        if (sigaction(stops[k], NULL, &before) == 0 && before.sa_handler == interrupted)
            sigaddset(&ours, stops[k]);
    pthread_sigmask(SIG_BLOCK, &ours, NULL);
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, PTHREAD_STACK_MIN + ((size_t)64 << 10));
    pthread_attr_setdetachstate(&small, PTHREAD_CREATE_DETACHED);
    if (pthread_create(&thread, &small, wait_for, &ours) != 0)
        pthread_sigmask(SIG_UNBLOCK, &ours, NULL);
    pthread_attr_destroy(&small);
}

static void handle_signals(void)
{
    static const int others[] = { SIGABRT, SIGQUIT, SIGALRM, SIGXCPU, SIGUSR1, SIGUSR2 };
    watch_stops();
    handle_all(others, sizeof others / sizeof *others, end);
    handle(SIGPIPE, end);
    handle(SIGXFSZ, SIG_IGN); /* `ulimit -f`: writes fail, and are reported */
}

/* Text that could not be written is a failure, even where the command went well, or says by its exit code what the text has. */
static int flush_text(int code)
{
    const int failed = fflush(stdout) != 0 || ferror(stdout);
    return failed && (code == EXIT_OK || code == EXIT_CHECK)
               ? cli_fail(EXIT_INPUT, "standard output cannot be written")
               : code;
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

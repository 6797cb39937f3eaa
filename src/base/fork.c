/* fork.c -- a flag that pthread_atfork raises in the child. */
#include "base/fork.h"
#include "base/status.h"

#if defined(_WIN32)
void cln_fork_watch(void) {}
clnorm_status cln_fork_check(void) { return CLNORM_OK; }
#else
#include <pthread.h>
#include <signal.h>

static volatile sig_atomic_t forked;
static pthread_once_t watch_once = PTHREAD_ONCE_INIT;

static void mark(void) { forked = 1; }
static void watch(void) { pthread_atfork(NULL, NULL, mark); }

void cln_fork_watch(void) { pthread_once(&watch_once, watch); }

clnorm_status cln_fork_check(void)
{
    return forked ? cln_fail(CLNORM_EFORK, "this process forked after clnorm was used; call exec, or use the "
                                           "library only in the child")
                  : CLNORM_OK;
}
#endif

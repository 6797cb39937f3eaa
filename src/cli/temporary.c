/* temporary.c -- files under names of their own beside a target, which no signal leaves behind. */
#define _XOPEN_SOURCE 700
#include "cli/temporary.h"
#include "cli/io.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#ifndef PATH_MAX
#define PATH_MAX 4096
#endif

enum { TRIES = 100, BASE_BYTES = 200 };

static char temporaries[CLI_TEMPORARIES][PATH_MAX];
static volatile sig_atomic_t in_use[CLI_TEMPORARIES];

static pthread_mutex_t names = PTHREAD_MUTEX_INITIALIZER;

void cli_temporary_lock(void) { pthread_mutex_lock(&names); }
void cli_temporary_unlock(void) { pthread_mutex_unlock(&names); }

void cli_output_unlink_all(void)
{
    for (int i = 0; i < CLI_TEMPORARIES; i++)
        if (in_use[i])
            unlink(temporaries[i]);
}

static int free_slot(void)
{
    int i = 0;
    while (i < CLI_TEMPORARIES && in_use[i])
        i++;
    return i;
}

/* Standard streams that are closed must not be taken for the file: later text would go into it. */
static int above_standard(int fd)
{
    if (fd > STDERR_FILENO)
        return fd;
    const int high = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    const int why = errno;
    close(fd);
    errno = why;
    return high;
}

/* The next name beside target that no other process takes; false where it is too long. */
static bool name(int slot, const char *target)
{
    static unsigned number;
    const char *const slash = strrchr(target, '/'), *const base = slash ? slash + 1 : target;
    const int n = snprintf(temporaries[slot], PATH_MAX, "%.*s.%.*s.clnorm-%ld-%u", (int)(base - target),
                           target, BASE_BYTES, base, (long)getpid(), number++);
    if (n >= PATH_MAX)
        errno = ENAMETOOLONG;
    return n < PATH_MAX;
}

/* The file has gone, or has a name that it keeps. */
static void leave(int *slot)
{
    in_use[*slot] = 0;
    *slot = CLI_TEMPORARIES;
}

static bool take_slot(int *slot)
{
    *slot = free_slot();
    if (*slot == CLI_TEMPORARIES)
        errno = EMFILE;
    return *slot < CLI_TEMPORARIES;
}

/* The slot is in use before the file is there, so that no signal finds a file without a slot. */
int cli_temporary_create(int *slot, const char *target)
{
    if (!take_slot(slot))
        return -1;
    for (int i = 0; i < TRIES && name(*slot, target); i++) {
        in_use[*slot] = 1;
        const int fd = open(temporaries[*slot], O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0)
            return above_standard(fd);
        in_use[*slot] = 0;
        if (errno != EEXIST)
            break;
    }
    *slot = CLI_TEMPORARIES;
    return -1;
}

bool cli_temporary_link(int *slot, const char *target)
{
    if (!take_slot(slot))
        return false;
    for (int i = 0; i < TRIES && name(*slot, target); i++) {
        in_use[*slot] = 1;
        if (link(target, temporaries[*slot]) == 0)
            return true;
        in_use[*slot] = 0;
        if (errno != EEXIST)
            break;
    }
    leave(slot);
    return false;
}

bool cli_temporary_rename(int *slot, const char *target)
{
    if (rename(temporaries[*slot], target) != 0)
        return false;
    leave(slot);
    return true;
}

void cli_temporary_remove(int *slot)
{
    if (*slot == CLI_TEMPORARIES)
        return;
    if (in_use[*slot])
        unlink(temporaries[*slot]);
    leave(slot);
}

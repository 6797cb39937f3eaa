/* counted.h -- the end of a forked child, which runs no handlers of its parent's: what a build with CLNORM_COVERAGE has
 * counted in it is kept. Define _POSIX_C_SOURCE before. */
#ifndef COUNTED_H
#define COUNTED_H

#include <unistd.h>

#ifdef CLNORM_COVERAGE
#include <gcov.h>
#endif

static inline void counted_exit(int code)
{
#ifdef CLNORM_COVERAGE
    __gcov_dump();
#endif
    _exit(code);
}

#endif

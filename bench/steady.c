/* steady.c -- threads that stay on a core each, for what measures. */
#define _GNU_SOURCE /* sched_getaffinity */
#include "bench/bench.h"

#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

/* Whether the process may run wherever the system does: PoCL would not ask. */
static bool all_is_ours(void)
{
    cpu_set_t set;
    const long there = sysconf(_SC_NPROCESSORS_ONLN);
    return sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) == there;
}

void bench_steady_threads(void)
{
    if (all_is_ours())
        setenv("POCL_AFFINITY", "1", 0);
}

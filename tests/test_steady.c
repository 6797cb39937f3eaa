/* test_steady.c -- which threads what measures asks of PoCL. */
#define _GNU_SOURCE /* sched_setaffinity */
#include "bench/bench.h"

#include "suite.h"

#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

/* Leaves the process so many of the system's CPUs, of those that it may use. */
static void leave(int count)
{
    cpu_set_t all, some;
    ck_assert_int_eq(sched_getaffinity(0, sizeof all, &all), 0);
    CPU_ZERO(&some);
    for (size_t cpu = 0; cpu < CPU_SETSIZE && count; cpu++)
        if (CPU_ISSET(cpu, &all)) {
            CPU_SET(cpu, &some);
            count--;
        }
    ck_assert_int_eq(sched_setaffinity(0, sizeof some, &some), 0);
}

START_TEST(a_core_each)
{
    cpu_set_t set;
    ck_assert_int_eq(sched_getaffinity(0, sizeof set, &set), 0);
    unsetenv("POCL_AFFINITY");
    bench_steady_threads();
    if (CPU_COUNT(&set) == sysconf(_SC_NPROCESSORS_ONLN))
        ck_assert_pstr_eq(getenv("POCL_AFFINITY"), "1");
    else
        ck_assert_ptr_null(getenv("POCL_AFFINITY"));
}
END_TEST

START_TEST(who_has_said_it)
{
    setenv("POCL_AFFINITY", "0", 1);
    bench_steady_threads();
    ck_assert_str_eq(getenv("POCL_AFFINITY"), "0");
}
END_TEST

START_TEST(who_may_not_use_all)
{
    const long there = sysconf(_SC_NPROCESSORS_ONLN);
    if (there < 2)
        return;
    leave((int)there - 1);
    unsetenv("POCL_AFFINITY");
    bench_steady_threads();
    ck_assert_ptr_null(getenv("POCL_AFFINITY"));
}
END_TEST

int main(void)
{
    return suite_run(suite_of("steady", SUITE_CASE(a_core_each, who_has_said_it, who_may_not_use_all)),
                     CK_FORK);
}

/* huge_case.h -- tests of more than 2^31 elements: whether there is room for one, and a run. */
#ifndef HUGE_CASE_H
#define HUGE_CASE_H

#include "api_case.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Bytes that the machine can give; all where it does not say. */
static inline double huge_available(void)
{
    FILE *f = fopen("/proc/meminfo", "r");
    char line[128];
    double kib = HUGE_VAL;
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "MemAvailable: %lf kB", &kib) == 1)
            break;
    if (f)
        fclose(f);
    return kib * 1024;
}

/* Says why where there is none: for `buffers` of `bytes`. On a CPU they are the machine's own memory. */
static inline bool huge_has_room(size_t buffers, size_t bytes)
{
    const double need = 1.25 * (double)buffers * (double)bytes;
    clnorm_device d;
    if (clnorm_device_find(&d, getenv("CLNORM_TEST_DEVICE")) != CLNORM_OK)
        printf("skipped: %s\n", clnorm_last_error(NULL));
    else if (d.max_alloc_bytes < bytes)
        printf("skipped: one buffer may have %.2g bytes; %.2g are needed\n", (double)d.max_alloc_bytes,
               (double)bytes);
    else if ((double)d.global_bytes < need || huge_available() < 2 * need)
        printf(
            "skipped: the device has %.2g bytes and the machine %.2g free ones; %.2g and %.2g are needed\n",
            (double)d.global_bytes, huge_available(), need, 2 * need);
    else
        return true;
    return false;
}

enum { HUGE_BEFORE = 0xa5 }; /* what every byte of y is before it is written */

static inline void huge_clear(cl_mem y, size_t bytes)
{
    const cl_uchar before = HUGE_BEFORE;
    ck_assert_int_eq(clEnqueueFillBuffer(harness_get()->queue, y, &before, 1, 0, bytes, 0, NULL, NULL),
                     CL_SUCCESS);
}

static inline void huge_run(const clnorm_op *op, const clnorm_args *args)
{
    clnorm_plan *plan;
    OK(clnorm_plan_create(&plan, harness_get()->ctx, op, CLNORM_ESTIMATE));
    OK(clnorm_enqueue(plan, harness_get()->queue, args, 0, NULL, NULL));
    ck_assert_int_eq(clFinish(harness_get()->queue), CL_SUCCESS);
    clnorm_plan_release(plan);
}

#endif

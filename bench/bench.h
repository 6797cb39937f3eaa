/* bench.h -- times an op against a copy of the same bytes in the same rounds. */
#ifndef BENCH_H
#define BENCH_H

#include "clnorm.h"

#include <stddef.h>

/* One case to time. */
typedef struct bench_case {
    clnorm_any desc;
    const char *label; /* of the workload, "W1" and so on; "" for others */
} bench_case;

/* What came out; times in ms. */
typedef struct bench_result {
    double median, p10, p90; /* of the op, over the rounds */
    double gbps, copy_gbps;  /* at the medians, bytes read and written */
    double ratio;            /* median over rounds of op / copy; 1.0 is the limit */
    double plan, first;      /* making the plan; the first run to its end */
    char text[160];          /* the plan, first line */
} bench_result;

/* The device under test. */
typedef struct bench_device {
    clnorm_context *ctx;
    cl_context cl;
    cl_device_id id;
    cl_command_queue queue;
} bench_device;

/* Cases of one op: the published workloads (suite) or small tensors (latency), else a batch of 32
 * photographs or, of a layer in every direction and mode, of features. Returns how many there are; fills at
 * most room. */
typedef enum bench_set { BENCH_USUAL, BENCH_SUITE, BENCH_LATENCY } bench_set;
size_t bench_cases(bench_case *out, size_t room, uint32_t kind, bench_set set);
/* The usual cases of an op with a shape (n,c,h,w). */
size_t bench_shaped(bench_case *out, size_t room, uint32_t kind, const int64_t shape[4]);

/* Before a device is looked for: PoCL's threads are to stay on a core each, unless the environment says or the process may
 * not use all. */
void bench_steady_threads(void);

/* What a call of the plan is timed with: x and y; of a layer all that training has, and what inference needs. */
clnorm_status bench_args(clnorm_args *out, const bench_device *device, const clnorm_any *desc,
                         const clnorm_plan *plan);
void bench_args_free(clnorm_args *args);

#define BENCH_ROUNDS 30
/* Times `rounds` rounds, op and copy in random order. Errors  those of the library, ECL, ENOMEM. */
clnorm_status bench_run(bench_result *out, const bench_device *device, const bench_case *c, int rounds);

/* The bytes that were wanted where ENOMEM is not the library's, which has a sentence of its own. */
typedef struct bench_lack {
    size_t host, device;
} bench_lack;
bench_lack bench_lacked(void);

#endif

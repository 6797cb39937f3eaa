/* workload.h -- what `bench` and `tune` run, in words. */
#ifndef CLI_WORKLOAD_H
#define CLI_WORKLOAD_H

#include "bench/bench.h"
#include "cli/json.h"

/* "nchw" or "nhwc". */
const char *cli_workload_layout(const clnorm_tensor *t);
/* The start of a row: label, op, direction or mode, shape, type, layout. */
void cli_workload_print(const bench_case *c);
void cli_workload_head(void);
/* op, direction, mode, shape, dtype, layout. */
json_t *cli_workload_json(const clnorm_any *desc);
/* "32x3x224x224" */
bool cli_workload_shape(int64_t shape[4], const char *text);

#endif

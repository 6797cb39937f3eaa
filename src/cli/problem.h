/* problem.h -- options and INPUT as a checked descriptor. */
#ifndef CLI_PROBLEM_H
#define CLI_PROBLEM_H

#include "cli/attrs.h"
#include "cli/reading.h"

/* What the words of the command line say, before any file is read. */
typedef struct cli_request {
    const clnorm_op_info *op;
    clnorm_any desc; /* attributes set, no tensors yet */
    cli_lists lists;
    cli_reading reading;
    cli_writing writing;
    bool png;
    bool cumulative; /* --momentum none, with --count */
    uint64_t count;
} cli_request;

/* One problem. Of an image file, INPUT is (1,H,W,C) and every output is channels
 * first. */
typedef struct cli_problem {
    const clnorm_op_info *op;
    clnorm_any desc; /* checked and complete */
    cli_array input;
    const char *name;  /* of INPUT */
    cli_layout layout; /* of INPUT */
    cli_layout kept;   /* of outputs that --out-layout does not decide */
    cli_layout out;    /* of OUTPUT */
    uint32_t main;     /* the slot of OUTPUT: y, or backward dx */
    uint32_t dtype;    /* of OUTPUT */
} cli_problem;

struct cli_extras;

/* Checks every word that can be checked without a file; png: OUTPUT is to be one. */
int cli_request_make(cli_request *out, const cli_args *args, const char *op, bool png);
/* The same for a statistic of --scope `scope` that a command takes of its own; `lists`
 * are a preset's. */
int cli_request_moments(cli_request *out, const cli_args *args, double scope, const cli_lists *lists);
/* An image that suits the op, for what is to be known before any file is read. Fails as clnorm_op_check. */
clnorm_status cli_request_sample(clnorm_any *out, const cli_request *request);
/* Reads INPUT and every --in, and completes the descriptor. extras may be NULL. */
int cli_problem_read(cli_problem *out, const cli_request *request, const cli_args *args, const char *input,
                     struct cli_extras *extras);
void cli_problem_free(cli_problem *p);

#endif

/* problem.h -- options and INPUT as a checked descriptor. */
#ifndef CLI_PROBLEM_H
#define CLI_PROBLEM_H

#include "cli/attrs.h"
#include "cli/io.h"
#include "cli/layout.h"

/* What the words of the command line say, before any file is read. */
typedef struct cli_request {
    const clnorm_op_info *op;
    clnorm_any desc; /* attributes set, no tensors yet */
    cli_lists lists;
    int layout, out_layout; /* cli_layout; -1: not given */
    uint32_t out_dtype;     /* 0: not given */
    bool bf16, rgb8, png;
    uint32_t effort;
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
    bool bf16;         /* <u2 of parameters are bf16 too */
} cli_problem;

/* Checks every word that can be checked without a file; png: OUTPUT is to be one. */
int cli_request_make(cli_request *out, const cli_args *args, const char *op, bool png);
/* The same for a statistic of --scope `scope` that a command takes of its own; `lists`
 * are a preset's. */
int cli_request_moments(cli_request *out, const cli_args *args, double scope, const cli_lists *lists);
/* Reads INPUT and completes the descriptor. */
int cli_problem_read(cli_problem *out, const cli_request *request, const cli_args *args, const char *input);
void cli_problem_free(cli_problem *p);

#endif

/* tensors.h -- --in and --out: the further tensors of an op as .npy files. */
#ifndef CLI_TENSORS_H
#define CLI_TENSORS_H

#include "cli/problem.h"
#include "cli/session.h"

extern const char *const cli_slot_names[]; /* CLNORM_SLOTS_USED of them */

/* One --in or --out. */
typedef struct cli_extra {
    uint32_t slot;
    const char *name; /* of the slot */
    const char *file;
    bool output;
    clnorm_tensor tensor; /* as the op has it */
    cli_array array;      /* what the file holds */
    cli_output *sink;     /* of an output */
} cli_extra;

typedef struct cli_extras {
    cli_extra list[2 * CLNORM_SLOTS];
    size_t count;
} cli_extras;

/* Names, files and the op's needs, as far as no file is read. `output` is OUTPUT, NULL
 * where there is none. */
int cli_extras_parse(cli_extras *out, const cli_args *args, const cli_request *request, const char *output);
/* Reads every --in and makes room for every --out. */
int cli_extras_read(cli_extras *e, const cli_problem *problem);
/* Checks that every --out can be written; none may be `input`. */
int cli_extras_open(cli_extras *e, const char *input);
/* The memory of all in the slots of a run. */
void cli_extras_bind(const cli_extras *e, cli_slots *slots);
int cli_extras_write(cli_extras *e, const cli_problem *problem);
int cli_extras_commit(cli_extras *e);
/* Abandons what was not committed. */
void cli_extras_free(cli_extras *e);

#endif

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
    bool used;            /* by the plan; an --in that it does not need is read all the same */
    clnorm_tensor tensor; /* as the op has it */
    clnorm_tensor lies;   /* the same as the file has it */
    cli_array array;      /* what the file holds */
    cli_output *sink;     /* of an output */
} cli_extra;

typedef struct cli_extras {
    cli_extra list[2 * CLNORM_SLOTS];
    size_t count;
} cli_extras;

/* Names, files and the op's needs, as far as no file is read. `output` is OUTPUT, NULL
 * where nothing runs; then nothing need be there either. What the names say about a layer goes to the
 * request. */
int cli_extras_parse(cli_extras *out, const cli_args *args, cli_request *request, const char *output);
/* Bits of the slots that are named. */
uint32_t cli_extras_named(const cli_extras *e, bool output);
/* The --in or --out of a slot; NULL where there is none. */
cli_extra *cli_extras_find(const cli_extras *e, uint32_t slot, bool output);
/* " gamma beta", or " none"; one static buffer. */
const char *cli_slot_list(uint32_t slots);

/* ---- extras.c ---- */

/* Reads every --in. */
int cli_extras_load(cli_extras *e, bool bf16);
/* Gives every --in the type and order that the op wants, and makes room for every --out. */
int cli_extras_fit(cli_extras *e, const cli_problem *problem);
/* Whether an array has the shape, axes of length 1 apart. */
bool cli_shape_fits(const cli_array *a, const int64_t *shape, uint32_t ndim);
/* An array of floats in another type, rounded to nearest even. */
int cli_convert(cli_array *a, uint32_t dtype);
/* Checks that every --out can be written; none may be `input`. */
int cli_extras_open(cli_extras *e, const char *input);
/* The memory of all in the slots of a run. */
void cli_extras_bind(const cli_extras *e, cli_slots *slots);
int cli_extras_write(cli_extras *e);
/* Together with OUTPUT, which goes before them. */
int cli_extras_commit(cli_extras *e, cli_output *first);
/* Abandons what was not committed. */
void cli_extras_free(cli_extras *e);

#endif

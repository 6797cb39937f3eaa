/* work.h -- a case at work: its tensors, what the reference says of them, whether a launch agrees. */
#ifndef WORK_H
#define WORK_H

#include "array.h"
#include "harness.h"

typedef struct work {
    harness *h;
    const op_case *c;
    clnorm_any desc; /* completed */
    const clnorm_op_info *op;
    cln_problems posed;
    uint32_t slots; /* that the case has, bit per clnorm_slot */
    array a[CLNORM_SLOTS];
    double *want[CLNORM_SLOTS], *scale[CLNORM_SLOTS], *any[CLNORM_SLOTS]; /* of outputs */
    unsigned char *first[CLNORM_SLOTS]; /* what the first launch has left in the buffers */
    uint64_t hash;
    bool hashed;
    uint32_t most_items; /* of the work-groups that ran */
} work;

/* Completes the descriptor, fills every input and runs the reference. */
void work_begin(work *w, harness *h, const op_case *c);
void work_end(work *w);

const char *work_slot_name(uint32_t slot);
/* The input in whose place an output is where the case is in place; CLNORM_SLOTS for other slots. */
uint32_t work_place_of(const work *w, uint32_t slot);

/* The case and how it is run. */
typedef struct words {
    char text[1536];
    size_t used;
} words;
words work_describe(const work *w, const cln_choice *choices);

/* All outputs in a call's buffers: as the reference says, nothing beside them, the same bits as at every
 * launch before. choices: one per problem. */
void judge(work *w, const cln_choice *choices, const clnorm_args *args);

#endif

/* fusion_case.h -- a case of test_fusion.c: a layer with what it fuses, at work on the device and in the reference. */
#ifndef FUSION_CASE_H
#define FUSION_CASE_H

#include "api_case.h"
#include "array.h"

#include <stdint.h>

#define BIT(slot) (1u << CLNORM_##slot)

/* Small planes; those that are long enough to be folded by weight; rows. */
enum { SMALL, LONG, ROWS };

typedef struct fusion {
    uint32_t kind, act, residual, affine, mode, x, y, form;
    bool turned;                             /* y is in the other layout than x */
    bool last, back, with_mask, adds, saved; /* saved: backward, mean and rstd are given */
    uint32_t draw; /* not 0: one of so many that CLNORM_TEST_FULL, too, runs it in one way, this one */
    float scale, zero;
    uint32_t absent; /* slots that the call leaves out */
} fusion;

typedef struct fusion_work {
    const fusion *f;
    clnorm_any d;
    array a[CLNORM_SLOTS];
    double *want[CLNORM_SLOTS], *scale[CLNORM_SLOTS];
    unsigned char *mask; /* the reference's */
    uint64_t hash;
    bool hashed;
} fusion_work;

void fusion_begin(fusion_work *w, const fusion *f);
void fusion_end(fusion_work *w);
/* The case and how it is run. */
void fusion_say(const fusion_work *w, const cln_choice *ch, char *text, size_t room);
/* All outputs in a call's buffers: as the reference says, nothing beside them, the same bits as at every launch before. */
void fusion_judge(fusion_work *w, const cln_choice *ch, const clnorm_args *args);

#define ALL_WAYS SIZE_MAX
/* All launches of a case: in `most` ways of the device's own work-group, and in some of others. */
void fusion_run(const fusion *f, size_t most);

#endif

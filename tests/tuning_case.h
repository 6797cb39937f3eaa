/* tuning_case.h -- a scratch directory, sentences, and whether two classes are tuned alike. Define _XOPEN_SOURCE 700 before. */
#ifndef TUNING_CASE_H
#define TUNING_CASE_H

#include "harness.h"
#include "scratch.h"

#define OK(call) ck_assert_msg((call) == CLNORM_OK, "%s", clnorm_last_error(NULL))
#define SAYS(words)                                                                          \
    ck_assert_msg(strstr(clnorm_last_error(NULL), words) != NULL, "no \"%s\" in: %s", words, \
                  clnorm_last_error(NULL))

static char root[SCRATCH_PATH];
static inline void setup(void) { scratch_create(root); }
static inline void teardown(void) { scratch_remove(root); }

static inline bool same(const cln_tuned *a, const cln_tuned *b)
{
    return !strcmp(a->solver, b->solver) && a->wg == b->wg && a->vec == b->vec && a->busy == b->busy &&
           a->wide == b->wide;
}

#endif

/* op_case.h -- the parts of test_op.c. */
#ifndef OP_CASE_H
#define OP_CASE_H

#include "api_case.h"

/* By the check that needs no device, and by the plan, in the same words. */
static inline void refused(const clnorm_any *d, clnorm_status status, const char *word)
{
    clnorm_any copy = *d;
    clnorm_plan *plan = (clnorm_plan *)&copy;
    ck_assert_msg(clnorm_op_check(&copy) == status, "%s: got %s, want %s (%s)", word,
                  clnorm_status_text(clnorm_op_check(&copy)), clnorm_status_text(status),
                  clnorm_last_error(NULL));
    SAYS(word);
    ck_assert_int_eq(clnorm_plan_create(&plan, harness_get()->ctx, &d->op, CLNORM_ESTIMATE), status);
    ck_assert_ptr_null(plan);
    SAYS(word);
}

#define EACH_OP(op)           \
    const clnorm_op_info *op; \
    for (size_t each_ = 0; (op = clnorm_op_at(each_)) != NULL; each_++)

/* The tests of op_words.c. */
void op_words(TCase *t);

#endif

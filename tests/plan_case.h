/* plan_case.h -- the parts of test_plan.c. */
#ifndef PLAN_CASE_H
#define PLAN_CASE_H

#include "api_case.h"

/* The tests of the files of these names. */
void plan_bundles(TCase *t);
void plan_launches(TCase *t);
void plan_limits(TCase *t);

#endif

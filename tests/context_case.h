/* context_case.h -- the parts of test_context.c. Define _XOPEN_SOURCE 700 before. */
#ifndef CONTEXT_CASE_H
#define CONTEXT_CASE_H

#include "api_case.h"

/* The tests of the files of these names. */
void context_build(TCase *t);
void context_files(TCase *t);
void context_owners(TCase *t);

#endif

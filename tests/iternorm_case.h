/* iternorm_case.h -- the parts of test_iternorm.c. Define _POSIX_C_SOURCE 200809L before. */
#ifndef ITERNORM_CASE_H
#define ITERNORM_CASE_H

#include "matrix_case.h"

/* The tests of iternorm_long.c. */
void iternorm_long(TCase *t);

#endif

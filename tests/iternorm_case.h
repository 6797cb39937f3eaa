/* iternorm_case.h -- the parts of test_iternorm.c. Define _POSIX_C_SOURCE 200809L before. */
#ifndef ITERNORM_CASE_H
#define ITERNORM_CASE_H

#include "matrix_case.h"

#define BIT(slot) (1u << CLNORM_##slot)

static inline clnorm_iternorm described(clnorm_tensor x, uint32_t mode, uint32_t groups)
{
    clnorm_iternorm d = CLNORM_ITERNORM_INIT;
    d.x = d.y = x;
    d.mode = mode;
    d.groups = groups;
    return d;
}

/* The tests of iternorm_long.c. */
void iternorm_long(TCase *t);

#endif

/* data.h -- what x holds in a case. */
#ifndef DATA_H
#define DATA_H

#include "harness.h"

double data_random(uint32_t *state); /* uniform in [0, 1) */
double data_bell(uint32_t *state);   /* about normal: mean 0, deviation 1 */
/* Element i (counted over the tensor) of a kind. */
double data_value(data_kind kind, uint32_t dtype, int64_t i, uint32_t *state);
/* Whether a type can hold what makes the kind what it is. */
bool data_fits(data_kind kind, uint32_t dtype);
const char *data_name(data_kind kind);

#endif

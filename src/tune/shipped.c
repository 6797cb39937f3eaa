/* shipped.c -- what `clnorm tune` found on devices that were at hand, without their drivers: copied from its files. */
#include "tune/tuning.h"

#include <stddef.h>

const char *const cln_tuned_shipped[] = {
    NULL,
};

/* test_normalize.c -- normalize. */
#include "harness.h"

TABLE_MAIN(normalize, CLNORM_OP_NORMALIZE)

/* test_minmax.c -- minmax. */
#include "harness.h"

TABLE_MAIN(minmax, CLNORM_OP_MINMAX)

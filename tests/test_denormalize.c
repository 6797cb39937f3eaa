/* test_denormalize.c -- denormalize. */
#include "harness.h"

TABLE_MAIN(denormalize, CLNORM_OP_DENORMALIZE)

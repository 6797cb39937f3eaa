/* test_symmetric.c -- symmetric. */
#include "harness.h"

TABLE_MAIN(symmetric, CLNORM_OP_SYMMETRIC)

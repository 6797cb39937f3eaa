/* test_moments.c -- moments. */
#include "harness.h"

TABLE_MAIN(moments, CLNORM_OP_MOMENTS)

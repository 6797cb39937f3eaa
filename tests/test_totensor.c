/* test_totensor.c -- totensor. */
#include "harness.h"

TABLE_MAIN(totensor, CLNORM_OP_TOTENSOR)

/* test_grn.c -- grn. */
#include "harness.h"

LAYER_MAIN(grn, CLNORM_OP_GRN)

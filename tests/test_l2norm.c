/* test_l2norm.c -- l2norm. */
#include "harness.h"

LAYER_MAIN(l2norm, CLNORM_OP_L2NORM)

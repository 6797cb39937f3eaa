/* test_mvn.c -- mvn. */
#include "harness.h"

LAYER_MAIN(mvn, CLNORM_OP_MVN)

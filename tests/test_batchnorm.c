/* test_batchnorm.c -- batchnorm. */
#include "harness.h"

LAYER_MAIN(batchnorm, CLNORM_OP_BATCHNORM)

/* test_instancenorm.c -- instancenorm. */
#include "harness.h"

LAYER_MAIN(instancenorm, CLNORM_OP_INSTANCENORM)

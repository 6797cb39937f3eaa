/* test_rmsnorm.c -- rmsnorm. */
#include "harness.h"

LAYER_MAIN(rmsnorm, CLNORM_OP_RMSNORM)

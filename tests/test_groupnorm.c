/* test_groupnorm.c -- groupnorm. */
#include "harness.h"

LAYER_MAIN(groupnorm, CLNORM_OP_GROUPNORM)

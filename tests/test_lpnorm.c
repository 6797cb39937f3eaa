/* test_lpnorm.c -- lpnorm. */
#include "harness.h"

LAYER_MAIN(lpnorm, CLNORM_OP_LPNORM)

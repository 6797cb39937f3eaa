/* test_layernorm.c -- layernorm. */
#include "harness.h"

LAYER_MAIN(layernorm, CLNORM_OP_LAYERNORM)

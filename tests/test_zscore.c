/* test_zscore.c -- zscore. */
#include "harness.h"

TABLE_MAIN(zscore, CLNORM_OP_ZSCORE)

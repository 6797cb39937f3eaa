/* test_zscore.c -- zscore. */
#include "harness.h"

START_TEST(table) { table_run(CLNORM_OP_ZSCORE); }
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("zscore");
    suite_add_tcase(s, table_tcase("table", table));
    return s;
}
SUITE_MAIN(suite)

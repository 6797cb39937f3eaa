/* test_minmax.c -- min-max scaling. */
#include "harness.h"

START_TEST(table) { table_run(CLNORM_OP_MINMAX); }
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("minmax");
    suite_add_tcase(s, table_tcase("table", table));
    return s;
}
SUITE_MAIN(suite)

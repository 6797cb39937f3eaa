/* test_totensor.c -- totensor. */
#include "harness.h"

START_TEST(table) { table_run(CLNORM_OP_TOTENSOR); }
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("totensor");
    suite_add_tcase(s, table_tcase("table", table));
    return s;
}
SUITE_MAIN(suite)

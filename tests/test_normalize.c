/* test_normalize.c -- normalize. */
#include "harness.h"

START_TEST(table) { table_run(CLNORM_OP_NORMALIZE); }
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("normalize");
    suite_add_tcase(s, table_tcase("table", table));
    return s;
}
SUITE_MAIN(suite)

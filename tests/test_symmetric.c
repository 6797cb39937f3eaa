/* test_symmetric.c -- scaling to [-1, 1]. */
#include "harness.h"

START_TEST(table) { table_run(CLNORM_OP_SYMMETRIC); }
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("symmetric");
    suite_add_tcase(s, table_tcase("table", table));
    return s;
}
SUITE_MAIN(suite)

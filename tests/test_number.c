/* test_number.c -- words as numbers: which are, and why the others are not. */
#include "cli/number.h"

#include "suite.h"

#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* NULL: it is a number, of that value. */
static const struct {
    const char *word;
    double value;
    const char *why;
} words[] = {
    { "1.5", 1.5, NULL },
    { "-3e2", -300, NULL },
    { "0", 0, NULL },
    { "-0.0", 0, NULL },
    { "0e5", 0, NULL },
    { "0.00E-400", 0, NULL },
    { "1e-400", 0, "is smaller than a float can be" },
    { "0.01e-60", 0, "is smaller than a float can be" },
    { "1e39", 0, "is larger than a float can be" },
    { "-1e400", 0, "is larger than a float can be" },
    { "", 0, "is not a number" },
    { "1e", 0, "is not a number" },
    { "0x10", 0, "is not a number" },
    { "nan", 0, "is not a number" },
};

START_TEST(single_words)
{
    double value = 7;
    const char *why = NULL;
    const bool is = cli_number(words[_i].word, &value, &why);
    ck_assert_int_eq(is, words[_i].why == NULL);
    ck_assert_double_eq(value, words[_i].value);
    if (!is)
        ck_assert_str_eq(why, words[_i].why);
}
END_TEST

START_TEST(lists)
{
    char item[80];
    double values[3];
    const char *why = NULL;
    ck_assert_uint_eq(cli_numbers("1,-2,3e1", values, 3, &why), 3);
    ck_assert_double_eq(values[0] + values[1] + values[2], 29);
    ck_assert_uint_eq(cli_numbers("1,2,3,4", values, 3, &why), 0);
    ck_assert_str_eq(why, "has too many numbers");
    ck_assert_uint_eq(cli_numbers("1,,2", values, 3, &why), 0);
    ck_assert_str_eq(why, "is not a number");
    memset(item, '0', sizeof item);
    item[64] = '\0'; /* longer than any number has to be */
    ck_assert_uint_eq(cli_numbers(item, values, 3, &why), 0);
    ck_assert_str_eq(why, "is not a list of numbers");
    item[63] = '\0';
    ck_assert_uint_eq(cli_numbers(item, values, 3, &why), 1);
}
END_TEST

int main(void)
{
    TCase *const c = SUITE_CASE(lists);
    tcase_add_loop_test(c, single_words, 0, (int)COUNT(words));
    return suite_run(suite_of("number", c), CK_NOFORK);
}

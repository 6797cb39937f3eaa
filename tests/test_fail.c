/* test_fail.c -- sentences on stderr, and names made safe to print. */
#include "files.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

START_TEST(quoting) /* 51 */
{
    static const char *const cases[][2] = {
        { "plain name.npy", "plain name.npy" },
        { "", "\"\"" },
        { "a\nb\tc\x7f", "a\\x0ab\\x09c\\x7f" },
        { "\x1b]0;title\a", "\\x1b]0;title\\x07" },
        { "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80" },
        { "\xff\xc3", "\\xff\\xc3" },
        { "\xc0\xaf", "\\xc0\\xaf" },                   /* too long a form */
        { "\xed\xa0\x80", "\\xed\\xa0\\x80" },          /* half a pair */
        { "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80" }, /* beyond Unicode */
        { "\xc2\x9b", "\\xc2\\x9b" },                   /* the 8-bit ESC [ */
        { "\xe2\x80\xae", "\\xe2\\x80\\xae" }
    }; /* turns the reading direction */
    char name[4097];
    for (size_t i = 0; i < COUNT(cases); i++)
        ck_assert_str_eq(cli_quote(cases[i][0]), cases[i][1]);
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    ck_assert_uint_eq(strlen(cli_quote(name)), 203);
    memset(name, '\x1b', sizeof name - 1);
    ck_assert_uint_eq(strlen(cli_quote(name)), 803);
    FILES_EXPECT(cli_fail(7, "%s and %s", cli_quote("a"), cli_quote("b")), 7, "clnorm: a and b\n");
}
END_TEST

START_TEST(sentences) /* the library's repeat words as they were given */
{
    char text[5000];
    FILES_EXPECT(cli_fail(7, "there is no \x1b[31m\x7f\xc3"), 7, "clnorm: there is no \\x1b[31m\\x7f\\xc3\n");
    memset(text, '\x1b', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    FILES_EXPECT(cli_fail(7, "%s", text), 7, "\\x1b\\x1b\n");
    files_listen();
    cli_fail(7, "one\n\ttwo"); /* one line, whoever's words they are */
    ck_assert_str_eq(files_heard(), "clnorm: one\\x0a\\x09two\n");
    files_listen();
    cli_fail_log("one\n\ttwo\x1b");
    ck_assert_str_eq(files_heard(), "one\n\ttwo\\x1b\n");
}
END_TEST

int main(void) { return files_run(suite_of("fail", SUITE_CASE(quoting, sentences))); }

/* suite.h -- a suite of one case: its tests named in a row, and what main does with it. */
#ifndef SUITE_H
#define SUITE_H

#include <check.h>
#include <stddef.h>

static inline void suite_add(TCase *t, const TTest *const *tests)
{
    for (; *tests; tests++)
        tcase_add_test(t, *tests);
}
/* Adds the tests named: those of one file, where a suite has several. */
#define SUITE_ADD(t, ...) suite_add(t, (const TTest *const[]){ __VA_ARGS__, NULL })

static inline TCase *suite_case(const TTest *const *tests)
{
    TCase *t = tcase_create("all");
    suite_add(t, tests);
    return t;
}
/* A case of the tests named. */
#define SUITE_CASE(...) suite_case((const TTest *const[]){ __VA_ARGS__, NULL })

static inline Suite *suite_of(const char *name, TCase *t)
{
    Suite *s = suite_create(name);
    suite_add_tcase(s, t);
    return s;
}

/* Runs it; what main returns. CK_NOFORK where OpenCL is used, which does not survive a fork. */
static inline int suite_run(Suite *s, enum fork_status status)
{
    SRunner *r = srunner_create(s);
    srunner_set_fork_status(r, status);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}

#endif

/* test_program.c -- the table of programs: each built once whoever asks, and failures that say what is wrong.
 */
#define _XOPEN_SOURCE 700
#include "program_case.h"

#include "device/binary.h"

START_TEST(one_unit_is_built_once)
{
    cln_programs *p = open_table("", NULL);
    const cl_program first = get(p, unit, OPTIONS);
    ck_assert_ptr_eq(get(p, unit, OPTIONS), first);
    ck_assert_int_eq(answer(first), 42);
    const cl_program second = get(p, unit, "-DANSWER=43");
    ck_assert_ptr_ne(second, first);
    ck_assert_int_eq(answer(second), 43);
    counts(p, 2, 0, 0, 0);
    cln_programs_release(p);
    cln_programs_release(NULL);
}
END_TEST

START_TEST(not_ready_without_build)
{
    cln_programs *p = open_table("", NULL);
    cl_program again;
    SAYS(failure(p, unit, OPTIONS, false, CLNORM_ENOTREADY), OPTIONS);
    counts(p, 0, 0, 0, 0);
    const cl_program program = get(p, unit, OPTIONS);
    ck_assert_int_eq(cln_programs_get(p, unit, unit, OPTIONS, false, &again), CLNORM_OK);
    ck_assert_ptr_eq(again, program);
    cln_programs_release(p);
}
END_TEST

#define PIECE(name, value) "kernel void " name "(global int *y) { y[get_global_id(0)] = " value "; }\n"

START_TEST(what_is_wanted_becomes_one_program)
{
    static const char other[] = PIECE("other", "1"), late[] = PIECE("late", "2");
    cln_programs *p = open_table("", NULL);
    want(p, other, OPTIONS);
    want(p, unit, OPTIONS);
    want(p, unit, OPTIONS); /* a kernel twice would not build */
    want(p, unit, "-DANSWER=43");
    SAYS(failure(p, unit, OPTIONS, false, CLNORM_ENOTREADY), OPTIONS);
    counts(p, 0, 0, 0, 0);
    const cl_program both = get(p, unit, OPTIONS);
    ck_assert_int_eq(answer(both), 42);
    ck_assert_ptr_eq(get(p, other, OPTIONS), both);
    counts(p, 1, 0, 0, 0);
    want(p, late, OPTIONS); /* what is built takes no more */
    ck_assert_ptr_ne(get(p, late, OPTIONS), both);
    ck_assert_int_eq(answer(get(p, unit, "-DANSWER=43")), 43);
    counts(p, 3, 0, 0, 0);
    cln_programs_release(p);
}
END_TEST

START_TEST(a_bad_one_spoils_no_other)
{
    static const char bad[] = "int x = no_such_thing;\n";
    cln_programs *p = open_table("", NULL);
    want(p, bad, OPTIONS);
    want(p, unit, OPTIONS);
    ck_assert_int_eq(answer(get(p, unit, OPTIONS)), 42);
    SAYS(failure(p, bad, OPTIONS, true, CLNORM_EBUILD), "no_such_thing");
    counts(p, 1, 0, 0, 0);
    cln_programs_release(p);
}
END_TEST

START_TEST(table_copies_its_strings)
{
    char cache[SCRATCH_PATH], text[sizeof unit], options[] = OPTIONS;
    strcpy(cache, root);
    strcpy(text, unit);
    cln_programs *p = open_table(cache, NULL);
    memset(cache, 'x', sizeof cache - 1);
    const cl_program program = get(p, text, options);
    memset(text, 'x', sizeof text - 1);
    memset(options, 'x', sizeof options - 1);
    ck_assert_ptr_eq(get(p, unit, OPTIONS), program);
    cln_programs_used(p, program);
    cln_programs_save(p);
    counts(p, 1, 0, 0, 1);
    cln_programs_release(p);
}
END_TEST

START_TEST(kernel_dir_is_read)
{
    char path[SCRATCH_PATH];
    scratch_write(scratch_path(path, root, "mine.cl"), unit, strlen(unit));
    cln_programs *p = open_table("", root);
    ck_assert_int_eq(answer(get(p, "#include \"mine.cl\"\n", OPTIONS)), 42);
    cln_programs_release(p);
}
END_TEST

START_TEST(a_whole_one_serves_its_parts)
{
    static const char part[] = PIECE("part", "1"), whole[] = PIECE("part", "2") PIECE("rest", "3");
    cln_programs *p = open_table("", NULL);
    cl_program program;
    ck_assert_int_eq(cln_programs_want(p, part, whole, OPTIONS), CLNORM_OK);
    ck_assert_int_eq(cln_programs_get(p, part, whole, OPTIONS, true, &program), CLNORM_OK);
    ck_assert_ptr_eq(get(p, whole, OPTIONS), program);
    counts(p, 1, 0, 0, 0);
    ck_assert_ptr_ne(get(p, part, OPTIONS), program); /* who does not know of it */
    counts(p, 2, 0, 0, 0);
    cln_programs_release(p);
}
END_TEST

/* Of an op file that is wanted with some kernels and with others, each is a program: it defines too much to be twice in one. */
START_TEST(an_op_is_in_a_unit_once)
{
#define NAMED(name) "#define NAME " name "\n#include \"one.cl\"\n#undef NAME\n"
    static const char one[] = PIECE("NAME", "7");
    char path[SCRATCH_PATH];
    scratch_write(scratch_path(path, root, "one.cl"), one, strlen(one));
    cln_programs *p = open_table("", root);
    want(p, NAMED("first"), OPTIONS);
    want(p, NAMED("second"), OPTIONS);
    want(p, unit, OPTIONS);
    const cl_program first = get(p, NAMED("first"), OPTIONS), second = get(p, NAMED("second"), OPTIONS);
    ck_assert_ptr_ne(first, second);
    const cl_program third = get(p, unit, OPTIONS); /* with either */
    ck_assert(third == first || third == second);
    counts(p, 2, 0, 0, 0);
    cln_programs_release(p);
}
END_TEST

/* ---- threads ---- */

typedef struct worker {
    pthread_t thread;
    cln_programs *table;
    const char *text, *options;
    pthread_barrier_t *start;
    cl_program program;
    clnorm_status status;
    bool explained; /* this thread's own error text has the compiler's words */
} worker;

static void *work(void *argument)
{
    worker *w = (worker *)argument;
    pthread_barrier_wait(w->start);
    w->status = cln_programs_get(w->table, w->text, w->text, w->options, true, &w->program);
    w->explained = strstr(clnorm_last_error(NULL), "no_such_thing") != NULL;
    return NULL;
}

/* Four threads at once; worker i asks with options[i % 2]. */
static void run_workers(worker *workers, cln_programs *p, const char *text, const char *const *options)
{
    pthread_barrier_t start;
    ck_assert_int_eq(pthread_barrier_init(&start, NULL, 4), 0);
    for (size_t i = 0; i < 4; i++) {
        worker *w = &workers[i];
        memset(w, 0, sizeof *w);
        w->table = p;
        w->text = text;
        w->options = options[i % 2];
        w->start = &start;
        ck_assert_int_eq(pthread_create(&w->thread, NULL, work, w), 0);
    }
    for (size_t i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_join(workers[i].thread, NULL), 0);
    pthread_barrier_destroy(&start);
}

START_TEST(threads_share_a_build)
{
    static const char *const same[] = { OPTIONS, OPTIONS }, *const two[] = { "-DANSWER=1", "-DANSWER=2" };
    worker w[4];
    cln_programs *p = open_table("", NULL);
    run_workers(w, p, unit, same);
    for (size_t i = 0; i < 4; i++) {
        ck_assert_int_eq(w[i].status, CLNORM_OK);
        ck_assert_ptr_eq(w[i].program, w[0].program);
    }
    counts(p, 1, 0, 0, 0);
    run_workers(w, p, unit, two);
    for (size_t i = 0; i < 4; i++)
        ck_assert_ptr_eq(w[i].program, w[i % 2].program);
    ck_assert_int_eq(answer(w[0].program), 1);
    ck_assert_int_eq(answer(w[1].program), 2);
    counts(p, 3, 0, 0, 0);
    cln_programs_release(p);
}
END_TEST

START_TEST(threads_share_a_failure)
{
    static const char *const options[] = { OPTIONS, OPTIONS };
    worker w[4];
    cln_programs *p = open_table("", NULL);
    run_workers(w, p, "kernel void answer() { no_such_thing(); }\nint broken = ;\n", options);
    for (size_t i = 0; i < 4; i++) {
        ck_assert_int_eq(w[i].status, CLNORM_EBUILD);
        ck_assert_ptr_null(w[i].program);
        ck_assert(w[i].explained);
    }
    counts(p, 0, 0, 0, 0);
    cln_programs_release(p);
}
END_TEST

/* While a table builds or loads, with no lock, another thread may ask: here that is the log callback. */
static cln_programs *asked;
static const char *asks;
static void hear_and_ask(void *user, int level, const char *text)
{
    const char *const now = asks;
    hear(user, level, text);
    asks = NULL;
    if (now)
        want(asked, now, OPTIONS);
}

START_TEST(what_is_being_built_takes_no_more)
{
    static const char late[] = PIECE("late", "2");
    asked = open_table_with("", NULL, hear_and_ask);
    want(asked, unit, OPTIONS);
    asks = late;
    const cl_program first = get(asked, unit, OPTIONS);
    ck_assert_ptr_null(asks);
    ck_assert_int_eq(answer(first), 42);
    ck_assert_ptr_ne(get(asked, late, OPTIONS), first);
    counts(asked, 2, 0, 0, 0);
    cln_programs_release(asked);
}
END_TEST

/* Two that load one binary at once: the second to come back finds the first's, and drops its own. */
START_TEST(threads_share_what_is_loaded)
{
    cln_programs *p = open_table(root, NULL);
    cln_programs_used(p, get(p, unit, OPTIONS));
    cln_programs_save(p);
    cln_programs_release(p);
    asked = open_table_with(root, NULL, hear_and_ask);
    asks = unit;
    want(asked, unit, OPTIONS);
    ck_assert_ptr_null(asks);
    counts(asked, 0, 1, 0, 0);
    ck_assert_int_eq(answer(get(asked, unit, OPTIONS)), 42);
    const char *const once = strstr(said, "loaded a program");
    ck_assert(once && strstr(once + 1, "loaded a program"));
    counts(asked, 0, 1, 0, 0);
    cln_programs_release(asked);
}
END_TEST

/* ---- machine code ---- */

static cl_program built_for(const cl_device_id *devices, cl_uint count)
{
    const char *const text = unit;
    cl_int code;
    cl_program program = clCreateProgramWithSource(context, 1, (const char **)(uintptr_t)&text, NULL, &code);
    ck_assert_int_eq(code, CL_SUCCESS);
    if (count)
        ck_assert_int_eq(clBuildProgram(program, count, devices, OPTIONS, NULL, NULL), CL_SUCCESS);
    return program;
}

/* A program of several devices has a binary of each, and the one that is asked for runs. */
START_TEST(binary_of_each_device)
{
    cl_device_id all[8];
    size_t bytes;
    cl_int code, taken;
    ck_assert_int_eq(clGetContextInfo(context, CL_CONTEXT_DEVICES, sizeof all, all, &bytes), CL_SUCCESS);
    const cl_uint count = (cl_uint)(bytes / sizeof *all);
    cl_program program = built_for(all, count);
    unsigned char *binary = cln_binary_fetch(program, device.id, &bytes);
    ck_assert_ptr_nonnull(binary);
    cl_program again = clCreateProgramWithBinary(context, 1, &device.id, &bytes,
                                                 (const unsigned char **)(uintptr_t)&binary, &taken, &code);
    ck_assert_int_eq(code, CL_SUCCESS);
    ck_assert_int_eq(clBuildProgram(again, 1, &device.id, OPTIONS, NULL, NULL), CL_SUCCESS);
    ck_assert_int_eq(answer(again), 42);
    free(binary);
    if (count > 1) { /* of one, no list is asked for */
        ck_assert_ptr_null(cln_binary_fetch(program, NULL, &bytes));
        ck_assert_uint_eq(bytes, 0);
    }
    clReleaseProgram(again);
    clReleaseProgram(program);
}
END_TEST

START_TEST(no_binary_before_it_is_built)
{
    size_t bytes = 7;
    cl_program program = built_for(NULL, 0);
    ck_assert_ptr_null(cln_binary_fetch(program, device.id, &bytes));
    ck_assert_uint_eq(bytes, 0);
    clReleaseProgram(program);
}
END_TEST

/* ---- failures ---- */

START_TEST(broken_source)
{
    cl_int code;
    char path[SCRATCH_PATH];
    scratch_write(scratch_path(path, root, "bad.clh"), "\nint x = broken_here;\n", 22);
    cln_programs *p = open_table("", root);
    for (int i = 0; i < 2; i++) { /* a retry is allowed and says the same */
        const char *sentence = failure(p, "#include \"bad.clh\"\n", OPTIONS, true, CLNORM_EBUILD);
        SAYS(sentence, OPTIONS);
        if (device.pocl) /* others may count the lines of the whole, as Oclgrind does */
            SAYS(sentence, "bad.clh:2");
        SAYS(sentence, "broken_here");
        clnorm_last_error(&code);
        ck_assert_int_eq(code, CL_BUILD_PROGRAM_FAILURE);
    }
    scratch_write(path, unit, strlen(unit));
    ck_assert_int_eq(answer(get(p, "#include \"bad.clh\"\n", OPTIONS)), 42); /* and works once repaired */
    counts(p, 1, 0, 0, 0);
    cln_programs_release(p);
}
END_TEST

START_TEST(other_failures)
{
    char long_text[20000] = "";
    cln_programs *p = open_table(root, NULL);
    failure(p, unit, "-DANSWER=42 -no-such-option", true, CLNORM_EBUILD);
    SAYS(failure(p, "#include \"gone.cl\"\n", OPTIONS, true, CLNORM_EBUG), "gone.cl");
    for (int i = 0; i < 300; i++)
        snprintf(long_text + strlen(long_text), sizeof long_text - strlen(long_text), "int x%d = no_%d;\n", i,
                 i);
    ck_assert_uint_lt(strlen(failure(p, long_text, OPTIONS, true, CLNORM_EBUILD)), 4096);
    get(p, unit, OPTIONS);
    cln_programs_save(p);
    counts(p, 1, 0, 0, 0);
    cln_programs_release(p);
}
END_TEST

int main(void)
{
    TCase *t =
        SUITE_CASE(one_unit_is_built_once, not_ready_without_build, what_is_wanted_becomes_one_program,
                   a_bad_one_spoils_no_other, table_copies_its_strings, kernel_dir_is_read,
                   an_op_is_in_a_unit_once, a_whole_one_serves_its_parts, threads_share_a_build,
                   threads_share_a_failure, what_is_being_built_takes_no_more, threads_share_what_is_loaded,
                   binary_of_each_device, no_binary_before_it_is_built, broken_source, other_failures);
    tcase_add_checked_fixture(t, setup, teardown);
    return run_with_device(suite_of("program", t));
}

/* test_tuning.c -- the table of tuned classes, its file, and plans that follow it: other ways, the same bits. */
#define _XOPEN_SOURCE 700
#include "harness.h"
#include "scratch.h"

#include <math.h>

#define OK(call) ck_assert_msg((call) == CLNORM_OK, "%s", clnorm_last_error(NULL))
#define SAYS(words)                                                                          \
    ck_assert_msg(strstr(clnorm_last_error(NULL), words) != NULL, "no \"%s\" in: %s", words, \
                  clnorm_last_error(NULL))

static char root[SCRATCH_PATH];
static void setup(void) { scratch_create(root); }
static void teardown(void) { scratch_remove(root); }

static cln_device a_device(void)
{
    cln_device d;
    memset(&d, 0, sizeof d);
    d.type = CL_DEVICE_TYPE_CPU;
    d.max_wg = 4096;
    snprintf(d.name, sizeof d.name, "Some CPU");
    snprintf(d.driver, sizeof d.driver, "1.2");
    return d;
}

/* Names that begin with x are wrong. */
static const char *fault_of(const char *name, const cln_tuned *tuned, const cln_device *device)
{
    (void)device;
    return name[0] == 'x' ? "x is wrong" : tuned ? cln_tuned_check(tuned, device) : NULL;
}

static const cln_tuned rows_8 = { "rows", 1, 16, 8, true }, slab_2 = { "slab", 1, 16, 2, false };

static bool same(const cln_tuned *a, const cln_tuned *b)
{
    return !strcmp(a->solver, b->solver) && a->wg == b->wg && a->vec == b->vec && a->busy == b->busy &&
           a->wide == b->wide;
}

START_TEST(what_is_set_is_found)
{
    const cln_device d = a_device();
    cln_tuning *t;
    cln_tuned got;
    OK(cln_tuning_create(&t, &d, fault_of));
    ck_assert(!cln_tuning_find(t, "a", &got));
    OK(cln_tuning_set(t, "a", &rows_8));
    OK(cln_tuning_set(t, "b", &slab_2));
    ck_assert(cln_tuning_find(t, "a", &got) && same(&got, &rows_8));
    OK(cln_tuning_set(t, "a", &slab_2));
    ck_assert(cln_tuning_find(t, "a", &got) && same(&got, &slab_2));
    for (int k = 0; k < 100; k++) {
        char name[16];
        snprintf(name, sizeof name, "n%d", k);
        OK(cln_tuning_set(t, name, &rows_8));
    }
    ck_assert(cln_tuning_find(t, "n77", &got) && cln_tuning_find(t, "b", &got) && same(&got, &slab_2));
    cln_tuning_release(t);
}
END_TEST

START_TEST(a_file_holds_what_is_saved)
{
    const cln_tuned estimate = { .solver = CLN_ESTIMATE };
    const cln_device d = a_device();
    cln_tuning *t, *u;
    cln_tuned got;
    char path[SCRATCH_PATH];
    bool absent;
    scratch_path(path, root, "tuning.txt");
    OK(cln_tuning_create(&t, &d, fault_of));
    OK(cln_tuning_create(&u, &d, fault_of));
    ck_assert_int_eq(cln_tuning_load(u, path, &absent), CLNORM_EIO);
    ck_assert(absent);
    OK(cln_tuning_set(t, "a b 2^3", &rows_8));
    OK(cln_tuning_set(t, "c", &slab_2));
    OK(cln_tuning_set(t, "d", &estimate));
    OK(cln_tuning_save(t, path));
    OK(cln_tuning_load(u, path, &absent));
    ck_assert(cln_tuning_find(u, "a b 2^3", &got) && same(&got, &rows_8));
    ck_assert(cln_tuning_find(u, "c", &got) && same(&got, &slab_2));
    ck_assert(cln_tuning_find(u, "d", &got) && !strcmp(got.solver, CLN_ESTIMATE));
    cln_tuning_release(t);
    cln_tuning_release(u);
}
END_TEST

static const char others[] = "clnorm tuning 1\n# a comment\ndevice Other, driver 9\nx y: anything at all\n\n"
                             "device Some CPU, driver 1.2\na: rows wg 1 vec 16 busy 8 wide 1\n"
                             "device Some CPU, driver 1.3\na: slab wg 1 vec 16 busy 4 wide 0\n"
                             "device Some CPU\nb: slab wg 1 vec 16 busy 4 wide 0\n"
                             "device Some\na: nothing of ours\n";

START_TEST(other_devices_keep_theirs)
{
    const cln_device d = a_device();
    cln_tuning *t;
    cln_tuned got;
    char path[SCRATCH_PATH];
    size_t bytes;
    bool absent;
    scratch_path(path, root, "tuning.txt");
    scratch_write(path, others, strlen(others));
    OK(cln_tuning_create(&t, &d, fault_of));
    OK(cln_tuning_load(t, path, &absent));
    ck_assert(cln_tuning_find(t, "a", &got) && same(&got, &rows_8));
    ck_assert(cln_tuning_find(t, "b", &got) && got.busy == 4);
    OK(cln_tuning_set(t, "a", &slab_2));
    OK(cln_tuning_save(t, path));
    char *const text = (char *)scratch_read(path, &bytes);
    ck_assert_str_eq(text, "clnorm tuning 1\n# a comment\ndevice Other, driver 9\nx y: anything at all\n"
                           "device Some CPU, driver 1.3\na: slab wg 1 vec 16 busy 4 wide 0\n"
                           "device Some CPU\nb: slab wg 1 vec 16 busy 4 wide 0\n"
                           "device Some\na: nothing of ours\n"
                           "device Some CPU, driver 1.2\na: slab wg 1 vec 16 busy 2 wide 0\n"
                           "b: slab wg 1 vec 16 busy 4 wide 0\n");
    free(text);
    cln_tuning_release(t);
}
END_TEST

/* Whatever a driver calls its device, that is one line of ASCII. */
START_TEST(strange_names)
{
    cln_device d = a_device();
    cln_tuning *t, *u;
    cln_tuned got;
    char path[SCRATCH_PATH];
    size_t bytes;
    bool absent;
    snprintf(d.name, sizeof d.name, "Some\nCPU\xc2\xae");
    scratch_path(path, root, "tuning.txt");
    OK(cln_tuning_create(&t, &d, fault_of));
    OK(cln_tuning_set(t, "a", &rows_8));
    OK(cln_tuning_save(t, path));
    char *const text = (char *)scratch_read(path, &bytes);
    ck_assert_str_eq(text,
                     "clnorm tuning 1\ndevice Some?CPU\?\?, driver 1.2\na: rows wg 1 vec 16 busy 8 wide 1\n");
    free(text);
    OK(cln_tuning_create(&u, &d, fault_of));
    OK(cln_tuning_load(u, path, &absent));
    ck_assert(cln_tuning_find(u, "a", &got) && same(&got, &rows_8));
    cln_tuning_release(t);
    cln_tuning_release(u);
}
END_TEST

/* What stands behind the first two lines; the sentence. */
static const struct {
    const char *lines, *says;
} bad[] = {
    { "a rows", "line 3: a class, a colon and a solver are expected" },
    { "# fine\n: rows wg 1 vec 16 busy 8 wide 1", "line 4: a class, a colon" },
    { "a:rows wg 1 vec 16 busy 8 wide 1", "a class, a colon" },
    { "a: ", "there is no such solver" },
    { "a: diagonal wg 1 vec 16 busy 8 wide 1", "there is no such solver" },
    { "a: abcdefghijklmnopq wg 1 vec 16 busy 8 wide 1", "there is no such solver" },
    { "a: rows wg 1 vec 16 busy 8", "\"wg N vec N busy N wide N\" is expected" },
    { "a: rows wg 1 vec 16 busy 8 wide 1 more", "is expected" },
    { "a: rows wg 1  vec 16 busy 8 wide 1", "is expected" },
    { "a: rows wg -1 vec 16 busy 8 wide 1", "is expected" },
    { "a: rows wg 1 vec 16 busy nan wide 1", "is expected" },
    { "a: rows wg 1 vec 16 busy 8 wide 2", "is expected" },
    { "a: rows wg 2147483648 vec 16 busy 8 wide 1", "is expected" },
    { "a: rows wg 99999999999999999999999 vec 16 busy 8 wide 1", "is expected" },
    { "a: rows wg 1 vec 16 busy 0 wide 1", "busy is 0; 1 to 4096 is allowed" },
    { "a: rows wg 0 vec 16 busy 8 wide 1", "no device of this type runs that work-group" },
    { "a: rows wg 3 vec 16 busy 8 wide 1", "no device of this type runs that work-group" },
    { "a: estimate wg 1", "nothing is expected behind" },
    { "x: rows wg 1 vec 16 busy 8 wide 1", "x is wrong" },
    { "x: estimate", "x is wrong" },
    { "a: rows wg 1 vec 16 busy 8 wide 1\r", "is expected" },
};

START_TEST(bad_lines_are_named)
{
    const cln_device d = a_device();
    cln_tuning *t;
    cln_tuned got;
    char path[SCRATCH_PATH], text[512];
    size_t bytes;
    bool absent;
    scratch_path(path, root, "tuning.txt");
    OK(cln_tuning_create(&t, &d, fault_of));
    OK(cln_tuning_set(t, "a", &slab_2));
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        snprintf(text, sizeof text, "clnorm tuning 1\ndevice Some CPU, driver 1.2\n%s\n", bad[k].lines);
        scratch_write(path, text, strlen(text));
        ck_assert_msg(cln_tuning_load(t, path, &absent) == CLNORM_EIO, "taken: %s", bad[k].lines);
        SAYS(bad[k].says);
        SAYS(path);
        ck_assert(cln_tuning_find(t, "a", &got) && same(&got, &slab_2));
        ck_assert_int_eq(cln_tuning_save(t, path), CLNORM_EIO); /* nor is it written over */
        char *const left = (char *)scratch_read(path, &bytes);
        ck_assert_str_eq(left, text);
        free(left);
    }
    cln_tuning_release(t);
}
END_TEST

static void refuse(cln_tuning *t, const char *path, const char *says)
{
    bool absent;
    ck_assert_int_eq(cln_tuning_load(t, path, &absent), CLNORM_EIO);
    ck_assert(!absent);
    SAYS(says);
    ck_assert_int_eq(cln_tuning_save(t, path), CLNORM_EIO);
}

START_TEST(what_is_no_such_file)
{
    static const char wide[] = "c\0l\0n\0o\0r\0m\0"; /* UTF-16 */
    static const char alone[] = "clnorm tuning 1\na: rows wg 1 vec 16 busy 8 wide 1\n";
    static const char late[] = "clnorm tuning 1\ndevice Other, driver 1\nb: \0\n";
    const cln_device d = a_device();
    cln_tuning *t;
    char path[SCRATCH_PATH];
    const size_t huge = ((size_t)4 << 20) + 1;
    char *const spaces = (char *)malloc(huge);
    OK(cln_tuning_create(&t, &d, fault_of));
    scratch_path(path, root, "tuning.txt");
    scratch_write(path, "", 0);
    refuse(t, path, "line 1: \"clnorm tuning 1\" is expected there");
    scratch_write(path, "clnorm tuning 2\n", 16);
    refuse(t, path, "line 1: \"clnorm tuning 1\" is expected there");
    scratch_write(path, wide, sizeof wide);
    refuse(t, path, "is not text");
    scratch_write(path, late, sizeof late);
    refuse(t, path, "is not text");
    scratch_write(path, alone, strlen(alone));
    refuse(t, path, "line 2: a line \"device NAME, driver VERSION\" is expected");
    ck_assert_ptr_nonnull(spaces);
    memset(spaces, '\n', huge);
    scratch_write(path, spaces, huge);
    refuse(t, path, "is larger than");
    refuse(t, root, "is no regular file");
    refuse(t, "/dev/null", "is no regular file");
    if (access("/proc/self/mem", R_OK) == 0) /* regular, and nothing is at address 0 */
        refuse(t, "/proc/self/mem", "cannot be read");
    ck_assert_int_eq(cln_tuning_save(t, "/nowhere/at/all.txt"), CLNORM_EIO);
    SAYS("cannot be written");
    free(spaces);
    cln_tuning_release(t);
}
END_TEST

START_TEST(no_more_than_4096_classes)
{
    const cln_device d = a_device();
    cln_tuning *t;
    char name[16];
    OK(cln_tuning_create(&t, &d, fault_of));
    for (int k = 0; k < 4096; k++) {
        snprintf(name, sizeof name, "%d", k);
        if (cln_tuning_set(t, name, &rows_8) != CLNORM_OK)
            ck_abort_msg("%d: %s", k, clnorm_last_error(NULL));
    }
    ck_assert_int_eq(cln_tuning_set(t, "one more", &rows_8), CLNORM_ENOMEM);
    OK(cln_tuning_set(t, "17", &slab_2));
    cln_tuning_release(t);
}
END_TEST

/* Nor from a file. */
START_TEST(no_file_of_more_than_4096_classes)
{
    const cln_device d = a_device();
    cln_tuning *t;
    char path[SCRATCH_PATH];
    bool absent;
    FILE *const file = fopen(scratch_path(path, root, "tuning.txt"), "w");
    ck_assert_ptr_nonnull(file);
    fprintf(file, "clnorm tuning 1\ndevice Some CPU, driver 1.2\n");
    for (int k = 0; k <= 4096; k++)
        fprintf(file, "%d: rows wg 1 vec 16 busy 8 wide 1\n", k);
    ck_assert_int_eq(fclose(file), 0);
    OK(cln_tuning_create(&t, &d, fault_of));
    ck_assert_int_eq(cln_tuning_load(t, path, &absent), CLNORM_EIO);
    SAYS("line 4099: there is no room for it, or more than 4096 of the device");
    cln_tuning_release(t);
}
END_TEST

/* Every class that the library ships is one that contexts of its device accept. */
START_TEST(shipped_classes_are_taken)
{
    for (size_t k = 0; cln_tuned_shipped[k]; k++) {
        cln_device d = a_device();
        cln_tuning *t;
        cln_tuned got;
        if (strncmp(cln_tuned_shipped[k], "device ", 7) != 0)
            continue;
        snprintf(d.name, sizeof d.name, "%s", cln_tuned_shipped[k] + 7);
        d.type = CL_DEVICE_TYPE_GPU;
        OK(cln_tuning_create(&t, &d, fault_of));
        for (size_t i = k + 1; cln_tuned_shipped[i] && strncmp(cln_tuned_shipped[i], "device ", 7) != 0;
             i++) {
            char name[CLN_CLASS_ROOM];
            snprintf(name, sizeof name, "%.*s", (int)strcspn(cln_tuned_shipped[i], ":"),
                     cln_tuned_shipped[i]);
            ck_assert_msg(cln_tuning_find(t, name, &got), "%s", name);
        }
        cln_tuning_release(t);
    }
}
END_TEST

/* ---- contexts ---- */

static clnorm_any a_zscore(void)
{
    clnorm_any d;
    OK(clnorm_op_init(&d, CLNORM_OP_ZSCORE));
    d.head.x = d.head.y = clnorm_nchw(CLNORM_F32, 6, 3, 40, 40);
    return d;
}

static clnorm_status open_with(clnorm_context **ctx, const char *file)
{
    clnorm_options o;
    memset(&o, 0, sizeof o);
    o.size = (uint32_t)sizeof o;
    o.flags = CLNORM_LAZY | CLNORM_CACHE_OFF;
    o.tuning_file = file;
    return clnorm_open(ctx, getenv("CLNORM_TEST_DEVICE"), &o);
}

static const cln_solver *solver_of(clnorm_context *ctx, const clnorm_op *op)
{
    clnorm_plan *plan;
    OK(clnorm_plan_create(&plan, ctx, op, CLNORM_ESTIMATE));
    const cln_solver *const solver = plan->body[0].choice.solver;
    ck_assert_int_eq(plan->body[0].choice.tuned, ctx->params.tuning && solver == &cln_solve_split);
    clnorm_plan_release(plan);
    return solver;
}

static void run_host(clnorm_context *ctx, const clnorm_op *op, float *x, float *y)
{
    clnorm_host_args io;
    memset(&io, 0, sizeof io);
    io.size = (uint32_t)sizeof io;
    io.slot[CLNORM_X] = x;
    io.slot[CLNORM_Y] = y;
    OK(clnorm_run_host(ctx, op, &io));
}

/* A file says split where the planner takes another solver: plans follow, and say so, with the same bits. */
START_TEST(contexts_follow_their_file)
{
    enum { N = 6 * 3 * 40 * 40 };
    static float x[N], y[2][N];
    clnorm_context *ctx;
    cln_problems posed;
    char path[SCRATCH_PATH], name[CLN_CLASS_ROOM], text[2048];
    const clnorm_any d = a_zscore();
    for (size_t k = 0; k < N; k++)
        x[k] = (float)(k % 1013) * 0.25f;
    scratch_path(path, root, "tuning.txt");
    OK(open_with(&ctx, ""));
    ck_assert_str_eq(clnorm_tuning_file(ctx), "");
    ck_assert_ptr_ne(solver_of(ctx, &d.op), &cln_solve_split);
    run_host(ctx, &d.op, x, y[0]);
    OK(cln_op_pose(&posed, &d.op));
    cln_problem_class(name, &posed.part[0]);
    const cln_tuned split = { "split", ctx->params.wg, ctx->params.vec, 3, false };
    OK(cln_tuning_set(ctx->params.tuning, name, &split));
    ck_assert_int_eq(clnorm_tuning_save(ctx, NULL), CLNORM_EARG);
    SAYS("the context has no tuning file");
    OK(clnorm_tuning_save(ctx, path));
    clnorm_close(ctx);

    OK(open_with(&ctx, path));
    ck_assert_str_eq(clnorm_tuning_file(ctx), path);
    ck_assert_ptr_eq(solver_of(ctx, &d.op), &cln_solve_split);
    clnorm_plan *plan;
    OK(clnorm_plan_create(&plan, ctx, &d.op, CLNORM_ESTIMATE));
    clnorm_plan_describe(plan, text, sizeof text);
    ck_assert_msg(strstr(text, "tuned: ") != NULL, "%s", text);
    clnorm_plan_release(plan);
    run_host(ctx, &d.op, x, y[1]);
    ck_assert_mem_eq(y[0], y[1], sizeof y[0]);
    clnorm_close(ctx);

    OK(open_with(&ctx, "")); /* the file of another context, later */
    OK(clnorm_tuning_load(ctx, path));
    ck_assert_ptr_eq(solver_of(ctx, &d.op), &cln_solve_split);
    clnorm_close(ctx);
}
END_TEST

static void keep_line(void *user, int level, const char *text)
{
    if (level == CLNORM_LOG_WARN)
        snprintf((char *)user, 512, "%s", text);
}

/* Behind what a context has saved, a class of an op that there is not. */
static void names_no_op(clnorm_context *ctx, const char *path)
{
    static const char line[] = "zscores forward: estimate\n";
    FILE *const file = fopen(path, "a");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(line, file), 0);
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_int_eq(clnorm_tuning_load(ctx, path), CLNORM_EIO);
    SAYS("there is no such op");
}

/* One that is named has to be there and right; one that is only where it would be is a warning. */
START_TEST(files_that_are_wrong)
{
    clnorm_context *ctx;
    clnorm_options o;
    char path[SCRATCH_PATH], line[512] = "";
    scratch_path(path, root, "tuning.txt");
    ck_assert_int_eq(open_with(&ctx, path), CLNORM_EIO);
    ck_assert_ptr_null(ctx);
    SAYS("there is no tuning file");
    memset(&o, 0, sizeof o);
    o.size = (uint32_t)sizeof o;
    o.flags = CLNORM_LAZY | CLNORM_CACHE_OFF;
    o.cache_dir = root;
    o.log = keep_line;
    o.log_user = line;
    unsetenv("CLNORM_TUNING");
    OK(clnorm_open(&ctx, getenv("CLNORM_TEST_DEVICE"), &o));
    ck_assert_str_eq(clnorm_tuning_file(ctx), path);
    ck_assert_str_eq(line, "");
    OK(clnorm_tuning_save(ctx, NULL));
    clnorm_close(ctx);
    OK(clnorm_open(&ctx, getenv("CLNORM_TEST_DEVICE"), &o));
    ck_assert_str_eq(line, "");
    names_no_op(ctx, path);
    clnorm_close(ctx);
    scratch_write(path, "nonsense\n", 9);
    OK(clnorm_open(&ctx, getenv("CLNORM_TEST_DEVICE"), &o));
    ck_assert_msg(strstr(line, "line 1") != NULL, "%s", line);
    ck_assert_int_eq(clnorm_tuning_load(ctx, NULL), CLNORM_EIO);
    clnorm_close(ctx);
    o.log = NULL; /* nobody to tell */
    OK(clnorm_open(&ctx, getenv("CLNORM_TEST_DEVICE"), &o));
    ck_assert_str_eq(clnorm_tuning_file(ctx), path);
    clnorm_close(ctx);
    o.log = keep_line;
    ck_assert_int_eq(open_with(&ctx, path), CLNORM_EIO);
    SAYS("line 1");
    setenv("CLNORM_TUNING", "", 1);
    line[0] = '\0';
    OK(clnorm_open(&ctx, getenv("CLNORM_TEST_DEVICE"), &o));
    ck_assert_str_eq(line, "");
    ck_assert_str_eq(clnorm_tuning_file(ctx), "");
    clnorm_close(ctx);
}
END_TEST

/* The directory of the cache is made where it is not there, and cannot be below a file. */
START_TEST(files_in_new_directories)
{
    static const struct {
        const char *dir;
        clnorm_status saved;
    } cases[] = { { "new/and/deeper", CLNORM_OK }, { "file/below", CLNORM_EIO } };
    clnorm_context *ctx;
    clnorm_options o;
    char dir[SCRATCH_PATH], path[SCRATCH_PATH];
    scratch_write(scratch_path(path, root, "file"), "", 0);
    memset(&o, 0, sizeof o);
    o.size = (uint32_t)sizeof o;
    o.flags = CLNORM_LAZY | CLNORM_CACHE_OFF;
    o.cache_dir = dir;
    unsetenv("CLNORM_TUNING");
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        scratch_path(dir, root, cases[k].dir);
        OK(clnorm_open(&ctx, getenv("CLNORM_TEST_DEVICE"), &o));
        ck_assert_int_eq(clnorm_tuning_save(ctx, NULL), cases[k].saved);
        if (cases[k].saved != CLNORM_OK)
            SAYS("cannot be written: no binaries are kept in");
        ck_assert_int_eq(access(scratch_path(path, dir, "tuning.txt"), F_OK) == 0,
                         cases[k].saved == CLNORM_OK);
        clnorm_close(ctx);
    }
    setenv("CLNORM_TUNING", "", 1);
}
END_TEST

/* ---- the search ---- */

/* Ops that compile several schedules for seconds: the others only with CLNORM_TEST_FULL. */
static bool is_tuned(uint32_t kind)
{
    return kind == CLNORM_OP_ZSCORE || kind == CLNORM_OP_LAYERNORM || kind == CLNORM_OP_LRN ||
           getenv("CLNORM_TEST_FULL");
}

/* Every op, forward and backward: all ways are verified, and what won is remembered. */
START_TEST(ops_can_be_tuned)
{
    const clnorm_op_info *op;
    clnorm_context *ctx;
    uint32_t tried = 0;
    OK(open_with(&ctx, ""));
    for (size_t k = 0; (op = clnorm_op_at(k)) != NULL; k++)
        for (uint32_t back = 0; is_tuned(op->kind) && back <= op->layer; back++) {
            const double four = 4, half = 0.5, one = 1, train = CLNORM_TRAIN;
            clnorm_tuned found = { .size = sizeof found };
            cln_problems posed;
            char name[CLN_CLASS_ROOM];
            cln_tuned tuned;
            clnorm_any d;
            OK(clnorm_op_init(&d, op->kind));
            d.op.direction = back;
            d.head.x = clnorm_nchw(CLNORM_F32, 2, 8, 6, 7);
            if (cln_op_of(op->kind)->maps)
                d.head.y = d.head.x;
            clnorm_op_set(&d, "groups", &four, 1);
            clnorm_op_set(&d, "mean", &half, 1);
            clnorm_op_set(&d, "std", &half, 1);
            clnorm_op_set(&d, "scale", &one, 1);
            clnorm_op_set(&d, "mode", &train, 1);
            OK(clnorm_tune(ctx, &d.op, 0, &found));
            ck_assert(found.before_ms > 0 && found.after_ms > 0);
            OK(cln_op_pose(&posed, &d.op));
            cln_problem_class(name, &posed.part[0]);
            ck_assert_msg(cln_tuning_find(ctx->params.tuning, name, &tuned), "%s", name);
            tried += found.ways;
        }
    ck_assert_uint_gt(tried, 10);
    clnorm_close(ctx);
}
END_TEST

/* Who measures nothing has found nothing: what was known stays. */
START_TEST(too_little_time)
{
    const clnorm_any d = a_zscore();
    clnorm_tuned found = { .size = sizeof found };
    clnorm_context *ctx;
    cln_problems posed;
    cln_tuned tuned;
    char name[CLN_CLASS_ROOM];
    OK(open_with(&ctx, ""));
    OK(cln_op_pose(&posed, &d.op));
    cln_problem_class(name, &posed.part[0]);
    OK(clnorm_tune(ctx, &d.op, 1e-9, &found));
    ck_assert_uint_eq(found.changed, 0);
    ck_assert(!cln_tuning_find(ctx->params.tuning, name, &tuned));
    const cln_tuned split = { "split", ctx->params.wg, ctx->params.vec, 3, false };
    OK(cln_tuning_set(ctx->params.tuning, name, &split));
    OK(clnorm_tune(ctx, &d.op, 1e-9, NULL));
    ck_assert(cln_tuning_find(ctx->params.tuning, name, &tuned) && same(&tuned, &split));
    clnorm_close(ctx);
}
END_TEST

/* A device that nothing fits any more, and parameters at their least. */
START_TEST(limits_of_a_search)
{
    const clnorm_any d = a_zscore();
    clnorm_tuned found = { .size = sizeof found };
    clnorm_context *ctx;
    OK(open_with(&ctx, ""));
    ctx->params.busy = 1;
    OK(clnorm_tune(ctx, &d.op, 1e-9, &found));
    ck_assert_uint_eq(found.changed, 0);
    ctx->device.max_wg = 0;
    ck_assert_int_eq(clnorm_tune(ctx, &d.op, 1e-9, &found), CLNORM_EUNSUPPORTED);
    SAYS("a work-group of 1 is wanted; the device allows 0");
    clnorm_close(ctx);
}
END_TEST

START_TEST(arguments_of_a_search)
{
    clnorm_tuned found = { .size = 2 };
    clnorm_context *ctx;
    clnorm_any d = a_zscore();
    OK(open_with(&ctx, ""));
    ck_assert_int_eq(clnorm_tune(NULL, &d.op, 1, NULL), CLNORM_EARG);
    ck_assert_int_eq(clnorm_tune(ctx, NULL, 1, NULL), CLNORM_EARG);
    ck_assert_int_eq(clnorm_tune(ctx, &d.op, -1, NULL), CLNORM_EARG);
    SAYS("seconds is -1; 0 to 86400 are allowed");
    ck_assert_int_eq(clnorm_tune(ctx, &d.op, 86401, NULL), CLNORM_EARG);
    ck_assert_int_eq(clnorm_tune(ctx, &d.op, (double)NAN, NULL), CLNORM_EARG);
    ck_assert_int_eq(clnorm_tune(ctx, &d.op, 1, &found), CLNORM_EARG);
    SAYS("out->size is 2");
    d.head.x.shape[0] = -1;
    ck_assert_int_eq(clnorm_tune(ctx, &d.op, 1, NULL), CLNORM_ESHAPE);
    d = a_zscore();
    d.head.x.shape[0] = d.head.y.shape[0] = 0; /* nothing to run, nothing to find */
    OK(clnorm_tune(ctx, &d.op, 1, NULL));
    ck_assert_int_eq(clnorm_tuning_load(NULL, "x"), CLNORM_EARG);
    ck_assert_int_eq(clnorm_tuning_load(ctx, ""), CLNORM_EARG);
    ck_assert_int_eq(clnorm_tuning_save(ctx, NULL), CLNORM_EARG);
    ck_assert_str_eq(clnorm_tuning_file(NULL), "");
    clnorm_close(ctx);
}
END_TEST

static Suite *suite(void)
{
    TCase *t = SUITE_CASE(what_is_set_is_found, a_file_holds_what_is_saved, other_devices_keep_theirs,
                          strange_names, bad_lines_are_named, what_is_no_such_file, no_more_than_4096_classes,
                          no_file_of_more_than_4096_classes, shipped_classes_are_taken,
                          contexts_follow_their_file, files_that_are_wrong, files_in_new_directories,
                          ops_can_be_tuned, too_little_time, limits_of_a_search, arguments_of_a_search);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 900);
    return suite_of("tuning", t);
}
SUITE_MAIN(suite)

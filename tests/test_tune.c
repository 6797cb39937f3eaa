/* test_tune.c -- contexts with files of tuned classes, plans that follow them, and the search: other ways, the same bits. */
#define _GNU_SOURCE /* RTLD_NEXT */
#include "tuning_case.h"

#include <dlfcn.h>
#include <math.h>

/* ---- time ---- */

/* A millisecond a launch, in the place of the library's clock and under its calls: who wins a race is certain. */
static uint64_t launches, questions;

uint64_t cln_now_ns(void) { return launches * 1000000u + ++questions; }

cl_int CL_API_CALL clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dims,
                                          const size_t *offset, const size_t *global, const size_t *local,
                                          cl_uint n, const cl_event *wait, cl_event *event)
{
    cl_int(CL_API_CALL * next)(cl_command_queue, cl_kernel, cl_uint, const size_t *, const size_t *,
                               const size_t *, cl_uint, const cl_event *, cl_event *);
    *(void **)&next = dlsym(RTLD_NEXT, "clEnqueueNDRangeKernel");
    launches++;
    return next(queue, kernel, dims, offset, global, local, n, wait, event);
}

/* ---- files of contexts ---- */

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
    clnorm_plan_release(plan);
    return solver;
}

/* Of its first problem, in which it is tuned. */
static void class_of(char name[CLN_CLASS_ROOM], const clnorm_op *op)
{
    cln_problems posed;
    OK(cln_op_pose(&posed, op));
    cln_problem_class(name, &posed.part[0]);
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
    char path[SCRATCH_PATH], name[CLN_CLASS_ROOM], text[2048];
    const clnorm_any d = a_zscore();
    for (size_t k = 0; k < N; k++)
        x[k] = (float)(k % 1013) * 0.25f;
    scratch_path(path, root, "tuning.txt");
    OK(open_with(&ctx, ""));
    ck_assert_str_eq(clnorm_tuning_file(ctx), "");
    ck_assert_ptr_ne(solver_of(ctx, &d.op), &cln_solve_split);
    run_host(ctx, &d.op, x, y[0]);
    class_of(name, &d.op);
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
    ck_assert_int_eq(clnorm_open(NULL, NULL, NULL),
                     CLNORM_EARG); /* the last failure, in spite of that file */
    OK(clnorm_open(&ctx, getenv("CLNORM_TEST_DEVICE"), &o));
    SAYS("out is NULL");
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
            if (op->matrix) { /* it goes one way */
                ck_assert_uint_eq(found.ways, 0);
                continue;
            }
            ck_assert_msg(found.before_ms > 0 && found.after_ms > 0, "%s", op->name);
            class_of(name, &d.op);
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
    cln_tuned tuned;
    char name[CLN_CLASS_ROOM];
    OK(open_with(&ctx, ""));
    class_of(name, &d.op);
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

/* A planner that knows of too many units takes two launches, and what is found makes one: plans follow from then on. */
START_TEST(a_better_way_is_kept)
{
    const clnorm_any d = a_zscore();
    clnorm_tuned found = { .size = sizeof found };
    clnorm_context *ctx;
    cln_tuned tuned;
    char name[CLN_CLASS_ROOM];
    OK(open_with(&ctx, ""));
    ctx->device.units = 64;
    ck_assert_ptr_eq(solver_of(ctx, &d.op), &cln_solve_split);
    clnorm_plan *measured;
    OK(clnorm_plan_create(&measured, ctx, &d.op, CLNORM_MEASURE));
    ck_assert_uint_eq(measured->body[0].nstages, 1);
    clnorm_plan_release(measured);
    OK(clnorm_tune(ctx, &d.op, 0, &found));
    ck_assert_uint_eq(found.changed, 1);
    ck_assert_double_eq_tol(found.before_ms, 2, 0.1);
    ck_assert_double_eq_tol(found.after_ms, 1, 0.1);
    class_of(name, &d.op);
    ck_assert(cln_tuning_find(ctx->params.tuning, name, &tuned) && strcmp(tuned.solver, CLN_ESTIMATE) != 0);
    ck_assert_str_eq(solver_of(ctx, &d.op)->name, tuned.solver);
    OK(clnorm_tune(ctx, &d.op, 0, &found)); /* against what the planner would take, as ever */
    ck_assert_uint_eq(found.changed, 1);
    ctx->device.units = 1; /* of which the planner takes what makes one launch: nothing beats it */
    OK(clnorm_tune(ctx, &d.op, 0, &found));
    ck_assert_uint_eq(found.changed, 0);
    ck_assert(cln_tuning_find(ctx->params.tuning, name, &tuned) && strcmp(tuned.solver, CLN_ESTIMATE) == 0);
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
    TCase *t = SUITE_CASE(contexts_follow_their_file, files_that_are_wrong, files_in_new_directories,
                          ops_can_be_tuned, too_little_time, a_better_way_is_kept, limits_of_a_search,
                          arguments_of_a_search);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 900);
    return suite_of("tune", t);
}
SUITE_MAIN(suite)

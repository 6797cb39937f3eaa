/* harness.c -- see harness.h. */
#define _POSIX_C_SOURCE 200809L
#include "base/compiler.h"
#include "guard.h"
#include "record.h"
#include "work.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static harness the;

void harness_nap(void)
{
    const struct timespec moment = { 0, 1000000 };
    nanosleep(&moment, NULL);
}

bool harness_small(void) { return getenv("CLNORM_TEST_SMALL") != NULL; }

/* ---- the device ---- */

harness *harness_get(void)
{
    if (the.ctx)
        return &the;
    clnorm_device d;
    clnorm_options o;
    cl_int code;
    memset(&o, 0, sizeof o);
    o.size = sizeof o;
    o.flags = CLNORM_LAZY | CLNORM_CACHE_OFF;
    guard_options(&o);
    ck_assert_msg(clnorm_device_find(&d, getenv("CLNORM_TEST_DEVICE")) == CLNORM_OK, "%s",
                  clnorm_last_error(NULL));
    the.device = d.device;
    the.cl = clCreateContext(NULL, 1, &d.device, NULL, NULL, &code);
    ck_assert_int_eq(code, CL_SUCCESS);
    the.queue = clCreateCommandQueue(the.cl, d.device, 0, &code);
    ck_assert_int_eq(code, CL_SUCCESS);
    the.unordered = clCreateCommandQueue(the.cl, d.device, CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE, &code);
    if (code != CL_SUCCESS)
        the.unordered = NULL;
    ck_assert_msg(clnorm_context_create(&the.ctx, the.cl, d.device, &o) == CLNORM_OK, "%s",
                  clnorm_last_error(NULL));
    printf("device %s %s, driver %s\n", d.id, d.name, d.driver);
    guard_begin(the.cl, the.queue, the.device);
    return &the;
}

void harness_close(void)
{
    if (!the.ctx)
        return;
    clnorm_context_release(the.ctx);
    if (the.unordered)
        clReleaseCommandQueue(the.unordered);
    clReleaseCommandQueue(the.queue);
    clReleaseContext(the.cl);
    memset(&the, 0, sizeof the);
}

clnorm_plan *harness_plan(const clnorm_op *op, const cln_choice *choices, bool gives, bool build)
{
    cln_choice known[CLN_MAX_PARTS];
    clnorm_plan *plan;
    memcpy(known, choices, sizeof known);
    for (size_t k = 0; k < CLN_MAX_PARTS; k++)
        known[k].calls = gives ? CLN_CALLS_GIVE : CLN_CALLS_LACK;
    cln_plan_with(&plan, harness_get()->ctx, op, known, build);
    return plan;
}

/* ---- a case, forced ---- */

static void enqueue(work *w, const clnorm_plan *plan, const clnorm_args *args)
{
    cl_event done = NULL;
    cl_command_queue queue = w->c->unordered && w->h->unordered ? w->h->unordered : w->h->queue;
    cl_int status;
    ck_assert_msg(clnorm_enqueue(plan, queue, args, 0, NULL, &done) == CLNORM_OK, "%s",
                  clnorm_last_error(NULL));
    ck_assert_int_eq(clWaitForEvents(1, &done), CL_SUCCESS);
    clGetEventInfo(done, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof status, &status, NULL);
    ck_assert_int_eq(status, CL_COMPLETE);
    clReleaseEvent(done);
}

/* Of our text; a loop that Intel's optimizer leaves as it is has no place in it. */
static bool warns(const char *log)
{
    for (const char *at = log; (at = strstr(at, "warning:")) != NULL; at++)
        if (strncmp(at, "warning: <unknown>:0:0: loop not ", 33))
            return true;
    return false;
}

/* Compilers that print what they warn of would print it to our users. */
static void without_warnings(const harness *h, const clnorm_plan *plan)
{
    static char log[1 << 14];
    for (size_t k = 0; k < plan->nbodies * CLN_VARIANTS; k++) {
        const cl_program program = plan->body[k / CLN_VARIANTS].variants[k % CLN_VARIANTS].program;
        log[0] = '\0';
        if (program)
            clGetProgramBuildInfo(program, h->device, CL_PROGRAM_BUILD_LOG, sizeof log, log, NULL);
        ck_assert_msg(!warns(log), "%s", log);
    }
}

static clnorm_plan *plan_for(const work *w, const cln_choice *choices, bool build)
{
    return harness_plan(&w->desc.op, choices, w->a[CLNORM_RSTD].host != NULL, build);
}

static void run_choices(work *w, const cln_choice *choices)
{
    clnorm_args args = CLNORM_ARGS_INIT;
    clnorm_plan *const plan = plan_for(w, choices, true);
    ck_assert_msg(plan != NULL, "%s", clnorm_last_error(NULL));
    without_warnings(w->h, plan);
    for (uint32_t s = 0; s < CLNORM_SLOTS; s++)
        if (w->a[s].host && work_place_of(w, s) == CLNORM_SLOTS)
            args.slot[s] = array_upload(&w->a[s], w->h->cl, work_slot_name(s));
    for (uint32_t s = 0; s < CLNORM_SLOTS; s++)
        if (w->a[s].host && work_place_of(w, s) < CLNORM_SLOTS)
            args.slot[s] = args.slot[work_place_of(w, s)];
    guard_workspace(&args, plan, w->h->cl);
    args.flags = w->c->flags;
    args.momentum = w->c->momentum;
    args.count = w->c->count;
    if (guard_where())
        guard_says(work_describe(w, choices).text);
    enqueue(w, plan, &args);
    judge(w, choices, &args);
    record_launch(&w->desc, w->c->view);
    for (size_t k = 0; choices[0].solver && k < w->posed.count; k++)
        record_schedule(&w->desc, choices[k].solver->name);
    for (uint32_t s = 0; s < CLNORM_SLOTS; s++)
        if (args.slot[s].mem && work_place_of(w, s) == CLNORM_SLOTS)
            clReleaseMemObject(args.slot[s].mem);
    if (args.workspace.mem)
        clReleaseMemObject(args.workspace.mem);
    clnorm_plan_release(plan);
}

/* Sets that are written before the next one is read are a program more, so with each change of one op alone. */
static bool may_be_alone(const cln_choice *choice, const cln_problem *problem)
{
    const bool usual =
        problem->op->info.kind == CLNORM_OP_BATCHNORM && problem->x_bytes == 4 && problem->y_bytes == 4;
    return choice->solver == &cln_solve_slab && choice->wg == 1 && choice->bundle == 1 &&
           problem->layer.reads_d && (usual || getenv("CLNORM_TEST_FULL"));
}

/* Columns of a piece of a row that is written by its own lines, where the row has more and is no whole vectors; else 0. */
static uint32_t long_piece(const cln_problem *problem, const cln_choice *proposed)
{
    const uint32_t span = problem->geo.span, cols = (CLN_LEAST_LED / span + 1) * span;
    const bool may =
        proposed->cols && proposed->wg == 1 && problem->geo.len % proposed->vec && cols < problem->geo.len;
    return may && proposed->solver->traits & CLN_IN_TILES ? cols : 0;
}

#define LONG 3 /* of the numbers of columns below, the one of long_piece */
/* Every per, block, number of columns and width of choices[k], with the other problems as they are. */
static void run_parameters(work *w, cln_choice *choices, size_t k)
{
    const cln_problem *problem = &w->posed.part[k];
    const cln_choice proposed = choices[k];
    const bool split = proposed.solver->traits & CLN_IN_CHUNKS;
    const uint32_t span = proposed.cols ? problem->geo.span : 0;
    const uint32_t pers[] = { proposed.per, 1, 3, 3 }, blocks[] = { proposed.block, 1, 4, 4 },
                   cols[] = { proposed.cols, span, proposed.cols, long_piece(problem, &proposed) };
    cln_params large = w->h->ctx->params;
    large.wide_bytes = 0;
    for (size_t i = 0; i < CLN_COUNT(pers); i++) {
        cln_choice *ch = &choices[k];
        ch->per = split ? 1 : pers[i];
        ch->block = split || i == 0 ? blocks[i] : 1;
        ch->cols = cols[i];
        const bool same = i && pers[i] == pers[0] && blocks[i] == blocks[0] && cols[i] == cols[0];
        if (same || (i == LONG && !cols[i]))
            continue;
        ch->wide = ch->leads = false;
        ch->alone = pers[i] > 1 && may_be_alone(ch, problem);
        run_choices(w, choices);
        if (w->c->force < WAYS_WIDE || (i && i != LONG) ||
            (ch->vec != w->h->ctx->params.vec && !getenv("CLNORM_TEST_FULL")))
            continue;
        cln_choose_stores(ch, problem, &large, problem->maps && !(proposed.solver->traits & CLN_LEAVES_DX));
        ch->wide = ch->wide && w->c->offset == 0;
        ch->leads = ch->leads && !ch->wide;
        if (ch->wide || ch->leads)
            run_choices(w, choices);
    }
}

/* Every solver of problem k that a work-group of wg x vec can run; 0: the device's own. */
static void run_solvers(work *w, size_t k, uint32_t wg, uint32_t vec, bool no_slab)
{
    const harness *h = w->h;
    cln_params params = h->ctx->params;
    cln_choice choices[CLN_MAX_PARTS];
    if (wg) {
        params.wg = wg;
        params.vec = vec;
    }
    for (size_t i = 0; cln_solvers[i] && params.wg <= h->ctx->device.max_wg; i++) {
        const bool dear = cln_solvers[i] == &cln_solve_slab || (wg && cln_solvers[i] == &cln_solve_tile);
        if ((no_slab && dear) || (w->c->only && strcmp(w->c->only, cln_solvers[i]->name)))
            continue;
        cln_choose_from(choices, 0, &w->posed, &h->ctx->params, &h->ctx->device);
        if (!cln_choose_with(&choices[k], cln_solvers[i], &w->posed.part[k], &params, &h->ctx->device))
            continue;
        cln_choose_from(choices, k + 1, &w->posed, &h->ctx->params, &h->ctx->device);
        run_parameters(w, choices, k);
        w->most_items = params.wg > w->most_items ? params.wg : w->most_items;
    }
}

static const uint32_t groups[][2] = { { 64, 4 }, { 48, 4 }, { 64, 1 } }; /* as in op_case */

static void run_groups(work *w, size_t k)
{
    const bool left = w->c->crossed && w->posed.part[k].geo.plain;
    const uint32_t chosen = left ? 0 : w->c->groups ? w->c->groups : ~0u;
    run_solvers(w, k, 0, 0, w->c->no_slab >> CLN_COUNT(groups) & 1);
    for (size_t g = 0; g < CLN_COUNT(groups); g++)
        if ((w->c->force == WAYS_ALL && chosen >> g & 1) ||
            (w->c->force == WAYS_MORE && g == (w->c->seed + k) % CLN_COUNT(groups)))
            run_solvers(w, k, groups[g][0], groups[g][1], w->c->no_slab >> g & 1);
}

/* ---- a case in one way ---- */

/* Per problem the solvers that can run it. */
typedef struct options {
    cln_choice all[CLN_MAX_PARTS][CLN_MAX_SOLVERS];
    size_t count[CLN_MAX_PARTS], ways; /* ways: of all problems together */
} options;

/* Without slab, unless it is all there is. */
static size_t list_solvers(cln_choice all[CLN_MAX_SOLVERS], const work *w, const cln_problem *problem,
                           bool no_slab)
{
    const clnorm_context *ctx = w->h->ctx;
    size_t count = 0;
    for (size_t i = 0; cln_solvers[i]; i++)
        if (!no_slab || cln_solvers[i] != &cln_solve_slab)
            count += cln_choose_with(&all[count], cln_solvers[i], problem, &ctx->params, &ctx->device);
    return count || !no_slab ? count : list_solvers(all, w, problem, false);
}

static void list_options(options *o, const work *w)
{
    o->ways = 1;
    for (size_t k = 0; k < w->posed.count; k++) {
        o->count[k] = list_solvers(o->all[k], w, &w->posed.part[k], w->c->no_slab >> CLN_COUNT(groups) & 1);
        o->ways *= o->count[k];
    }
}

/* The way of that number, from the seed's on. */
static void take_way(cln_choice *choices, const options *o, const work *w, size_t number)
{
    cln_choose_from(choices, 0, &w->posed, &w->h->ctx->params, &w->h->ctx->device);
    for (size_t k = 0; k < w->posed.count; number /= o->count[k], k++) {
        choices[k] = o->all[k][(w->c->seed + k + number) % o->count[k]];
        choices[k].wide = choices[k].leads = false;
    }
}

static bool is_built(const work *w, const cln_choice *choices)
{
    clnorm_plan *const plan = plan_for(w, choices, false);
    clnorm_plan_release(plan);
    return plan != NULL;
}

/* Whether it has a schedule in which the op has not run yet. */
static bool is_new(const work *w, const cln_choice *choices)
{
    for (size_t k = 0; k < w->posed.count; k++)
        if (!record_has_run(w->op, w->desc.op.direction, choices[k].solver->name))
            return true;
    return false;
}

/* The first way of which `wanted` holds, or as it was. */
static bool find_way(cln_choice *choices, const options *o, const work *w,
                     bool (*wanted)(const work *w, const cln_choice *choices))
{
    for (size_t number = 0; number < o->ways; number++) {
        cln_choice at[CLN_MAX_PARTS];
        take_way(at, o, w, number);
        if (wanted(w, at)) {
            memcpy(choices, at, sizeof at);
            return true;
        }
    }
    return false;
}

/* To build is what costs: all schedules in which the op has not run yet; where there is none, a way whose
 * programs other cases have built, else, and with CLNORM_TEST_FULL, the seed's. */
static void run_one(work *w)
{
    const bool full = getenv("CLNORM_TEST_FULL") != NULL;
    cln_choice choices[CLN_MAX_PARTS];
    bool ran = false;
    options o;
    list_options(&o, w);
    for (; !full && find_way(choices, &o, w, is_new); ran = true)
        run_choices(w, choices);
    if (ran)
        return;
    take_way(choices, &o, w, 0);
    if (!full)
        find_way(choices, &o, w, is_built);
    run_choices(w, choices);
}

uint64_t harness_run(harness *h, const op_case *c)
{
    static const cln_choice none[CLN_MAX_PARTS] = { { .solver = NULL } };
    work w;
    work_begin(&w, h, c);
    if (!w.posed.part[0].set_elements)
        run_choices(&w, none);
    else if (c->force == WAYS_ONE)
        run_one(&w);
    else
        for (size_t k = 0; k < w.posed.count; k++)
            run_groups(&w, k);
    if (c->only)
        ck_assert_msg(w.most_items >= (c->force == WAYS_ALL && h->ctx->device.max_wg >= 64 ? 48 : 1),
                      "%s does not run %s", c->only, work_describe(&w, none).text);
    record_hash(&w.desc, c, w.hash);
    work_end(&w);
    return w.hash;
}

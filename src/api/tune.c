/* tune.c -- what runs a class of problems fastest on a context's device: searched, remembered, kept in a file. */
#include "api/api.h"
#include "base/fork.h"
#include "base/status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RACE_NS 60000000u

/* ---- the search ---- */

static cln_tuned tuned_of(const cln_choice *choice, const cln_params *params)
{
    cln_tuned t = { { 0 }, choice->wg, choice->vec, params->busy, choice->wide || choice->leads };
    snprintf(t.solver, sizeof t.solver, "%s", choice->solver->name);
    return t;
}

/* Appends a way like list[0] but for problem k, unless it is there already or cannot be had. */
static size_t add_way(cln_way list[], size_t count, const cln_lab *lab, size_t k, const cln_tuned *tuned)
{
    cln_way *const w = &list[count];
    const clnorm_context *ctx = lab->ctx;
    *w = list[0];
    w->tuned = *tuned;
    if (tuned->wg > ctx->device.max_wg ||
        !cln_choose_tuned(&w->choices[k], tuned, &lab->posed.part[k], k ? &w->choices[k - 1] : NULL,
                          &lab->params, &ctx->device))
        return count;
    for (size_t i = 0; i < count; i++)
        if (cln_same_choice(&list[i].choices[k], &w->choices[k]))
            return count;
    cln_choose_from(w->choices, k + 1, &lab->posed, &lab->params, &ctx->device);
    return count + 1;
}

/* Each heat varies one thing of what won the heat before. */
enum { SOLVERS, PAIRS, SHARES, STORES, HEATS };

static size_t vary(cln_way list[CLN_MOST_WAYS], int heat, const cln_lab *lab, size_t k)
{
    const cln_tuned base = list[0].tuned;
    cln_tuned t = base;
    size_t count = 1;
    if (heat == SOLVERS)
        for (size_t i = 0; cln_solvers[i]; i++) {
            snprintf(t.solver, sizeof t.solver, "%s", cln_solvers[i]->name);
            count = add_way(list, count, lab, k, &t);
        }
    else if (heat == PAIRS)
        for (size_t i = 0; cln_params_pair(&t.wg, &t.vec, i, &lab->ctx->device); i++)
            count = add_way(list, count, lab, k, &t);
    else if (heat == SHARES)
        for (uint32_t quarters = 1; quarters <= 16; quarters *= 2) {
            t.busy = base.busy * quarters / 4 ? base.busy * quarters / 4 : 1;
            count = add_way(list, count, lab, k, &t);
        }
    else {
        t.wide = !base.wide;
        count = add_way(list, count, lab, k, &t);
    }
    return count;
}

/* Whether any call can run it: those of a race give all statistics, and what makes its own takes more of the device. */
static clnorm_status fits_any_call(bool *fits, const cln_lab *lab, const cln_choice choices[])
{
    clnorm_plan *plan;
    const clnorm_status st = cln_plan_with(&plan, lab->ctx, lab->op, choices, true);
    *fits = st == CLNORM_OK;
    clnorm_plan_release(plan);
    return cln_is_no_way(st) ? CLNORM_OK : st;
}

/* Problem k, behind those in choices; *better: something beats what the planner takes, and twice. */
static clnorm_status tune_problem(cln_choice choices[], size_t k, cln_lab *lab, bool *better, cln_tuned *out)
{
    cln_way list[CLN_MOST_WAYS], first;
    size_t best;
    memset(&first, 0, sizeof first);
    memcpy(first.choices, choices, sizeof first.choices);
    first.tuned = tuned_of(&choices[k], &lab->params);
    list[0] = first;
    for (int heat = 0; heat < HEATS; heat++) {
        CLN_TRY(cln_lab_race(lab, list, vary(list, heat, lab, k), &best));
        list[0] = list[best];
        list[0].plan = NULL;
    }
    *better = !cln_same_choice(&list[0].choices[k], &first.choices[k]);
    *out = list[0].tuned;
    if (*better) {
        list[1] = list[0];
        list[0] = first;
        CLN_TRY(cln_lab_race(lab, list, 2, &best));
        *better = best == 1;
    }
    if (*better)
        CLN_TRY(fits_any_call(better, lab, list[1].choices));
    memcpy(choices, *better ? list[1].choices : first.choices, sizeof first.choices);
    return CLNORM_OK;
}

static clnorm_status tune_all(cln_lab *lab, cln_way ends[2], clnorm_tuned *out)
{
    static const cln_tuned estimate = { .solver = CLN_ESTIMATE };
    cln_choice *const choices = ends[1].choices;
    cln_choose_from(ends[0].choices, 0, &lab->posed, &lab->params, &lab->ctx->device);
    memcpy(choices, ends[0].choices, sizeof ends[0].choices);
    for (size_t k = 0; k < lab->posed.count; k++) {
        char name[CLN_CLASS_ROOM];
        cln_tuned tuned;
        bool better = false;
        lab->cut = false;
        if (k && cln_traits(&choices[k - 1]) & CLN_TAKES_NEXT)
            continue; /* which decides for the next */
        CLN_TRY(tune_problem(choices, k, lab, &better, &tuned));
        cln_problem_class(name, &lab->posed.part[k]);
        if (better || !lab->cut) /* else nothing is known, and what was known stays */
            CLN_TRY(cln_tuning_set(lab->ctx->params.tuning, name, better ? &tuned : &estimate));
        out->changed += better;
    }
    return CLNORM_OK;
}

/* What the planner takes, and what is taken now: the same lengths of time for both. */
static clnorm_status compare(cln_lab *lab, cln_way ends[2], clnorm_tuned *out)
{
    size_t best;
    lab->left_ns = UINT64_MAX;
    CLN_TRY(cln_lab_race(lab, ends, 2, &best));
    out->before_ms = (double)ends[0].ns / 1e6;
    out->after_ms = (double)ends[out->changed ? 1 : 0].ns / 1e6;
    out->ways = lab->tried;
    out->seconds = (double)lab->spent_ns / 1e9;
    return CLNORM_OK;
}

clnorm_status clnorm_tune(clnorm_context *ctx, const clnorm_op *op, double seconds, clnorm_tuned *out)
{
    clnorm_tuned own = { 0 };
    cln_way ends[2];
    cln_lab lab;
    bool empty;
    if (!ctx || !op)
        return cln_fail(CLNORM_EARG, "%s is NULL", ctx ? "op" : "ctx");
    if (!(seconds >= 0 && seconds <= 86400))
        return cln_fail(CLNORM_EARG, "seconds is %g; 0 to 86400 are allowed", seconds);
    if (out && (out->size < sizeof own.size || out->size > 4096))
        return cln_fail(CLNORM_EARG, "out->size is %u; sizeof(clnorm_tuned), %zu, is expected", out->size,
                        sizeof own);
    CLN_TRY(cln_fork_check());
    memset(ends, 0, sizeof ends);
    clnorm_status st = cln_lab_open(&lab, ctx, op, &empty);
    lab.least_ns = RACE_NS;
    lab.verifies = true;
    lab.left_ns = seconds > 0 ? (uint64_t)(seconds * 1e9) : UINT64_MAX;
    if (st == CLNORM_OK && !empty)
        st = tune_all(&lab, ends, &own);
    if (st == CLNORM_OK && !empty)
        st = compare(&lab, ends, &own);
    cln_lab_close(&lab);
    if (out && st == CLNORM_OK) {
        own.size = out->size < sizeof own ? out->size : (uint32_t)sizeof own;
        memcpy(out, &own, own.size);
    }
    return st;
}

/* ---- the file ---- */

static const char *fault_of(const char *name, const cln_tuned *tuned, const cln_device *device)
{
    const size_t length = strcspn(name, " ");
    const clnorm_op_info *op;
    for (size_t k = 0; (op = clnorm_op_at(k)) != NULL; k++)
        if (strlen(op->name) == length && strncmp(op->name, name, length) == 0)
            return tuned ? cln_tuned_check(tuned, device) : NULL;
    return "there is no such op";
}

static clnorm_status load(clnorm_context *ctx, const char *path, bool *absent)
{
    const clnorm_status st = cln_tuning_load(ctx->params.tuning, path, absent);
    return st != CLNORM_OK && *absent ? cln_fail(st, "there is no tuning file \"%s\"", path) : st;
}

clnorm_status cln_tune_init(clnorm_context *ctx, const char *path, cln_namer namer)
{
    CLN_TRY(cln_tuning_create(&ctx->params.tuning, &ctx->device, fault_of));
    if (!path)
        return CLNORM_OK;
    const size_t bytes = strlen(path) + 1;
    ctx->tuning_file = (char *)malloc(bytes);
    if (!ctx->tuning_file)
        return cln_fail(CLNORM_ENOMEM, "no memory for the name of the tuning file");
    memcpy(ctx->tuning_file, path, bytes);
    bool absent;
    cln_failure before;
    cln_fail_keep(&before);
    const clnorm_status st = load(ctx, path, &absent);
    if (st == CLNORM_OK || namer == CLN_NAMED_BY_CALLER)
        return st;
    if (namer == CLN_NAMED_BY_VARIABLE)
        cln_fail_more(" (CLNORM_TUNING)");
    if (ctx->options.log && !(absent && namer == CLN_NAMED_BY_NOBODY)) /* it is as if it were not there */
        ctx->options.log(ctx->options.log_user, absent ? CLNORM_LOG_INFO : CLNORM_LOG_WARN,
                         clnorm_last_error(NULL));
    cln_fail_put_back(&before);
    return CLNORM_OK;
}

static clnorm_status check_file(const clnorm_context *ctx, const char **path)
{
    if (!ctx)
        return cln_fail(CLNORM_EARG, "ctx is NULL");
    CLN_TRY(cln_fork_check());
    if (*path && !**path)
        return cln_fail(CLNORM_EARG, "path is empty");
    *path = *path ? *path : ctx->tuning_file;
    return *path ? CLNORM_OK : cln_fail(CLNORM_EARG, "path is NULL, and the context has no tuning file");
}

clnorm_status clnorm_tuning_load(clnorm_context *ctx, const char *path)
{
    bool absent;
    CLN_TRY(check_file(ctx, &path));
    return load(ctx, path, &absent);
}

/* The directory of the cache may not be there yet. */
static clnorm_status make_directory(const char *path)
{
    char dir[4096], made[4096] = "", why[256] = "";
    const char *slash = strrchr(path, '/');
    if (!slash || slash == path || (size_t)(slash - path) >= sizeof dir)
        return CLNORM_OK;
    memcpy(dir, path, (size_t)(slash - path));
    dir[slash - path] = '\0';
    if (access(dir, F_OK) == 0)
        return CLNORM_OK;
    cln_cache_open(made, sizeof made, dir, why, sizeof why);
    return made[0] ? CLNORM_OK
                   : cln_fail(CLNORM_EIO, "the tuning file \"%s\" cannot be written: %s", path, why);
}

clnorm_status clnorm_tuning_save(clnorm_context *ctx, const char *path)
{
    const bool own = !path;
    CLN_TRY(check_file(ctx, &path));
    if (own)
        CLN_TRY(make_directory(path));
    return cln_tuning_save(ctx->params.tuning, path);
}

const char *clnorm_tuning_file(const clnorm_context *ctx)
{
    return ctx && ctx->tuning_file ? ctx->tuning_file : "";
}

/* measured.c -- what `clnorm tune` has measured: the class of a problem, and the way that was fastest. */
#include "plan/plan.h"

#include <stdio.h>
#include <string.h>

const char *cln_role_name(cln_role role)
{
    static const char *const names[] = { "forward", "given", "keep", "dx", "frozen", "params" };
    return names[role];
}

static unsigned log_of(uint64_t n)
{
    unsigned log = 0;
    while (n >>= 1)
        log++;
    return log;
}

void cln_problem_class(char name[CLN_CLASS_ROOM], const cln_problem *problem)
{
    const cln_geo *g = &problem->geo;
    snprintf(name, CLN_CLASS_ROOM, "%s %s %s %s %s 2^%u x 2^%u in 2^%u", problem->op->info.name,
             cln_role_name(problem->layer.role), clnorm_dtype_name(problem->desc.head.x.dtype),
             clnorm_dtype_name(problem->y_dtype), problem->columns ? "columns" : "rows", log_of(g->sets),
             log_of(problem->set_elements), log_of(g->len));
}

static const cln_solver *solver_named(const char *name)
{
    for (size_t i = 0; cln_solvers[i]; i++)
        if (strcmp(cln_solvers[i]->name, name) == 0)
            return cln_solvers[i];
    return NULL;
}

const char *cln_tuned_check(const cln_tuned *tuned, const cln_device *device)
{
    uint32_t wg, vec;
    cln_params own;
    if (!solver_named(tuned->solver))
        return "there is no such solver";
    cln_params_for(&own, device);
    if (tuned->wg == own.wg &&
        (tuned->vec == own.vec || (own.wg > 1 && (tuned->vec == 1 || tuned->vec == 2))))
        return NULL;
    for (size_t k = 0; cln_params_pair(&wg, &vec, k, device); k++)
        if (wg == tuned->wg && vec == tuned->vec)
            return wg <= device->max_wg ? NULL : "the device has no work-groups of that size";
    return "no device of this type runs that work-group with that vector";
}

bool cln_choose_tuned(cln_choice *out, const cln_tuned *tuned, const cln_problem *problem,
                      const cln_choice *before, const cln_params *params, const cln_device *device)
{
    const cln_params p = cln_params_tuned(params, tuned);
    cln_stage stages[CLN_MAX_STAGES];
    cln_geo geo = problem->geo;
    size_t workspace;
    if (!cln_choose_with(out, solver_named(tuned->solver), problem, &p, device))
        return false;
    cln_choose_behind(out, before, problem, &p);
    cln_choice_stages(stages, &geo, &workspace, problem, out);
    out->tuned = workspace <= device->max_alloc; /* a larger one of the class may need more than there is */
    return out->tuned;
}

bool cln_choose_measured(cln_choice *out, const cln_problem *problem, const cln_choice *before,
                         const cln_params *params, const cln_device *device)
{
    char name[CLN_CLASS_ROOM];
    cln_tuned tuned;
    if (!params->tuning)
        return false;
    cln_problem_class(name, problem);
    return cln_tuning_find(params->tuning, name, &tuned) && strcmp(tuned.solver, CLN_ESTIMATE) != 0 &&
           cln_choose_tuned(out, &tuned, problem, before, params, device);
}

/* choose.c -- the list of solvers, and the cheapest of them. */
#include "base/compiler.h"
#include "plan/plan.h"

#include <assert.h>

const cln_solver *const cln_solvers[] = { &cln_solve_pointwise, &cln_solve_rows, &cln_solve_slab,
                                          &cln_solve_split, NULL };

uint32_t cln_ceil_div(uint64_t a, uint64_t b) { return (uint32_t)((a + b - 1) / b); }

uint32_t cln_fit_per(uint32_t per, uint64_t work, uint32_t unit)
{
    const uint32_t least = cln_ceil_div(work, (uint64_t)CLN_MAX_GROUPS * unit);
    return per > least ? per : least;
}

static bool multiples(const int64_t *stride, const uint32_t *n, size_t count, uint32_t vec)
{
    for (size_t k = 0; k < count; k++)
        if (n[k] > 1 && stride[k] % vec)
            return false;
    return true;
}

bool cln_geo_aligned(const cln_geo *g, uint32_t vec, bool writes)
{
    const bool x = g->step_x != 1 || (multiples(g->kept_x, g->kept, CLN_COUNT(g->kept), vec) &&
                                      multiples(g->run_x, g->run, CLN_COUNT(g->run), vec) &&
                                      multiples(&g->mix_x, &g->mix, 1, vec));
    const bool y = g->step_y == 1 && multiples(g->kept_y, g->kept, CLN_COUNT(g->kept), vec) &&
                   multiples(g->run_y, g->run, CLN_COUNT(g->run), vec) &&
                   multiples(&g->mix_y, &g->mix, 1, vec);
    return x && (y || !writes);
}

/* The twin of TEAMS in cl/common/sum.clh. */
uint32_t cln_teams(uint32_t wg, uint32_t vec) { return wg * vec > 64 ? wg / (64 / vec) : 1; }

bool cln_choose_with(cln_choice *out, const cln_solver *solver, const cln_problem *problem,
                     const cln_params *params, const cln_device *device)
{
    if (solver->applicable(problem))
        return false;
    const uint64_t y_bytes = (uint64_t)problem->geo.sets * problem->set_elements * problem->y_bytes;
    const cln_choice start = { solver, params->wg, params->vec, 1, 1, false };
    *out = start;
    out->wide =
        problem->op->maps && y_bytes >= params->wide_bytes && cln_geo_aligned(&problem->geo, out->vec, true);
    solver->propose(out, problem, params, device->units);
    return true;
}

double cln_choice_ns(const cln_choice *choice, const cln_problem *problem, const cln_params *params,
                     uint32_t units)
{
    cln_stage stages[CLN_MAX_STAGES];
    cln_geo geo = problem->geo;
    size_t workspace;
    const size_t n = choice->solver->stages(stages, &geo, &workspace, problem, choice);
    double share = (double)stages[0].groups / units; /* of the device that has work */
    if (share > 1)
        share = 1;
    return (double)n * params->launch_ns +
           choice->solver->traffic(problem, params) / params->bytes_per_ns / share;
}

void cln_choose(cln_choice *out, const cln_problem *problem, const cln_params *params,
                const cln_device *device)
{
    double best = -1;
    for (size_t i = 0; cln_solvers[i]; i++) {
        cln_choice c;
        if (!cln_choose_with(&c, cln_solvers[i], problem, params, device))
            continue;
        const double ns = cln_choice_ns(&c, problem, params, device->units);
        if (best < 0 || ns < best) {
            best = ns;
            *out = c;
        }
    }
    assert(best >= 0); /* split and pointwise take every problem between them */
}

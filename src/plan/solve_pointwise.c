/* solve_pointwise.c -- no statistic: one read, one write. */
#include "plan/plan.h"

static const char *applicable(const cln_problem *problem)
{
    return problem->op->stat_bytes ? "it takes no statistic" : NULL;
}

static void propose(cln_choice *choice, const cln_problem *problem, const cln_params *params, uint32_t units)
{
    const uint64_t chunks = problem->geo.sets * cln_geo_chunks(&problem->geo);
    choice->per = cln_ceil_div(chunks, (uint64_t)units * params->busy * cln_teams(choice->wg, choice->vec));
    choice->per *= cln_teams(choice->wg, choice->vec);
}

static double traffic(const cln_problem *problem, const cln_params *params)
{
    (void)params;
    return (double)problem->bytes;
}

static size_t stages(cln_stage *out, cln_geo *geo, size_t *workspace, const cln_problem *problem,
                     const cln_choice *choice)
{
    const uint64_t chunks = problem->geo.sets * cln_geo_chunks(&problem->geo);
    geo->per = cln_fit_per(choice->per, chunks, 1);
    *workspace = 0;
    out[0] = (cln_stage){ "pointwise", cln_ceil_div(chunks, geo->per) };
    return 1;
}

const cln_solver cln_solve_pointwise = { "pointwise", applicable, propose, traffic, stages };

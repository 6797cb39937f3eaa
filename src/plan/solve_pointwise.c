/* solve_pointwise.c -- no statistic: one read, one write. */
#include "plan/plan.h"

static const char *applicable(const cln_problem *problem)
{
    return problem->stat_bytes ? "it takes no statistic"
           : problem->columns  ? "sets lie side by side"
           : problem->window   ? "an element is summed with its neighbours"
                               : NULL;
}

static void propose(cln_choice *choice, const cln_problem *problem, const cln_params *params, uint32_t units)
{
    choice->per = cln_share(choice, problem, params, units);
}

static double traffic(const cln_problem *problem, const cln_params *params)
{
    (void)params;
    return (double)problem->bytes;
}

static size_t stages(cln_stage *out, cln_geo *geo, size_t *workspace, const cln_problem *problem,
                     const cln_choice *choice)
{
    *workspace = cln_kept_bytes(geo, problem);
    out[0] = cln_stage_map(geo, problem, choice->wg, choice->per);
    return 1;
}

const cln_solver cln_solve_pointwise = {
    .name = "pointwise", .applicable = applicable, .propose = propose, .traffic = traffic, .stages = stages
};

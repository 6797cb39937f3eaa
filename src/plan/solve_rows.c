/* solve_rows.c -- sets of one chunk: read once from memory, once from L1. */
#include "plan/plan.h"

#define GROUP_BYTES 65536 /* work that makes the cost of starting a group vanish */

static const char *applicable(const cln_problem *problem)
{
    return !problem->stat_bytes                ? "there is no statistic"
           : problem->columns                  ? "sets lie side by side"
           : cln_geo_chunks(&problem->geo) > 1 ? "a set is longer than one chunk of 4096, or in pieces"
                                               : NULL;
}

static void propose(cln_choice *choice, const cln_problem *problem, const cln_params *params, uint32_t units)
{
    const uint64_t row_bytes = problem->set_elements * (problem->x_bytes + problem->y_bytes);
    const uint32_t teams = cln_teams(choice->wg, choice->vec);
    const uint32_t fair = cln_ceil_div(problem->geo.sets, (uint64_t)units * params->busy * 8 * teams);
    const uint32_t full = cln_ceil_div(GROUP_BYTES, row_bytes * teams);
    const uint32_t all = cln_ceil_div(problem->geo.sets, (uint64_t)units * teams);
    choice->per = fair > full || choice->wg > 1 ? fair : full; /* a GPU starts groups for nothing */
    if (choice->per > all)
        choice->per = all;
}

static double traffic(const cln_problem *problem, const cln_params *params)
{
    (void)params;
    return (double)problem->bytes;
}

static size_t stages(cln_stage *out, cln_geo *geo, size_t *workspace, const cln_problem *problem,
                     const cln_choice *choice)
{
    const uint32_t teams = cln_teams(choice->wg, choice->vec);
    geo->per = cln_fit_per(choice->per, problem->geo.sets, teams);
    *workspace = cln_kept_bytes(geo);
    out[0] = (cln_stage){ "rows", cln_ceil_div(problem->geo.sets, (uint64_t)geo->per * teams), 0 };
    return 1 + cln_stage_families(out + 1, geo, problem, choice);
}

const cln_solver cln_solve_rows = { "rows", applicable, propose, traffic, stages };

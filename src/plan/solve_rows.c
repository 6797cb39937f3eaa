/* solve_rows.c -- sets of one chunk: read once from memory, once from L1. */
#include "plan/plan.h"

static const char *applicable(const cln_problem *problem)
{
    return !problem->stat_bytes                ? "there is no statistic"
           : problem->columns                  ? "sets lie side by side"
           : cln_geo_chunks(&problem->geo) > 1 ? "a set is longer than one chunk of 4096, or in pieces"
                                               : NULL;
}

static void propose(cln_choice *choice, const cln_problem *problem, const cln_params *params, uint32_t units)
{
    const uint32_t teams = cln_teams(choice->wg, choice->vec), sets = problem->geo.sets;
    const uint32_t fair = cln_ceil_div(sets, (uint64_t)units * params->busy * 8 * teams);
    const uint32_t all = cln_ceil_div(sets, (uint64_t)units * teams);
    choice->per = choice->bundle > 1 ? 0 /* slab does */
                  : choice->wg == 1  ? cln_fair_per(sets, 0, problem, params, units)
                  : fair < all       ? fair
                                     : all;
    if (choice->transposed && choice->per)
        choice->per = cln_ceil_div(choice->per, choice->vec) * choice->vec;
}

#define LONG 512     /* elements of a row */
#define LONGEST 2048 /* of which two, and y, fit into the nearest cache */

/* A CPU takes a long row and elements that are apart faster while it writes others, as slab does; not gradients, nor halves of
 * families, which are more to do. */
static double traffic(const cln_problem *problem, const cln_params *params)
{
    const cln_layer_problem *l = &problem->layer;
    const bool apart = cln_apart(problem), work = l->reads_d || (problem->x_bytes == 2 && l->family),
               row = problem->set_elements >= LONG && problem->set_elements <= LONGEST && !work && !l->groups;
    return (double)problem->bytes * (params->wg == 1 && (apart || row) ? 1.1 : 1);
}

static size_t stages(cln_stage *out, cln_geo *geo, size_t *workspace, const cln_problem *problem,
                     const cln_choice *choice)
{
    const uint32_t teams = cln_teams(choice->wg, choice->vec);
    geo->per = cln_fit_per(choice->per, problem->geo.sets, teams);
    *workspace = cln_kept_bytes(geo, problem);
    out[0] = (cln_stage){ "rows", cln_ceil_div(problem->geo.sets, (uint64_t)geo->per * teams), 0 };
    return 1 + cln_stage_families(out + 1, geo, problem, choice);
}

const cln_solver cln_solve_rows = { .name = "rows",
                                    .applicable = applicable,
                                    .propose = propose,
                                    .traffic = traffic,
                                    .stages = stages,
                                    .traits = CLN_BESIDE,
                                    .pieces = cln_bundles };

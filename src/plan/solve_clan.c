/* solve_clan.c -- a group per family, or per few consecutive families: all its statistics, then all its maps.
 */
#include "plan/plan.h"

static const char *applicable(const cln_problem *problem)
{
    return !problem->layer.family || !problem->maps ? "sets do not come in families"
           : problem->columns                       ? "sets lie side by side"
                                                    : NULL;
}

static void propose(cln_choice *choice, const cln_problem *problem, const cln_params *params, uint32_t units)
{
    choice->per = problem->geo.sets / problem->layer.family / (units * params->busy);
    if (choice->per < 1)
        choice->per = 1;
}

static double traffic(const cln_problem *problem, const cln_params *params)
{
    const double out = (double)problem->set_elements * problem->geo.sets * (double)problem->y_bytes;
    const double in = (double)problem->bytes - out, family = in / problem->geo.sets * problem->layer.family;
    return (double)problem->bytes + (family <= (double)params->slab_bytes ? 0.1 : 1) * in;
}

static size_t stages(cln_stage *out, cln_geo *geo, size_t *workspace, const cln_problem *problem,
                     const cln_choice *choice)
{
    const uint64_t families = geo->sets / problem->layer.family;
    geo->per = cln_fit_per(choice->per, families, 1);
    *workspace = cln_kept_bytes(geo);
    out[0] =
        (cln_stage){ "clan", cln_ceil_div(families, geo->per), cln_chunk_items(choice, cln_geo_chunks(geo)) };
    return 1;
}

const cln_solver cln_solve_clan = { "clan", applicable, propose, traffic, stages };

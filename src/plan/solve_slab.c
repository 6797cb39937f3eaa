/* solve_slab.c -- a group per set, or per few consecutive sets: statistics of one while another is written.
 */
#include "plan/plan.h"

/* Sets of a group: the first one's statistics and the last one's map overlap with nothing, which takes about as long as
 * START sets. */
#define ENOUGH 4
#define START 0.3

static const char *applicable(const cln_problem *problem)
{
    return !problem->stat_bytes ? "there is no statistic" : problem->columns ? "sets lie side by side" : NULL;
}

/* Sets that the busiest unit walks. */
static double slowest(uint32_t sets, uint32_t per, uint32_t units)
{
    return (per + START) * cln_ceil_div(cln_ceil_div(sets, per), units);
}

/* From per on the first that leaves no unit idle for long: few groups are to be a multiple of the units. */
static uint32_t even_share(uint32_t sets, uint32_t per, uint32_t units)
{
    uint32_t best = per;
    for (uint32_t p = per; p <= 2 * per || p <= cln_ceil_div(sets, units); p++)
        if (slowest(sets, p, units) < 0.96 * slowest(sets, best, units))
            best = p;
    return best;
}

static void propose(cln_choice *choice, const cln_problem *problem, const cln_params *params, uint32_t units)
{
    const uint32_t sets = problem->geo.sets, fair = sets / (units * params->busy), most = sets / (units * 2);
    const uint32_t enough = most < ENOUGH ? most : ENOUGH;
    choice->per = fair > enough || choice->wg > 1 ? fair : enough;
    if (choice->per < 1)
        choice->per = 1;
    if (choice->wg == 1 && choice->per <= ENOUGH) /* a GPU's groups overlap with each other */
        choice->per = even_share(sets, choice->per, units);
}

static double traffic(const cln_problem *problem, const cln_params *params)
{
    const uint64_t set_bytes = problem->set_elements * problem->x_bytes;
    const double again = set_bytes <= params->slab_bytes ? 0.1 : 1; /* of the second walk */
    return (double)problem->bytes + again * (double)set_bytes * problem->geo.sets * problem->maps;
}

static size_t stages(cln_stage *out, cln_geo *geo, size_t *workspace, const cln_problem *problem,
                     const cln_choice *choice)
{
    geo->per = cln_fit_per(choice->per, problem->geo.sets, 1);
    *workspace = cln_kept_bytes(geo);
    out[0] = (cln_stage){ "slab", cln_ceil_div(problem->geo.sets, geo->per),
                          cln_chunk_items(choice, cln_geo_chunks(&problem->geo)) };
    return 1 + cln_stage_families(out + 1, geo, problem, choice);
}

const cln_solver cln_solve_slab = { "slab", applicable, propose, traffic, stages };

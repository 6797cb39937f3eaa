/* solve_slab.c -- a group per set, or per few consecutive sets: statistics of one while another is written.
 */
#include "plan/plan.h"

#define LARGE 32768 /* elements of a set that leaves the nearest cache */

/* Sets in the time of which a group starts: the first one's statistics and the last one's map overlap with nothing, and where sets
 * share cache lines the first one reads those of all. */
static double start(const cln_problem *problem)
{
    return cln_apart(problem) || problem->set_elements * cln_bundle(problem, 1) >= LARGE ? 0.25 : 0.1;
}

static const char *applicable(const cln_problem *problem)
{
    return !problem->stat_bytes ? "there is no statistic" : problem->columns ? "sets lie side by side" : NULL;
}

/* Whether what a set's gradients read stays in a core's own cache, and would not beside the next one's. */
static bool alone(const cln_problem *problem, uint64_t near_bytes)
{
    const uint64_t read = problem->set_elements * (problem->x_bytes + problem->layer.d_bytes);
    return problem->maps && problem->layer.reads_d && !problem->layer.family && read >= near_bytes * 3 / 8 &&
           read <= near_bytes;
}

static void propose(cln_choice *choice, const cln_problem *problem, const cln_params *params, uint32_t units)
{
    const uint32_t sets = cln_bundles(problem, choice->wg), fair = sets / (units * params->busy);
    choice->alone = choice->wg == 1 && choice->bundle == 1 && alone(problem, params->near_bytes);
    choice->per = choice->wg == 1 ? cln_fair_per(sets, start(problem), problem, params, units)
                  : fair > 1      ? fair
                                  : 1;
}

/* Bytes that the second walk over a set brings from memory, with what the cache keeps taken off. */
static double again(uint64_t elements, const cln_problem *problem, const cln_params *params)
{
    const uint64_t x = elements * problem->x_bytes,
                   all = x + elements * (problem->layer.reads_d ? problem->layer.d_bytes : 0);
    if (x <= params->slab_bytes)
        return (double)x * (params->wg == 1 && elements < LARGE ? 0.02 : 0.1);
    return params->wg == 1 ? (double)all * cln_from_memory(all, params->share_bytes) : (double)x;
}

static double traffic(const cln_problem *problem, const cln_params *params)
{
    const uint64_t elements = problem->set_elements * cln_bundle(problem, params->wg);
    return (double)problem->bytes * cln_crowded(problem, params) +
           again(elements, problem, params) * cln_bundles(problem, params->wg) * problem->maps;
}

static size_t stages(cln_stage *out, cln_geo *geo, size_t *workspace, const cln_problem *problem,
                     const cln_choice *choice)
{
    const uint32_t sets = cln_bundles(problem, choice->wg);
    geo->per = cln_fit_per(choice->per, sets, 1);
    *workspace = cln_kept_bytes(geo, problem);
    out[0] = (cln_stage){ "slab", cln_ceil_div(sets, geo->per),
                          cln_chunk_items(choice, cln_geo_chunks(&problem->geo)) };
    return 1 + cln_stage_families(out + 1, geo, problem, choice);
}

const cln_solver cln_solve_slab = { .name = "slab",
                                    .applicable = applicable,
                                    .propose = propose,
                                    .traffic = traffic,
                                    .stages = stages,
                                    .pieces = cln_bundles };

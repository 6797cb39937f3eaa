/* solve_clan.c -- a group per family, or per few consecutive families: all its statistics, then all its maps. Where sets lie
 * side by side, a group of one per outer place, which is of whole families. */
#include "plan/plan.h"

#include <assert.h>

/* Families in the time of which a group starts: the first one's statistics and the last one's maps overlap with nothing (nor do
 * those of short members). */
#define START 0.08

/* What a group takes at a time, and how many there are. */
static uint32_t sets_at_once(const cln_problem *problem)
{
    return problem->columns ? problem->geo.len / problem->geo.span : problem->layer.family;
}

static const char *applicable(const cln_problem *problem)
{
    return !problem->layer.family || !problem->maps        ? "sets do not come in families"
           : sets_at_once(problem) % problem->layer.family ? "a family lies in several places"
                                                           : NULL;
}
static uint32_t clans(const cln_problem *problem, uint32_t wg)
{
    (void)wg;
    return problem->geo.sets / sets_at_once(problem);
}

static void propose(cln_choice *choice, const cln_problem *problem, const cln_params *params, uint32_t units)
{
    const uint32_t count = clans(problem, choice->wg), fair = count / (units * params->busy);
    choice->per = choice->wg == 1 ? cln_fair_per(count, START, problem, params, units) : fair > 1 ? fair : 1;
    if (!problem->columns)
        return;
    choice->cols = problem->geo.len;
    if (choice->wg > 1 || !cln_fits_tile(&problem->geo, choice->cols))
        choice->per = 0; /* it cannot */
}

static double traffic(const cln_problem *problem, const cln_params *params)
{
    const double out = (double)problem->set_elements * problem->geo.sets * (double)problem->y_bytes;
    const double in = (double)problem->bytes - out, some = in / problem->geo.sets * sets_at_once(problem);
    return (double)problem->bytes * cln_crowded(problem, params) +
           (some <= (double)params->slab_bytes ? 0.1 : 1) * in;
}

/* A place that sets lie side by side in is of whole families. */
static size_t stages(cln_stage *out, cln_geo *geo, size_t *workspace, const cln_problem *problem,
                     const cln_choice *choice)
{
    const uint64_t count = clans(problem, choice->wg);
    assert(sets_at_once(problem) % problem->layer.family == 0);
    geo->per = cln_fit_per(choice->per, count, 1);
    geo->cols = choice->cols;
    *workspace = cln_kept_bytes(geo, problem);
    out[0] = (cln_stage){ "clan", cln_ceil_div(count, geo->per),
                          problem->columns ? 1 : cln_chunk_items(choice, cln_geo_chunks(geo)) };
    return 1;
}

const cln_solver cln_solve_clan = { .name = "clan",
                                    .applicable = applicable,
                                    .propose = propose,
                                    .traffic = traffic,
                                    .stages = stages,
                                    .traits = CLN_READS_ONCE,
                                    .pieces = clans };

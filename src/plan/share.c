/* share.c -- how work is dealt to the groups of a CPU. */
#include "plan/plan.h"

#define WORTH 0.96 /* of the time: less is not worth groups that are not the usual ones */
#define MOST_TRIED 64
#define FEW 10          /* pieces per unit, where one more or less counts */
#define MANY (1u << 20) /* elements that take longer than a unit takes to wake up: a group each will do */

/* Pieces in the time of which the busiest unit is done. A unit that asks for groups gets its share of what is
 * left, rounded up, and so does the first one. */
static double slowest(uint32_t work, uint32_t per, double start, uint32_t units)
{
    return (per + start) * cln_ceil_div(cln_ceil_div(work, per), units);
}

/* How many times as long as the statistic and the map of a float an element takes, about. */
static double weight(const cln_problem *problem)
{
    return (problem->layer.reads_d ? 2 : 1) * (problem->x_bytes == 2 ? 2 : 1) *
           (problem->layer.family ? 2 : 1) * (cln_apart(problem) ? 4 : 1);
}

uint32_t cln_worth_groups(const cln_problem *problem, const cln_params *params, uint32_t units)
{
    const double elements = (double)(problem->set_elements + params->set_start) * problem->geo.sets *
                            weight(problem),
                 part = elements / ((double)params->full * units);
    const uint32_t groups = (uint32_t)((part < 1 ? part : 1) * units * params->busy * 2);
    return groups > units ? groups : units;
}

uint32_t cln_fair_per(uint32_t work, double start, const cln_problem *problem, const cln_params *params,
                      uint32_t units)
{
    const bool few = work <= FEW * units || problem->geo.sets * problem->set_elements >= MANY;
    const uint32_t groups = cln_worth_groups(problem, params, units),
                   usual = work > groups ? cln_ceil_div(work, groups) : 1, two = 2 * usual,
                   each = cln_ceil_div(work, units), most = few && each > two ? each : two;
    const double elements = (double)problem->set_elements * problem->geo.sets / work,
                 begun = start + params->group_start / (elements + params->set_start);
    uint32_t best = usual;
    const uint32_t least = usual > 2 * MOST_TRIED ? usual - MOST_TRIED : cln_ceil_div(usual, 2);
    for (uint32_t per = least; per <= most && per <= usual + MOST_TRIED; per++)
        if (slowest(work, per, begun, units) < WORTH * slowest(work, best, begun, units))
            best = per;
    return best;
}

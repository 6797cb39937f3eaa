/* map.c -- the stage that maps alone: behind a fold, behind families, or where there is no statistic; what is kept for it. */
#include "plan/plan.h"

#include <assert.h>

uint32_t cln_outer(const cln_geo *g) { return g->sets / (g->len / g->span); }

/* Pieces of a problem that are dealt to groups: chunks, or, across sets, rows; and what each is multiplied
 * by. */
static uint64_t pieces(const cln_problem *p, uint32_t wg)
{
    cln_geo g = p->geo;
    cln_bundle_lay(&g, cln_bundle(p, wg));
    return p->columns ? g.runs : cln_bundles(p, wg) * cln_geo_chunks(&g);
}
static uint64_t others(const cln_geo *g, bool columns, uint32_t cols)
{
    return columns ? (uint64_t)cln_outer(g) * cln_ceil_div(g->len, cols) : 1;
}

/* Chunks that a group maps at a time, map_pass of cl/common/pass.clh; of columns, rows that make a group
 * worth starting: four vectors for each of many work-items. */
static uint32_t unit_of(const cln_choice *choice, const cln_problem *problem)
{
    uint32_t many = choice->wg / cln_teams(choice->wg, choice->vec);
    if (problem->columns)
        return choice->wg == 1 ? 1 : cln_ceil_div(4ull * choice->wg * choice->vec, choice->cols);
    while (many < choice->wg && choice->wg % (many * 2) == 0 && many * choice->vec < problem->geo.len)
        many *= 2;
    return choice->wg / many;
}

uint32_t cln_share(const cln_choice *choice, const cln_problem *problem, const cln_params *params,
                   uint32_t units)
{
    const uint32_t unit = unit_of(choice, problem);
    if (choice->wg == 1 && !problem->columns)
        return cln_fair_per((uint32_t)pieces(problem, 1), 0, problem, params, units);
    const bool uneven = choice->solver->traits & CLN_IN_TILES, /* the last columns of a row are fewer */
        streams = !problem->layer.reads_d && problem->bytes >= params->wide_bytes;
    const uint64_t times = others(&problem->geo, problem->columns, choice->cols),
                   many = choice->wg > 1 ? (uint64_t)units * params->busy * (problem->columns ? 4 : 1)
                                         : cln_ceil_div(cln_worth_groups(problem, params, units),
                                                        uneven || streams ? 1 : 4);
    uint64_t parts = times >= many ? 1 : many / times;
    if (choice->wg == 1 && parts * times < 4 * units && parts * times % units) /* one would be idle */
        parts *= 2;
    return cln_ceil_div(pieces(problem, choice->wg), parts * unit) * unit;
}

cln_stage cln_stage_map(cln_geo *geo, const cln_problem *problem, uint32_t wg, uint32_t share)
{
    const uint64_t times = others(geo, problem->columns, geo->cols), all = pieces(problem, wg);
    assert(share);
    geo->mapped = cln_fit_share(share, times, all);
    if (problem->columns)
        geo->parts = cln_ceil_div(geo->runs, geo->mapped);
    return (cln_stage){ problem->columns ? "mapcols" : "pointwise",
                        cln_groups(times * cln_ceil_div(all, geo->mapped)), 0 };
}

size_t cln_kept_bytes(const cln_geo *geo, const cln_problem *problem)
{
    const cln_layer_problem *l = &problem->layer;
    const size_t fields = l->family && !l->by_weight && l->role == CLN_ROLE_FORWARD ? 2 : 6,
                 floats = 6 * (size_t)geo->past + fields * geo->stats + (size_t)geo->left * geo->sets;
    return ((floats + 15) & ~(size_t)15) * sizeof(float);
}

size_t cln_stage_families(cln_stage *out, cln_geo *geo, const cln_problem *problem, const cln_choice *choice)
{
    if (!problem->layer.family)
        return 0;
    out[0] = (cln_stage){ "families", cln_groups(problem->geo.sets / problem->layer.family), 0 };
    if (problem->maps)
        out[1] = cln_stage_map(geo, problem, choice->wg, choice->mapped);
    return problem->maps ? 2 : 1;
}

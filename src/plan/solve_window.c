/* solve_window.c -- each element with its neighbours across channels: one walk of chunks; gradients across
 * runs walk up the channels of a tile of pixels. */
#include "plan/plan.h"

static const char *applicable(const cln_problem *problem)
{
    return problem->window ? NULL : "there is no window of channels";
}

static bool ring(const cln_problem *problem)
{
    return problem->layer.role == CLN_ROLE_DX && problem->geo.channel_div != 1;
}

/* What groups are dealt: chunks, or tiles of pixels, TILE of cl/common/window.clh. */
static uint64_t pieces(const cln_problem *problem, const cln_choice *choice)
{
    const cln_geo *g = &problem->geo;
    const uint32_t tile = choice->wg * choice->vec * (choice->wg == 1 && problem->window <= 64 ? 16 : 1);
    const uint64_t tiles = (uint64_t)(g->runs / g->mix) * cln_ceil_div(g->len, tile);
    return g->sets * (ring(problem) ? tiles : cln_geo_chunks(g));
}

static void propose(cln_choice *choice, const cln_problem *problem, const cln_params *params, uint32_t units)
{
    choice->per = cln_ceil_div(pieces(problem, choice), (uint64_t)units * params->busy);
}

static double traffic(const cln_problem *problem, const cln_params *params)
{
    (void)params;
    return (double)problem->bytes;
}

static size_t stages(cln_stage *out, cln_geo *geo, size_t *workspace, const cln_problem *problem,
                     const cln_choice *choice)
{
    const uint64_t all = pieces(problem, choice);
    geo->per = cln_fit_per(choice->per, all, 1);
    *workspace = 0;
    out[0] = (cln_stage){ ring(problem) ? "ring" : "window", cln_ceil_div(all, geo->per), 0 };
    return 1;
}

const cln_solver cln_solve_window = {
    .name = "window", .applicable = applicable, .propose = propose, .traffic = traffic, .stages = stages
};

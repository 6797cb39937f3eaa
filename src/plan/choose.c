/* choose.c -- the list of solvers, and the cheapest of them. */
#include "base/compiler.h"
#include "plan/plan.h"

#include <assert.h>

const cln_solver *const cln_solvers[CLN_MAX_SOLVERS] = {
    &cln_solve_pointwise, &cln_solve_rows,  &cln_solve_slab,   &cln_solve_split,
    &cln_solve_tile,      &cln_solve_cols,  &cln_solve_across, &cln_solve_window,
    &cln_solve_clan,      &cln_solve_fused, &cln_solve_sums,   NULL
};

uint32_t cln_ceil_div(uint64_t a, uint64_t b) { return (uint32_t)((a + b - 1) / b); }

uint32_t cln_fit_per(uint32_t per, uint64_t work, uint32_t unit)
{
    const uint32_t least = cln_ceil_div(work, (uint64_t)CLN_MAX_GROUPS * unit);
    return per > least ? per : least;
}

size_t cln_groups(uint64_t work) { return work < CLN_MAX_GROUPS ? (size_t)work : CLN_MAX_GROUPS; }

static bool multiples(const int64_t *stride, const uint32_t *n, size_t count, uint32_t vec)
{
    for (size_t k = 0; k < count; k++)
        if (n[k] > 1 && stride[k] % vec)
            return false;
    return true;
}

/* Whether every run of a view starts at a multiple of vec elements. */
static bool aligned(const cln_geo *g, int view, uint32_t vec)
{
    const cln_strides *v = &g->view[view];
    return multiples(v->kept, g->kept, CLN_COUNT(g->kept), vec) &&
           multiples(v->run, g->run, CLN_COUNT(g->run), vec) && multiples(&v->mix, &g->mix, 1, vec);
}

bool cln_geo_aligned(const cln_geo *g, uint32_t vec, bool writes)
{
    const cln_strides *v = g->view;
    const bool x = v[CLN_VIEW_X].step != 1 || aligned(g, CLN_VIEW_X, vec);
    const bool y = v[CLN_VIEW_Y].step == 1 && aligned(g, CLN_VIEW_Y, vec);
    const bool d = v[CLN_VIEW_D].step != 1 || aligned(g, CLN_VIEW_D, vec);
    return x && d && (y || !writes);
}

/* The twin of TEAMS in cl/common/sum.clh. */
uint32_t cln_teams(uint32_t wg, uint32_t vec) { return wg * vec > 64 ? wg / (64 / vec) : 1; }

uint32_t cln_chunk_items(const cln_choice *choice, uint64_t chunks)
{
    const uint32_t teams = cln_teams(choice->wg, choice->vec);
    return choice->wg / teams * (uint32_t)(chunks < teams ? chunks : teams);
}

bool cln_writes_wide(const cln_choice *choice, const cln_problem *problem, const cln_params *params)
{
    const uint64_t y_bytes = (uint64_t)problem->geo.sets * problem->set_elements * problem->y_bytes;
    return y_bytes >= params->wide_bytes && cln_geo_aligned(&problem->geo, choice->vec, true) &&
           (choice->cols % choice->vec == 0 ||
            choice->cols >= problem->geo.len); /* else a group's first column would not be aligned */
}

bool cln_choose_with(cln_choice *out, const cln_solver *solver, const cln_problem *problem,
                     const cln_params *params, const cln_device *device)
{
    if (solver->applicable(problem))
        return false;
    const cln_choice start = { .solver = solver, .wg = params->wg, .vec = params->vec, .per = 1, .block = 1 };
    *out = start;
    solver->propose(out, problem, params, device->units);
    if (problem->layer.family)
        out->mapped = cln_share(out, problem, params, device->units);
    out->wide = problem->maps && solver != &cln_solve_sums && cln_writes_wide(out, problem, params);
    return true;
}

double cln_read_again(const cln_problem *problem, const cln_params *params)
{
    const double all = (double)problem->set_elements * problem->geo.sets;
    const double read = (double)problem->bytes - all * (double)problem->y_bytes * problem->maps;
    const double kept = (double)params->slab_bytes * 8; /* the whole cache */
    return read * (read <= kept ? 0.3 : read <= 2 * kept ? 0.7 : 1);
}

bool cln_gathers_last(const cln_problem *problem, const cln_geo *geo)
{
    return problem->layer.weights && !geo->mapped;
}

size_t cln_choice_stages(cln_stage *stages, cln_geo *geo, size_t *workspace, const cln_problem *problem,
                         const cln_choice *choice)
{
    const size_t n = choice->solver->stages(stages, geo, workspace, problem, choice);
    if (!cln_gathers_last(problem, geo))
        return n;
    stages[n] = (cln_stage){ "gather", cln_groups(cln_ceil_div(problem->layer.weights, 64)), 0 };
    return n + 1;
}

double cln_choice_ns(const cln_choice *choice, const cln_problem *problem, const cln_params *params,
                     uint32_t units)
{
    cln_stage stages[CLN_MAX_STAGES];
    cln_geo geo = problem->geo;
    size_t workspace;
    const size_t n = cln_choice_stages(stages, &geo, &workspace, problem, choice);
    const uint32_t items = stages[0].items ? stages[0].items : choice->wg;
    double share = (double)stages[0].groups * items / units / params->items; /* of the device that has work */
    if (share > 1)
        share = 1;
    const bool waits = problem->layer.family && choice->solver != &cln_solve_clan; /* then x is read again */
    const double again = waits && problem->maps ? cln_read_again(problem, params) : 0;
    const uint64_t dx_bytes = (uint64_t)geo.sets * problem->set_elements * problem->y_bytes;
    const double rest = choice->solver == &cln_solve_fused  ? 0
                        : choice->solver == &cln_solve_sums ? (double)(problem->layer.rest_bytes + dx_bytes)
                                                            : (double)problem->layer.rest_bytes;
    return (double)n * params->launch_ns + rest / params->bytes_per_ns +
           (choice->solver->traffic(problem, params) + again) / params->bytes_per_ns / share;
}

void cln_choose(cln_choice *out, const cln_problem *problem, const cln_choice *before,
                const cln_params *params, const cln_device *device)
{
    double best = -1;
    if (before && before->solver == &cln_solve_fused) {
        cln_choose_with(out, &cln_solve_cols, problem, params, device);
        return;
    }
    for (size_t i = 0; cln_solvers[i]; i++) {
        cln_choice c;
        if (!cln_choose_with(&c, cln_solvers[i], problem, params, device))
            continue;
        const double ns = cln_choice_ns(&c, problem, params, device->units);
        if (best < 0 || ns < best) {
            best = ns;
            *out = c;
        }
    }
    assert(best >= 0);                               /* split and pointwise take every problem between them */
    if (before && before->solver == &cln_solve_sums) /* dx is written here */
        out->wide = cln_writes_wide(out, problem, params);
}

void cln_choose_from(cln_choice choices[], size_t k, const cln_problems *posed, const cln_params *params,
                     const cln_device *device)
{
    for (; k < posed->count; k++)
        cln_choose(&choices[k], &posed->part[k], k ? &choices[k - 1] : NULL, params, device);
}

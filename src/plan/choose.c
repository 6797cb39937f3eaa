/* choose.c -- the list of solvers, and the cheapest of them. */
#include "base/compiler.h"
#include "plan/plan.h"

#include <assert.h>

const cln_solver *const cln_solvers[CLN_MAX_SOLVERS] = {
    &cln_solve_pointwise, &cln_solve_rows,  &cln_solve_slab,   &cln_solve_split,
    &cln_solve_tile,      &cln_solve_cols,  &cln_solve_across, &cln_solve_window,
    &cln_solve_clan,      &cln_solve_fused, &cln_solve_sums,   NULL
};

uint32_t cln_traits(const cln_choice *choice)
{
    return choice && choice->solver ? choice->solver->traits : 0;
}

uint32_t cln_ceil_div(uint64_t a, uint64_t b)
{
    const uint64_t n = a / b + (a % b != 0);
    return n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
}

uint32_t cln_fit_per(uint32_t per, uint64_t work, uint32_t unit)
{
    const uint32_t least = cln_ceil_div(work, (uint64_t)CLN_MAX_GROUPS * unit);
    return per > least ? per : least;
}

uint32_t cln_fit_share(uint32_t share, uint64_t times, uint64_t pieces)
{
    while (share < pieces && times * cln_ceil_div(pieces, share) > CLN_MAX_GROUPS)
        share *= 2;
    return share;
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

/* Whether a kernel writes by the lines of y: along runs, or across columns where rows are no whole vectors, in long pieces, or in
 * whole rows that follow each other: map_rows of cl/common/map_rows.clh. dx that goes along with sums does not. */
static bool runs_on(const cln_geo *g, const cln_problem *problem, const cln_choice *choice)
{
    /* of few rows, which strips.clh writes by itself */
    const bool strips = choice->solver->traits & CLN_IN_TILES && g->runs <= CLN_HEAD_ROWS;
    return !problem->columns || (g->len % choice->vec && !strips && !choice->along &&
                                 (choice->cols >= CLN_LEAST_LED ||
                                  (choice->cols >= g->len && g->view[CLN_VIEW_X].run[2] == g->len &&
                                   g->view[CLN_VIEW_Y].run[2] == g->len)));
}

#define LONG_ROW 2048 /* bytes of a row, pieces of which are not fetched ahead when they are written */

#define LONG_HALVES 1600 /* elements: gradients gain by runs of 45x45, lose by those of 35x35 */

/* Whether a CPU's kernel of sets of halves gains by it: not while it takes statistics of the next one. */
static bool leads_halves(const cln_geo *g, const cln_problem *problem, const cln_choice *choice)
{
    return problem->columns || choice->solver->traits & CLN_IN_CHUNKS ||
           (problem->layer.reads_d && cln_geo_chunks(&problem->geo) > 1 && g->len >= LONG_HALVES);
}

uint64_t cln_wide_from(const cln_choice *choice, const cln_problem *problem, const cln_params *params)
{
    const bool halves = problem->x_bytes == 2 && (problem->columns || cln_geo_chunks(&problem->geo) > 1);
    const bool tiles = choice->solver->traits & CLN_IN_TILES ||
                       (problem->columns && choice->solver->traits & CLN_TAKES_NEXT),
               rows = tiles && problem->geo.len * problem->y_bytes >= LONG_ROW;
    const bool early =
        params->stream && problem->maps && (rows || (problem->layer.reads_d && (halves || tiles)));
    return early ? params->wide_bytes / params->earlier : params->wide_bytes;
}

void cln_choose_stores(cln_choice *choice, const cln_problem *problem, const cln_params *params, bool writes)
{
    const cln_geo g = cln_walked(problem, choice);
    const bool large = problem->bytes >= params->wide_bytes;
    choice->wide = problem->bytes >= cln_wide_from(choice, problem, params) && (writes || choice->wg > 1) &&
                   cln_geo_aligned(&g, choice->vec, writes) &&
                   (choice->cols % choice->vec == 0 ||
                    choice->cols >= g.len); /* else a group's first column would not be aligned */
    if (choice->transposed) /* what ends early is no whole vector; less than a cache line is no stream */
        choice->wide = choice->wide && cln_lines_stream(problem, choice);
    choice->leads = large && writes && !choice->planes && !choice->transposed && params->stream &&
                    choice->wg == 1 && !problem->window && runs_on(&g, problem, choice) &&
                    !(choice->solver->traits & CLN_TAKES_NEXT) && g.view[CLN_VIEW_Y].step == 1 &&
                    (problem->columns || g.len >= CLN_LEAST_LED) &&
                    (problem->y_bytes != 2 || leads_halves(&g, problem, choice));
}

/* Whether one group may take all of a set. */
static bool tree_holds(const cln_solver *solver, const cln_problem *problem)
{
    return problem->columns || !problem->stat_bytes || solver->traits & CLN_IN_CHUNKS ||
           cln_tree_holds(&problem->geo);
}

bool cln_choose_with(cln_choice *out, const cln_solver *solver, const cln_problem *problem,
                     const cln_params *params, const cln_device *device)
{
    if (solver->applicable(problem) || !tree_holds(solver, problem))
        return false;
    cln_choice c = { .solver = solver, .wg = params->wg, .vec = params->vec, .per = 1, .block = 1 };
    c.bundle = cln_bundle(problem, c.wg);
    c.planes = cln_planes(problem, c.vec);
    c.transposed = cln_transposed(problem, &c);
    if (c.transposed == CLN_LINES_SETS)
        c.planes = cln_planes_of_sets(problem);
    solver->propose(&c, problem, params, device->units);
    if (!c.per)
        return false;
    if (problem->layer.family)
        c.mapped = cln_share(&c, problem, params, device->units);
    cln_choose_stores(&c, problem, params, problem->maps && !(solver->traits & CLN_LEAVES_DX));
    *out = c;
    return true;
}

bool cln_same_choice(const cln_choice *a, const cln_choice *b)
{
    return a->solver == b->solver && a->wg == b->wg && a->vec == b->vec && a->per == b->per &&
           a->block == b->block && a->cols == b->cols && a->mapped == b->mapped && a->alone == b->alone &&
           a->wide == b->wide && a->leads == b->leads;
}

double cln_from_memory(uint64_t read, uint64_t kept)
{
    return read <= kept ? 0.3 : read <= 2 * kept ? 0.7 : 1;
}

double cln_crowded(const cln_problem *problem, const cln_params *params)
{
    return params->wg == 1 && problem->x_bytes == 2 && problem->layer.reads_d && !problem->columns &&
                   !cln_apart(problem)
               ? 1.1
               : 1;
}

static double once_more(uint64_t read, const cln_params *params)
{
    return (double)read * cln_from_memory(read, params->kept_bytes);
}

double cln_read_again(const cln_problem *problem, const cln_params *params)
{
    const uint64_t all = problem->set_elements * problem->geo.sets;
    return once_more(problem->bytes - all * problem->y_bytes * problem->maps, params);
}

bool cln_gathers_last(const cln_problem *problem, const cln_geo *geo)
{
    return problem->layer.weights && !geo->mapped;
}

size_t cln_choice_stages(cln_stage *stages, cln_geo *geo, size_t *workspace, const cln_problem *problem,
                         const cln_choice *choice)
{
    cln_bundle_lay(geo, choice->bundle);
    const size_t n = choice->solver->stages(stages, geo, workspace, problem, choice);
    if (!cln_gathers_last(problem, geo))
        return n;
    stages[n] = (cln_stage){ "gather", cln_groups(cln_ceil_div(problem->layer.weights, 64)), 0 };
    return n + 1;
}

/* Of the device, what has work to the end. */
static double busy_share(const cln_choice *choice, const cln_problem *problem, const cln_stage *stage,
                         const cln_params *params, uint32_t units)
{
    const cln_solver *solver = choice->solver;
    const uint32_t items = stage->items ? stage->items : choice->wg;
    const double share = (double)stage->groups * items / units / params->items;
    if (choice->wg == 1 && solver->busy)
        return solver->busy(problem, units);
    if (choice->wg == 1 && solver->pieces)
        return (double)solver->pieces(problem, 1) / units / choice->per /
               cln_ceil_div(stage->groups, units); /* the last may be short */
    if (choice->wg == 1 && stage->groups > units && !problem->columns)
        return (double)stage->groups / units / cln_ceil_div(stage->groups, units);
    return share < 1 ? share : 1;
}

#define SMALL (1u << 20) /* bytes that stay in a CPU's nearer caches */
#define NEARER 1.6       /* times as fast as memory */
#define HALVES 1.5       /* times as long as floats of as many bytes, a CPU's */
#define GRADIENTS 3.0    /* and gradients of weights as a map */
#define SCATTERED 12.0   /* and an element that is written by itself */
#define APART 3.0        /* and elements that are apart as those of a run */

/* Bytes of a floats' map that a CPU takes as long for as for one of the problem's. */
static double weight(const cln_choice *choice, const cln_problem *problem)
{
    const bool apart = !problem->columns && !choice->transposed && cln_apart(problem);
    return (problem->x_bytes == 2 ? HALVES : 1) * (problem->layer.role == CLN_ROLE_PARAMS ? GRADIENTS : 1) *
           (apart ? APART : 1) / (problem->bytes < SMALL ? NEARER : 1);
}

/* What the gradients of weights read again: of rows a CPU may find it in its cache. */
static double rest_of(const cln_problem *problem, const cln_params *params)
{
    const uint64_t rest = problem->layer.rest_bytes;
    return params->wg == 1 && !problem->columns ? once_more(rest, params) : (double)rest;
}

/* Nanoseconds, and the workspace. */
static double cost(const cln_choice *choice, size_t *workspace, const cln_problem *problem,
                   const cln_params *params, uint32_t units)
{
    cln_stage stages[CLN_MAX_STAGES];
    cln_geo geo = problem->geo;
    const size_t n = cln_choice_stages(stages, &geo, workspace, problem, choice);
    const double share = busy_share(choice, problem, &stages[0], params, units);
    const uint32_t traits = choice->solver->traits;
    const bool waits = problem->layer.family && !(traits & CLN_READS_ONCE);
    const double again = waits && problem->maps ? cln_read_again(problem, params) : 0;
    const uint64_t dx_bytes = (uint64_t)geo.sets * problem->set_elements * problem->y_bytes;
    const double apart =
        cln_scatters(problem, choice) ? SCATTERED * (double)geo.sets * (double)problem->set_elements : 0;
    const double rest = traits & CLN_TAKES_NEXT ? 0 : rest_of(problem, params),
                 dx = traits & CLN_LEAVES_DX ? (double)dx_bytes : 0;
    /* A CPU's map that waits deals its own work. */
    const double mapped = choice->wg == 1 && waits && problem->maps ? again + (double)dx_bytes : 0,
                 walked = choice->solver->traffic(problem, params) + again - mapped;
    return (double)n * params->launch_ns + (rest + dx + apart + mapped + walked / share) *
                                               (params->wg == 1 ? weight(choice, problem) : 1) /
                                               params->bytes_per_ns;
}

double cln_choice_ns(const cln_choice *choice, const cln_problem *problem, const cln_params *params,
                     uint32_t units)
{
    size_t workspace;
    return cost(choice, &workspace, problem, params, units);
}

/* ---- the choice ---- */

void cln_choose_behind(cln_choice *choice, const cln_choice *before, const cln_problem *problem,
                       const cln_params *params)
{
    if (cln_traits(before) & CLN_LEAVES_DX) {
        choice->along = true;
        cln_choose_stores(choice, problem, params, true);
    }
}

/* Takes the solver's way if it is cheaper than *ns, and its workspace has at most `room`. */
static void take_cheaper(cln_choice *out, double *ns, const cln_solver *solver, const cln_problem *problem,
                         const cln_params *params, const cln_device *device, uint64_t room)
{
    cln_choice c;
    size_t workspace;
    if (!cln_choose_with(&c, solver, problem, params, device))
        return;
    const double its = cost(&c, &workspace, problem, params, device->units);
    if (workspace <= room && (*ns < 0 || its < *ns)) {
        *ns = its;
        *out = c;
    }
}

#define MANY_CHUNKS 8    /* of a set: an H200 gains from there on */
#define LONG_ENOUGH 1024 /* elements of a run: of shorter ones vectors of 4 are faster (H200) */

/* Few large sets, or long rows, are few chunks for a GPU, and with vectors of 1 a chunk's team is four times as many
 * work-items; but a half each is little of a line, and where weights change along a run each finds its own by a division. */
static bool may_be_narrow(const cln_solver *solver, const cln_problem *problem)
{
    const bool large = solver->traits & CLN_IN_CHUNKS && cln_geo_chunks(&problem->geo) >= MANY_CHUNKS &&
                       problem->geo.wdiv <= 1 && problem->x_bytes != 2;
    return large || solver == &cln_solve_rows;
}

/* Gradients whose weights or statistics change along a run leave few registers of a GPU: an H200 takes vectors of 2 in 0.7 to
 * 0.9 of the time of others. */
static bool is_crowded(const cln_solver *solver, const cln_problem *problem)
{
    const cln_strides *v = problem->geo.view;
    return solver->traits & CLN_IN_CHUNKS && problem->layer.reads_d &&
           (v[CLN_VIEW_W].step || v[CLN_VIEW_S].step);
}

size_t cln_vectors(uint32_t vec[CLN_VECTORS], const cln_solver *solver, const cln_problem *problem,
                   const cln_params *params)
{
    const bool other = params->wg > 1 && problem->geo.len >= LONG_ENOUGH,
               crowded = other && is_crowded(solver, problem);
    vec[0] = crowded && params->vec > 2 ? 2 : params->vec;
    vec[1] = 1;
    return other && !crowded && may_be_narrow(solver, problem) ? 2 : 1;
}

static void choose_estimated(cln_choice *out, const cln_problem *problem, const cln_params *params,
                             const cln_device *device)
{
    /* for a workspace; where nothing fits, a plan says what it lacks */
    const uint64_t rooms[] = { device->max_alloc, UINT64_MAX };
    uint32_t vec[CLN_VECTORS];
    double ns = -1;
    for (size_t r = 0; r < CLN_COUNT(rooms) && ns < 0; r++)
        for (size_t i = 0; cln_solvers[i]; i++) {
            const size_t n = cln_vectors(vec, cln_solvers[i], problem, params);
            for (size_t k = 0; k < n; k++) {
                cln_params p = *params;
                p.vec = vec[k];
                take_cheaper(out, &ns, cln_solvers[i], problem, &p, device, rooms[r]);
            }
        }
    assert(ns >= 0); /* problems that none takes are not posed */
}

void cln_choose(cln_choice *out, const cln_problem *problem, const cln_choice *before,
                const cln_params *params, const cln_device *device)
{
    if (cln_traits(before) & CLN_TAKES_NEXT) {
        const bool folds = cln_choose_with(out, cln_folds_for_fused(problem), problem, params, device);
        assert(folds);
        (void)folds;
        return;
    }
    if (cln_choose_measured(out, problem, before, params, device))
        return;
    choose_estimated(out, problem, params, device);
    cln_choose_behind(out, before, problem, params);
}

void cln_choose_from(cln_choice choices[], size_t k, const cln_problems *posed, const cln_params *params,
                     const cln_device *device)
{
    for (; k < posed->count; k++)
        cln_choose(&choices[k], &posed->part[k], k ? &choices[k - 1] : NULL, params, device);
}

/* solve_columns.c -- sets that lie side by side: a group per tile of columns, or leaves, fold and map in
 * three launches; and the map alone. */
#include "plan/plan.h"

#include <stdlib.h>

#define MAP_BYTES 24 /* map_t of cl/common/place.clh */
#define WIDE_MAP 256 /* columns of a row that the map behind families walks at once */

static uint32_t most_columns(const cln_problem *problem, uint32_t wg)
{
    return wg == 1 ? CLN_COLS_ONE : problem->layer.both ? CLN_COLS_BOTH : CLN_COLS_MANY;
}

static uint32_t leaves(const cln_geo *g) { return cln_ceil_div(g->runs, CLN_LEAF); }
static uint32_t blocks(const cln_geo *g, uint32_t cols) { return cln_ceil_div(g->len, cols); }

static const char *no_columns(const cln_problem *problem)
{
    return problem->columns ? NULL : "sets do not lie side by side";
}

/* Rows of work-items that a group has pieces of rows for. */
static uint32_t row_pieces(const cln_geo *g)
{
    return cln_ceil_div(g->runs < CLN_LEAF ? g->runs : CLN_LEAF, CLN_REST_ROWS);
}

static uint32_t column_items(const cln_geo *g, const cln_choice *choice)
{
    const uint32_t all = cln_ceil_div(choice->cols, choice->vec) * row_pieces(g);
    return all < choice->wg ? all : choice->wg;
}

/* Columns that give every work-item of a group of many a piece; at least a cache line's. */
static uint32_t busy_columns(const cln_problem *problem, const cln_choice *choice)
{
    const uint32_t cols = choice->wg * choice->vec / row_pieces(&problem->geo), line = 32;
    return choice->wg == 1 ? most_columns(problem, 1) : cols < line ? line : cols / line * line;
}

/* ---- tile ---- */

bool cln_fits_tile(const cln_geo *g, uint32_t cols) { return (uint64_t)cols * leaves(g) <= CLN_COLS_ONE; }

static uint32_t common_multiple(uint32_t a, uint32_t b)
{
    uint32_t m = a;
    while (m % b)
        m += a;
    return m;
}

#define LEAST_COLUMNS 64 /* of a row; fewer are not worth going there */

/* Columns of whole sets and, where they fit, of whole vectors; 0 where not even one set fits. */
static uint32_t tile_columns(const cln_problem *problem, uint32_t wg, uint32_t vec)
{
    const cln_geo *g = &problem->geo;
    const uint32_t most = most_columns(problem, wg) / leaves(g);
    const uint32_t whole = common_multiple(g->span, vec), even = cln_ceil_div(LEAST_COLUMNS, whole) * whole;
    const uint32_t cols = even <= most ? even : g->span <= most ? g->span : 0;
    return cols > g->len ? g->len : cols;
}

#define FAR 8192        /* bytes between rows: two pages */
#define LEAST_PIECE 256 /* columns: shorter pieces of far rows gain nothing */

/* Columns that a CPU takes at once where rows are no whole vectors and y streams, by its lines: many, since the first and the last
 * line of a piece are not whole. Or, of gradients of weights, where few rows lie far apart, since each piece begins in a page of its
 * own. As many as a quarter of a core's cache holds, or all of a row where three quarters do. Else 0. */
static uint32_t long_columns(const cln_problem *problem, const cln_params *params)
{
    const cln_geo *g = &problem->geo;
    const uint64_t column = (uint64_t)g->runs * problem->x_bytes * (problem->layer.reads_d ? 2 : 1),
                   most = most_columns(problem, params->wg) / leaves(g),
                   piece = params->near_bytes / 4 / column, row = params->near_bytes * 3 / 4 / column;
    const bool by_lines = problem->maps && g->len % params->vec && problem->bytes >= params->wide_bytes,
               far = !problem->maps && piece >= LEAST_PIECE &&
                     (uint64_t)llabs(g->view[CLN_VIEW_X].run[2]) * problem->x_bytes >= FAR;
    if (params->wg > 1 || problem->layer.family || !(by_lines || far))
        return 0;
    return (uint32_t)(g->len <= most && g->len <= row ? g->len : piece < most ? piece : most);
}

static const char *tile_applicable(const cln_problem *problem)
{
    return no_columns(problem)             ? no_columns(problem)
           : !problem->stat_bytes          ? "there is no statistic"
           : leaves(&problem->geo) > 4     ? "the columns are longer than 4 leaves of 512 rows"
           : !tile_columns(problem, 64, 1) ? "a set is wider than a work-group's columns"
                                           : NULL;
}

static void tile_propose(cln_choice *choice, const cln_problem *problem, const cln_params *params,
                         uint32_t units)
{
    const uint32_t least = tile_columns(problem, choice->wg, choice->vec),
                   most = most_columns(problem, choice->wg) / leaves(&problem->geo),
                   wanted = choice->wg > 1          ? busy_columns(problem, choice)
                            : problem->layer.family ? WIDE_MAP
                                                    : long_columns(problem, params);
    choice->cols = least;
    while (choice->cols < wanted && choice->cols + least <= most && choice->cols + least <= problem->geo.len)
        choice->cols += least;
    if (choice->wg == 1 && wanted == problem->geo.len) /* whole sets, though no multiple of `least` */
        choice->cols = wanted;
    const uint32_t tiles = cln_outer(&problem->geo) * blocks(&problem->geo, choice->cols),
                   fair = tiles / (units * params->busy);
    choice->per = choice->wg == 1 ? cln_fair_per(tiles, 0, problem, params, units) : fair > 1 ? fair : 1;
}

/* Where a CPU's sets are short pieces of rows and no whole vectors fit, every piece has a tail; where rows are not of whole vectors
 * no short piece streams; and gradients of families read their tiles once more. */
static double tile_traffic(const cln_problem *problem, const cln_params *params)
{
    const uint32_t vec = params->vec, longest = long_columns(problem, params);
    const bool tails = problem->geo.span > 1 && tile_columns(problem, 1, vec) % vec,
               fetched = problem->bytes >= params->wide_bytes && problem->geo.len % vec &&
                         longest < CLN_LEAST_LED && longest < problem->geo.len,
               again = problem->layer.family && problem->layer.reads_d;
    return (double)problem->bytes * (params->wg > 1 ? 1 : tails ? 1.8 : fetched ? 2 : again ? 1.3 : 1);
}

static size_t tile_stages(cln_stage *out, cln_geo *geo, size_t *workspace, const cln_problem *problem,
                          const cln_choice *choice)
{
    const uint64_t all = (uint64_t)cln_outer(&problem->geo) * blocks(&problem->geo, choice->cols);
    geo->cols = choice->cols;
    geo->per = cln_fit_per(choice->per, all, 1);
    *workspace = cln_kept_bytes(geo, problem);
    out[0] = (cln_stage){ "tile", cln_ceil_div(all, geo->per), column_items(geo, choice) };
    return 1 + cln_stage_families(out + 1, geo, problem, choice);
}

const cln_solver cln_solve_tile = { .name = "tile",
                                    .applicable = tile_applicable,
                                    .propose = tile_propose,
                                    .traffic = tile_traffic,
                                    .stages = tile_stages,
                                    .traits = CLN_IN_TILES };

/* ---- leaves, fold, map ---- */

static const char *cols_applicable(const cln_problem *problem)
{
    return no_columns(problem) ? no_columns(problem) : !problem->stat_bytes ? "there is no statistic" : NULL;
}

/* At most so many columns of whole sets, and of whole vectors where those fit. */
static uint32_t whole_columns(const cln_geo *g, uint32_t most, uint32_t vec)
{
    const uint32_t whole = common_multiple(g->span, vec);
    return most >= whole ? most / whole * whole : most >= g->span ? most / g->span * g->span : g->span;
}

/* Sets of few leaves that a group of many folds at once: each leaf a work-item's, but no unit without a group. */
static uint32_t folded_at_once(const cln_problem *problem, uint32_t wg, uint32_t units)
{
    const uint32_t held = wg / leaves(&problem->geo), fair = problem->geo.sets / units,
                   most = held < fair ? held : fair;
    return most > 1 ? most : 1;
}

static void cols_propose(cln_choice *choice, const cln_problem *problem, const cln_params *params,
                         uint32_t units)
{
    const uint32_t most = most_columns(problem, choice->wg), wanted = busy_columns(problem, choice),
                   up = cln_outer(&problem->geo) * leaves(&problem->geo);
    uint32_t cols = wanted < most ? wanted : most;
    while ((uint64_t)up * blocks(&problem->geo, cols) > CLN_MAX_GROUPS && cols * 2 <= most)
        cols *= 2;
    if (problem->geo.span > 1)
        cols = whole_columns(&problem->geo, cols, choice->vec);
    choice->cols = problem->geo.len < cols ? problem->geo.len : cols;
    choice->per = cln_share(choice, problem, params, units);
    choice->block = folded_at_once(problem, choice->wg, units);
}

/* What leaves and folds leave for each other: a statistic per leaf of a set, and its map. */
static size_t left_between(const cln_problem *problem)
{
    return (size_t)problem->geo.sets * (leaves(&problem->geo) * problem->stat_bytes + MAP_BYTES);
}

/* A CPU's leaves, which leave a statistic per column and fold it again, take longer than a tile's. */
static double cols_traffic(const cln_problem *problem, const cln_params *params)
{
    const bool twice = problem->maps && !problem->layer.family; /* families count their own */
    return (double)problem->bytes * (params->wg == 1 ? 1.3 : 1) + 2.0 * (double)left_between(problem) +
           (twice ? cln_read_again(problem, params) : 0);
}

static size_t cols_stages(cln_stage *out, cln_geo *geo, size_t *workspace, const cln_problem *problem,
                          const cln_choice *choice)
{
    const size_t up = (size_t)cln_outer(geo) * leaves(geo);
    geo->cols = choice->cols;
    geo->per = choice->block;
    out[0] = (cln_stage){ "leaves", cln_groups(up * blocks(geo, choice->cols)), column_items(geo, choice) };
    out[1] = (cln_stage){ "foldcols", cln_groups(cln_ceil_div(geo->sets, geo->per)), 0 };
    *workspace = cln_kept_bytes(geo, problem) + left_between(problem);
    if (choice->leaves_there) {
        out[0] = out[1];
        return 1;
    }
    if (problem->layer.family)
        return 2 + cln_stage_families(out + 2, geo, problem, choice);
    out[2] = cln_stage_map(geo, problem, choice->wg, choice->per);
    return problem->maps ? 3 : 2;
}

const cln_solver cln_solve_cols = { .name = "cols",
                                    .applicable = cols_applicable,
                                    .propose = cols_propose,
                                    .traffic = cols_traffic,
                                    .stages = cols_stages };

/* ---- map alone ---- */

static const char *across_applicable(const cln_problem *problem)
{
    return no_columns(problem) ? no_columns(problem) : problem->stat_bytes ? "it takes no statistic" : NULL;
}

static size_t across_stages(cln_stage *out, cln_geo *geo, size_t *workspace, const cln_problem *problem,
                            const cln_choice *choice)
{
    geo->cols = choice->cols;
    *workspace = cln_kept_bytes(geo, problem);
    out[0] = cln_stage_map(geo, problem, choice->wg, choice->per);
    return 1;
}

const cln_solver cln_solve_across = { .name = "across",
                                      .applicable = across_applicable,
                                      .propose = cols_propose,
                                      .traffic = tile_traffic,
                                      .stages = across_stages };

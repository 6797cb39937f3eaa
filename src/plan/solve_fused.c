/* solve_fused.c -- gradients of x and of the weights along its rows, from one walk: a group per leaf of rows, or per 16 of a device
 * that wants many groups. Or, where sets lie side by side, of the weights of their rows: a CPU's group takes chunks of columns. */
#include "plan/plan.h"

#include <assert.h>

/* One row a set, and evenly spaced: those of dx, or, as columns, of the gradients of the weights. */
static bool same_rows(const cln_geo *x, const cln_geo *w)
{
    static const int views[] = { CLN_VIEW_X, CLN_VIEW_D, CLN_VIEW_S };
    bool same = x->plain && w->plain && x->runs == 1 && x->len <= CLN_CHUNK && x->len == w->len &&
                w->span == 1 && w->sets == w->len && w->runs == x->sets;
    for (size_t k = 0; k < sizeof views / sizeof *views; k++)
        same &= x->view[views[k]].kept[3] == w->view[views[k]].run[2];
    return same;
}

/* One column a set; the rows are those of dx, or each a set of the gradients of the weights, of a run for each outer place. */
static bool same_columns(const cln_geo *x, const cln_geo *w)
{
    static const int views[] = { CLN_VIEW_X, CLN_VIEW_D };
    bool same = x->plain && w->plain && x->span == 1 && w->mix == 1 && x->len && x->len == w->len &&
                w->sets == x->runs && x->sets == (uint64_t)w->runs * x->len && cln_fits_tile(x, CLN_LANES) &&
                cln_tree_holds(w);
    for (size_t k = 0; k < sizeof views / sizeof *views; k++) {
        const cln_strides *a = &x->view[views[k]], *b = &w->view[views[k]];
        same &= a->step == 1 && b->step == 1 && a->run[2] == b->kept[3] &&
                (w->runs == 1 || a->kept[3] == b->run[2]);
    }
    return same;
}

bool cln_fuses(const cln_problem *x, const cln_problem *weights)
{
    assert(x->layer.role == CLN_ROLE_DX && weights->layer.role == CLN_ROLE_PARAMS);
    return x->columns ? !weights->columns && same_columns(&x->geo, &weights->geo)
                      : weights->columns && same_rows(&x->geo, &weights->geo);
}

const cln_solver *cln_folds_for_fused(const cln_problem *weights)
{
    return weights->columns ? &cln_solve_cols : &cln_solve_split;
}

static const char *applicable(const cln_problem *problem)
{
    return problem->layer.fuses ? NULL : "no gradient of weights goes along the same rows";
}

/* ---- chunks of columns ---- */

static uint32_t columns_of_chunk(const cln_geo *g) { return g->len < CLN_CHUNK ? g->len : CLN_CHUNK; }

static uint32_t chunks(const cln_problem *problem)
{
    return cln_outer(&problem->geo) * cln_ceil_div(problem->geo.len, CLN_CHUNK);
}

/* Columns of a tile, of which at most so many are wanted: all of a chunk, or what its pauses are a multiple of. */
static uint32_t tile_of(const cln_geo *g, uint32_t most)
{
    const uint32_t all = columns_of_chunk(g);
    uint32_t cols = CLN_LANES;
    if (most >= all && cln_fits_tile(g, all))
        return all;
    while (cols < CLN_REST && cols * 2 <= most && cln_fits_tile(g, cols * 2))
        cols *= 2;
    return cols < all ? cols : all;
}

/* All of a chunk where it is a tile that three quarters of a core's cache hold, or so many that a quarter does. */
static uint32_t wanted_columns(const cln_problem *problem, const cln_params *params)
{
    const cln_geo *g = &problem->geo;
    const uint64_t column = (uint64_t)g->runs * (problem->x_bytes + problem->layer.d_bytes);
    const uint32_t all = columns_of_chunk(g);
    return cln_fits_tile(g, all) && all * column <= params->near_bytes * 3 / 4
               ? all
               : (uint32_t)(params->near_bytes / 4 / column);
}

/* Of the workspace: a pair per row of each chunk, and what a group keeps of each row between tiles. */
static size_t bytes_of_pairs(const cln_problem *problem)
{
    return (((size_t)problem->geo.runs * chunks(problem) + 15) & ~(size_t)15) * CLN_PAIR_BYTES;
}
static size_t kept_by_group(const cln_geo *g, uint32_t cols)
{
    const uint32_t all = columns_of_chunk(g), sums = cols == all ? 0 : all <= CLN_REST ? 2 : 4;
    return (size_t)g->runs * sums * CLN_LANES * sizeof(float);
}

#define ROOM_OF_UNIT (64u << 10) /* of the workspace, or */
#define SHARE_OF_ALL 96          /* of what is moved */

static uint64_t room_for(const cln_problem *problem, uint32_t units)
{
    const uint64_t unit = (uint64_t)units * ROOM_OF_UNIT, share = problem->bytes / SHARE_OF_ALL;
    return unit > share ? unit : share;
}

/* Groups that fit into a workspace of that. */
static uint64_t most_groups(const cln_problem *problem, uint32_t cols, uint32_t units)
{
    const uint64_t room = room_for(problem, units), pairs = bytes_of_pairs(problem);
    const size_t each = kept_by_group(&problem->geo, cols);
    return pairs > room ? 0 : each ? (room - pairs) / each : chunks(problem);
}

/* ---- rows ---- */

/* PIECES of cl/common/fused.clh. */
static uint32_t pieces(const cln_problem *problem, uint32_t wg)
{
    return cln_ceil_div(problem->geo.sets, wg == 1 ? CLN_LEAF : CLN_REST_ROWS);
}

/* Of the workspace: a pair per column of each leaf, and rows of sums of each piece. */
static size_t bytes_of_rows(const cln_problem *problem, uint32_t wg)
{
    const size_t columns = problem->geo.len, pitch = (columns + CLN_LANES - 1) / CLN_LANES * CLN_LANES,
                 rows = wg == 1 ? 4 : 2;
    return cln_ceil_div(problem->geo.sets, CLN_LEAF) * columns * CLN_PAIR_BYTES +
           pieces(problem, wg) * rows * pitch * sizeof(float);
}

static void propose(cln_choice *choice, const cln_problem *problem, const cln_params *params, uint32_t units)
{
    if (!problem->columns) {
        if (choice->wg > 1 && bytes_of_rows(problem, choice->wg) > room_for(problem, units))
            choice->per = 0;
        return;
    }
    choice->cols = tile_of(&problem->geo, wanted_columns(problem, params));
    choice->per = cln_fair_per(chunks(problem), 0, problem, params, units);
    const uint32_t all = chunks(problem), groups = cln_ceil_div(all, choice->per);
    const uint64_t most = most_groups(problem, choice->cols, units);
    if (most < groups)
        choice->per = most < units ? 0 : cln_ceil_div(all, most / units * units);
    if (choice->wg > 1)
        choice->per = 0; /* it cannot */
}

#define ROWS_OF_MAP 6.0 /* that take as long as the maps of their columns */

static double traffic(const cln_problem *problem, const cln_params *params)
{
    (void)params;
    return (double)problem->bytes * (problem->columns ? 1 + ROWS_OF_MAP / problem->geo.runs : 1);
}

#define LONG_ROW 1024 /* elements */

/* Its groups are leaves, dealt from the last one on, which may be short: the unit that asks first has it. */
static double busy(const cln_problem *problem, uint32_t units)
{
    if (problem->columns)
        return (double)chunks(problem) / units / cln_ceil_div(chunks(problem), units);
    const uint32_t rows = problem->geo.sets, leaves = cln_ceil_div(rows, CLN_LEAF),
                   first = cln_ceil_div(leaves, units), left = leaves - first,
                   of_first = first * CLN_LEAF - (leaves * CLN_LEAF - rows),
                   of_next = units > 1 ? cln_ceil_div(left, units - 1) * CLN_LEAF : 0;
    /* Its sums across rows take time too, more of rows of which two are as many as stay near. */
    return (problem->geo.len > LONG_ROW ? 0.75 : 0.9) * rows / units /
           (of_first > of_next ? of_first : of_next);
}

/* Behind what is kept: a pair per row of each chunk, and what groups keep. */
static size_t column_stages(cln_stage *out, cln_geo *geo, size_t *workspace, const cln_problem *problem,
                            const cln_choice *choice)
{
    const uint32_t all = chunks(problem);
    geo->cols = tile_of(geo, choice->cols);
    geo->per = cln_fit_per(choice->per, all, 1);
    const uint32_t groups = cln_ceil_div(all, geo->per);
    *workspace =
        cln_kept_bytes(geo, problem) + bytes_of_pairs(problem) + groups * kept_by_group(geo, geo->cols);
    out[0] = (cln_stage){ "fused", groups, 1 };
    return 1;
}

static size_t stages(cln_stage *out, cln_geo *geo, size_t *workspace, const cln_problem *problem,
                     const cln_choice *choice)
{
    if (problem->columns)
        return column_stages(out, geo, workspace, problem, choice);
    *workspace = cln_kept_bytes(geo, problem) + bytes_of_rows(problem, choice->wg);
    out[0] = (cln_stage){ "fused", cln_groups(pieces(problem, choice->wg)), 0 };
    if (choice->wg == 1)
        return 1;
    const uint64_t sums = (uint64_t)cln_ceil_div(geo->sets, CLN_LEAF) * geo->len;
    out[1] = (cln_stage){ "unite", cln_groups(cln_ceil_div(sums, choice->wg)), 0 };
    return 2;
}

const cln_solver cln_solve_fused = { .name = "fused",
                                     .applicable = applicable,
                                     .propose = propose,
                                     .traffic = traffic,
                                     .stages = stages,
                                     .traits = CLN_TAKES_NEXT,
                                     .busy = busy };

/* solve_fused.c -- gradients of x and of the weights along its rows, from one walk: a group per leaf of rows.
 */
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

bool cln_fuses(const cln_problem *x, const cln_problem *weights)
{
    assert(x->layer.role == CLN_ROLE_DX && weights->layer.role == CLN_ROLE_PARAMS);
    return !x->columns && weights->columns && same_rows(&x->geo, &weights->geo);
}

static const char *applicable(const cln_problem *problem)
{
    return problem->layer.fuses ? NULL : "no gradient of weights goes along the same rows";
}

static void propose(cln_choice *choice, const cln_problem *problem, const cln_params *params, uint32_t units)
{
    (void)choice, (void)problem, (void)params, (void)units;
}

static double traffic(const cln_problem *problem, const cln_params *params)
{
    (void)params;
    return (double)problem->bytes;
}

#define LONG_ROW 1024 /* elements */

/* Its groups are leaves, dealt from the last one on, which may be short: the unit that asks first has it. */
static double busy(const cln_problem *problem, uint32_t units)
{
    const uint32_t rows = problem->geo.sets, leaves = cln_ceil_div(rows, CLN_LEAF),
                   first = cln_ceil_div(leaves, units), left = leaves - first,
                   of_first = first * CLN_LEAF - (leaves * CLN_LEAF - rows),
                   of_next = units > 1 ? cln_ceil_div(left, units - 1) * CLN_LEAF : 0;
    /* Its sums across rows take time too, more of rows of which two are as many as stay near. */
    return (problem->geo.len > LONG_ROW ? 0.6 : 0.9) * rows / units /
           (of_first > of_next ? of_first : of_next);
}

#define PAIR_BYTES 12 /* a pair of cl/common/stat_pair.clh */
/* Behind what is kept: a pair per column of each leaf, and four rows of sums of each. */
static size_t stages(cln_stage *out, cln_geo *geo, size_t *workspace, const cln_problem *problem,
                     const cln_choice *choice)
{
    const size_t leaves = cln_ceil_div(geo->sets, CLN_LEAF), pitch = ((size_t)geo->len + 63) & ~(size_t)63;
    (void)choice, (void)problem;
    *workspace = cln_kept_bytes(geo) + leaves * (geo->len * PAIR_BYTES + 4 * pitch * sizeof(float));
    out[0] = (cln_stage){ "fused", cln_groups(leaves), 0 };
    return 1;
}

const cln_solver cln_solve_fused = { .name = "fused",
                                     .applicable = applicable,
                                     .propose = propose,
                                     .traffic = traffic,
                                     .stages = stages,
                                     .traits = CLN_TAKES_NEXT,
                                     .busy = busy };

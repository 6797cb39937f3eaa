/* transposed.c -- elements that lie apart in y, or in x, where lines beside them are neighbours: channels first to last and back.
 * A CPU maps 16 lines at once (cl/common/transposed.clh). */
#include "plan/plan.h"

/* Its kernels map so: what a layer leaves besides y, and the walks of gradients, do not. */
static bool may_be(const cln_problem *p, const cln_choice *c)
{
    const cln_layer_problem *l = &p->layer;
    const bool alone = !p->op->info.layer || l->bind[CLN_BIND_E] == CLN_NO_SLOT;
    return c->wg == 1 && c->vec == 16 && !c->planes && p->maps && !p->columns && !p->window &&
           l->role == CLN_ROLE_FORWARD && !l->family && alone;
}

cln_lines cln_transposed(const cln_problem *problem, const cln_choice *choice)
{
    const cln_geo *g = &problem->geo;
    const cln_strides *x = &g->view[CLN_VIEW_X], *y = &g->view[CLN_VIEW_Y];
    const bool may_few = choice->solver->traits & CLN_IN_CHUNKS && cln_planes_of_sets(problem),
               sets = choice->solver->traits & CLN_BESIDE && (g->kept[3] >= CLN_LEAST_LINES || may_few);
    /* Pixels that overlap so closely are read as whole vectors, and their sums end as those do. */
    const bool overlap = x->step >= 1 && x->step < CLN_LEAST_LINES;
    if (choice->bundle > 1)
        return g->mix == 1 && y->kept[3] != 1 ? CLN_LINES_BUNDLE : CLN_LINES_NONE;
    if (!may_be(problem, choice) || (x->step == 1) == (y->step == 1))
        return CLN_LINES_NONE;
    if (y->step == 1)
        return !overlap && g->mix >= CLN_LEAST_LINES && x->mix == 1 && !g->swap ? CLN_LINES_MIX
                                                                                : CLN_LINES_NONE;
    if (g->run[2] >= CLN_LEAST_LINES && y->run[2] == 1 && g->mix == 1)
        return CLN_LINES_RUNS;
    return sets && y->kept[3] == 1 && !g->swap_kept ? CLN_LINES_SETS : CLN_LINES_NONE;
}

bool cln_scatters(const cln_problem *problem, const cln_choice *choice)
{
    return choice->wg == 1 && problem->maps && !problem->columns && !problem->window &&
           !problem->layer.reads_d && problem->geo.view[CLN_VIEW_Y].step != 1 && choice->bundle <= 1 &&
           !choice->planes && !choice->transposed;
}

bool cln_lines_stream(const cln_problem *problem, const cln_choice *choice)
{
    const cln_geo *g = &problem->geo;
    const int64_t apart[] = { [CLN_LINES_RUNS] = g->run[2],
                              [CLN_LINES_SETS] = g->kept[3],
                              [CLN_LINES_BUNDLE] = g->view[CLN_VIEW_Y].kept[3],
                              [CLN_LINES_MIX] = 0 };
    return choice->planes ||
           (problem->y_bytes == sizeof(float) && apart[choice->transposed] % choice->vec == 0);
}

void cln_transposed_lay(cln_geo *geo, cln_lines lines)
{
    cln_strides *y = &geo->view[CLN_VIEW_Y];
    int64_t *beside = lines == CLN_LINES_RUNS ? &y->run[2] : lines == CLN_LINES_SETS ? &y->kept[3] : NULL;
    if (!beside)
        return;
    const int64_t step = y->step;
    y->step = *beside;
    *beside = step;
}

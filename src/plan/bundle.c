/* bundle.c -- sets whose elements take turns in memory: a few channels, channels last. A CPU walks all of them at once
 * (cl/common/bundle.clh). */
#include "base/compiler.h"
#include "plan/plan.h"

#define MOST 15 /* from 16 on they lie side by side: cln_view_columns */

static bool all_zero(const int64_t *stride, const uint32_t *n, size_t count)
{
    for (size_t k = 0; k < count; k++)
        if (n[k] > 1 && stride[k])
            return false;
    return true;
}

/* Whether neighbours on the last kept axis are neighbours in memory, and all of them the step from one element to the next: of an input
 * op with sets enough in x alone. */
static bool take_turns(const cln_problem *problem)
{
    const cln_geo *g = &problem->geo;
    const bool layer = problem->op->info.layer, turned = !layer && problem->maps &&
                                                         g->kept[3] >= CLN_LEAST_LINES &&
                                                         g->view[CLN_VIEW_Y].step == 1;
    bool all = g->kept[3] >= 2 && g->kept[3] <= MOST && g->mix == 1 && !g->swap_kept && g->channel_mod == 1 &&
               g->wdiv == 1 && !g->wmod;
    for (size_t v = 0; v <= (layer ? CLN_VIEW_D : turned ? CLN_VIEW_X : CLN_VIEW_Y); v++)
        all &= g->view[v].kept[3] == 1 && g->view[v].step == g->kept[3];
    return all;
}

/* Of each set a weight, the same in every bundle, or none; of each set its statistics, or of each element, for all sets. */
static bool share_the_rest(const cln_geo *g)
{
    const cln_strides *w = &g->view[CLN_VIEW_W], *s = &g->view[CLN_VIEW_S];
    return !w->step && all_zero(w->kept, g->kept, 3) && all_zero(w->run, g->run, CLN_COUNT(g->run)) &&
           (!s->step || (s->step == 1 && !s->kept[3]));
}

/* The same of the runs of a set, a channel each, where nothing is summed. */
static bool runs_take_turns(const cln_problem *problem)
{
    const cln_geo *g = &problem->geo;
    bool all = !problem->stat_bytes && g->mix >= 2 && g->mix <= MOST && g->channel_mod == g->mix &&
               g->channel_div == 1 && !g->swap && !g->swap_kept;
    for (size_t v = CLN_VIEW_X; v <= CLN_VIEW_Y; v++)
        all &= g->view[v].mix == 1 && g->view[v].step == g->mix;
    return all;
}

uint32_t cln_bundle(const cln_problem *problem, uint32_t wg)
{
    const cln_geo *g = &problem->geo;
    const cln_layer_problem *l = &problem->layer;
    const bool may = wg == 1 && !problem->columns && !problem->window && !l->fuses && !l->leaves_dx &&
                     !(l->both && l->family) && l->family % (g->kept[3] ? g->kept[3] : 1) == 0;
    return may && take_turns(problem) && share_the_rest(g) ? g->kept[3]
           : may && runs_take_turns(problem)               ? g->mix
                                                           : 1;
}

uint32_t cln_bundles(const cln_problem *problem, uint32_t wg)
{
    return problem->geo.sets / (problem->geo.mix > 1 ? 1 : cln_bundle(problem, wg));
}

cln_geo cln_walked(const cln_problem *problem, const cln_choice *choice)
{
    cln_geo g = problem->geo;
    if (choice->planes) { /* of y they are one run */
        cln_strides *y = &g.view[CLN_VIEW_Y];
        *(choice->transposed ? &y->kept[3] : g.mix > 1 ? &y->mix : &y->run[2]) = 0;
        y->step = 1;
    } else
        cln_transposed_lay(&g, choice->transposed);
    if (choice->bundle <= 1)
        return g;
    cln_bundle_lay(&g, choice->bundle);
    for (size_t v = 0; v < CLN_VIEW_W; v++)
        g.view[v].step = 1;
    if (problem->geo.mix == 1) {
        g.kept[3] = 1;
        g.sets /= choice->bundle;
    }
    g.len *= choice->bundle;
    return g;
}

bool cln_apart(const cln_problem *problem)
{
    return cln_bundle(problem, 1) == 1 && problem->geo.view[CLN_VIEW_X].step != 1;
}

void cln_bundle_lay(cln_geo *geo, uint32_t bundle)
{
    if (bundle <= 1)
        return;
    if (geo->mix > 1) {
        geo->runs /= bundle;
        geo->mix = 1;
        return;
    }
    geo->wmod = geo->view[CLN_VIEW_W].kept[3] ? bundle : 0; /* they come again */
    geo->sdiv = geo->view[CLN_VIEW_S].step ? bundle : 1;    /* neighbours share one */
}

/* planes.c -- x channels first, y channels last, of a few channels, or of whatever axis lies so: a chunk of all planes is mapped
 * at once (cl/common/planes.clh). */
#include "plan/plan.h"

#define MOST 4
/* Vectors whose pixels the kernels spell. */
static bool is_spelled(uint32_t vec) { return vec == 4 || vec == 16; }

static bool are_few(uint32_t n) { return n >= 2 && n <= MOST; }

uint32_t cln_planes(const cln_problem *problem, uint32_t vec)
{
    const cln_geo *g = &problem->geo;
    const cln_strides *x = &g->view[CLN_VIEW_X], *y = &g->view[CLN_VIEW_Y];
    const uint32_t n = g->mix > 1 ? g->mix : g->run[2];
    const int64_t next = g->mix > 1 ? y->mix : y->run[2];
    const bool may = is_spelled(vec) && problem->maps && !problem->op->info.layer && !problem->columns;
    return may && are_few(n) && (!g->swap || n == 3) && x->step == 1 && y->step == n && next == 1 ? n : 0;
}

uint32_t cln_planes_of_sets(const cln_problem *problem)
{
    const cln_geo *g = &problem->geo;
    return !problem->op->info.layer && are_few(g->kept[3]) && g->view[CLN_VIEW_Y].step == g->kept[3]
               ? g->kept[3]
               : 0;
}

/* planes.c -- x channels first, y channels last, of a few channels, or of whatever axis lies so: a CPU maps a chunk of all planes
 * at once (cl/common/planes.clh). */
#include "plan/plan.h"

#define MOST 4
#define VECTOR 16 /* which the kernels spell */

uint32_t cln_planes(const cln_problem *problem, uint32_t wg, uint32_t vec)
{
    const cln_geo *g = &problem->geo;
    const cln_strides *x = &g->view[CLN_VIEW_X], *y = &g->view[CLN_VIEW_Y];
    const uint32_t n = g->mix > 1 ? g->mix : g->run[2];
    const int64_t next = g->mix > 1 ? y->mix : y->run[2];
    const bool may =
        wg == 1 && vec == VECTOR && problem->maps && !problem->op->info.layer && !problem->columns;
    return may && n >= 2 && n <= MOST && (!g->swap || n == 3) && x->step == 1 && y->step == n && next == 1
               ? n
               : 0;
}

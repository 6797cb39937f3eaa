/* view_order.c -- sets in the order of memory. */
#include "tensor/view.h"

#include "base/compiler.h"

#include <stdlib.h>

/* An axis of a set that comes behind one that is kept stays, since sets are counted as axes come. */
void cln_view_in_order(cln_axes *out)
{
    cln_axes axes = *out;
    int64_t inner = INT64_MAX, run = 1, sets = 1;
    size_t kept = 0, first = axes.count;
    bool all = true;
    for (size_t i = axes.count; i-- > 0;)
        if (!axes.a[i].reduced && axes.a[i].n > 1) {
            const int64_t stride = llabs(axes.a[i].stride[CLN_VIEW_X]);
            inner = stride < inner ? stride : inner;
            first = i;
        }
    for (size_t i = 0; i < axes.count; i++) {
        cln_axis *const a = &axes.a[i];
        const bool outside = a->reduced && a->n > 1 && llabs(a->stride[CLN_VIEW_X]) > inner;
        all = all && !(outside && i > first);
        a->reduced = a->reduced && !outside;
        kept += !a->reduced && a->n > 1;
        *(a->reduced ? &run : &sets) *= a->n;
    }
    if (all && run >= CLN_SHORT_RUN && kept <= CLN_COUNT(((cln_geo *)0)->kept) && sets <= CLN_MOST_SETS)
        *out = axes;
}

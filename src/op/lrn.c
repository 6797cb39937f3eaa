/* lrn.c -- what is local response normalization's own: the window. */
#include "base/status.h"
#include "op/op.h"

#include <string.h>

clnorm_status cln_lrn_check(clnorm_any *desc)
{
    const clnorm_lrn *d = &desc->lrn;
    if (d->window % 2 == 0 && d->lean == CLNORM_ODD_ONLY)
        return cln_fail(CLNORM_EARG,
                        "lrn: window is %u; odd sizes are allowed, even ones with lean left 1 or right 2",
                        d->window);
    return CLNORM_OK;
}

/* Channels on one side of an element, of which there are C - 1 at most. */
static uint32_t side(uint32_t n, int64_t channels) { return n < channels ? n : (uint32_t)channels - 1; }

clnorm_status cln_lrn_pose(cln_problem *p)
{
    const clnorm_lrn *d = &p->desc.lrn;
    const clnorm_tensor *x = &d->x;
    const int64_t c = x->shape[cln_layer_channel(x)], channels = c ? c : 1; /* an empty x runs nothing */
    const uint32_t more = d->window / 2, less = (d->window - 1) / 2;
    const bool right = d->lean == CLNORM_LEAN_RIGHT;
    const double a = (double)d->alpha / (d->whole_alpha ? 1.0 : (double)d->window);
    const float k[] = { d->k, (float)a, d->beta, (float)(2.0 * a * (double)d->beta) };
    memcpy(p->k, k, sizeof k);
    p->before = side(right ? less : more, channels);
    p->window = p->before + 1 + side(right ? more : less, channels);
    p->reduced = x->ndim == 2 && clnorm_tensor_count(x) < INT32_MAX ? 3u : cln_sample_axes(x);
    return CLNORM_OK;
}

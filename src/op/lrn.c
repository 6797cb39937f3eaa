/* lrn.c -- what is local response normalization's own: the window. */
#include "base/status.h"
#include "op/op.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* Channels that a window of a gradient may span: a work-item keeps a row of each. */
#define MOST_BACKWARD 1024

/* Channels on one side of an element, of which there are C - 1 at most. */
static uint32_t side(uint32_t n, int64_t channels) { return n < channels ? n : (uint32_t)channels - 1; }

/* Channels of a window, cut to those that there are; before: those in front of its own. */
static uint32_t window_of(const clnorm_lrn *d, uint32_t *before)
{
    const int64_t c = d->x.shape[cln_layer_channel(&d->x)],
                  channels = c ? c : 1; /* an empty x runs nothing */
    const uint32_t more = d->window / 2, less = (d->window - 1) / 2;
    const bool right = d->lean == CLNORM_LEAN_RIGHT;
    *before = side(right ? less : more, channels);
    return *before + 1 + side(right ? more : less, channels);
}

clnorm_status cln_lrn_check(clnorm_any *desc)
{
    const clnorm_lrn *d = &desc->lrn;
    uint32_t before;
    if (d->window % 2 == 0 && d->lean == CLNORM_ODD_ONLY)
        return cln_fail(CLNORM_EARG,
                        "lrn: window is %u; odd sizes are allowed, even ones with lean left 1 or right 2",
                        d->window);
    if (d->k > 0 && !(powf(d->k, -d->beta) <= FLT_MAX))
        return cln_fail(CLNORM_EARG, "lrn: k is %g and beta %g; k^-beta must be at most %g", (double)d->k,
                        (double)d->beta, (double)FLT_MAX);
    if (desc->op.direction == CLNORM_BACKWARD && window_of(d, &before) > MOST_BACKWARD)
        return cln_fail(
            CLNORM_EUNSUPPORTED,
            "lrn: window is %u, which is %u channels, each side at most all but one; backward %d are allowed",
            d->window, window_of(d, &before), MOST_BACKWARD);
    return CLNORM_OK;
}

clnorm_status cln_lrn_pose(cln_problem *p)
{
    const clnorm_lrn *d = &p->desc.lrn;
    const clnorm_tensor *x = &d->x;
    const double a = (double)d->alpha / (d->whole_alpha ? 1.0 : (double)d->window);
    const float k[] = { d->k, (float)a, d->beta, (float)(2.0 * a * (double)d->beta) };
    memcpy(p->k, k, sizeof k);
    p->window = window_of(d, &p->before);
    p->reduced = x->ndim == 2 && clnorm_tensor_count(x) < INT32_MAX ? 3u : cln_sample_axes(x);
    return CLNORM_OK;
}

/* moments.c -- what is the statistics op's own: axes, and y as a statistic. */
#include "base/status.h"
#include "op/op.h"
#include "tensor/tensor.h"

#include <string.h>

static uint32_t axes_of(const clnorm_moments *d)
{
    return d->axes ? d->axes : cln_scope_axes(&d->x, d->scope);
}

/* Channels that trade places are the last axis that is kept, or lie in the sets. */
static clnorm_status check_swap(const clnorm_moments *d, uint32_t axes)
{
    const int channel = cln_channel_axis(&d->x);
    uint32_t behind = 0;
    if (!d->swap_rb || channel < 0 || axes >> channel & 1)
        return CLNORM_OK;
    for (uint32_t i = (uint32_t)channel + 1; i < d->x.ndim; i++)
        behind |= (uint32_t)(d->x.shape[i] > 1) << i;
    return behind & ~axes ? cln_fail(CLNORM_EUNSUPPORTED,
                                     "moments: swap_rb is 1 and axes 0x%x keep one behind the channels; 0x%x "
                                     "are allowed, which do not",
                                     axes, axes | behind)
                          : CLNORM_OK;
}

clnorm_status cln_moments_check(clnorm_any *desc)
{
    clnorm_moments *d = &desc->moments;
    const uint32_t axes = axes_of(d);
    clnorm_tensor want = d->x;
    if (axes)
        CLN_TRY(cln_check_axes(desc, axes));
    CLN_TRY(check_swap(d, axes));
    want.dtype = CLNORM_F32;
    memset(want.stride, 0, sizeof want.stride);
    for (uint32_t i = 0; i < want.ndim; i++)
        if (axes >> i & 1)
            want.shape[i] = 1;
    cln_tensor_complete(&want);
    if (d->y.ndim == 0)
        d->y = want;
    cln_tensor_complete(&d->y);
    CLN_TRY(cln_tensor_check(&d->y, "y", 1u << CLNORM_F32, true));
    if (!cln_tensor_same_shape(&d->y, &want) || memcmp(d->y.stride, want.stride, sizeof want.stride)) {
        char a[CLN_TENSOR_TEXT], b[CLN_TENSOR_TEXT];
        return cln_fail(CLNORM_ESHAPE, "moments: y is %s; it must be %s and dense",
                        cln_tensor_text(&d->y, a, sizeof a), cln_tensor_text(&want, b, sizeof b));
    }
    return CLNORM_OK;
}

clnorm_status cln_moments_pose(cln_problem *p)
{
    p->reduced = axes_of(&p->desc.moments);
    p->swap = p->desc.moments.swap_rb;
    return CLNORM_OK;
}

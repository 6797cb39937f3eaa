/* normalize.c -- what is ToTensor + Normalize's own: the table of channels. */
#include "base/status.h"
#include "op/op.h"

clnorm_status cln_normalize_check(clnorm_any *desc)
{
    clnorm_normalize *d = &desc->normalize;
    CLN_TRY(cln_complete_scale(&d->scale, d->x.dtype, "normalize"));
    CLN_TRY(cln_check_lists(&d->channels, d->mean, d->std, &d->x));
    return cln_check_products(d->channels, d->mean, d->std, d->scale);
}

clnorm_status cln_normalize_pose(cln_problem *p)
{
    const clnorm_normalize *d = &p->desc.normalize;
    p->reduced = cln_image_axes(&d->x);
    p->swap = d->swap_rb;
    p->per_channel = d->channels > 1;
    for (uint32_t c = 0; c < d->channels; c++) {
        cln_two_floats((double)d->mean[c] * d->scale, &p->table[c][0], &p->table[c][1]);
        p->table[c][2] = (float)(1.0 / ((double)d->std[c] * d->scale));
    }
    return CLNORM_OK;
}

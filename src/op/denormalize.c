/* denormalize.c -- the inverse of each input op as x * a + (hi + lo). */
#include "base/status.h"
#include "op/op.h"

static bool of_sets(const clnorm_denormalize *d)
{
    return d->of == CLNORM_OP_MINMAX || d->of == CLNORM_OP_ZSCORE;
}

/* Whether the channels that trade places have statistics of their own, which count x's channels. */
static bool trades_sets(const clnorm_denormalize *d) { return d->swap_rb && of_sets(d) && d->scope % 2 == 1; }

clnorm_status cln_denormalize_check(clnorm_any *desc)
{
    clnorm_denormalize *d = &desc->denormalize;
    if (!of_sets(d))
        CLN_TRY(cln_complete_scale(&d->scale, d->y.dtype, "denormalize"));
    if (d->of == CLNORM_OP_MINMAX && d->lo == d->hi)
        return cln_fail(CLNORM_EARG, "denormalize: lo and hi are both %g; they must differ", (double)d->lo);
    if (trades_sets(d) && cln_channels(&d->x) > 1 << 24) /* what a float counts */
        return cln_fail(CLNORM_EUNSUPPORTED,
                        "denormalize: swap_rb with statistics of %lld channels; 2^24 are allowed",
                        (long long)cln_channels(&d->x));
    if (d->of != CLNORM_OP_NORMALIZE)
        return CLNORM_OK;
    CLN_TRY(cln_check_lists(&d->channels, d->mean, d->std, &d->x));
    return cln_check_products(d->channels, d->mean, d->std, d->scale);
}

static void set_affine(float *entry, double a, double b)
{
    cln_two_floats(b, &entry[0], &entry[1]);
    entry[2] = (float)a;
}

clnorm_status cln_denormalize_pose(cln_problem *p)
{
    const clnorm_denormalize *d = &p->desc.denormalize;
    const bool sets = of_sets(d);
    const double scale = d->scale;
    p->reduced = sets ? cln_scope_axes(&d->x, d->scope) : cln_image_axes(&d->x);
    p->swap = d->swap_rb;
    p->k[0] = d->lo;
    p->k[1] = (float)((double)d->hi - (double)d->lo);
    p->k[2] = d->eps;
    p->k[3] = trades_sets(d) ? (float)cln_channels(&d->x) : 0.0f;
    if (sets)
        p->required = d->of == CLNORM_OP_MINMAX ? 1u << CLNORM_MIN | 1u << CLNORM_MAX
                                                : 1u << CLNORM_MEAN | 1u << CLNORM_RSTD;
    else if (d->of == CLNORM_OP_SYMMETRIC)
        set_affine(p->table[0], scale / 2, scale / 2);
    else if (d->of == CLNORM_OP_TOTENSOR)
        set_affine(p->table[0], scale, 0);
    else
        for (uint32_t c = 0; c < d->channels; c++)
            set_affine(p->table[c], d->std[c] * scale, d->mean[c] * scale);
    if (d->swap_rb && d->of == CLNORM_OP_NORMALIZE && d->channels > 1) /* the list counts y's channels */
        for (int k = 0; k < 4; k++) {
            const float t = p->table[0][k];
            p->table[0][k] = p->table[2][k];
            p->table[2][k] = t;
        }
    p->per_channel = d->of == CLNORM_OP_NORMALIZE && d->channels > 1;
    return CLNORM_OK;
}

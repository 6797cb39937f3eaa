/* batchnorm.c -- xhat = (x - mean) / sqrt(var + eps), of the batch or running, per channel. */
#include "ref/layer.h"

static const clnorm_slot running_slots[] = { CLNORM_RUNNING_MEAN, CLNORM_RUNNING_VAR };

static const void *running(const ref_layer *l, int k) { return l->io->slot[running_slots[k]]; }

static bool measure(ref_layer *l)
{
    const clnorm_batchnorm *d = &l->desc->batchnorm;
    l->frozen = d->mode == CLNORM_EVAL;
    if (!l->frozen)
        ref_centre(l, (double)d->eps, d->ddof);
    if (!l->frozen || l->given)
        return true;
    if (!running(l, 0) || !running(l, 1))
        return false;
    for (int64_t c = 0; c < l->sets; c++) {
        l->set[c].mean = ref_get(CLNORM_F32, running(l, 0), c);
        l->set[c].rstd = ref_inverse(sqrt(ref_get(CLNORM_F32, running(l, 1), c) + (double)d->eps));
    }
    return true;
}

/* m is the weight of the batch. An average of all batches is one whatever old_momentum says. */
static double weight_of_batch(const ref_layer *l)
{
    const clnorm_batchnorm *d = &l->desc->batchnorm;
    const double m = l->io->momentum != 0.0 ? l->io->momentum : (double)d->momentum;
    return l->io->cumulative ? 1.0 / ((double)l->io->count + 1.0) : d->old_momentum ? 1.0 - m : m;
}

/* Statistics that were given move nothing, nor does a batch of nothing. */
static void finish(ref_layer *l)
{
    const clnorm_batchnorm *d = &l->desc->batchnorm;
    const bool still = l->frozen || l->given;
    for (int k = 0; k < 2; k++)
        for (int64_t c = 0; running(l, k) && l->io->moved[k] && c < l->sets; c++) {
            const ref_layer_set *set = &l->set[c];
            const bool skipped = k && d->single == CLNORM_SINGLE_SKIP && set->count == 1;
            const bool kept = still || skipped || !set->count;
            const double m = kept ? 0.0 : weight_of_batch(l);
            const double var = set->m2 / ref_degrees(set->count, d->biased_running ? 0 : 1);
            const double old = ref_get(CLNORM_F32, running(l, k), c);
            const double scale = k ? 0.0 : m * set->largest;
            ref_put_scale(l->io, running_slots[k], c, scale, scale);
            l->io->moved[k][c] = kept ? old : (1.0 - m) * old + m * (k ? var : set->mean + set->mean_rest);
        }
}

static void backward(ref_layer *l)
{
    if (!l->frozen)
        ref_centre_back(l, l->desc->batchnorm.ddof);
    for (int64_t i = 0; l->frozen && i < l->elements; i++)
        l->dx[i] = l->g[i] * ref_set_at(l, i)->rstd;
}

const ref_layer_op ref_batchnorm = {
    .kind = CLNORM_OP_BATCHNORM,
    .span = REF_BATCH,
    .affine = true,
    .has_mean = true,
    .measure = measure,
    .xhat = ref_centred,
    .backward = backward,
    .finish = finish,
};

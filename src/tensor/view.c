/* view.c -- axes to sets, runs and elements. */
#include "tensor/view.h"
#include "base/status.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

typedef struct axis {
    int64_t n, x, y;
    bool pinned; /* stays an axis of its own: the channels of a per-channel map or a swap */
} axis;

typedef struct axes {
    axis a[CLNORM_MAX_DIMS];
    size_t count;
} axes;

static void push(axes *list, axis a)
{
    assert(list->count < CLNORM_MAX_DIMS);
    list->a[list->count++] = a;
}

static void drop(axes *list, size_t k)
{
    list->count--;
    memmove(list->a + k, list->a + k + 1, (list->count - k) * sizeof *list->a);
}

/* Neighbours that are one evenly spaced axis in x and in y become one. */
static void merge(axes *list)
{
    for (size_t k = 1; k < list->count;) {
        axis *outer = &list->a[k - 1], *inner = &list->a[k];
        if (!outer->pinned && !inner->pinned && outer->x == inner->n * inner->x &&
            outer->y == inner->n * inner->y) {
            inner->n *= outer->n;
            drop(list, k - 1);
        } else
            k++;
    }
}

/* Slowest in x first; stable, so that a broadcast axis stays where it was. */
static void sort_by_stride(axes *list)
{
    for (size_t i = 1; i < list->count; i++)
        for (size_t k = i; k > 0 && llabs(list->a[k].x) > llabs(list->a[k - 1].x); k--) {
            const axis t = list->a[k];
            list->a[k] = list->a[k - 1];
            list->a[k - 1] = t;
        }
}

/* How good an axis is to walk with vectors: its length, less where loads or stores go one by one. */
static int64_t worth(const axis *a)
{
    const bool wide_x = a->x >= 1 && a->x <= 4, wide_y = a->y == 1;
    const int64_t n = a->n < CLN_CHUNK ? a->n : CLN_CHUNK;
    return n * 16 / (wide_x && wide_y ? 1 : wide_x ? 4 : 16);
}

static axis take_elements(axes *runs)
{
    const axis none = { 1, 1, 1, false };
    size_t best = runs->count;
    for (size_t k = 0; k < runs->count; k++)
        if (!runs->a[k].pinned && (best == runs->count || worth(&runs->a[k]) >= worth(&runs->a[best])))
            best = k;
    if (best == runs->count)
        return none;
    const axis a = runs->a[best];
    drop(runs, best);
    return a;
}

/* The axis whose runs share cache lines, or a swapped one (which the kernel looks for there). */
static axis take_mix(axes *runs, const axis *elements, bool swapped)
{
    const axis none = { 1, 0, 0, false };
    for (size_t k = runs->count; k-- > 0;) {
        const axis a = runs->a[k];
        if (swapped ? a.pinned : llabs(a.x) < llabs(elements->x)) {
            drop(runs, k);
            return a;
        }
    }
    return none;
}

/* Axes into the last of so many places; those in front have length 1. */
static void set_axes(const axes *list, size_t places, uint32_t *n, int64_t *x, int64_t *y)
{
    const size_t skip = places - list->count;
    for (size_t k = 0; k < places; k++) {
        n[k] = k < skip ? 1 : (uint32_t)list->a[k - skip].n;
        x[k] = k < skip ? 0 : list->a[k - skip].x;
        y[k] = k < skip ? 0 : list->a[k - skip].y;
    }
}

static void set_channel(cln_geo *g, const axes *runs, const axis *mix)
{
    uint32_t div = (uint32_t)mix->n;
    if (mix->pinned)
        g->channel_mod = (uint32_t)mix->n;
    for (size_t k = runs->count; k-- > 0; div *= (uint32_t)runs->a[k].n)
        if (runs->a[k].pinned) {
            g->channel_div = div;
            g->channel_mod = (uint32_t)runs->a[k].n;
        }
}

static int64_t product(const axes *list)
{
    int64_t n = 1;
    for (size_t k = 0; k < list->count; k++)
        n *= list->a[k].n;
    return n;
}

static clnorm_status check_limits(const axes *kept, const axes *runs, const axis *mix, const axis *elements)
{
    const int64_t sets = product(kept), n_runs = product(runs) * mix->n;
    const int64_t limit = UINT32_MAX, in_set = limit - CLN_CHUNK; /* no chunk's end overflows in a kernel */
    if (kept->count > CLN_COUNT(((cln_geo *)0)->kept) || runs->count > CLN_COUNT(((cln_geo *)0)->run))
        return cln_fail(CLNORM_EUNSUPPORTED,
                        "the strides leave %zu kept and %zu reduced axes that do not merge; "
                        "4 and 5 are allowed: make x and y dense",
                        kept->count, runs->count + 2);
    if (sets > limit)
        return cln_fail(CLNORM_EUNSUPPORTED, "%lld statistics; %lld are allowed", (long long)sets,
                        (long long)limit);
    if (elements->n > in_set || n_runs > in_set / elements->n)
        return cln_fail(CLNORM_EUNSUPPORTED, "one set has %.0f elements; %lld are allowed",
                        (double)n_runs * (double)elements->n, (long long)in_set);
    return CLNORM_OK;
}

clnorm_status cln_view_build(cln_geo *out, const cln_view_spec *spec)
{
    axes kept = { { { 0, 0, 0, false } }, 0 }, runs = kept;
    bool channel_kept = false;
    for (uint32_t i = 0; i < spec->x->ndim; i++) {
        const bool reduced = spec->reduced >> i & 1, channel = (int)i == spec->channel;
        const axis a = { spec->x->shape[i], spec->x->stride[i],
                         spec->y ? spec->y->stride[i] : spec->x->stride[i],
                         channel && (spec->swap || (reduced && spec->per_channel)) };
        if (a.n == 1)
            continue;
        channel_kept |= channel && !reduced;
        push(reduced ? &runs : &kept, a);
    }
    sort_by_stride(&runs);
    merge(&runs);
    merge(&kept);
    const bool swap_kept = spec->swap && channel_kept;
    if (swap_kept && !kept.a[kept.count - 1].pinned)
        return cln_fail(CLNORM_EUNSUPPORTED, "swap_rb needs the channel to be the last axis that is kept");
    const axis elements = take_elements(&runs);
    const axis mix = take_mix(&runs, &elements, spec->swap && !channel_kept);
    CLN_TRY(check_limits(&kept, &runs, &mix, &elements));
    memset(out, 0, sizeof *out);
    set_axes(&kept, CLN_COUNT(out->kept), out->kept, out->kept_x, out->kept_y);
    set_axes(&runs, CLN_COUNT(out->run), out->run, out->run_x, out->run_y);
    out->channel_div = out->channel_mod = 1;
    if (spec->per_channel)
        set_channel(out, &runs, &mix);
    out->mix = (uint32_t)mix.n;
    out->mix_x = mix.x;
    out->mix_y = mix.y;
    out->step_x = elements.x;
    out->step_y = elements.y;
    out->len = (uint32_t)elements.n;
    out->sets = (uint32_t)product(&kept);
    out->runs = (uint32_t)(product(&runs) * mix.n);
    out->plain = kept.count <= 1 && runs.count <= 1;
    out->swap = mix.pinned && spec->swap ? 3 : 0;
    out->swap_kept = swap_kept ? 3 : 0;
    return CLNORM_OK;
}

uint64_t cln_geo_chunks(const cln_geo *g)
{
    return (uint64_t)g->runs * ((g->len + (CLN_CHUNK - 1)) / CLN_CHUNK);
}

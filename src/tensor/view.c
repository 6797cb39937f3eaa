/* view.c -- axes to sets, runs and elements. */
#include "tensor/view.h"
#include "base/status.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static void push(cln_axes *list, cln_axis a)
{
    assert(list->count < CLN_MAX_AXES);
    list->a[list->count++] = a;
}

static void drop(cln_axes *list, size_t k)
{
    list->count--;
    memmove(list->a + k, list->a + k + 1, (list->count - k) * sizeof *list->a);
}

static bool continues(const cln_axis *outer, const cln_axis *inner)
{
    for (size_t v = 0; v < CLN_VIEWS; v++)
        if (outer->stride[v] != inner->n * inner->stride[v])
            return false;
    return !outer->pinned && !inner->pinned;
}

/* Neighbours that are one evenly spaced axis in every view become one. */
static void merge(cln_axes *list)
{
    for (size_t k = 1; k < list->count;) {
        if (continues(&list->a[k - 1], &list->a[k])) {
            list->a[k].n *= list->a[k - 1].n;
            drop(list, k - 1);
        } else
            k++;
    }
}

/* Slowest in x first; stable, so that a broadcast axis stays where it was. */
static void sort_by_stride(cln_axes *list)
{
    for (size_t i = 1; i < list->count; i++)
        for (size_t k = i; k > 0 && llabs(list->a[k].stride[0]) > llabs(list->a[k - 1].stride[0]); k--) {
            const cln_axis t = list->a[k];
            list->a[k] = list->a[k - 1];
            list->a[k - 1] = t;
        }
}

/* How good an axis is to walk with vectors: its length, less where loads or stores go one by one. */
static int64_t worth(const cln_axis *a)
{
    const bool wide_x = a->stride[CLN_VIEW_X] >= 1 && a->stride[CLN_VIEW_X] <= 4,
               wide_y = a->stride[CLN_VIEW_Y] == 1;
    const int64_t n = a->n < CLN_CHUNK ? a->n : CLN_CHUNK;
    return n * 16 / (wide_x && wide_y ? 1 : wide_x ? 4 : 16);
}

/* The axis whose runs share cache lines, or a swapped one (which the kernel looks for there). */
static cln_axis take_mix(cln_axes *runs, const cln_axis *elements, bool swapped)
{
    const cln_axis none = { 1, { 0, 0, 0, 0, 0 }, true, false };
    for (size_t k = runs->count; k-- > 0;) {
        const cln_axis a = runs->a[k];
        if (swapped ? a.pinned : llabs(a.stride[CLN_VIEW_X]) < llabs(elements->stride[CLN_VIEW_X])) {
            drop(runs, k);
            return a;
        }
    }
    return none;
}

static void set_kept(cln_geo *g, const cln_axes *kept)
{
    const size_t skip = CLN_COUNT(g->kept) - kept->count;
    for (size_t k = 0; k < CLN_COUNT(g->kept); k++) {
        g->kept[k] = k < skip ? 1 : (uint32_t)kept->a[k - skip].n;
        for (size_t v = 0; v < CLN_VIEWS; v++)
            g->view[v].kept[k] = k < skip ? 0 : kept->a[k - skip].stride[v];
    }
}

static void set_runs(cln_geo *g, const cln_axes *runs, const cln_axis *mix, const cln_axis *elements)
{
    const size_t skip = CLN_COUNT(g->run) - runs->count;
    for (size_t k = 0; k < CLN_COUNT(g->run); k++) {
        g->run[k] = k < skip ? 1 : (uint32_t)runs->a[k - skip].n;
        for (size_t v = 0; v < CLN_VIEWS; v++)
            g->view[v].run[k] = k < skip ? 0 : runs->a[k - skip].stride[v];
    }
    for (size_t v = 0; v < CLN_VIEWS; v++) {
        g->view[v].mix = mix->stride[v];
        g->view[v].step = elements->stride[v];
    }
    g->mix = (uint32_t)mix->n;
    g->len = (uint32_t)elements->n;
}

static void set_channel(cln_geo *g, const cln_axes *runs, const cln_axis *mix)
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

static int64_t product(const cln_axes *list)
{
    int64_t n = 1;
    for (size_t k = 0; k < list->count; k++)
        n *= list->a[k].n;
    return n;
}

static clnorm_status check_limits(const cln_axes *kept, const cln_axes *runs, const cln_axis *mix,
                                  const cln_axis *elements)
{
    const int64_t sets = product(kept), n_runs = product(runs) * mix->n;
    const int64_t limit = CLN_MOST_SETS, in_set = CLN_MOST_IN_SET;
    const size_t inner = 1 + (mix->n > 1), most_kept = CLN_COUNT(((cln_geo *)0)->kept),
                 most_runs = CLN_COUNT(((cln_geo *)0)->run);
    if (kept->count > most_kept || runs->count > most_runs)
        return cln_fail(CLNORM_EUNSUPPORTED,
                        "the strides leave %zu kept and %zu reduced axes that do not merge; "
                        "%zu and %zu are allowed: make x and y dense",
                        kept->count, runs->count + inner, most_kept, most_runs + inner);
    if (sets > limit)
        return cln_fail(CLNORM_EUNSUPPORTED, "%lld statistics; %lld are allowed", (long long)sets,
                        (long long)limit);
    if (elements->n > in_set || n_runs > in_set / elements->n)
        return cln_fail(CLNORM_EUNSUPPORTED, "one set has %.0f elements; %lld are allowed",
                        (double)n_runs * (double)elements->n, (long long)in_set);
    return CLNORM_OK;
}

/* outer x inner as one axis of elements: evenly spaced, or (weights and statistics) one per `div` of inner.
 * Where that is not so nothing changes. */
static bool join(cln_axis *out, uint32_t div[CLN_VIEWS], const cln_axis *outer, const cln_axis *inner)
{
    cln_axis joined = *inner;
    uint32_t each[CLN_VIEWS];
    joined.n = outer->n * inner->n;
    for (size_t v = 0; v < CLN_VIEWS; v++) {
        const bool even = outer->stride[v] == inner->n * inner->stride[v];
        if (!even && (v < CLN_VIEW_W || inner->stride[v]))
            return false;
        each[v] = even ? 1 : (uint32_t)inner->n;
        joined.stride[v] = even ? inner->stride[v] : outer->stride[v];
    }
    *out = joined;
    memcpy(div, each, sizeof each);
    return true;
}

#define LONG_RUN 512 /* elements: shorter ones are joined */

/* Short runs that follow each other become one: neighbours share a weight, div[CLN_VIEW_W] of them; or
 * weights come again, after as many elements as are returned; else 0. */
static uint32_t lengthen(cln_axis *elements, uint32_t div[CLN_VIEWS], cln_axes *runs)
{
    const cln_axis inner = *elements;
    for (size_t k = 0; k < runs->count && inner.n < LONG_RUN; k++) {
        cln_axis outer = runs->a[k], even = outer;
        const bool repeats = !outer.stride[CLN_VIEW_W] && inner.stride[CLN_VIEW_W] == 1;
        if (outer.pinned || outer.stride[CLN_VIEW_S] || inner.stride[CLN_VIEW_S] ||
            inner.stride[CLN_VIEW_X] != 1)
            continue;
        even.stride[CLN_VIEW_W] = inner.n; /* as far as join is to know */
        if (!join(elements, div, repeats ? &even : &outer, &inner))
            continue;
        drop(runs, k);
        return repeats ? (uint32_t)inner.n : 0;
    }
    return 0;
}

/* The worth of an axis with what it can be joined with. */
static int64_t worth_joined(const cln_axes *runs, size_t k)
{
    cln_axes others = *runs;
    cln_axis a = runs->a[k];
    uint32_t div[CLN_VIEWS];
    drop(&others, k);
    lengthen(&a, div, &others);
    return worth(&a);
}

static cln_axis take_elements(cln_axes *runs)
{
    const cln_axis none = { 1, { 1, 1, 1, 0, 0 }, true, false };
    size_t best = runs->count;
    for (size_t k = 0; k < runs->count; k++)
        if (!runs->a[k].pinned && (best == runs->count || worth_joined(runs, k) >= worth_joined(runs, best)))
            best = k;
    if (best == runs->count)
        return none;
    const cln_axis a = runs->a[best];
    drop(runs, best);
    return a;
}

clnorm_status cln_view_build(cln_geo *out, const cln_view_spec *spec)
{
    cln_axes kept = { .count = 0 }, runs = { .count = 0 };
    bool channel_kept = false;
    for (size_t i = 0; i < spec->axes.count; i++) {
        cln_axis a = spec->axes.a[i];
        const bool channel = (int)i == spec->channel;
        a.pinned = channel && (spec->swap || (a.reduced && spec->per_channel));
        if (a.n == 1)
            continue;
        channel_kept |= channel && !a.reduced;
        push(a.reduced ? &runs : &kept, a);
    }
    sort_by_stride(&runs);
    merge(&runs);
    merge(&kept);
    const bool swap_kept = spec->swap && channel_kept;
    assert(!swap_kept || kept.a[kept.count - 1].pinned); /* the last axis that is kept */
    cln_axis elements = take_elements(&runs);
    uint32_t div[CLN_VIEWS] = { 1, 1, 1, 1, 1 };
    const uint32_t repeat = lengthen(&elements, div, &runs);
    const cln_axis mix = take_mix(&runs, &elements, spec->swap && !channel_kept);
    CLN_TRY(check_limits(&kept, &runs, &mix, &elements));
    memset(out, 0, sizeof *out);
    set_kept(out, &kept);
    set_runs(out, &runs, &mix, &elements);
    out->channel_div = out->channel_mod = out->sdiv = out->span = 1;
    out->wdiv = div[CLN_VIEW_W];
    out->wmod = repeat;
    if (spec->per_channel)
        set_channel(out, &runs, &mix);
    out->sets = (uint32_t)product(&kept);
    out->runs = (uint32_t)(product(&runs) * mix.n);
    out->plain = kept.count <= 1 && runs.count <= 1;
    out->swap = mix.pinned && spec->swap ? 3 : 0;
    out->swap_kept = swap_kept ? 3 : 0;
    return CLNORM_OK;
}

/* ---- sets that lie side by side ---- */

static void take(cln_axes *out, const cln_view_spec *spec, bool reduced)
{
    out->count = 0;
    for (size_t i = 0; i < spec->axes.count; i++)
        if (spec->axes.a[i].n > 1 && spec->axes.a[i].reduced == reduced)
            push(out, spec->axes.a[i]);
}

static size_t contiguous(const cln_axes *list)
{
    for (size_t k = 0; k < list->count; k++)
        if (list->a[k].stride[CLN_VIEW_X] == 1)
            return k;
    return list->count;
}

/* The columns: a contiguous axis that is kept, or one with a short contiguous piece of each set; the last
 * that is kept, since sets are counted in the order of the axes and then by columns. */
static bool take_columns(cln_axis *out, uint32_t div[CLN_VIEWS], uint32_t *span, cln_axes *kept,
                         cln_axes *runs)
{
    size_t k = contiguous(kept);
    const size_t r = contiguous(runs);
    *span = 1;
    for (size_t v = 0; v < CLN_VIEWS; v++)
        div[v] = 1;
    if (k < kept->count) {
        *out = kept->a[k];
        drop(kept, k);
        if (k &&
            join(out, div, &kept->a[k - 1], out)) /* channels, and groups of them with a statistic each */
            drop(kept, --k);
        return k == kept->count && out->n >= 16;
    }
    if (!k || r == runs->count || runs->a[r].n >= CLN_SHORT_RUN)
        return false;
    const cln_axis *last = &kept->a[k - 1];
    if (last->stride[CLN_VIEW_X] != runs->a[r].n || !join(out, div, last, &runs->a[r]))
        return false;
    *span = (uint32_t)runs->a[r].n;
    drop(kept, k - 1);
    drop(runs, r);
    return product(runs) >= 4 && out->n >= 16;
}

bool cln_view_columns(cln_geo *out, const cln_view_spec *spec)
{
    const cln_axis no_mix = { 1, { 0, 0, 0, 0, 0 }, true, false };
    cln_axes kept, runs;
    cln_axis columns;
    uint32_t div[CLN_VIEWS], span;
    take(&kept, spec, false);
    take(&runs, spec, true);
    sort_by_stride(&runs);
    merge(&runs);
    merge(&kept);
    if (product(&runs) < 2 || !take_columns(&columns, div, &span, &kept, &runs))
        return false;
    const int64_t rows = product(&runs), sets = product(&kept) * columns.n / span;
    if (kept.count > CLN_COUNT(out->kept) || runs.count > CLN_COUNT(out->run) || sets > CLN_MOST_SETS ||
        rows > UINT32_MAX / 2 || rows > CLN_MOST_IN_SET / span || columns.n > UINT32_MAX / 2)
        return false;
    memset(out, 0, sizeof *out);
    set_kept(out, &kept);
    set_runs(out, &runs, &no_mix, &columns);
    out->channel_div = out->channel_mod = 1;
    out->wdiv = div[CLN_VIEW_W];
    out->sdiv = div[CLN_VIEW_S];
    out->span = span;
    out->sets = (uint32_t)sets;
    out->runs = (uint32_t)rows;
    out->plain = kept.count <= 1 && runs.count <= 1;
    return true;
}

/* ---- windows of channels ---- */

static bool next_to_each_other(const cln_axis *channel)
{
    bool all = channel->n > 1;
    for (size_t v = 0; v < CLN_VIEW_W; v++)
        all &= channel->stride[v] == 1;
    return all;
}

/* The axis of elements, and channel_div: channels along it, alone or pixel after pixel; channel after
 * channel; or in runs of their own. */
static uint32_t take_windowed(cln_axis *out, cln_axes *runs, const cln_axis *channel, bool joined)
{
    uint32_t div[CLN_VIEWS];
    for (size_t k = 0; k < runs->count; k++)
        if (join(out, div, &runs->a[k], channel)) {
            drop(runs, k);
            return 1;
        }
    *out = *channel;
    if (!runs->count || next_to_each_other(channel))
        return 1;
    const cln_axis elements = take_elements(runs);
    if (joined && join(out, div, channel, &elements))
        return (uint32_t)elements.n;
    *out = elements;
    return 0;
}

clnorm_status cln_view_window(cln_geo *out, const cln_view_spec *spec, bool joined)
{
    cln_view_spec others = *spec;
    cln_axes kept, runs;
    cln_axis elements, channel = spec->axes.a[spec->channel];
    const uint32_t channels = (uint32_t)channel.n;
    others.axes.a[spec->channel].n = 1;
    take(&kept, &others, false);
    take(&runs, &others, true);
    sort_by_stride(&runs);
    merge(&runs);
    merge(&kept);
    const uint32_t div = take_windowed(&elements, &runs, &channel, joined);
    channel.n = div ? 1 : channel.n;
    CLN_TRY(check_limits(&kept, &runs, &channel, &elements));
    memset(out, 0, sizeof *out);
    set_kept(out, &kept);
    set_runs(out, &runs, &channel, &elements);
    out->channel_div = div;
    out->channel_mod = channels;
    out->wdiv = out->sdiv = out->span = 1;
    out->sets = (uint32_t)product(&kept);
    out->runs = (uint32_t)(product(&runs) * channel.n);
    out->plain = kept.count <= 1 && runs.count <= 1;
    return CLNORM_OK;
}

uint64_t cln_geo_chunks(const cln_geo *g)
{
    return (uint64_t)g->runs * ((g->len + (CLN_CHUNK - 1)) / CLN_CHUNK);
}

bool cln_tree_holds(const cln_geo *g) { return cln_geo_chunks(g) < 1u << CLN_LEVELS; }

/* test_view_columns.c -- sets that lie side by side: when they are walked across, and as what; windows of channels. */
#include "view_case.h"

static cln_view_spec over(const clnorm_tensor *x, uint32_t axes)
{
    cln_view_spec spec = spec_of(x, x, CLNORM_SCOPE_IMAGE);
    reduce(&spec, axes);
    return spec;
}

static cln_geo columns(const cln_view_spec *spec)
{
    cln_geo g;
    ck_assert(cln_view_columns(&g, spec));
    return g;
}

static void along(const cln_view_spec *spec)
{
    cln_geo g;
    ck_assert(!cln_view_columns(&g, spec));
}

/* Column c of row r of outer place o lies where the tensor has it: every element of x once. */
static void crosses_all(const cln_geo *g, const clnorm_tensor *x)
{
    const size_t n = (size_t)clnorm_tensor_count(x);
    const uint32_t outer = g->sets / (g->len / g->span);
    unsigned char *seen = (unsigned char *)calloc(n, 1);
    ck_assert_uint_eq((uint64_t)outer * g->runs * g->len, n);
    for (uint32_t o = 0; o < outer; o++)
        for (uint32_t r = 0; r < g->runs; r++)
            for (uint32_t c = 0; c < g->len; c++) {
                const int64_t at = place(g, o, r, c, false);
                ck_assert(at >= 0 && (size_t)at < n && !seen[at]);
                seen[at] = 1;
            }
    free(seen);
}

/* Channels last: the channels are the columns, all else rows. */
START_TEST(channels_last)
{
    const clnorm_tensor x = clnorm_nhwc(CLNORM_F32, 3, 32, 5, 7);
    cln_view_spec spec = over(&x, 1u << 0 | 1u << 2 | 1u << 3);
    cln_geo g = columns(&spec);
    counts(&g, 32, 3 * 5 * 7, 32);
    ck_assert_uint_eq(g.span, 1);
    crosses_all(&g, &x);
    spec = over(&x, 1u << 2 | 1u << 3); /* per sample: samples are outer places */
    g = columns(&spec);
    counts(&g, 3 * 32, 5 * 7, 32);
    crosses_all(&g, &x);
}
END_TEST

/* Channels first over C: pixels are the columns. */
START_TEST(over_channels)
{
    const clnorm_tensor x = clnorm_nchw(CLNORM_F32, 2, 6, 5, 7);
    const cln_view_spec spec = over(&x, 1u << 1);
    const cln_geo g = columns(&spec);
    counts(&g, 2 * 35, 6, 35);
    crosses_all(&g, &x);
}
END_TEST

/* Small planes: a set has a short piece in each row; its weights and statistics are shared by the piece. */
START_TEST(small_planes)
{
    const clnorm_tensor x = clnorm_nchw(CLNORM_F32, 8, 4, 7, 7);
    cln_view_spec spec = over(&x, 1u << 0 | 1u << 2 | 1u << 3);
    spec.axes.a[1].stride[CLN_VIEW_W] = 1;
    cln_geo g = columns(&spec);
    counts(&g, 4, 8, 4 * 49);
    ck_assert_uint_eq(g.span, 49);
    ck_assert_uint_eq(g.wdiv, 49);
    ck_assert_int_eq(g.view[CLN_VIEW_W].step, 1);
    crosses_all(&g, &x);
    spec.axes.a[0].n = 3; /* too few rows to be worth it */
    along(&spec);
    spec.axes.a[0].n = 90000000; /* rows fit 32 bits, the elements of a set do not */
    along(&spec);
}
END_TEST

/* Channels last in groups that share a statistic: channels of all groups are the columns. */
START_TEST(grouped)
{
    const clnorm_tensor x = {
        CLNORM_F32, 5, { 3, 5, 7, 4, 8 }, { 1120, 224, 32, 8, 1 }, 0
    }; /* N,H,W,G,C/G */
    cln_view_spec spec = over(&x, 1u << 1 | 1u << 2);
    spec.axes.a[0].stride[CLN_VIEW_S] = 4;
    spec.axes.a[3].stride[CLN_VIEW_S] = 1;
    spec.axes.a[3].stride[CLN_VIEW_W] = 8;
    spec.axes.a[4].stride[CLN_VIEW_W] = 1;
    cln_geo g = columns(&spec);
    counts(&g, 3 * 32, 35, 32);
    ck_assert_uint_eq(g.sdiv, 8);
    ck_assert_int_eq(g.view[CLN_VIEW_S].step, 1);
    ck_assert_uint_eq(g.wdiv, 1);
    crosses_all(&g, &x);
    spec.axes.a[4].stride[CLN_VIEW_S] = 4; /* a statistic each, not in their order: the groups are places */
    spec.axes.a[4].n = 16;
    for (uint32_t k = 0; k < 4; k++)
        for (size_t v = 0; v <= CLN_VIEW_D; v++)
            spec.axes.a[k].stride[v] *= 2;
    g = columns(&spec);
    counts(&g, 3 * 64, 35, 16);
    ck_assert_uint_eq(g.sdiv, 1);
}
END_TEST

/* What is contiguous, narrow, or of one row is walked along. */
START_TEST(not_across)
{
    const clnorm_tensor first = clnorm_nchw(CLNORM_F32, 3, 32, 16, 16),
                        narrow = clnorm_nhwc(CLNORM_F32, 3, 8, 5, 7), rows = clnorm_rows(CLNORM_F32, 100, 64);
    cln_view_spec spec = over(&first, 1u << 0 | 1u << 2 | 1u << 3);
    along(&spec);
    spec = over(&narrow, 1u << 0 | 1u << 2 | 1u << 3);
    along(&spec);
    spec = over(&rows, 1u << 1);
    along(&spec);
    spec = over(&rows, 1u << 0); /* gradients of gamma: columns of rows */
    const cln_geo g = columns(&spec);
    counts(&g, 64, 100, 64);
    for (size_t k = 0; k < spec.axes.count; k++) /* nothing is contiguous */
        spec.axes.a[k].stride[CLN_VIEW_X] *= 2;
    along(&spec);
}
END_TEST

/* One more axis, in front of all others, which merges with none. */
static void push(cln_view_spec *spec, bool reduced)
{
    const int64_t step = 50 * spec->axes.a[0].stride[CLN_VIEW_X];
    const cln_axis a = { 2, { step, step, 0, 0, 0 }, reduced, false };
    memmove(spec->axes.a + 1, spec->axes.a, spec->axes.count++ * sizeof a);
    spec->axes.a[0] = a;
}

/* Where more axes are left than there are places for, nothing is walked across. */
START_TEST(as_many_axes_as_there_are_places)
{
    const clnorm_tensor x = clnorm_rows(CLNORM_F32, 3, 32);
    for (int reduced = 0; reduced < 2; reduced++) {
        const size_t most = reduced ? CLN_COUNT(((cln_geo *)0)->run) - 1 : CLN_COUNT(((cln_geo *)0)->kept);
        cln_view_spec spec = over(&x, 1u << 0);
        spec.axes.a[0].stride[CLN_VIEW_X] = spec.axes.a[0].stride[CLN_VIEW_Y] = 40;
        for (size_t k = 0; k < most; k++)
            push(&spec, reduced);
        const cln_geo g = columns(&spec);
        counts(&g, reduced ? 32u : 32u << most, reduced ? 3u << most : 3u, 32);
        push(&spec, reduced);
        along(&spec);
    }
}
END_TEST

/* ---- windows of channels ---- */

/* Of one sample, over C, H and W, which may have pitches; D, in front of them, is kept or not. */
static cln_geo windowed(const clnorm_tensor *x, uint32_t axes, uint32_t channel, bool joined)
{
    cln_view_spec spec = over(x, axes);
    cln_geo g;
    spec.channel = (int)channel;
    ck_assert_int_eq(cln_view_window(&g, &spec, joined), CLNORM_OK);
    return g;
}

/* Channels are a way of their own, one behind the other, or along the elements. */
START_TEST(windows)
{
    const clnorm_tensor first = clnorm_nchw(CLNORM_F32, 2, 6, 5, 7),
                        last = clnorm_nhwc(CLNORM_F32, 2, 6, 5, 7);
    cln_geo g = windowed(&first, 0xe, 1, false);
    counts(&g, 2, 6, 35);
    ck_assert_uint_eq(g.channel_div, 0);
    ck_assert_int_eq(g.view[CLN_VIEW_X].mix, 35);
    ck_assert_uint_eq(g.plain, 1);
    visits_all(&g, &first, &first);
    g = windowed(&first, 0xe, 1, true);
    counts(&g, 2, 1, 6 * 35);
    ck_assert_uint_eq(g.channel_div, 35);
    visits_all(&g, &first, &first);
    g = windowed(&last, 0xe, 1, true);
    counts(&g, 2, 1, 6 * 35);
    ck_assert_uint_eq(g.channel_div, 1);
    visits_all(&g, &last, &last);
}
END_TEST

/* Axes that do not merge are walked one by one, within a set and from set to set. */
START_TEST(windows_of_pitched_axes)
{
    clnorm_tensor x = { CLNORM_F32, 5, { 2, 6, 3, 5, 7 }, { 0, 0, 0, 10, 1 }, 0 };
    for (uint32_t k = 3; k-- > 0;)
        x.stride[k] = x.stride[k + 1] * (x.shape[k + 1] + 1);
    cln_geo g = windowed(&x, 0x1e, 1, false);
    counts(&g, 2, 6 * 3 * 5, 7);
    ck_assert_uint_eq(g.plain, 0);
    visits_all(&g, &x, &x);
    g = windowed(&x, 0x1a, 1, false); /* a set is a plane: of those, sample by sample */
    counts(&g, 2 * 3, 6 * 5, 7);
    ck_assert_uint_eq(g.plain, 0);
    visits_all(&g, &x, &x);
}
END_TEST

/* More sets than a launch has groups, and more rows than a group holds: the batch does not matter. */
START_TEST(many)
{
    for (int64_t n = 1; n <= 100; n += 99) {
        const clnorm_tensor wide = clnorm_nchw(CLNORM_F32, n, 3000, 100, 100);
        const cln_view_spec spec = over(&wide, 1u << 1);
        const cln_geo g = columns(&spec);
        counts(&g, (uint32_t)n * 10000, 3000, 10000);
    }
}
END_TEST

int main(void)
{
    return suite_run(suite_of("view_columns", SUITE_CASE(channels_last, over_channels, small_planes, grouped,
                                                         not_across, many, as_many_axes_as_there_are_places,
                                                         windows, windows_of_pitched_axes)),
                     CK_NOFORK);
}

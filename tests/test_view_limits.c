/* test_view_limits.c -- the order of sets and runs, what is refused, windows of channels. */
#include "view_case.h"

/* ---- order and limits ---- */

/* Statistics lie in the order of the kept axes, whatever the strides of x are. */
START_TEST(kept_axes_stay_in_order)
{
    clnorm_tensor x = clnorm_nhwc(CLNORM_F32, 2, 3, 5, 7);
    cln_view_spec spec = spec_of(&x, &x, CLNORM_SCOPE_IMAGE);
    reduce(&spec, 1u << 2); /* h; n, c and w are kept */
    const cln_geo g = built(&spec);
    counts(&g, 42, 1, 5);
    for (uint32_t s = 0; s < g.sets; s++)
        ck_assert_int_eq(place(&g, s, 0, 0, false), s / 21 * 105 + s / 7 % 3 + s % 7 * 3);
    visits_all(&g, &x, &x);
}
END_TEST

/* Every op's order of elements is that of x, slowest stride first. */
START_TEST(reduced_axes_follow_strides)
{
    const clnorm_tensor x = clnorm_nhwc(CLNORM_F32, 2, 3, 5, 7);
    clnorm_tensor apart = x;
    apart.stride[0] = 1000;
    apart.stride[2] = 100; /* rows apart */
    const cln_view_spec spec = spec_of(&apart, &apart, CLNORM_SCOPE_BATCH);
    const cln_geo g = built(&spec);
    counts(&g, 1, 10, 21);
    for (uint32_t r = 1; r < g.runs; r++)
        ck_assert_int_gt(place(&g, 0, r, 0, false), place(&g, 0, r - 1, 0, false));
    visits_all(&g, &apart, &apart);
}
END_TEST

START_TEST(limits)
{
    clnorm_tensor x = clnorm_nchw(CLNORM_U8, 65536, 65536, 1, 2);
    cln_view_spec spec = spec_of(&x, &x, CLNORM_SCOPE_CHANNEL);
    refused(&spec, "4294967296 statistics");
    x = clnorm_nchw(CLNORM_U8, 65535, 65537, 1,
                    2); /* 2^32 - 1: the sets of the last group would end behind 32 bits */
    spec = spec_of(&x, &x, CLNORM_SCOPE_CHANNEL);
    refused(&spec, "4294967295 statistics; 4293918719 are allowed");
    x = clnorm_nchw(CLNORM_U8, 65519, 65536, 1, 2);
    spec = spec_of(&x, &x, CLNORM_SCOPE_CHANNEL);
    cln_geo g = built(&spec);
    counts(&g, 65519u * 65536u, 1, 2);
    x = clnorm_nchw(CLNORM_U8, 1, 1, 65536, 65536);
    spec = spec_of(&x, &x, CLNORM_SCOPE_IMAGE);
    refused(&spec, "one set has 4294967296 elements");
    x = clnorm_nchw(CLNORM_U8, 1, 1, 65535, 65535);
    spec = spec_of(&x, &x, CLNORM_SCOPE_IMAGE);
    g = built(&spec);
    counts(&g, 1, 1, UINT32_MAX - 131070);
    ck_assert_uint_eq(cln_geo_chunks(&g), (1u << 20) - 31);
    x = clnorm_nchw(CLNORM_U8, 1, 1, 65535, 65537); /* the last chunk ends at the end of 32 bits */
    spec = spec_of(&x, &x, CLNORM_SCOPE_IMAGE);
    if (cln_view_build(&g, &spec) == CLNORM_OK)
        ck_assert_uint_eq(cln_geo_chunks(&g), 1u << 20);
    x = clnorm_nchw(CLNORM_U8, 2, 3, 65536, 65536); /* in pieces too */
    x.stride[2] = 70000;
    x.stride[1] = x.stride[2] * 65536;
    x.stride[0] = x.stride[1] * 3;
    spec = spec_of(&x, &x, CLNORM_SCOPE_BATCH);
    refused(&spec, "one set has");
}
END_TEST

START_TEST(too_many_axes)
{
    const int64_t stride[] = { 100000, 10000, 1000, 100, 10, 1 };
    clnorm_tensor x;
    memset(&x, 0, sizeof x);
    x.dtype = CLNORM_F32;
    x.ndim = 6;
    for (uint32_t k = 0; k < 6; k++) {
        x.shape[k] = 2;
        x.stride[k] = stride[k];
    }
    cln_view_spec spec = spec_of(&x, &x, CLNORM_SCOPE_IMAGE);
    reduce(&spec, 1u << 5); /* five kept axes, none merges */
    refused(&spec, "5 kept and 1 reduced axes that do not merge; 4 and 4 are allowed: make x and y dense");
    reduce(&spec, 3u << 4);
    cln_geo g = built(&spec);
    counts(&g, 16, 2, 2);
    ck_assert_uint_eq(g.plain, 0);
    visits_all(&g, &x, &x);
    reduce(&spec, 0x3f); /* without a mix six reduced axes are too many, and five are */
    refused(&spec, "0 kept and 6 reduced axes");
    reduce(&spec, 0x3e);
    refused(&spec, "1 kept and 5 reduced axes that do not merge; 4 and 4 are allowed");
    reduce(&spec, 0x3c);
    g = built(&spec);
    counts(&g, 4, 8, 2);
    visits_all(&g, &x, &x);
}
END_TEST

/* ---- windows of channels ---- */

static cln_geo windowed(const clnorm_tensor *x, const clnorm_tensor *y, bool joined)
{
    cln_view_spec spec = spec_of(x, y, CLNORM_SCOPE_IMAGE);
    cln_geo g;
    for (size_t k = 0; k < spec.axes.count; k++)
        spec.axes.a[k].stride[CLN_VIEW_D] = spec.axes.a[k].stride[CLN_VIEW_X];
    ck_assert_msg(cln_view_window(&g, &spec, joined) == CLNORM_OK, "%s", clnorm_last_error(NULL));
    visits_all(&g, x, y);
    return g;
}

static void next_channel(const cln_geo *g, uint32_t div, uint32_t mod, int64_t x_way)
{
    ck_assert_uint_eq(g->channel_div, div);
    ck_assert_uint_eq(g->channel_mod, mod);
    ck_assert_int_eq(g->view[CLN_VIEW_X].mix, x_way);
}

START_TEST(windows)
{
    clnorm_tensor x = clnorm_nchw(CLNORM_F32, 2, 7, 5, 9), y = clnorm_nhwc(CLNORM_F32, 2, 7, 5, 9);
    cln_geo g = windowed(&x, &x, true); /* channel after channel */
    counts(&g, 2, 1, 315);
    next_channel(&g, 45, 7, 45);
    g = windowed(&x, &x, false); /* a run lies in one */
    counts(&g, 2, 7, 45);
    next_channel(&g, 0, 7, 45);
    ck_assert_uint_eq(g.mix, 7);
    g = windowed(&y, &y, true); /* pixel after pixel */
    counts(&g, 2, 1, 315);
    next_channel(&g, 1, 7, 1);
    g = windowed(&y, &x, true);
    counts(&g, 2, 7, 45);
    next_channel(&g, 0, 7, 1);
    x.stride[2] = 12; /* padded rows */
    x.stride[1] = 60;
    x.stride[0] = 420;
    g = windowed(&x, &x, true);
    counts(&g, 2, 35, 9);
    next_channel(&g, 0, 7, 60);
    y.stride[3] = 8; /* pixels of 8 */
    y.stride[2] = 72;
    y.stride[0] = 360;
    g = windowed(&y, &y, true);
    counts(&g, 2, 45, 7);
    next_channel(&g, 1, 7, 1);
    x = clnorm_nchw(CLNORM_F32, 3, 7, 1, 1); /* no pixels but one */
    g = windowed(&x, &x, true);
    counts(&g, 3, 1, 7);
    next_channel(&g, 1, 7, 1);
    x = clnorm_nchw(CLNORM_F32, 3, 1, 2, 2);
    g = windowed(&x, &x, true);
    counts(&g, 3, 1, 4);
    ck_assert_uint_eq(g.channel_mod, 1);
}
END_TEST

START_TEST(chunks)
{
    cln_geo g;
    memset(&g, 0, sizeof g);
    g.runs = 3;
    const uint32_t lens[] = { 1, CLN_CHUNK, CLN_CHUNK + 1, 1u << 31 };
    const uint64_t want[] = { 3, 3, 6, 3u << 19 };
    for (size_t k = 0; k < CLN_COUNT(lens); k++) {
        g.len = lens[k];
        ck_assert_uint_eq(cln_geo_chunks(&g), want[k]);
    }
}
END_TEST

int main(void)
{
    return suite_run(
        suite_of("view_limits", SUITE_CASE(kept_axes_stay_in_order, limits, reduced_axes_follow_strides,
                                           too_many_axes, windows, chunks)),
        CK_NOFORK);
}

/* test_view.c -- shapes and strides as sets, runs and elements: what merges, what is kept. */
#include "view_case.h"

#include "base/compiler.h"

static clnorm_tensor padded(void) /* rows of 7 in a pitch of 10 */
{
    clnorm_tensor t = clnorm_nchw(CLNORM_F32, 2, 3, 5, 7);
    t.stride[0] = 3 * 5 * 10;
    t.stride[1] = 5 * 10;
    t.stride[2] = 10;
    return t;
}

/* ---- what merges ---- */

START_TEST(dense_is_one_run)
{
    const clnorm_tensor x = clnorm_nchw(CLNORM_F32, 2, 3, 5, 7);
    cln_view_spec spec = spec_of(&x, &x, CLNORM_SCOPE_IMAGE);
    cln_geo g = built(&spec);
    counts(&g, 2, 1, 105);
    ck_assert_int_eq(g.view[CLN_VIEW_X].step, 1);
    ck_assert_int_eq(g.view[CLN_VIEW_Y].step, 1);
    ck_assert_uint_eq(g.plain, 1);
    ck_assert_uint_eq(g.mix, 1);
    visits_all(&g, &x, &x);
    spec = spec_of(&x, &x, CLNORM_SCOPE_CHANNEL);
    g = built(&spec);
    counts(&g, 6, 1, 35);
    ck_assert_uint_eq(g.kept[3], 6); /* n and c are one axis */
    spec = spec_of(&x, &x, CLNORM_SCOPE_BATCH);
    g = built(&spec);
    counts(&g, 1, 1, 210);
    spec = spec_of(&x, &x, CLNORM_SCOPE_BATCH_CHANNEL);
    g = built(&spec);
    counts(&g, 3, 2, 35);
    visits_all(&g, &x, &x);
}
END_TEST

START_TEST(channels_last)
{
    const clnorm_tensor x = clnorm_nhwc(CLNORM_U8, 2, 3, 5, 7), y = clnorm_nchw(CLNORM_F32, 2, 3, 5, 7);
    cln_view_spec spec = spec_of(&x, &x, CLNORM_SCOPE_IMAGE);
    cln_geo g = built(&spec);
    counts(&g, 2, 1, 105); /* both alike: one run */
    ck_assert_int_eq(g.view[CLN_VIEW_X].step, 1);
    spec = spec_of(&x, &y, CLNORM_SCOPE_IMAGE);
    g = built(&spec);
    counts(&g, 2, 3, 35); /* pixels are walked, channels mix */
    ck_assert_uint_eq(g.mix, 3);
    ck_assert_int_eq(g.view[CLN_VIEW_X].mix, 1);
    ck_assert_int_eq(g.view[CLN_VIEW_Y].mix, 35);
    ck_assert_int_eq(g.view[CLN_VIEW_X].step, 3);
    ck_assert_int_eq(g.view[CLN_VIEW_Y].step, 1);
    visits_all(&g, &x, &y);
    spec = spec_of(&x, &x, CLNORM_SCOPE_CHANNEL);
    g = built(&spec);
    counts(&g, 6, 1, 35);
    ck_assert_int_eq(g.view[CLN_VIEW_X].step, 3);
    visits_all(&g, &x, &x);
}
END_TEST

START_TEST(pitch)
{
    const clnorm_tensor x = padded(), y = clnorm_nchw(CLNORM_F32, 2, 3, 5, 7);
    cln_view_spec spec = spec_of(&x, &y, CLNORM_SCOPE_IMAGE);
    cln_geo g = built(&spec);
    counts(&g, 2, 15, 7); /* c and h are one axis of runs */
    ck_assert_uint_eq(g.run[2], 15);
    ck_assert_int_eq(g.view[CLN_VIEW_X].run[2], 10);
    ck_assert_int_eq(g.view[CLN_VIEW_Y].run[2], 7);
    visits_all(&g, &x, &y);
    spec = spec_of(&x, NULL, CLNORM_SCOPE_IMAGE);
    g = built(&spec);
    counts(&g, 2, 15, 7);
}
END_TEST

START_TEST(pixels)
{
    const clnorm_tensor x = clnorm_image(CLNORM_U8, 3, 8, 20, 4, 0), y = clnorm_nchw(CLNORM_F32, 1, 3, 8, 20);
    const clnorm_tensor pitched = clnorm_image(CLNORM_U8, 3, 8, 20, 4, 96);
    cln_view_spec spec = spec_of(&x, &y, CLNORM_SCOPE_IMAGE);
    cln_geo g = built(&spec);
    counts(&g, 1, 3, 160);
    ck_assert_int_eq(g.view[CLN_VIEW_X].step, 4);
    ck_assert_uint_eq(g.mix, 3);
    visits_all(&g, &x, &y);
    spec = spec_of(&pitched, &y, CLNORM_SCOPE_IMAGE);
    g = built(&spec);
    counts(&g, 1, 24, 20);
    ck_assert_uint_eq(g.mix, 3);
    ck_assert_int_eq(g.view[CLN_VIEW_X].run[2], 96);
    visits_all(&g, &pitched, &y);
}
END_TEST

START_TEST(swapped_channels)
{
    const clnorm_tensor x = clnorm_image(CLNORM_U8, 3, 8, 20, 3, 0), y = clnorm_nchw(CLNORM_F32, 1, 3, 8, 20);
    const clnorm_tensor batch = clnorm_nchw(CLNORM_F32, 2, 3, 8, 20);
    cln_view_spec spec = spec_of(&x, &y, CLNORM_SCOPE_IMAGE);
    spec.swap = true;
    cln_geo g = built(&spec);
    counts(&g, 1, 3, 160);
    ck_assert_uint_eq(g.swap, 3);
    ck_assert_uint_eq(g.swap_kept, 0);
    ck_assert_uint_eq(g.mix, 3);
    spec = spec_of(&y, &y, CLNORM_SCOPE_IMAGE); /* planes: nothing merges across the channels */
    spec.swap = true;
    g = built(&spec);
    counts(&g, 1, 3, 160);
    ck_assert_uint_eq(g.swap, 3);
    ck_assert_int_eq(g.view[CLN_VIEW_X].mix, 160);
    spec = spec_of(&batch, &batch, CLNORM_SCOPE_CHANNEL);
    spec.swap = true;
    g = built(&spec);
    counts(&g, 6, 1, 160);
    ck_assert_uint_eq(g.swap, 0);
    ck_assert_uint_eq(g.swap_kept, 3);
    ck_assert_uint_eq(g.kept[3], 3);
    ck_assert_uint_eq(g.kept[2], 2);
    visits_all(&g, &batch, &batch);
}
END_TEST

START_TEST(per_channel)
{
    const clnorm_tensor x = clnorm_nchw(CLNORM_F32, 1, 3, 8, 20), last = clnorm_nhwc(CLNORM_F32, 1, 3, 8, 20);
    cln_view_spec spec = spec_of(&x, &x, CLNORM_SCOPE_IMAGE);
    spec.per_channel = true;
    cln_geo g = built(&spec);
    counts(&g, 1, 3, 160);
    for (uint32_t r = 0; r < g.runs; r++)
        ck_assert_uint_eq(r / g.channel_div % g.channel_mod, (uint32_t)(place(&g, 0, r, 0, false) / 160));
    spec = spec_of(&last, &last, CLNORM_SCOPE_IMAGE);
    spec.per_channel = true;
    g = built(&spec);
    counts(&g, 1, 3, 160);
    for (uint32_t r = 0; r < g.runs; r++)
        ck_assert_uint_eq(r / g.channel_div % g.channel_mod, (uint32_t)place(&g, 0, r, 0, false));
    visits_all(&g, &last, &last);
}
END_TEST

/* Weights of channels: of short planes a run holds all channels, and says how its elements share weights;
 * long ones stay. */
START_TEST(short_runs)
{
    const clnorm_tensor first = clnorm_nchw(CLNORM_F32, 2, 6, 5, 7),
                        last = clnorm_nhwc(CLNORM_F32, 2, 6, 5, 7),
                        wide = clnorm_nchw(CLNORM_F32, 2, 6, 16, 32);
    const clnorm_tensor *const all[] = { &first, &last, &wide };
    for (size_t k = 0; k < CLN_COUNT(all); k++) {
        cln_view_spec spec = spec_of(all[k], all[k], CLNORM_SCOPE_IMAGE);
        spec.axes.a[1].stride[CLN_VIEW_W] = 1;
        spec.channel = -1;
        const cln_geo g = built(&spec);
        counts(&g, 2, k < 2 ? 1 : 6, k < 2 ? 210 : 512);
        ck_assert_uint_eq(g.wdiv, k ? 1 : 35);
        ck_assert_uint_eq(g.wmod, k == 1 ? 6 : 0);
        ck_assert_int_eq(g.view[CLN_VIEW_W].step, k < 2);
        visits_all(&g, all[k], all[k]);
    }
}
END_TEST

/* Where nothing is summed up, a channel's planes are a set each, one behind the other as they lie in memory. */
START_TEST(in_the_order_of_memory)
{
    const clnorm_tensor x = clnorm_nchw(CLNORM_F32, 4, 3, 11, 11),
                        small = clnorm_nchw(CLNORM_F32, 4, 3, 8, 8),
                        last = clnorm_nhwc(CLNORM_F32, 4, 3, 11, 11),
                        many = clnorm_nchw(CLNORM_F32, 5000000, 1000, 11, 11);
    cln_view_spec spec = spec_of(&x, &x, CLNORM_SCOPE_BATCH_CHANNEL);
    spec.axes.a[1].stride[CLN_VIEW_W] = spec.axes.a[1].stride[CLN_VIEW_S] = 1;
    cln_geo g = built(&spec);
    counts(&g, 3, 4, 121);
    cln_view_in_order(&spec.axes);
    g = built(&spec);
    counts(&g, 12, 1, 121);
    ck_assert_uint_eq(g.kept[2], 4);
    ck_assert_int_eq(g.view[CLN_VIEW_X].kept[2], 363);
    ck_assert_int_eq(g.view[CLN_VIEW_S].kept[2], 0); /* all samples have the statistics of the channel */
    ck_assert_int_eq(g.view[CLN_VIEW_S].kept[3], 1);
    ck_assert_int_eq(g.view[CLN_VIEW_W].kept[3], 1);
    spec = spec_of(&small, &small, CLNORM_SCOPE_BATCH_CHANNEL); /* which are walked across, or not at all */
    cln_view_in_order(&spec.axes);
    g = built(&spec);
    counts(&g, 3, 4, 64);
    spec = spec_of(&last, &last, CLNORM_SCOPE_BATCH_CHANNEL); /* nothing but channels would be left */
    cln_view_in_order(&spec.axes);
    g = built(&spec);
    counts(&g, 3, 1, 484);
    clnorm_tensor rows = clnorm_nchw(CLNORM_F32, 2, 3, 5, 121); /* H lies outside of C, but comes behind it */
    rows.stride[1] = 121;
    rows.stride[2] = 363;
    spec = spec_of(&rows, &rows, CLNORM_SCOPE_BATCH_CHANNEL);
    cln_view_in_order(&spec.axes);
    g = built(&spec);
    counts(&g, 3, 10, 121);
    visits_all(&g, &rows, &rows);
    spec = spec_of(&many, &many, CLNORM_SCOPE_BATCH_CHANNEL); /* more sets than can be counted */
    cln_view_in_order(&spec.axes);
    g = built(&spec);
    counts(&g, 1000, 121, 5000000);
}
END_TEST

START_TEST(small_and_reversed)
{
    const clnorm_tensor one = clnorm_nchw(CLNORM_F32, 1, 1, 1, 1), line = clnorm_rows(CLNORM_F32, 1, 9);
    clnorm_tensor back = line;
    cln_view_spec spec = spec_of(&one, &one, CLNORM_SCOPE_IMAGE);
    cln_geo g = built(&spec);
    counts(&g, 1, 1, 1);
    back.stride[1] = -1;
    spec = spec_of(&back, &line, CLNORM_SCOPE_IMAGE);
    g = built(&spec);
    counts(&g, 1, 1, 9);
    ck_assert_int_eq(g.view[CLN_VIEW_X].step, -1);
    visits_all(&g, &back, &line);
    back.stride[1] = 0; /* one element, nine times */
    spec = spec_of(&back, &line, CLNORM_SCOPE_IMAGE);
    g = built(&spec);
    counts(&g, 1, 1, 9);
    visits_all(&g, &back, &line);
}
END_TEST

int main(void)
{
    return suite_run(suite_of("view", SUITE_CASE(dense_is_one_run, channels_last, pitch, pixels, short_runs,
                                                 in_the_order_of_memory, swapped_channels, per_channel,
                                                 small_and_reversed)),
                     CK_NOFORK);
}

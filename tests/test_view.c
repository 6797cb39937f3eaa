/* test_view.c -- shapes and strides as sets, runs and elements: what merges, what is kept, what is refused.
 */
#include "base/compiler.h"
#include "op/op.h"
#include "tensor/view.h"

#include "array.h"
#include "suite.h"

#include <stdlib.h>
#include <string.h>

static cln_view_spec spec_of(const clnorm_tensor *x, const clnorm_tensor *y, uint32_t scope)
{
    const cln_view_spec spec = { x, y, cln_scope_axes(x, scope), cln_channel_axis(x), false, false };
    return spec;
}

static cln_geo built(const cln_view_spec *spec)
{
    cln_geo g;
    ck_assert_msg(cln_view_build(&g, spec) == CLNORM_OK, "%s", clnorm_last_error(NULL));
    return g;
}

static void refused(const cln_view_spec *spec, const char *word)
{
    cln_geo g;
    ck_assert_int_eq(cln_view_build(&g, spec), CLNORM_EUNSUPPORTED);
    ck_assert_msg(strstr(clnorm_last_error(NULL), word) != NULL, "no \"%s\" in: %s", word,
                  clnorm_last_error(NULL));
}

static void counts(const cln_geo *g, uint32_t sets, uint32_t runs, uint32_t len)
{
    ck_assert_uint_eq(g->sets, sets);
    ck_assert_uint_eq(g->runs, runs);
    ck_assert_uint_eq(g->len, len);
}

/* Where element e of run r of set s lies: the walk of cl/common/op.clh, in plain loops. */
static int64_t place(const cln_geo *g, uint32_t s, uint32_t r, uint32_t e, bool in_y)
{
    const int64_t *kept = in_y ? g->kept_y : g->kept_x, *run = in_y ? g->run_y : g->run_x;
    int64_t at = (int64_t)e * (in_y ? g->step_y : g->step_x);
    at += (int64_t)(r % g->mix) * (in_y ? g->mix_y : g->mix_x);
    r /= g->mix;
    for (size_t k = CLN_COUNT(g->run); k-- > 0; r /= g->run[k])
        at += (int64_t)(r % g->run[k]) * run[k];
    for (size_t k = CLN_COUNT(g->kept); k-- > 0; s /= g->kept[k])
        at += (int64_t)(s % g->kept[k]) * kept[k];
    return at;
}

static int compare(const void *a, const void *b)
{
    const int64_t *p = (const int64_t *)a, *q = (const int64_t *)b;
    return p[0] != q[0] ? (p[0] < q[0] ? -1 : 1) : p[1] < q[1] ? -1 : p[1] > q[1];
}

/* The view visits the pairs (place in x, place in y) that the shape has, each once. */
static void visits_all(const cln_geo *g, const clnorm_tensor *x, const clnorm_tensor *y)
{
    const size_t n = (size_t)clnorm_tensor_count(x);
    int64_t(*want)[2] = (int64_t(*)[2])malloc(2 * n * sizeof *want), (*got)[2] = want + n;
    size_t k = 0;
    ck_assert_uint_eq((uint64_t)g->sets * g->runs * g->len, n);
    for (size_t i = 0; i < n; i++) {
        want[i][0] = array_place(x, (int64_t)i);
        want[i][1] = array_place(y, (int64_t)i);
    }
    for (uint32_t s = 0; s < g->sets; s++)
        for (uint32_t r = 0; r < g->runs; r++)
            for (uint32_t e = 0; e < g->len; e++, k++) {
                got[k][0] = place(g, s, r, e, false);
                got[k][1] = place(g, s, r, e, true);
            }
    qsort(want, n, sizeof *want, compare);
    qsort(got, n, sizeof *got, compare);
    ck_assert_int_eq(memcmp(want, got, n * sizeof *want), 0);
    free(want);
}

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
    ck_assert_int_eq(g.step_x, 1);
    ck_assert_int_eq(g.step_y, 1);
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
    ck_assert_int_eq(g.step_x, 1);
    spec = spec_of(&x, &y, CLNORM_SCOPE_IMAGE);
    g = built(&spec);
    counts(&g, 2, 3, 35); /* pixels are walked, channels mix */
    ck_assert_uint_eq(g.mix, 3);
    ck_assert_int_eq(g.mix_x, 1);
    ck_assert_int_eq(g.mix_y, 35);
    ck_assert_int_eq(g.step_x, 3);
    ck_assert_int_eq(g.step_y, 1);
    visits_all(&g, &x, &y);
    spec = spec_of(&x, &x, CLNORM_SCOPE_CHANNEL);
    g = built(&spec);
    counts(&g, 6, 1, 35);
    ck_assert_int_eq(g.step_x, 3);
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
    ck_assert_int_eq(g.run_x[2], 10);
    ck_assert_int_eq(g.run_y[2], 7);
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
    ck_assert_int_eq(g.step_x, 4);
    ck_assert_uint_eq(g.mix, 3);
    visits_all(&g, &x, &y);
    spec = spec_of(&pitched, &y, CLNORM_SCOPE_IMAGE);
    g = built(&spec);
    counts(&g, 1, 24, 20);
    ck_assert_uint_eq(g.mix, 3);
    ck_assert_int_eq(g.run_x[2], 96);
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
    spec.x = &y; /* planes: nothing merges across the channels */
    g = built(&spec);
    counts(&g, 1, 3, 160);
    ck_assert_uint_eq(g.swap, 3);
    ck_assert_int_eq(g.mix_x, 160);
    spec = spec_of(&batch, &batch, CLNORM_SCOPE_CHANNEL);
    spec.swap = true;
    g = built(&spec);
    counts(&g, 6, 1, 160);
    ck_assert_uint_eq(g.swap, 0);
    ck_assert_uint_eq(g.swap_kept, 3);
    ck_assert_uint_eq(g.kept[3], 3);
    ck_assert_uint_eq(g.kept[2], 2);
    visits_all(&g, &batch, &batch);
    spec.reduced = 1u << 2; /* h: the channel is not the last axis that is kept */
    refused(&spec, "swap_rb");
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
    ck_assert_int_eq(g.step_x, -1);
    visits_all(&g, &back, &line);
    back.stride[1] = 0; /* one element, nine times */
    spec = spec_of(&back, &line, CLNORM_SCOPE_IMAGE);
    g = built(&spec);
    counts(&g, 1, 1, 9);
    visits_all(&g, &back, &line);
}
END_TEST

/* ---- order and limits ---- */

/* Statistics lie in the order of the kept axes, whatever the strides of x are. */
START_TEST(kept_axes_stay_in_order)
{
    clnorm_tensor x = clnorm_nhwc(CLNORM_F32, 2, 3, 5, 7);
    cln_view_spec spec = spec_of(&x, &x, CLNORM_SCOPE_IMAGE);
    spec.reduced = 1u << 2; /* h; n, c and w are kept */
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
    x = clnorm_nchw(CLNORM_U8, 65535, 65537, 1, 2); /* 2^32 - 1 */
    cln_geo g = built(&spec);
    counts(&g, UINT32_MAX, 1, 2);
    x = clnorm_nchw(CLNORM_U8, 1, 1, 65536, 65536);
    spec = spec_of(&x, &x, CLNORM_SCOPE_IMAGE);
    refused(&spec, "one set has 4294967296 elements");
    x = clnorm_nchw(CLNORM_U8, 1, 1, 65535, 65535);
    g = built(&spec);
    counts(&g, 1, 1, UINT32_MAX - 131070);
    ck_assert_uint_eq(cln_geo_chunks(&g), (1u << 20) - 31);
    x = clnorm_nchw(CLNORM_U8, 1, 1, 65535, 65537); /* the last chunk ends at the end of 32 bits */
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
    spec.reduced = 1u << 5; /* five kept axes, none merges */
    refused(&spec, "make x and y dense");
    spec.reduced = 3u << 4;
    cln_geo g = built(&spec);
    counts(&g, 16, 2, 2);
    ck_assert_uint_eq(g.plain, 0);
    visits_all(&g, &x, &x);
    spec.reduced = 0x3f; /* six reduced axes are one too many without a mix */
    refused(&spec, "make x and y dense");
    spec.reduced = 0x3c;
    g = built(&spec);
    counts(&g, 4, 8, 2);
    visits_all(&g, &x, &x);
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
        suite_of("view", SUITE_CASE(dense_is_one_run, channels_last, pitch, pixels, swapped_channels,
                                    per_channel, small_and_reversed, kept_axes_stay_in_order, limits,
                                    reduced_axes_follow_strides, too_many_axes, chunks)),
        CK_NOFORK);
}

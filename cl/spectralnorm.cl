/* spectralnorm.cl -- spectral normalization: Miyato et al. 2018, algorithm 1. The chain is src/op/spectralnorm.c's.
 *
 * The weights are read as they lie. A product with the side whose elements are neighbours goes by `dots`, an output at a time,
 * that with the other side by `sweep`, which adds rows up: either way memory is read in order. `own` holds sigma,
 * sum dy * x, and whether u and v are finite. */
#define OP(name) spectralnorm_##name
#include "common/matrix.clh"
#ifndef CLNORM_SPECTRALNORM_CL
#define CLNORM_SPECTRALNORM_CL
#define NEIGHBOURS(m) ((m).axes[COLUMN] == 1 && (m).step[COLUMN][0] == 1)
#define OWN (WG == 1 ? 32 : 1) /* vectors of outputs that an item sums up */

INLINE float lanes_sum(fv v)
{
    float t[VEC], sum = 0.0f;
    SCATTERED(t, v);
    EACH_OF(i, VEC) sum += t[i];
    return sum;
}

/* What an item has added up: vectors, and numbers that are left over. */
typedef struct dot_t {
    fv sums, lost;
    float rest, rest_lost;
} dot_t;

/* This item's share of sum x_i w_i over a run of `count`, `step` apart: so many steps at a time. */
#define AT_A_TIME 256
INLINE void dot_run(dot_t *a, global const elem_x *p, long step, global const float *w, uint count)
{
    uint i = get_local_id(0) * VEC;
    while (step == 1 && i + VEC <= count) {
        fv part = 0.0f;
        for (uint k = 0; k < AT_A_TIME && i + VEC <= count; k++, i += WG * VEC)
            part += CAT(load_, SRC)(p, i) * load_f32(w, i);
        ADD_KEPT(fv, a->sums, a->lost, part);
    }
    while (i < count) {
        float part = 0.0f;
        for (uint k = 0; k < AT_A_TIME && i < count; k++, i += WG * VEC)
            for (uint l = i; l < min(i + VEC, count); l++)
                part += get_x(p, l * step) * w[l];
        ADD_KEPT(float, a->rest, a->rest_lost, part);
    }
}

/* VEC outputs of one row of the sweep, from i on; only those below count. */
INLINE fv sweep_load(global const elem_x *p, const matrix *m, uint side, uint i, uint count)
{
    const uint run = side ? m->length[1][0] : m->length[0][0];
    if ((side ? m->step[1][0] : m->step[0][0]) == 1 && i % run + VEC <= run)
        return CAT(load_, SRC)(p, place(m, side, i));
    float t[VEC];
    EACH_OF(l, VEC) t[l] = i + l < count ? get_x(p, place(m, side, i + l)) : 0.0f;
    return GATHERED(t);
}

/* The largest |t|, and the norm by it: no square overflows. NaN where there is one. */
INLINE float norm_of(global const float *t, uint count, local float *room)
{
    float most = 0.0f, sum = 0.0f, lost = 0.0f;
    for (uint i = get_local_id(0); i < count; i += WG)
        most = isnan(t[i]) || fabs(t[i]) > most ? fabs(t[i]) : most;
#if WG > 1
    room[get_local_id(0)] = most;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (uint i = 0; i < WG; i++)
        most = isnan(room[i]) || room[i] > most ? room[i] : most;
    barrier(CLK_LOCAL_MEM_FENCE);
#endif
    if (most == 0.0f)
        return 0.0f;
    for (uint i = get_local_id(0); i < count; i += WG)
        ADD_KEPT(float, sum, lost, (t[i] / most) * (t[i] / most));
    return most * sqrt(GROUP_SUM(sum, room));
}
#endif

/* out_i = sum_j x_ij w_j; a group takes one i at a time. n: the side of i. */
#if WANTS(dots)
STEP(dots)(AT(const elem_x, x), AT(const float, w), AT(float, out), const matrix m, NUMBERS_)
{
    GROUP_FLOATS(room);
    const uint side = n.s0, other = 1 - side, count = SIDE(m.count, other), run = side ? m.length[0][0] : m.length[1][0];
    const long step = side ? m.step[0][0] : m.step[1][0];
    for (size_t i = get_group_id(0); i < SIDE(m.count, side); i += get_num_groups(0)) {
        global const elem_x *p = x + x_0 + place(&m, side, (uint)i);
        dot_t a = { 0.0f, 0.0f, 0.0f, 0.0f };
        for (uint j = 0; j < count; j += run)
            dot_run(&a, p + place(&m, other, j), step, w + w_0 + j, run);
        const float sum = GROUP_SUM(lanes_sum(a.sums) + a.rest, room);
        if (!get_local_id(0))
            out[out_0 + i] = sum;
    }
}
#endif

/* The same, parts of j apart: [part][i]. n: the side of i, parts. */
#if WANTS(sweep)
STEP(sweep)(AT(const elem_x, x), AT(const float, w), AT(float, out), const matrix m, NUMBERS_)
{
    const uint side = n.s0, other = 1 - side, parts = n.s1, count = SIDE(m.count, side), strip = OWN * VEC * WG,
               strips = (count + strip - 1) / strip, each = (SIDE(m.count, other) + parts - 1) / parts;
    for (size_t g = get_group_id(0); g < (size_t)parts * strips; g += get_num_groups(0)) {
        const uint part = (uint)(g / strips), i0 = (uint)(g % strips) * strip + get_local_id(0) * OWN * VEC;
        const uint j1 = min((part + 1) * each, SIDE(m.count, other));
        fv sums[OWN];
        for (uint o = 0; o < OWN; o++)
            sums[o] = 0.0f;
        for (uint j = part * each; j < j1;) {
            fv some[OWN];
            for (uint o = 0; o < OWN; o++)
                some[o] = 0.0f;
            for (uint k = 0; k < AT_A_TIME && j < j1; k++, j++) {
                global const elem_x *p = x + x_0 + place(&m, other, j);
                const float s = w[w_0 + j];
                for (uint o = 0; o < OWN && i0 + o * VEC < count; o++)
                    some[o] += s * sweep_load(p, &m, side, i0 + o * VEC, count);
            }
            for (uint o = 0; o < OWN; o++)
                sums[o] += some[o];
        }
        for (uint o = 0; o < OWN; o++) {
            float t[VEC];
            SCATTERED(t, sums[o]);
            EACH_OF(l, VEC)
            if (i0 + o * VEC + l < count)
                out[out_0 + (size_t)part * count + i0 + o * VEC + l] = t[l];
        }
    }
}
#endif
#if WANTS(fold)
STEP(fold)(AT(const float, parts), AT(float, out), NUMBERS_) /* n: count, parts */
{
    for (size_t i = ITEM; i < n.s0; i += ITEMS) {
        float sum = 0.0f;
        for (uint p = 0; p < n.s1; p++)
            sum += parts[parts_0 + (size_t)p * n.s0 + i];
        out[out_0 + i] = sum;
    }
}
#endif

/* u = t / max(|t|, eps), and own[0] = t . u: of the last of an iteration, sigma. One group. n: count. f: eps. */
#if WANTS(unit)
STEP(unit)(AT(const float, t), AT(float, u), AT(float, own), NUMBERS_)
{
    GROUP_FLOATS(room);
    const float norm = norm_of(t + t_0, n.s0, room), by = norm < f.s0 ? f.s0 : norm;
    float sum = 0.0f, lost = 0.0f;
    for (uint i = get_local_id(0); i < n.s0; i += WG) {
        const float v = t[t_0 + i], one = by == 0.0f ? 0.0f : v / by;
        u[u_0 + i] = one;
        ADD_KEPT(float, sum, lost, v * one);
    }
    sum = GROUP_SUM(sum, room);
    if (!get_local_id(0))
        own[own_0] = sum;
}
#endif

/* own[n.s1] = a . b, or of a alone its sum, or 0 where all is finite and else NaN. One group. n: count, which, 0 to 2 of these. */
#if WANTS(scalar)
STEP(scalar)(AT(const float, a), AT(const float, b), AT(float, own), NUMBERS_)
{
    GROUP_FLOATS(room);
    float sum = 0.0f, lost = 0.0f;
    for (uint i = get_local_id(0); i < n.s0; i += WG)
        ADD_KEPT(float, sum, lost, a[a_0 + i] * (n.s2 == 0 ? b[b_0 + i] : n.s2 == 1 ? 1.0f : 0.0f));
    sum = GROUP_SUM(sum, room);
    if (!get_local_id(0))
        own[own_0 + n.s1] = sum;
}
#endif

/* y = x / sigma, 0 where sigma is. Views of x, of y. */
#if WANTS(scale)
STEP(scale)(AT(const elem_x, x), AT(const float, own), AT(elem_y, y), const matrix m, const matrix to, NUMBERS_)
{
    const float none = own[own_0] == 0.0f ? 0.0f : 1.0f, sigma = none == 0.0f ? 1.0f : own[own_0];
    for (size_t r = get_group_id(0); r < m.count[ROW]; r += get_num_groups(0)) {
        global const elem_x *p = x + x_0 + place(&m, ROW, (uint)r);
        global elem_y *q = y + y_0 + place(&to, ROW, (uint)r);
        if (NEIGHBOURS(m) && NEIGHBOURS(to))
            for (uint c = get_local_id(0); c < m.count[COLUMN]; c += WG)
                put_y(q, c, get_x(p, c) * none / sigma);
        else
            for (uint c = get_local_id(0); c < m.count[COLUMN]; c += WG)
                put_y(q, place(&to, COLUMN, c), get_x(p, place(&m, COLUMN, c)) * none / sigma);
    }
}
#endif

/* Backward: sum of dy * x of each row. Views of x, of dy. */
#if WANTS(inner)
STEP(inner)(AT(const elem_x, x), AT(const elem_d, d), AT(float, out), const matrix m, const matrix of_d, NUMBERS_)
{
    GROUP_FLOATS(room);
    for (size_t r = get_group_id(0); r < m.count[ROW]; r += get_num_groups(0)) {
        global const elem_x *p = x + x_0 + place(&m, ROW, (uint)r);
        global const elem_d *q = d + d_0 + place(&of_d, ROW, (uint)r);
        fv sums = 0.0f;
        float rest = 0.0f, rest_lost = 0.0f;
        uint c = get_local_id(0) * VEC;
        while (NEIGHBOURS(m) && NEIGHBOURS(of_d) && c + VEC <= m.count[COLUMN]) {
            fv some = 0.0f;
            for (uint k = 0; k < AT_A_TIME && c + VEC <= m.count[COLUMN]; k++, c += WG * VEC)
                some += CAT(load_, SRC)(p, c) * CAT(load_, DTY)(q, c);
            sums += some;
        }
        for (; c < m.count[COLUMN]; c += WG * VEC)
            for (uint l = c; l < min(c + VEC, m.count[COLUMN]); l++)
                ADD_KEPT(float, rest, rest_lost, get_x(p, place(&m, COLUMN, l)) * get_d(q, place(&of_d, COLUMN, l)));
        const float sum = GROUP_SUM(lanes_sum(sums) + rest, room);
        if (!get_local_id(0))
            out[out_0 + r] = sum;
    }
}
#endif

/* dx = (dy - sum(dy * x) / sigma u v^T) / sigma. Views of dx (as x), of dy. */
#if WANTS(gradient)
STEP(gradient)(AT(const elem_d, d), AT(const float, u), AT(const float, v), AT(const float, own), AT(elem_x, dx),
               const matrix m, const matrix of_d, NUMBERS_)
{
    const float none = own[own_0] == 0.0f ? 0.0f : 1.0f, sigma = none == 0.0f ? 1.0f : own[own_0],
                inner = own[own_0 + 1] / sigma;
    for (size_t r = get_group_id(0); r < m.count[ROW]; r += get_num_groups(0)) {
        global const elem_d *q = d + d_0 + place(&of_d, ROW, (uint)r);
        global elem_x *p = dx + dx_0 + place(&m, ROW, (uint)r);
        const float ur = u[u_0 + r] * inner;
        if (NEIGHBOURS(m) && NEIGHBOURS(of_d))
            for (uint c = get_local_id(0); c < m.count[COLUMN]; c += WG)
                CAT(set_, SRC)(p, c, (get_d(q, c) - ur * v[v_0 + c]) * none / sigma);
        else
            for (uint c = get_local_id(0); c < m.count[COLUMN]; c += WG)
                CAT(set_, SRC)
                (p, place(&m, COLUMN, c), (get_d(q, place(&of_d, COLUMN, c)) - ur * v[v_0 + c]) * none / sigma);
    }
}
#endif

/* sigma and the fault; n: how many of `own` are to be numbers. */
#if WANTS(finish)
STEP(finish)(AT(const float, own), AT(float, sigma), AT(float, fault), NUMBERS_)
{
    if (ITEM)
        return;
    const float s = own[own_0];
    uint wrong = 0;
    for (uint i = 0; fault && i < n.s0; i++)
        wrong |= !isfinite(own[own_0 + i]);
    if (sigma)
        sigma[sigma_0] = s;
    if (fault)
        fault[fault_0] = wrong ? FAULT_NAN : s == 0.0f ? FAULT_SINGULAR : FAULT_NONE;
}
#endif
#undef OP

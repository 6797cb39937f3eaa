/* iternorm.cl -- iterative normalization: Huang et al. 2019, algorithm 1, and its gradient. The chain is src/op/iternorm.c's;
 * here is what stands between its products. Matrices of a group lie one behind the other, width x width; samples are rows. */
#define OP(name) iternorm_##name
#include "common/matrix.clh"
#include "common/product.clh"
#include "common/covariance.clh"

/* S' = (S + eps I) / trace, 1 / trace, and the first P = (3 I - S') / 2. A trace beyond what has an inverse is NaN, and so W.
 * A group of items per group. n: groups, width. f: eps. */
#if WANTS(begin)
STEP(begin)(AT(const float, s), AT(float, scaled), AT(float, p), AT(float, rtrace), NUMBERS_)
{
    GROUP_FLOATS(room);
    const uint width = n.s1;
    for (uint g = get_group_id(0); g < n.s0; g += get_num_groups(0)) {
        const size_t at = (size_t)g * width * width;
        float sum = 0.0f;
        for (uint i = get_local_id(0); i < width; i += WG)
            sum += s[s_0 + at + (size_t)i * width + i] + f.s0;
        const float trace = GROUP_SUM(sum, room);
        for (uint i = get_local_id(0); i < width; i += WG)
            for (uint j = 0; j < width; j++) {
                const size_t e = at + (size_t)i * width + j;
                const float v = (s[s_0 + e] + (i == j ? f.s0 : 0.0f)) / trace;
                scaled[scaled_0 + e] = v;
                p[p_0 + e] = (i == j ? 1.5f : 0.0f) - 0.5f * v;
            }
        const float r = 1.0f / trace;
        if (!get_local_id(0))
            rtrace[rtrace_0 + g] = r > 0.0f ? r : NAN;
    }
}
#endif

#if WANTS(copy)
STEP(copy)(AT(const float, from), AT(float, to), NUMBERS_) /* n: floats */
{
    for (size_t i = ITEM; i < n.s0; i += ITEMS)
        to[to_0 + i] = from[from_0 + i];
}
#endif

/* W = P / sqrt(trace), and its transpose. n: groups, width, whether P is W already. */
#if WANTS(whitener)
STEP(whitener)(AT(const float, p), AT(const float, rtrace), AT(float, w), AT(float, wt), NUMBERS_)
{
    const uint width = n.s1;
    for (size_t row = ITEM; row < (size_t)n.s0 * width; row += ITEMS) {
        const uint g = (uint)(row / width), i = (uint)(row % width);
        const float by = n.s2 ? 1.0f : sqrt(rtrace[rtrace_0 + g]);
        for (uint j = 0; j < width; j++) {
            const float v = p[p_0 + row * width + j] * by;
            w[w_0 + row * width + j] = v;
            wt[wt_0 + ((size_t)g * width + j) * width + i] = v;
        }
    }
}
#endif

/* What a batch leaves. n: groups, width. f: .., .., momentum, 1 - momentum; where that is 0 what was there is not read. */
#if WANTS(keep)
#define MOVE(r, batch) r = f.s3 == 0.0f ? f.s2 * (batch) : f.s3 * (r) + f.s2 * (batch)
STEP(keep)(AT(const float, hi), AT(const float, lo), AT(const float, w), AT(float, mean), AT(float, whitener),
           AT(float, running_mean), AT(float, running_whitener), NUMBERS_)
{
    const uint width = n.s1;
    for (size_t row = ITEM; row < (size_t)n.s0 * width; row += ITEMS) {
        const float m = hi[hi_0 + row] + lo[lo_0 + row];
        if (mean)
            mean[mean_0 + row] = m;
        if (running_mean)
            MOVE(running_mean[running_mean_0 + row], m);
        for (size_t e = row * width; e < (row + 1) * width; e++) {
            if (whitener)
                whitener[whitener_0 + e] = w[w_0 + e];
            if (running_whitener)
                MOVE(running_whitener[running_whitener_0 + e], w[w_0 + e]);
        }
    }
}
#undef MOVE
#endif

/* b = W lo, what centring about hi alone leaves in W (x - hi). n: groups, width, whether there is a lo. */
#if WANTS(rest)
STEP(rest)(AT(const float, w), AT(const float, lo), AT(float, b), NUMBERS_)
{
    const uint width = n.s1;
    for (size_t row = ITEM; row < (size_t)n.s0 * width; row += ITEMS) {
        float sum = 0.0f;
        for (uint j = 0; n.s2 && j < width; j++)
            sum += w[w_0 + row * width + j] * lo[lo_0 + row / width * width + j];
        b[b_0 + row] = sum;
    }
}
#endif

/* Dense rows to a tensor, STRIP columns and up to 16 rows of one run at a time, so that they stay in cache. */
#define FOR_TILES(m, rows, columns)                                                                          \
    for (size_t w_ = get_group_id(0); w_ < (size_t)((rows + 255) / 256) * ((columns + STRIP - 1) / STRIP);   \
         w_ += get_num_groups(0))                                                                            \
        for (uint i = (uint)(w_ / ((columns + STRIP - 1) / STRIP)) * 256, end = min(i + 256, rows), left;    \
             i < end && (left = min(min(m.length[ROW][0] - i % m.length[ROW][0], end - i), 16u)); i += left) \
            for (uint c = (uint)(w_ % ((columns + STRIP - 1) / STRIP)) * STRIP + get_local_id(0),            \
                      last = min(c - (uint)get_local_id(0) + STRIP, columns);                                \
                 c < last; c += WG)

/* y = (z - b) gamma + beta. */
#if WANTS(spread)
STEP(spread)(AT(const float, z), AT(const float, b), AT(const float, gamma), AT(const float, beta), AT(elem_y, y),
             const matrix m, NUMBERS_)
{
    const uint rows = m.count[ROW], columns = m.count[COLUMN];
    FOR_TILES(m, rows, columns)
    {
#ifdef TURN
        if (TURNS(m.step[ROW][0], left, c, last)) {
            const fv a = gamma ? VN(vload)(0, gamma + gamma_0 + c) : 1.0f, add = beta ? VN(vload)(0, beta + beta_0 + c) : 0.0f,
                     less = VN(vload)(0, b + b_0 + c);
            fv r[16];
            EACH16(l) r[l] = (VN(vload)(0, z + z_0 + (size_t)(i + l) * columns + c) - less) * a + add;
            TURN(r);
            EACH16(l) PUT16(DST, y + y_0 + place(&m, ROW, i) + place(&m, COLUMN, c + l), r[l]);
            c += 15;
            continue;
        }
#endif
        global elem_y *to = y + y_0 + place(&m, ROW, i) + place(&m, COLUMN, c);
        const float a = gamma ? gamma[gamma_0 + c] : 1.0f, add = beta ? beta[beta_0 + c] : 0.0f, less = b[b_0 + c];
        for (uint l = 0; l < left; l++)
            put_y(to, l * m.step[ROW][0], (z[z_0 + (size_t)(i + l) * columns + c] - less) * a + add);
    }
}
#endif

/* ---- backward ---- */

/* dy, dense, and its means by part: as cov_centre. n: parts. */
#if WANTS(gather)
STEP(gather)(AT(const elem_d, d), AT(float, dense), AT(float, means), const matrix m, NUMBERS_)
{
    const uint parts = n.s0, columns = m.count[COLUMN], strips = (columns + STRIP - 1) / STRIP;
    for (size_t w = get_group_id(0); w < (size_t)parts * strips; w += get_num_groups(0)) {
        const uint part = (uint)(w / strips), c0 = (uint)(w % strips) * STRIP, c1 = min(c0 + STRIP, columns);
        const uint2 r = rows_of(part, parts, m.count[ROW]);
        float sums[SUMS] = { 0 };
        for (uint i = r.s0; i < r.s1;) {
            const uint left = min(min(m.length[ROW][0] - i % m.length[ROW][0], r.s1 - i), 16u);
            for (uint c = c0 + get_local_id(0); c < c1; c += WG) {
#ifdef TURN
                if (TURNS(m.step[ROW][0], left, c, c1)) {
                    global const elem_d *q = d + d_0 + place(&m, ROW, i);
                    fv t[16], sum16 = VN(vload)(0, sums + c - c0);
                    EACH16(l) t[l] = CAT(load_, DTY)(q + place(&m, COLUMN, c + l), 0);
                    TURN(t);
                    EACH16(l)
                    {
                        VN(vstore)(t[l], 0, dense + dense_0 + (size_t)(i + l) * columns + c);
                        sum16 += t[l];
                    }
                    VN(vstore)(sum16, 0, sums + c - c0);
                    c += 15;
                    continue;
                }
#endif
                global const elem_d *p = d + d_0 + place(&m, ROW, i) + place(&m, COLUMN, c);
                float sum = 0.0f;
                for (uint l = 0; l < left; l++) {
                    const float v = get_d(p, l * m.step[ROW][0]);
                    dense[dense_0 + (size_t)(i + l) * columns + c] = v;
                    sum += v;
                }
                SUM_OF(c) += sum;
            }
            i += left;
        }
        for (uint c = c0 + get_local_id(0); c < c1; c += WG)
            means[means_0 + (size_t)part * columns + c] = r.s0 < r.s1 ? SUM_OF(c) / (float)(r.s1 - r.s0) : 0.0f;
    }
}
#endif

/* R = dy^T (x - mean) from that about hi; dbeta = sum dy, dgamma = sum dy (W (x - mean)) = diag(W R^T); R becomes dW = gamma R.
 * n: groups, width, rows, whether there is a lo. */
#if WANTS(weights)
STEP(weights)(AT(float, r), AT(const float, mean_dy), AT(const float, lo), AT(const float, w), AT(const float, gamma),
              AT(float, dgamma), AT(float, dbeta), NUMBERS_)
{
    const uint width = n.s1;
    for (size_t row = ITEM; row < (size_t)n.s0 * width; row += ITEMS) {
        const float sum_dy = (float)n.s2 * mean_dy[mean_dy_0 + row], a = gamma ? gamma[gamma_0 + row] : 1.0f;
        float sum = 0.0f;
        for (uint j = 0; j < width; j++) {
            const size_t e = row * width + j;
            const float v = r[r_0 + e] - (n.s3 ? sum_dy * lo[lo_0 + row / width * width + j] : 0.0f);
            sum += w[w_0 + e] * v;
            r[r_0 + e] = a * v;
        }
        if (dgamma)
            dgamma[dgamma_0 + row] = sum;
        if (dbeta)
            dbeta[dbeta_0 + row] = sum_dy;
    }
}
#endif

/* dP = dW / sqrt(trace), dS' = 0, and sum dW * P, the gradient of 1 / sqrt(trace). n: groups, width. */
#if WANTS(turn)
STEP(turn)(AT(const float, dw), AT(const float, p), AT(const float, rtrace), AT(float, dp), AT(float, ds), AT(float, droot),
           NUMBERS_)
{
    GROUP_FLOATS(room);
    const size_t size = (size_t)n.s1 * n.s1;
    for (uint g = get_group_id(0); g < n.s0; g += get_num_groups(0)) {
        const float root = sqrt(rtrace[rtrace_0 + g]);
        float sum = 0.0f;
        for (size_t e = g * size + get_local_id(0); e < (g + 1) * size; e += WG) {
            dp[dp_0 + e] = dw[dw_0 + e] * root;
            ds[ds_0 + e] = 0.0f;
            sum += dw[dw_0 + e] * p[p_0 + e];
        }
        sum = GROUP_SUM(sum, room);
        if (!get_local_id(0))
            droot[droot_0 + g] = sum;
    }
}
#endif

/* dS of dS' and of the trace, symmetric, over the rows: dx has (x - mean) times it. n: groups, width, rows. */
#if WANTS(close)
STEP(close)(AT(const float, dp), AT(const float, ds), AT(const float, scaled), AT(const float, rtrace),
            AT(const float, droot), AT(float, out), NUMBERS_)
{
    GROUP_FLOATS(room);
    const uint width = n.s1;
    const size_t size = (size_t)width * width;
    for (uint g = get_group_id(0); g < n.s0; g += get_num_groups(0)) {
        const float r = rtrace[rtrace_0 + g];
        float sum = 0.0f;
        for (size_t e = g * size + get_local_id(0); e < (g + 1) * size; e += WG)
            sum += (ds[ds_0 + e] - 0.5f * dp[dp_0 + e]) * scaled[scaled_0 + e];
        const float dtrace = -GROUP_SUM(sum, room) * r - 0.5f * droot[droot_0 + g] * r * sqrt(r);
        for (uint i = get_local_id(0); i < width; i += WG)
            for (uint j = 0; j < width; j++) {
                const size_t e = g * size + (size_t)i * width + j, t = g * size + (size_t)j * width + i;
                const float both = ds[ds_0 + e] + ds[ds_0 + t] - 0.5f * (dp[dp_0 + e] + dp[dp_0 + t]);
                out[out_0 + e] = (both * r + (i == j ? 2.0f * dtrace : 0.0f)) / (float)n.s2;
            }
    }
}
#endif

/* gamma W, by which dy becomes dx. n: groups, width. */
#if WANTS(front)
STEP(front)(AT(const float, w), AT(const float, gamma), AT(float, out), NUMBERS_)
{
    const uint width = n.s1;
    for (size_t row = ITEM; row < (size_t)n.s0 * width; row += ITEMS)
        for (size_t e = row * width; e < (row + 1) * width; e++)
            out[out_0 + e] = w[w_0 + e] * (gamma ? gamma[gamma_0 + row] : 1.0f);
}
#endif

/* The mean of dx before it is taken off: mean dy by `front`, lo by `close`. n: groups, width, whether there is one. */
#if WANTS(shift)
STEP(shift)(AT(const float, front), AT(const float, back), AT(const float, mean_dy), AT(const float, lo), AT(float, out),
            NUMBERS_)
{
    const uint width = n.s1;
    for (size_t at = ITEM; at < (size_t)n.s0 * width; at += ITEMS) {
        const size_t g = at / width, j = at % width;
        float sum = 0.0f;
        for (uint i = 0; n.s2 && i < width; i++) {
            const size_t e = (g * width + i) * width + j, c = g * width + i;
            sum += mean_dy[mean_dy_0 + c] * front[front_0 + e] + lo[lo_0 + c] * back[back_0 + e];
        }
        out[out_0 + at] = sum;
    }
}
#endif
#if WANTS(spread_dx)
STEP(spread_dx)(AT(const float, z), AT(const float, less), AT(elem_x, dx), const matrix m, NUMBERS_)
{
    const uint rows = m.count[ROW], columns = m.count[COLUMN];
    FOR_TILES(m, rows, columns)
    {
#ifdef TURN
        if (TURNS(m.step[ROW][0], left, c, last)) {
            const fv off = VN(vload)(0, less + less_0 + c);
            fv r[16];
            EACH16(l) r[l] = VN(vload)(0, z + z_0 + (size_t)(i + l) * columns + c) - off;
            TURN(r);
            EACH16(l) PUT16(SRC, dx + dx_0 + place(&m, ROW, i) + place(&m, COLUMN, c + l), r[l]);
            c += 15;
            continue;
        }
#endif
        global elem_x *to = dx + dx_0 + place(&m, ROW, i) + place(&m, COLUMN, c);
        for (uint l = 0; l < left; l++)
            CAT(set_, SRC)(to, l * m.step[ROW][0], z[z_0 + (size_t)(i + l) * columns + c] - less[less_0 + c]);
    }
}
#endif

#if WANTS(well)
WELL
#endif
/* Whether the means of x and of dy, the whitener, gamma, beta and what is left in the running statistics are numbers. n: channels,
 * floats of the whitener. */
#if WANTS(check)
STEP(check)(AT(const float, lo), AT(const float, mean_dy), AT(const float, w), AT(const float, gamma), AT(const float, beta),
            AT(const float, running_mean), AT(const float, running_whitener), AT(float, fault), NUMBERS_)
{
    uint wrong = 0;
    for (uint c = ITEM; c < n.s0; c += ITEMS) {
        wrong |= !isfinite(lo[lo_0 + c]) || !isfinite(mean_dy[mean_dy_0 + c]);
        wrong |= gamma && !isfinite(gamma[gamma_0 + c]);
        wrong |= beta && !isfinite(beta[beta_0 + c]);
        wrong |= running_mean && !isfinite(running_mean[running_mean_0 + c]);
    }
    for (uint e = ITEM; e < n.s1; e += ITEMS) {
        wrong |= !isfinite(w[w_0 + e]);
        wrong |= running_whitener && !isfinite(running_whitener[running_whitener_0 + e]);
    }
    if (wrong)
        fault[fault_0] = FAULT_NAN;
}
#endif
#undef OP

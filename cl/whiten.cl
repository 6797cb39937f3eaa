/* whiten.cl -- y = W (x - mean), its inverse, and the statistics that W is fitted to. The chains are src/op/whiten.c's.
 *
 * A sample is a window of an image: a pixel, a patch, the whole of it; x seen as a matrix has a row for each. Rows are taken a
 * chunk at a time, centred to dense floats before anything is multiplied, so that a large mean does not cancel. The mean is two
 * floats, hi and lo, and so is each sum of squares M2, which chunks are merged into by Chan's formula. */
#define OP(name) whiten_##name
#include "common/matrix.clh"
#include "common/covariance.clh"
#include "common/product.clh"
#ifndef CLNORM_WHITEN_CL
#define CLNORM_WHITEN_CL
#define DOWN 16   /* rows that an item takes at a time */
#define ACROSS (WG == 1 ? 64 : 1) /* and columns */
#define IN_ROW(c) (ACROSS == 1 ? 0 : (c))
#define STRETCH 1024 /* of a plane */

/* The mean of a column as hi and lo; n.s3: there is one to take. */
INLINE float2 mean_of(global const float *mean, uint c, uint columns, uint taken)
{
    return taken ? (float2)(mean[c], mean[columns + c]) : (float2)(0.0f);
}

/* The sum of two floats and one more. */
INLINE float2 add_to(float2 a, float b)
{
    const float s = a.x + b, t = s - a.x, rest = ((a.x - (s - t)) + (b - t)) + a.y, hi = s + rest;
    return (float2)(hi, rest - (hi - s));
}

/* What chunk means are away from the mean so far. */
INLINE float away(global const float *mean, global const float *hi, global const float *lo, uint c, uint columns)
{
    return (hi[c] - mean[c]) + (lo[c] - mean[columns + c]);
}

/* Of count and `rows` more, how much the new ones weigh. */
INLINE float weight(ulong count, uint rows) { return (float)rows / (float)(count + rows); }
#endif

/* Rows to dense floats, less the mean. n: first row, rows, columns, whether there is a mean. */
#if WANTS(centre)
STEP(centre)(AT(const elem_x, x), AT(const float, mean), AT(float, to), const matrix m, NUMBERS_)
{
    const uint rows = n.s1, columns = n.s2, strips = (columns + ACROSS - 1) / ACROSS;
    const bool flat = m.axes[COLUMN] == 1;
    const long step = m.step[COLUMN][0];
    for (size_t w = ITEM; w < (size_t)((rows + DOWN - 1) / DOWN) * strips; w += ITEMS) {
        const uint r0 = (uint)(w / strips) * DOWN, c0 = (uint)(w % strips) * ACROSS, c1 = min(c0 + ACROSS, columns);
        float hi[ACROSS], lo[ACROSS];
        long at[ACROSS];
        for (uint c = c0; c < c1; c++) {
            const float2 v = mean_of(mean + mean_0, c, columns, n.s3);
            hi[IN_ROW(c - c0)] = v.x;
            lo[IN_ROW(c - c0)] = v.y;
            at[IN_ROW(c - c0)] = flat ? c * step : place(&m, COLUMN, c);
        }
        for (uint r = r0; r < min(r0 + DOWN, rows); r++) {
            global const elem_x *p = x + x_0 + place(&m, ROW, n.s0 + r);
            global float *q = to + to_0 + (size_t)r * columns + c0;
            if (flat && step == 1)
                for (uint c = 0; c < c1 - c0; c++)
                    q[c] = (get_x(p, c0 + c) - hi[IN_ROW(c)]) - lo[IN_ROW(c)];
            else
                for (uint c = 0; c < c1 - c0; c++)
                    q[c] = (get_x(p, at[IN_ROW(c)]) - hi[IN_ROW(c)]) - lo[IN_ROW(c)];
        }
    }
}
#endif

/* Channels first: planes to dense floats, less their channel's mean. Rows of the view are planes. n: first row, rows, channels. */
#if WANTS(lower)
STEP(lower)(AT(const elem_x, x), AT(const float, mean), AT(float, to), const matrix m, NUMBERS_)
{
    const uint columns = m.count[COLUMN], strips = (columns + STRETCH - 1) / STRETCH;
    const bool flat = m.axes[COLUMN] == 1 && m.step[COLUMN][0] == 1;
    for (size_t w = ITEM; w < (size_t)n.s1 * strips; w += ITEMS) {
        const uint r = (uint)(w / strips), c0 = (uint)(w % strips) * STRETCH, c1 = min(c0 + STRETCH, columns);
        const float2 v = mean_of(mean + mean_0, (n.s0 + r) % n.s2, n.s2, 1);
        global const elem_x *p = x + x_0 + place(&m, ROW, n.s0 + r);
        global float *q = to + to_0 + (size_t)r * columns;
        if (flat)
            for (uint c = c0; c < c1; c++)
                q[c] = (get_x(p, c) - v.x) - v.y;
        else
            for (uint c = c0; c < c1; c++)
                q[c] = (get_x(p, place(&m, COLUMN, c)) - v.x) - v.y;
    }
}
#endif

/* Dense floats to rows, and the mean put back; what is not finite is a fault. n as above. */
#if WANTS(put)
STEP(put)(AT(const float, from), AT(const float, mean), AT(elem_y, y), AT(float, fault), const matrix m, NUMBERS_)
{
    uint bad = 0;
    const uint rows = n.s1, columns = n.s2, strips = (columns + ACROSS - 1) / ACROSS;
    for (size_t w = ITEM; w < (size_t)((rows + DOWN - 1) / DOWN) * strips; w += ITEMS) {
        const uint r0 = (uint)(w / strips) * DOWN, r1 = min(r0 + DOWN, rows), c0 = (uint)(w % strips) * ACROSS,
                   c1 = min(c0 + ACROSS, columns);
#if WG == 1
        long at[DOWN];
        for (uint r = r0; r < r1; r++)
            at[r - r0] = place(&m, ROW, n.s0 + r);
#define ROW_AT(r) at[(r) - r0]
#else
#define ROW_AT(r) place(&m, ROW, n.s0 + (r))
#endif
        for (uint c = c0; c < c1; c++) {
            const float2 v = mean_of(mean + mean_0, c, columns, n.s3);
            global elem_y *q = y + y_0 + place(&m, COLUMN, c);
            for (uint r = r0; r < r1; r++) {
                const float one = v.x + (from[from_0 + (size_t)r * columns + c] + v.y);
                put_y(q, ROW_AT(r), one);
                bad |= !isfinite(one);
            }
        }
    }
#undef ROW_AT
    if (bad && fault)
        fault[fault_0] = FAULT_NAN;
}
#endif

/* The other way round: columns x rows. n: rows, columns. */
#if WANTS(transpose)
STEP(transpose)(AT(const float, a), AT(float, b), NUMBERS_)
{
    const uint rows = n.s0, columns = n.s1, strips = (columns + DOWN - 1) / DOWN;
    for (size_t w = ITEM; w < (size_t)((rows + DOWN - 1) / DOWN) * strips; w += ITEMS) {
        const uint r0 = (uint)(w / strips) * DOWN, r1 = min(r0 + DOWN, rows), c0 = (uint)(w % strips) * DOWN,
                   c1 = min(c0 + DOWN, columns);
        for (uint c = c0; c < c1; c++)
            for (uint r = r0; r < r1; r++)
                b[b_0 + (size_t)c * rows + r] = a[a_0 + (size_t)r * columns + c];
    }
}
#endif

#if WANTS(well)
WELL
#endif
/* Whether all of y is finite. */
#if WANTS(look)
STEP(look)(AT(const elem_d, y), AT(float, fault), const matrix m, NUMBERS_)
{
    for (size_t r = ITEM; r < m.count[ROW]; r += ITEMS) {
        global const elem_d *p = y + y_0 + place(&m, ROW, (uint)r);
        uint bad = 0;
        for (uint c = 0; c < m.count[COLUMN]; c++)
            bad |= !isfinite(get_d(p, place(&m, COLUMN, c)));
        if (bad)
            fault[fault_0] = FAULT_NAN;
    }
}
#endif

/* M2 of a chunk to that of all so far, whose mean has not moved yet. n: rows of the chunk, columns. */
#if WANTS(merge)
STEP(merge)(AT(float, m2), AT(const float, mean), AT(const ulong, count), AT(const float, hi), AT(const float, lo),
            AT(const float, more), NUMBERS_)
{
    const uint columns = n.s1;
    const size_t size = (size_t)columns * columns;
    const ulong before = count[count_0];
    const float w = (float)before * weight(before, n.s0);
    for (size_t i = ITEM; i < columns; i += ITEMS) {
        global float *to = m2 + m2_0 + i * columns;
        global const float *from = more + more_0 + i * columns;
        const float d = before ? w * away(mean + mean_0, hi + hi_0, lo + lo_0, (uint)i, columns) : 0.0f;
        for (uint j = 0; j < columns; j++) {
            const float2 old = before ? (float2)(to[j], to[size + j]) : (float2)(0.0f);
            const float e = before ? d * away(mean + mean_0, hi + hi_0, lo + lo_0, j, columns) : 0.0f;
            const float2 sum = add_to(add_to(old, from[j]), e);
            to[j] = sum.x;
            to[size + j] = sum.y;
        }
    }
}
#endif

/* Then the mean moves, and the count. n as above. */
#if WANTS(advance)
STEP(advance)(AT(float, mean), AT(const ulong, count), AT(const float, hi), AT(const float, lo), NUMBERS_)
{
    const uint columns = n.s1;
    const ulong before = count[count_0];
    const float w = weight(before, n.s0);
    for (size_t c = ITEM; c < columns; c += ITEMS) {
        global float *to = mean + mean_0 + c;
        const float2 one = (float2)(hi[hi_0 + c], lo[lo_0 + c]);
        const float d = before ? w * away(mean + mean_0, hi + hi_0, lo + lo_0, (uint)c, columns) : 0.0f;
        const float2 sum = before ? add_to((float2)(to[0], to[columns]), d) : add_to((float2)(one.x, 0.0f), one.y);
        to[0] = sum.x;
        to[columns] = sum.y;
    }
}
#endif
#if WANTS(counted)
STEP(counted)(AT(ulong, count), NUMBERS_)
{
    if (!ITEM)
        count[count_0] += n.s0;
}
#endif
#undef OP

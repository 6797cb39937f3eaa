/* copy.cl -- a copy with nothing between load and store, or with READ_ONLY the loads alone, or with TWO the sum
 * of two. */
kernel __attribute__((reqd_work_group_size(WG, 1, 1))) void copy(global const SRC *x, global const DST *z,
                                                                 global DST *y, const ulong n, const ulong per)
{
    const ulong first = get_group_id(0) * per, end = min(n, first + per);
    DST sum = (DST)0;
    for (ulong i = first + get_local_id(0); i < end; i += WG) {
#if TWO
        const DST v = CONVERT(x[i]) + z[i];
#else
        const DST v = CONVERT(x[i]);
#endif
#if READ_ONLY
        sum += v;
#elif NT
        __builtin_nontemporal_store(v, y + i);
#else
        y[i] = v;
#endif
    }
    if (READ_ONLY)
        y[get_global_id(0)] = sum;
}

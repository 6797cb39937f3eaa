/* floors.cl -- the walks that an op cannot do without: its loads and its streaming stores, and next to no arithmetic.
 *
 * A set is RUNS runs of LEN floats, STEP apart; INNER sets lie side by side, those after them OUTER further. It is read, for its
 * statistics, and then mapped, its last run first. ROWS runs are walked side by side. With TWO there are x and dy. READ_AHEAD and
 * MAP_AHEAD, where not 0, are how many floats ahead a walk prefetches, into the cache of HINT (3: L1, 2: L2).
 *
 * What lies side by side may have statistics of its own, of each of so many columns: READ_SUMS of them are kept, two sums each, by which
 * the map goes; MAP_SUMS of them are added up by the map, as gradients of weights are. 0: no such. */
typedef float16 vec;
#define VEC 16
#define INLINE static inline __attribute__((always_inline))
#define LOAD(p) (*(global const vec *)(p))
#define STORE(v, p) __builtin_nontemporal_store(v, (global vec *)(p))
#define PREFETCH(p) __builtin_prefetch((const void *)(size_t)(p), 0, HINT)
#define FETCH(at, ahead)                  \
    if (ahead) {                          \
        PREFETCH(x + (at) + (ahead));     \
        if (TWO)                          \
            PREFETCH(d + (at) + (ahead)); \
    }
#define KERNEL kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
#define ARGS global const float *x, global const float *d, global float *y, global float *left, const ulong count, const ulong per
#define AT(set) ((set) / INNER * OUTER + (set) % INNER * LEN)
#define FIRST (get_group_id(0) * per)
#define END min(count, FIRST + per)

/* Sums of columns, or of all as one. */
#define WIDTH (READ_SUMS ? READ_SUMS : MAP_SUMS ? MAP_SUMS : LEN)
#define READ_VECS (READ_SUMS ? READ_SUMS / VEC : 1)
#define MAP_VECS (MAP_SUMS ? MAP_SUMS / VEC : 1)
typedef struct {
    vec a[READ_VECS], b[READ_VECS];
} sums;
typedef struct {
    vec a[MAP_VECS], b[MAP_VECS];
} gradients;
#define NO_SUMS(s, vecs)             \
    for (ulong j = 0; j < vecs; j++) \
        (s)->a[j] = (s)->b[j] = (vec)0

/* What the sums give the map. */
#define FOLD(sum) ((sum) * 1e-9f + 1.0f)
INLINE void fold(sums *s)
{
    for (ulong j = 0; j < READ_VECS; j++) {
        s->a[j] = FOLD(s->a[j]);
        s->b[j] = FOLD(s->b[j]);
    }
}

/* Vectors `at` of ROWS runs, column j. */
#define EVERY(first)                                                   \
    for (ulong begin = first; begin < first + LEN; begin += WIDTH)     \
        for (ulong i = begin, j = 0; i < begin + WIDTH; i += VEC, j++) \
            _Pragma("unroll") for (ulong at = i, r = 0; r < ROWS; r++, at += STEP)

INLINE void read(global const float *x, global const float *d, ulong first, sums *s)
{
    EVERY(first) {
        FETCH(at, READ_AHEAD)
        const vec v = LOAD(x + at), w = TWO ? LOAD(d + at) : v;
        if (READ_SUMS) {
            s->a[j] += w;
            s->b[j] += v * w;
        } else
            s->a[0] += TWO ? v * w : v;
    }
}

INLINE void map(global const float *x, global const float *d, global float *y, ulong first, const sums *s, gradients *g)
{
    EVERY(first) {
        FETCH(at, MAP_AHEAD)
        const vec v = LOAD(x + at), w = TWO ? LOAD(d + at) : v;
        if (MAP_SUMS) {
            g->a[j] += w;
            g->b[j] += v * w;
        }
        if (READ_SUMS)
            STORE(v * s->a[j] + (TWO ? w + s->b[j] : s->b[j]), y + at);
        else
            STORE(v * s->a[0] + (TWO ? w : s->a[0]), y + at);
    }
}

#define READ_SET(set, s)                   \
    for (ulong r = 0; r < RUNS; r += ROWS) \
        read(x, d, AT(set) + r * STEP, s)
#define MAP_SET(set, s, g)                 \
    for (ulong r = RUNS; r > 0; r -= ROWS) \
        map(x, d, y, AT(set) + (r - ROWS) * STEP, s, g)

/* All sets of a group; what they add up to is left for `maps`. */
KERNEL reads(ARGS)
{
    sums s;
    vec all = 0;
    NO_SUMS(&s, READ_VECS);
    for (ulong set = FIRST; set < END; set++)
        READ_SET(set, &s);
    for (ulong j = 0; j < READ_VECS; j++)
        all += s.a[j] + s.b[j];
    vstore16(all, get_group_id(0), left);
}

/* What `reads` has read last comes first. */
KERNEL maps(ARGS)
{
    const ulong group = get_num_groups(0) - 1 - get_group_id(0);
    sums s;
    gradients g;
    for (ulong j = 0; j < READ_VECS; j++)
        s.a[j] = s.b[j] = vload16(group, left);
    fold(&s);
    for (ulong set = min(count, (group + 1) * per); set-- > group * per;)
        MAP_SET(set, &s, &g);
}

/* A set after the other, twice each. */
KERNEL both(ARGS)
{
    gradients g;
    vec all = 0;
    NO_SUMS(&g, MAP_VECS);
    for (ulong set = FIRST; set < END; set++) {
        sums s;
        NO_SUMS(&s, READ_VECS);
        READ_SET(set, &s);
        fold(&s);
        MAP_SET(set, &s, &g);
    }
    for (ulong j = 0; j < MAP_VECS; j++)
        all += g.a[j] + g.b[j];
    if (MAP_SUMS)
        vstore16(all, get_group_id(0), left);
}

/* The same, a set being read while the one before is mapped. */
KERNEL turns(ARGS)
{
    sums now, next;
    gradients g;
    for (ulong set = FIRST; set <= END; set++) {
        NO_SUMS(&next, READ_VECS);
        for (ulong r = 0; r < RUNS; r += ROWS) {
            if (set < END)
                read(x, d, AT(set) + r * STEP, &next);
            if (set > FIRST)
                map(x, d, y, AT(set - 1) + (RUNS - ROWS - r) * STEP, &now, &g);
        }
        fold(&next);
        now = next;
    }
}

/* Bytes of pixels of three channels to three planes of LEN floats, as ToTensor has them, by sets of STEP pixels: those of a plane, then
 * those of the next. Sixteen pixels are twelve words, each float a byte of one of those. */
#define PLANE(c, word)                                                                                 \
    for (ulong i = p; i < p + STEP; i += VEC) {                                                        \
        const global uint4 *from = (const global uint4 *)((const global uchar *)x + 3 * i);            \
        const uint4 by = ((uint4)(0, 24, 16, 8) + 8 * c) % 32;                                         \
        const uint16 w = (uint16)(from[0], from[1], from[2], from[2]);                                 \
        STORE(convert_float16(as_int16(w.word >> (uint16)(by, by, by, by) & 0xffu)) * (1.0f / 255.0f), \
              y + (i / LEN * 3 + c) * LEN + i % LEN);                                                  \
    }
KERNEL pixels(ARGS)
{
    for (ulong p = FIRST * STEP; p < END * STEP; p += STEP) {
        PLANE(0, s00123345667899ab)
        PLANE(1, s0112344567789aab)
        PLANE(2, s0122345567889abb)
    }
}

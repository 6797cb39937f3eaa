/* table.c -- what every op goes through: types x layouts x scopes x shapes x views x data.
 *
 * Compiling is what costs, once per op, pair of types, layout and kind of work-group; shapes and data are
 * cheap. So the pairs are few, and every pair sees all shapes and data: dense ones of the first two in every
 * schedule, others in one that is compiled already (WAYS_ONE of harness.h). The slab schedule costs as much as
 * all others together, to ten seconds in a work-group of many: those of 64 are minmax's, those of 48 zscore's,
 * and of the layouts but the first pair's each op has a third. Where an op has a scope, work-groups of many take
 * sets that lie across several axes: others have the same kernels with less of a place. CLNORM_TEST_FULL has all;
 * CLNORM_TEST_SMALL, for tools that are slow, a part: six shapes of the first two pairs, three of f16 and bf16,
 * and of what follows the table ordinary data of few elements. */
#include "array.h"
#include "data.h"
#include "harness.h"

#include "base/compiler.h"
#include "record.h"
#include "tensor/tensor.h"

#include <stdlib.h>
#include <string.h>

typedef struct pair {
    uint32_t x, y;
    bool all_layouts;
    uint32_t groups; /* besides the device's own, as in op_case */
    uint32_t no_slab;
    bool one_way;
} pair;
#define EVERY_GROUP 7
static const pair pairs[] = {
    { CLNORM_F32, CLNORM_F32, true, 6, 0, false },   { CLNORM_U8, CLNORM_F32, true, 1, 0, false },
    { CLNORM_F16, CLNORM_F16, false, 0, 0, false },  { CLNORM_BF16, CLNORM_BF16, false, 0, 0, false },
    { CLNORM_U16, CLNORM_F32, false, 0, 0, false },  { CLNORM_U8, CLNORM_U8, false, 0, 0, false },
    { CLNORM_U8, CLNORM_F16, false, 0, 0, false },   { CLNORM_F32, CLNORM_S8, false, 0, 0, false },
    { CLNORM_U16, CLNORM_BF16, false, 0, 0, false }, { CLNORM_S8, CLNORM_F32, false, 0, 0, false },
};

/* How x and y lie in memory. */
typedef struct layout {
    const char *name;
    bool x_last, y_last;
    int64_t pad, pixel; /* elements behind each row; elements of a pixel beyond C (RGB in RGBA) */
    size_t offset;
    bool in_place;
} layout;
static const layout layouts[] = {
    { "dense", false, false, 0, 0, 0, false },     { "dense", true, false, 0, 0, 0, false },
    { "dense", true, true, 0, 0, 0, false },       { "offset", false, false, 0, 0, 3, false },
    { "padded", false, false, 5, 0, 1, false },    { "padded", true, false, 4, 0, 0, false },
    { "pixel of 4", true, false, 0, 1, 0, false }, { "in place", false, false, 0, 0, 0, true },
    { "planes", false, true, 0, 0, 0, false },
};
#define PLANES (CLN_COUNT(layouts) - 1)

typedef struct extent {
    int64_t n, c, h, w;
} extent;
static const extent shapes[] = {
    { 1, 3, 1, 1 },    { 2, 3, 5, 7 },  { 1, 1, 1, 15 },   { 1, 1, 1, 17 },  { 3, 1, 1, 64 },
    { 2, 3, 8, 16 },   { 1, 3, 1, 65 }, { 1, 1, 1, 4096 }, { 1, 3, 61, 67 }, { 2, 3, 64, 65 },
    { 1, 3, 96, 144 }, { 0, 3, 4, 4 },  { 2, 3, 0, 4 },    { 33, 3, 3, 3 },
};

/* Of planes: few channels are walked at once, across chunks too. */
static const extent planes[] = { { 2, 2, 5, 7 },  { 1, 2, 61, 70 }, { 2, 3, 64, 65 },
                                 { 3, 4, 3, 33 }, { 1, 4, 64, 70 }, { 1, 5, 9, 9 } };

/* Of many channels, which lie side by side in x: columns of up to a leaf and of several, whole vectors and not. */
static const extent bands[] = { { 2, 16, 5, 7 }, { 1, 19, 24, 25 }, { 2, 33, 3, 11 }, { 1, 16, 48, 47 } };

/* From channels last to first and back, 16 channels at once, fewer and some twice: whole vectors of pixels and not, chunks of several
 * parts. */
static const extent turned[] = { { 2, 5, 9, 9 },  { 1, 13, 64, 65 }, { 2, 16, 5, 20 }, { 1, 21, 40, 33 },
                                 { 2, 40, 7, 7 }, { 1, 32, 65, 64 }, { 2, 3, 64, 65 }, { 1, 4, 9, 33 },
                                 { 3, 3, 8, 16 }, { 1, 35, 1, 16 } };

static clnorm_tensor tensor(uint32_t dtype, extent s, bool last, int64_t pad, int64_t pixel)
{
    const int64_t n[] = { s.n, s.c, s.h, s.w };
    return array_image(dtype, n, last, pad, pixel);
}

static bool has_attr(const clnorm_op_info *op, const char *name)
{
    for (size_t k = 0; k < op->nattrs; k++)
        if (!strcmp(op->attrs[k].name, name))
            return true;
    return false;
}

/* Attributes that make the numbers worth looking at. */
static void set_attrs(clnorm_any *d, const clnorm_op_info *op, const pair *p, uint32_t scope, bool swap)
{
    const bool whole = p->y == CLNORM_U8 || p->y == CLNORM_S8;
    const double s = scope, one = swap, scale = 3.5, lo = -2, hi = 5, low8 = 10, high8 = 120, full = 127;
    if (has_attr(op, "scope"))
        clnorm_op_set(d, "scope", &s, 1);
    clnorm_op_set(d, "swap_rb", &one, 1);
    if ((op->kind == CLNORM_OP_SYMMETRIC && p->x != CLNORM_U8 && p->x != CLNORM_U16) || p->x == CLNORM_S8 ||
        (op->kind == CLNORM_OP_DENORMALIZE && p->y == CLNORM_S8))
        clnorm_op_set(d, "scale", op->kind == CLNORM_OP_DENORMALIZE ? &full : &scale, 1);
    if (op->kind == CLNORM_OP_MINMAX) {
        clnorm_op_set(d, "lo", whole ? &low8 : &lo, 1);
        clnorm_op_set(d, "hi", whole ? &high8 : &hi, 1);
    }
}

static bool takes_pair(const clnorm_op_info *op, const pair *p)
{
    return op->x_types >> p->x & 1 && op->y_types >> p->y & 1;
}

static void run_cell(const clnorm_op_info *op, const pair *p, const layout *l, extent s, uint32_t scope,
                     data_kind data, bool swap)
{
    op_case c;
    memset(&c, 0, sizeof c);
    clnorm_op_init(&c.desc, op->kind);
    c.desc.head.x = tensor(p->x, s, l->x_last, l->pad, l->pixel);
    if (op->kind != CLNORM_OP_MOMENTS)
        c.desc.head.y = l->in_place ? c.desc.head.x : tensor(p->y, s, l->y_last, l->pad, 0);
    c.desc.head.y.dtype = op->kind == CLNORM_OP_MOMENTS ? 0 : p->y;
    set_attrs(&c.desc, op, p, scope, swap);
    if (op->kind == CLNORM_OP_NORMALIZE && s.c != 3) { /* the default preset has three channels */
        const double half = 0.5;
        clnorm_op_set(&c.desc, "mean", &half, 1);
        clnorm_op_set(&c.desc, "std", &half, 1);
    }
    if (op->kind == CLNORM_OP_DENORMALIZE) {
        const double half = 0.5;
        static const double ofs[] = { CLNORM_OP_MINMAX, CLNORM_OP_SYMMETRIC, CLNORM_OP_ZSCORE,
                                      CLNORM_OP_TOTENSOR, CLNORM_OP_NORMALIZE };
        const double *of = &ofs[(scope + (uint32_t)s.w) % CLN_COUNT(ofs)];
        clnorm_op_set(&c.desc, "of", of, 1);
        if (s.c != 3) {
            clnorm_op_set(&c.desc, "mean", &half, 1);
            clnorm_op_set(&c.desc, "std", &half, 1);
        }
    }
    c.data = data;
    c.seed = (uint32_t)(s.w * 31 + s.h * 7 + (int64_t)scope + (int64_t)data * 101);
    c.in_place = l->in_place;
    c.unordered = s.h % 2 == 0;
    c.force = p->one_way ? WAYS_ONE : p->groups ? WAYS_ALL : WAYS_OWN;
    c.groups = p->groups;
    c.crossed = has_attr(op, "scope") && !getenv("CLNORM_TEST_FULL");
    c.extra = l != layouts && !p->all_layouts;
    c.no_slab = p->no_slab;
    c.offset = l->offset;
    c.view = l->name;
    harness_run(harness_get(), &c);
}

/* What follows besides the table: of it a slow tool has ordinary data of up to FEW elements. */
#define FEW 4000

static void run_besides(const clnorm_op_info *op, const pair *p, const layout *l, extent s, uint32_t scope,
                        data_kind data, bool swap)
{
    if (!harness_small() || (data == DATA_NORMAL && s.n * s.c * s.h * s.w <= FEW))
        run_cell(op, p, l, s, scope, data, swap);
}

/* Work-groups of many besides the table, which walk as one by itself does and fold as in the table: of one op alone. */
static uint32_t groups_besides(const clnorm_op_info *op)
{
    return op->kind == CLNORM_OP_ZSCORE || getenv("CLNORM_TEST_FULL") ? 2 : 0;
}

static void run_planes(const clnorm_op_info *op)
{
    const pair p = { CLNORM_F32, op->y_types >> CLNORM_U8 & 1 ? CLNORM_U8 : CLNORM_F32,
                     false,      groups_besides(op),
                     2,          false };
    for (size_t s = 0; s < CLN_COUNT(planes); s++)
        for (uint32_t scope = 0; scope <= (has_attr(op, "scope") ? CLNORM_SCOPE_BATCH : 0);
             scope += CLNORM_SCOPE_BATCH)
            run_besides(op, &p, &layouts[PLANES], planes[s], scope, DATA_NORMAL, planes[s].c == 3);
}

/* Floats with all kinds of data, y channels first and last; bytes and 16 bits where there is a statistic, which is of each channel. */
static void run_bands(const clnorm_op_info *op)
{
    const pair kinds[] = { { CLNORM_F32, CLNORM_F32, true, groups_besides(op), 2, false },
                           { CLNORM_U8, CLNORM_F32, true, 0, 2, true },
                           { CLNORM_U16, CLNORM_F32, true, 0, 2, true } };
    const bool folds = has_attr(op, "scope");
    const size_t ys = op->kind == CLNORM_OP_MOMENTS ? 1 : 2;
    for (size_t p = 0; p < (folds ? CLN_COUNT(kinds) : 1); p++)
        for (size_t s = 0; s < CLN_COUNT(bands) * ys && takes_pair(op, &kinds[p]); s++) {
            const layout l = { "bands", true, s % ys > 0, 0, 0, 0, false };
            for (int data = DATA_NORMAL; data < (p ? DATA_NORMAL + 1 : DATA_KINDS); data++)
                if (data_fits((data_kind)data, kinds[p].x))
                    run_besides(op, &kinds[p], &l, bands[s / ys], CLNORM_SCOPE_CHANNEL, (data_kind)data,
                                false);
            if (folds)
                run_besides(op, &kinds[p], &l, bands[s / ys], CLNORM_SCOPE_BATCH_CHANNEL, DATA_NORMAL, false);
        }
}

/* Floats, wide too, with all kinds of data; what is smaller in one way, of an op with statistics half of it, in one scope each. In one way
 * are minmax's floats, too, which are mapped as zscore's are, of zscore's scopes those that share an image's or a channel's kernels, and
 * few channels, which are planes; last in x, they have layouts of their own. */
static void run_turned(const clnorm_op_info *op)
{
    static const pair kinds[] = { { CLNORM_F32, CLNORM_F32, true, 4, 4, false },
                                  { CLNORM_F32, CLNORM_U8, true, 0, 0, true },
                                  { CLNORM_U8, CLNORM_U8, true, 0, 0, true },
                                  { CLNORM_F16, CLNORM_BF16, true, 0, 0, true },
                                  { CLNORM_U16, CLNORM_F16, true, 0, 0, true } };
    const bool full = getenv("CLNORM_TEST_FULL") != NULL;
    const uint32_t scopes = has_attr(op, "scope") ? 4 : 1;
    const bool folds = scopes > 1 && op->kind != CLNORM_OP_DENORMALIZE;
    for (size_t p = 0; p < CLN_COUNT(kinds); p++) {
        const bool due = !p || !folds || (p + op->kind / 2) % 2;
        for (size_t s = 0; s < CLN_COUNT(turned) * 2 && due && takes_pair(op, &kinds[p]); s++) {
            const extent *e = &turned[s / 2];
            const layout l = { "turned", s % 2 == 0, s % 2 > 0, 0, 0, 0, false };
            pair q = kinds[p];
            if (e->c < 5 && (p || l.x_last))
                continue;
            q.one_way |= !full && (op->kind == CLNORM_OP_MINMAX || e->c < 5);
            for (uint32_t scope = 0; scope < scopes; scope++) {
                q.one_way |= !full && scope >= CLNORM_SCOPE_BATCH;
                for (int data = DATA_NORMAL; data < (p || scope % 2 ? DATA_NORMAL + 1 : DATA_KINDS); data++)
                    if (data_fits((data_kind)data, q.x) && (!p || scope == (s / 2 + p) % scopes))
                        run_besides(op, &q, &l, *e, scope, (data_kind)data, false);
            }
        }
    }
}

void table_run(uint32_t kind)
{
    const clnorm_op_info *op = clnorm_op_of(kind);
    const uint32_t scopes = has_attr(op, "scope") ? 4 : 1;
    const uint32_t turn = kind + kind / 4; /* each of minmax, zscore and moments has its own third */
    const uint32_t dear = kind == CLNORM_OP_MINMAX ? 2 : kind == CLNORM_OP_ZSCORE ? 1 | 4 : 1 | 2 | 4;
    const size_t full = getenv("CLNORM_TEST_FULL") != NULL;
    for (size_t p = 0; p < (harness_small() ? 4 : CLN_COUNT(pairs)); p++) {
        const size_t nshapes = !harness_small() ? CLN_COUNT(shapes) : p < 2 ? 6 : 3;
        pair q = pairs[p];
        if (kind == CLNORM_OP_MOMENTS)
            q.y = CLNORM_F32;
        if (!takes_pair(op, &q)) {
            record_skip("the op does not take these types");
            continue;
        }
        if (kind == CLNORM_OP_MOMENTS && p && pairs[p - 1].x == q.x)
            continue;
        for (size_t l = 0; l < CLN_COUNT(layouts); l++) {
            if (harness_small() && l > 1)
                break;
            if (layouts[l].in_place && q.x != q.y)
                continue;
            if (kind == CLNORM_OP_MOMENTS && (layouts[l].in_place || l == PLANES)) /* it writes no y */
                continue;
            if (l > full && !q.all_layouts)
                break;
            q.groups = l > 1 ? 0 : full && q.all_layouts ? EVERY_GROUP : l == p ? pairs[p].groups : 0;
            q.no_slab = full ? 0 : dear | (p && (p + l + turn) % 3 ? 8 : 0);
            q.one_way = !full && (p > 1 || l > 2); /* but dense ones of the first two pairs */
            for (size_t s = 0; s < nshapes; s++)
                for (uint32_t scope = 0; scope < scopes; scope++)
                    run_cell(op, &q, &layouts[l], shapes[s], scope, DATA_NORMAL,
                             shapes[s].c == 3 && s % 2 == 1 && !layouts[l].in_place);
        }
        q.groups = 0;
        q.one_way = !full && p > 1;
        q.no_slab = !full && p && (p + turn) % 3 ? 8 : 0;
        for (int data = DATA_CONSTANT; data < DATA_KINDS; data++)
            if (data_fits((data_kind)data, q.x))
                for (size_t s = 0; s < nshapes; s++)
                    run_cell(op, &q, &layouts[0], shapes[s], (uint32_t)s % scopes, (data_kind)data, false);
    }
    if (kind != CLNORM_OP_MOMENTS) {
        run_planes(op);
        run_turned(op);
    }
    run_bands(op);
    record_schedules(op);
    record_frozen(op);
}

TCase *table_tcase(const char *name, const TTest *test)
{
    TCase *t = tcase_create(name);
    tcase_set_timeout(t, 0);
    tcase_add_test(t, test);
    return t;
}

/* test_op.c -- every descriptor that is refused. */
#include "op_case.h"

#include <math.h>

START_TEST(arguments)
{
    const clnorm_any d = small(CLNORM_OP_ZSCORE);
    clnorm_context *const ctx = harness_get()->ctx;
    const struct {
        clnorm_context *ctx;
        const clnorm_op *op;
        uint32_t effort;
        const char *word;
    } bad[] = { { NULL, &d.op, 0, "ctx is NULL" },
                { ctx, NULL, 0, "op is NULL" },
                { ctx, &d.op, CLNORM_NO_BUILD + 1, "effort is 3; ESTIMATE 0, MEASURE 1 and NO_BUILD 2" } };
    ck_assert_int_eq(clnorm_plan_create(NULL, ctx, &d.op, 0), CLNORM_EARG);
    for (size_t k = 0; k < CLN_COUNT(bad); k++) {
        clnorm_plan *plan = (clnorm_plan *)ctx;
        ck_assert_int_eq(clnorm_plan_create(&plan, bad[k].ctx, bad[k].op, bad[k].effort), CLNORM_EARG);
        SAYS(bad[k].word);
        ck_assert_ptr_null(plan);
    }
    ck_assert_int_eq(clnorm_op_check(NULL), CLNORM_EARG);
}
END_TEST

START_TEST(heads)
{
    EACH_OP(op)
    {
        clnorm_any d = small(op->kind);
        d.op.size += 8;
        refused(&d, CLNORM_EARG, "size");
        d.op.size = 0;
        refused(&d, CLNORM_EARG, "size");
        d = small(op->kind);
        d.op.kind = 99;
        refused(&d, CLNORM_EARG, "kind is 99");
        d = small(op->kind);
        d.op.direction = op->schedules_back ? 2 : 1;
        refused(&d, CLNORM_EARG, "direction");
        d = small(op->kind);
        d.op.semantics = 4;
        refused(&d, CLNORM_EARG, "semantics");
        d = small(op->kind);
        d.op.flags = 1;
        refused(&d, CLNORM_EARG, "flags");
    }
}
END_TEST

/* What is reserved, wherever it lies: words that are neither an attribute nor the channels of lists. */
START_TEST(reserved)
{
    size_t words = 0;
    EACH_OP(op)
    {
        clnorm_any d = small(op->kind);
        d.op.reserved = 7;
        refused(&d, CLNORM_EARG, "reserved is 7; 0 is allowed");
        d = small(op->kind);
        d.head.x.reserved = 1;
        refused(&d, CLNORM_EARG, "x.reserved is 1; 0 is allowed");
        d = small(op->kind);
        d.head.y.reserved = 1;
        refused(&d, CLNORM_EARG, "y.reserved is 1; 0 is allowed");
        if (!op->layer)
            continue;
        for (int k = 0; k < 2; k++, words++) {
            d = small(op->kind);
            d.layered.layer.reserved[k] = 5;
            refused(&d, CLNORM_EARG, "reserved is 5");
        }
    }
    ck_assert_uint_eq(words, 20); /* of ten layers */
    clnorm_any d = small(CLNORM_OP_NORMALIZE);
    d.normalize.reserved = 3;
    refused(&d, CLNORM_EARG, "normalize: reserved is 3; 0 is allowed");
    d = small(CLNORM_OP_LAYERNORM);
    d.layernorm.reserved = 3;
    refused(&d, CLNORM_EARG, "layernorm: reserved is 3");
    d = small(CLNORM_OP_BATCHNORM);
    d.batchnorm.reserved = 3;
    refused(&d, CLNORM_EARG, "batchnorm: reserved is 3");
}
END_TEST

static void set_bad(clnorm_any *d, const clnorm_attr *a, double v)
{
    const float f = (float)v;
    const uint32_t u = a->type == CLNORM_ATTR_U32 ? (uint32_t)v : 0;
    memcpy((char *)d + a->offset, a->type == CLNORM_ATTR_U32 ? (const void *)&u : (const void *)&f, 4);
}

START_TEST(attributes)
{
    EACH_OP(op)
    for (size_t k = 0; k < op->nattrs; k++) {
        const clnorm_attr *a = &op->attrs[k];
        const double step = a->type == CLNORM_ATTR_U32 ? 1 : a->low == 0 ? 1e-3 : 1e30;
        const double bad[] = { a->high + (a->type == CLNORM_ATTR_U32 ? 1 : 1e30), a->low - step, (double)NAN,
                               (double)INFINITY, -(double)INFINITY };
        for (size_t i = 0; i < CLN_COUNT(bad); i++) {
            clnorm_any d = small(op->kind);
            if (bad[i] >= a->low && bad[i] <= a->high) /* p may be infinite */
                continue;
            if (a->type == CLNORM_ATTR_U32 && (i > 1 || bad[i] < 0 || bad[i] > UINT32_MAX))
                continue;
            if (a->type == CLNORM_ATTR_F32_LIST) { /* both lists, of which one entry is bad */
                const size_t channels = op->kind == CLNORM_OP_NORMALIZE
                                            ? offsetof(clnorm_normalize, channels)
                                            : offsetof(clnorm_denormalize, channels);
                const uint32_t one = 1;
                for (size_t j = 0; j < op->nattrs; j++)
                    if (op->attrs[j].type == CLNORM_ATTR_F32_LIST)
                        set_bad(&d, &op->attrs[j], 1);
                memcpy((char *)&d + channels, &one, sizeof one);
            }
            set_bad(&d, a, bad[i]);
            refused(&d, CLNORM_EARG, a->name);
        }
    }
}
END_TEST

/* As floats, which are a little beyond the numbers that the table has. */
START_TEST(limits_are_allowed)
{
    clnorm_any d = small(CLNORM_OP_TOTENSOR);
    d.totensor.scale = 1e30f;
    OK(clnorm_op_check(&d));
    d.totensor.scale = 1e-30f;
    OK(clnorm_op_check(&d));
    d = small(CLNORM_OP_LRN);
    d.lrn.alpha = 1e-9f;
    OK(clnorm_op_check(&d));
}
END_TEST

START_TEST(types)
{
    EACH_OP(op)
    for (uint32_t t = 0; t < 12; t++) {
        clnorm_any d = small(op->kind);
        d.head.x.dtype = t;
        if (!(op->x_types >> t & 1))
            refused(&d, CLNORM_EDTYPE, "x ");
        d = small(op->kind);
        if (op->kind == CLNORM_OP_MOMENTS)
            d.head.y = clnorm_nchw(CLNORM_F32, 2, 1, 1, 1);
        d.head.y.dtype = t;
        if (!(op->y_types >> t & 1))
            refused(&d, CLNORM_EDTYPE, "y ");
    }
}
END_TEST

START_TEST(shapes)
{
    EACH_OP(op)
    {
        clnorm_any d = small(op->kind);
        d.head.y = clnorm_nchw(CLNORM_F32, 2, 3, 4, 6);
        refused(&d, CLNORM_ESHAPE, "(2,3,4,6)");
        d.head.y = clnorm_rows(CLNORM_F32, 2, 60);
        refused(&d, CLNORM_ESHAPE, "(2,60)");
        d = small(op->kind);
        d.head.x.ndim = 0;
        refused(&d, CLNORM_ESHAPE, "x has 0 axes");
        d.head.x.ndim = 7;
        refused(&d, CLNORM_ESHAPE, "x has 7 axes");
        d = small(op->kind);
        d.head.x.shape[2] = -4;
        refused(&d, CLNORM_ESHAPE, "-4");
        d = small(op->kind);
        d.head.x.shape[2] = d.head.x.shape[3] = INT64_MAX / 2;
        refused(&d, CLNORM_ESHAPE, "larger than any memory");
        for (uint32_t k = 0; k < 4; k++) /* few elements, under more indices than there are numbers */
            d.head.x.stride[k] = 1;
        d.head.x.shape[2] = d.head.x.shape[3] = (int64_t)1 << 40;
        refused(&d, CLNORM_ESHAPE, "larger than any memory");
        if (!cln_op_of(op->kind)->maps)
            continue;
        d = small(op->kind);
        d.head.y.stride[2] = 2; /* rows run into each other */
        refused(&d, CLNORM_ESHAPE, "two indices");
    }
    clnorm_any d = small(CLNORM_OP_LAYERNORM); /* x is as y begins */
    d.head.x = clnorm_rows(CLNORM_F32, 2, 3);
    refused(&d, CLNORM_ESHAPE, "(2,3,4,5)");
}
END_TEST

START_TEST(lists)
{
    clnorm_any d = small(CLNORM_OP_NORMALIZE);
    clnorm_normalize *n = &d.normalize;
    const uint32_t bad[] = { 2, 4, 17, 1000 };
    for (uint32_t c = 0; c < CLNORM_MAX_CHANNELS; c++)
        n->std[c] = 1;
    for (size_t k = 0; k < CLN_COUNT(bad); k++) {
        n->channels = bad[k];
        refused(&d, CLNORM_ESHAPE, "channels");
    }
    n->channels = 3;
    static const float no_std[] = { 0, 1e-31f, -1e-31f, 2e30f, INFINITY, NAN };
    for (size_t k = 0; k < CLN_COUNT(no_std); k++) {
        n->std[1] = no_std[k];
        refused(&d, CLNORM_EARG, "channel 1 has mean 0 and std");
    }
    n->std[1] = -1; /* turns the picture */
    n->mean[2] = -INFINITY;
    refused(&d, CLNORM_EARG, "channel 2 has mean -inf");
    n->mean[2] = 0;
    clnorm_any good = d;
    OK(clnorm_op_check(&good));
    d.head.x = d.head.y = clnorm_nchw(CLNORM_F32, 1, 4, 2, 2); /* imagenet has three */
    n->channels = 0;
    refused(&d, CLNORM_ESHAPE, "channels");
    d.head.x = d.head.y = clnorm_nchw(CLNORM_F32, 1, 17, 2, 2); /* as many as x has, and too many */
    n->channels = 17;
    refused(&d, CLNORM_ESHAPE, "mean and std have 17 values and x has 17 channels");
}
END_TEST

/* What kernels have of mean, std and scale is their products. */
START_TEST(products)
{
    static const struct {
        float mean, std, scale;
        bool good;
    } cases[] = { { 0, 1e-30f, 1.1e-7f, true },  { 0, 1e-30f, 0.9e-7f, false },
                  { 0, -1e-30f, 1.1e-7f, true }, { 0, -1e-30f, 0.9e-7f, false },
                  { 0, 1e30f, 0.9e7f, true },    { 0, 1e30f, 1.1e7f, false },
                  { 0, -1e30f, 1.1e7f, false },  { 1e30f, 1, 3.3e8f, true },
                  { 1e30f, 1, 3.5e8f, false },   { -1e30f, 1, 3.5e8f, false } };
    for (size_t k = 0; k < CLN_COUNT(cases); k++) {
        clnorm_any d = small(CLNORM_OP_NORMALIZE);
        d.normalize.channels = 1;
        d.normalize.mean[0] = cases[k].mean;
        d.normalize.std[0] = cases[k].std;
        d.normalize.scale = cases[k].scale;
        if (cases[k].good)
            OK(clnorm_op_check(&d));
        else
            refused(&d, CLNORM_EARG, "mean * scale must be below 3.4e+38, std * scale from 1e-37 to 1e+37");
    }
}
END_TEST

START_TEST(of_their_own)
{
    clnorm_any d = small(CLNORM_OP_SYMMETRIC);
    d.symmetric.scale = 0;
    refused(&d, CLNORM_EARG, "scale");
    d = small(CLNORM_OP_DENORMALIZE);
    d.denormalize.of = CLNORM_OP_MINMAX;
    d.denormalize.lo = d.denormalize.hi = 2;
    refused(&d, CLNORM_EARG, "lo and hi");
    const clnorm_tensor many = clnorm_nchw(CLNORM_F32, 1, (1 << 24) + 1, 1, 1);
    d = desc_of(CLNORM_OP_DENORMALIZE, &many);
    d.denormalize.of = CLNORM_OP_ZSCORE;
    d.denormalize.swap_rb = 1;
    d.denormalize.scope = CLNORM_SCOPE_CHANNEL;
    refused(&d, CLNORM_EUNSUPPORTED, "statistics of 16777217 channels");
    d = small(CLNORM_OP_MOMENTS);
    d.moments.axes = 1u << 4;
    refused(&d, CLNORM_EARG, "axes");
    d.moments.axes = 1u << 2;
    d.moments.swap_rb = 1;
    refused(&d, CLNORM_EUNSUPPORTED,
            "moments: swap_rb is 1 and axes 0x4 keep one behind the channels; 0xc are allowed");
    EACH_OP(op)
    {
        if (op->layer || op->matrix) /* knows neither red nor blue, and takes rows */
            continue;
        const clnorm_tensor two = clnorm_nchw(CLNORM_F32, 1, 2, 4, 5), flat = clnorm_rows(CLNORM_F32, 4, 5);
        d = desc_of(op->kind, &two);
        for (size_t k = 0; k < op->nattrs; k++)
            if (!strcmp(op->attrs[k].name, "swap_rb"))
                set_bad(&d, &op->attrs[k], 1);
        clnorm_any copy = d;
        ck_assert_int_ne(clnorm_op_check(&copy), CLNORM_OK);
        SAYS(op->kind == CLNORM_OP_NORMALIZE || op->kind == CLNORM_OP_DENORMALIZE ? "" : "swap_rb");
        d.head.x = d.head.y = flat;
        copy = d;
        ck_assert_int_ne(clnorm_op_check(&copy), CLNORM_OK);
    }
}
END_TEST

#define REFUSES(call, word)                  \
    do {                                     \
        ck_assert_int_eq(call, CLNORM_EARG); \
        SAYS(word);                          \
    } while (0)

/* What kernels cannot count is known without a device, and of an empty tensor it does not matter. */
START_TEST(counted)
{
    clnorm_any d;
    OK(clnorm_op_init(&d, CLNORM_OP_LAYERNORM));
    d.head.x = (clnorm_tensor){ CLNORM_F32, 6, { 2, 2, 2, 2, 2, 2 }, { 1, 64, 4096, 4, 256, 16 }, 0 };
    d.head.y = d.head.x;
    memset(d.head.y.stride, 0, sizeof d.head.y.stride);
    d.layernorm.axes = 1;
    refused(&d, CLNORM_EUNSUPPORTED, "axes that do not merge");
    OK(clnorm_op_init(&d, CLNORM_OP_L2NORM));
    d.head.x = d.head.y = (clnorm_tensor){ CLNORM_F32, 3, { 1 << 20, 1 << 20, 1 }, { 0 }, 0 };
    d.l2norm.axes = 1u << 2;
    refused(&d, CLNORM_EUNSUPPORTED, "statistics");
    d.head.x.shape[2] = d.head.y.shape[2] = 0;
    OK(clnorm_op_check(&d));
}
END_TEST

/* What the functions that need no device are given. */
START_TEST(misused)
{
    const double value[CLNORM_MAX_CHANNELS + 1] = { 1 };
    clnorm_any d = small(CLNORM_OP_NORMALIZE), unknown = d;
    clnorm_tensor t;
    float mean[CLNORM_MAX_CHANNELS], std[CLNORM_MAX_CHANNELS];
    uint32_t channels;
    unknown.op.kind = 99;
    REFUSES(clnorm_op_init(NULL, CLNORM_OP_ZSCORE), "desc is NULL");
    REFUSES(clnorm_op_init(&unknown, 99), "kind is 99");
    REFUSES(clnorm_op_set(NULL, "eps", value, 1), "desc is NULL");
    REFUSES(clnorm_op_set(&unknown, "eps", value, 1), "kind is 99; no op has it");
    REFUSES(clnorm_op_set(&d, NULL, value, 1), "attr is NULL");
    REFUSES(clnorm_op_set(&d, "scale", NULL, 1), "values is NULL");
    REFUSES(clnorm_op_set(&d, "momentum", value, 1),
            "normalize has no attribute momentum; it has swap_rb, scale, mean, std");
    const double negative = -1, zero = 0;
    REFUSES(clnorm_op_set(&d, "scale", &negative, 1), "scale is -1; 1e-30 to 1e+30 are allowed");
    OK(clnorm_op_set(&d, "scale", &zero, 1));
    REFUSES(clnorm_op_set(&d, "scale", value, 0), "scale got 0 values; 1 to 1");
    REFUSES(clnorm_op_set(&d, "scale", value, 2), "scale got 2 values; 1 to 1");
    REFUSES(clnorm_op_set(&d, "mean", value, CLNORM_MAX_CHANNELS + 1), "values; 1 to 16");
    float list[3];
    REFUSES(clnorm_preset("imagenet", NULL, list, NULL), "mean is NULL");
    REFUSES(clnorm_preset("imagenet", list, list, NULL), "channels is NULL");
    REFUSES(clnorm_op_semantics(NULL, CLNORM_TORCH), "desc must name an op");
    REFUSES(clnorm_op_semantics(&unknown, CLNORM_TORCH), "desc must name an op");
    REFUSES(clnorm_op_semantics(&d, CLNORM_PAPER + 1), "semantics is 4");
    REFUSES(clnorm_preset(NULL, mean, std, &channels), "preset is NULL; there are imagenet");
    REFUSES(clnorm_preset("none", mean, std, &channels), "preset is none; there are imagenet");
    char *text = (char *)&d;
    REFUSES(clnorm_op_source(NULL, CLNORM_OP_ZSCORE), "out is NULL");
    REFUSES(clnorm_op_source(&text, 99), "the kind is 99; no op has it");
    ck_assert_ptr_null(text);
    t = clnorm_nchw(CLNORM_F32, 2, -3, 4, 5);
    ck_assert_int_eq(clnorm_tensor_count(&t), -1);
    ck_assert_ptr_null(clnorm_op_of(99));
    ck_assert_ptr_null(clnorm_op_named(NULL));
    ck_assert_ptr_null(clnorm_op_named("none"));
    ck_assert_int_eq(clnorm_op_slot(NULL, CLNORM_MEAN, &t), 0);
    ck_assert_int_eq(clnorm_op_slot(&d, CLNORM_MEAN, NULL), 0);
    ck_assert_int_eq(clnorm_op_slot(&unknown, CLNORM_MEAN, &t), 0);
    const clnorm_any layer = small(CLNORM_OP_LAYERNORM);
    for (uint32_t s = CLNORM_SLOTS_USED; s < 4 * CLNORM_SLOTS; s++)
        ck_assert_int_eq(clnorm_op_slot(&layer, s, &t), 0);
    clnorm_op_slots(&unknown, &channels, NULL, NULL);
    ck_assert_uint_eq(channels, 0);
}
END_TEST

static Suite *op_suite(void)
{
    TCase *t = SUITE_CASE(arguments, heads, reserved, attributes, limits_are_allowed, types, shapes, lists,
                          products, of_their_own, counted, misused);
    op_words(t);
    return suite_of("op", t);
}

SUITE_MAIN(op_suite)

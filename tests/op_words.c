/* op_words.c -- what is said of descriptors by name and asked of them: lists, profiles, slots, bytes. */
#include "op_case.h"

static void set_list(clnorm_any *d, const char *name, size_t n)
{
    const double values[] = { 2, 3, 4 };
    OK(clnorm_op_set(d, name, values, n));
}

/* Lists that are set by name, one after the other: one value is every channel's. */
START_TEST(lists_by_name)
{
    for (int first = 0; first < 2; first++) {
        clnorm_any d = small(CLNORM_OP_NORMALIZE);
        set_list(&d, first ? "mean" : "std", first ? 3 : 1);
        set_list(&d, first ? "std" : "mean", first ? 1 : 3);
        ck_assert_uint_eq(d.normalize.channels, 3);
        for (uint32_t c = 0; c < 3; c++) {
            ck_assert_float_eq(d.normalize.mean[c], 2 + (float)c);
            ck_assert_float_eq(d.normalize.std[c], 2);
        }
    }
    clnorm_any d = small(CLNORM_OP_NORMALIZE);
    set_list(&d, "mean", 3);
    set_list(&d, "mean", 1);
    set_list(&d, "std", 3);
    ck_assert_float_eq(d.normalize.mean[2], 2);
    ck_assert_float_eq(d.normalize.std[2], 4);
    clnorm_any one = small(CLNORM_OP_NORMALIZE);
    set_list(&one, "mean", 1);
    set_list(&one, "std", 1);
    ck_assert_uint_eq(one.normalize.channels, 1);
    set_list(&one, "std", 3);
    set_list(&one, "std", 1); /* and back */
    ck_assert_uint_eq(one.normalize.channels, 1);
    one.normalize.channels = 1000000;
    set_list(&one, "mean", 1);
    ck_assert_uint_eq(one.normalize.channels, 1);
}
END_TEST

/* As their papers and frameworks print them. */
START_TEST(presets)
{
    static const struct {
        const char *name;
        uint32_t channels;
        float mean[3], std[3];
    } table[] = {
        { "imagenet", 3, { 0.485f, 0.456f, 0.406f }, { 0.229f, 0.224f, 0.225f } },
        { "half", 1, { 0.5f }, { 0.5f } },
        { "clip", 3, { 0.48145466f, 0.4578275f, 0.40821073f }, { 0.26862954f, 0.26130258f, 0.27577711f } },
        { "cifar10", 3, { 0.4914f, 0.4822f, 0.4465f }, { 0.2470f, 0.2435f, 0.2616f } },
    };
    for (size_t k = 0; k < CLN_COUNT(table); k++) {
        float mean[CLNORM_MAX_CHANNELS], std[CLNORM_MAX_CHANNELS];
        uint32_t channels = 0;
        OK(clnorm_preset(table[k].name, mean, std, &channels));
        ck_assert_uint_eq(channels, table[k].channels);
        ck_assert_mem_eq(mean, table[k].mean, channels * sizeof *mean);
        ck_assert_mem_eq(std, table[k].std, channels * sizeof *std);
    }
}
END_TEST

START_TEST(whole_numbers)
{
    const double part[] = { 2.5 };
    clnorm_any d = small(CLNORM_OP_GROUPNORM);
    ck_assert_int_eq(clnorm_op_set(&d, "groups", part, 1), CLNORM_EARG);
    SAYS("groups is 2.5; whole numbers from ");
}
END_TEST

/* A profile leaves nothing of the one before it. */
START_TEST(profiles_one_after_the_other)
{
    EACH_OP(op)
    for (uint32_t a = CLNORM_CHAPTER; a <= CLNORM_PAPER; a++)
        for (uint32_t b = CLNORM_CHAPTER; b <= CLNORM_PAPER; b++) {
            clnorm_any both = small(op->kind), alone = small(op->kind);
            OK(clnorm_op_semantics(&both, a));
            OK(clnorm_op_semantics(&both, b));
            OK(clnorm_op_semantics(&alone, b));
            ck_assert_mem_eq(&both, &alone, op->bytes);
        }
}
END_TEST

/* What frameworks say, as their documentation has it; whatever is not here is the chapter's. */
START_TEST(values_of_profiles)
{
    static const struct {
        const char *op, *attr;
        double chapter, torch, onnx, paper;
    } table[] = {
        { "layernorm", "eps", 1e-6, 1e-5, 1e-5, 1e-6 },
        { "rmsnorm", "eps", 1e-6, 1.1920928955078125e-07, 1e-5, 1e-6 },
        { "l2norm", "eps", 1e-12, 1e-12, 0, 1e-12 },
        { "lpnorm", "eps", 1e-12, 1e-12, 0, 1e-12 },
        { "lpnorm", "p", 2, 2, 2, 2 },
        { "mvn", "eps", 1e-9, 1e-9, 1e-9, 1e-9 },
        { "mvn", "eps_inside", 0, 0, 0, 0 },
        { "batchnorm", "eps", 1e-5, 1e-5, 1e-5, 1e-5 },
        { "batchnorm", "momentum", 0.1, 0.1, 0.9, 0.1 },
        { "batchnorm", "old_momentum", 0, 0, 1, 0 },
        { "batchnorm", "biased_running", 0, 0, 1, 0 },
        { "batchnorm", "single", 0, CLNORM_SINGLE_ERROR, 0, 0 },
        { "groupnorm", "eps", 1e-5, 1e-5, 1e-5, 1e-5 },
        { "instancenorm", "eps", 1e-5, 1e-5, 1e-5, 1e-5 },
        { "lrn", "alpha", 1e-4, 1e-4, 1e-4, 1e-4 },
        { "lrn", "beta", 0.75, 0.75, 0.75, 0.75 },
        { "lrn", "k", 2, 1, 1, 2 },
        { "lrn", "whole_alpha", 0, 0, 0, 1 },
        { "lrn", "lean", 0, CLNORM_LEAN_LEFT, CLNORM_LEAN_RIGHT, 0 },
    };
    for (size_t k = 0; k < CLN_COUNT(table); k++) {
        const double wanted[] = { table[k].chapter, table[k].torch, table[k].onnx, table[k].paper };
        const clnorm_op_info *op = clnorm_op_named(table[k].op);
        const clnorm_attr *a = op->attrs;
        while (strcmp(a->name, table[k].attr))
            a++;
        for (uint32_t profile = CLNORM_CHAPTER; profile <= CLNORM_PAPER; profile++) {
            clnorm_any d = small(op->kind);
            float real;
            uint32_t whole;
            OK(clnorm_op_semantics(&d, profile));
            memcpy(&real, (const char *)&d + a->offset, sizeof real);
            memcpy(&whole, (const char *)&d + a->offset, sizeof whole);
            const double got = a->type == CLNORM_ATTR_F32 ? (double)real : whole;
            ck_assert_msg(fabs(got - wanted[profile]) <= 1e-7 * wanted[profile], "%s: %s is %g in profile %u",
                          table[k].op, table[k].attr, got, profile);
        }
    }
}
END_TEST

/* What is no tensor is refused, or nothing, and not walked. */
START_TEST(no_tensors)
{
    clnorm_tensor t = clnorm_nchw(CLNORM_F32, 1, 3, 4, 5);
    ck_assert_int_eq(clnorm_tensor_count(NULL), -1);
    ck_assert_uint_eq(clnorm_tensor_bytes(NULL), 0);
    t.ndim = 200;
    ck_assert_int_eq(clnorm_tensor_count(&t), -1);
    ck_assert_uint_eq(clnorm_tensor_bytes(&t), 0);
    const clnorm_tensor huge[] = { clnorm_nchw(CLNORM_F32, 1 << 30, 1 << 30, 1 << 30, 1 << 30),
                                   clnorm_nhwc(CLNORM_F32, 1 << 30, 1 << 30, 1 << 30, 1 << 30),
                                   clnorm_image(CLNORM_F32, 3, INT64_MAX, INT64_MAX, INT64_MAX, 0),
                                   clnorm_rows(CLNORM_F32, 1, (int64_t)1 << 61) };
    for (size_t k = 0; k < CLN_COUNT(huge); k++)
        ck_assert_uint_eq(clnorm_tensor_bytes(&huge[k]), 0);
    t = clnorm_nchw(CLNORM_F32, 1, 3, 4, 5);
    t.stride[1] = INT64_MAX / 2;
    ck_assert_uint_eq(clnorm_tensor_bytes(&t), 0);
    const clnorm_tensor most_axes = { CLNORM_F32, 6, { 2, 2, 2, 2, 2, 2 }, { 0 }, 0 };
    ck_assert_uint_eq(clnorm_tensor_bytes(&most_axes), 256);
    clnorm_any d = small(CLNORM_OP_MOMENTS);
    d.moments.y.ndim = 200;
    refused(&d, CLNORM_ESHAPE, "y has 200 axes");
    d = small(CLNORM_OP_SYMMETRIC);
    for (uint32_t i = 0; i < 4; i++)
        d.head.y.stride[i] = i ? d.head.x.stride[i] : INT64_MIN; /* of one sample: nobody steps that far */
    d.head.x.shape[0] = d.head.y.shape[0] = 1;
    OK(clnorm_op_check(&d));
}
END_TEST

/* Ops without gamma and beta pass over what says how they lie. */
START_TEST(no_weights)
{
    EACH_OP(op)
    {
        clnorm_any d = small(op->kind);
        if (!op->layer || op->slots_in >> CLNORM_GAMMA & 1)
            continue;
        d.layered.layer.affine = 0x40000000;
        d.layered.layer.param_dtype = 9;
        OK(clnorm_op_check(&d));
        clnorm_tensor t;
        ck_assert(!clnorm_op_slot(&d, CLNORM_GAMMA, &t));
    }
}
END_TEST

/* Of what undoes another op only what that one has saved. */
START_TEST(slots_of_an_inverse)
{
    static const struct {
        uint32_t of, reads;
    } inverses[] = { { CLNORM_OP_MINMAX, 1u << CLNORM_MIN | 1u << CLNORM_MAX },
                     { CLNORM_OP_ZSCORE, 1u << CLNORM_MEAN | 1u << CLNORM_RSTD },
                     { CLNORM_OP_SYMMETRIC, 0 },
                     { CLNORM_OP_TOTENSOR, 0 },
                     { CLNORM_OP_NORMALIZE, 0 } };
    for (size_t k = 0; k < CLN_COUNT(inverses); k++) {
        uint32_t reads, required;
        clnorm_any d = small(CLNORM_OP_DENORMALIZE);
        d.denormalize.of = inverses[k].of;
        OK(clnorm_op_check(&d));
        clnorm_op_slots(&d, &reads, NULL, &required);
        ck_assert_uint_eq(reads, 1u << CLNORM_X | inverses[k].reads);
        ck_assert_uint_eq(required, reads | 1u << CLNORM_Y);
        clnorm_tensor t;
        for (uint32_t s = CLNORM_Y + 1; s < CLNORM_SLOTS; s++)
            ck_assert_int_eq(clnorm_op_slot(&d, s, &t) != 0, reads >> s & 1);
    }
}
END_TEST

void op_words(TCase *t)
{
    SUITE_ADD(t, lists_by_name, presets, whole_numbers, profiles_one_after_the_other, values_of_profiles,
              no_tensors, no_weights, slots_of_an_inverse);
}

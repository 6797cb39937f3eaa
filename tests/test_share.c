/* test_share.c -- what a CPU of two units takes where it was measured, and in how many groups: docs/planner.md. No device runs
 * any of it. */
#include "api_case.h"
#include "tensor/tensor.h"

typedef struct known {
    uint32_t kind, back, last;
    int64_t n[4];
    const char *solver;
    size_t stage, groups; /* of that stage */
    unsigned cache;       /* of the last level, MiB; 480 is a host's */
} known;

static const known all[] = {
    /* 13 sets: each in a group of its own took 1.25 times as long */
    { CLNORM_OP_MINMAX, 0, 0, { 13, 3, 115, 115 }, "slab", 0, 2, 480 },
    { CLNORM_OP_ZSCORE, 0, 0, { 9, 3, 106, 106 }, "slab", 0, 2, 480 },
    /* a frame is cut into parts of 16 chunks */
    { CLNORM_OP_ZSCORE, 0, 0, { 1, 3, 1080, 1920 }, "split", 0, 95, 480 },
    /* sums and tiles that write dx across its rows: twice as long */
    { CLNORM_OP_LAYERNORM, 1, 0, { 1200, 2297, 1, 1 }, "rows", 0, 32, 480 },
    /* leaves: 2.6 times as long */
    { CLNORM_OP_RMSNORM, 1, 1, { 5, 56, 47, 83 }, "clan", 0, 2, 480 },
    /* 15 families in groups of 3 would be 9 of one unit and 6 of the other */
    { CLNORM_OP_LAYERNORM, 1, 0, { 15, 140, 58, 38 }, "clan", 0, 4, 480 },
    /* 0.8 MB of x and dy a channel; test_choose.c has what such a set is */
    { CLNORM_OP_BATCHNORM, 1, 0, { 32, 256, 56, 56 }, "slab", 0, 32, 480 },
    /* tiles of 81 columns, no whole vectors: 1.6 times as long */
    { CLNORM_OP_BATCHNORM, 1, 0, { 52, 128, 9, 9 }, "cols", 0, 11, 480 },
    /* rows of 264, which tiles do not stream: 1.3 times as long */
    { CLNORM_OP_LAYERNORM, 1, 1, { 3, 264, 52, 31 }, "cols", 0, 12, 480 },
    /* of 32 MiB the second walk of two sets, one for each unit, finds much: split took 1.1 times as long */
    { CLNORM_OP_GROUPNORM, 0, 0, { 2, 280, 143, 143 }, "slab", 0, 2, 32 },
    { CLNORM_OP_GROUPNORM, 0, 0, { 3, 8, 247, 247 }, "split", 0, 24, 32 },
    /* x and dy are 23 MB a set */
    { CLNORM_OP_INSTANCENORM, 1, 0, { 3, 1, 1700, 1700 }, "split", 0, 69, 32 },
    /* x and dy stay for the gradients of weights: one walk took 1.3 times as long; of more than the cache it does not */
    { CLNORM_OP_LAYERNORM, 1, 0, { 793, 843, 1, 1 }, "rows", 0, 32, 32 },
    { CLNORM_OP_LAYERNORM, 1, 0, { 6272, 768, 1, 1 }, "fused", 0, 13, 32 },
    /* gradients of rows: slab took 1.1 to 1.3 times as long; forward it does not */
    { CLNORM_OP_INSTANCENORM, 1, 0, { 4, 280, 44, 12 }, "rows", 0, 32, 32 },
    { CLNORM_OP_INSTANCENORM, 0, 0, { 4, 280, 44, 12 }, "slab", 0, 32, 32 },
};

/* Outputs stream where half of the last level is moved, of a host's, which others write to, from 8 MiB on, and some from 1 MiB. */
START_TEST(from_when_on_outputs_stream)
{
    static const struct {
        unsigned cache, units, wide, earlier, share;
    } cases[] = { { 32, 2, 16, 1, 12 }, { 480, 2, 8, 8, 12 }, { 32, 1, 12, 1, 12 },
                  { 96, 16, 48, 1, 6 }, { 96, 2, 24, 1, 12 }, { 96, 1, 4, 8, 12 } };
    for (size_t k = 0; k < CLN_COUNT(cases); k++) {
        cln_device device = harness_get()->ctx->device;
        cln_params params;
        device.type = CL_DEVICE_TYPE_CPU;
        device.units = cases[k].units;
        device.cache_bytes = (uint64_t)cases[k].cache << 20;
        cln_params_for(&params, &device);
        ck_assert_uint_eq(params.wide_bytes >> 20, cases[k].wide);
        ck_assert_uint_eq(params.earlier, cases[k].earlier);
        ck_assert_uint_eq(params.share_bytes >> 20, cases[k].share);
        ck_assert_uint_le(params.slab_bytes,
                          params.share_bytes); /* else a set would stay that is more than a unit has */
    }
}
END_TEST

static clnorm_any desc_of_known(const known *k)
{
    const int64_t *n = k->n;
    const clnorm_tensor x = n[2] * n[3] == 1 ? clnorm_rows(CLNORM_F32, n[0], n[1])
                            : k->last        ? clnorm_nhwc(CLNORM_F32, n[0], n[1], n[2], n[3])
                                             : clnorm_nchw(CLNORM_F32, n[0], n[1], n[2], n[3]);
    const double given = k->back;
    clnorm_any d = desc_of(k->kind, &x);
    d.op.direction = k->back;
    clnorm_op_set(&d, "given", &given, 1); /* refused by ops that save nothing, which is no matter */
    return d;
}

START_TEST(known_problems)
{
    const known *const k = &all[_i];
    const clnorm_any d = desc_of_known(k);
    cln_device device = harness_get()->ctx->device;
    cln_params params;
    cln_problems posed;
    cln_choice c;
    cln_stage stages[CLN_MAX_STAGES];
    size_t workspace;
    device.type = CL_DEVICE_TYPE_CPU;
    device.units = 2;
    device.cache_bytes = (uint64_t)k->cache << 20;
    cln_params_for(&params, &device);
    OK(cln_op_pose(&posed, &d.op));
    cln_choose(&c, &posed.part[0], NULL, &params, &device);
    cln_geo geo = posed.part[0].geo;
    const size_t n = cln_choice_stages(stages, &geo, &workspace, &posed.part[0], &c);
    ck_assert_str_eq(c.solver->name, k->solver);
    ck_assert_int_eq(c.alone, k->solver[1] == 'l' && k->back && k->n[1] == 256);
    ck_assert_uint_gt(n, k->stage);
    ck_assert_uint_eq(stages[k->stage].groups, k->groups);
}
END_TEST

static Suite *share_suite(void)
{
    Suite *suite = suite_create("share");
    TCase *tcase = tcase_create("share");
    tcase_add_test(tcase, from_when_on_outputs_stream);
    tcase_add_loop_test(tcase, known_problems, 0, (int)CLN_COUNT(all));
    suite_add_tcase(suite, tcase);
    return suite;
}

SUITE_MAIN(share_suite)

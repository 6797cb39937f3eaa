/* test_simple.c -- the host level. */
#include "api_case.h"

#include <math.h>
#include <stdlib.h>

START_TEST(host_level)
{
    clnorm_options o = lazy();
    clnorm_context *ctx;
    cl_command_queue queue = NULL;
    OK(clnorm_open(&ctx, getenv("CLNORM_TEST_DEVICE"), &o));
    OK(clnorm_context_handles(ctx, NULL, NULL, &queue));
    ck_assert_ptr_nonnull(queue);
    clnorm_zscore d = CLNORM_ZSCORE_INIT;
    d.x = clnorm_image(CLNORM_U8, 3, 2, 2, 4, 0); /* alpha is skipped */
    d.y = clnorm_image(CLNORM_F32, 3, 2, 2, 4, 0);
    const unsigned char x[16] = { 0, 2, 0, 9, 2, 0, 2, 9, 0, 2, 0, 9, 2, 0, 2, 9 };
    float y[16], mean = -1, rstd = -1;
    for (size_t i = 0; i < 16; i++)
        y[i] = 5;
    clnorm_host_args io;
    memset(&io, 0, sizeof io);
    io.size = sizeof io;
    io.slot[CLNORM_X] = (void *)(uintptr_t)x;
    io.slot[CLNORM_Y] = y;
    io.slot[CLNORM_MEAN] = &mean;
    io.slot[CLNORM_RSTD] = &rstd;
    OK(clnorm_run_host(ctx, &d.op, &io));
    for (size_t i = 0; i < 16; i++) /* what the strides skip stays as it was */
        ck_assert_float_eq(y[i], i % 4 == 3 ? 5.0f : (float)x[i] - 1.0f);
    ck_assert_float_eq(mean, 1.0f);
    ck_assert_float_eq(rstd, 1.0f);
    io.slot[CLNORM_GAMMA] = y;
    ck_assert_int_eq(clnorm_run_host(ctx, &d.op, &io), CLNORM_EBUFFER);
    SAYS("zscore takes no gamma");
    io.slot[CLNORM_GAMMA] = NULL;
    io.slot[31] = y;
    ck_assert_int_eq(clnorm_run_host(ctx, &d.op, &io), CLNORM_EBUFFER);
    SAYS("zscore takes no slot 31");
    io.slot[31] = NULL;
    io.flags = 4;
    ck_assert_int_eq(clnorm_run_host(ctx, &d.op, &io), CLNORM_EARG);
    SAYS("flags is 0x4");
    io.flags = 0;
    io.momentum = (double)NAN;
    ck_assert_int_eq(clnorm_run_host(ctx, &d.op, &io), CLNORM_EARG);
    SAYS("momentum is nan");
    io.momentum = 0;
    io.slot[CLNORM_X] = NULL;
    ck_assert_int_eq(clnorm_run_host(ctx, &d.op, &io), CLNORM_EBUFFER);
    io.slot[CLNORM_X] = (void *)(uintptr_t)x;
    io.size = 4;
    ck_assert_int_eq(clnorm_run_host(ctx, &d.op, &io), CLNORM_EARG);
    SAYS("io.size");
    io.size = sizeof io;
    const struct {
        clnorm_context *ctx;
        const clnorm_op *op;
        const clnorm_host_args *io;
        const char *word;
    } nothing[] = { { NULL, &d.op, &io, "ctx is NULL" },
                    { ctx, NULL, &io, "op is NULL" },
                    { ctx, &d.op, NULL, "io is NULL" } };
    for (size_t k = 0; k < CLN_COUNT(nothing); k++) {
        ck_assert_int_eq(clnorm_run_host(nothing[k].ctx, nothing[k].op, nothing[k].io), CLNORM_EARG);
        SAYS(nothing[k].word);
    }
    ck_assert_int_eq(clnorm_run_host(harness_get()->ctx, &d.op, &io), CLNORM_EARG);
    SAYS("clnorm_open");
    d.x.stride[3] = -4;
    ck_assert_int_eq(clnorm_run_host(ctx, &d.op, &io), CLNORM_ESHAPE);
    SAYS("x has a negative stride");
    clnorm_close(ctx);
    ctx = (clnorm_context *)&o;
    ck_assert_int_ne(clnorm_open(&ctx, "no such device", &o), CLNORM_OK);
    ck_assert_ptr_null(ctx);
}
END_TEST

START_TEST(empty_on_the_host)
{
    clnorm_options o = lazy();
    clnorm_context *ctx;
    OK(clnorm_open(&ctx, getenv("CLNORM_TEST_DEVICE"), &o));
    const clnorm_totensor d = halved(0);
    float nothing;
    clnorm_host_args io;
    memset(&io, 0, sizeof io);
    io.size = sizeof io;
    io.slot[CLNORM_X] = io.slot[CLNORM_Y] = &nothing;
    OK(clnorm_run_host(ctx, &d.op, &io));
    clnorm_close(ctx);
}
END_TEST

/* Of an older header it has what the caller's has; of a newer one nothing that this library does not know. */
START_TEST(sizes_on_the_host)
{
    clnorm_options o = lazy();
    clnorm_context *ctx;
    OK(clnorm_open(&ctx, getenv("CLNORM_TEST_DEVICE"), &o));
    clnorm_batchnorm d = CLNORM_BATCHNORM_INIT;
    d.x = d.y = clnorm_nchw(CLNORM_F32, 1, 1, 1, 2);
    d.mode = CLNORM_TRAIN;
    float x[] = { 1, 3 }, y[2], mean = 0, var = 0;
    union {
        clnorm_host_args io;
        unsigned char bytes[sizeof(clnorm_host_args) + 8];
    } a;
    memset(&a, 0, sizeof a);
    a.io.slot[CLNORM_X] = x;
    a.io.slot[CLNORM_Y] = y;
    a.io.slot[CLNORM_RUNNING_MEAN] = &mean;
    a.io.slot[CLNORM_RUNNING_VAR] = &var;
    a.io.momentum = 0.5;
    a.io.count = 99; /* beyond this size */
    a.io.size = (uint32_t)offsetof(clnorm_host_args, count);
    OK(clnorm_run_host(ctx, &d.op, &a.io));
    ck_assert_float_eq(mean, 1);
    a.io.count = 0;
    a.io.size = sizeof a;
    OK(clnorm_run_host(ctx, &d.op, &a.io));
    a.bytes[sizeof a - 1] = 1;
    ck_assert_int_eq(clnorm_run_host(ctx, &d.op, &a.io), CLNORM_EARG);
    SAYS("the rest is of a newer version");
    a.io.size = 65537;
    ck_assert_int_eq(clnorm_run_host(ctx, &d.op, &a.io), CLNORM_EARG);
    SAYS("io.size is 65537; sizeof(clnorm_host_args), ");
    clnorm_close(ctx);
}
END_TEST

static Suite *simple_suite(void)
{
    return suite_of("simple", SUITE_CASE(host_level, empty_on_the_host, sizes_on_the_host));
}

SUITE_MAIN(simple_suite)

/* test_grn.c -- grn, and a channel that is 1e-35 of another. */
#include "api_case.h"

#include "ref/bound.h"

#include <math.h>
#include <stdlib.h>

/* Channels meet in one unit, in which a small one is no float; x / G is 1 all the same. */
static void channels_far_apart(void)
{
    enum { C = 4 };
    static const float x[C] = { 6.3e-17f, -3.4e18f, 2.5f, 1e-30f }, dy[C] = { 1.5f, 1.6f, -0.5f, 2 },
                       gamma[C] = { 3, 27, -1, 0.5f };
    float dx[C], dgamma[C], dbeta[C];
    double want[C], any[C] = { 0 };
    clnorm_grn d = CLNORM_GRN_INIT;
    clnorm_host_args io = { (uint32_t)sizeof io, 0, { NULL }, 0, 0 };
    ref_io ref;
    clnorm_any desc;
    const clnorm_options o = lazy();
    clnorm_context *ctx;
    OK(clnorm_open(&ctx, getenv("CLNORM_TEST_DEVICE"), &o));
    d.op.direction = CLNORM_BACKWARD;
    d.x = d.y = clnorm_nchw(CLNORM_F32, 1, C, 1, 1);
    memset(&desc, 0, sizeof desc);
    memcpy(&desc, &d, sizeof d);
    OK(clnorm_op_check(&desc));
    memset(&ref, 0, sizeof ref);
    io.slot[CLNORM_X] = ref.slot[CLNORM_X] = (void *)(size_t)x;
    io.slot[CLNORM_DY] = ref.slot[CLNORM_DY] = (void *)(size_t)dy;
    io.slot[CLNORM_GAMMA] = ref.slot[CLNORM_GAMMA] = (void *)(size_t)gamma;
    io.slot[CLNORM_DX] = dx;
    io.slot[CLNORM_DGAMMA] = dgamma;
    io.slot[CLNORM_DBETA] = dbeta;
    ref.slot[CLNORM_DX] = want;
    ref.any[CLNORM_DX] = any;
    OK(clnorm_run_host(ctx, &d.op, &io));
    ck_assert(ref_run(&desc, &ref));
    for (int c = 0; c < C; c++)
        ck_assert_msg(ref_off(CLNORM_OP_GRN, CLNORM_DX, REF_ANY, CLNORM_F32, dx[c], want[c], any[c]) <= 1,
                      "dx[%d] is %.9g, not %.9g", c, (double)dx[c], want[c]);
    clnorm_close(ctx);
}

RUN_MAIN(grn, (channels_far_apart(), layers_run(CLNORM_OP_GRN), batch_run(CLNORM_OP_GRN)))

/* test_batchnorm.c -- batchnorm, and the gradient of gamma where dy has a mean. */
#include "api_case.h"

#include "data.h"
#include "ref/bound.h"

#include <math.h>
#include <stdlib.h>

/* Channels last, to 3e38: statistics and sums come from one walk about an element that is not the mean, and
 * with sum dy as large as that of its terms, what the way to the mean loses is not hidden by anything. */
enum { N = 2, C = 6, HW = 61 * 37, M = N * HW, ALL = C * M };

/* The largest error of a dgamma, as a multiple of its bound. */
static double worst_of(const float *x, const float *dy, const float *got)
{
    double worst = 0;
    for (int c = 0; c < C; c++) {
        double mean = 0, squares = 0, sum = 0, terms = 0;
        for (int i = c; i < ALL; i += C)
            mean += (double)x[i] / M;
        for (int i = c; i < ALL; i += C)
            squares += (x[i] - mean) * (x[i] - mean);
        for (int i = c; i < ALL; i += C) {
            const double term = dy[i] * (x[i] - mean) / sqrt(squares / M);
            sum += term;
            terms += fabs(term);
        }
        worst = fmax(worst, ref_off(CLNORM_OP_BATCHNORM, CLNORM_DGAMMA, REF_HOSTILE, CLNORM_F32, got[c], sum,
                                    1e-2 * terms));
    }
    return worst;
}

static void gradients_of_gamma(void)
{
    static float x[ALL], dy[ALL], dx[ALL], dgamma[C], dbeta[C];
    clnorm_batchnorm d = CLNORM_BATCHNORM_INIT;
    clnorm_host_args io = { (uint32_t)sizeof io, 0, { NULL }, 0, 0 };
    const clnorm_options o = lazy();
    clnorm_context *ctx;
    uint32_t state = 7;
    OK(clnorm_open(&ctx, getenv("CLNORM_TEST_DEVICE"), &o));
    d.op.direction = CLNORM_BACKWARD;
    d.mode = CLNORM_TRAIN;
    d.x = d.y = clnorm_nhwc(CLNORM_F32, N, C, 61, 37);
    io.slot[CLNORM_X] = x;
    io.slot[CLNORM_DY] = dy;
    io.slot[CLNORM_DX] = dx;
    io.slot[CLNORM_DGAMMA] = dgamma;
    io.slot[CLNORM_DBETA] = dbeta;
    for (int draw = 0; draw < 40; draw++) {
        for (int i = 0; i < ALL; i++) {
            x[i] = (float)(3e38 * data_random(&state));
            dy[i] = (float)(0.3 + data_bell(&state));
        }
        OK(clnorm_run_host(ctx, &d.op, &io));
        const double worst = worst_of(x, dy, dgamma);
        ck_assert_msg(worst <= 0.8, "draw %d: dgamma is off by %.2f of its bound; 0.8 are allowed", draw,
                      worst);
    }
    clnorm_close(ctx);
}

RUN_MAIN(batchnorm, (gradients_of_gamma(), layers_run(CLNORM_OP_BATCHNORM), batch_run(CLNORM_OP_BATCHNORM)))

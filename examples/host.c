/* host.c -- the simple level: data on the host, six lines of clnorm.
 *
 *   host [DEVICE]     exit 0 when the result is right, 1 when not */
#include <clnorm.h>
#include <math.h>
#include <stdio.h>

enum { W = 5, H = 4, PIXELS = W * H };

/* Returns how many values are not (x / 255 - mean) / std, channels first. */
static int wrong(const unsigned char *x, const float *y)
{
    static const double mean[] = { .485, .456, .406 }, std[] = { .229, .224, .225 };
    int bad = 0;
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < PIXELS; i++)
            bad += !(fabs((x[3 * i + c] / 255.0 - mean[c]) / std[c] - (double)y[c * PIXELS + i]) < 1e-6);
    return bad;
}

int main(int argc, char **argv)
{
    unsigned char x[3 * PIXELS]; /* an RGB image as it comes from a decoder */
    float y[3 * PIXELS];
    for (int i = 0; i < 3 * PIXELS; i++)
        x[i] = (unsigned char)(i * 4);

    clnorm_context *ctx = NULL;
    clnorm_normalize op = CLNORM_NORMALIZE_INIT; /* the preset imagenet */
    clnorm_host_args io = { (uint32_t)sizeof io, 0, { x, y }, 0, 0 };
    op.x = clnorm_nhwc(CLNORM_U8, 1, 3, H, W);
    op.y = clnorm_nchw(CLNORM_F32, 1, 3, H, W);
    if (clnorm_open(&ctx, argc > 1 ? argv[1] : NULL, NULL) || clnorm_run_host(ctx, &op.op, &io))
        return fprintf(stderr, "host: %s\n", clnorm_last_error(NULL)), 1;
    clnorm_close(ctx);

    printf("host: %d of %d values are wrong\n", wrong(x, y), 3 * PIXELS);
    return wrong(x, y) != 0;
}

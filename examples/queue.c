/* queue.c -- your own OpenCL: clnorm on a context, a queue and buffers that it did not make.
 *
 *   queue [DEVICE]    exit 0 when the result is right, 1 when not
 *
 * The copies before and after stand for your own work; clnorm waits for the one and the other waits for
 * clnorm by events, so the queue may be out of order. */
#include <clnorm.h>
#include <math.h>
#include <stdio.h>

enum { N = 2, C = 3, H = 6, W = 7, PLANE = H * W, COUNT = N * C * PLANE };

/* What an application has before it meets clnorm. */
typedef struct app {
    clnorm_device device;
    cl_context context;
    cl_command_queue queue;
    cl_mem x, y;
} app;

static int app_open(app *a, const char *device)
{
    cl_int code;
    if (clnorm_device_find(&a->device, device))
        return 0;
    a->context = clCreateContext(NULL, 1, &a->device.device, NULL, NULL, &code);
    a->queue = clCreateCommandQueue(a->context, a->device.device, 0, &code);
    a->x = clCreateBuffer(a->context, CL_MEM_READ_ONLY, COUNT * sizeof(float), NULL, &code);
    a->y = clCreateBuffer(a->context, CL_MEM_WRITE_ONLY, COUNT * sizeof(float), NULL, &code);
    return a->context && a->queue && a->x && a->y;
}

static void app_close(app *a)
{
    clReleaseMemObject(a->x);
    clReleaseMemObject(a->y);
    clReleaseCommandQueue(a->queue);
    clReleaseContext(a->context);
}

/* zscore per channel; returns what clnorm says. */
static clnorm_status normalize(const app *a, clnorm_context *ctx, const float *x, float *y)
{
    cl_event copied, done;
    clnorm_plan *plan = NULL;
    clnorm_zscore op = CLNORM_ZSCORE_INIT;
    clnorm_args args = CLNORM_ARGS_INIT;
    op.x = op.y = clnorm_nchw(CLNORM_F32, N, C, H, W);
    op.scope = CLNORM_SCOPE_CHANNEL;
    args.slot[CLNORM_X].mem = a->x;
    args.slot[CLNORM_Y].mem = a->y;

    clnorm_status status = clnorm_zscore_plan(&plan, ctx, &op, CLNORM_ESTIMATE);
    if (status)
        return status;
    clEnqueueWriteBuffer(a->queue, a->x, CL_FALSE, 0, COUNT * sizeof(float), x, 0, NULL, &copied);
    status = clnorm_enqueue(plan, a->queue, &args, 1, &copied, &done);
    if (!status) {
        clEnqueueReadBuffer(a->queue, a->y, CL_TRUE, 0, COUNT * sizeof(float), y, 1, &done, NULL);
        clReleaseEvent(done);
    }
    clReleaseEvent(copied);
    clnorm_plan_release(plan);
    return status;
}

/* Returns how many values are not (x - mean) / std of their own channel of their own image. */
static int wrong(const float *x, const float *y)
{
    int bad = 0;
    for (int s = 0; s < N * C; s++, x += PLANE, y += PLANE) {
        double mean = 0.0, m2 = 0.0;
        for (int i = 0; i < PLANE; i++)
            mean += (double)x[i] / PLANE;
        for (int i = 0; i < PLANE; i++)
            m2 += ((double)x[i] - mean) * ((double)x[i] - mean);
        for (int i = 0; i < PLANE; i++)
            bad += !(fabs(((double)x[i] - mean) / sqrt(m2 / PLANE) - (double)y[i]) < 1e-5);
    }
    return bad;
}

int main(int argc, char **argv)
{
    static float x[COUNT], y[COUNT];
    for (int i = 0; i < COUNT; i++)
        x[i] = (float)(i * 37 % 101) - 20.0f;
    app a;
    clnorm_context *ctx = NULL;
    if (!app_open(&a, argc > 1 ? argv[1] : NULL))
        return fprintf(stderr, "queue: no OpenCL: %s\n", clnorm_last_error(NULL)), 1;
    clnorm_status status = clnorm_context_create(&ctx, a.context, a.device.device, NULL);
    if (!status)
        status = normalize(&a, ctx, x, y);
    if (status)
        fprintf(stderr, "queue: %s\n", clnorm_last_error(NULL));
    else
        printf("queue: %d of %d values are wrong\n", wrong(x, y), COUNT);
    clnorm_context_release(ctx);
    app_close(&a);
    return status || wrong(x, y);
}

/* lab.cl -- what is no normalization: a convolution, dense layers, the loss and the step, forward and
 * backward.
 *
 * SIDE is 8, so a row of an image is a float8. Sums run in one order whatever the device; only exp and log
 * of the loss are the runtime's. */
#pragma OPENCL FP_CONTRACT OFF

/* Row y of an image, shifted so that tap k of 3 meets its pixel; zeros outside. */
float8 tap(global const float *image, int y, int k)
{
    if (y < 0 || y >= SIDE)
        return (float8)0.0f;
    const float8 v = vload8(y, image);
    return k == 0 ? (float8)(0.0f, v.s0123, v.s456) : k == 1 ? v : (float8)(v.s1234, v.s567, 0.0f);
}

float total(float8 v)
{
    const float4 a = v.lo + v.hi;
    return (a.x + a.z) + (a.y + a.w);
}

/* x[n] = images[order[first + n]], and its label; one item per row. */
kernel void gather(global const float *images, global const uchar *labels, global const uint *order,
                   int first, global float *x, global uchar *label)
{
    const int n = get_global_id(0) / SIDE, y = get_global_id(0) % SIDE;
    const uint from = order[first + n];
    vstore8(vload8(y, images + from * PIXELS), y, x + n * PIXELS);
    if (y == 0)
        label[n] = labels[from];
}

/* z[n][c] = gain[c] * (w[c] * x[n] + b[c]), 3 x 3, padded with zeros; one item per row of z. */
kernel void convolve(global const float *x, global const float *w, global const float *gain, global float *z)
{
    const int y = get_global_id(0) % SIDE, c = get_global_id(0) / SIDE % CHANNELS;
    const int n = get_global_id(0) / SIDE / CHANNELS;
    float8 sum = w[CHANNELS * 9 + c];
    for (int k = 0; k < 9; k++)
        sum += w[c * 9 + k] * tap(x + n * PIXELS, y + k / 3 - 1, k % 3);
    vstore8(gain[c] * sum, get_global_id(0), z);
}

/* The gradient of w and b; one item per channel and row of taps. */
kernel void convolve_grad(global const float *x, global const float *dz, global const float *gain, int batch,
                          global float *dw)
{
    const int c = get_global_id(0) / 3, k = get_global_id(0) % 3;
    float8 left = 0.0f, mid = 0.0f, right = 0.0f, bias = 0.0f;
    for (int i = 0; i < batch * SIDE; i++) {
        const int n = i / SIDE, y = i % SIDE;
        const float8 d = vload8(y, dz + (n * CHANNELS + c) * PIXELS);
        left += d * tap(x + n * PIXELS, y + k - 1, 0);
        mid += d * tap(x + n * PIXELS, y + k - 1, 1);
        right += d * tap(x + n * PIXELS, y + k - 1, 2);
        bias += d;
    }
    dw[c * 9 + k * 3] = gain[c] * total(left);
    dw[c * 9 + k * 3 + 1] = gain[c] * total(mid);
    dw[c * 9 + k * 3 + 2] = gain[c] * total(right);
    if (k == 0)
        dw[CHANNELS * 9 + c] = gain[c] * total(bias);
}

/* y = max(y, 0), and back: d passes where y is positive; one item per 8 elements. A NaN stays one. */
kernel void relu(global float *y)
{
    const float8 v = vload8(get_global_id(0), y);
    vstore8(select(v, (float8)0.0f, v < 0.0f), get_global_id(0), y);
}

kernel void relu_back(global const float *y, global float *d)
{
    const float8 v = vload8(get_global_id(0), d);
    vstore8(select((float8)0.0f, v, vload8(get_global_id(0), y) > 0.0f), get_global_id(0), d);
}

/* p = the means of 2 x 2 pixels; one item per row of p. */
kernel void pool(global const float *y, global float *p)
{
    const float8 v = vload8(2 * get_global_id(0), y) + vload8(2 * get_global_id(0) + 1, y);
    vstore4(0.25f * (v.even + v.odd), get_global_id(0), p);
}

kernel void pool_back(global const float *dp, global float *dy)
{
    const float4 v = 0.25f * vload4(get_global_id(0), dp);
    const float8 row = v.xxyyzzww;
    vstore8(row, 2 * get_global_id(0), dy);
    vstore8(row, 2 * get_global_id(0) + 1, dy);
}

/* y[n][o] = w[o] . x[n] + b[o]; one item per element of y. b lies behind w. */
kernel void dense(global const float *x, global const float *w, int in, int out, global float *y)
{
    const int o = get_global_id(0) % out, n = get_global_id(0) / out;
    float8 sum = 0.0f;
    for (int i = 0; i < in / 8; i++)
        sum += vload8(i, w + o * in) * vload8(i, x + n * in);
    y[get_global_id(0)] = total(sum) + w[out * in + o];
}

/* The gradient of w and b; one item per 8 weights. */
kernel void dense_grad(global const float *x, global const float *dy, int in, int out, int batch,
                       global float *dw)
{
    const int i = get_global_id(0) % (in / 8), o = get_global_id(0) / (in / 8);
    float8 sum = 0.0f;
    float bias = 0.0f;
    for (int n = 0; n < batch; n++) {
        sum += dy[n * out + o] * vload8(i, x + n * in);
        bias += dy[n * out + o];
    }
    vstore8(sum, get_global_id(0), dw);
    if (i == 0)
        dw[out * in + o] = bias;
}

/* dx[n] = dy[n] . w; one item per 8 elements of dx. */
kernel void dense_back(global const float *dy, global const float *w, int in, int out, global float *dx)
{
    const int i = get_global_id(0) % (in / 8), n = get_global_id(0) / (in / 8);
    float8 sum = 0.0f;
    for (int o = 0; o < out; o++)
        sum += dy[n * out + o] * vload8(i, w + o * in);
    vstore8(sum, get_global_id(0), dx);
}

/* Softmax of scale * logits, its cross-entropy, its gradient for the mean over the batch, and the class that
 * it takes; one item per sample. A NaN takes no class. */
kernel void softmax(global const float *logits, global const uchar *label, int first, int batch, float scale,
                    global float *d, global float *loss, global uchar *taken)
{
    const int n = get_global_id(0);
    logits += n * LOGITS;
    d += n * LOGITS;
    int best = 0;
    float sum = 0.0f;
    for (int k = 1; k < CLASSES; k++)
        best = logits[k] > logits[best] ? k : best;
    for (int k = 0; k < CLASSES; k++)
        sum += exp(scale * (logits[k] - logits[best]));
    for (int k = 0; k < LOGITS; k++) {
        const float p = exp(scale * (logits[k] - logits[best])) / sum - (k == label[n] ? 1.0f : 0.0f);
        d[k] = k < CLASSES ? scale * p / batch : 0.0f;
    }
    loss[first + n] = log(sum) - scale * (logits[label[n]] - logits[best]);
    taken[first + n] = isnan(sum) ? CLASSES : best;
}

/* Plain gradient descent; one item per 8 parameters. */
kernel void descend(global float *w, global const float *dw, float rate)
{
    const float8 v = vload8(get_global_id(0), w) - rate * vload8(get_global_id(0), dw);
    vstore8(v, get_global_id(0), w);
}

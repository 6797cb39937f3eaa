/* net.c -- the tiny network, forward, backward and its step. */
#include "net.h"

#include "random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { F = sizeof(float), MAPS = NET_CHANNELS * DIGITS_PIXELS, ROW = 8 };
enum { PASSED = NET_EPOCHS * DIGITS_TRAIN };

/* The logits are divided by 16, and the last weights are as much larger: what a step does to the last layer,
 * which no normalization protects, then limits the learning rate less than what it does to the others. */
static const float logit_scale = 1.0f / 16;

/* Parameters of each part, in floats; a norm's are gamma, then beta. */
static const size_t part_size[NET_PARTS] = { NET_CHANNELS * 10, 2 * NET_CHANNELS,
                                             NET_HIDDEN *(NET_POOLED + 1), 2 * NET_HIDDEN,
                                             NET_LOGITS *(NET_HIDDEN + 1) };

static size_t aligned(size_t floats)
{
    const size_t unit = RIG_ALIGN / F;
    return (floats + unit - 1) / unit * unit;
}

static size_t part_origin(net_part part)
{
    size_t origin = 0;
    for (int k = 0; k < (int)part; k++)
        origin += aligned(part_size[k]);
    return origin;
}

static void fill(lab_random *random, float *w, size_t n, float bound)
{
    for (size_t i = 0; i < n; i++)
        w[i] = random_float(random, bound);
}

/* He's uniform weights (2015, arXiv:1502.01852), no bias. */
static void initialize(float *w, const net_options *o)
{
    lab_random random = { o->seed };
    float *conv = w, *dense = w + part_origin(NET_DENSE), *head = w + part_origin(NET_HEAD);
    float *const norms[] = { w + part_origin(NET_CONV_NORM), w + part_origin(NET_DENSE_NORM) };
    fill(&random, conv, NET_CHANNELS * 9, sqrtf(6.0f / 9));
    fill(&random, dense, NET_HIDDEN * NET_POOLED, sqrtf(6.0f / NET_POOLED));
    fill(&random, head, NET_CLASSES * NET_HIDDEN, 1.0f / logit_scale / sqrtf(NET_HIDDEN));
    for (int c = 1; o->collapsed && c < NET_CHANNELS; c++)
        for (int k = 0; k < 9; k++)
            conv[c * 9 + k] = conv[k] + 0.03f * conv[c * 9 + k];
    for (int i = 0; i < NET_CHANNELS; i++)
        norms[0][i] = o->gamma;
    for (int i = 0; i < NET_HIDDEN; i++)
        norms[1][i] = o->gamma;
}

static cl_mem floats(rig *r, size_t n) { return rig_memory(r, n * F); }

/* The places between the layers. Without a normalization its input and its output are one. */
static void open_places(net *n)
{
    rig *r = n->on;
    const bool conv = n->conv_norm.kind != NORM_NONE, hidden = n->hidden_norm.kind != NORM_NONE;
    n->x = floats(r, NET_BATCH * DIGITS_PIXELS);
    n->label = rig_memory(r, NET_BATCH);
    n->z = floats(r, NET_BATCH * MAPS);
    n->dz = floats(r, NET_BATCH * MAPS);
    n->y = conv ? floats(r, NET_BATCH * MAPS) : n->z;
    n->dy = conv ? floats(r, NET_BATCH * MAPS) : n->dz;
    n->p = floats(r, NET_BATCH * NET_POOLED);
    n->dp = floats(r, NET_BATCH * NET_POOLED);
    n->h = floats(r, NET_BATCH * NET_HIDDEN);
    n->dh = floats(r, NET_BATCH * NET_HIDDEN);
    n->a = hidden ? floats(r, NET_BATCH * NET_HIDDEN) : n->h;
    n->da = hidden ? floats(r, NET_BATCH * NET_HIDDEN) : n->dh;
    n->logits = floats(r, NET_BATCH * NET_LOGITS);
    n->dlogits = floats(r, NET_BATCH * NET_LOGITS);
    n->order = rig_memory(r, PASSED * sizeof(cl_uint));
    n->loss = floats(r, PASSED);
    n->taken = rig_memory(r, PASSED);
}

static void open_norm(const net *n, norm *m, net_part part)
{
    const size_t origin = part_origin(part) * F, beta = origin + part_size[part] / 2 * F;
    m->gamma.mem = m->beta.mem = n->w;
    m->dgamma.mem = m->dbeta.mem = n->dw;
    m->gamma.byte_offset = m->dgamma.byte_offset = origin;
    m->beta.byte_offset = m->dbeta.byte_offset = beta;
}

static void open_parameters(net *n, const net_options *o)
{
    float gain[NET_CHANNELS];
    const size_t bytes = part_origin(NET_PARTS) * F;
    float *w = (float *)calloc(1, bytes);
    n->w = rig_memory(n->on, bytes);
    n->dw = rig_memory(n->on, bytes);
    n->gain = floats(n->on, NET_CHANNELS);
    if (!w) {
        rig_fail(n->on, CLNORM_ENOMEM, "no memory for the parameters");
        return;
    }
    rig_write(n->on, n->dw, w, bytes); /* a part that has no gradient has none ever */
    initialize(w, o);
    rig_write(n->on, n->w, w, bytes);
    free(w);
    for (int c = 0; c < NET_CHANNELS; c++)
        gain[c] = c == 0 ? o->gain : 1.0f;
    rig_write(n->on, n->gain, gain, sizeof gain);
    for (int k = 0; k < NET_PARTS; k++) {
        n->part[k] = rig_part(n->on, n->w, part_origin((net_part)k) * F, part_size[k] * F);
        n->dpart[k] = rig_part(n->on, n->dw, part_origin((net_part)k) * F, part_size[k] * F);
    }
}

void net_open(net *n, rig *r, const digits *d, cl_mem images, cl_mem labels, const net_options *o)
{
    memset(n, 0, sizeof *n);
    n->on = r;
    n->data = d;
    n->images = images;
    n->labels = labels;
    norm_open(&n->conv_norm, r, o->conv, NET_CHANNELS, ROW, ROW);
    norm_open(&n->hidden_norm, r, o->hidden, NET_HIDDEN, 1, 1);
    n->conv_norm.eps = o->eps;
    open_places(n);
    open_parameters(n, o);
    open_norm(n, &n->conv_norm, NET_CONV_NORM);
    open_norm(n, &n->hidden_norm, NET_DENSE_NORM);
}

void net_close(net *n)
{
    const bool conv = n->conv_norm.kind != NORM_NONE, hidden = n->hidden_norm.kind != NORM_NONE;
    const cl_mem all[] = { conv ? n->y : NULL,
                           conv ? n->dy : NULL,
                           hidden ? n->a : NULL,
                           hidden ? n->da : NULL,
                           n->x,
                           n->label,
                           n->z,
                           n->dz,
                           n->p,
                           n->dp,
                           n->h,
                           n->dh,
                           n->logits,
                           n->dlogits,
                           n->order,
                           n->loss,
                           n->taken,
                           n->gain,
                           n->w,
                           n->dw };
    for (int k = 0; k < NET_PARTS; k++) {
        if (n->part[k])
            clReleaseMemObject(n->part[k]);
        if (n->dpart[k])
            clReleaseMemObject(n->dpart[k]);
    }
    for (size_t k = 0; k < sizeof all / sizeof *all; k++)
        if (all[k])
            clReleaseMemObject(all[k]);
    norm_close(&n->conv_norm);
    norm_close(&n->hidden_norm);
}

static void plan(net *n, int batch)
{
    n->batch = batch;
    norm_plan(&n->conv_norm, n->on, batch);
    norm_plan(&n->hidden_norm, n->on, batch);
}

/* Images order[first ..] through the network, to the gradient of the logits. */
static void forward(const net *n, norm_mode mode, int first)
{
    rig *r = n->on;
    const size_t b = (size_t)n->batch;
    rig_run(r, RIG_GATHER, b * ROW, "mmmimm", n->images, n->labels, n->order, first, n->x, n->label);
    rig_run(r, RIG_CONVOLVE, b * NET_CHANNELS * ROW, "mmmm", n->x, n->part[NET_CONV], n->gain, n->z);
    norm_forward(&n->conv_norm, r, mode, n->z, n->y);
    rig_run(r, RIG_RELU, b * NET_CHANNELS * ROW, "m", n->y);
    rig_run(r, RIG_POOL, b * NET_CHANNELS * ROW / 2, "mm", n->y, n->p);
    rig_run(r, RIG_DENSE, b * NET_HIDDEN, "mmiim", n->p, n->part[NET_DENSE], NET_POOLED, NET_HIDDEN, n->h);
    norm_forward(&n->hidden_norm, r, mode, n->h, n->a);
    rig_run(r, RIG_RELU, b * NET_HIDDEN / 8, "m", n->a);
    rig_run(r, RIG_DENSE, b * NET_LOGITS, "mmiim", n->a, n->part[NET_HEAD], NET_HIDDEN, NET_LOGITS,
            n->logits);
    rig_run(r, RIG_SOFTMAX, b, "mmiifmmm", n->logits, n->label, first, n->batch, (double)logit_scale,
            n->dlogits, n->loss, n->taken);
}

/* From the gradient of the logits to that of every parameter. */
static void backward(const net *n)
{
    rig *r = n->on;
    const size_t b = (size_t)n->batch;
    const int batch = n->batch;
    rig_run(r, RIG_DENSE_GRAD, NET_LOGITS * NET_HIDDEN / 8, "mmiiim", n->a, n->dlogits, NET_HIDDEN,
            NET_LOGITS, batch, n->dpart[NET_HEAD]);
    rig_run(r, RIG_DENSE_BACK, b * NET_HIDDEN / 8, "mmiim", n->dlogits, n->part[NET_HEAD], NET_HIDDEN,
            NET_LOGITS, n->da);
    rig_run(r, RIG_RELU_BACK, b * NET_HIDDEN / 8, "mm", n->a, n->da);
    norm_backward(&n->hidden_norm, r, n->h, n->da, n->dh);
    rig_run(r, RIG_DENSE_GRAD, NET_HIDDEN * NET_POOLED / 8, "mmiiim", n->p, n->dh, NET_POOLED, NET_HIDDEN,
            batch, n->dpart[NET_DENSE]);
    rig_run(r, RIG_DENSE_BACK, b * NET_POOLED / 8, "mmiim", n->dh, n->part[NET_DENSE], NET_POOLED, NET_HIDDEN,
            n->dp);
    rig_run(r, RIG_POOL_BACK, b * NET_CHANNELS * ROW / 2, "mm", n->dp, n->dy);
    rig_run(r, RIG_RELU_BACK, b * NET_CHANNELS * ROW, "mm", n->y, n->dy);
    norm_backward(&n->conv_norm, r, n->z, n->dy, n->dz);
    rig_run(r, RIG_CONVOLVE_GRAD, NET_CHANNELS * 3, "mmmim", n->x, n->dz, n->gain, batch, n->dpart[NET_CONV]);
}

/* Every epoch in an order of its own. */
static void shuffle(net *n, const net_course *c)
{
    lab_random random = { c->seed };
    uint32_t order[PASSED];
    for (int e = 0; e < c->epochs; e++) {
        memcpy(order + e * DIGITS_TRAIN, n->data->order, DIGITS_TRAIN * sizeof *order);
        random_shuffle(&random, order + e * DIGITS_TRAIN, DIGITS_TRAIN);
    }
    rig_write(n->on, n->order, order, (size_t)(c->epochs * DIGITS_TRAIN) * sizeof *order);
}

double net_train(net *n, const net_course *c)
{
    float loss[DIGITS_TRAIN];
    const int end = c->epochs * DIGITS_TRAIN;
    double sum = 0.0;
    plan(n, c->batch);
    shuffle(n, c);
    for (int first = 0; first < end; first += c->batch) {
        forward(n, NORM_TRAIN, first);
        backward(n);
        rig_run(n->on, RIG_DESCEND, part_origin(NET_PARTS) / 8, "mmf", n->w, n->dw, (double)c->rate);
    }
    rig_read(n->on, n->loss, (size_t)(end - DIGITS_TRAIN) * F, loss, sizeof loss);
    for (int i = 0; i < DIGITS_TRAIN; i++)
        sum += (double)loss[i] / DIGITS_TRAIN;
    return sum;
}

/* The test images, class after class if they are sorted. */
static void list_test(const digits *d, bool sorted, uint32_t order[DIGITS_TEST])
{
    const uint32_t *test = d->order + DIGITS_TRAIN;
    size_t n = 0;
    memcpy(order, test, DIGITS_TEST * sizeof *order);
    for (int k = 0; sorted && k < NET_CLASSES; k++)
        for (size_t i = 0; i < DIGITS_TEST; i++)
            if (d->label[test[i]] == k)
                order[n++] = test[i];
}

double net_test(net *n, norm_mode mode, int batch, bool sorted, uint8_t taken[DIGITS_TEST])
{
    uint32_t order[DIGITS_TEST];
    uint8_t own[DIGITS_TEST] = { 0 };
    int right = 0;
    plan(n, batch);
    list_test(n->data, sorted, order);
    rig_write(n->on, n->order, order, sizeof order);
    for (int first = 0; first < DIGITS_TEST; first += batch)
        forward(n, mode, first);
    rig_read(n->on, n->taken, 0, own, sizeof own);
    for (int i = 0; i < DIGITS_TEST; i++)
        right += own[i] == n->data->label[order[i]];
    if (taken)
        memcpy(taken, own, sizeof own);
    return (double)right / DIGITS_TEST;
}

void net_responses(net *n, float *out)
{
    plan(n, NET_BATCH);
    rig_write(n->on, n->order, n->data->order + DIGITS_TRAIN, NET_BATCH * sizeof *n->data->order);
    forward(n, NORM_EVAL, 0);
    rig_read(n->on, n->y, 0, out, NET_BATCH * MAPS * F);
}

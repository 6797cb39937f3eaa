/* batch.c -- a sample's bits do not depend on the batch: how many others there are, and its place. Part of
 * each layer's suite, whose kernels it mostly runs. */
#include "api_case.h"

#include "data.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- what is run ---- */

enum { SAMPLES = 32, CHANNEL = 1u << 1 };

/* LayerNorm and its like over the sample and over C alone; BatchNorm in evaluation. */
static const struct {
    uint32_t kind, axes;
} ops[] = {
    { CLNORM_OP_LAYERNORM, 0 }, { CLNORM_OP_LAYERNORM, CHANNEL },
    { CLNORM_OP_RMSNORM, 0 },   { CLNORM_OP_RMSNORM, CHANNEL },
    { CLNORM_OP_L2NORM, 0 },    { CLNORM_OP_LPNORM, 0 },
    { CLNORM_OP_GROUPNORM, 0 }, { CLNORM_OP_INSTANCENORM, 0 },
    { CLNORM_OP_MVN, 0 },       { CLNORM_OP_GRN, 0 },
    { CLNORM_OP_LRN, 0 },       { CLNORM_OP_BATCHNORM, 0 },
};

/* Of one sample: pixels in plenty, several chunks, planes of 7 x 7, no pixels, few channels. */
static const int64_t samples[][3] = { { 6, 5, 7 },  { 12, 64, 9 }, { 16, 30, 31 }, { 64, 7, 7 },
                                      { 24, 1, 1 }, { 1, 3, 5 },   { 3, 37, 41 } };

/* So many samples from `first` on, one after the other, behind the last the first. */
static const struct {
    int64_t n, first;
} batches[] = { { 32, 0 }, { 1, 0 }, { 1, 31 }, { 2, 3 }, { 7, 28 } };

typedef struct setting {
    clnorm_any desc;
    int64_t elements; /* of a sample */
    float *x, *dy, *in, *given, *out;
    uint64_t hash[SAMPLES];
} setting;

static clnorm_any described(size_t op, const int64_t *s, bool last, int64_t n)
{
    const clnorm_tensor x =
        last ? clnorm_nhwc(CLNORM_F32, n, s[0], s[1], s[2]) : clnorm_nchw(CLNORM_F32, n, s[0], s[1], s[2]);
    clnorm_any d = desc_of(ops[op].kind, &x);
    const double axes = ops[op].axes, groups = s[0] % 3 ? 1 : 3;
    if (axes > 0)
        OK(clnorm_op_set(&d, "axes", &axes, 1));
    if (d.op.kind == CLNORM_OP_GROUPNORM)
        OK(clnorm_op_set(&d, "groups", &groups, 1));
    if (d.op.kind == CLNORM_OP_BATCHNORM)
        d.batchnorm.mode = CLNORM_EVAL;
    return d;
}

/* ---- bits ---- */

static uint64_t hash_of(const float *p, int64_t n)
{
    uint64_t h = 1469598103934665603u;
    const unsigned char *bytes = (const unsigned char *)p;
    for (size_t i = 0; i < (size_t)n * sizeof *p; i++)
        h = (h ^ bytes[i]) * 1099511628211u;
    return h;
}

static void gather(float *to, const float *from, int64_t n, int64_t first, int64_t elements)
{
    for (int64_t k = 0; k < n; k++)
        memcpy(to + k * elements, from + (first + k) % SAMPLES * elements, (size_t)elements * sizeof *to);
}

/* gamma, beta and running statistics are one array: positive, and the same in every batch. */
static void run_batch(clnorm_context *ctx, setting *s, int64_t n, int64_t first)
{
    const bool back = s->desc.op.direction == CLNORM_BACKWARD;
    const int64_t all = n * s->elements;
    clnorm_host_args io;
    uint32_t reads;
    memset(&io, 0, sizeof io);
    io.size = sizeof io;
    clnorm_op_slots(&s->desc, &reads, NULL, NULL);
    reads &= ~(1u << CLNORM_MEAN | 1u << CLNORM_RSTD | 1u << CLNORM_RESIDUAL | 1u << CLNORM_MASK);
    for (uint32_t k = 0; k < CLNORM_SLOTS; k++)
        io.slot[k] = reads >> k & 1 ? s->given : NULL;
    gather(s->in, s->x, n, first, s->elements);
    gather(s->in + all, s->dy, n, first, s->elements);
    io.slot[CLNORM_X] = s->in;
    io.slot[CLNORM_DY] = back ? s->in + all : NULL;
    io.slot[back ? CLNORM_DX : CLNORM_Y] = s->out;
    memset(s->out, 0xff, (size_t)all * sizeof *s->out);
    OK(clnorm_run_host(ctx, &s->desc.op, &io));
}

static void compare(const setting *s, int64_t n, int64_t first, const char *layout)
{
    for (int64_t k = 0; k < n; k++) {
        const int64_t *shape = s->desc.head.x.shape, sample = (first + k) % SAMPLES;
        ck_assert_msg(hash_of(s->out + k * s->elements, s->elements) == s->hash[sample],
                      "%s %s (%lld,%lld,%lld) %s: sample %lld at place %lld of %lld has other bits than in "
                      "a batch of %d",
                      clnorm_op_of(s->desc.op.kind)->name, s->desc.op.direction ? "backward" : "forward",
                      (long long)shape[1], (long long)shape[2], (long long)shape[3], layout,
                      (long long)sample, (long long)k, (long long)n, SAMPLES);
    }
}

/* The ways of a sample: channels first, last, and the same backward. */
enum { LAST = 1, BACK = 2, WAYS = 4 };

static void run_setting(clnorm_context *ctx, setting *s, size_t op, const int64_t *shape, size_t way)
{
    const double dx = 1u << CLNORM_DX; /* alone: kernels for the other gradients would be built and not run */
    for (size_t b = 0; b < CLN_COUNT(batches); b++) {
        s->desc = described(op, shape, way & LAST, batches[b].n);
        s->desc.op.direction = way & BACK ? CLNORM_BACKWARD : CLNORM_FORWARD;
        OK(clnorm_op_set(&s->desc, "gradients", &dx, 1));
        OK(clnorm_op_check(&s->desc));
        run_batch(ctx, s, batches[b].n, batches[b].first);
        for (int64_t k = 0; b == 0 && k < SAMPLES; k++)
            s->hash[k] = hash_of(s->out + k * s->elements, s->elements);
        compare(s, batches[b].n, batches[b].first, way & LAST ? "channels last" : "channels first");
    }
}

static void fill_setting(setting *s, const int64_t *shape)
{
    uint32_t state = 11;
    memset(s, 0, sizeof *s);
    s->elements = shape[0] * shape[1] * shape[2];
    const size_t all = (size_t)(SAMPLES * s->elements), most = (size_t)(s->elements + 1);
    s->x = (float *)malloc((5 * all + most) * sizeof *s->x);
    ck_assert_ptr_nonnull(s->x);
    s->dy = s->x + all;
    s->in = s->dy + all;
    s->out = s->in + 2 * all;
    s->given = s->out + all;
    for (size_t i = 0; i < 2 * all; i++)
        s->x[i] = (float)(0.7 + 1.3 * data_bell(&state));
    for (size_t i = 0; i < most; i++)
        s->given[i] = (float)(0.5 + data_random(&state));
}

/* An op takes every other sample, in one of the ways, and another op in another; CLNORM_TEST_FULL all in all, eight
 * times the programs. */
static void keep_their_bits(size_t op)
{
    const clnorm_options o = lazy();
    clnorm_context *ctx;
    OK(clnorm_open(&ctx, getenv("CLNORM_TEST_DEVICE"), &o));
    for (size_t k = 0; k < CLN_COUNT(samples); k++) {
        setting s;
        fill_setting(&s, samples[k]);
        for (size_t way = 0; way < WAYS; way++)
            if (getenv("CLNORM_TEST_FULL") || ((op + k) % 2 == 0 && (op + k) / 2 % WAYS == way))
                run_setting(ctx, &s, op, samples[k], way);
        free(s.x);
    }
    clnorm_close(ctx);
}

/* ---- the order of sums, where a batch is too large to run here ---- */

static void same_order(const clnorm_any *d, const cln_problem *a, const cln_problem *b)
{
    const cln_geo *g = &a->geo, *h = &b->geo;
    const cln_strides *v = &g->view[CLN_VIEW_X], *w = &h->view[CLN_VIEW_X];
    const bool same = a->columns == b->columns && g->runs == h->runs && g->len == h->len &&
                      g->mix == h->mix && g->span == h->span && !memcmp(g->run, h->run, sizeof g->run) &&
                      !memcmp(v->run, w->run, sizeof v->run) && v->mix == w->mix && v->step == w->step;
    ck_assert_msg(same,
                  "%s %s of (%lld,%lld,%lld,%lld), channels %s, is summed in another order than one sample: "
                  "columns %d and %d, runs %u and %u, len %u and %u",
                  a->op->info.name, d->op.direction ? "backward" : "forward", (long long)d->head.x.shape[0],
                  (long long)d->head.x.shape[1], (long long)d->head.x.shape[2], (long long)d->head.x.shape[3],
                  d->head.x.stride[1] == 1 ? "last" : "first", a->columns, b->columns, g->runs, h->runs,
                  g->len, h->len);
}

static void pose_batches(size_t op, const int64_t *shape, bool last, uint32_t direction)
{
    static const int64_t sizes[] = { 1, 2, 7, 32, 1000, 70000 };
    cln_problems one, many;
    for (size_t b = 0; b < CLN_COUNT(sizes); b++) {
        clnorm_any d = described(op, shape, last, sizes[b]);
        d.op.direction = direction;
        if (cln_op_pose(b ? &many : &one, &d.op) != CLNORM_OK) {
            SAYS("are allowed"); /* gradients of weights, over more than 2^32 elements */
            break;
        }
        for (size_t k = 0; b && k < one.count; k++)
            if (one.part[k].layer.role != CLN_ROLE_PARAMS && one.part[k].stat_bytes)
                same_order(&d, &many.part[k], &one.part[k]);
    }
}

static void sum_as_one_sample(size_t op)
{
    static const int64_t large[][3] = { { 96, 1024, 1024 }, { 2048, 7, 7 },   { 4098, 64, 64 },
                                        { 3000, 1, 100 },   { 64, 224, 224 }, { 15, 3000, 3000 } };
    for (size_t k = 0; k < CLN_COUNT(large) + CLN_COUNT(samples); k++)
        for (int way = 0; way < 4; way++)
            pose_batches(op, k < CLN_COUNT(large) ? large[k] : samples[k - CLN_COUNT(large)], way & 1,
                         way & 2 ? CLNORM_BACKWARD : CLNORM_FORWARD);
}

void batch_run(uint32_t kind)
{
    bool found = false;
    for (size_t op = 0; op < CLN_COUNT(ops); op++)
        if (ops[op].kind == kind) {
            found = true;
            sum_as_one_sample(op);
            if (!harness_small())
                keep_their_bits(op);
        }
    ck_assert_msg(found, "batch.c has no %s", clnorm_op_of(kind)->name);
}

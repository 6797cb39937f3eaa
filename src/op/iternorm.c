/* iternorm.c -- iterative normalization as products: covariance, Newton's iteration, the whitener applied; and back.
 *
 * Samples are rows (M x C), so y = (x - mean) W^T. Backward, with R = dy^T (x - mean): dW = gamma R goes back through
 * P' = (3 P - P^3 S') / 2, whose P and S' are symmetric: with K = dP' S', dS' -= P^3 dP' / 2 and
 * dP = (3 dP' - K P^2 - P K P - P^2 K) / 2. Then dx = dy (gamma W) + (x - mean) (dS + dS^T) / M, less its mean. */
#include "base/status.h"
#include "op/op.h"

#define BIT(slot) (1u << CLNORM_##slot)
#define GRADIENTS (BIT(DX) | BIT(DGAMMA) | BIT(DBETA))
#define MOST_WIDTH 4096

clnorm_status cln_iternorm_check(clnorm_any *desc)
{
    const clnorm_iternorm *d = &desc->iternorm;
    if (d->x.ndim < 2)
        return cln_fail(CLNORM_ESHAPE, "iternorm: x has %u axis; (N,C), (C,H,W) and more are allowed",
                        d->x.ndim);
    const int64_t c = d->x.shape[cln_layer_channel(&d->x)], count = clnorm_tensor_count(&d->x);
    if (c % d->groups)
        return cln_fail(CLNORM_ESHAPE, "iternorm: groups is %u; it must divide the %lld channels of x",
                        d->groups, (long long)c);
    if (c / d->groups > MOST_WIDTH)
        return cln_fail(CLNORM_EUNSUPPORTED,
                        "iternorm: a group has %lld channels; %d are allowed, raise groups",
                        (long long)(c / d->groups), MOST_WIDTH);
    if (d->mode == CLNORM_TRAIN && c && count / c == 1)
        return cln_fail(CLNORM_ESHAPE,
                        "iternorm: x has one sample per channel, of which there is no covariance");
    return CLNORM_OK;
}

clnorm_status cln_iternorm_pose(cln_problem *p)
{
    const bool back = p->desc.op.direction == CLNORM_BACKWARD, trains = p->desc.iternorm.mode == CLNORM_TRAIN;
    const uint32_t running = BIT(RUNNING_MEAN) | BIT(RUNNING_WHITENER);
    p->required = BIT(X) | (back ? BIT(DY) : BIT(Y)) | (trains ? 0 : running);
    p->reads = p->required | BIT(GAMMA) | (back ? 0 : BIT(BETA)) | (back ? 0 : running);
    p->reads &= ~BIT(Y);
    p->writes = BIT(FAULT) | (back ? GRADIENTS : BIT(Y) | (trains ? running | BIT(MEAN) | BIT(WHITENER) : 0));
    return CLNORM_OK;
}

bool cln_iternorm_slot(const cln_problem *p, uint32_t slot, clnorm_tensor *out)
{
    const clnorm_iternorm *d = &p->desc.iternorm;
    const int64_t c = d->x.shape[cln_layer_channel(&d->x)], width = c / d->groups;
    switch (slot) {
    case CLNORM_DX:
        *out = d->x;
        return true;
    case CLNORM_DY:
        *out = d->y;
        return true;
    case CLNORM_WHITENER:
    case CLNORM_RUNNING_WHITENER:
        return cln_dense(out, d->groups, width, width);
    case CLNORM_FAULT:
        return cln_vector(out, 1);
    default:
        return cln_vector(out, c);
    }
}

/* What the chain's parts share. */
typedef struct chain {
    cln_steps *s;
    const clnorm_iternorm *d;
    cln_matrix x, y;
    uint32_t rows, columns, groups, width;
    uint64_t size; /* floats of all groups' matrices */
    bool trains;
    cln_covariance cov; /* TRAIN; in EVAL centred and lo alone */
    cln_at scaled, rtrace, w, wt;
    cln_at p;       /* P of iteration 1, 2 .., one behind the other */
    uint32_t given; /* of every step */
} chain;

static cln_at p_of(const chain *c, uint32_t iteration)
{
    return cln_at_plus(c->p, (iteration - 1) * c->size);
}

static cln_at room(const chain *c) { return cln_steps_room(c->s, c->size); }

/* Groups of items for the rows of all groups' matrices. */
static size_t by_rows(const chain *c)
{
    return cln_steps_groups(c->s, c->columns, c->s->params->wg == 1 ? 16 : 1);
}

/* A step whose numbers are the groups and their width, and one or two more. */
static cln_step numbered(const chain *c, const char *kernel, size_t groups, uint32_t a, uint32_t b)
{
    const cln_step step = {
        .kernel = kernel, .groups = groups, .n = { c->groups, c->width, a, b }, .given = c->given
    };
    return step;
}

#define ADD(c, step_, ...)                                 \
    do {                                                   \
        cln_step add_ = step_;                             \
        const cln_at places_[] = { __VA_ARGS__ };          \
        for (size_t i_ = 0; i_ < CLN_COUNT(places_); i_++) \
            add_.at[i_] = places_[i_];                     \
        cln_steps_add((c)->s, &add_);                      \
    } while (0)

/* to = alpha a b + beta to, of each group's matrices. */
static void small(const chain *c, cln_at a, cln_at b, cln_at to, float alpha, float beta)
{
    const uint32_t w = c->width;
    const cln_gemm g = { .m = w,
                         .n = w,
                         .k = w,
                         .lda = w,
                         .ldb = w,
                         .ldc = w,
                         .alpha = alpha,
                         .beta = beta,
                         .batch = c->groups,
                         .a_step = w * w,
                         .b_step = w * w,
                         .c_step = w * w };
    cln_steps_product(c->s, &g, a, b, to, c->given, 0);
}

/* to = a b + beta to: rows of samples by each group's matrix. */
static void tall(const chain *c, cln_at a, cln_at b, cln_at to, float beta)
{
    const uint32_t w = c->width, all = c->columns;
    const cln_gemm g = { .m = c->rows,
                         .n = w,
                         .k = w,
                         .lda = all,
                         .ldb = w,
                         .ldc = all,
                         .alpha = 1,
                         .beta = beta,
                         .batch = c->groups,
                         .a_step = w,
                         .b_step = w * w,
                         .c_step = w };
    cln_steps_product(c->s, &g, a, b, to, c->given, 0);
}

/* TRAIN: centred rows, S', all P, W. */
static void measure(chain *c)
{
    cln_steps_covariance(c->s, &c->cov, CLN_AT(X), &c->x, c->groups, (float)c->rows, c->given, 0);
    const cln_at square = room(c), cube = room(c);
    cln_step begin = numbered(c, "begin", cln_groups(c->groups), 0, 0);
    begin.f[0] = c->d->eps;
    c->scaled = room(c);
    c->rtrace = cln_steps_room(c->s, c->groups);
    c->p = cln_steps_room(c->s, c->size * c->d->iterations);
    ADD(c, begin, c->cov.matrix, c->scaled, p_of(c, 1), c->rtrace);
    for (uint32_t i = 1; i < c->d->iterations; i++) {
        cln_step copy = numbered(c, "copy", cln_steps_groups(c->s, c->size, 1024), 0, 0);
        copy.n[0] = (uint32_t)c->size;
        small(c, p_of(c, i), p_of(c, i), square, 1, 0);
        small(c, square, p_of(c, i), cube, 1, 0);
        ADD(c, copy, p_of(c, i), p_of(c, i + 1));
        small(c, cube, c->scaled, p_of(c, i + 1), -0.5f, 1.5f);
    }
    ADD(c, numbered(c, "whitener", by_rows(c), 0, 0), p_of(c, c->d->iterations), c->rtrace, c->w, c->wt);
}

/* EVAL: rows about the running mean; W. */
static void recall(chain *c)
{
    const uint32_t parts = cln_ceil_div(c->rows, 4096);
    const cln_at means = cln_steps_room(c->s, (uint64_t)parts * c->columns);
    c->cov.centred = cln_steps_room(c->s, (uint64_t)c->rows * c->columns);
    c->cov.lo = cln_steps_room(c->s, c->columns);
    cln_step centre =
        numbered(c, "cov_centre", cln_groups((uint64_t)parts * cln_ceil_div(c->columns, 64)), 1, 0);
    centre.view[0] = &c->x;
    centre.n[0] = parts;
    ADD(c, centre, CLN_AT(X), CLN_AT(RUNNING_MEAN), c->cov.centred, means);
    cln_step merge = numbered(c, "cov_merge", cln_steps_groups(c->s, c->columns, 16), c->columns, 0);
    merge.n[0] = parts;
    merge.n[1] = c->rows;
    ADD(c, merge, means, c->cov.lo);
    ADD(c, numbered(c, "whitener", by_rows(c), 1, 0), CLN_AT(RUNNING_WHITENER), c->cov.lo, c->w, c->wt);
}

/* Of EVAL, lo has the running mean in it and W is the running one; backward reads neither beta nor what moves. */
static void check(const chain *c, cln_at mean_dy)
{
    const bool back = c->d->op.direction == CLNORM_BACKWARD, moves = c->trains && !back;
    cln_step step = numbered(c, "check", cln_steps_groups(c->s, c->size, 1024), 0, 0);
    step.n[0] = c->columns;
    step.n[1] = (uint32_t)c->size;
    step.given = BIT(FAULT);
    cln_steps_well(c->s);
    ADD(c, step, c->cov.lo, mean_dy, c->w, CLN_AT(GAMMA), back ? CLN_AT(GAMMA) : CLN_AT(BETA),
        moves ? CLN_AT(RUNNING_MEAN) : c->cov.lo, moves ? CLN_AT(RUNNING_WHITENER) : c->w, CLN_AT(FAULT));
}

static void forward(chain *c)
{
    const cln_at z = cln_steps_room(c->s, (uint64_t)c->rows * c->columns),
                 rest = cln_steps_room(c->s, c->columns);
    cln_step spread = numbered(
        c, "spread", cln_groups((uint64_t)cln_ceil_div(c->rows, 256) * cln_ceil_div(c->columns, 64)), 0, 0);
    cln_step keep = numbered(c, "keep", by_rows(c), 0, 0);
    tall(c, c->cov.centred, c->wt, z, 0);
    ADD(c, numbered(c, "rest", by_rows(c), c->trains, 0), c->w, c->cov.lo, rest);
    spread.view[0] = &c->y;
    ADD(c, spread, z, rest, CLN_AT(GAMMA), CLN_AT(BETA), CLN_AT(Y));
    keep.given = BIT(MEAN) | BIT(WHITENER) | BIT(RUNNING_MEAN) | BIT(RUNNING_WHITENER);
    keep.momentum = c->d->momentum;
    keep.moves = true;
    if (c->trains)
        ADD(c, keep, c->cov.hi, c->cov.lo, c->w, CLN_AT(MEAN), CLN_AT(WHITENER), CLN_AT(RUNNING_MEAN),
            CLN_AT(RUNNING_WHITENER));
    check(c, c->cov.lo);
}

/* dS of dW, through the iterations: what (x - mean) is multiplied with. */
static cln_at through(const chain *c, cln_at dw)
{
    const cln_at dp = room(c), ds = room(c), square = room(c), cube = room(c), k = room(c), pk = room(c),
                 out = room(c), droot = cln_steps_room(c->s, c->groups);
    ADD(c, numbered(c, "turn", cln_groups(c->groups), 0, 0), dw, p_of(c, c->d->iterations), c->rtrace, dp, ds,
        droot);
    for (uint32_t i = c->d->iterations; i-- > 1;) {
        const cln_at p = p_of(c, i);
        small(c, p, p, square, 1, 0);
        small(c, square, p, cube, 1, 0);
        small(c, dp, c->scaled, k, 1, 0);
        small(c, p, k, pk, 1, 0);
        small(c, cube, dp, ds, -0.5f, 1);
        small(c, k, square, dp, -0.5f, 1.5f);
        small(c, pk, p, dp, -0.5f, 1);
        small(c, square, k, dp, -0.5f, 1);
    }
    ADD(c, numbered(c, "close", cln_groups(c->groups), c->rows, 0), dp, ds, c->scaled, c->rtrace, droot, out);
    return out;
}

static void backward(chain *c)
{
    const uint32_t parts = cln_ceil_div(c->rows, 1024), w = c->width, all = c->columns;
    const uint64_t count = (uint64_t)c->rows * all;
    const cln_at dense = cln_steps_room(c->s, count), means = cln_steps_room(c->s, (uint64_t)parts * all),
                 mean = cln_steps_room(c->s, all), r = room(c), front = room(c),
                 shift = cln_steps_room(c->s, all), z = cln_steps_room(c->s, count);
    cln_step gather = numbered(c, "gather", cln_groups((uint64_t)parts * cln_ceil_div(all, 64)), 0, 0);
    gather.view[0] = &c->y;
    gather.n[0] = parts;
    ADD(c, gather, CLN_AT(DY), dense, means);
    cln_step merge = numbered(c, "cov_merge", cln_steps_groups(c->s, all, 16), all, 0);
    merge.n[0] = parts;
    merge.n[1] = c->rows;
    ADD(c, merge, means, mean);
    const cln_gemm g = { .ta = true,
                         .m = w,
                         .n = w,
                         .k = c->rows,
                         .lda = all,
                         .ldb = all,
                         .ldc = w,
                         .alpha = 1,
                         .batch = c->groups,
                         .a_step = w,
                         .b_step = w,
                         .c_step = w * w };
    c->given = c->trains ? GRADIENTS : BIT(DGAMMA) | BIT(DBETA);
    cln_steps_product(c->s, &g, dense, c->cov.centred, r, c->given, 0);
    ADD(c, numbered(c, "weights", by_rows(c), c->rows, c->trains), r, mean, c->cov.lo, c->w, CLN_AT(GAMMA),
        CLN_AT(DGAMMA), CLN_AT(DBETA));
    c->given = BIT(DX);
    const cln_at back = c->trains ? through(c, r) : c->w; /* of EVAL there is none */
    ADD(c, numbered(c, "front", by_rows(c), 0, 0), c->w, CLN_AT(GAMMA), front);
    tall(c, dense, front, z, 0);
    if (c->trains)
        tall(c, c->cov.centred, back, z, 1);
    ADD(c, numbered(c, "shift", by_rows(c), c->trains, 0), front, back, mean, c->cov.lo, shift);
    cln_step spread = numbered(
        c, "spread_dx", cln_groups((uint64_t)cln_ceil_div(c->rows, 256) * cln_ceil_div(all, 64)), 0, 0);
    spread.view[0] = &c->x;
    ADD(c, spread, z, shift, CLN_AT(DX));
    check(c, mean);
}

clnorm_status cln_iternorm_steps(cln_steps *s, const cln_problem *p)
{
    const clnorm_iternorm *d = &p->desc.iternorm;
    const uint32_t channel = 1u << cln_layer_channel(&d->x);
    chain c = { .s = s, .d = d, .trains = d->mode == CLNORM_TRAIN, .groups = d->groups };
    CLN_TRY(cln_matrix_of(&c.x, &d->x, channel));
    CLN_TRY(cln_matrix_of(&c.y, &d->y, channel));
    c.rows = c.x.count[0];
    c.columns = c.x.count[1];
    c.width = c.columns / c.groups;
    c.size = (uint64_t)c.columns * c.width;
    s->types[0] = d->x.dtype;
    s->types[1] = s->types[2] = d->y.dtype;
    c.w = room(&c);
    c.wt = room(&c);
    (c.trains ? measure : recall)(&c);
    (d->op.direction == CLNORM_BACKWARD ? backward : forward)(&c);
    return CLNORM_OK;
}

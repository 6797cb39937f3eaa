/* spectralnorm.c -- spectral normalization: power iteration, sigma, y = x / sigma; and back. */
#include "base/status.h"
#include "op/op.h"

#define BIT(slot) (1u << CLNORM_##slot)

clnorm_status cln_spectralnorm_check(clnorm_any *desc)
{
    const clnorm_spectralnorm *d = &desc->spectralnorm;
    if (d->x.ndim < 2)
        return cln_fail(CLNORM_ESHAPE,
                        "spectralnorm: x has %u axis; 2 or more make a matrix (l2norm takes one)", d->x.ndim);
    if (d->dim >= d->x.ndim)
        return cln_fail(CLNORM_ESHAPE, "spectralnorm: dim is %u; x has %u axes, 0 to %u", d->dim, d->x.ndim,
                        d->x.ndim - 1);
    return CLNORM_OK;
}

clnorm_status cln_spectralnorm_pose(cln_problem *p)
{
    const bool back = p->desc.op.direction == CLNORM_BACKWARD,
               trains = p->desc.spectralnorm.mode == CLNORM_TRAIN;
    p->required = BIT(X) | BIT(U) | BIT(V) | (back ? BIT(DY) | BIT(DX) : BIT(Y));
    p->reads = BIT(X) | BIT(U) | BIT(V) | (back ? BIT(DY) | BIT(SIGMA) : 0);
    p->writes = BIT(FAULT) | (back ? BIT(DX) : BIT(Y) | BIT(SIGMA) | (trains ? BIT(U) | BIT(V) : 0));
    return CLNORM_OK;
}

bool cln_spectralnorm_slot(const cln_problem *p, uint32_t slot, clnorm_tensor *out)
{
    const clnorm_spectralnorm *d = &p->desc.spectralnorm;
    const int64_t rows = d->x.shape[d->dim], count = clnorm_tensor_count(&d->x);
    switch (slot) {
    case CLNORM_DX:
        *out = d->x;
        return true;
    case CLNORM_DY:
        *out = d->y;
        return true;
    case CLNORM_U:
        return cln_vector(out, rows);
    case CLNORM_V:
        return cln_vector(out, rows ? count / rows : 0);
    default:
        return cln_vector(out, 1);
    }
}

/* What the chain's parts share. */
typedef struct chain {
    cln_steps *s;
    cln_matrix x, y;
    cln_at own;       /* sigma, sum dy * x; 0 of u and of v, or NaN */
    cln_at t, sweeps; /* a product, its parts */
    uint32_t absent;  /* of every step */
} chain;

#define PARTS 4 /* of a sweep's rows, per unit */

static uint32_t sweep_parts(const chain *c, uint32_t side)
{
    const uint32_t most = c->x.count[1 - side] / 16, parts = c->s->device->units * PARTS;
    return most < 1 ? 1 : parts < most ? parts : most;
}

/* Floats of the parts of a side, 0 where it goes by dots. */
static uint64_t sweep_room(const chain *c, uint32_t side)
{
    const bool sweeps = c->x.step[1 - side][0] != 1 && c->x.step[side][0] == 1;
    return sweeps ? (uint64_t)c->x.count[side] * sweep_parts(c, side) : 0;
}

/* t = W w where side is 0, W^T w where it is 1. */
static void multiply(const chain *c, uint32_t side, cln_at w)
{
    const uint32_t count = c->x.count[side], parts = sweep_parts(c, side);
    const bool sweeps = sweep_room(c, side) > 0;
    const cln_step product = { .kernel = sweeps ? "sweep" : "dots",
                               .groups = cln_groups(sweeps ? (uint64_t)parts * count : count),
                               .at = { CLN_AT(X), w, sweeps ? c->sweeps : c->t },
                               .view = { &c->x },
                               .n = { side, parts },
                               .absent = c->absent };
    cln_steps_add(c->s, &product);
    if (sweeps)
        cln_steps_add(c->s, &(cln_step){ .kernel = "fold",
                                         .groups = cln_steps_groups(c->s, count, 256),
                                         .at = { c->sweeps, c->t },
                                         .n = { count, parts },
                                         .absent = c->absent });
}

static void unit(const chain *c, uint32_t side, cln_at to, float eps)
{
    cln_steps_add(c->s, &(cln_step){ .kernel = "unit",
                                     .groups = 1,
                                     .at = { c->t, to, c->own },
                                     .n = { c->x.count[side] },
                                     .f = { eps },
                                     .absent = c->absent });
}

/* What `scalar` makes of a and b. */
enum { DOT, SUM, FINITE };

/* own[which] = a . b, or of a alone: its sum, or 0 where all is finite and else NaN. */
static void dot(const chain *c, cln_at a, cln_at b, uint32_t count, uint32_t which, uint32_t makes)
{
    cln_steps_add(c->s, &(cln_step){ .kernel = "scalar",
                                     .groups = 1,
                                     .at = { a, b, c->own },
                                     .n = { count, which, makes },
                                     .given = makes == FINITE ? BIT(FAULT) : 0,
                                     .absent = c->absent });
}

static void finish(const chain *c, cln_at sigma, uint32_t numbers)
{
    cln_steps_add(c->s, &(cln_step){ .kernel = "finish",
                                     .groups = 1,
                                     .at = { c->own, sigma, CLN_AT(FAULT) },
                                     .n = { numbers },
                                     .given = BIT(SIGMA) | BIT(FAULT) });
}

static void forward(chain *c, const clnorm_spectralnorm *d)
{
    for (uint32_t i = 0; d->mode == CLNORM_TRAIN && i < d->iterations; i++) {
        multiply(c, 0, CLN_AT(V));
        unit(c, 0, CLN_AT(U), d->eps);
        multiply(c, 1, CLN_AT(U));
        unit(c, 1, CLN_AT(V), d->eps);
    }
    if (d->mode == CLNORM_EVAL) {
        multiply(c, 0, CLN_AT(V));
        dot(c, c->t, CLN_AT(U), c->x.count[0], 0, DOT);
    }
    cln_steps_add(c->s, &(cln_step){ .kernel = "scale",
                                     .groups = cln_groups(c->x.count[0]),
                                     .at = { CLN_AT(X), c->own, CLN_AT(Y) },
                                     .view = { &c->x, &c->y } });
    finish(c, CLN_AT(SIGMA), 1);
}

static void backward(chain *c)
{
    c->absent = BIT(SIGMA); /* it is made */
    multiply(c, 0, CLN_AT(V));
    dot(c, c->t, CLN_AT(U), c->x.count[0], 0, DOT);
    c->absent = 0;
    cln_steps_add(c->s, &(cln_step){ .kernel = "scalar", /* or taken */
                                     .groups = 1,
                                     .at = { CLN_AT(SIGMA), CLN_AT(SIGMA), c->own },
                                     .n = { 1, 0, SUM },
                                     .given = BIT(SIGMA) });
    cln_steps_add(c->s, &(cln_step){ .kernel = "inner",
                                     .groups = cln_groups(c->x.count[0]),
                                     .at = { CLN_AT(X), CLN_AT(DY), c->t },
                                     .view = { &c->x, &c->y } });
    dot(c, c->t, c->t, c->x.count[0], 1, SUM);
    cln_steps_add(c->s, &(cln_step){ .kernel = "gradient",
                                     .groups = cln_groups(c->x.count[0]),
                                     .at = { CLN_AT(DY), CLN_AT(U), CLN_AT(V), c->own, CLN_AT(DX) },
                                     .view = { &c->x, &c->y } });
    dot(c, CLN_AT(U), CLN_AT(U), c->x.count[0], 2, FINITE); /* a sigma that is given says nothing of them */
    dot(c, CLN_AT(V), CLN_AT(V), c->x.count[1], 3, FINITE);
    finish(c, c->own, 4);
}

clnorm_status cln_spectralnorm_steps(cln_steps *s, const cln_problem *p)
{
    const clnorm_spectralnorm *d = &p->desc.spectralnorm;
    const uint32_t columns = ((1u << d->x.ndim) - 1) & ~(1u << d->dim);
    chain c = { .s = s };
    CLN_TRY(cln_matrix_of(&c.x, &d->x, columns));
    CLN_TRY(cln_matrix_of(&c.y, &d->y, columns));
    const uint32_t most = c.x.count[0] > c.x.count[1] ? c.x.count[0] : c.x.count[1];
    s->types[0] = d->x.dtype;
    s->types[1] = s->types[2] = d->y.dtype;
    c.own = cln_steps_room(s, 4);
    c.t = cln_steps_room(s, most);
    const uint64_t rows = sweep_room(&c, 0), across = sweep_room(&c, 1);
    c.sweeps = cln_steps_room(s, rows > across ? rows : across);
    if (d->op.direction == CLNORM_BACKWARD)
        backward(&c);
    else
        forward(&c, d);
    return CLNORM_OK;
}

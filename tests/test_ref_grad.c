/* test_ref_grad.c -- every gradient of the reference against central differences of its own forward pass.
 *
 * Inputs lie on a grid that f32 holds together with a step to either side, in double the differences of
 * fourth order are good to 1e-9; what is not smooth (relu at 0, ties of the largest) is kept at a distance.
 */
#include "array.h"
#include "ref_layer.h"

static const double step = 0x1p-16;

static uint32_t next(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

/* ---- the cases -------------------------------------------------------------------------------- */

typedef struct list {
    clnorm_any d[64];
    size_t n;
} list;

static clnorm_any *add(list *l, uint32_t kind)
{
    ck_assert(l->n < CLN_COUNT(l->d));
    l->d[l->n] = layer_init(kind);
    return &l->d[l->n++];
}

static void add_centred(list *l)
{
    add(l, CLNORM_OP_BATCHNORM)->batchnorm.mode = CLNORM_TRAIN;
    add(l, CLNORM_OP_BATCHNORM)->batchnorm.mode = CLNORM_EVAL;
    clnorm_any *d = add(l, CLNORM_OP_BATCHNORM);
    d->batchnorm.mode = CLNORM_EVAL;
    d->batchnorm.layer.given = 1;
    d = add(l, CLNORM_OP_BATCHNORM);
    d->batchnorm.mode = CLNORM_TRAIN;
    d->batchnorm.ddof = 1;
    d->batchnorm.eps = 0.5f;
    add(l, CLNORM_OP_LAYERNORM);
    add(l, CLNORM_OP_LAYERNORM)->layernorm.axes = 2;
    add(l, CLNORM_OP_LAYERNORM)->layernorm.axes = 13;
    add(l, CLNORM_OP_LAYERNORM)->layernorm.ddof = 1;
    add(l, CLNORM_OP_GROUPNORM)->groupnorm.groups = 1;
    add(l, CLNORM_OP_GROUPNORM)->groupnorm.groups = 2;
    add(l, CLNORM_OP_GROUPNORM)->groupnorm.groups = 4;
    add(l, CLNORM_OP_INSTANCENORM);
    add(l, CLNORM_OP_INSTANCENORM)->instancenorm.ddof = 1;
    add(l, CLNORM_OP_MVN);
    add(l, CLNORM_OP_MVN)->mvn.eps = 0.5f;
    add(l, CLNORM_OP_MVN)->mvn.eps_inside = 1;
    d = add(l, CLNORM_OP_MVN);
    d->mvn.axes = 13;
    d->mvn.ddof = 1;
    d->mvn.eps = 0.25f;
}

static void add_scaled(list *l)
{
    add(l, CLNORM_OP_RMSNORM);
    add(l, CLNORM_OP_RMSNORM)->rmsnorm.axes = 2;
    add(l, CLNORM_OP_RMSNORM)->rmsnorm.zero_centred = 1;
    add(l, CLNORM_OP_GRN);
    add(l, CLNORM_OP_GRN)->grn.eps = 0.5f;
    add(l, CLNORM_OP_L2NORM);
    add(l, CLNORM_OP_L2NORM)->l2norm.axes = 14;
    add(l, CLNORM_OP_L2NORM)->l2norm.eps = 100.0f;
    clnorm_any *d = add(l, CLNORM_OP_L2NORM);
    d->l2norm.add_eps = 1;
    d->l2norm.eps = 0.5f;
    static const float powers[] = { 1.0f, 1.5f, 2.0f, 3.0f, INFINITY };
    for (size_t k = 0; k < CLN_COUNT(powers); k++) {
        add(l, CLNORM_OP_LPNORM)->lpnorm.p = powers[k];
        d = add(l, CLNORM_OP_LPNORM);
        d->lpnorm.p = powers[k];
        d->lpnorm.axes = 13;
        d->lpnorm.add_eps = 1;
        d->lpnorm.eps = 0.5f;
    }
    static const uint32_t windows[] = { 1, 2, 3, 4, 5, 12 };
    for (size_t k = 0; k < CLN_COUNT(windows); k++)
        for (uint32_t lean = windows[k] % 2 ? CLNORM_ODD_ONLY : CLNORM_LEAN_LEFT; lean <= CLNORM_LEAN_RIGHT;
             lean++) {
            d = add(l, CLNORM_OP_LRN);
            d->lrn.window = windows[k];
            d->lrn.lean = lean;
            d->lrn.whole_alpha = (uint32_t)k % 2;
            d->lrn.alpha = 0.5f;
        }
}

static const struct form {
    uint32_t ndim;
    shape n;
} forms[] = { { 4, { { 2, 4, 2, 3 } } },
              { 3, { { 4, 2, 3 } } },
              { 2, { { 3, 4 } } },
              { 5, { { 2, 4, 1, 2, 2 } } },
              { 1, { { 8 } } } };

static uint32_t *axes_of(clnorm_any *d)
{
    return d->op.kind == CLNORM_OP_LAYERNORM ? &d->layernorm.axes
           : d->op.kind == CLNORM_OP_RMSNORM ? &d->rmsnorm.axes
           : d->op.kind == CLNORM_OP_L2NORM  ? &d->l2norm.axes
           : d->op.kind == CLNORM_OP_LPNORM  ? &d->lpnorm.axes
           : d->op.kind == CLNORM_OP_MVN     ? &d->mvn.axes
                                             : NULL;
}

/* Channels last, where there are any behind. */
static void turn(clnorm_tensor *t)
{
    const uint32_t c = t->ndim == 3 ? 0 : 1;
    int64_t stride = t->shape[c];
    for (uint32_t k = t->ndim; t->ndim > 2 && k-- > 0;)
        if (k == c) {
            t->stride[k] = 1;
        } else {
            t->stride[k] = stride;
            stride *= t->shape[k];
        }
}

static int64_t product(const clnorm_tensor *t, uint32_t axes)
{
    int64_t n = 1;
    for (uint32_t k = 0; k < t->ndim; k++)
        n *= axes >> k & 1u ? t->shape[k] : 1;
    return n;
}

/* All weights there may be: more than a descriptor has do no harm. */
static int64_t weights_of(const clnorm_any *d)
{
    return d->layered.layer.affine == CLNORM_PER_ELEMENT ? product(&d->head.x, ~0u) : 8;
}

/* ---- the inputs ------------------------------------------------------------------------------- */

/* [0.25, 2.3] of either sign, and no two of one size. */
static void fill(layer_run *r, clnorm_slot slot, int64_t n, uint32_t *seed)
{
    const uint32_t first = next(seed) % 521;
    for (int64_t i = 0; i < n; i++) {
        const double size = 0.25 + (double)((first + 37u * (uint32_t)i) % 521) * 0x1p-8;
        r->in[slot][i] = (float)(next(seed) & 64u ? size : -size);
    }
    r->io.slot[slot] = r->in[slot];
}

static void fill_all(layer_run *r, uint32_t seed)
{
    const int64_t n = product(&r->d.head.x, ~0u);
    const clnorm_layer *o = &r->d.layered.layer;
    memset(&r->io, 0, sizeof r->io);
    fill(r, CLNORM_X, n, &seed);
    fill(r, CLNORM_DY, n, &seed);
    if (o->residual)
        fill(r, CLNORM_RESIDUAL, n, &seed);
    if (next(&seed) % 4)
        fill(r, CLNORM_GAMMA, weights_of(&r->d), &seed);
    if (next(&seed) % 4)
        fill(r, CLNORM_BETA, weights_of(&r->d), &seed);
    if (r->d.op.kind != CLNORM_OP_BATCHNORM || r->d.batchnorm.mode != CLNORM_EVAL)
        return;
    fill(r, o->given ? CLNORM_MEAN : CLNORM_RUNNING_MEAN, 8, &seed);
    fill(r, o->given ? CLNORM_RSTD : CLNORM_RUNNING_VAR, 8, &seed);
    for (int c = 0; c < 8; c++)
        r->in[CLNORM_RUNNING_VAR][c] = fabsf(r->in[CLNORM_RUNNING_VAR][c]);
}

/* Whether no two of them are of one size and none is near 0. */
static bool are_apart(const double *v, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t k = 0; k <= i; k++)
            if (fabs(v[i]) < 0.02 || (k < i && fabs(v[i]) == fabs(v[k])))
                return false;
    return true;
}

/* Whether no step takes a pre-activation over 0, nor a sum with a residual over 0 or over another. */
static bool is_smooth(layer_run *r)
{
    const uint32_t act = r->d.layered.layer.act;
    const int64_t n = product(&r->d.head.x, ~0u);
    double least = INFINITY;
    r->d.layered.layer.act = CLNORM_ACT_NONE;
    layer_want(r, CLNORM_Y);
    layer_want(r, CLNORM_SUM);
    ck_assert(ref_run(&r->d, &r->io));
    r->io.slot[CLNORM_SUM] = NULL;
    r->d.layered.layer.act = act;
    for (int64_t i = 0; i < n; i++)
        least = fmin(least, fabs(r->out[CLNORM_Y][i]));
    return are_apart(r->out[CLNORM_SUM], n) && (least > 1e-3 || (act != CLNORM_RELU && act != CLNORM_LEAKY));
}

/* ---- the gradients ---------------------------------------------------------------------------- */

static double loss(layer_run *r)
{
    double sum = 0;
    layer_want(r, CLNORM_Y);
    ck_assert(ref_run(&r->d, &r->io));
    for (int64_t i = 0; i < product(&r->d.head.x, ~0u); i++)
        sum += r->out[CLNORM_Y][i] * (double)r->in[CLNORM_DY][ref_place(&r->d.head.y, i)];
    return sum;
}

static double difference(layer_run *r, clnorm_slot slot, int64_t at)
{
    static const struct {
        double steps, weight;
    } terms[] = { { -2, 1 }, { -1, -8 }, { 1, 8 }, { 2, -1 } };
    const float centre = r->in[slot][at];
    double sum = 0;
    for (size_t k = 0; k < CLN_COUNT(terms); k++) {
        r->in[slot][at] = centre + (float)(terms[k].steps * step);
        sum += terms[k].weight * loss(r);
    }
    r->in[slot][at] = centre;
    return sum / (12 * step);
}

static const struct pair {
    clnorm_slot of, gradient;
} pairs[] = { { CLNORM_X, CLNORM_DX },
              { CLNORM_RESIDUAL, CLNORM_DRESIDUAL },
              { CLNORM_GAMMA, CLNORM_DGAMMA },
              { CLNORM_BETA, CLNORM_DBETA } };

/* The way back of a filled problem: from the sum where the residual came before, with the mask of relu. */
static void run_back(const layer_run *r, layer_run *b, bool masked)
{
    static uint8_t mask[LAYER_ROOM];
    *b = *r;
    for (size_t s = 0; s < CLNORM_SLOTS; s++)
        b->io.slot[s] = r->io.slot[s] && s != CLNORM_Y ? b->in[s] : NULL;
    if (masked) {
        b->io.slot[CLNORM_MASK] = mask;
        ck_assert(ref_run(&b->d, &b->io));
    }
    for (int64_t i = 0; b->d.layered.layer.residual == CLNORM_RESIDUAL_BEFORE && i < LAYER_ROOM; i++)
        b->in[CLNORM_X][i] += b->in[CLNORM_RESIDUAL][i];
    if (masked || b->d.layered.layer.residual == CLNORM_RESIDUAL_BEFORE)
        b->io.slot[CLNORM_RESIDUAL] = NULL;
    b->d.op.direction = CLNORM_BACKWARD;
    for (size_t k = 0; k < CLN_COUNT(pairs); k++)
        layer_want(b, pairs[k].gradient);
    ck_assert(ref_run(&b->d, &b->io));
}

static int64_t compare(layer_run *r, const layer_run *b, struct pair p)
{
    const bool per_element = p.of == CLNORM_X || p.of == CLNORM_RESIDUAL;
    const clnorm_tensor *t = p.of == CLNORM_RESIDUAL && r->d.layered.layer.residual == CLNORM_RESIDUAL_AFTER
                                 ? &r->d.head.y
                                 : &r->d.head.x;
    const int64_t n = !r->io.slot[p.of] ? 0 : per_element ? product(t, ~0u) : weights_of(&r->d);
    double largest = 1;
    for (int64_t i = 0; i < n; i++)
        largest = fmax(largest, fabs(b->out[p.gradient][i]));
    for (int64_t i = 0; i < n; i++) {
        const double want = difference(r, p.of, per_element ? ref_place(t, i) : i),
                     got = b->out[p.gradient][i];
        ck_assert_msg(
            fabs(got - want) <= 1e-7 * largest,
            "op %u, ndim %u, affine %u, act %u, residual %u, axes %u: gradient %d [%d] is %.12g, not %.12g",
            r->d.op.kind, t->ndim, r->d.layered.layer.affine, r->d.layered.layer.act,
            r->d.layered.layer.residual, axes_of(&r->d) ? *axes_of(&r->d) : 0, (int)p.gradient, (int)i, got,
            want);
    }
    return n;
}

/* A descriptor in one shape, with options drawn at random; false where it does not fit. */
static bool draw(layer_run *r, const clnorm_any *d, const struct form *f, uint32_t seed)
{
    const clnorm_tensor t = dense(CLNORM_F32, f->ndim, f->n);
    memset(r, 0, sizeof *r);
    r->d = *d;
    r->d.head.x = r->d.head.y = t;
    if (next(&seed) & 64u)
        turn(&r->d.head.x);
    if (next(&seed) & 64u)
        turn(&r->d.head.y);
    clnorm_layer *o = &r->d.layered.layer;
    o->affine = next(&seed) % 4;
    o->act = next(&seed) % 6;
    o->slope = 0.125f;
    o->residual = next(&seed) % 3;
    if (axes_of(&r->d))
        *axes_of(&r->d) &= (1u << f->ndim) - 1u;
    for (int tries = 0; tries < 200; tries++) {
        fill_all(r, next(&seed));
        if (is_smooth(r))
            return true;
    }
    return false;
}

START_TEST(against_differences)
{
    static layer_run r, b;
    static list l;
    int64_t compared[CLNORM_SLOTS] = { 0 };
    l.n = 0;
    (_i ? add_scaled : add_centred)(&l);
    for (size_t k = 0; k < l.n; k++)
        for (size_t f = 0; f < CLN_COUNT(forms); f++)
            for (uint32_t seed = 0; seed < 12; seed++) {
                if (!draw(&r, &l.d[k], &forms[f], seed * 7919u + (uint32_t)(k * 31 + f)))
                    continue;
                run_back(&r, &b, r.d.layered.layer.act == CLNORM_RELU && seed % 2);
                for (size_t p = 0; p < CLN_COUNT(pairs); p++)
                    compared[pairs[p].gradient] += compare(&r, &b, pairs[p]);
            }
    for (size_t p = 0; p < CLN_COUNT(pairs); p++)
        ck_assert_msg(compared[pairs[p].gradient] > 5000, "%d compared", (int)compared[pairs[p].gradient]);
}
END_TEST

/* The statistics that a forward pass saved, rounded to f32, lead to the same gradients. */
START_TEST(from_saved_statistics)
{
    static layer_run r, b, saved;
    static list l;
    l.n = 0;
    add_centred(&l);
    add_scaled(&l);
    for (size_t k = 0; k < l.n; k++)
        for (size_t f = 0; f < CLN_COUNT(forms); f++) {
            const uint32_t kind = l.d[k].op.kind;
            if (kind == CLNORM_OP_LRN || l.d[k].layered.layer.given ||
                !draw(&r, &l.d[k], &forms[f], (uint32_t)k))
                continue;
            r.d.layered.layer.act = CLNORM_ACT_NONE;
            r.d.layered.layer.residual = CLNORM_RESIDUAL_NONE;
            run_back(&r, &b, false);
            layer_want(&r, CLNORM_MEAN);
            layer_want(&r, CLNORM_RSTD);
            ck_assert(ref_run(&r.d, &r.io));
            for (int i = 0; i < LAYER_ROOM; i++) {
                r.in[CLNORM_MEAN][i] = (float)r.out[CLNORM_MEAN][i];
                r.in[CLNORM_RSTD][i] = (float)r.out[CLNORM_RSTD][i];
            }
            run_back(&r, &saved, false);
            for (size_t p = 0; p < CLN_COUNT(pairs); p++)
                expect_doubles(&r, "gradient", saved.out[pairs[p].gradient], b.out[pairs[p].gradient],
                               LAYER_ROOM, 1e-5);
        }
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("all");
    tcase_set_timeout(t, 600);
    tcase_add_loop_test(t, against_differences, 0, 2);
    tcase_add_test(t, from_saved_statistics);
    return suite_run(suite_of("ref_grad", t), CK_FORK_GETENV);
}

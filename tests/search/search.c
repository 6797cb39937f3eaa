/* search.c -- looks for inputs that an op gets wrong: climbs from random ones to those of the largest error.
 *
 *     search [--seed S] [--seconds T] [--tries N] [--op NAME] [--doc]
 *
 * Each op and direction, but for matrix ops, is climbed for T seconds, or N tries: a change of one or two numbers of the
 * inputs, the shape or an attribute is kept where the worst error, as a multiple of its bound of SEMANTICS section 4, is not smaller;
 * after STUCK tries without a larger one it starts anew. Nothing may exceed 1, but for what `known` says: what does is
 * printed with all its numbers, and the end is 1. --doc prints the table of docs/bounds.md. x is 0 or 1e-30 to 3e38, dy and
 * statistics from outside 0 or 1e-3 to 1e3, gamma and beta 0 or 1e-3 to 1, of f32; docs/bounds.md says why not more. */
#define _POSIX_C_SOURCE 200809L
#include "series.h"

#include "cli/number.h"
#include "cli/session.h"
#include "cli/verify.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define FIRST 60 /* shapes are kept for the first tries of a start, since each may need kernels of its own */
#define STUCK 400

static const cli_shape shapes[] = { { 1, 2, 1, 4096, CLI_NCHW }, { 2, 3, 5, 7, CLI_NCHW },
                                    { 1, 4, 33, 31, CLI_NCHW },  { 2, 4, 9, 13, CLI_NHWC },
                                    { 5, 4, 1, 1, CLI_NCHW },    { 1, 2, 1, 3, CLI_NCHW },
                                    { 2, 6, 64, 17, CLI_NHWC },  { 1, 2, 33, 127, CLI_NCHW },
                                    { 33, 6, 7, 7, CLI_NCHW },   { 1, 2, 1, 1025, CLI_NCHW } };

/* Attributes that are numbers of a call, not of a kernel. */
static const struct {
    const char *name;
    uint32_t n;
    double values[6];
} attrs[] = {
    { "eps", 6, { 1e-5, 0, 1e-12, 1e-8, 1e-2, 10 } },
    { "ddof", 2, { 0, 1 } },
    { "alpha", 3, { 1e-4, 1e-3, 1e-2 } },
    { "beta", 3, { 0.75, 0.5, 1 } },
    { "k", 3, { 2, 1, 10 } },
    { "lo", 3, { 0, -1, 100 } },
    { "hi", 3, { 1, -100, 255 } },
    { "momentum", 3, { 0.1, 0.9, 1e-3 } },
    { "zero_centred", 2, { 0, 1 } },
};

/* Where roundings can add up to more than the bound of SEMANTICS: how many times it at most, else it is a bug.
 * docs/bounds.md says why. */
static const struct {
    uint32_t kind, slot; /* kind 0: of any op */
    double most;
} known[] = { { 0, CLNORM_DGAMMA, 1000 },
              { 0, CLNORM_DBETA, 33 },
              { 0, CLNORM_M2, 3.3 },
              { 0, CLNORM_RUNNING_VAR, 3.3 },
              { CLNORM_OP_LRN, CLNORM_DX, 300 } };

static double most_of(const clnorm_op_info *op, const cli_worst *w)
{
    for (size_t k = 0; k < COUNT(known); k++)
        if ((!known[k].kind || known[k].kind == op->kind) && known[k].slot == w->slot && w->error > 1)
            return known[k].most;
    return 1;
}

/* All that a try depends on. */
typedef struct input {
    uint32_t shape, attr[COUNT(attrs)];
    series x, dy, gamma, beta, rest;
} input;

typedef struct climb {
    clnorm_context *ctx;
    const clnorm_op_info *op;
    uint32_t direction;
    uint64_t state;
    input best;      /* of all starts */
    cli_worst worst; /* what it does */
    size_t tries, starts;
} climb;

static const series *series_of(const input *in, uint32_t slot)
{
    return slot == CLNORM_X       ? &in->x
           : slot == CLNORM_DY    ? &in->dy
           : slot == CLNORM_GAMMA ? &in->gamma
           : slot == CLNORM_BETA  ? &in->beta
                                  : &in->rest;
}

/* A factor or a variance is above 0, a maximum above its minimum. */
static double value_of(const void *user, uint32_t slot, int64_t i, int64_t n)
{
    const uint32_t above = 1u << CLNORM_RSTD | 1u << CLNORM_RUNNING_VAR | 1u << CLNORM_MAX;
    const series *s = series_of((const input *)user, slot);
    const double v = series_value(s, i, n);
    if (slot == CLNORM_MIN)
        return -fabs(v);
    return above >> slot & 1u ? fabs(v) + s->least : v;
}

static input begin(uint64_t *state)
{
    input in;
    memset(&in, 0, sizeof in);
    in.shape = series_below(state, COUNT(shapes));
    in.x = series_begin(state, 3e38, 1e-30);
    in.dy = series_begin(state, 1e3, 1e-3);
    in.gamma = series_begin(state, 1, 1e-3);
    in.beta = series_begin(state, 1, 1e-3);
    in.rest = series_begin(state, 1e3, 1e-3);
    return in;
}

static void change(input *in, uint64_t *state, bool shape_too)
{
    series *const others[] = { &in->dy, &in->gamma, &in->beta, &in->rest };
    const uint32_t what = series_below(state, 16);
    if (what == 0 && shape_too)
        in->shape = series_below(state, COUNT(shapes));
    else if (what <= 1) {
        const uint32_t k = series_below(state, COUNT(attrs));
        in->attr[k] = series_below(state, attrs[k].n);
    } else if (what < 5)
        series_change(others[series_below(state, COUNT(others))], state);
    else
        series_change(&in->x, state);
}

/* What the library refuses, as a window that a shape has no room for, has no error. */
static cli_worst attempt(climb *c, const input *in)
{
    cli_case k;
    cli_worst worst;
    memset(&k, 0, sizeof k);
    memset(&worst, 0, sizeof worst);
    clnorm_op_init(&k.desc, c->op->kind);
    k.desc.op.direction = c->direction;
    k.desc.head.x = cli_shape_tensor(&shapes[in->shape], CLNORM_F32);
    if (c->op->kind != CLNORM_OP_MOMENTS)
        k.desc.head.y = k.desc.head.x;
    for (size_t a = 0; a < COUNT(attrs); a++)
        clnorm_op_set(&k.desc, attrs[a].name, &attrs[a].values[in->attr[a]], 1); /* others lack it */
    const double one[] = { 1, 2, 0.45, 0.25 };
    clnorm_op_set(&k.desc, "mode", &one[0], 1);
    clnorm_op_set(&k.desc, "groups", &one[1], 1);
    clnorm_op_set(&k.desc, "scale", &one[1], 1);
    clnorm_op_set(&k.desc, "mean", &one[2], 1);
    clnorm_op_set(&k.desc, "std", &one[3], 1);
    k.absent = 1u << CLNORM_MEAN | 1u << CLNORM_RSTD;
    k.bound = 1e-6;
    k.value = value_of;
    k.user = in;
    c->tries++;
    if (clnorm_op_check(&k.desc) != CLNORM_OK)
        return worst;
    const clnorm_status status = cli_case_run(c->ctx, &k, &worst, NULL);
    if (status != CLNORM_OK && status != CLNORM_EUNSUPPORTED)
        exit(cli_status(status));
    if (worst.slot == CLNORM_RUNNING_VAR &&
        isinf(worst.got)) /* the batch's variance has left f32, as it may */
        worst.error = 0;
    return worst;
}

static bool has(const clnorm_op_info *op, const char *attr)
{
    for (size_t k = 0; k < op->nattrs; k++)
        if (strcmp(op->attrs[k].name, attr) == 0)
            return true;
    return false;
}

static void print_input(FILE *file, const climb *c, const input *in, const cli_worst *w)
{
    const cli_shape *s = &shapes[in->shape];
    fprintf(file, "%s%s, x %lldx%lldx%lldx%lld %s, ", c->op->name, c->direction ? " backward" : "",
            (long long)s->n, (long long)s->c, (long long)s->h, (long long)s->w, cli_view_names[s->view]);
    for (size_t a = 0; a < COUNT(attrs); a++)
        if (in->attr[a] && has(c->op, attrs[a].name))
            fprintf(file, "%s %g, ", attrs[a].name, attrs[a].values[in->attr[a]]);
    fprintf(file, "slot %u[%lld] is %.9g, not %.9g: %.3g times the bound\n", w->slot, (long long)w->index,
            w->got, w->want, w->error);
    series_print(file, "  x", &in->x);
    if (c->op->layer) {
        series_print(file, "  gamma", &in->gamma);
        series_print(file, "  beta", &in->beta);
    }
    if (c->direction)
        series_print(file, "  dy", &in->dy);
    else
        series_print(file, "  statistics", &in->rest);
}

/* Whether nothing was beyond its bound. */
static bool run_climb(climb *c, double seconds, size_t tries)
{
    const double end = cli_now_ms() + 1e3 * seconds;
    while (cli_now_ms() < end && c->tries < tries) {
        input now = begin(&c->state);
        cli_worst worst = attempt(c, &now);
        c->starts++;
        for (size_t k = 0, since = 0; since < STUCK && cli_now_ms() < end && c->tries < tries; k++, since++) {
            input next = now;
            for (uint32_t n = 1 + series_below(&c->state, 3); n > 0; n--)
                change(&next, &c->state, k >= FIRST);
            const cli_worst w = attempt(c, &next);
            if (!(w.error >= worst.error))
                continue;
            since = w.error > worst.error ? 0 : since;
            now = next;
            worst = w;
        }
        if (worst.error > c->worst.error || c->starts == 1) {
            c->best = now;
            c->worst = worst;
        }
        if (!(c->worst.error <= most_of(c->op, &c->worst)))
            return false;
    }
    return true;
}

/* ---- the command ---- */

typedef struct wishes {
    double seed, seconds, tries;
    const char *op;
    bool doc;
} wishes;

static bool climb_op(const wishes *w, clnorm_context *ctx, const clnorm_op_info *op, uint32_t direction)
{
    static const char *const slots[] = {
#define NAME(NAME, name) #name,
        CLNORM_SLOT_MAP(NAME)
#undef NAME
    };
    climb c;
    memset(&c, 0, sizeof c);
    c.ctx = ctx;
    c.op = op;
    c.direction = direction;
    c.state = (uint64_t)w->seed + 1000 * op->kind + direction;
    const bool well = run_climb(&c, w->seconds, (size_t)w->tries);
    printf(w->doc ? "| `%s` | %s | %zu | %zu | %.2f | %.0e | `%s` |\n"
                  : "%-13s %-8s %7zu tries, %4zu starts: %.2f of the bound %.1e of %s\n",
           op->name, direction ? "backward" : "forward", c.tries, c.starts, c.worst.error, c.worst.bound,
           c.worst.error > 0 ? slots[c.worst.slot] : "-");
    fflush(stdout);
    if (!w->doc || !well)
        print_input(well ? stdout : stderr, &c, &c.best, &c.worst);
    return well;
}

static bool read_wishes(wishes *w, int argc, char **argv)
{
    const char *why;
    for (int k = 1; k < argc; k++) {
        double *const number = strcmp(argv[k], "--seed") == 0      ? &w->seed
                               : strcmp(argv[k], "--seconds") == 0 ? &w->seconds
                               : strcmp(argv[k], "--tries") == 0   ? &w->tries
                                                                   : NULL;
        if (strcmp(argv[k], "--doc") == 0)
            w->doc = true;
        else if (k + 1 < argc && strcmp(argv[k], "--op") == 0)
            w->op = argv[++k];
        else if (!number || k + 1 == argc || !cli_number(argv[++k], number, &why) || *number < 0)
            return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    wishes w = { 1, 10, 1e9, NULL, false };
    clnorm_options options;
    clnorm_context *ctx;
    const clnorm_op_info *op;
    bool well = true;
    if (!read_wishes(&w, argc, argv))
        return cli_fail(EXIT_USAGE, "search [--seed S] [--seconds T] [--tries N] [--op NAME] [--doc]");
    memset(&options, 0, sizeof options);
    options.size = sizeof options;
    options.flags = CLNORM_LAZY | CLNORM_CACHE_OFF;
    if (clnorm_open(&ctx, NULL, &options) != CLNORM_OK)
        return cli_fail(EXIT_DEVICE, "%s", clnorm_last_error(NULL));
    for (size_t k = 0; (op = clnorm_op_at(k)) != NULL; k++) {
        if (op->matrix) /* their bounds are of data that is well conditioned */
            continue;
        for (uint32_t way = CLNORM_FORWARD; way <= (op->layer ? CLNORM_BACKWARD : CLNORM_FORWARD); way++)
            if (!w.op || strcmp(w.op, op->name) == 0)
                well &= climb_op(&w, ctx, op, way);
    }
    clnorm_close(ctx);
    return well ? EXIT_OK : EXIT_CHECK;
}

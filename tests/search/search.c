/* search.c -- looks for inputs that an op gets wrong: climbs from random ones to those of the largest error.
 *
 *     search [--seed S] [--seconds T] [--tries N] [--op NAME] [--output NAME] [--doc]
 *
 * Each output of each op and direction, but for matrix ops, is climbed for T seconds, or N tries: a change of one or two numbers of
 * the inputs, the shape or an attribute is kept where the worst error, as a multiple of its bound (src/ref/bound.h), is not
 * smaller; after STUCK tries without a larger one it starts anew. Nothing may exceed 1: what does is printed with all its
 * numbers, and the end is 1. --doc prints the table of docs/bounds.md. x is 0 or 1e-30 to 3e38, all else 0 or 1e-3 to 1e3, of
 * f32. */
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

/* All that a try depends on. */
typedef struct input {
    uint32_t shape, attr[COUNT(attrs)];
    series x, dy, gamma, beta, rest;
} input;

typedef struct climb {
    clnorm_context *ctx;
    const clnorm_op_info *op;
    uint32_t direction, slot; /* the output */
    uint64_t state;
    input best;      /* of all starts */
    cli_worst worst; /* what it does */
    double typical;  /* the median error of ordinary inputs, likewise a multiple of the bound */
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
    in.gamma = series_begin(state, 1e3, 1e-3);
    in.beta = series_begin(state, 1e3, 1e-3);
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

/* The descriptor of a try; an attribute that the op lacks is refused, which is no matter. */
static clnorm_any described(const clnorm_op_info *op, uint32_t direction, const input *in)
{
    static const double more[] = { 1, 2, 0.45, 0.25 };
    clnorm_any desc;
    clnorm_op_init(&desc, op->kind);
    desc.op.direction = direction;
    desc.head.x = cli_shape_tensor(&shapes[in->shape], CLNORM_F32);
    if (op->kind != CLNORM_OP_MOMENTS)
        desc.head.y = desc.head.x;
    for (size_t a = 0; a < COUNT(attrs); a++)
        clnorm_op_set(&desc, attrs[a].name, &attrs[a].values[in->attr[a]], 1);
    clnorm_op_set(&desc, "mode", &more[0], 1);
    clnorm_op_set(&desc, "groups", &more[1], 1);
    clnorm_op_set(&desc, "scale", &more[1], 1);
    clnorm_op_set(&desc, "mean", &more[2], 1);
    clnorm_op_set(&desc, "std", &more[3], 1);
    return desc;
}

/* What the library refuses, as a window that a shape has no room for, has no error. */
static cli_worst attempt(climb *c, const input *in)
{
    cli_case k;
    cli_worst worst;
    memset(&k, 0, sizeof k);
    memset(&worst, 0, sizeof worst);
    k.desc = described(c->op, c->direction, in);
    k.absent = 1u << CLNORM_MEAN | 1u << CLNORM_RSTD;
    k.held = REF_ANY;
    k.judged = 1u << c->slot;
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

static const char *const slots[] = {
#define NAME(NAME, name) #name,
    CLNORM_SLOT_MAP(NAME)
#undef NAME
};

static void print_input(FILE *file, const climb *c, const input *in, const cli_worst *w)
{
    const cli_shape *s = &shapes[in->shape];
    fprintf(file, "%s%s, x %lldx%lldx%lldx%lld %s, ", c->op->name, c->direction ? " backward" : "",
            (long long)s->n, (long long)s->c, (long long)s->h, (long long)s->w, cli_view_names[s->view]);
    for (size_t a = 0; a < COUNT(attrs); a++)
        if (in->attr[a] && has(c->op, attrs[a].name))
            fprintf(file, "%s %g, ", attrs[a].name, attrs[a].values[in->attr[a]]);
    fprintf(file, "%s[%lld] is %.9g, not %.9g: %.3g times the bound\n", slots[w->slot], (long long)w->index,
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

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x > y ? 1 : x < y ? -1 : 0;
}

/* Of uniform numbers between -1 and 1, in three shapes. */
static void run_ordinary(climb *c)
{
    double errors[9];
    uint64_t state = 1;
    for (uint32_t k = 0; k < COUNT(errors); k++) {
        input in = begin(&state);
        in.shape = k % 3;
        in.x.form = in.dy.form = in.gamma.form = in.beta.form = in.rest.form = SERIES_UNIFORM;
        in.x.offset = in.dy.offset = in.gamma.offset = in.beta.offset = in.rest.offset = 0;
        errors[k] = attempt(c, &in).error;
    }
    qsort(errors, COUNT(errors), sizeof *errors, by_size);
    c->typical = errors[COUNT(errors) / 2];
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
        if (!(c->worst.error <= 1))
            return false;
    }
    return true;
}

/* ---- the command ---- */

typedef struct wishes {
    double seed, seconds, tries;
    const char *op, *output;
    bool doc;
} wishes;

static bool climb_output(const wishes *w, clnorm_context *ctx, const clnorm_op_info *op, uint32_t direction,
                         uint32_t slot)
{
    climb c;
    memset(&c, 0, sizeof c);
    c.ctx = ctx;
    c.op = op;
    c.direction = direction;
    c.slot = slot;
    c.state = (uint64_t)w->seed + 1000 * op->kind + 100 * slot + direction;
    run_ordinary(&c);
    const bool well = run_climb(&c, w->seconds, (size_t)w->tries);
    const double bound = ref_bound(op->kind, slot, REF_ANY);
    printf(w->doc ? "| `%s` | %s | `%s` | %.0e | %.1e | %.1e | %.2f | %zu |\n"
                  : "%-13s %-8s %-13s bound %.0e, typical %.1e, worst %.1e: %.2f of the bound in %zu tries\n",
           op->name, direction ? "backward" : "forward", slots[slot], bound, c.typical * bound,
           c.worst.error * bound, c.worst.error, c.tries);
    fflush(stdout);
    if (!w->doc || !well)
        print_input(well ? stdout : stderr, &c, &c.best, &c.worst);
    return well;
}

/* Extremes and counts are exact, and there is no residual. */
static uint32_t outputs_of(const clnorm_op_info *op, uint32_t direction)
{
    static const uint32_t plain =
        1u << CLNORM_MIN | 1u << CLNORM_MAX | 1u << CLNORM_COUNT | 1u << CLNORM_MASK | 1u << CLNORM_SUM;
    uint64_t state = 1;
    const input any = begin(&state);
    clnorm_any desc = described(op, direction, &any);
    uint32_t reads, writes = 1u << CLNORM_Y | op->slots_out;
    if (op->layer && clnorm_op_check(&desc) == CLNORM_OK)
        clnorm_op_slots(&desc, &reads, &writes, NULL);
    return writes & ~plain;
}

static bool climb_op(const wishes *w, clnorm_context *ctx, const clnorm_op_info *op, uint32_t direction)
{
    const uint32_t outputs = outputs_of(op, direction);
    bool well = true;
    for (uint32_t slot = 0; slot < CLNORM_SLOTS_USED; slot++)
        if (outputs >> slot & 1u && (!w->output || strcmp(w->output, slots[slot]) == 0))
            well &= climb_output(w, ctx, op, direction, slot);
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
        else if (k + 1 < argc && strcmp(argv[k], "--output") == 0)
            w->output = argv[++k];
        else if (!number || k + 1 == argc || !cli_number(argv[++k], number, &why) || *number < 0)
            return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    wishes w = { 1, 5, 1e9, NULL, NULL, false };
    clnorm_options options;
    clnorm_context *ctx;
    const clnorm_op_info *op;
    bool well = true;
    if (!read_wishes(&w, argc, argv))
        return cli_fail(EXIT_USAGE,
                        "search [--seed S] [--seconds T] [--tries N] [--op NAME] [--output NAME] [--doc]");
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

/* describe.c -- a plan in words. */
#include "base/compiler.h"
#include "plan/plan.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

typedef struct text {
    char *p;
    size_t room, used;
} text;

static void add(text *t, const char *format, ...) CLN_PRINTF(2, 3);
static void add(text *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const int n = vsnprintf(t->used < t->room ? t->p + t->used : NULL,
                            t->used < t->room ? t->room - t->used : 0, format, args);
    va_end(args);
    t->used += n > 0 ? (size_t)n : 0;
}

static const char *unit(double *bytes)
{
    static const char *const names[] = { "B", "KiB", "MiB", "GiB", "TiB" };
    size_t k = 0;
    for (; *bytes >= 1024 && k + 1 < CLN_COUNT(names); k++)
        *bytes /= 1024;
    return names[k];
}

static void add_bytes(text *t, const char *before, double bytes)
{
    const char *name = unit(&bytes);
    add(t, "%s%.4g %s", before, bytes, name);
}

static const char *s_of(uint32_t count) { return count == 1 ? "" : "s"; }

static void add_alignment(text *t, const cln_body *body, const cln_params *params)
{
    const cln_problem *p = &body->problem;
    const cln_geo walked = cln_walked(p, &body->choice);
    const int64_t xstep = walked.view[CLN_VIEW_X].step, ystep = walked.view[CLN_VIEW_Y].step;
    const bool large = p->maps && p->bytes >= cln_wide_from(&body->choice, p, params);
    const bool leaves_dx = cln_traits(&body->choice) & CLN_LEAVES_DX;
    const bool writes = (p->maps && !leaves_dx) || body->choice.along;
    if (body->choice.wide)
        add(t, "wide: vector loads%s where the buffers are aligned\n",
            !writes          ? ""
            : params->stream ? " and streaming stores"
                             : " and stores");
    if (body->choice.alone)
        add(t, "a set is written before the next one is read: of two neither would stay in a core's own "
               "cache\n");
    if (body->choice.leads)
        add(t, "streaming stores of y's whole cache lines where they are not aligned\n");
    if (leaves_dx)
        add(t, "dx is written with the gradients of the weights\n");
    else if (large && ystep != 1)
        add(t, "no wide stores: y's elements are %lld apart in a run\n", (long long)ystep);
    else if (large && !body->choice.wide && !body->choice.leads)
        add(t, "no wide stores: a stride is not a multiple of %u elements\n", body->choice.vec);
    if (!body->choice.transposed && (xstep < 1 || xstep > 4))
        add(t, "loads one by one: x's elements are %lld apart in a run\n", (long long)xstep);
}

static void add_others(text *t, const cln_body *body, const cln_params *params, const cln_device *device)
{
    for (size_t i = 0; cln_solvers[i]; i++) {
        cln_choice c;
        const char *why = cln_solvers[i]->applicable(&body->problem);
        if (cln_solvers[i] == body->choice.solver)
            continue;
        if (why)
            add(t, "not %s: %s\n", cln_solvers[i]->name, why);
        else if (cln_choose_with(&c, cln_solvers[i], &body->problem, params, device))
            add(t, "not %s: about %.3g ms\n", cln_solvers[i]->name,
                cln_choice_ns(&c, &body->problem, params, device->units) / 1e6);
        else
            add(t, "not %s: it has no way for this shape with work-groups of %u\n", cln_solvers[i]->name,
                params->wg);
    }
}

static bool same_kernel(const cln_body *body, size_t i, size_t k)
{
    const char *const a = cln_body_kernel(body, i), *const b = cln_body_kernel(body, k);
    return !a || !b ? a == b : !strcmp(a, b);
}

/* Each kernel once, with how often it runs at most. */
static void add_steps(text *t, const cln_body *body)
{
    add(t, "%s: steps, wg %u, vec %u, products by %s, ", body->problem.op->info.name, body->choice.wg,
        body->choice.vec, body->steps->calls ? "CLBlast" : "the library");
    for (size_t i = 0; i < body->nstages; i++) {
        size_t first = 0, count = 0;
        while (!same_kernel(body, first, i))
            first++;
        for (size_t k = 0; k < body->nstages; k++)
            count += same_kernel(body, k, i);
        if (first == i)
            add(t, "%s%s x %zu", i ? " + " : "", cln_body_kernel(body, i) ? cln_body_kernel(body, i) : "gemm",
                count);
    }
    add_bytes(t, "\nmoves at least ", (double)body->problem.bytes);
    add_bytes(t, "; workspace ", (double)body->workspace);
    add(t, "\n");
}

size_t cln_describe(char *out, size_t room, const cln_body *body, const cln_params *params,
                    const cln_device *device)
{
    text t = { out, room, 0 };
    const cln_problem *p = &body->problem;
    const cln_choice *c = &body->choice;
    if (room)
        out[0] = '\0';
    if (!body->nstages) {
        add(&t, "%s: nothing to do, %s\n", p->op->info.name,
            clnorm_tensor_count(&p->desc.head.x) ? "no output is asked for" : "the tensor is empty");
        return t.used;
    }
    if (body->steps) {
        add_steps(&t, body);
        return t.used;
    }
    add(&t, "%s: %s, wg %u, vec %u, parts %u, ", p->op->info.name, c->solver->name, c->wg, c->vec,
        body->geo.parts ? body->geo.parts : 1);
    for (size_t i = 0; i < body->nstages; i++)
        add(&t, "%s%s x %zu", i ? " + " : "", body->stages[i].kernel, body->stages[i].groups);
    add(&t, " groups\n%u set%s of %llu elements in %u run%s of %u", p->geo.sets, s_of(p->geo.sets),
        (unsigned long long)p->set_elements, p->geo.runs, s_of(p->geo.runs), p->geo.len);
    add_bytes(&t, "; moves at least ", (double)p->bytes);
    add(&t, ", about %.3g ms", cln_choice_ns(c, p, params, device->units) / 1e6);
    add_bytes(&t, "; workspace ", (double)body->workspace);
    add(&t, "\n");
    const uint32_t subgroup = cln_body_subgroup(body, params);
    if (subgroup)
        add(&t, "lanes are folded in sub-groups of %u\n", subgroup);
    if (c->bundle > 1)
        add(&t, "%u %s at once, whose elements take turns\n", c->bundle,
            p->geo.mix > 1 ? "channels" : "sets");
    if (c->planes)
        add(&t, "%u planes at once, which are pixels of y\n", c->planes);
    else if (c->transposed)
        add(&t, "%u %s at once, which are turned\n", c->bundle > 1 ? c->bundle : c->vec,
            c->transposed >= CLN_LINES_SETS ? "sets" : "runs");
    if (c->tuned)
        add(&t, "tuned: measured to be the fastest of its class on this device\n");
    add_alignment(&t, body, params);
    add_others(&t, body, params, device);
    return t.used;
}

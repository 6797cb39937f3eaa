/* steps.c -- chains of matrix ops: writing them, what they need, and running them. See steps.h. */
#include "plan/steps.h"
#include "base/compiler.h"
#include "base/status.h"
#include "plan/plan.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- writing ---- */

#define PLACE 16 /* floats: places begin at whole vectors */

cln_at cln_steps_room(cln_steps *s, uint64_t floats)
{
    const cln_at at = { CLN_WORK, s->floats };
    const uint64_t whole = (floats + PLACE - 1) / PLACE * PLACE, most = SIZE_MAX / sizeof(float) - s->floats;
    s->failed |= whole > most;
    s->floats += (size_t)(whole < most ? whole : most);
    s->most = s->floats > s->most ? s->floats : s->most;
    return at;
}

void cln_steps_reuse(cln_steps *s, size_t floats) { s->floats = floats; }

cln_at cln_at_plus(cln_at at, uint64_t floats)
{
    at.first += (size_t)floats;
    return at;
}

void cln_steps_add(cln_steps *s, const cln_step *step)
{
    if (s->count == s->room && !s->failed) {
        const size_t room = 2 * s->room + 16;
        cln_step *grown = (cln_step *)realloc(s->step, room * sizeof *grown);
        s->failed = !grown;
        s->step = grown ? grown : s->step;
        s->room = grown ? room : s->room;
    }
    if (s->failed)
        return;
    cln_step *const to = &s->step[s->count++];
    *to = *step;
    for (to->nviews = 0; to->nviews < CLN_COUNT(to->view) && to->view[to->nviews]; to->nviews++)
        to->views[to->nviews] = *to->view[to->nviews];
}

size_t cln_steps_groups(const cln_steps *s, uint64_t items, uint32_t per)
{
    const uint64_t groups = (items + (uint64_t)per * s->params->wg - 1) / ((uint64_t)per * s->params->wg);
    return cln_groups(groups ? groups : 1);
}

void cln_steps_well(cln_steps *s)
{
    cln_steps_add(
        s,
        &(cln_step){ .kernel = "well", .groups = 1, .at = { CLN_AT(FAULT) }, .given = 1u << CLNORM_FAULT });
}

/* Of C that one group computes; the twins stand in cl/common/product.clh. */
#define TILE_ROWS 96
#define TILE_COLUMNS 64
#define BAND 256

/* Parts of k, so that each unit has work, each long enough to be worth its own sum, and none longer than its sum keeps. */
#define LONGEST (1u << 18)
static uint32_t parts_of(const cln_steps *s, const cln_gemm *g, uint64_t tiles)
{
    const uint64_t wanted = (uint64_t)s->device->units * 4;
    const uint64_t most = g->k / 1024, parts = (wanted + tiles - 1) / tiles;
    const uint32_t shared = tiles >= wanted || most < 2 ? 1 : (uint32_t)(parts < most ? parts : most);
    const uint32_t least = cln_ceil_div(g->k, LONGEST);
    return shared > least ? shared : least;
}

/* The sums of parts, in order. */
static void fold(cln_steps *s, const cln_gemm *g, uint32_t parts, cln_at from, cln_at c, uint32_t given,
                 uint32_t absent)
{
    cln_steps_add(s,
                  &(cln_step){ .kernel = "product_fold",
                               .groups = cln_steps_groups(s, (uint64_t)g->m * (g->batch ? g->batch : 1), 1),
                               .at = { from, c },
                               .gemm = *g,
                               .n = { parts, 0, g->gram },
                               .f = { g->alpha, g->beta },
                               .given = given,
                               .absent = absent });
}

static void own_product(cln_steps *s, const cln_gemm *g, cln_at a, cln_at b, cln_at c, uint32_t given,
                        uint32_t absent)
{
    const uint32_t batch = g->batch ? g->batch : 1;
    const uint64_t tiles = (uint64_t)cln_ceil_div(g->m, TILE_ROWS) * cln_ceil_div(g->n, TILE_COLUMNS) * batch;
    const uint32_t parts = parts_of(s, g, tiles);
    const bool folds = parts > 1 || g->gram;
    const cln_at to = folds ? cln_steps_room(s, (uint64_t)g->m * g->n * batch * parts) : c;
    cln_steps_add(s, &(cln_step){ .kernel = g->ta ? "product_ta" : "product",
                                  .groups = cln_groups(tiles * parts),
                                  .at = { a, b, to },
                                  .gemm = *g,
                                  .n = { parts, folds, g->gram },
                                  .f = { g->alpha, g->beta },
                                  .given = given,
                                  .absent = absent });
    if (folds)
        fold(s, g, parts, to, c, given, absent);
}

/* CLBlast sums along the whole of k in one register: parts of it keep the digits. */
#define MOST_K 4096

static void call_product(cln_steps *s, const cln_gemm *g, cln_at a, cln_at b, cln_at c, uint32_t given,
                         uint32_t absent)
{
    const uint32_t parts = cln_ceil_div(g->k, MOST_K),
                   each = cln_ceil_div(cln_ceil_div(g->k, parts), BAND) * BAND;
    const uint64_t size = (uint64_t)g->m * g->n * (g->batch ? g->batch : 1);
    const cln_at to = parts > 1 ? cln_steps_room(s, size * parts) : c;
    cln_gemm part = *g;
    s->calls = true;
    if (parts > 1) {
        part.alpha = 1.0f;
        part.beta = 0.0f;
        part.ldc = g->n;
        part.c_step = g->m * g->n;
    }
    for (uint32_t l = 0, i = 0; l < g->k; l += each, i++) {
        part.k = g->k - l < each ? g->k - l : each;
        cln_steps_add(s, &(cln_step){ .at = { cln_at_plus(a, g->ta ? (uint64_t)l * g->lda : l),
                                              cln_at_plus(b, g->tb ? l : (uint64_t)l * g->ldb),
                                              cln_at_plus(to, i * size) },
                                      .gemm = part,
                                      .given = given,
                                      .absent = absent });
    }
    if (parts > 1)
        fold(s, g, parts, to, c, given, absent);
}

void cln_steps_product(cln_steps *s, const cln_gemm *g, cln_at a, cln_at b, cln_at c, uint32_t given,
                       uint32_t absent)
{
    const bool own = s->params->own_products && !g->tb;
    assert(!own || (s->params->wg == 1 && s->params->vec > 1)); /* a tile is one work-item's */
    (own ? own_product : call_product)(s, g, a, b, c, given, absent);
}

/* ---- the end of writing ---- */

static clnorm_status size_scratch(cln_steps *s, cl_command_queue queue)
{
    for (size_t i = 0; i < s->count; i++) {
        size_t bytes;
        if (s->step[i].kernel)
            continue;
        CLN_TRY(cln_gemm_room(&bytes, &s->step[i].gemm, queue));
        s->scratch = bytes > s->scratch ? bytes : s->scratch;
    }
    s->scratch = (s->scratch + PLACE * sizeof(float) - 1) / (PLACE * sizeof(float)) * (PLACE * sizeof(float));
    return CLNORM_OK;
}

clnorm_status cln_steps_end(cln_steps *s, cl_context context, bool build)
{
    cl_int code;
    if (s->failed)
        return cln_fail(CLNORM_ENOMEM, "no memory for the steps of a plan");
    if (!s->calls)
        return CLNORM_OK;
    const cl_command_queue queue = clCreateCommandQueue(context, s->device->id, 0, &code);
    CLN_TRY(CLN_CL_STATUS(code, "clCreateCommandQueue"));
    clnorm_status st = build ? cln_gemm_prepare(context, queue) : CLNORM_OK;
    if (st == CLNORM_OK)
        st = size_scratch(s, queue);
    clReleaseCommandQueue(queue);
    return st;
}

void cln_steps_free(cln_steps *s)
{
    if (s)
        free(s->step);
    free(s);
}

size_t cln_steps_workspace(const cln_steps *s) { return s->scratch + s->most * sizeof(float); }

void cln_steps_options(char *text, size_t room, const cln_steps *s)
{
    static const char *const names[] = { "SRC", "DST", "DTY", "PAR" };
    size_t used =
        (size_t)snprintf(text, room, "-cl-std=CL1.2 -cl-kernel-arg-info -DWG=%u -DVEC=%u -DALIGN=0 -DNT=0",
                         s->params->wg, s->params->vec);
    for (size_t k = 0; k < CLN_COUNT(names); k++)
        used += (size_t)snprintf(text + used, room - used, " -D%s=%s", names[k],
                                 clnorm_dtype_name(s->types[k] ? s->types[k] : CLNORM_F32));
    snprintf(text + used, room - used, " -DXSTEP=0 -DYSTEP=0 -DDSTEP=0%s", s->more);
}

/* ---- running ---- */

bool cln_step_runs(const cln_step *step, const clnorm_args *args)
{
    uint32_t there = 0;
    for (uint32_t k = 0; k < CLNORM_SLOTS; k++)
        there |= args->slot[k].mem ? 1u << k : 0;
    return (!step->given || step->given & there) && !(step->absent & there);
}

static cl_uint places(const cln_step *step)
{
    cl_uint n = 0;
    while (n < CLN_STEP_PLACES && step->at[n].where)
        n++;
    return n;
}

/* Twin of `product_t` in cl/common/product.clh. */
typedef struct product {
    uint32_t m, n, k, lda, ldb, ldc, batch, a_step, b_step, c_step;
} product;

clnorm_status cln_step_constants(cl_kernel k, const cln_step *step)
{
    cl_uint arg = 2 * places(step);
    for (uint32_t v = 0; v < step->nviews; v++)
        CLN_CL(clSetKernelArg(k, arg++, sizeof step->views[v], &step->views[v]));
    if (step->gemm.m) {
        const cln_gemm *g = &step->gemm;
        const product p = { g->m,      g->n,      g->k,     g->lda, g->ldb, g->ldc, g->batch ? g->batch : 1,
                            g->a_step, g->b_step, g->c_step };
        CLN_CL(clSetKernelArg(k, arg++, sizeof p, &p));
    }
    CLN_CL(clSetKernelArg(k, arg++, sizeof step->n, step->n));
    CLN_CL(clSetKernelArg(k, arg, sizeof step->f, step->f));
    return CLNORM_OK;
}

/* The buffer of a place and its first element, of `bytes` each. */
static cl_mem find(const cln_steps *s, const cln_at *at, const cln_chain *c, cl_ulong *first)
{
    if (at->where == CLN_WORK) {
        *first = s->scratch / sizeof(float) + at->first;
        return c->workspace->mem;
    }
    const clnorm_buffer *b = &c->args->slot[at->where - 1];
    *first = b->mem ? b->byte_offset / s->bytes[at->where - 1] + at->first : 0;
    return b->mem;
}

static clnorm_status bind(cl_kernel k, const cln_steps *s, const cln_step *step, const cln_chain *c)
{
    const cl_uint n = places(step);
    for (cl_uint i = 0; i < n; i++) {
        cl_ulong first;
        const cl_mem mem = find(s, &step->at[i], c, &first);
        CLN_CL(clSetKernelArg(k, 2 * i, sizeof mem, &mem));
        CLN_CL(clSetKernelArg(k, 2 * i + 1, sizeof first, &first));
    }
    return CLNORM_OK;
}

/* As batchnorm has it. */
static clnorm_status set_momentum(cl_kernel k, const cln_step *step, const clnorm_args *args)
{
    const double m = args->flags & CLNORM_CUMULATIVE ? 1.0 / ((double)args->count + 1.0)
                     : args->momentum > 0            ? args->momentum
                                                     : (double)step->momentum;
    const float f[4] = { step->f[0], step->f[1], (float)m, (float)(1.0 - m) };
    CLN_CL(clSetKernelArg(k, 2 * places(step) + step->nviews + (step->gemm.m != 0) + 1, sizeof f, f));
    return CLNORM_OK;
}

static clnorm_status call(cln_chain *c, const cln_steps *s, const cln_step *step, bool want)
{
    const cl_uint nwait = c->last ? 1 : c->nwait;
    const cl_event *const wait = c->last ? &c->last : c->wait;
    cln_gemm_at at[3];
    cl_event done = NULL;
    assert(!c->recording); /* clnorm_record has refused */
    for (size_t i = 0; i < CLN_COUNT(at); i++) {
        cl_ulong first;
        at[i].mem = find(s, &step->at[i], c, &first);
        at[i].first = (size_t)first;
    }
    CLN_TRY(cln_gemm_enqueue(c->queue, c->in_order, &step->gemm, at, s->scratch ? c->workspace->mem : NULL,
                             nwait, wait, want || !c->in_order ? &done : NULL));
    c->nwait = 0;
    if (c->last)
        clReleaseEvent(c->last);
    c->last = done;
    return CLNORM_OK;
}

clnorm_status cln_step_enqueue(cln_chain *c, const cln_steps *s, size_t i, cl_kernel k, bool want)
{
    const cln_step *step = &s->step[i];
    if (!step->kernel)
        return call(c, s, step, want);
    CLN_TRY(bind(k, s, step, c));
    if (step->moves)
        CLN_TRY(set_momentum(k, step, c->args));
    return cln_chain_launch(c, k, step->groups * s->params->wg, s->params->wg, want);
}

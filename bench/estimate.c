/* estimate.c -- how near what the planner takes is to the fastest of all ways, over random problems.
 *
 *   estimate [SEED [COUNT [DEVICE]]]     1 300 ""
 *
 * For each problem every solver with every share of work and both kinds of stores is timed by turn; then the fastest
 * against the planner's, for longer. A line each: what, the planner's way, the fastest, their times, the ratio. At the
 * end the distribution of the ratios. Ways that are equally fast count as 1. */
#define _POSIX_C_SOURCE 200809L
#include "api/api.h"
#include "base/compiler.h"
#include "timing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_WAYS 96
#define RACE_NS 30000000u
#define FINAL_NS 200000000u

static uint32_t state;
static uint32_t draw(uint32_t n)
{
    state = state * 1664525u + 1013904223u;
    return (uint32_t)(((uint64_t)(state >> 4) * n) >> 28);
}
/* From low to high, each factor of two as likely as the other. */
static int64_t length(double low, double high)
{
    return (int64_t)(low * pow(high / low, (double)draw(1u << 20) / (1 << 20)) + 0.5);
}

static void set(clnorm_any *d, const char *attr, double value) { clnorm_op_set(d, attr, &value, 1); }

/* 4 KiB to 64 MiB of f32 or halves: a batch of planes of a network, or rows of tokens. */
static bool make(clnorm_any *d)
{
    static const uint32_t kinds[] = { CLNORM_OP_MINMAX,    CLNORM_OP_ZSCORE,       CLNORM_OP_BATCHNORM,
                                      CLNORM_OP_LAYERNORM, CLNORM_OP_GROUPNORM,    CLNORM_OP_INSTANCENORM,
                                      CLNORM_OP_RMSNORM,   CLNORM_OP_BATCHNORM,    CLNORM_OP_LAYERNORM,
                                      CLNORM_OP_GRN,       CLNORM_OP_INSTANCENORM, CLNORM_OP_GROUPNORM };
    const clnorm_op_info *op = clnorm_op_of(kinds[draw(CLN_COUNT(kinds))]);
    const clnorm_dtype dtype = draw(4) ? CLNORM_F32 : CLNORM_F16;
    const bool rows = draw(4) == 0 && (op->kind == CLNORM_OP_LAYERNORM || op->kind == CLNORM_OP_RMSNORM);
    const int64_t n = length(1, 64), c = op->layer ? length(8, 1024) / 8 * 8 : 3, h = length(4, 256),
                  w = draw(3) ? h : length(4, 256);
    if (clnorm_op_init(d, op->kind) != CLNORM_OK)
        return false;
    d->head.x = rows      ? clnorm_rows(dtype, n * h, length(64, 4096))
                : draw(2) ? clnorm_nchw(dtype, n, c, h, w)
                          : clnorm_nhwc(dtype, n, c, h, w);
    d->head.y = d->head.x;
    d->op.direction = op->layer && draw(2) ? CLNORM_BACKWARD : CLNORM_FORWARD;
    set(d, "mode", CLNORM_TRAIN);
    set(d, "groups", c % 32 || rows ? 1 : 32);
    set(d, "given", d->op.direction);
    const int64_t elements = clnorm_tensor_count(&d->head.x);
    return elements >= 1 << 10 && elements <= 1 << 24 && clnorm_op_check(d) == CLNORM_OK;
}

static bool is_there(const cln_way *list, size_t count, const cln_choice *c, size_t k)
{
    for (size_t i = 0; i < count; i++)
        if (cln_same_choice(&list[i].choices[k], c))
            return true;
    return false;
}

static bool same_way(const cln_way *a, const cln_way *b, size_t parts)
{
    for (size_t k = 0; k < parts; k++)
        if (!cln_same_choice(&a->choices[k], &b->choices[k]))
            return false;
    return true;
}

/* list[0] is there; every other way of problem k. */
static size_t all_ways(cln_way list[MOST_WAYS], const cln_lab *lab, size_t k)
{
    static const uint32_t shares[] = { 1, 2, 4, 8, 16, 32, 64 };
    size_t count = 1;
    for (size_t s = 0; cln_solvers[s]; s++)
        for (size_t b = 0; b < CLN_COUNT(shares); b++)
            for (int wide = 0; wide < 2; wide++) {
                cln_tuned t = { { 0 }, lab->params.wg, lab->params.vec, shares[b], wide };
                cln_way *const w = &list[count];
                snprintf(t.solver, sizeof t.solver, "%s", cln_solvers[s]->name);
                *w = list[0];
                w->tuned = t;
                if (count + 1 < MOST_WAYS &&
                    cln_choose_tuned(&w->choices[k], &t, &lab->posed.part[k], k ? &w->choices[k - 1] : NULL,
                                     &lab->params, &lab->ctx->device) &&
                    !is_there(list, count, &w->choices[k], k)) {
                    cln_choose_from(w->choices, k + 1, &lab->posed, &lab->params, &lab->ctx->device);
                    count++;
                }
            }
    return count;
}

static void print_way(const cln_way *w, size_t parts)
{
    for (size_t k = 0; k < parts; k++)
        printf("%s%s/%u/%u%s", k ? "+" : "", w->choices[k].solver->name,
               w->choices[k].per > w->choices[k].block ? w->choices[k].per : w->choices[k].block,
               w->choices[k].cols, w->choices[k].wide ? "w" : "");
}

static void print_problem(const clnorm_any *d)
{
    const clnorm_tensor *x = &d->head.x;
    printf("%-12s %-4s %s %s ", clnorm_op_of(d->op.kind)->name, d->op.direction ? "back" : "fwd",
           clnorm_dtype_name(x->dtype),
           x->ndim == 4 && x->shape[1] > 1 && x->stride[1] < x->stride[3] ? "nhwc" : "nchw");
    for (uint32_t k = 0; k < x->ndim; k++)
        printf("%s%lld", k ? "x" : "", (long long)x->shape[k]);
}

/* The planner's time over that of the fastest way, problem after problem; 0 where something failed. */
static double study(clnorm_context *ctx, const clnorm_any *d)
{
    static cln_way list[MOST_WAYS];
    cln_way first, best;
    cln_lab lab;
    bool empty;
    size_t won = 0;
    clnorm_status st = cln_lab_open(&lab, ctx, &d->op, &empty);
    memset(&first, 0, sizeof first);
    if (st == CLNORM_OK)
        cln_choose_from(first.choices, 0, &lab.posed, &lab.params, &ctx->device);
    best = first;
    lab.least_ns = RACE_NS;
    for (size_t k = 0; k < lab.posed.count && st == CLNORM_OK; k++) {
        if (k && best.choices[k - 1].solver == &cln_solve_fused)
            continue;
        list[0] = best;
        st = cln_lab_race(&lab, list, all_ways(list, &lab, k), &won);
        best = list[won];
        best.plan = NULL;
    }
    lab.least_ns = FINAL_NS;
    list[0] = first;
    list[1] = best;
    if (st == CLNORM_OK)
        st = cln_lab_race(&lab, list, 2, &won);
    cln_lab_close(&lab);
    print_problem(d);
    if (st != CLNORM_OK) {
        printf(": %s\n", clnorm_last_error(NULL));
        return 0;
    }
    const double ratio = (double)list[0].ns / (double)list[1].ns;
    printf("  ");
    print_way(&first, lab.posed.count);
    printf("  ");
    print_way(&best, lab.posed.count);
    printf("  %.1f %.1f us  %.3f\n", (double)list[0].ns / 1e3, (double)list[1].ns / 1e3, ratio);
    fflush(stdout);
    return ratio < 1 || same_way(&first, &best, lab.posed.count) ? 1 : ratio;
}

static void print_distribution(double *ratios, size_t n)
{
    static const double within[] = { 1.02, 1.05, 1.1, 1.2, 1.5 };
    qsort(ratios, n, sizeof *ratios, bench_by_value);
    for (size_t k = 0; k < CLN_COUNT(within); k++) {
        size_t many = 0;
        while (many < n && ratios[many] <= within[k])
            many++;
        printf("within %3.0f %%: %5.1f %% of %zu\n", within[k] * 100 - 100, 100.0 * (double)many / (double)n,
               n);
    }
    printf("95th of 100: %.3f, worst %.3f\n", ratios[n * 95 / 100], ratios[n - 1]);
}

int main(int argc, char **argv)
{
    const size_t count = argc > 2 ? strtoul(argv[2], NULL, 10) : 300;
    double *ratios = (double *)calloc(count + 1, sizeof *ratios);
    clnorm_options options;
    clnorm_context *ctx;
    size_t n = 0;
    memset(&options, 0, sizeof options);
    options.size = (uint32_t)sizeof options;
    options.flags = CLNORM_LAZY;
    options.tuning_file = "";
    state = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1;
    if (!ratios || clnorm_open(&ctx, argc > 3 ? argv[3] : NULL, &options) != CLNORM_OK) {
        fprintf(stderr, "%s\n", clnorm_last_error(NULL));
        return 1;
    }
    for (size_t k = 0; k < count;) {
        clnorm_any d;
        if (!make(&d))
            continue;
        k++;
        const double ratio = study(ctx, &d);
        if (ratio > 0)
            ratios[n++] = ratio;
    }
    if (n)
        print_distribution(ratios, n);
    clnorm_close(ctx);
    free(ratios);
    return n == count ? 0 : 1;
}

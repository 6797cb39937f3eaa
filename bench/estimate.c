/* estimate.c -- how near what the planner takes is to the fastest of all ways, over random problems.
 *
 *   estimate SEED FROM TO            runs every way of problems FROM to TO - 1 of a seed once: their kernels are compiled
 *   estimate SEED FROM TO FILE       measures them and appends to FILE
 *   estimate SEED FROM TO FILE OLD   and beside them, once more, the ways that were the fastest in OLD, an earlier FILE
 *   estimate FILE                    the distribution of what is in FILE
 *
 * A way is a solver with a share of work and a kind of stores. Of each problem all ways run by turn, in rounds, and those that fall
 * behind drop out; a line "way" each says how fast they were. Then the planner's own, the same once more and the fastest, for longer,
 * until the planner's two agree: a line "end" with the planner's time and the fastest's, their ratio, 1 where they are one plan, and that
 * of the planner's to itself, which is the noise. OLD's way over the fastest is a line "old": how far one search is from the next. Behind
 * each launch runs the next op (next.h), whose own time is taken off. A turn's first launch is not timed, so that each finds the cache as
 * it leaves it. POCL_AFFINITY=1 keeps PoCL's threads from meeting on one core, which doubles a time now and then. docs/planner.md has the
 * results. */
#define _POSIX_C_SOURCE 200809L
#include "estimate.h"
#include "base/compiler.h"
#include "base/status.h"
#include "next.h"
#include "problems.h"
#include "ratios.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEMIFINAL 4
#define RIVALS 4        /* of the final: the planner's way, the same once more, the fastest, OLD's */
#define WHOLE (1 << 18) /* bytes of the lines of a problem, at most */
#define NAME 128        /* of a way */

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

/* list[0] is there; every other way of problem k. Outputs that no next op reads here have no streaming stores: with one those take up
 * to 2.4 times as long (docs/planner.md), alone they seem to gain. */
static size_t all_ways(cln_way list[MOST_WAYS], const cln_lab *lab, size_t k)
{
    static const uint32_t shares[] = { 1, 2, 4, 8, 16, 32, 64 };
    const cln_problem *p = &lab->posed.part[k];
    const bool small = p->geo.sets * p->set_elements * p->y_bytes < BENCH_NEXT_LEAST;
    size_t count = 1;
    for (size_t s = 0; cln_solvers[s]; s++)
        for (size_t b = 0; b < CLN_COUNT(shares); b++)
            for (int wide = 0; wide < (small ? 1 : 2); wide++) {
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

static void name_way(char name[NAME], const cln_way *w, size_t parts)
{
    size_t n = 0;
    for (size_t k = 0; k < parts && n < NAME; k++) {
        const cln_choice *c = &w->choices[k];
        n += (size_t)snprintf(name + n, NAME - n, "%s%s/%u/%u/%u%s%s", k ? "+" : "", c->solver->name,
                              c->per > c->block ? c->per : c->block, c->cols, c->mapped, c->alone ? "a" : "",
                              c->wide    ? "w"
                              : c->leads ? "l"
                                         : "");
    }
}

static void print_problem(FILE *out, const clnorm_any *d)
{
    const clnorm_tensor *x = &d->head.x;
    fprintf(out, "%s %s %s %s ", clnorm_op_of(d->op.kind)->name, d->op.direction ? "back" : "fwd",
            clnorm_dtype_name(x->dtype),
            x->ndim == 4 && x->shape[1] > 1 && x->stride[1] < x->stride[3] ? "nhwc" : "nchw");
    for (uint32_t k = 0; k < x->ndim; k++)
        fprintf(out, "%s%lld", k ? "x" : "", (long long)x->shape[k]);
}

typedef struct entry {
    FILE *out; /* NULL: every way runs once */
    FILE *old; /* NULL: none */
    unsigned seed, no;
} entry;

static void print_ways(const entry *e, const clnorm_any *d, const cln_lab *lab, size_t k, const cln_way *list,
                       size_t count)
{
    const cln_problem *p = &lab->posed.part[k];
    const cln_geo *g = &p->geo;
    for (size_t i = 0; i < count; i++) {
        const cln_choice *c = &list[i].choices[k];
        fprintf(e->out, "way\t%u\t%u\t%zu\t", e->seed, e->no, k);
        print_problem(e->out, d);
        fprintf(e->out, "\t%s\t%d\t%u\t%llu\t%u\t%u\t%u\t%u\t%llu\t%zu\t%zu", cln_role_name(p->layer.role),
                p->columns, g->sets, (unsigned long long)p->set_elements, g->runs, g->len, g->span, g->mix,
                (unsigned long long)p->bytes, p->x_bytes, p->y_bytes);
        fprintf(e->out, "\t%s\t%u\t%u\t%u\t%u\t%d\t%lld\n", c->solver->name, c->per, c->block, c->cols,
                c->mapped, c->wide || c->leads, list[i].ns == UINT64_MAX ? 0 : (long long)race_ns(&list[i]));
    }
}

static int by_ns(const void *a, const void *b)
{
    const uint64_t x = ((const cln_way *)a)->ns, y = ((const cln_way *)b)->ns;
    return (x > y) - (x < y);
}

/* The fastest way, problem after problem of lab; first: what the planner takes. */
static clnorm_status search(cln_way *best, const cln_way *first, cln_lab *lab, const entry *e,
                            const clnorm_any *d)
{
    static cln_way list[MOST_WAYS];
    clnorm_status st = CLNORM_OK;
    *best = *first;
    for (size_t k = 0; k < lab->posed.count && st == CLNORM_OK; k++) {
        if (k && cln_traits(&best->choices[k - 1]) & CLN_TAKES_NEXT)
            continue; /* which decides for the next */
        list[0] = *best;
        const size_t count = all_ways(list, lab, k), few = count < SEMIFINAL ? count : SEMIFINAL;
        st = e->out ? race_heats(lab, list, count) : race_once(lab, list, count);
        if (st == CLNORM_OK && e->out)
            print_ways(e, d, lab, k, list, count);
        race_release(list, count);
        qsort(list, count, sizeof *list, by_ns);
        if (st == CLNORM_OK && e->out)
            st = race_heats(lab, list, few);
        race_release(list, count);
        *best = e->out ? list[race_fastest(list, few)] : *first;
    }
    return st;
}

/* The way that was the fastest of a problem in OLD, and whether it is there. */
static bool find_old(cln_way *w, const cln_way *first, const cln_lab *lab, const entry *e)
{
    static cln_way list[MOST_WAYS];
    static char line[4096];
    char name[NAME] = "", its[NAME];
    unsigned seed, no;
    for (rewind(e->old); fgets(line, sizeof line, e->old);)
        if (sscanf(line, "end\t%u\t%u\t%*[^\t]\t%*[^\t]\t%127[^\t]", &seed, &no, its) == 3 &&
            seed == e->seed && no == e->no)
            memcpy(name, its, sizeof name);
    *w = *first;
    for (size_t k = 0; k < lab->posed.count; k++) {
        list[0] = *w;
        const size_t count = all_ways(list, lab, k);
        for (size_t i = 0; i < count; i++) {
            name_way(its, &list[i], k + 1);
            if (!strncmp(its, name, strlen(its)) && (name[strlen(its)] == '+' || !name[strlen(its)]))
                *w = list[i];
        }
    }
    name_way(its, w, lab->posed.count);
    return !strcmp(its, name);
}

/* Of a rival of the final: of the planner's way, of both times that it ran; of OLD's, where it is the fastest, of that. */
static double rival_ns(const cln_way list[], size_t i, size_t parts)
{
    if (same_way(&list[i], &list[0], parts))
        return (race_ns(&list[0]) + race_ns(&list[1])) / 2;
    return race_ns(&list[same_way(&list[i], &list[2], parts) ? 2 : i]);
}

/* The planner's way over the fastest. */
static void print_end(const entry *e, const clnorm_any *d, const cln_way list[], size_t parts)
{
    const double planned = rival_ns(list, 0, parts), best = rival_ns(list, 2, parts);
    char taken[NAME], fastest[NAME];
    name_way(taken, &list[0], parts);
    name_way(fastest, &list[2], parts);
    fprintf(e->out, "end\t%u\t%u\t", e->seed, e->no);
    print_problem(e->out, d);
    fprintf(e->out, "\t%s\t%s\t%.1f\t%.1f\t%.4f\t%.4f\n", taken, fastest, planned / 1e3, best / 1e3,
            planned / best, race_ns(&list[1]) / race_ns(&list[0]));
}

/* OLD's way over the fastest. */
static void print_old(const entry *e, const cln_way list[], size_t parts)
{
    const double its = rival_ns(list, 3, parts);
    char name[NAME];
    name_way(name, &list[3], parts);
    fprintf(e->out, "old\t%u\t%u\t%s\t%.1f\t%.4f\n", e->seed, e->no, name, its / 1e3,
            its / rival_ns(list, 2, parts));
}

static clnorm_status decide(cln_lab *lab, cln_way list[RIVALS], const entry *e, const clnorm_any *d)
{
    const bool old = e->old && find_old(&list[3], list, lab, e);
    const size_t rivals = old ? RIVALS : RIVALS - 1;
    const clnorm_status st = race_final(lab, list, rivals);
    if (st == CLNORM_OK) {
        print_end(e, d, list, lab->posed.count);
        if (old)
            print_old(e, list, lab->posed.count);
        fflush(e->out);
    }
    race_release(list, rivals);
    return st;
}

static clnorm_status study(clnorm_context *ctx, const clnorm_any *d, const entry *e)
{
    cln_way list[RIVALS] = { 0 };
    cln_lab lab;
    bool empty;
    clnorm_status st = cln_lab_open(&lab, ctx, &d->op, &empty);
    if (st == CLNORM_OK)
        cln_choose_from(list[0].choices, 0, &lab.posed, &lab.params, &ctx->device);
    list[1] = list[0];
    if (st == CLNORM_OK)
        st = race_begin(ctx);
    if (st == CLNORM_OK)
        st = search(&list[2], list, &lab, e, d);
    if (st == CLNORM_OK && e->out)
        st = decide(&lab, list, e, d);
    race_end(&lab);
    cln_lab_close(&lab);
    if (st != CLNORM_OK)
        fprintf(stderr, "problem %u of seed %u: %s\n", e->no, e->seed, clnorm_last_error(NULL));
    return st;
}

/* file and old: NULL, or where lines go to and the file that ways of old are in. */
static int measure(unsigned seed, unsigned from, unsigned to, const char *file, const char *old)
{
    clnorm_options options = { 0 };
    clnorm_context *ctx;
    entry e = { file ? fopen(file, "a") : NULL, old ? fopen(old, "r") : NULL, seed, 0 };
    if ((file && !e.out) || (old && !e.old)) {
        fprintf(stderr, e.out ? "\"%s\" cannot be read\n" : "\"%s\" cannot be written\n", e.out ? old : file);
        return 1;
    }
    if (file)
        setvbuf(e.out, NULL, _IOFBF, WHOLE); /* who is stopped leaves no half of a problem */
    options.size = (uint32_t)sizeof options;
    options.flags = CLNORM_LAZY;
    options.tuning_file = "";
    if (clnorm_open(&ctx, "", &options) != CLNORM_OK) {
        fprintf(stderr, "%s\n", clnorm_last_error(NULL));
        return 1;
    }
    clnorm_status st = CLNORM_OK;
    bench_seed = seed;
    for (; e.no < to && st == CLNORM_OK;) {
        clnorm_any d;
        if (!bench_draw(&d))
            continue;
        if (e.no >= from)
            st = study(ctx, &d, &e);
        e.no++;
    }
    if (e.out)
        fclose(e.out);
    if (e.old)
        fclose(e.old);
    clnorm_close(ctx);
    return st != CLNORM_OK;
}

int main(int argc, char **argv)
{
    if (argc == 2)
        return bench_distribution(argv[1]);
    if (argc >= 4 && argc <= 6)
        return measure((unsigned)strtoul(argv[1], NULL, 10), (unsigned)strtoul(argv[2], NULL, 10),
                       (unsigned)strtoul(argv[3], NULL, 10), argc > 4 ? argv[4] : NULL,
                       argc > 5 ? argv[5] : NULL);
    fprintf(stderr, "estimate SEED FROM TO [FILE [OLD]], or estimate FILE\n");
    return 2;
}

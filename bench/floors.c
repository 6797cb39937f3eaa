/* floors.c -- what memory leaves of an op: its bare walks beside a copy of the same bytes, and the op itself.
 *
 *   floors [OPTIONS] [TEXT ...]    rows that have one of the texts in their names, or all and what caches and memory give
 *
 *     --doc            for docs/limits.md
 *     --orders         every order of a row
 *     --kernels=DIR    the op's kernels are those of DIR, a copy of cl/
 *
 * Of each row, in the same memory: the copy, reading alone (the statistics' walk), the bare walks in each order that
 * floors_rows.c has, the op; medians of 30 rounds, each in random order. Ratios are those of a round. The bare walks are those
 * of the fastest order, "sums" the fastest of those that keep sums of columns. PoCL's threads stay on a core each. */
#define _XOPEN_SOURCE 700
#include "floors.h"
#include "timing.h"

#include <stdio.h>
#include <string.h>

enum { COPY, READS, OURS, WALKS, WAYS = WALKS + FLOOR_ORDERS };
#define MOST_CASES 64
#define SUMS (1u << 20) /* bytes, of all groups */
#define MOST_MIB 512

typedef struct asked {
    int doc, orders;
    const char *kernels;
} asked;

#define HEAD \
    "x copy                                      goal copy, ms  reads  walks   sums   ours /walks  /sums\n"
#define LINE "%-42s %5s %8.2f %6s %6.2f %6s %6.2f %6.2f %6s  %s\n"
#define HEAD_OF_DOC                                                                       \
    "| op | goal | copy, ms | reads | bare walks | with sums | ours | ours / bare walks " \
    "| ours / with sums | fastest order |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n"
#define LINE_OF_DOC "| %s | %s | %.2f | %s | %.2f | %s | %.2f | %.2f | %s | %s |\n"

/* A row brought to life. */
typedef struct job {
    const bench_device *device;
    const floor_row *row;
    clnorm_any desc;
    clnorm_plan *plan;
    clnorm_args args;
    bench_copy copy;
    cl_mem sums;
    floor_kernels walks[FLOOR_ORDERS];
    size_t orders;
} job;

/* ---- a row ---- */

static void find_case(job *j)
{
    bench_case cases[MOST_CASES];
    const floor_row *r = j->row;
    const size_t n = bench_cases(cases, MOST_CASES, r->kind, BENCH_SUITE);
    for (size_t k = 0; k < n; k++) {
        const clnorm_tensor *x = &cases[k].desc.head.x;
        const int last = x->ndim == 4 && x->stride[1] == 1;
        if ((x->dtype == CLNORM_F32 || x->dtype == CLNORM_U8) && last == r->last &&
            memcmp(x->shape, r->shape, x->ndim * sizeof *x->shape) == 0 &&
            (cases[k].desc.op.direction == CLNORM_BACKWARD) == r->backward) {
            j->desc = cases[k].desc;
            return;
        }
    }
    floor_check(1, "a row that the suite lacks");
}

/* The op takes the copy's memory. */
static void lend(job *j, uint32_t slot, cl_mem mem)
{
    clReleaseMemObject(j->args.slot[slot].mem);
    clRetainMemObject(mem);
    j->args.slot[slot].mem = mem;
}

static void make(job *j, const bench_device *device, const floor_row *row)
{
    memset(j, 0, sizeof *j);
    j->device = device;
    j->row = row;
    find_case(j);
    floor_check(clnorm_op_check(&j->desc), "the op");
    const clnorm_tensor *x = &j->desc.head.x;
    floor_check(clnorm_plan_create(&j->plan, device->ctx, &j->desc.op, CLNORM_ESTIMATE), "the plan");
    floor_check(bench_args(&j->args, device, &j->desc, j->plan), "the op's memory");
    floor_check(bench_copy_make(&j->copy, device, x->dtype, CLNORM_F32, (size_t)clnorm_tensor_count(x),
                                row->backward),
                "the copy");
    floor_check(bench_memory(&j->sums, device, CLNORM_F32, SUMS), "sums");
    lend(j, CLNORM_X, j->copy.x);
    lend(j, row->backward ? CLNORM_DX : CLNORM_Y, j->copy.y);
    if (row->backward)
        lend(j, CLNORM_DY, j->copy.z);
    const cl_mem mem[] = { j->copy.x, j->copy.z, j->copy.y, j->sums };
    for (; row->orders[j->orders].name; j->orders++) {
        const floor_order *o = &row->orders[j->orders];
        floor_kernels *w = &j->walks[j->orders];
        *w = floor_make(device, o, mem, row->backward);
        floor_verify(device, w, o->name, j->copy.y, (size_t)clnorm_tensor_count(x));
    }
}

static void drop(job *j)
{
    for (size_t k = 0; k < j->orders; k++)
        floor_free(&j->walks[k]);
    clReleaseMemObject(j->sums);
    bench_args_free(&j->args);
    bench_copy_free(&j->copy);
    clnorm_plan_release(j->plan);
}

/* Bytes of pixels have none, and no walk for it. */
static int has_statistic(const floor_row *r) { return r->orders[0].walk != FLOOR_PIXELS; }

static double time_way(const job *j, size_t way)
{
    const floor_kernels *w = &j->walks[way >= WALKS ? way - WALKS : 0];
    if (way == READS && !has_statistic(j->row))
        return 1;
    const double start = bench_now_ms();
    if (way == COPY)
        floor_check(bench_copy_run(&j->copy, j->device->queue), "the copy");
    else if (way == OURS)
        floor_check(clnorm_enqueue(j->plan, j->device->queue, &j->args, 0, NULL, NULL), "the op");
    else if (way == READS)
        floor_launch(j->device, w, w->reads);
    else
        floor_run(j->device, w);
    floor_check(clFinish(j->device->queue), "clFinish");
    return bench_now_ms() - start;
}

typedef double times[WAYS][BENCH_ROUNDS];

static void time_row(times ms, const job *j)
{
    size_t order[WAYS];
    const size_t ways = WALKS + j->orders;
    uint32_t state = 7;
    for (size_t k = 0; k < ways; k++)
        order[k] = k;
    for (int r = -3; r < BENCH_ROUNDS; r++) { /* three to warm up */
        for (size_t k = ways; k > 1; k--) {
            state = state * 1664525u + 1013904223u;
            const size_t other = (state >> 8) % k, kept = order[other];
            order[other] = order[k - 1];
            order[k - 1] = kept;
        }
        for (size_t k = 0; k < ways; k++) {
            const double t = time_way(j, order[k]);
            if (r >= 0)
                ms[order[k]][r] = t;
        }
    }
}

static double median(const double v[BENCH_ROUNDS])
{
    double sorted[BENCH_ROUNDS];
    memcpy(sorted, v, sizeof sorted);
    return bench_quantile(sorted, BENCH_ROUNDS, 0.5);
}

static double ratio(times ms, size_t way, size_t to)
{
    double v[BENCH_ROUNDS];
    for (int r = 0; r < BENCH_ROUNDS; r++)
        v[r] = ms[way][r] / ms[to][r];
    return bench_quantile(v, BENCH_ROUNDS, 0.5);
}

static void name_of(char out[128], const floor_row *r)
{
    int n = snprintf(out, 128, "`%s`%s %s", clnorm_op_of(r->kind)->name, r->backward ? " backward" : "",
                     r->kind == CLNORM_OP_LAYERNORM && r->shape[2] ? "over C " : "");
    for (int k = 0; k < 4 && r->shape[k]; k++)
        n += snprintf(out + n, 128 - (size_t)n, "%s%lld", k ? "x" : "", (long long)r->shape[k]);
    snprintf(out + n, 128 - (size_t)n, "%s", r->last ? r->shape[1] == 3 ? " u8" : " NHWC" : "");
}

static int keeps_sums(const floor_order *o) { return o->read_sums || o->map_sums; }

/* The way of the fastest order, of those with sums of columns or of those without; WAYS: there is none. */
static size_t fastest(times ms, const job *j, int sums)
{
    size_t best = WAYS;
    for (size_t k = 0; k < j->orders; k++)
        if (keeps_sums(&j->row->orders[k]) == sums &&
            (best == WAYS || median(ms[WALKS + k]) < median(ms[best])))
            best = WALKS + k;
    return best;
}

static const char *cell(char out[16], double v)
{
    snprintf(out, 16, v > 0 ? "%.2f" : "-", v);
    return out;
}

static void run(const bench_device *device, const floor_row *row, const char *name, const asked *o)
{
    static times ms;
    static job j;
    char goal[16], reads[16], sums[16], over[16];
    make(&j, device, row);
    time_row(ms, &j);
    const size_t best = fastest(ms, &j, 0), summed = fastest(ms, &j, 1);
    printf(o->doc ? LINE_OF_DOC : LINE, name, cell(goal, row->goal), median(ms[COPY]),
           cell(reads, has_statistic(row) ? ratio(ms, READS, COPY) : 0), ratio(ms, best, COPY),
           cell(sums, summed < WAYS ? ratio(ms, summed, COPY) : 0), ratio(ms, OURS, COPY),
           ratio(ms, OURS, best), cell(over, summed < WAYS ? ratio(ms, OURS, summed) : 0),
           row->orders[best - WALKS].name);
    for (size_t k = 0; o->orders && k < j.orders; k++)
        printf("    %-40s %6.2f\n", row->orders[k].name, ratio(ms, WALKS + k, COPY));
    fflush(stdout);
    drop(&j);
}

/* ---- where bytes come from ---- */

/* GB/s of each of two cores that read so many MiB of their own again and again. */
static double rate(const bench_device *device, const cl_mem mem[4], size_t mib)
{
    const size_t floats = mib * 262144, times_over = MOST_MIB / mib;
    const floor_order o = { "", { 2, floats, times_over, 0, 2, 0 }, FLOOR_BOTH, 1, 1, 0, 0, 0, 0, 0 };
    double ms[10];
    floor_kernels w = floor_make(device, &o, mem, 0);
    for (int k = -1; k < 10; k++) {
        const double start = bench_now_ms();
        floor_launch(device, &w, w.reads);
        floor_check(clFinish(device->queue), "clFinish");
        if (k >= 0)
            ms[k] = bench_now_ms() - start;
    }
    floor_free(&w);
    return MOST_MIB * 1.048576 / bench_quantile(ms, 10, 0.5);
}

static void print_rates(const bench_device *device, int doc)
{
    static const size_t mib[] = { 1, 8, 64, MOST_MIB };
    cl_mem mem[4];
    floor_check(bench_memory(&mem[0], device, CLNORM_F32, (size_t)2 * MOST_MIB << 20), "memory");
    floor_check(bench_memory(&mem[3], device, CLNORM_F32, SUMS), "memory of sums");
    mem[1] = mem[2] = mem[0];
    fputs(doc ? "\n| MiB that each core reads | GB/s |\n| --- | --- |\n"
              : "\nMiB that each core reads, GB/s\n",
          stdout);
    for (size_t k = 0; k < sizeof mib / sizeof *mib; k++)
        printf(doc ? "| %zu | %.0f |\n" : "%6zu %6.1f\n", mib[k], rate(device, mem, mib[k]));
    clReleaseMemObject(mem[0]);
    clReleaseMemObject(mem[3]);
}

/* Returns the first word that is no option. */
static int parse(asked *o, int argc, char **argv)
{
    int k = 1;
    for (; k < argc && argv[k][0] == '-'; k++) {
        if (strcmp(argv[k], "--doc") == 0)
            o->doc = 1;
        else if (strcmp(argv[k], "--orders") == 0)
            o->orders = 1;
        else if (strncmp(argv[k], "--kernels=", 10) == 0)
            o->kernels = argv[k] + 10;
        else {
            fprintf(stderr, "floors: \"%s\" is no option; there are --doc, --orders and --kernels=DIR\n",
                    argv[k]);
            exit(2);
        }
    }
    return k;
}

/* Rows whose name has one of the texts. */
static void run_rows(const bench_device *device, const asked *o, int texts, char **text)
{
    int found = 0;
    fputs(o->doc ? HEAD_OF_DOC : HEAD, stdout);
    for (size_t k = 0; k < floor_row_count; k++) {
        char name[128];
        int wanted = texts == 0;
        name_of(name, &floor_rows[k]);
        for (int a = 0; a < texts; a++)
            wanted |= strstr(name, text[a]) != NULL;
        if (wanted)
            run(device, &floor_rows[k], name, o);
        found |= wanted;
    }
    floor_check(!found, "no row has such a text in its name");
}

int main(int argc, char **argv)
{
    clnorm_options lazy = { .size = sizeof lazy, .flags = CLNORM_LAZY };
    bench_device device;
    asked o = { 0, 0, NULL };
    const int first = parse(&o, argc, argv);
    lazy.kernel_dir = o.kernels;
    bench_steady_threads();
    floor_check(clnorm_open(&device.ctx, "cpu", &lazy), "cpu");
    floor_check(clnorm_context_handles(device.ctx, &device.cl, &device.id, &device.queue), "the context");
    run_rows(&device, &o, argc - first, argv + first);
    if (first == argc)
        print_rates(&device, o.doc);
    clnorm_close(device.ctx);
    return 0;
}

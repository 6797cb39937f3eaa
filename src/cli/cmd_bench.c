/* cmd_bench.c -- verify, then time against the copy limit of the same run; what the start-up set takes. */
#include "cli/attrs.h"
#include "cli/cmd.h"
#include "cli/input.h"
#include "cli/number.h"
#include "cli/session.h"
#include "cli/verify.h"
#include "cli/workload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_CASES 32
#define VERIFIED 8388608 /* elements at most; larger batches are verified with fewer samples */

typedef struct bench {
    const cli_args *args;
    bench_device device;
    const clnorm_device *found;
    json_t *rows;
    bool latency, wrong;
    double find; /* ms until the device was found */
} bench;

/* What the first result of a case costs, in ms, with a context of its own: opening it, which describes the
 * device; the plan, and in it compiling and reading binaries; the first run to its end. */
typedef struct start {
    double open, plan, compile, load, first;
    uint32_t built, loaded; /* programs */
} start;

static json_t *row_of(const bench *b, const clnorm_any *d, const bench_result *r, const start *s,
                      const cli_worst *w)
{
    json_t *row = cli_workload_json(d);
    json_object_update_new(row, json_pack("{s:o, s:o, s:b, s:o, s:f, s:f, s:f, s:f, s:f, s:f}", "device",
                                          cli_json_text(b->found->name), "plan", cli_json_text(r->text),
                                          "verified", w->error <= 1, "max_error",
                                          cli_json_real(w->error * w->bound), "ms_median", r->median,
                                          "ms_p10", r->p10, "ms_p90", r->p90, "gbps", r->gbps, "copy_gbps",
                                          r->copy_gbps, "ratio_to_copy", r->ratio));
    if (b->latency)
        json_object_set_new(row, "start",
                            json_pack("{s:f, s:f, s:f, s:f, s:f, s:i, s:i}", "open_ms", s->open, "plan_ms",
                                      s->plan, "compile_ms", s->compile, "load_ms", s->load, "first_ms",
                                      s->first, "built", (int)s->built, "loaded", (int)s->loaded));
    return row;
}

static void print_row(const bench *b, const bench_case *c, const bench_result *r, const start *s,
                      const cli_worst *w)
{
    cli_workload_print(c);
    printf("  %9.4f %9.4f %9.4f %7.1f %7.1f %6.2f  %-8s", r->median, r->p10, r->p90, r->gbps, r->copy_gbps,
           r->ratio, w->error <= 1 ? "ok" : "WRONG");
    if (b->latency)
        printf("  open %6.1f  plan %7.1f (compile %7.1f, load %5.1f; %u built, %u loaded)  first %7.1f ms",
               s->open, s->plan, s->compile, s->load, s->built, s->loaded, s->first);
    putchar('\n');
    fflush(stdout);
}

/* Times a case in a context of its own, so that nothing that an earlier case has built is there. */
static clnorm_status run_fresh(bench_result *r, start *s, const bench *b, const bench_case *c)
{
    const clnorm_options options = cli_context_options(b->args);
    clnorm_stats stats = { .size = sizeof stats };
    bench_device own = { NULL, NULL, NULL, NULL };
    const double begin = cli_now_ms();
    clnorm_status st = clnorm_open(&own.ctx, b->found->id, &options);
    if (st != CLNORM_OK)
        return st;
    s->open = cli_now_ms() - begin;
    clnorm_context_handles(own.ctx, &own.cl, &own.id, &own.queue);
    st = bench_run(r, &own, c, BENCH_ROUNDS);
    if (st == CLNORM_OK)
        st = clnorm_context_stats(own.ctx, &stats);
    clnorm_close(own.ctx);
    s->plan = r->plan;
    s->first = r->first;
    s->compile = (double)stats.build_ns / 1e6;
    s->load = (double)stats.load_ns / 1e6;
    s->built = stats.programs_built;
    s->loaded = stats.programs_loaded;
    return st;
}

/* ---- the start-up set ---- */

/* Until the start-up set of the named ops is ready, in ms: finding the device, the process's first call of OpenCL; describing it;
 * compiling and reading binaries; the rest: a context and a queue, texts, keys of the cache, plans. */
typedef struct set_start {
    unsigned ops, built, loaded;
    double find, describe, compile, load, rest;
} set_start;

static uint64_t start_ops(const cli_args *args, unsigned *count)
{
    uint64_t bits = 0;
    const clnorm_op_info *op;
    *count = 0;
    for (size_t k = 0; (op = clnorm_op_at(k)) != NULL; k++)
        if (cli_wants(args, op) && !op->matrix) {
            bits |= CLNORM_OP_BIT(op->kind);
            ++*count;
        }
    return bits;
}

static clnorm_status time_set(set_start *s, const bench *b, uint64_t ops)
{
    clnorm_options options = cli_context_options(b->args);
    clnorm_stats stats = { .size = sizeof stats };
    clnorm_context *ctx;
    const double begin = cli_now_ms();
    options.ops = ops;
    options.flags &= ~(uint32_t)CLNORM_LAZY;
    clnorm_status st = clnorm_open(&ctx, b->found->id, &options);
    const double ms = cli_now_ms() - begin;
    if (st != CLNORM_OK)
        return st;
    st = clnorm_context_stats(ctx, &stats);
    clnorm_close(ctx);
    s->find = b->find;
    s->describe = (double)stats.query_ns / 1e6;
    s->compile = (double)stats.build_ns / 1e6;
    s->load = (double)stats.load_ns / 1e6;
    s->rest = ms - s->describe - s->compile - s->load;
    s->built = stats.programs_built;
    s->loaded = stats.programs_loaded;
    return st;
}

/* Before all else, so that nothing is there yet. */
static int run_set(const bench *b)
{
    set_start s = { 0, 0, 0, 0, 0, 0, 0, 0 };
    const uint64_t ops = start_ops(b->args, &s.ops);
    const clnorm_status st = ops ? time_set(&s, b, ops) : CLNORM_OK;
    const double all = s.find + s.describe + s.compile + s.load + s.rest;
    if (st != CLNORM_OK || !ops)
        return cli_status(st);
    if (b->args->json)
        json_array_append_new(b->rows,
                              json_pack("{s:{s:i, s:f, s:f, s:f, s:f, s:f, s:f, s:i, s:i}}", "start_up_set",
                                        "ops", (int)s.ops, "ready_ms", all, "find_ms", s.find, "describe_ms",
                                        s.describe, "compile_ms", s.compile, "load_ms", s.load, "rest_ms",
                                        s.rest, "built", (int)s.built, "loaded", (int)s.loaded));
    else
        printf("start-up set of %u ops: %.1f ms  (find %.1f, describe %.1f, compile %.1f, load %.1f, "
               "rest %.1f; %u built, %u loaded)\n\n",
               s.ops, all, s.find, s.describe, s.compile, s.load, s.rest, s.built, s.loaded);
    fflush(stdout);
    return EXIT_OK;
}

/* ---- cases ---- */

static int fail(const bench *b, clnorm_status st, const cli_worst *w)
{
    const bench_lack lack = bench_lacked();
    if (lack.device)
        return cli_fail(EXIT_MEMORY, "a buffer of %zu bytes was refused by %s", lack.device, b->found->name);
    return lack.host || w->lacks ? cli_no_memory("bench", lack.host ? lack.host : w->lacks) : cli_status(st);
}

static bool fits(const bench *b, const clnorm_any *desc)
{
    const clnorm_tensor *const xy[] = { &desc->head.x, &desc->head.y };
    uint64_t most = 0;
    for (size_t k = 0; k < 2; k++) {
        const uint64_t bytes = (uint64_t)clnorm_tensor_count(xy[k]) * clnorm_dtype_bytes(xy[k]->dtype);
        most = bytes > most ? bytes : most;
    }
    return cli_fits_buffer(b->found, most) == EXIT_OK;
}

static int run_case(bench *b, const bench_case *c)
{
    cli_case check;
    cli_worst worst;
    bench_result r;
    start s = { 0, 0, 0, 0, 0, 0, 0 };
    memset(&check, 0, sizeof check);
    memset(&worst, 0, sizeof worst);
    check.desc = c->desc;
    check.view = "bench";
    check.seed = 1;
    check.held = REF_ORDINARY;
    while (clnorm_tensor_count(&check.desc.head.x) > VERIFIED && check.desc.head.x.shape[0] > 1) {
        check.desc.head.x.shape[0] /= 2;
        if (check.desc.head.y.ndim)
            check.desc.head.y.shape[0] /= 2;
    }
    clnorm_status st = clnorm_op_check(&check.desc);
    if (st == CLNORM_OK && !fits(b, &c->desc))
        return EXIT_MEMORY;
    if (st == CLNORM_OK && b->latency)
        st = run_fresh(&r, &s, b, c);
    if (st == CLNORM_OK)
        st = cli_case_run(b->device.ctx, &check, &worst, NULL);
    if (st == CLNORM_OK && !b->latency)
        st = bench_run(&r, &b->device, c, BENCH_ROUNDS);
    if (st != CLNORM_OK)
        return fail(b, st, &worst);
    b->wrong |= !(worst.error <= 1);
    if (b->args->json)
        json_array_append_new(b->rows, row_of(b, &c->desc, &r, &s, &worst));
    else
        print_row(b, c, &r, &s, &worst);
    return EXIT_OK;
}

static int run_ops(bench *b, const int64_t *shape)
{
    const bench_set set = cli_has(b->args, "suite") ? BENCH_SUITE : b->latency ? BENCH_LATENCY : BENCH_USUAL;
    const clnorm_op_info *op;
    size_t all = 0;
    if (!b->args->json) {
        cli_workload_head();
        printf("  %9s %9s %9s %7s %7s %6s\n", "ms", "p10", "p90", "GB/s", "copy", "ratio");
    }
    for (size_t k = 0; (op = clnorm_op_at(k)) != NULL; k++) {
        bench_case cases[MAX_CASES];
        if (!cli_wants(b->args, op))
            continue;
        const size_t n = shape ? bench_shaped(cases, MAX_CASES, op->kind, shape)
                               : bench_cases(cases, MAX_CASES, op->kind, set);
        all += n;
        for (size_t i = 0; i < n && i < MAX_CASES; i++) {
            const int code = run_case(b, &cases[i]);
            if (code != EXIT_OK)
                return code;
        }
    }
    if (!all && !b->args->quiet)
        fprintf(stderr, "clnorm: there is no such workload of these ops; --shape NxCxHxW makes one\n");
    return EXIT_OK;
}

/* Finds the device, opens it, and runs what was asked for. */
static int run_all(bench *b, clnorm_device *device, const int64_t *shape)
{
    const clnorm_options options = cli_context_options(b->args);
    const double begin = cli_now_ms();
    bench_steady_threads();
    int code = cli_find_device(device, b->args);
    b->find = cli_now_ms() - begin;
    if (code == EXIT_OK && b->latency)
        code = run_set(b);
    if (code == EXIT_OK)
        code = cli_status(clnorm_open(&b->device.ctx, device->id, &options));
    if (code != EXIT_OK)
        return code;
    clnorm_context_handles(b->device.ctx, &b->device.cl, &b->device.id, &b->device.queue);
    code = run_ops(b, shape);
    if (code == EXIT_OK && b->args->json)
        code = cli_json_print(json_incref(b->rows));
    clnorm_close(b->device.ctx);
    return code == EXIT_OK && b->wrong ? EXIT_CHECK : code;
}

int cmd_bench(const cli_args *args)
{
    int64_t shape[4];
    const char *text = cli_get(args, "shape");
    if (text && !cli_workload_shape(shape, text))
        return cli_usage(args, "--shape is %s; NxCxHxW with lengths from 1 is allowed, such as 32x3x224x224",
                         cli_quote(text));
    if ((text != NULL) + cli_has(args, "suite") + cli_has(args, "latency") > 1)
        return cli_usage(args, "--shape, --suite and --latency exclude each other");
    if (!cli_ops_known(args))
        return EXIT_USAGE;
    clnorm_device device;
    bench b = { args, { NULL, NULL, NULL, NULL }, &device, NULL, cli_has(args, "latency"), false, 0 };
    b.rows = args->json ? json_array() : NULL;
    const int code = run_all(&b, &device, text ? shape : NULL);
    json_decref(b.rows);
    return code;
}

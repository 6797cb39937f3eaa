/* cmd_bench.c -- verify, then time against the copy limit of the same run. */
#include "cli/attrs.h"
#include "cli/cmd.h"
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
    const char *name, *id; /* of the device */
    json_t *rows;
    bool latency, wrong;
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
                                          cli_json_text(b->name), "plan", cli_json_text(r->text), "verified",
                                          w->error <= 1, "max_error", cli_json_real(w->error * w->bound),
                                          "ms_median", r->median, "ms_p10", r->p10, "ms_p90", r->p90, "gbps",
                                          r->gbps, "copy_gbps", r->copy_gbps, "ratio_to_copy", r->ratio));
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
    clnorm_status st = clnorm_open(&own.ctx, b->id, &options);
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

static int run_case(bench *b, const bench_case *c)
{
    cli_case check;
    cli_worst worst;
    bench_result r;
    start s = { 0, 0, 0, 0, 0, 0, 0 };
    memset(&check, 0, sizeof check);
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
    if (st == CLNORM_OK && b->latency)
        st = run_fresh(&r, &s, b, c);
    if (st == CLNORM_OK)
        st = cli_case_run(b->device.ctx, &check, &worst, NULL);
    if (st == CLNORM_OK && !b->latency)
        st = bench_run(&r, &b->device, c, BENCH_ROUNDS);
    if (st != CLNORM_OK)
        return cli_status(st);
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
    if (!b->args->json) {
        cli_workload_head();
        printf("  %9s %9s %9s %7s %7s %6s\n", "ms", "p10", "p90", "GB/s", "copy", "ratio");
    }
    for (size_t k = 0; (op = clnorm_op_at(k)) != NULL; k++) {
        bench_case cases[MAX_CASES];
        size_t n;
        if (!cli_wants(b->args, op))
            continue;
        if (shape)
            n = bench_shaped(cases, MAX_CASES, op->kind, shape);
        else
            n = bench_cases(cases, MAX_CASES, op->kind, set);
        for (size_t i = 0; i < n && i < MAX_CASES; i++) {
            const int code = run_case(b, &cases[i]);
            if (code != EXIT_OK)
                return code;
        }
    }
    return EXIT_OK;
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
    const clnorm_options options = cli_context_options(args);
    clnorm_device device;
    bench b = { args, { NULL, NULL, NULL, NULL }, device.name, device.id,
                NULL, cli_has(args, "latency"),   false };
    int code = cli_status(clnorm_device_find(&device, cli_device(args)));
    if (code == EXIT_OK)
        code = cli_status(clnorm_open(&b.device.ctx, device.id, &options));
    if (code != EXIT_OK)
        return code;
    clnorm_context_handles(b.device.ctx, &b.device.cl, &b.device.id, &b.device.queue);
    b.rows = args->json ? json_array() : NULL;
    code = run_ops(&b, text ? shape : NULL);
    if (code == EXIT_OK && args->json)
        code = cli_json_print(b.rows);
    else
        json_decref(b.rows);
    clnorm_close(b.device.ctx);
    return code == EXIT_OK && b.wrong ? EXIT_CHECK : code;
}

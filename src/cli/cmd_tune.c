/* cmd_tune.c -- searches what runs each workload fastest on this device, and keeps it in a file that contexts read. */
#include "cli/attrs.h"
#include "cli/cmd.h"
#include "cli/number.h"
#include "cli/session.h"
#include "cli/workload.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MAX_CASES 64
#define SECONDS 300.0 /* of measuring, unless --seconds says another number */

typedef struct tune {
    const cli_args *args;
    clnorm_context *ctx;
    const char *file;
    json_t *rows;
    double seconds; /* of measuring that are left */
    size_t left;    /* workloads that share them */
    uint32_t changed;
} tune;

/* Small tensors, a usual batch and the published workloads of an op, or what --shape says. */
static size_t cases_of(bench_case out[MAX_CASES], const clnorm_op_info *op, const int64_t *shape)
{
    static const bench_set sets[] = { BENCH_LATENCY, BENCH_USUAL, BENCH_SUITE };
    size_t n = 0;
    if (shape)
        return bench_shaped(out, MAX_CASES, op->kind, shape);
    for (size_t k = 0; k < sizeof sets / sizeof *sets; k++) {
        const size_t found = bench_cases(out + n, MAX_CASES - n, op->kind, sets[k]);
        n += found < MAX_CASES - n ? found : MAX_CASES - n;
    }
    return n;
}

/* null of what has one way, as products have: there is nothing to measure. */
static json_t *measured(const clnorm_tuned *found, double ms)
{
    return found->ways ? json_real(ms) : json_null();
}

static int tune_case(tune *t, const bench_case *c)
{
    clnorm_tuned found = { .size = sizeof found };
    const double share = t->seconds / (double)t->left--;
    const int code = cli_status(clnorm_tune(t->ctx, &c->desc.op, share > 0.1 ? share : 0.1, &found));
    if (code != EXIT_OK)
        return code;
    t->seconds -= found.seconds;
    t->changed += found.changed;
    if (t->args->json) {
        json_t *row = cli_workload_json(&c->desc);
        json_object_update_new(row,
                               json_pack("{s:i, s:i, s:o, s:o}", "ways", (int)found.ways, "changed",
                                         (int)found.changed, "before_ms", measured(&found, found.before_ms),
                                         "after_ms", measured(&found, found.after_ms)));
        json_array_append_new(t->rows, row);
    } else if (!t->args->quiet) {
        cli_workload_print(c);
        if (found.ways)
            printf("  %6u %9.4f %9.4f %7.2f\n", found.ways, found.before_ms, found.after_ms,
                   found.after_ms > 0 ? found.before_ms / found.after_ms : 1.0);
        else
            printf("  %6s %9s %9s %7s\n", "-", "-", "-", "-");
        fflush(stdout);
    }
    return EXIT_OK;
}

/* What an op has found is kept before the next begins. */
static int tune_op(tune *t, const clnorm_op_info *op, const int64_t *shape)
{
    bench_case cases[MAX_CASES];
    const size_t n = cases_of(cases, op, shape);
    for (size_t k = 0; k < n; k++) {
        const int code = tune_case(t, &cases[k]);
        if (code != EXIT_OK)
            return code;
    }
    return cli_status(clnorm_tuning_save(t->ctx, t->file));
}

static int tune_ops(tune *t, const int64_t *shape)
{
    const clnorm_op_info *op;
    bench_case cases[MAX_CASES];
    int code = EXIT_OK;
    for (size_t k = 0; (op = clnorm_op_at(k)) != NULL; k++)
        t->left += cli_wants(t->args, op) ? cases_of(cases, op, shape) : 0;
    if (!t->args->json && !t->args->quiet) {
        cli_workload_head();
        printf("  %6s %9s %9s %7s\n", "ways", "before ms", "after ms", "faster");
    }
    for (size_t k = 0; code == EXIT_OK && (op = clnorm_op_at(k)) != NULL; k++)
        if (cli_wants(t->args, op))
            code = tune_op(t, op, shape);
    return code;
}

static int print(const tune *t)
{
    const char *file = t->file ? t->file : clnorm_tuning_file(t->ctx);
    if (t->args->json)
        return cli_json_print(json_pack("{s:o, s:O}", "path", cli_json_text(file), "workloads", t->rows));
    if (!t->args->quiet)
        printf("%u problems run in another way than estimated; kept in %s\n", t->changed, cli_quote(file));
    return EXIT_OK;
}

/* A context that reads the file where it is there already: what it has for other ops stays. It is saved as it is, for a file
 * that cannot be written is better known before minutes of measuring. */
static int open_context(tune *t)
{
    clnorm_options options = cli_context_options(t->args);
    clnorm_device device;
    options.tuning_file = t->file ? "" : NULL;
    bench_steady_threads();
    int code = cli_find_device(&device, t->args);
    if (code == EXIT_OK)
        code = cli_status(clnorm_open(&t->ctx, device.id, &options));
    if (code == EXIT_OK && t->file && access(t->file, F_OK) == 0)
        code = cli_status(clnorm_tuning_load(t->ctx, t->file));
    if (code == EXIT_OK && !t->file && !clnorm_tuning_file(t->ctx)[0])
        code = cli_usage(t->args, "no file is known to keep it in; --tuning FILE names one");
    return code == EXIT_OK ? cli_status(clnorm_tuning_save(t->ctx, t->file)) : code;
}

int cmd_tune(const cli_args *args)
{
    int64_t shape[4];
    double seconds = SECONDS;
    const char *text = cli_get(args, "shape"), *time = cli_get(args, "seconds"), *why;
    tune t = { .args = args, .file = cli_get(args, "tuning") };
    if (text && !cli_workload_shape(shape, text))
        return cli_usage(args, "--shape is %s; NxCxHxW with lengths from 1 is allowed, such as 32x3x224x224",
                         cli_quote(text));
    if (time && (!cli_number(time, &seconds, &why) || !(seconds > 0 && seconds <= 86400)))
        return cli_usage(args, "--seconds is %s; a number over 0 to 86400 is allowed", cli_quote(time));
    if (t.file && !*t.file)
        return cli_usage(args, "--tuning is empty; the name of a file is needed to keep what is found");
    if (!cli_ops_known(args))
        return EXIT_USAGE;
    t.rows = json_array();
    t.seconds = seconds;
    int code = open_context(&t);
    if (code == EXIT_OK)
        code = tune_ops(&t, text ? shape : NULL);
    if (code == EXIT_OK)
        code = print(&t);
    json_decref(t.rows);
    clnorm_close(t.ctx);
    return code;
}

/* cmd_warmup.c -- builds the start-up set ahead of time, into the cache. */
#include "cli/attrs.h"
#include "cli/cmd.h"
#include "cli/input.h"
#include "cli/json.h"
#include "cli/tensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct warmup {
    const cli_args *args;
    cli_session session;
    json_t *rows;
    unsigned built, loaded;
} warmup;

/* As clnorm_context_create has it: images of u8, interleaved, or f32, to f32. */
static void describe(clnorm_any *d, const clnorm_op_info *op, int64_t side)
{
    const bool image = op->x_types >> CLNORM_U8 & 1;
    const double train = CLNORM_TRAIN, groups = 3;
    clnorm_op_init(d, op->kind);
    clnorm_op_set(d, "mode", &train, 1); /* refused by ops that have none, which is no matter */
    clnorm_op_set(d, "groups", &groups, 1);
    d->head.x = image ? clnorm_nhwc(CLNORM_U8, 1, 3, side, side) : clnorm_nchw(CLNORM_F32, 1, 3, side, side);
    if (op->y_types != 1u << CLNORM_F32) /* else y is a statistic, shaped by the plan */
        d->head.y = clnorm_nchw(CLNORM_F32, 1, 3, side, side);
}

/* The library saves only what has run. required: slots. */
static int run(const warmup *w, const clnorm_plan *plan, uint32_t required)
{
    cli_slots memory;
    cli_times times;
    int code = EXIT_OK;
    memset(&memory, 0, sizeof memory);
    for (uint32_t s = 0; s < CLNORM_SLOTS && code == EXIT_OK; s++) {
        const size_t bytes = required >> s & 1u ? clnorm_plan_slot_bytes(plan, s) : 0;
        if (!bytes)
            continue;
        code = cli_zeros(&memory.slot[s].data, cli_slot_names[s], bytes);
        memory.slot[s].bytes = bytes;
        memory.slot[s].output = s == CLNORM_Y;
    }
    if (code == EXIT_OK)
        code = cli_execute(&w->session, plan, &memory, &times);
    for (uint32_t s = 0; s < CLNORM_SLOTS; s++)
        free(memory.slot[s].data);
    return code;
}

static clnorm_stats stats(const warmup *w)
{
    clnorm_stats s;
    memset(&s, 0, sizeof s);
    s.size = (uint32_t)sizeof s;
    clnorm_context_stats(w->session.ctx, &s);
    return s;
}

static void print_row(warmup *w, const clnorm_op_info *op, double ms)
{
    const clnorm_stats s = stats(w);
    const char *from = s.programs_built > w->built ? "built" : "loaded";
    w->built = s.programs_built;
    w->loaded = s.programs_loaded;
    if (w->args->json)
        json_array_append_new(w->rows, json_pack("{s:s, s:s, s:f}", "op", op->name, "from", from, "ms", ms));
    else if (!w->args->quiet)
        printf("%-13s %-6s %9.1f ms\n", op->name, from, ms);
    fflush(stdout);
}

/* An icon and a photograph have other schedules, and so other programs; PoCL makes code of a kernel when it
 * first runs. */
static int warm(warmup *w, const clnorm_op_info *op)
{
    static const int64_t sides[] = { 64, 512 };
    double ms = 0;
    int code = EXIT_OK;
    for (size_t k = 0; k < sizeof sides / sizeof *sides && code == EXIT_OK; k++) {
        clnorm_any desc;
        clnorm_plan *plan;
        uint32_t required;
        describe(&desc, op, sides[k]);
        const double start = cli_now_ms();
        code = cli_status(clnorm_plan_create(&plan, w->session.ctx, &desc.op, CLNORM_ESTIMATE));
        ms += cli_now_ms() - start;
        if (code == EXIT_OK && clnorm_op_check(&desc) == CLNORM_OK) {
            clnorm_op_slots(&desc, NULL, NULL, &required);
            code = run(w, plan, required);
        }
        clnorm_plan_release(plan);
    }
    if (code == EXIT_OK)
        print_row(w, op, ms);
    return code;
}

/* A context that builds these ops unites them in programs; a runtime's own cache does not know them from the
 * ops. */
static int build_set(warmup *w, uint64_t ops)
{
    clnorm_options options = cli_context_options(w->args);
    options.flags &= ~CLNORM_LAZY;
    options.ops = ops;
    clnorm_context_release(w->session.ctx); /* saves what it built, for this one to load */
    w->session.ctx = NULL;
    return cli_status(
        clnorm_context_create(&w->session.ctx, w->session.cl, w->session.device.device, &options));
}

static int print(warmup *w)
{
    const char *dir = clnorm_context_cache_dir(w->session.ctx);
    if (w->args->json)
        return cli_json_print(json_pack("{s:o, s:o, s:O}", "device", cli_json_text(w->session.device.name),
                                        "path", cli_json_text(dir), "programs", w->rows));
    if (!w->args->quiet)
        printf("%u built, %u loaded; kept in %s\n", w->built, w->loaded,
               dir[0] ? cli_quote(dir) : "the runtime's own cache, if it has one");
    return EXIT_OK;
}

/* Whoever names a directory wants it filled; the context has said why it cannot be. */
static int check_directory(const warmup *w)
{
    const char *dir = cli_get(w->args, "cache-dir");
    return dir && !clnorm_context_cache_dir(w->session.ctx)[0]
               ? cli_fail(EXIT_INPUT, "--cache-dir %s cannot be used", cli_quote(dir))
               : EXIT_OK;
}

int cmd_warmup(const cli_args *args)
{
    const clnorm_op_info *op;
    uint64_t ops = 0;
    warmup w;
    memset(&w, 0, sizeof w);
    if (cli_has(args, "no-cache"))
        return cli_usage(args, "--no-cache leaves no cache to build into");
    if (!cli_ops_known(args))
        return EXIT_USAGE;
    w.args = args;
    w.rows = json_array();
    int code = cli_session_open(&w.session, args);
    if (code == EXIT_OK)
        code = check_directory(&w);
    for (size_t k = 0; code == EXIT_OK && (op = clnorm_op_at(k)) != NULL; k++)
        if (cli_wants(args, op)) {
            ops |= CLNORM_OP_BIT(op->kind);
            code = warm(&w, op);
        }
    if (code == EXIT_OK)
        code = build_set(&w, ops);
    if (code == EXIT_OK)
        code = print(&w);
    cli_session_close(&w.session);
    json_decref(w.rows);
    return code;
}

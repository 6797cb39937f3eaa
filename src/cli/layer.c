/* layer.c -- which tensors a layer has, as far as no file is read. */
#include "cli/layer.h"

#include <stdio.h>
#include <string.h>

#define BIT(slot) (1u << CLNORM_##slot)
#define STATISTICS (BIT(MEAN) | BIT(RSTD))
#define RUNNING (BIT(RUNNING_MEAN) | BIT(RUNNING_VAR))
#define WEIGHTS (BIT(GAMMA) | BIT(BETA) | BIT(DGAMMA) | BIT(DBETA))

static void set(clnorm_any *desc, const char *attr, double value) { clnorm_op_set(desc, attr, &value, 1); }

/* ---- all that there may be ---- */

static void visit(clnorm_any *desc, uint32_t *reads, uint32_t *writes, uint32_t *required)
{
    uint32_t r, w, q;
    if (clnorm_op_check(desc) != CLNORM_OK)
        return;
    clnorm_op_slots(desc, &r, &w, &q);
    *reads |= r;
    *writes |= w;
    *required &= q;
}

void cli_layer_slots(const clnorm_op_info *op, uint32_t direction, uint32_t mode, uint32_t *reads,
                     uint32_t *writes, uint32_t *required)
{
    *reads = *writes = 0;
    *required = ~0u;
    for (uint32_t m = CLNORM_TRAIN; m <= CLNORM_EVAL; m++)
        for (uint32_t given = 0; given <= 1; given++)
            for (uint32_t residual = 0; residual <= CLNORM_RESIDUAL_AFTER; residual++) {
                clnorm_any desc;
                if (mode && m != mode)
                    continue;
                clnorm_op_init(&desc, op->kind);
                desc.op.direction = direction;
                desc.head.x = desc.head.y = clnorm_nchw(CLNORM_F32, 1, 4, 8, 8);
                set(&desc, "groups", 2);
                set(&desc, "mode", m);
                set(&desc, "given", given);
                set(&desc, "residual", residual);
                set(&desc, "act", CLNORM_RELU);
                visit(&desc, reads, writes, required);
            }
}

uint32_t cli_layer_names(const cli_request *r, bool output)
{
    const uint32_t main = BIT(X) | BIT(Y) | BIT(DX);
    const bool modes = r->op->kind == CLNORM_OP_BATCHNORM;
    uint32_t reads, writes, required;
    cli_layer_slots(r->op, r->desc.op.direction, modes ? r->desc.batchnorm.mode : 0, &reads, &writes,
                    &required);
    return (output ? writes : reads | (modes ? RUNNING : 0)) & ~main;
}

/* ---- what the names say ---- */

/* "batchnorm --mode eval --backward", for sentences; one static buffer. */
static const char *what(const cli_request *r)
{
    static char text[64];
    const bool eval = r->op->kind == CLNORM_OP_BATCHNORM && r->desc.batchnorm.mode == CLNORM_EVAL;
    snprintf(text, sizeof text, "%s%s%s", r->op->name, eval ? " --mode eval" : "",
             r->desc.op.direction == CLNORM_BACKWARD ? " --backward" : "");
    return text;
}

static void slots_of(const cli_request *r, uint32_t given, uint32_t *reads, uint32_t *writes,
                     uint32_t *required)
{
    clnorm_any desc;
    *reads = *writes = *required = 0;
    if (cli_request_sample(&desc, r) != CLNORM_OK) /* which was checked before */
        return;
    desc.layered.layer.given = given;
    if (clnorm_op_check(&desc) != CLNORM_OK) /* the op takes no statistics */
        return;
    clnorm_op_slots(&desc, reads, writes, required);
}

static int take_given(cli_request *r, const cli_args *args, uint32_t in)
{
    uint32_t reads, writes, required;
    slots_of(r, 1, &reads, &writes, &required);
    const uint32_t all = reads & STATISTICS, given = in & all;
    if (given && given != all)
        return cli_usage(args, "--in mean and --in rstd go together; give both");
    r->desc.layered.layer.given = given != 0;
    return EXIT_OK;
}

/* --in that mean nothing here and do no harm: what only another mode or activation needs. */
static uint32_t idle(const cli_request *r)
{
    const bool back = r->desc.op.direction == CLNORM_BACKWARD;
    const bool after = r->desc.layered.layer.residual == CLNORM_RESIDUAL_AFTER;
    return (r->op->kind == CLNORM_OP_BATCHNORM ? RUNNING : 0) | (back && after ? BIT(RESIDUAL) : 0);
}

static int refuse(const cli_request *r, const cli_args *args, const cli_extra *x)
{
    const bool back = r->desc.op.direction == CLNORM_BACKWARD;
    if (back && x->slot == CLNORM_RESIDUAL)
        return cli_usage(args,
                         "--residual before --backward: INPUT is the sum that forward wrote (--out sum); "
                         "there is no --in residual");
    if (back && x->slot == CLNORM_DRESIDUAL)
        return cli_usage(args,
                         "--residual before --backward: the gradient of the residual is dx itself; there "
                         "is no --out dresidual");
    if (x->slot == CLNORM_SUM && x->output && !back)
        return cli_usage(args, "--out sum goes with --residual before");
    if (x->slot == CLNORM_MASK && !(r->desc.layered.layer.act == CLNORM_RELU))
        return cli_usage(args, "--%s mask goes with --act relu", x->output ? "out" : "in");
    if (x->slot == CLNORM_MASK && x->output && !back)
        return cli_usage(args, "--out mask goes with a float y, not with --out-dtype %s",
                         clnorm_dtype_name(r->writing.dtype));
    if (x->output && r->desc.layered.layer.given && (STATISTICS | RUNNING) >> x->slot & 1u)
        return cli_usage(args, "--out %s: the statistics are given, by --in; none are computed", x->name);
    return cli_usage(args, "--%s %s: %s %s, besides %s,%s", x->output ? "out" : "in", x->name, what(r),
                     x->output ? "writes" : "reads", x->output ? (back ? "dx" : "y") : "x",
                     cli_slot_list(cli_layer_names(r, x->output)));
}

static int check_names(const cli_request *r, const cli_args *args, const cli_extras *e, uint32_t reads,
                       uint32_t writes)
{
    const uint32_t in = (reads | idle(r)) & ~BIT(X), out = writes & ~(BIT(Y) | BIT(DX));
    for (size_t k = 0; k < e->count; k++) {
        const cli_extra *x = &e->list[k];
        if (!((x->output ? out : in) >> x->slot & 1u))
            return refuse(r, args, x);
    }
    return EXIT_OK;
}

/* With an activation the gradient needs its argument again, unless a mask says enough. */
static uint32_t needs_again(const cli_request *r, uint32_t in)
{
    const clnorm_layer *l = &r->desc.layered.layer;
    const bool masked = l->act == CLNORM_RELU && in & BIT(MASK);
    const bool again = r->desc.op.direction == CLNORM_BACKWARD && l->residual == CLNORM_RESIDUAL_AFTER;
    return again && l->act && !masked ? BIT(RESIDUAL) : 0;
}

static int check_needs(const cli_request *r, const cli_args *args, uint32_t in, uint32_t required)
{
    const uint32_t missing = (required | needs_again(r, in)) & ~(in | BIT(X) | BIT(Y));
    if (missing)
        return cli_usage(args, "%s needs --in for:%s%s", what(r), cli_slot_list(missing),
                         missing & RUNNING ? ", or for: mean rstd" : "");
    return EXIT_OK;
}

/* What is given but counts for nothing, where that may be meant otherwise. */
static void note_idle(const cli_request *r, uint32_t in, uint32_t out)
{
    const bool batch = r->op->kind == CLNORM_OP_BATCHNORM, back = r->desc.op.direction == CLNORM_BACKWARD;
    const bool train = batch && r->desc.batchnorm.mode == CLNORM_TRAIN;
    if (r->op->kind == CLNORM_OP_GRN && !(in & BIT(GAMMA)))
        fprintf(stderr, "clnorm: grn without --in gamma: gamma starts at 0, so that y is x\n");
    if (train && !r->desc.layered.layer.given && in & RUNNING & ~out)
        fprintf(stderr, "clnorm: batchnorm in training takes the batch's statistics: --in%s counts only %s\n",
                cli_slot_list(in & RUNNING & ~out),
                back ? "with --mode eval" : "with its --out, or with --mode eval");
    if (batch && r->desc.layered.layer.given && in & RUNNING)
        fprintf(stderr, "clnorm: batchnorm takes --in mean and rstd: --in%s does not count\n",
                cli_slot_list(in & RUNNING));
}

int cli_layer_words(cli_request *r, const cli_args *args, const cli_extras *e, bool run)
{
    clnorm_layer *l = &r->desc.layered.layer;
    const uint32_t in = cli_extras_named(e, false), out = cli_extras_named(e, true);
    uint32_t reads, writes, required;
    if (!l->residual && (in | out) & (BIT(RESIDUAL) | BIT(DRESIDUAL)))
        l->residual = CLNORM_RESIDUAL_AFTER;
    int code = take_given(r, args, in);
    if (code != EXIT_OK)
        return code;
    slots_of(r, l->given, &reads, &writes, &required);
    code = check_names(r, args, e, reads, writes);
    if (code == EXIT_OK && run)
        code = check_needs(r, args, in, required);
    if (r->op->slots_in & WEIGHTS && !((in | out) & WEIGHTS))
        l->affine = CLNORM_NO_AFFINE;
    if (r->desc.op.direction == CLNORM_BACKWARD && run)
        l->gradients = BIT(DX) | out;
    if (code == EXIT_OK && !args->quiet)
        note_idle(r, in, out);
    return code;
}

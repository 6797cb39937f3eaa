/* cases.c -- see cases.h. */
#include "cases.h"

#include "base/compiler.h"

#include <stdio.h>

static clnorm_tensor tensor_of(const row *r, uint32_t dtype, bool last)
{
    const clnorm_dtype d = (clnorm_dtype)dtype;
    const int64_t *s = r->shape;
    return r->layout == ROWS ? clnorm_rows(d, s[0], s[1])
           : last            ? clnorm_nhwc(d, s[0], s[1], s[2], s[3])
                             : clnorm_nchw(d, s[0], s[1], s[2], s[3]);
}

static void set(clnorm_any *desc, const char *attr, double value) { clnorm_op_set(desc, attr, &value, 1); }

/* An attribute that the op lacks is refused, which is no matter. */
static clnorm_any make(const clnorm_op_info *op, const row *r, uint32_t direction, how h)
{
    clnorm_any d;
    clnorm_op_init(&d, op->kind);
    d.op.direction = direction;
    d.head.x = tensor_of(r, r->x, r->layout == LAST || r->layout == LAST_IN);
    if (cln_op_of(op->kind)->maps) /* else y is a statistic, shaped by the check */
        d.head.y = tensor_of(r, r->y, r->layout == LAST);
    if (r->shape[1] != 3) { /* lists of one value fit any number of channels */
        set(&d, "mean", 0.5);
        set(&d, "std", 0.5);
    }
    if (r->scope)
        set(&d, "scope", r->scope);
    if (!op->layer)
        return d;
    set(&d, "groups", r->layout == ROWS ? 1 : 32);
    set(&d, "mode", h == EVAL ? CLNORM_EVAL : CLNORM_TRAIN);
    set(&d, "axes", r->axes);
    set(&d, "affine", r->affine);
    set(&d, "act", r->act);
    set(&d, "residual", r->residual);
    set(&d, "given", h == SAVED);
    return d;
}

/* That solver of problem k, with the others as the planner has them; true where it does not apply. */
static bool force_one(clnorm_context *ctx, const clnorm_any *d, const cln_problems *posed, size_t k,
                      const cln_solver *solver, const cln_params *params, const char *name,
                      void (*take)(clnorm_plan *plan, const char *name))
{
    cln_choice choices[CLN_MAX_PARTS];
    clnorm_plan *plan;
    cln_choose_from(choices, 0, posed, &ctx->params, &ctx->device);
    if (!cln_choose_with(&choices[k], solver, &posed->part[k], params, &ctx->device))
        return true;
    cln_choose_from(choices, k + 1, posed, &ctx->params, &ctx->device);
    if (cln_plan_with(&plan, ctx, &d->op, choices, true) == CLNORM_OK) {
        take(plan, name);
        clnorm_plan_release(plan);
        return true;
    }
    fprintf(stderr, "%s, %s: %s\n", name, solver->name, clnorm_last_error(NULL));
    return false;
}

/* Every solver of problem k, with every vector that the planner may take. */
static bool force(clnorm_context *ctx, const clnorm_any *d, const cln_problems *posed, size_t k,
                  const char *name, void (*take)(clnorm_plan *plan, const char *name))
{
    bool made = true;
    for (size_t i = 0; cln_solvers[i]; i++) {
        uint32_t vec[CLN_VECTORS];
        const size_t n = cln_vectors(vec, cln_solvers[i], &posed->part[k], &ctx->params);
        for (size_t v = 0; v < n; v++) {
            char also[80];
            cln_params p = ctx->params;
            p.vec = vec[v];
            snprintf(also, sizeof also, "%s%s", name, v ? "-narrow" : "");
            made &= force_one(ctx, d, posed, k, cln_solvers[i], &p, also, take);
        }
    }
    return made;
}

static bool plan_one(clnorm_context *ctx, const clnorm_any *d, const row *r, how h,
                     void (*take)(clnorm_plan *plan, const char *name))
{
    static const char *const hows[] = { "", "-saved", "-eval" };
    cln_problems posed;
    char name[64];
    bool made = true;
    if (cln_op_pose(&posed, &d->op) != CLNORM_OK)
        return true;
    snprintf(name, sizeof name, "%s%s", r->name, hows[h]);
    for (size_t k = 0; k < posed.count; k++)
        made &= force(ctx, d, &posed, k, name, take);
    return made;
}

bool cases_plan(clnorm_context *ctx, const clnorm_op_info *op, const row *rows, size_t n,
                void (*take)(clnorm_plan *plan, const char *name))
{
    const how last = op->kind == CLNORM_OP_BATCHNORM ? EVAL : op->layer ? SAVED : OWN;
    bool made = true;
    for (size_t r = 0; r < n; r++)
        for (uint32_t back = 0; back <= op->layer; back++)
            for (int h = OWN; h <= (rows[r].all_hows ? (int)last : OWN); h++)
                if (rows[r].only & CLNORM_OP_BIT(op->kind)) {
                    const clnorm_any d = make(op, &rows[r], back, (how)h);
                    made &= plan_one(ctx, &d, &rows[r], (how)h, take);
                }
    return made;
}

/* ---- matrix ops ---- */

/* Images as samples, channels in groups, a convolution's weights. */
static const struct {
    row r;
    bool back;
    const char *attr;
    double value;
} matrices[] = {
    { { "images", FIRST, F32, { 64, 256, 14, 14 }, .only = ONE(ITERNORM) }, false, "mode", CLNORM_TRAIN },
    { { "images-back", FIRST, F32, { 64, 256, 14, 14 }, .only = ONE(ITERNORM) }, true, "mode", CLNORM_TRAIN },
    { { "images-eval", FIRST, F32, { 64, 256, 14, 14 }, .only = ONE(ITERNORM) }, false, "mode", CLNORM_EVAL },
    { { "images-f16", LAST, F16, { 64, 256, 14, 14 }, .only = ONE(ITERNORM) }, true, "mode", CLNORM_TRAIN },
    { { "weights", FIRST, F32, { 512, 256, 3, 3 }, .only = ONE(SPECTRALNORM) }, false, "mode", CLNORM_TRAIN },
    { { "weights-back", FIRST, F32, { 512, 256, 3, 3 }, .only = ONE(SPECTRALNORM) },
      true,
      "mode",
      CLNORM_TRAIN },
    { { "weights-bf16", FIRST, BF16, { 512, 256, 3, 3 }, .only = ONE(SPECTRALNORM) },
      false,
      "mode",
      CLNORM_EVAL },
    { { "fit", FIRST, CLNORM_U8, CLNORM_F32, { 1024, 3, 16, 16 }, .only = ONE(WHITEN) },
      false,
      "task",
      CLNORM_FIT },
    { { "whiten", FIRST, F32, { 1024, 3, 16, 16 }, .only = ONE(WHITEN) }, false, "task", CLNORM_WHITEN },
    { { "unwhiten", FIRST, F32, { 1024, 3, 16, 16 }, .only = ONE(WHITEN) }, false, "task", CLNORM_UNWHITEN },
    { { "whiten-u8", FIRST, CLNORM_U8, CLNORM_F16, { 1024, 3, 16, 16 }, .only = ONE(WHITEN) },
      false,
      "task",
      CLNORM_WHITEN },
};

bool cases_matrix(clnorm_context *ctx, const clnorm_op_info *op,
                  void (*take)(clnorm_plan *plan, const char *name))
{
    bool made = true;
    for (size_t k = 0; k < CLN_COUNT(matrices); k++) {
        const row *r = &matrices[k].r;
        clnorm_plan *plan;
        clnorm_any d;
        if (!(r->only & CLNORM_OP_BIT(op->kind)))
            continue;
        clnorm_op_init(&d, op->kind);
        d.op.direction = matrices[k].back ? CLNORM_BACKWARD : CLNORM_FORWARD;
        d.head.x = tensor_of(r, r->x, r->layout == LAST);
        d.head.y = tensor_of(r, r->y, r->layout == LAST);
        set(&d, "groups", 4);
        set(&d, matrices[k].attr, matrices[k].value);
        if (d.op.kind == CLNORM_OP_WHITEN && d.whiten.task == CLNORM_FIT)
            d.whiten.y = (clnorm_tensor)CLNORM_NO_TENSOR; /* the mean, shaped by the check */
        const clnorm_status st = clnorm_plan_create(&plan, ctx, &d.op, CLNORM_ESTIMATE);
        if (st == CLNORM_OK)
            take(plan, r->name);
        else if (st != CLNORM_EUNSUPPORTED)
            fprintf(stderr, "%s, %s: %s\n", op->name, r->name, clnorm_last_error(NULL));
        made &= st == CLNORM_OK || st == CLNORM_EUNSUPPORTED;
        clnorm_plan_release(plan);
    }
    return made;
}

/* options.c -- what a plan decides when its kernels are compiled: the build options of cl/README.md. */
#include "base/compiler.h"
#include "plan/plan.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static int step_option(int64_t step, int64_t most) { return step >= 1 && step <= most ? (int)step : 0; }

/* WSTEP and SSTEP of cl/common/place.clh. */
static int shared_step(const cln_body *body, int view, uint32_t div)
{
    const cln_strides *v = &body->geo.view[view];
    const bool same_in_rows = !v->run[0] && !v->run[1] && !v->run[2];
    return v->step == 0 ? 1 : body->problem.columns && same_in_rows ? 4 : v->step == 1 && div == 1 ? 2 : 3;
}

/* Of weights that come again along a run: a CPU lays out those that are no whole vectors. */
static int repeated_step(const cln_body *body)
{
    const cln_strides *w = &body->geo.view[CLN_VIEW_W];
    const uint32_t vec = body->choice.vec, mod = body->geo.wmod;
    bool same_in_sets = true;
    for (size_t k = 0; k < CLN_COUNT(w->kept); k++)
        same_in_sets &= !w->kept[k];
    for (size_t k = 0; k < CLN_COUNT(w->run); k++)
        same_in_sets &= !w->run[k];
    const bool lay_out = body->choice.wg == 1 && mod % vec && mod <= CLN_MOST_TURNS && same_in_sets;
    return body->choice.bundle > 1 || lay_out ? 6 : 5;
}

/* Whether sets of fewer elements than a vector can be turned: TURNED of cl/common/op.clh. */
static bool turns(const cln_body *body, int wstep)
{
    const cln_layer_problem *l = &body->problem.layer;
    const cln_strides *v = body->geo.view;
    const bool y = v[CLN_VIEW_Y].step == 1 || body->choice.transposed;
    return v[CLN_VIEW_X].step == 1 && y && (v[CLN_VIEW_D].step == 1 || !l->reads_d) && wstep <= 2 &&
           wstep > 0 && l->bind[CLN_BIND_R] == CLN_NO_SLOT && l->bind[CLN_BIND_E] == CLN_NO_SLOT &&
           !body->problem.desc.layered.layer.act;
}

/* SHORT of cl/common/op.clh, where STRIPS there, or GRN's `clan`, reads it and finds VEC neighbours; else 0: the same programs. */
static uint32_t short_sets(const cln_body *body, bool both, int wstep, int sstep)
{
    const cln_problem *p = &body->problem;
    const cln_layer_problem *l = &p->layer;
    const cln_geo *g = &body->geo;
    const uint32_t vec = body->choice.vec;
    const bool run = g->runs == 1 && g->len <= CLN_SHORT && g->kept[3] >= vec;
    if (body->choice.wg > 1 || body->choice.bundle > 1 || !p->stat_bytes || both || l->variance)
        return 0;
    if (l->family)
        return p->op->info.kind == CLNORM_OP_GRN && !p->columns && run && g->len >= vec ? CLN_SHORT : 0;
    if (l->merged || body->choice.along || l->role == CLN_ROLE_PARAMS)
        return 0;
    const bool beside = g->span == 1 && wstep != 4 && sstep == (l->role == CLN_ROLE_DX ? 4 : 1);
    if (p->columns)
        return !beside || g->runs > CLN_LEAF ? 0 : g->runs <= CLN_HEAD_ROWS ? CLN_HEAD_ROWS : CLN_LEAF;
    if (!run || l->fuses || sstep != 1)
        return 0;
    return g->len >= vec ? CLN_SHORT : turns(body, wstep) ? g->len : 0;
}

/* What of a layer is decided at compile time. */
static void add_layer_options(char *text, size_t room, const cln_body *body, bool both)
{
    const cln_layer_problem *l = &body->problem.layer;
    const clnorm_layer *d = &body->problem.desc.layered.layer;
    const cln_geo walked = cln_walked(&body->problem, &body->choice);
    const bool zero_gamma = body->problem.op->info.kind == CLNORM_OP_GRN;
    const int wstep = body->geo.wmod       ? repeated_step(body)
                      : body->choice.along ? 2 /* each column's own */
                                           : shared_step(body, CLN_VIEW_W, body->geo.wdiv),
              sstep = both ? 1 : shared_step(body, CLN_VIEW_S, body->geo.sdiv);
    const uint32_t few = short_sets(body, both, wstep, sstep);
    int used = snprintf(
        text, room,
        " -DLAYER=1 -DROLE=%d -DFAMILY_STAGE=%d -DDTY=%s -DDSTEP=%d -DPAR=%s -DWSTEP=%d "
        "-DSSTEP=%d -DRES=%d -DREADS_D=%d -DMERGED=%d -DGATHERS=%d -DVARIANCE=%d -DACT=%u -DQUANT=%d "
        "-DACCUMULATE=%d -DGAMMA_ABSENT=%s -DGAMMA_ADDED=%s -DWRITES_E=%d -DFUSES=%d -DBOTH=%d -DALONG=%d",
        (int)l->role, l->by_weight ? 2 : l->family != 0, clnorm_dtype_name(l->d_dtype),
        step_option(walked.view[CLN_VIEW_D].step, 1), clnorm_dtype_name(d->param_dtype), wstep, sstep,
        l->bind[CLN_BIND_R] == CLN_NO_SLOT ? 0 : (int)d->residual, l->reads_d, l->merged, l->weights != 0,
        l->variance, d->act, d->out_scale != 0.0f, l->accumulate,
        l->zero_centred || zero_gamma ? "0.0f" : "1.0f", l->zero_centred ? "1.0f" : "0.0f",
        l->bind[CLN_BIND_E] != CLN_NO_SLOT, l->fuses, both, body->choice.along);
    if (few)
        used += snprintf(text + used, room - (size_t)used, " -DSHORT=%u", few);
    if (l->lp > FLT_MAX)
        snprintf(text + used, room - (size_t)used, " -DLP=INFINITY -DLP_INF=1");
    else if (l->lp > 0.0f) { /* by whole numbers: %a and %f print the point of the process's locale */
        int exponent;
        const uint32_t digits = (uint32_t)ldexpf(frexpf(l->lp, &exponent), 24);
        snprintf(text + used, room - (size_t)used, " -DLP=0x%xp%df -DLP_INF=0", digits, exponent - 24);
    }
}

static void add_window_options(char *text, size_t room, const cln_body *body)
{
    snprintf(text, room, " -DWINDOW=%u -DBEFORE=%u -DPIXELS=%d", body->problem.window, body->problem.before,
             body->geo.channel_div == 1);
}

/* Columns have no lanes to fold. */
uint32_t cln_body_subgroup(const cln_body *body, const cln_params *params)
{
    const bool folds = body->problem.stat_bytes && !body->problem.columns;
    return folds && params->subgroup && body->choice.wg % params->subgroup == 0 ? params->subgroup : 0;
}

static void add_option(char *text, size_t room, const char *name, uint32_t value) /* none where it is 0 */
{
    if (value)
        snprintf(text + strlen(text), room - strlen(text), " -D%s=%u", name, value);
}

void cln_stage_options(char *text, size_t room, const cln_body *body, const cln_params *params, int variant)
{
    const cln_problem *p = &body->problem;
    const bool wide = variant & CLN_WIDE;
    const uint32_t subgroup = cln_body_subgroup(body, params);
    const cln_geo walked = cln_walked(p, &body->choice);
    const cln_geo *lie = body->choice.bundle > 1 ? &walked : &p->geo;
    if (body->steps) {
        cln_steps_options(text, room, body->steps);
        return;
    }
    const int used =
        snprintf(text, room,
                 "-cl-std=CL1.2 -cl-kernel-arg-info -DWG=%u -DVEC=%u -DALIGN=%d -DNT=%d -DSRC=%s -DDST=%s "
                 "-DXSTEP=%d -DYSTEP=%d -DCOLUMNS=%d",
                 body->choice.wg, body->choice.vec, wide, wide ? params->stream : body->choice.leads,
                 clnorm_dtype_name(p->desc.head.x.dtype), clnorm_dtype_name(p->y_dtype),
                 step_option(lie->view[CLN_VIEW_X].step, 4), step_option(lie->view[CLN_VIEW_Y].step, 1),
                 p->columns ? 1 + (body->geo.span > 1) : 0);
    if (p->op->info.layer)
        add_layer_options(text + used, room - (size_t)used, body, variant & CLN_BOTH);
    if (p->window)
        add_window_options(text + strlen(text), room - strlen(text), body);
    if (body->choice.bundle > 1)
        snprintf(text + strlen(text), room - strlen(text), " -DBUNDLE=%u -DBUNDLED_RUNS=%d",
                 body->choice.bundle, p->geo.mix > 1);
    add_option(text, room, "PLANES", body->choice.planes);
    add_option(text, room, "TRANSPOSED", body->choice.transposed);
    add_option(text, room, "ALONE", body->choice.alone);
    add_option(text, room, "PLAIN", body->geo.plain);
    add_option(text, room, "SUBGROUP", subgroup);
}

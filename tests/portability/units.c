/* units.c -- writes down every program that a GPU would compile for a table of problems.
 *
 *   units DIRECTORY [KERNELS]    KERNELS: a copy of cl/ to take instead of the library's own
 *
 * DIRECTORY receives OP.cl, the whole text of an op, and units.tsv, a line per program: its name, its text,
 * the kernels that a plan may launch, each with the bytes that a load of x should take (0: any), the build
 * options.
 *
 * Every solver that can run a problem is forced once, with the launch parameters of a GPU, as is every
 * program of a plan: of aligned buffers, of calls that give no statistics. Exit 1 where a schedule that an op
 * claims is not among them. */
#include "base/compiler.h"
#include "cases.h"
#include "device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the table ---- */

/* Rows of one chunk, images of few and of many channels, planes too small for a run. Layers share their code,
 * so that what only the types or the shape change is asked of one of them. */
static const row layers[] = {
    { "rows", ROWS, F32, { 6272, 768 }, .only = BUT(BATCHNORM) & BUT(LRN), .all_hows = true },
    { "images", FIRST, F32, { 32, 64, 56, 56 }, .only = EACH, .all_hows = true },
    { "images-last", LAST, F32, { 32, 64, 56, 56 }, .only = BUT(MVN) & BUT(INSTANCENORM), .all_hows = true },
    { "small", FIRST, F32, { 32, 512, 7, 7 }, .only = ONE(BATCHNORM) },
    { "small-last", LAST, F32, { 32, 512, 7, 7 }, .only = ONE(GROUPNORM) | ONE(GRN) },
    { "small-last", LAST, F32, { 32, 512, 7, 7 }, .only = ONE(INSTANCENORM) | ONE(MVN), .all_hows = true },
    { "one", FIRST, F32, { 1, 64, 56, 56 }, .only = ONE(BATCHNORM) },
    { "over-c", FIRST, F32, { 32, 96, 56, 56 }, .only = ONE(LAYERNORM) | ONE(RMSNORM), true, .axes = 2 },
    { "per-element", FIRST, F32, { 32, 64, 56, 56 }, ONE(INSTANCENORM), .affine = CLNORM_PER_ELEMENT },
    { "rows-f16", ROWS, F16, { 6272, 768 }, .only = ONE(LAYERNORM) },
    { "rows-bf16", ROWS, BF16, { 6272, 768 }, .only = ONE(RMSNORM), .affine = CLNORM_NO_AFFINE },
    { "images-relu", FIRST, F32, { 32, 64, 56, 56 }, ONE(BATCHNORM), .act = CLNORM_RELU, .residual = 2 },
    { "images-silu", FIRST, F32, { 32, 64, 56, 56 }, ONE(GROUPNORM), .act = CLNORM_SILU },
};
/* Decoded photographs, as bytes and as floats; sets of one chunk and large ones; a set for each of many bands. */
static const row inputs[] = {
    { "photos", FIRST, F32, { 32, 3, 224, 224 }, .only = BUT(TOTENSOR) & BUT(SYMMETRIC) },
    { "photos-u8", LAST_IN, CLNORM_U8, CLNORM_F32, { 32, 3, 224, 224 }, .only = BUT(DENORMALIZE) },
    { "photos-f16", LAST_IN, CLNORM_U8, CLNORM_F16, { 32, 3, 224, 224 }, .only = ONE(NORMALIZE) },
    { "icons", FIRST, F32, { 256, 3, 32, 32 }, .only = ONE(MINMAX) | ONE(ZSCORE) | ONE(MOMENTS) },
    { "bands",
      LAST,
      F32,
      { 8, 64, 28, 28 },
      .only = ONE(MINMAX) | ONE(ZSCORE) | ONE(MOMENTS),
      .scope = CLNORM_SCOPE_CHANNEL },
    { "bands-u8",
      LAST,
      CLNORM_U8,
      CLNORM_F32,
      { 8, 64, 28, 28 },
      .only = ONE(ZSCORE),
      .scope = CLNORM_SCOPE_CHANNEL },
};

/* ---- the plans ---- */

/* Schedules seen, of each op forward and backward. */
#define MOST_KINDS 64
static uint32_t seen[MOST_KINDS][2];
static size_t failures;

static void fail(const char *what, const char *name)
{
    fprintf(stderr, "units: %s: %s\n", what, name);
    failures++;
}

/* Whether every group could load whole vectors, as cln_choose_stores asks where there is an output. */
static bool loads_whole(const cln_body *body)
{
    const cln_problem *p = &body->problem;
    const cln_choice *c = &body->choice;
    const int64_t step = p->geo.view[CLN_VIEW_X].step;
    return step >= 1 && step <= 4 && cln_geo_aligned(&p->geo, c->vec, p->maps) &&
           (c->cols % c->vec == 0 || c->cols >= p->geo.len);
}

/* Bytes of a whole vector of x, where that can be loaded. Problems with kernels of their own for aligned
 * buffers are judged by those. */
static unsigned load_bytes(const cln_body *body, int variant)
{
    const size_t bytes = body->choice.vec * body->problem.x_bytes;
    const bool judged = !body->steps && body->choice.wide == ((variant & CLN_WIDE) != 0);
    return judged && loads_whole(body) ? (unsigned)(bytes < 16 ? bytes : 16) : 0;
}

/* Plans build the kernels that they launch alone; here all that an op has with the same options is one program, the first that
 * was built. */
static cl_program program_of(const cln_body *body, int variant)
{
    const char *op = body->problem.op->info.name;
    const cl_program built = body->variants[variant].program;
    cl_program p = built ? device_programs() : NULL;
    while (p != built && (strcmp(p->options, built->options) != 0 || strncmp(p->id, op, strlen(op)) != 0 ||
                          p->id[strlen(op)] != '.'))
        p = p->next;
    return p;
}

static void note(cln_body *body, const char *name)
{
    const cln_problem *p = &body->problem;
    for (int v = CLN_PLAIN; v < CLN_VARIANTS; v++) {
        const cl_program program = program_of(body, v);
        if (!program)
            continue;
        if (!program->id[0])
            snprintf(program->id, sizeof program->id, "%s.%s.%s%s%s%s", p->op->info.name, name,
                     p->op->info.layer ? cln_role_name(p->layer.role) : "forward",
                     body->choice.along ? ".along" : "", v & CLN_BOTH ? ".both" : "",
                     v & CLN_WIDE ? ".wide" : "");
        for (size_t i = 0; i < body->nstages; i++) {
            const char *stage = cln_body_kernel(body, i); /* NULL: a product of CLBlast's */
            char kernel[64];
            if (!stage)
                continue;
            snprintf(kernel, sizeof kernel, "%s_%s:%u", p->op->info.name, stage, load_bytes(body, v));
            device_kernel(program, kernel);
        }
    }
    for (size_t i = 0; cln_solvers[i]; i++)
        if (cln_solvers[i] == body->choice.solver)
            seen[p->op->info.kind][p->desc.op.direction] |= 1u << i;
}

static void note_plan(clnorm_plan *plan, const char *name)
{
    for (size_t b = 0; b < plan->nbodies; b++)
        note(&plan->body[b], name);
}

/* ---- what has been seen ---- */

static bool claims(const char *list, const char *name)
{
    const size_t n = strlen(name);
    for (const char *at = list; *at; at += strcspn(at, " "), at += strspn(at, " "))
        if (strcspn(at, " ") == n && !strncmp(at, name, n))
            return true;
    return false;
}

static void check_schedules(const clnorm_op_info *op)
{
    for (uint32_t back = 0; back <= op->layer; back++)
        for (size_t i = 0; cln_solvers[i]; i++)
            if (claims(back ? op->schedules_back : op->schedules, cln_solvers[i]->name) &&
                !(seen[op->kind][back] >> i & 1)) {
                char text[96];
                snprintf(text, sizeof text, "%s %s", op->name, back ? "backward" : "forward");
                fail(text, cln_solvers[i]->name);
            }
}

/* Programs of one name are numbered: those with the same up to a number are before it. */
static void make_unique(cl_program p)
{
    const size_t used = strlen(p->id);
    size_t same = 1;
    for (cl_program q = device_programs(); q != p; q = q->next)
        same += strcspn(q->id, "#") == used && !strncmp(q->id, p->id, used);
    if (same > 1)
        snprintf(p->id + used, sizeof p->id - used, "#%zu", same);
}

/* Without the choice of kernels. */
static bool write_text(const char *dir, const char *name, char *text)
{
    static const char some[] = "#define SOME_KERNELS 1";
    char path[1024], *chosen = strstr(text, some);
    if (!chosen)
        return false;
    chosen[sizeof some - 2] = '0';
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    if (!f)
        return false;
    const bool written = fputs(text, f) >= 0;
    return fclose(f) == 0 && written;
}

static bool write_units(const char *dir)
{
    char path[1024], name[64];
    snprintf(path, sizeof path, "%s/units.tsv", dir);
    FILE *f = fopen(path, "w");
    bool written = f != NULL;
    for (cl_program p = device_programs(); p && written; p = p->next) {
        if (!p->id[0]) /* another one's */
            continue;
        make_unique(p);
        snprintf(name, sizeof name, "%.*s.cl", (int)strcspn(p->id, "."), p->id);
        written = write_text(dir, name, p->source) &&
                  fprintf(f, "%s\t%s\t%s\t%s\n", p->id, name, p->kernels, p->options) > 0;
    }
    return f && fclose(f) == 0 && written;
}

int main(int argc, char **argv)
{
    const clnorm_options options = { .size = sizeof options,
                                     .flags = CLNORM_LAZY | CLNORM_CACHE_OFF,
                                     .kernel_dir = argc > 2 ? argv[2] : NULL };
    const clnorm_op_info *op;
    clnorm_context *ctx;
    if (argc < 2 || argc > 3) {
        fprintf(stderr, "usage: units DIRECTORY [KERNELS]\n");
        return 2;
    }
    if (clnorm_context_create(&ctx, device_context(), device_id(), &options) != CLNORM_OK) {
        fail("context", clnorm_last_error(NULL));
        return 1;
    }
    for (size_t k = 0; (op = clnorm_op_at(k)) != NULL; k++) {
        if (op->matrix) {
            if (!cases_matrix(ctx, op, note_plan))
                fail("no plan", op->name);
            continue;
        }
        if (!(op->layer ? cases_plan(ctx, op, layers, CLN_COUNT(layers), note_plan)
                        : cases_plan(ctx, op, inputs, CLN_COUNT(inputs), note_plan)))
            fail("no plan", op->name);
        check_schedules(op);
    }
    if (!write_units(argv[1]))
        fail("cannot write", argv[1]);
    clnorm_context_release(ctx);
    return failures != 0;
}

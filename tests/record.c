/* record.c -- see record.h. */
#include "record.h"

#include "data.h"
#include "tensor/tensor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_CELLS 4096

typedef struct cell {
    char key[120];
    const clnorm_op_info *op;
    unsigned launches, cases; /* cases: those that have bits at all */
    uint64_t hash;            /* of the outputs of all cases */
} cell;
static cell cells[MAX_CELLS];
static size_t ncells;

#define MAX_ERRORS 256

static struct {
    char key[48];
    double error; /* the largest, as a multiple of the bound */
} worst[MAX_ERRORS];
static size_t nworst;

static const char *layout_name(const clnorm_tensor *t)
{
    const int64_t channel = t->stride[1], last = t->stride[t->ndim - 1];
    return t->ndim >= 4 && (channel < last || (channel == last && t->shape[1] == 1)) ? "nhwc" : "nchw";
}

static const char *direction_name(const clnorm_any *desc)
{
    return desc->op.direction == CLNORM_BACKWARD ? "backward" : "forward";
}

static cell *cell_of(const clnorm_any *desc, const char *view)
{
    const clnorm_tensor *x = &desc->head.x, *y = &desc->head.y;
    char key[sizeof cells->key];
    snprintf(key, sizeof key, "%-12s %s %s->%s %4s->%-4s %s", clnorm_op_of(desc->op.kind)->name,
             direction_name(desc), layout_name(x), layout_name(y), clnorm_dtype_name(x->dtype),
             clnorm_dtype_name(y->dtype), view);
    size_t k = 0;
    while (k < ncells && strcmp(cells[k].key, key))
        k++;
    ck_assert_uint_lt(k, MAX_CELLS);
    if (k == ncells) {
        memcpy(cells[ncells].key, key, sizeof key);
        cells[ncells++].op = clnorm_op_of(desc->op.kind);
    }
    return &cells[k];
}

/* ---- cells that are not run ---- */

#define MAX_REASONS 32

static struct {
    const char *reason;
    unsigned cells;
} skips[MAX_REASONS];
static size_t nskips;

void record_skip(const char *reason)
{
    size_t k = 0;
    while (k < nskips && strcmp(skips[k].reason, reason))
        k++;
    ck_assert_uint_lt(k, MAX_REASONS);
    nskips += k == nskips;
    skips[k].reason = reason;
    skips[k].cells++;
}

void record_launch(const clnorm_any *desc, const char *view) { cell_of(desc, view)->launches++; }

/* ---- schedules ---- */

#define MAX_RUN 256

static struct {
    const clnorm_op_info *op;
    uint32_t direction;
    const char *name;
} ran[MAX_RUN];
static size_t nran;

bool record_has_run(const clnorm_op_info *op, uint32_t direction, const char *name)
{
    for (size_t k = 0; k < nran; k++)
        if (ran[k].op == op && ran[k].direction == direction && !strcmp(ran[k].name, name))
            return true;
    return false;
}

void record_schedule(const clnorm_any *desc, const char *name)
{
    const clnorm_op_info *op = clnorm_op_of(desc->op.kind);
    if (record_has_run(op, desc->op.direction, name))
        return;
    ck_assert_uint_lt(nran, MAX_RUN);
    ran[nran].op = op;
    ran[nran].direction = desc->op.direction;
    ran[nran++].name = name;
}

static bool lists(const char *all, const char *word)
{
    const size_t n = strlen(word);
    for (const char *at = all; (at = strstr(at, word)) != NULL; at += n)
        if ((at == all || at[-1] == ' ') && (at[n] == ' ' || at[n] == '\0'))
            return true;
    return false;
}

void record_schedules(const clnorm_op_info *op)
{
    static const char *const names[] = { "forward", "backward" };
    for (uint32_t way = CLNORM_FORWARD; way <= op->layer; way++) {
        const char *said = way == CLNORM_BACKWARD ? op->schedules_back : op->schedules;
        for (size_t k = 0; cln_solvers[k]; k++) {
            const char *name = cln_solvers[k]->name;
            const bool run = record_has_run(op, way, name), listed = lists(said, name);
            ck_assert_msg(listed || !run, "%s %s has run in \"%s\", which src/op/ops.def does not list",
                          op->name, names[way], name);
            ck_assert_msg(run || !listed || harness_small(),
                          "%s %s is listed with \"%s\", which no case of its test runs", op->name, names[way],
                          name);
        }
    }
}

void record_error(const clnorm_any *desc, const char *slot, double error)
{
    char key[sizeof worst->key];
    size_t k = 0;
    snprintf(key, sizeof key, "%-12s %-8s %s", clnorm_op_of(desc->op.kind)->name, direction_name(desc), slot);
    while (k < nworst && strcmp(worst[k].key, key))
        k++;
    ck_assert_uint_lt(k, MAX_ERRORS);
    if (k == nworst)
        memcpy(worst[nworst++].key, key, sizeof key);
    if (error > worst[k].error)
        worst[k].error = error;
}

void harness_report(void)
{
    unsigned total = 0;
    for (size_t k = 0; k < nworst; k++)
        printf("%-40s %.2f of the bound\n", worst[k].key, worst[k].error);
    for (size_t k = 0; k < ncells; k++) {
        printf("%-64s %6u\n", cells[k].key, cells[k].launches);
        total += cells[k].launches;
    }
    for (size_t k = 0; k < nskips; k++)
        printf("%6u cells skipped: %s\n", skips[k].cells, skips[k].reason);
    clnorm_stats stats = { .size = sizeof stats };
    if (total && clnorm_context_stats(harness_get()->ctx, &stats) == CLNORM_OK)
        printf("%u launches in %zu cells, %u programs\n", total, ncells, stats.programs_built);
}

static void log_hash(const clnorm_any *desc, const op_case *c, uint64_t hash)
{
    static unsigned number;
    const char *name = getenv("CLNORM_TEST_HASHES");
    char x[CLN_TENSOR_TEXT], y[CLN_TENSOR_TEXT];
    FILE *f = name ? fopen(name, "a") : NULL;
    if (!f)
        return;
    fprintf(f, "%s %u x %s y %s %s data %s seed %u: %016llx\n", clnorm_op_of(desc->op.kind)->name, number++,
            cln_tensor_text(&desc->head.x, x, sizeof x), cln_tensor_text(&desc->head.y, y, sizeof y), c->view,
            data_name(c->data), c->seed, (unsigned long long)hash);
    fclose(f);
}

void record_hash(const clnorm_any *desc, const op_case *c, uint64_t hash)
{
    log_hash(desc, c, hash);
    if (c->extra || !clnorm_tensor_count(&desc->head.x))
        return;
    cell *to = cell_of(desc, c->view);
    to->hash = (to->hash ^ hash) * 1099511628211u;
    to->cases++;
}

/* ---- frozen bits ---- */

#define LINE 160

static const char *line_of(char line[LINE], const cell *c)
{
    snprintf(line, LINE, "%-56.95s %4u cases %016llx\n", c->key, c->cases, (unsigned long long)c->hash);
    return line;
}

static void freeze(const char *path, const clnorm_op_info *op)
{
    char line[LINE];
    FILE *f = fopen(path, "w");
    ck_assert_msg(f != NULL, "%s cannot be written", path);
    for (size_t k = 0; k < ncells; k++)
        if (cells[k].op == op && cells[k].cases)
            fputs(line_of(line, &cells[k]), f);
    ck_assert_int_eq(fclose(f), 0);
}

/* Returns the lines of the text; counts the cells of the op that have one and, printing them, the others. */
static size_t compare(const char *text, const clnorm_op_info *op, size_t *same, size_t *other)
{
    char line[LINE], key[LINE];
    size_t lines = 0;
    for (size_t k = 0; k < ncells; k++) {
        if (cells[k].op != op || !cells[k].cases)
            continue;
        snprintf(key, sizeof key, "%-56.95s ", cells[k].key);
        const bool known = strstr(text, key) != NULL;
        if (strstr(text, line_of(line, &cells[k])))
            ++*same;
        else
            printf("%s: %s", known ? "other bits" : "not frozen", line), ++*other;
    }
    for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    return lines;
}

void record_frozen(const clnorm_op_info *op)
{
    static char text[1 << 16];
    char path[512];
    size_t same = 0, other = 0;
    snprintf(path, sizeof path, CLNORM_FROZEN "/%s.txt", op->name);
    if (harness_small())
        return;
    if (getenv("CLNORM_TEST_FREEZE")) {
        freeze(path, op);
        return;
    }
    FILE *f = fopen(path, "r");
    text[f ? fread(text, 1, sizeof text - 1, f) : 0] = '\0';
    if (f)
        fclose(f);
    const size_t lines = compare(text, op, &same, &other);
    ck_assert_msg(
        !other && same == lines,
        "%zu of %zu lines of tests/frozen/%s.txt hold and %zu are other or new, as printed. Bits that change "
        "are a change of behaviour; where it is meant, freeze them with CLNORM_TEST_FREEZE=1 test_%s",
        same, lines, op->name, other, op->name);
}

/* cmd_verify.c -- every op against the double reference on this device. */
#include "cli/cmd.h"
#include "cli/input.h"
#include "cli/json.h"
#include "cli/session.h"
#include "cli/tensors.h"
#include "cli/verify.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define FAILURES 3 /* printed of one op; -v prints all */
#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- the table of cases ---- */

/* 1, lengths around a vector, primes, around a chunk of 4,096, empty, and views that skip
 * memory. */
static const cli_shape shapes[] = {
    { 1, 1, 1, 1, CLI_NCHW },      { 2, 3, 5, 7, CLI_NCHW },    { 1, 3, 31, 33, CLI_NCHW },
    { 3, 4, 1, 1, CLI_NCHW },      { 1, 1, 1, 4095, CLI_NCHW }, { 1, 1, 1, 4097, CLI_NCHW },
    { 0, 3, 4, 4, CLI_NCHW },      { 2, 3, 0, 5, CLI_NCHW },    { 2, 3, 67, 71, CLI_NHWC },
    { 1, 1, 13, 17, CLI_NHWC },    { 2, 3, 9, 13, CLI_PITCH },  { 1, 3, 23, 29, CLI_PIXEL },
    { 1, 1, 1, 10007, CLI_ALONE },
};

/* Hostile sets: one chunk, several, and channels last. */
static const cli_shape hostile_shapes[] = { { 1, 1, 1, 4096, CLI_NCHW },
                                            { 2, 3, 128, 131, CLI_NCHW },
                                            { 1, 3, 61, 127, CLI_NHWC } };

/* ---- one op ---- */

typedef struct tally {
    const cli_args *args;
    clnorm_context *ctx;
    const clnorm_op_info *op;
    uint32_t direction;
    size_t cases, failed, refused;
    double worst;
    int code; /* of a failure that is not a wrong number */
    /* Of hostile data: the worst that is a number, on what PyTorch's is, and a bit per data that are none. */
    cli_beside beside;
    int where;
    uint32_t nans;
} tally;

static void print_failure(const tally *t, const cli_case *c, const cli_worst *w)
{
    const clnorm_tensor *x = &c->desc.head.x, *y = &c->desc.head.y;
    fprintf(stderr,
            "clnorm: %s fails: x %s %s %s, y %s%s, data %s, seed %llu: %s[%lld] is %.9g, not %.9g; "
            "%.3g times the bound\n",
            t->op->name, cli_shape_text(x->shape, x->ndim), clnorm_dtype_name(x->dtype), c->view,
            clnorm_dtype_name(y->dtype), c->text, cli_data_names[c->data], (unsigned long long)c->seed,
            cli_slot_names[w->slot], (long long)w->index, w->got, w->want, w->error);
}

static void note_beside(tally *t, const cli_case *c, const cli_beside *b)
{
    t->beside.ours = b->ours > t->beside.ours ? b->ours : t->beside.ours;
    if (isinf(b->theirs)) {
        t->nans |= 1u << c->data;
    } else if (b->theirs > t->beside.theirs) {
        t->beside.theirs = b->theirs;
        t->where = c->data;
    }
}

static void try_case(tally *t, cli_case *c)
{
    cli_worst worst;
    cli_beside beside = { t->beside.torch, 0, -1 };
    memset(&worst, 0, sizeof worst);
    if (t->code != EXIT_OK)
        return;
    clnorm_status status = clnorm_op_check(&c->desc);
    if (status == CLNORM_OK)
        status = cli_case_run(t->ctx, c, &worst, c->data ? &beside : NULL);
    if (status == CLNORM_EUNSUPPORTED) { /* with a reason */
        t->refused++;
        return;
    }
    t->cases++;
    if (status != CLNORM_OK) {
        t->code = worst.lacks ? cli_no_memory("a case", worst.lacks) : cli_status(status);
        return;
    }
    t->worst = worst.error > t->worst ? worst.error : t->worst;
    if (c->data)
        note_beside(t, c, &beside);
    if (!(worst.error <= 1)) {
        if (t->failed++ < FAILURES || t->args->verbose)
            print_failure(t, c, &worst);
    }
}

static void set(clnorm_any *desc, const char *attr, double value) { clnorm_op_set(desc, attr, &value, 1); }

/* Values that use what the op has; an attribute that it lacks is refused, which is no
 * matter. */
static void set_attributes(clnorm_any *desc, uint32_t scope, uint32_t of, bool swap)
{
    const uint32_t x = desc->head.x.dtype, y = desc->head.y.dtype;
    const clnorm_tensor *t = &desc->head.x;
    set(desc, "scope", scope);
    set(desc, "of", of);
    set(desc, "swap_rb", swap);
    if (y == CLNORM_U8 || y == CLNORM_S8) {
        set(desc, "lo", y == CLNORM_U8 ? 0 : -128);
        set(desc, "hi", y == CLNORM_U8 ? 255 : 127);
    }
    if (x != CLNORM_U8 && x != CLNORM_U16)
        set(desc, "scale", 2);
    if (t->ndim < 4 || t->shape[1] != 3) { /* imagenet needs three channels */
        set(desc, "mean", 0.45);
        set(desc, "std", 0.25);
    }
}

static void try_variant(tally *t, cli_case *c, const cli_shape *s, uint32_t scope, uint32_t of)
{
    const uint32_t y = c->desc.head.y.dtype;
    c->desc.head.x = cli_shape_tensor(s, c->desc.head.x.dtype);
    if (t->op->kind != CLNORM_OP_MOMENTS) {
        c->desc.head.y = c->desc.head.x;
        c->desc.head.y.dtype = y;
    }
    set_attributes(&c->desc, scope, of, (t->cases & 1) && s->c >= 3);
    c->view = cli_view_names[s->view];
    c->seed = t->cases + 1;
    c->held = c->data ? REF_HOSTILE : REF_ORDINARY;
    try_case(t, c);
}

/* Every scope of ops that have one, and every op that denormalize undoes. */
static void try_variants(tally *t, const cli_shape *s, uint32_t x, uint32_t y, int data)
{
    static const cli_option scoped = { "", 0, false, 0, NULL, NULL, "scope", NULL };
    static const cli_option undoes = { "", 0, false, 0, NULL, NULL, "of", NULL };
    const bool many = cli_op_takes(t->op, &undoes);
    for (uint32_t of = 1; of <= (many ? CLNORM_OP_NORMALIZE : 1); of++) {
        const clnorm_op_info *op = many ? clnorm_op_of(of) : t->op;
        for (uint32_t scope = 0; scope < (cli_op_takes(op, &scoped) ? 4u : 1u); scope++) {
            cli_case c;
            memset(&c, 0, sizeof c);
            clnorm_op_init(&c.desc, t->op->kind);
            c.desc.head.x.dtype = x;
            c.desc.head.y.dtype = y;
            c.data = data;
            try_variant(t, &c, s, scope, of);
        }
    }
}

/* Every type of x to f32, and f32 to every type of y. */
static void try_types(tally *t, const cli_shape *s)
{
    for (uint32_t d = CLNORM_F32; d <= CLNORM_S8; d++) {
        if (t->op->x_types >> d & 1u)
            try_variants(t, s, d, CLNORM_F32, 0);
        if (d != CLNORM_F32 && (t->op->y_types >> d & 1u))
            try_variants(t, s, CLNORM_F32, d, 0);
    }
}

static void try_layer(tally *t, bool hostile)
{
    cli_case c;
    for (size_t k = 0; cli_layer_case(&c, t->op, t->direction, hostile, k); k++)
        if (c.view) { /* else the op has no such variant */
            c.seed = t->cases + 1;
            try_case(t, &c);
        }
}

/* Both modes of a matrix op in f32. */
static void try_matrix(tally *t)
{
    for (size_t k = 0; k < COUNT(shapes); k++)
        for (uint32_t mode = CLNORM_TRAIN; mode <= CLNORM_EVAL; mode++) {
            cli_case c;
            memset(&c, 0, sizeof c);
            clnorm_op_init(&c.desc, t->op->kind);
            c.desc.op.direction = t->direction;
            c.desc.head.x = cli_shape_tensor(&shapes[k], CLNORM_F32);
            c.desc.head.y = c.desc.head.x;
            set(&c.desc, "mode", mode);
            c.view = cli_view_names[shapes[k].view];
            c.seed = t->cases + 1;
            c.held = REF_ORDINARY;
            clnorm_any checked = c.desc;
            if (clnorm_op_check(&checked) == CLNORM_OK) /* one sample has no covariance */
                try_case(t, &c);
        }
}

static void try_op(tally *t, bool hostile)
{
    if (t->op->matrix) {
        try_matrix(t);
        return;
    }
    if (t->op->layer) {
        try_layer(t, hostile);
        return;
    }
    for (size_t k = 0; k < COUNT(shapes); k++)
        try_types(t, &shapes[k]);
    for (size_t k = 0; hostile && k < COUNT(hostile_shapes); k++)
        for (int data = 1; cli_data_names[data]; data++)
            try_variants(t, &hostile_shapes[k], CLNORM_F32, CLNORM_F32, data);
}

/* ---- the command ---- */

static json_t *beside_json(const tally *t)
{
    const cli_beside *b = &t->beside;
    json_t *nans = json_array();
    for (int data = 0; cli_data_names[data]; data++)
        if (t->nans >> data & 1u)
            json_array_append_new(nans, json_string(cli_data_names[data]));
    if (b->theirs < 0 && !t->nans) {
        json_decref(nans);
        return json_null();
    }
    return json_pack("{s:s, s:o, s:s?, s:o}", "version", cli_torch_version(b->torch), "worst",
                     b->theirs < 0 ? json_null() : json_real(b->theirs), "data",
                     b->theirs > 0 ? cli_data_names[t->where] : NULL, "nan", nans);
}

static json_t *as_json(const tally *t, bool hostile)
{
    const bool back = t->direction == CLNORM_BACKWARD;
    json_t *row = json_pack("{s:s, s:s, s:I, s:I, s:I, s:o, s:b}", "op", t->op->name, "direction",
                            back ? "backward" : "forward", "cases", (json_int_t)t->cases, "refused",
                            (json_int_t)t->refused, "failed", (json_int_t)t->failed, "worst",
                            cli_json_real(t->worst), "ok", t->failed == 0);
    if (hostile) {
        json_object_set_new(row, "hostile", cli_json_real(t->beside.ours));
        json_object_set_new(row, "torch", beside_json(t));
    }
    return row;
}

/* "; hostile: 2.1e-07, PyTorch 1.1e-01 (1e6 +- 1) NaN (to 3e38)" */
static void print_beside(const tally *t)
{
    const cli_beside *b = &t->beside;
    const char *before = " NaN (";
    printf("; hostile: %.1e, PyTorch%s", b->ours, b->theirs < 0 && !t->nans ? " -" : "");
    if (b->theirs >= 0)
        printf(" %.1e", b->theirs);
    if (b->theirs > 0)
        printf(" (%s)", cli_data_names[t->where]);
    for (int data = 0; cli_data_names[data]; data++)
        if (t->nans >> data & 1u) {
            printf("%s%s", before, cli_data_names[data]);
            before = ", ";
        }
    if (t->nans)
        putchar(')');
}

static void print_row(const tally *t, bool hostile)
{
    const bool color = t->args->color;
    const char *on = color ? (t->failed ? "\033[31m" : "\033[32m") : "", *off = color ? "\033[0m" : "";
    printf("%-13s %-8s %5zu cases (%zu refused), worst error %.2f of the bound: %s%s%s", t->op->name,
           t->direction == CLNORM_BACKWARD ? "backward" : "forward", t->cases, t->refused, t->worst, on,
           t->failed ? "FAILED" : "ok", off);
    if (hostile)
        print_beside(t);
    putchar('\n');
    fflush(stdout);
}

typedef struct run {
    const cli_args *args;
    clnorm_context *ctx;
    cli_torch *torch;
    json_t *rows;
} run;

static int verify_op(const run *r, const clnorm_op_info *op)
{
    const bool hostile = cli_has(r->args, "hostile");
    size_t failed = 0;
    for (uint32_t way = CLNORM_FORWARD; way <= (op->schedules_back ? CLNORM_BACKWARD : CLNORM_FORWARD);
         way++) {
        tally t = { r->args, r->ctx, op, way, 0, 0, 0, 0, EXIT_OK, { r->torch, 0, -1 }, 0, 0 };
        try_op(&t, hostile);
        if (t.code != EXIT_OK)
            return t.code;
        if (r->args->json)
            json_array_append_new(r->rows, as_json(&t, hostile));
        else
            print_row(&t, hostile);
        failed += t.failed;
    }
    return failed ? EXIT_CHECK : EXIT_OK;
}

static int verify(const run *r)
{
    const clnorm_op_info *op;
    int worst = EXIT_OK;
    for (size_t k = 0; (op = clnorm_op_at(k)) != NULL; k++) {
        const int code = cli_wants(r->args, op) ? verify_op(r, op) : EXIT_OK;
        if (code != EXIT_OK && code != EXIT_CHECK)
            return code;
        worst = code > worst ? code : worst;
    }
    return worst;
}

/* What the columns are, or how to get the one that is missing. */
static void explain_beside(const run *r)
{
    if (!r->torch)
        cli_fail(EXIT_OK,
                 "no comparison with PyTorch: python3 cannot import it; `python3 -m pip install torch`"
                 " installs it");
    else if (!cli_torch_lives(r->torch))
        cli_fail(EXIT_OK, "PyTorch stopped answering; what it left out is missing from its column");
    else if (!r->args->json)
        printf("hostile: the largest |error| / max(1, |reference|, what is added to make it) in float32, "
               "ours and "
               "that of PyTorch %s on the CPU; NaN: no number where there is one\n",
               cli_torch_version(r->torch));
}

int cmd_verify(const cli_args *args)
{
    const clnorm_options options = cli_context_options(args);
    const bool hostile = cli_has(args, "hostile");
    run r = { args, NULL, NULL, NULL };
    clnorm_device device;
    if (!cli_ops_known(args))
        return EXIT_USAGE;
    int code = cli_find_device(&device, args);
    if (code == EXIT_OK)
        code = cli_status(clnorm_open(&r.ctx, device.id, &options));
    if (code != EXIT_OK)
        return code;
    r.rows = json_array();
    r.torch = hostile ? cli_torch_open() : NULL;
    code = verify(&r);
    if (hostile && !args->quiet && (code == EXIT_OK || code == EXIT_CHECK))
        explain_beside(&r);
    if (args->json && (code == EXIT_OK || code == EXIT_CHECK)) {
        const int printed = cli_json_print(json_incref(r.rows));
        code = printed == EXIT_OK ? code : printed;
    }
    json_decref(r.rows);
    cli_torch_close(r.torch);
    clnorm_close(r.ctx);
    return code;
}

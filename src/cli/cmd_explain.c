/* cmd_explain.c -- an op in words, all from the library's table of ops. */
#include "cli/attrs.h"
#include "cli/cmd.h"
#include "cli/json.h"
#include "cli/layer.h"
#include "cli/number.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static void print_types(const char *before, uint32_t types)
{
    printf("%s", before);
    for (uint32_t d = 1; d < 32; d++)
        if (types >> d & 1u)
            printf(" %s", clnorm_dtype_name(d));
}

/* What may be absent is in brackets. */
static void print_slots(const char *before, uint32_t slots, uint32_t required)
{
    printf("%s", before);
    for (uint32_t s = 0; s < CLNORM_SLOTS_USED; s++)
        if (slots >> s & 1u)
            printf(required >> s & 1u ? " %s" : " [%s]", cli_slot_names[s]);
    printf("\n");
}

typedef struct traffic {
    uint32_t reads, writes, required;
} traffic;

static traffic traffic_of(const clnorm_op_info *op, uint32_t direction)
{
    const uint32_t main = 1u << CLNORM_X | 1u << CLNORM_Y;
    traffic s = { op->slots_in | 1u << CLNORM_X, op->slots_out | 1u << CLNORM_Y, main };
    if (op->schedules_back)
        cli_layer_slots(op, direction, 0, &s.reads, &s.writes, &s.required);
    s.required |= direction == CLNORM_BACKWARD ? 1u << CLNORM_DX : 0; /* it is OUTPUT */
    return s;
}

static void print_direction(const clnorm_op_info *op, uint32_t direction)
{
    const traffic s = traffic_of(op, direction);
    const bool back = direction == CLNORM_BACKWARD;
    print_slots(back                 ? "backward reads "
                : op->schedules_back ? "forward reads  "
                                     : "reads   ",
                s.reads, s.required);
    print_slots(back                 ? "        writes "
                : op->schedules_back ? "       writes  "
                                     : "writes  ",
                s.writes, s.required);
}

/* The first of the attributes that an option sets. */
static const clnorm_attr *attr_of(const clnorm_op_info *op, const cli_option *o)
{
    const size_t length = strcspn(o->attrs, " ");
    for (size_t k = 0; k < op->nattrs && length; k++)
        if (strlen(op->attrs[k].name) == length && strncmp(op->attrs[k].name, o->attrs, length) == 0)
            return &op->attrs[k];
    return NULL;
}

/* Of one attribute; words, lists and flags say in their text what they may be. */
static bool is_number(const cli_option *o)
{
    static const char *const values[] = { "NUMBER", "N", "P", "M", NULL };
    return o->value && cli_word(o->value, values) >= 0 && strcmp(o->name, "count") != 0;
}

static bool is_mode(const cli_option *o) { return strcmp(o->name, "mode") == 0; }

/* The default of an attribute that is below its range is none that could be given. */
static bool has_default(const clnorm_attr *a) { return a->preset >= a->low; }

/* What an option says, in words of the command: a descriptor has numbers for "train" and "eval", and 0 for what is not given. */
static const char *text_of(const cli_option *o, const clnorm_attr *a)
{
    static char text[256];
    const char *from = is_mode(o) || (o->value && strcmp(o->value, "NUMBER") == 0) ? a->text : o->help;
    size_t used = 0;
    for (const char *end; *from && used < sizeof text; from = end) {
        const bool absent = strncmp(from, "0: ", 3) == 0 && !has_default(a);
        from += absent ? 3 : is_mode(o) ? strcspn(from, "te") : 0; /* "1 train", "2 eval" */
        end = strstr(from, "; ");
        end = end ? end + 2 : from + strlen(from);
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%.*s", absent ? "unless given: " : "",
                                 (int)(end - from), from);
    }
    return text;
}

static void print_default(const cli_option *o, const clnorm_attr *a)
{
    if (is_mode(o))
        printf("; default train");
    else if (strcmp(o->name, "of") == 0)
        printf("; default %s", clnorm_op_of((uint32_t)a->preset)->name);
    else if (strcmp(o->attrs, "lo hi") == 0) /* which are neighbours in the op's table */
        printf("; default %g,%g", a[0].preset, a[1].preset);
    else if (is_number(o) && has_default(a))
        printf("%s default %g", isfinite(a->high) ? "," : ";", a->preset);
    else if (is_number(o) && a->type == CLNORM_ATTR_U32)
        printf("; needed");
}

static void print_option(const clnorm_op_info *op, const cli_option *o)
{
    char name[64];
    const clnorm_attr *a = attr_of(op, o);
    assert(a); /* an option of attributes, which the op has */
    snprintf(name, sizeof name, "--%s%s%s", o->name, o->value ? " " : "", o->value ? o->value : "");
    printf("  %-18s %s", name, text_of(o, a));
    if (is_number(o) && isfinite(a->high))
        printf("; %g to %g", a->low, a->high);
    print_default(o, a);
    printf("\n");
}

/* ---- profiles ---- */

static const char *const profiles[] = { "chapter", "torch", "onnx", "paper" };
#define PROFILES (sizeof profiles / sizeof *profiles)

/* What a profile sets otherwise than the chapter, as "eps 1e-05 momentum 0.9". */
static void changes(char *text, size_t room, const cli_args *args, const clnorm_op_info *op, uint32_t profile)
{
    clnorm_any plain, desc;
    size_t used = 0;
    text[0] = '\0';
    clnorm_op_init(&plain, op->kind);
    clnorm_op_init(&desc, op->kind);
    clnorm_op_semantics(&desc, profile);
    for (size_t k = 0; k < op->nattrs && used < room; k++) {
        const double v = cli_attr_value(&desc, &op->attrs[k], 0);
        if (op->attrs[k].type != CLNORM_ATTR_F32_LIST && v != cli_attr_value(&plain, &op->attrs[k], 0))
            used += (size_t)snprintf(text + used, room - used, " %s %g", op->attrs[k].name, v);
    }
    if (profile == CLNORM_ONNX && used < room) /* axes.c */
        snprintf(text + used, room - used, "%s",
                 cli_takes_axis(op, args)    ? " axis -1"
                 : op->kind == CLNORM_OP_MVN ? " axes 0,2,3"
                                             : "");
}

static bool has_switches(const clnorm_op_info *op)
{
    for (size_t k = 0; k < op->nattrs; k++)
        if (cli_is_switch(op->attrs[k].name))
            return true;
    return false;
}

static void print_switches(const cli_args *args, const clnorm_op_info *op)
{
    char text[256];
    if (has_switches(op))
        printf("\nswitches, of the descriptor and of --semantics:\n");
    for (size_t k = 0; k < op->nattrs; k++)
        if (cli_is_switch(op->attrs[k].name))
            printf("  %-18s %s; default %g\n", op->attrs[k].name, op->attrs[k].text, op->attrs[k].preset);
    for (uint32_t p = 0; p < PROFILES; p++) {
        changes(text, sizeof text, args, op, p);
        if (text[0])
            printf("--semantics %s:%s\n", profiles[p], text);
    }
}

/* ---- text ---- */

static void print_text(const cli_args *args, const clnorm_op_info *op)
{
    printf("%s: %s\n\n  %s\n\n", op->name, op->title, op->formula);
    printf("over     %s\nuse      %s\nnot for  %s\nsource   %s\nmatches  %s\n", op->reduces, op->use,
           op->avoid, op->source, op->matches);
    print_types("types    x:", op->x_types);
    print_types("; y:", op->y_types);
    printf("\n");
    print_direction(op, CLNORM_FORWARD);
    if (op->schedules_back)
        print_direction(op, CLNORM_BACKWARD);
    printf("\noptions:\n");
    for (size_t k = 0; k < args->noptions; k++)
        if (args->options[k].attrs[0] && cli_op_takes(op, &args->options[k]))
            print_option(op, &args->options[k]);
    print_switches(args, op);
}

static json_t *options_json(const cli_args *args, const clnorm_op_info *op)
{
    json_t *list = json_array();
    for (size_t k = 0; k < args->noptions; k++) {
        const cli_option *o = &args->options[k];
        const clnorm_attr *a = attr_of(op, o);
        if (a && cli_op_takes(op, o))
            json_array_append_new(list, json_pack("{s:s, s:s, s:o, s:o, s:o}", "name", o->name, "what",
                                                  text_of(o, a), "low", cli_json_real(a->low), "high",
                                                  cli_json_real(a->high), "default",
                                                  has_default(a) ? cli_json_real(a->preset) : json_null()));
    }
    return list;
}

static json_t *slots_json(uint32_t slots)
{
    json_t *list = json_array();
    for (uint32_t s = 0; s < CLNORM_SLOTS_USED; s++)
        if (slots >> s & 1u)
            json_array_append_new(list, json_string(cli_slot_names[s]));
    return list;
}

static json_t *types_json(uint32_t types)
{
    json_t *list = json_array();
    for (uint32_t d = 1; d < 32; d++)
        if (types >> d & 1u)
            json_array_append_new(list, json_string(clnorm_dtype_name(d)));
    return list;
}

static json_t *direction_json(const clnorm_op_info *op, uint32_t direction)
{
    const traffic s = traffic_of(op, direction);
    return json_pack("{s:o, s:o, s:o}", "reads", slots_json(s.reads), "writes", slots_json(s.writes),
                     "required", slots_json(s.required));
}

static json_t *switches_json(const clnorm_op_info *op)
{
    json_t *list = json_array();
    for (size_t k = 0; k < op->nattrs; k++)
        if (cli_is_switch(op->attrs[k].name))
            json_array_append_new(list, json_pack("{s:s, s:s, s:o}", "name", op->attrs[k].name, "what",
                                                  op->attrs[k].text, "default",
                                                  cli_json_real(op->attrs[k].preset)));
    return list;
}

static json_t *as_json(const cli_args *args, const clnorm_op_info *op)
{
    const uint32_t main = 1u << CLNORM_X | 1u << CLNORM_Y;
    const traffic s = traffic_of(op, CLNORM_FORWARD);
    json_t *root = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o}", "op", op->name, "title",
                             op->title, "formula", op->formula, "reduces", op->reduces, "use", op->use,
                             "avoid", op->avoid, "source", op->source, "in", slots_json(s.reads & ~main),
                             "out", slots_json(s.writes & ~main), "options", options_json(args, op));
    json_object_set_new(root, "matches", json_string(op->matches));
    json_object_set_new(root, "x_types", types_json(op->x_types));
    json_object_set_new(root, "y_types", types_json(op->y_types));
    json_object_set_new(root, "forward", direction_json(op, CLNORM_FORWARD));
    if (op->schedules_back)
        json_object_set_new(root, "backward", direction_json(op, CLNORM_BACKWARD));
    json_object_set_new(root, "switches", switches_json(op));
    return root;
}

int cmd_explain(const cli_args *args)
{
    const clnorm_op_info *op = cli_op(args, args->words[0]);
    if (!op)
        return EXIT_USAGE;
    if (args->json)
        return cli_json_print(as_json(args, op));
    print_text(args, op);
    return EXIT_OK;
}

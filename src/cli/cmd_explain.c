/* cmd_explain.c -- an op in words, all from the library's table of ops. */
#include "cli/cmd.h"
#include "cli/json.h"
#include "cli/tensors.h"

#include <stdio.h>
#include <string.h>

static void print_types(const char *before, uint32_t types)
{
    printf("%s", before);
    for (uint32_t d = 1; d < 32; d++)
        if (types >> d & 1u)
            printf(" %s", clnorm_dtype_name(d));
}

static void print_slots(const char *before, uint32_t slots, const char *required)
{
    printf("%s%s", before, required);
    for (uint32_t s = 0; s < CLNORM_SLOTS_USED; s++)
        if (slots >> s & 1u)
            printf(" [%s]", cli_slot_names[s]);
    printf("\n");
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

/* Numbers say what they may be; lists, words and flags say it in their text. */
static void print_option(const clnorm_op_info *op, const cli_option *o)
{
    char name[64];
    const clnorm_attr *a = attr_of(op, o);
    const bool number = a && o->value && strcmp(o->value, "NUMBER") == 0;
    snprintf(name, sizeof name, "--%s%s%s", o->name, o->value ? " " : "", o->value ? o->value : "");
    printf("  %-18s %s", name, number ? a->text : o->help);
    if (number)
        printf("; %g to %g, default %g", a->low, a->high, a->preset);
    printf("\n");
}

static void print_text(const cli_args *args, const clnorm_op_info *op)
{
    printf("%s: %s\n\n  %s\n\n", op->name, op->title, op->formula);
    printf("over     %s\nuse      %s\nnot for  %s\nsource   %s\n", op->reduces, op->use, op->avoid,
           op->source);
    print_types("types    x:", op->x_types);
    print_types("; y:", op->y_types);
    printf("\n");
    print_slots("reads    ", op->slots_in, "x");
    print_slots("writes   ", op->slots_out, "y");
    printf("\noptions:\n");
    for (size_t k = 0; k < args->noptions; k++)
        if (args->options[k].attrs[0] && cli_op_takes(op, &args->options[k]))
            print_option(op, &args->options[k]);
}

static json_t *options_json(const cli_args *args, const clnorm_op_info *op)
{
    json_t *list = json_array();
    for (size_t k = 0; k < args->noptions; k++) {
        const cli_option *o = &args->options[k];
        const clnorm_attr *a = attr_of(op, o);
        if (a && cli_op_takes(op, o))
            json_array_append_new(list,
                                  json_pack("{s:s, s:s, s:o, s:o, s:o}", "name", o->name, "what", a->text,
                                            "low", cli_json_real(a->low), "high", cli_json_real(a->high),
                                            "default", cli_json_real(a->preset)));
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

int cmd_explain(const cli_args *args)
{
    const clnorm_op_info *op = cli_op(args, args->words[0]);
    if (!op)
        return EXIT_USAGE;
    if (args->json)
        return cli_json_print(json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o}", "op", op->name,
                                        "title", op->title, "formula", op->formula, "reduces", op->reduces,
                                        "use", op->use, "avoid", op->avoid, "source", op->source, "in",
                                        slots_json(op->slots_in), "out", slots_json(op->slots_out), "options",
                                        options_json(args, op)));
    print_text(args, op);
    return EXIT_OK;
}

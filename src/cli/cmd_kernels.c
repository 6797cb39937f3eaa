/* cmd_kernels.c -- the ops, their schedules, and the kernel text as the compiler sees it. */
#include "cli/attrs.h"
#include "cli/cmd.h"
#include "cli/session.h"

#include <stdio.h>
#include <string.h>

static void print_ops(void)
{
    const clnorm_op_info *op;
    for (size_t k = 0; (op = clnorm_op_at(k)) != NULL; k++)
        printf("%-13s %s\n", op->name, op->title);
}

static bool has_word(const char *list, const char *word, size_t length)
{
    for (const char *at = list; *at; at += strcspn(at, " "), at += strspn(at, " "))
        if (strcspn(at, " ") == length && strncmp(at, word, length) == 0)
            return true;
    return false;
}

static void add_words(char *all, size_t room, const char *list)
{
    for (const char *at = list; *at; at += strcspn(at, " "), at += strspn(at, " ")) {
        const size_t length = strcspn(at, " "), used = strlen(all);
        if (!has_word(all, at, length))
            snprintf(all + used, room - used, "%s%.*s", used ? " " : "", (int)length, at);
    }
}

/* Every schedule that some op has, once, in the order of first use. */
static void collect(char *all, size_t room)
{
    const clnorm_op_info *op;
    all[0] = '\0';
    for (size_t k = 0; (op = clnorm_op_at(k)) != NULL; k++) {
        add_words(all, room, op->schedules);
        if (op->schedules_back)
            add_words(all, room, op->schedules_back);
    }
}

static void print_row(const char *name, const char *direction, const char *own, const char *all)
{
    printf("%-13s %-9s", name, direction);
    for (const char *at = all; *at; at += strcspn(at, " "), at += strspn(at, " "))
        printf(" %-10s", has_word(own, at, strcspn(at, " ")) ? "tested" : "-");
    printf("\n");
}

static int print_matrix(const clnorm_op_info *only)
{
    char all[256];
    const clnorm_op_info *op;
    collect(all, sizeof all);
    printf("%-13s %-9s", "op", "direction");
    for (const char *at = all; *at; at += strcspn(at, " "), at += strspn(at, " "))
        printf(" %-10.*s", (int)strcspn(at, " "), at);
    printf("\n");
    for (size_t k = 0; (op = clnorm_op_at(k)) != NULL; k++) {
        if (only && op != only)
            continue;
        print_row(op->name, "forward", op->schedules, all);
        if (op->schedules_back)
            print_row(op->name, "backward", op->schedules_back, all);
    }
    return EXIT_OK;
}

static int print_source(const clnorm_op_info *op)
{
    char *text = NULL;
    const int code = cli_status(clnorm_op_source(&text, op->kind));
    if (text)
        fputs(text, stdout);
    clnorm_free(text);
    return code;
}

int cmd_kernels(const cli_args *args)
{
    const clnorm_op_info *op = args->nwords ? cli_op(args, args->words[0]) : NULL;
    if (args->nwords && !op)
        return EXIT_USAGE;
    if (cli_has(args, "matrix"))
        return print_matrix(op);
    if (op)
        return print_source(op);
    print_ops();
    return EXIT_OK;
}

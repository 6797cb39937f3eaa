/* cmd_plan.c -- what would run and why. */
#include "cli/cmd.h"
#include "cli/json.h"
#include "cli/tensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int print(const cli_args *args, const cli_problem *p, const cli_session *s, const char *text)
{
    const clnorm_tensor *y = &p->desc.head.y;
    const cli_array *x = &p->input;
    int64_t shape[CLNORM_MAX_DIMS];
    cli_file_shape(shape, y, p->out);
    if (args->json)
        return cli_json_print(json_pack("{s:s, s:o, s:o, s:o, s:o}", "op", p->op->name, "device",
                                        cli_json_text(s->device.name), "plan", cli_json_text(text), "x",
                                        cli_json_tensor(x->dtype, x->ndim, x->shape, p->layout), "y",
                                        cli_json_tensor(y->dtype, y->ndim, shape, p->out)));
    printf("%s (%s)\n", s->device.name, s->device.id);
    printf("x %s %s %s, y %s %s %s\n", cli_shape_text(x->shape, x->ndim), clnorm_dtype_name(x->dtype),
           cli_layout_names[p->layout], cli_shape_text(shape, y->ndim), clnorm_dtype_name(y->dtype),
           cli_layout_names[p->out]);
    printf("%s%s", text, text[0] && text[strlen(text) - 1] == '\n' ? "" : "\n");
    return EXIT_OK;
}

static int describe(const cli_args *args, const cli_problem *p, const cli_session *s, uint32_t effort)
{
    clnorm_plan *plan = NULL;
    int code = cli_status(clnorm_plan_create(&plan, s->ctx, &p->desc.op, effort));
    if (code != EXIT_OK)
        return code;
    const size_t length = clnorm_plan_describe(plan, NULL, 0);
    char *text = (char *)calloc(length + 1, 1);
    if (text)
        clnorm_plan_describe(plan, text, length + 1);
    code = text ? print(args, p, s, text) : cli_fail(EXIT_MEMORY, "no memory for %zu characters", length);
    free(text);
    clnorm_plan_release(plan);
    return code;
}

int cmd_plan(const cli_args *args)
{
    cli_request request;
    cli_problem problem;
    cli_extras extras;
    cli_session session;
    int code = cli_request_make(&request, args, args->words[0], false);
    if (code == EXIT_OK)
        code = cli_extras_parse(&extras, args, &request, NULL);
    if (code == EXIT_OK)
        code = cli_problem_read(&problem, &request, args, args->words[1]);
    if (code != EXIT_OK)
        return code;
    code = cli_session_open(&session, args);
    if (code == EXIT_OK)
        code = describe(args, &problem, &session, request.effort);
    cli_session_close(&session);
    cli_problem_free(&problem);
    return code;
}

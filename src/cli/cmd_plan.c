/* cmd_plan.c -- what would run and why. */
#include "cli/cmd.h"
#include "cli/json.h"
#include "cli/run_whiten.h"
#include "cli/tensors.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- how good the statistics of a batch are ---- */

#define TINY 64 /* values: the mean is off by an eighth of a standard deviation */

/* Values in one statistic of the batch; 0 where the plan has none such. */
static int64_t batch_size(const cli_problem *p)
{
    const clnorm_tensor *x = &p->desc.head.x;
    const clnorm_batchnorm *d = &p->desc.batchnorm;
    const bool of_batch = p->op->kind == CLNORM_OP_BATCHNORM && d->mode == CLNORM_TRAIN && !d->layer.given;
    const int64_t channels = x->shape[x->ndim >= 4 || x->ndim == 2 ? 1 : 0];
    return of_batch && channels ? clnorm_tensor_count(x) / channels : 0;
}

static double noise_of_mean(int64_t m) { return 1 / sqrt((double)m); }
static double noise_of_std(int64_t m) { return 1 / sqrt(2 * (double)m); }

static void print_noise(int64_t m)
{
    if (!m)
        return;
    printf("M = %lld values per channel; noise of the batch's statistics: mean +-%.2g std, std +-%.2g %%\n",
           (long long)m, noise_of_mean(m), 100 * noise_of_std(m));
    if (m < TINY)
        printf("M is tiny: groupnorm, whose statistics do not depend on the batch, is the better choice\n");
}

static json_t *with_noise(json_t *root, int64_t m)
{
    if (!m)
        return root;
    json_object_set_new(root, "m", json_integer(m));
    json_object_set_new(root, "mean_noise", cli_json_real(noise_of_mean(m)));
    json_object_set_new(root, "std_noise", cli_json_real(noise_of_std(m)));
    if (m < TINY)
        json_object_set_new(root, "better", json_string("groupnorm"));
    return root;
}

/* ---- the plan ---- */

static int print(const cli_args *args, const cli_problem *p, const cli_session *s, const char *text)
{
    const bool back = p->main == CLNORM_DX;
    const clnorm_tensor *y = back ? &p->desc.head.x : &p->desc.head.y;
    const cli_array *x = &p->input;
    const int64_t m = batch_size(p);
    int64_t shape[CLNORM_MAX_DIMS];
    cli_file_shape(shape, y, p->out);
    if (args->json)
        return cli_json_print(with_noise(
            json_pack("{s:s, s:s, s:o, s:o, s:o, s:o}", "op", p->op->name, "direction",
                      back ? "backward" : "forward", "device", cli_json_text(s->device.name), "plan",
                      cli_json_text(text), "x", cli_json_tensor(x->dtype, x->ndim, x->shape, p->layout), "y",
                      cli_json_tensor(p->dtype, y->ndim, shape, p->out)),
            m));
    printf("%s (%s)\n", s->device.name, s->device.id);
    printf("x %s %s %s, %s %s %s %s\n", cli_shape_text(x->shape, x->ndim), clnorm_dtype_name(x->dtype),
           cli_layout_names[p->layout], back ? "dx" : "y", cli_shape_text(shape, y->ndim),
           clnorm_dtype_name(p->dtype), cli_layout_names[p->out]);
    printf("%s", text);
    print_noise(m);
    return EXIT_OK;
}

static int describe(const cli_args *args, const cli_problem *p, const cli_session *s, uint32_t effort)
{
    clnorm_plan *plan = NULL;
    int code = cli_status(clnorm_plan_create(&plan, s->ctx, &p->desc.op, effort));
    if (code != EXIT_OK)
        return code;
    code = cli_fits_plan(&s->device, plan, p->main);
    if (code != EXIT_OK) {
        clnorm_plan_release(plan);
        return code;
    }
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
    if (cli_is_whiten(args))
        return cli_plan_whiten(args);
    int code = cli_request_make(&request, args, args->words[0], false);
    memset(&problem, 0, sizeof problem);
    memset(&session, 0, sizeof session);
    memset(&extras, 0, sizeof extras);
    if (code == EXIT_OK)
        code = cli_extras_parse(&extras, args, &request, NULL);
    if (code == EXIT_OK)
        code = cli_problem_read(&problem, &request, args, args->words[1], &extras);
    if (code == EXIT_OK)
        code = cli_extras_fit(&extras, &problem);
    if (code == EXIT_OK)
        code = cli_session_open(&session, args);
    if (code == EXIT_OK)
        code = describe(args, &problem, &session, request.writing.effort);
    cli_session_close(&session);
    cli_extras_free(&extras);
    cli_problem_free(&problem);
    return code;
}

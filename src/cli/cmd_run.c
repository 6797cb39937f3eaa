/* cmd_run.c -- one normalization: INPUT and --in to the device, OUTPUT and --out from
 * it. */
#include "cli/cmd.h"
#include "cli/input.h"
#include "cli/json.h"
#include "cli/picture.h"
#include "cli/run_whiten.h"
#include "cli/tensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* All that one run holds, so that one function can free it. */
typedef struct job {
    const cli_args *args;
    const char *output;
    cli_request request;
    cli_problem problem;
    cli_extras extras;
    cli_array y;
    cli_output *sink;
    cli_session session;
    clnorm_plan *plan;
    cli_slots slots;
    cli_times times;
    float fault; /* what a matrix op says of its data */
} job;

static int check_words(job *j)
{
    const cli_args *args = j->args;
    int code = cli_json_alone(args, "OUTPUT", j->output);
    if (code == EXIT_OK)
        code = cli_request_make(&j->request, args, args->words[0], cli_ends_in(j->output, ".png"));
    if (code == EXIT_OK)
        code = cli_extras_parse(&j->extras, args, &j->request, j->output);
    return code;
}

static int open_files(job *j)
{
    const char *input = j->args->words[1];
    int code = cli_output_open(&j->sink, j->output, input);
    if (code == EXIT_OK)
        code = cli_extras_open(&j->extras, input);
    if (code == EXIT_OK)
        code = cli_problem_read(&j->problem, &j->request, j->args, input, &j->extras);
    if (code == EXIT_OK && j->request.png)
        code = cli_picture_check(&j->problem, j->output);
    return code == EXIT_OK ? cli_extras_fit(&j->extras, &j->problem) : code;
}

/* OUTPUT as the device writes it: y, or dx. */
static int make_output(job *j)
{
    const cli_problem *p = &j->problem;
    const clnorm_tensor *t = p->main == CLNORM_DX ? &p->desc.head.x : &p->desc.head.y;
    j->y.dtype = t->dtype;
    j->y.ndim = t->ndim;
    cli_file_shape(j->y.shape, t, p->out);
    j->y.bytes = (size_t)clnorm_tensor_count(t) * clnorm_dtype_bytes(t->dtype);
    const int code = cli_memory(&j->y.data, "OUTPUT", j->y.bytes, 0);
    if (code == EXIT_OK && clnorm_tensor_count(&p->desc.head.x) == 0)
        cli_fill_nan(&j->y);
    return code;
}

static void bind(job *j)
{
    j->slots.slot[CLNORM_X].data = j->problem.input.data;
    j->slots.slot[CLNORM_X].bytes = j->problem.input.bytes;
    j->slots.slot[j->problem.main].data = j->y.data;
    j->slots.slot[j->problem.main].bytes = j->y.bytes;
    j->slots.slot[j->problem.main].output = true;
    j->slots.cumulative = j->request.cumulative;
    j->slots.count = j->request.count;
    cli_extras_bind(&j->extras, &j->slots);
    if (j->problem.op->slots_out >> CLNORM_FAULT & 1u && !j->slots.slot[CLNORM_FAULT].data) {
        j->slots.slot[CLNORM_FAULT].data = &j->fault;
        j->slots.slot[CLNORM_FAULT].bytes = sizeof j->fault;
        j->slots.slot[CLNORM_FAULT].output = true;
    }
}

/* Data without a result is no result. */
static int check_fault(const job *j)
{
    float fault = 0;
    if (j->slots.slot[CLNORM_FAULT].data)
        memcpy(&fault, j->slots.slot[CLNORM_FAULT].data, sizeof fault);
    return cli_status(clnorm_fault_status(&j->problem.desc, fault));
}

static int compute(job *j)
{
    int code = cli_session_open(&j->session, j->args);
    if (code != EXIT_OK)
        return code;
    const double start = cli_now_ms();
    code = cli_status(
        clnorm_plan_create(&j->plan, j->session.ctx, &j->problem.desc.op, j->request.writing.effort));
    j->times.build_ms = cli_now_ms() - start;
    if (code == EXIT_OK)
        code = make_output(j);
    if (code != EXIT_OK)
        return code;
    bind(j);
    return cli_execute(&j->session, j->plan, &j->slots, &j->times);
}

/* OUTPUT goes first: where it is a pipe that closes, no other file has appeared. */
static int write_files(job *j)
{
    int code = EXIT_OK;
    if (j->problem.op->kind == CLNORM_OP_MOMENTS) /* y is in axis order */
        code = cli_to_layout(j->y.data, &j->problem.desc.head.y, j->problem.out, j->y.bytes);
    if (code == EXIT_OK)
        code = cli_convert(&j->y, j->problem.dtype);
    if (code == EXIT_OK && cli_has(j->args, "view"))
        cli_picture_map(&j->y);
    if (code == EXIT_OK)
        code =
            j->request.png ? cli_picture_write(j->sink, &j->problem, &j->y) : cli_output_npy(j->sink, &j->y);
    if (code == EXIT_OK)
        code = cli_extras_write(&j->extras);
    if (code != EXIT_OK)
        return code;
    cli_output *sink = j->sink;
    j->sink = NULL;
    return cli_extras_commit(&j->extras, sink);
}

/* ---- what is said ---- */

static size_t bytes_moved(const job *j)
{
    size_t bytes = 0;
    for (size_t k = 0; k < CLNORM_SLOTS; k++)
        bytes += j->slots.slot[k].data ? j->slots.slot[k].bytes : 0;
    return bytes;
}

static void first_line(const job *j, char *text, size_t room)
{
    clnorm_plan_describe(j->plan, text, room);
    text[strcspn(text, "\n")] = '\0';
}

static int report(const job *j)
{
    char plan[512];
    const cli_array *x = &j->problem.input;
    const double bytes = (double)bytes_moved(j), ms = j->times.run_ms, gbps = ms > 0 ? bytes / ms * 1e-6 : 0;
    first_line(j, plan, sizeof plan);
    if (j->args->verbose)
        fprintf(stderr, "clnorm: %s\nclnorm: %s; built in %.3g ms, ran in %.3g ms, %.3g GB/s\n",
                j->session.device.name, plan, j->times.build_ms, ms, gbps);
    if (!j->args->json)
        return EXIT_OK;
    return cli_json_print(json_pack("{s:s, s:o, s:o, s:o, s:o, s:I, s:o, s:o, s:o}", "op",
                                    j->problem.op->name, "device", cli_json_text(j->session.device.name),
                                    "plan", cli_json_text(plan), "x",
                                    cli_json_tensor(x->dtype, x->ndim, x->shape, j->problem.layout), "y",
                                    cli_json_tensor(j->y.dtype, j->y.ndim, j->y.shape, j->problem.out),
                                    "bytes", (json_int_t)bytes, "build_ms", cli_json_real(j->times.build_ms),
                                    "run_ms", cli_json_real(ms), "gbps", cli_json_real(gbps)));
}

static void close_job(job *j)
{
    cli_output_abandon(j->sink);
    cli_extras_free(&j->extras);
    cli_problem_free(&j->problem);
    cli_array_free(&j->y);
    clnorm_plan_release(j->plan);
    cli_session_close(&j->session);
}

int cmd_run(const cli_args *args)
{
    job j;
    if (cli_is_whiten(args))
        return cli_run_whiten(args);
    memset(&j, 0, sizeof j);
    j.args = args;
    j.output = args->words[2];
    int code = check_words(&j);
    if (code == EXIT_OK)
        code = open_files(&j);
    if (code == EXIT_OK)
        code = compute(&j);
    if (code == EXIT_OK)
        code = check_fault(&j);
    if (code == EXIT_OK)
        code = write_files(&j);
    if (code == EXIT_OK)
        code = report(&j);
    close_job(&j);
    return code;
}

/* cmd_check.c -- is this tensor in the regime that the model expects? */
#include "cli/cmd.h"
#include "cli/input.h"
#include "cli/json.h"
#include "cli/problem.h"
#include "cli/regime.h"
#include "cli/session.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PER_CHANNEL 1 /* clnorm_scope */

/* What `moments` writes, per image and channel. */
typedef struct statistics {
    float *mean, *m2, *min, *max;
    size_t images, channels;
    double count; /* elements of one set */
} statistics;

static int measure(const cli_session *s, const cli_problem *p, statistics *out)
{
    clnorm_plan *plan = NULL;
    cli_slots slots;
    cli_times times;
    float *const results[] = { out->mean, out->m2, out->min, out->max };
    static const uint32_t names[] = { CLNORM_Y, CLNORM_M2, CLNORM_MIN, CLNORM_MAX };
    memset(&slots, 0, sizeof slots);
    slots.slot[CLNORM_X].data = p->input.data;
    slots.slot[CLNORM_X].bytes = p->input.bytes;
    for (size_t k = 0; k < 4; k++) {
        slots.slot[names[k]].data = results[k];
        slots.slot[names[k]].bytes = out->images * out->channels * sizeof(float);
        slots.slot[names[k]].output = true;
    }
    int code = cli_status(clnorm_plan_create(&plan, s->ctx, &p->desc.op, CLNORM_ESTIMATE));
    if (code == EXIT_OK)
        code = cli_execute(s, plan, &slots, &times);
    clnorm_plan_release(plan);
    return code;
}

/* Images have equal counts, so that Chan's formula is a plain mean and the squares about
 * it. */
static cli_channel pool(const statistics *s, size_t c)
{
    cli_channel out = { INFINITY, -INFINITY, 0, 0 };
    double m2 = 0;
    for (size_t n = 0; n < s->images; n++)
        out.mean += (double)s->mean[n * s->channels + c] / (double)s->images;
    for (size_t n = 0; n < s->images; n++) {
        const size_t k = n * s->channels + c;
        const double d = (double)s->mean[k] - out.mean;
        m2 += (double)s->m2[k] + d * d * s->count;
        out.min = s->min[k] < out.min || isnan(s->min[k]) ? s->min[k] : out.min;
        out.max = s->max[k] > out.max || isnan(s->max[k]) ? s->max[k] : out.max;
    }
    out.std = sqrt(m2 / (s->count * (double)s->images));
    return out;
}

/* ---- what is said ---- */

static json_t *as_json(const char *name, const cli_verdict *v, const cli_channel *channels, size_t count)
{
    json_t *list = json_array();
    for (size_t c = 0; c < count; c++)
        json_array_append_new(list, json_pack("{s:o, s:o, s:o, s:o}", "min", cli_json_real(channels[c].min),
                                              "max", cli_json_real(channels[c].max), "mean",
                                              cli_json_real(channels[c].mean), "std",
                                              cli_json_real(channels[c].std)));
    return json_pack("{s:o, s:b, s:s, s:s, s:o}", "input", cli_json_text(name), "ok", (int)v->ok, "verdict",
                     v->name, "what", v->text, "channels", list);
}

static void print_list(const char *before, const cli_channel *channels, size_t count, size_t offset)
{
    printf("%s", before);
    for (size_t c = 0; c < count; c++) {
        double value;
        memcpy(&value, (const char *)&channels[c] + offset, sizeof value);
        printf(" %.4g", isnan(value) ? (double)NAN : value); /* whose sign says nothing */
    }
}

static void print(const char *name, const cli_verdict *v, const cli_channel *channels, size_t count,
                  bool color)
{
    printf("%s: %s%s%s: %s;", cli_quote(name), color ? (v->ok ? "\033[32m" : "\033[31m") : "", v->name,
           color ? "\033[0m" : "", v->text);
    print_list(" min", channels, count, offsetof(cli_channel, min));
    print_list(", max", channels, count, offsetof(cli_channel, max));
    print_list(", mean", channels, count, offsetof(cli_channel, mean));
    print_list(", std", channels, count, offsetof(cli_channel, std));
    printf("\n");
}

/* ---- one input ---- */

typedef struct checker {
    const cli_args *args;
    cli_request request;
    cli_session session;
    json_t *rows;
} checker;

/* What is expected is of pixels in [0, 1], a preset's mean and std of pixels / scale. */
static int judge(const checker *k, const cli_problem *p, const statistics *s)
{
    const cli_lists *lists = &k->request.lists;
    const double unit = lists->scale > 0 ? lists->scale / 255 : 1;
    cli_channel channels[CLNORM_MAX_CHANNELS];
    cli_expected expected = { s->channels, { 0 }, { 0 } };
    for (size_t c = 0; c < s->channels; c++) {
        const size_t from = lists->channels == 1 ? 0 : c;
        channels[c] = pool(s, c);
        expected.mean[c] = lists->mean[from] * unit;
        expected.std[c] = lists->std[from] * unit;
    }
    const cli_verdict v = cli_judge(channels, &expected, s->images);
    if (k->args->json)
        json_array_append_new(k->rows, as_json(p->name, &v, channels, s->channels));
    else
        print(p->name, &v, channels, s->channels, k->args->color);
    return v.ok ? EXIT_OK : EXIT_CHECK;
}

static int check_problem(const checker *k, const cli_problem *p)
{
    const clnorm_tensor *x = &p->desc.head.x, *y = &p->desc.head.y;
    const int axis = cli_channel_axis(x->ndim);
    const size_t sets = (size_t)clnorm_tensor_count(y);
    statistics s = { NULL, NULL, NULL, NULL, 0, axis < 0 ? 1 : (size_t)x->shape[axis], 0 };
    if (clnorm_tensor_count(x) == 0)
        return cli_fail(EXIT_INPUT, "%s is empty", cli_quote(p->name));
    if (s.channels > CLNORM_MAX_CHANNELS)
        return cli_fail(EXIT_INPUT, "%s has %zu channels; a preset has %d at most", cli_quote(p->name),
                        s.channels, CLNORM_MAX_CHANNELS);
    s.images = sets / s.channels;
    s.count = (double)clnorm_tensor_count(x) / (double)sets;
    void *memory;
    int code = cli_memory(&memory, "what is measured", 4 * sets * sizeof(float), 0);
    if (code != EXIT_OK)
        return code;
    s.mean = (float *)memory;
    s.m2 = s.mean + sets;
    s.min = s.m2 + sets;
    s.max = s.min + sets;
    code = measure(&k->session, p, &s);
    if (code == EXIT_OK)
        code = judge(k, p, &s);
    free(memory);
    return code;
}

static int check_input(const checker *k, const char *input)
{
    cli_problem problem;
    int code = cli_problem_read(&problem, &k->request, k->args, input, NULL);
    if (code != EXIT_OK)
        return code;
    code = check_problem(k, &problem);
    cli_problem_free(&problem);
    return code;
}

/* What cannot be read does not keep the others from being checked; any other failure
 * would meet them too. */
static int check_all(const checker *k)
{
    int worst = EXIT_OK;
    for (size_t i = 0; i < k->args->nwords; i++) {
        const int code = check_input(k, k->args->words[i]);
        worst = code > worst ? code : worst;
        if (code > EXIT_INPUT)
            break;
    }
    return worst;
}

int cmd_check(const cli_args *args)
{
    checker k;
    cli_lists lists;
    const char *preset = cli_get(args, "preset");
    memset(&k, 0, sizeof k);
    memset(&lists, 0, sizeof lists);
    k.args = args;
    if (!preset)
        return cli_usage(args, "check needs --preset NAME, what the model expects");
    int code = cli_preset(&lists, args, preset);
    if (code == EXIT_OK)
        code = cli_request_moments(&k.request, args, PER_CHANNEL, &lists);
    if (code == EXIT_OK)
        code = cli_session_open(&k.session, args);
    if (code == EXIT_OK) {
        k.rows = json_array();
        code = check_all(&k);
        if (args->json && code <= EXIT_INPUT && cli_json_print(json_incref(k.rows)) != EXIT_OK)
            code = EXIT_INPUT;
        json_decref(k.rows);
    }
    cli_session_close(&k.session);
    return code;
}

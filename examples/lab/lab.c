/* lab.c -- small experiments: what each normalization is for, and where it fails, trained and asserted.
 *
 *   lab [--device DEV] [--output DIR] [--data DIR] [EXPERIMENT...]
 *
 * Every number depends on the device's arithmetic only: seeds are fixed, sums have one order, and nothing is
 * timed. Exit 0 when every claim holds, 1 when one does not. */
#include "lab.h"

#include "chart.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#ifndef LAB_DATA
#define LAB_DATA "."
#endif
#ifndef DEMO_FONTS
#define DEMO_FONTS NULL
#endif

/* As in the command: DESIGN section 5. */
enum { DONE = 0, CLAIM_FAILED = 1, BAD_USAGE = 2, BAD_FILE = 3, NO_DEVICE = 4, BAD_RUN = 5 };

typedef struct lab_options {
    const char *device, *output, *data;
} lab_options;

static const struct {
    const char *name;
    void (*run)(lab *l, table *t);
} experiments[] = {
    { "input", lab_input },     { "batch", lab_batch },         { "rate", lab_rate },
    { "channel", lab_channel }, { "inference", lab_inference }, { "collapse", lab_collapse }
};
enum { EXPERIMENTS = sizeof experiments / sizeof *experiments };

void lab_net(lab *l, net *n, digits_scaling scaling, const net_options *o)
{
    net_open(n, &l->on, &l->data, l->images[scaling], l->labels, o);
}

double lab_accuracy(lab *l, digits_scaling scaling, const net_options *o, const net_course *c)
{
    net n;
    lab_net(l, &n, scaling, o);
    net_train(&n, c);
    const double accuracy = net_test(&n, NORM_EVAL, NET_BATCH, false, NULL);
    net_close(&n);
    return accuracy;
}

static int fail(int code, const char *what, const char *why)
{
    fprintf(stderr, "lab: %s: %s\n", what, why);
    return code;
}

static int usage(FILE *to, int code)
{
    fputs("usage: lab [--device DEV] [--output DIR] [--data DIR] [EXPERIMENT...]\n"
          "  --device DEV   what `clnorm list` prints, gpu, cpu or a part of a name (default: the best there "
          "is)\n"
          "  --output DIR   where the figures go (default: none are drawn)\n"
          "  --data DIR     where digits.npy is (default: " LAB_DATA ")\n"
          "  EXPERIMENT     input, batch, rate, channel, inference, collapse (default: all)\n",
          to);
    return code;
}

static bool known(const char *name)
{
    for (int k = 0; k < EXPERIMENTS; k++)
        if (!strcmp(experiments[k].name, name))
            return true;
    return false;
}

/* Returns -1 to go on, or the exit code. */
static int parse(lab_options *o, int argc, char **argv)
{
    static const struct option options[] = { { "device", required_argument, NULL, 'd' },
                                             { "output", required_argument, NULL, 'o' },
                                             { "data", required_argument, NULL, 'i' },
                                             { "help", no_argument, NULL, 'h' },
                                             { NULL, 0, NULL, 0 } };
    int c;
    while ((c = getopt_long(argc, argv, "d:o:i:h", options, NULL)) != -1) {
        if (c == 'd')
            o->device = optarg;
        else if (c == 'o')
            o->output = optarg;
        else if (c == 'i')
            o->data = optarg;
        else
            return usage(c == 'h' ? stdout : stderr, c == 'h' ? DONE : BAD_USAGE);
    }
    for (int k = optind; k < argc; k++)
        if (!known(argv[k]))
            return fail(BAD_USAGE, argv[k], "no such experiment");
    return -1;
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Returns the exit code of one experiment. */
static int experiment(lab *l, int k, const char *output)
{
    const double since = seconds();
    char file[1024];
    table *t = (table *)calloc(1, sizeof *t);
    if (!t)
        return fail(BAD_RUN, experiments[k].name, "not enough memory");
    t->name = experiments[k].name;
    t->high = 1.0;
    experiments[k].run(l, t);
    int code = l->on.status ? fail(BAD_RUN, t->name, l->on.why) : t->failed ? CLAIM_FAILED : DONE;
    snprintf(file, sizeof file, "%s/%s.png", output ? output : "", t->name);
    const char *why = output && code != BAD_RUN ? chart_write(t, file, DEMO_FONTS) : NULL;
    if (why)
        code = fail(BAD_FILE, file, why);
    printf("  %d of %d hold, %.1f s\n", t->orders - t->failed, t->orders, seconds() - since);
    fflush(stdout);
    free(t);
    return code;
}

static bool chosen(int argc, char **argv, const char *name)
{
    for (int k = optind; k < argc; k++)
        if (!strcmp(argv[k], name))
            return true;
    return optind == argc;
}

static int run_all(lab *l, const lab_options *o, int argc, char **argv)
{
    const double since = seconds();
    int code = DONE, ran = 0;
    l->labels = digits_labels(&l->on, &l->data);
    for (int k = 0; k < DIGITS_SCALINGS; k++)
        l->images[k] = digits_images(&l->on, &l->data, (digits_scaling)k);
    for (int k = 0; k < EXPERIMENTS && code <= CLAIM_FAILED; k++) {
        if (!chosen(argc, argv, experiments[k].name))
            continue;
        const int result = experiment(l, k, o->output);
        code = result > code ? result : code;
        ran++;
    }
    for (int k = 0; k < DIGITS_SCALINGS; k++)
        if (l->images[k])
            clReleaseMemObject(l->images[k]);
    if (l->labels)
        clReleaseMemObject(l->labels);
    printf("\n%d experiments on %s, %.1f s: %s\n", ran, l->on.info.name, seconds() - since,
           code == DONE ? "every claim holds" : "not every claim holds");
    return code;
}

int main(int argc, char **argv)
{
    lab_options o = { getenv("CLNORM_DEVICE"), NULL, LAB_DATA };
    char why[400];
    int code = parse(&o, argc, argv);
    if (code >= 0)
        return code;
    lab *l = (lab *)calloc(1, sizeof *l);
    if (!l)
        return fail(BAD_RUN, "start", "not enough memory");
    if (!digits_read(&l->data, o.data, why)) {
        code = fail(BAD_FILE, "digits", why);
    } else if (o.output && mkdir(o.output, 0777) && errno != EEXIST) {
        code = fail(BAD_FILE, o.output, strerror(errno));
    } else {
        rig_open(&l->on, o.device, NET_BUILD_OPTIONS);
        const bool none = l->on.status == CLNORM_ENODEVICE || l->on.status == CLNORM_EDEVICE;
        code =
            l->on.status ? fail(none ? NO_DEVICE : BAD_RUN, "device", l->on.why) : run_all(l, &o, argc, argv);
        rig_close(&l->on);
    }
    free(l);
    return code;
}

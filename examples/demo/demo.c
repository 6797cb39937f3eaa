/* demo.c -- normalizes a photograph with every op and draws a contact sheet.
 *
 *   demo [--device DEV] [--output FILE] [PHOTO]
 *
 * The picture depends on the photograph and the device only, but for the times in its corners. */
#include "page.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#ifndef DEMO_PHOTO
#define DEMO_PHOTO "astronaut.jpg"
#endif
#ifndef DEMO_FONTS
#define DEMO_FONTS NULL
#endif

/* As in the command: DESIGN section 5. */
enum { DONE = 0, BAD_USAGE = 2, BAD_INPUT = 3, NO_DEVICE = 4, BAD_RUN = 5, BAD_OUTPUT = 3 };

typedef struct demo_options {
    const char *device, *output, *photo;
} demo_options;

static const char footer[] =
    "How to read a tile: the picture maps values linearly, the left end of the axis to black and the right "
    "end to "
    "white. The curves are histograms of red, green and blue on that same axis, smoothed, their heights the "
    "square "
    "root of the count. The numbers are those of the library's own op moments, per channel. "
    "Photo: Eileen Collins, NASA, public domain.";

static const char footer_other[] =
    "How to read a tile: the picture maps values linearly, the left end of the axis to black and the right "
    "end to "
    "white. The curves are histograms of red, green and blue on that same axis, smoothed, their heights the "
    "square "
    "root of the count. The numbers are those of the library's own op moments, per channel.";

/* Says on stdout how long a stage took. */
static double stage(const char *name, double since)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    const double now = (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
    if (name)
        printf("%-40s %8.3f s\n", name, now - since);
    fflush(stdout);
    return now;
}

static int fail(int code, const char *what, const char *why)
{
    fprintf(stderr, "demo: %s: %s\n", what, why);
    return code;
}

static int usage(FILE *to, int code)
{
    fputs("usage: demo [--device DEV] [--output FILE] [PHOTO]\n"
          "  --device DEV   what `clnorm list` prints, gpu, cpu or a part of a name (default: the best there "
          "is)\n"
          "  --output FILE  the contact sheet (default: demo.png)\n"
          "  PHOTO          a JPEG or PNG (default: " DEMO_PHOTO ")\n",
          to);
    return code;
}

/* Returns -1 to go on, or the exit code. */
static int parse(demo_options *o, int argc, char **argv)
{
    static const struct option known[] = { { "device", required_argument, NULL, 'd' },
                                           { "output", required_argument, NULL, 'o' },
                                           { "help", no_argument, NULL, 'h' },
                                           { NULL, 0, NULL, 0 } };
    int c;
    while ((c = getopt_long(argc, argv, "d:o:h", known, NULL)) != -1) {
        if (c == 'd')
            o->device = optarg;
        else if (c == 'o')
            o->output = optarg;
        else
            return usage(c == 'h' ? stdout : stderr, c == 'h' ? DONE : BAD_USAGE);
    }
    if (argc - optind > 1)
        return usage(stderr, BAD_USAGE);
    if (optind < argc)
        o->photo = argv[optind];
    return -1;
}

static const char *draw(const page *pg, const clnorm_device *info, const photo *p, const demo_options *o)
{
    char system[320], version[96];
    const uint32_t v = clnorm_version();
    snprintf(system, sizeof system, "%s · driver %s · %s", info->platform_name, info->driver, info->opencl_c);
    snprintf(version, sizeof version, "clnorm %u.%u.%u · photo %d × %d, u8 → f32", v >> 16, v >> 8 & 255,
             v & 255, p->width, p->height);
    const bool own = !strcmp(o->photo, DEMO_PHOTO);
    const sheet s = {
        "clnorm",     "Normalization for vision on any OpenCL device: every op on one photograph",
        info->name,   system,
        version,      own ? footer : footer_other,
        pg->sections, pg->nsections
    };
    return sheet_write(&s, o->output, DEMO_FONTS);
}

static int show(engine *e, const clnorm_device *info, const photo *p, const demo_options *o, double since)
{
    page *pg = (page *)calloc(1, sizeof *pg);
    if (!pg)
        return fail(BAD_RUN, "page", "not enough memory");
    putchar('\n');
    const char *why = page_fill(pg, e, p);
    int code = why ? fail(BAD_RUN, info->name, why) : DONE;
    putchar('\n');
    since = stage("normalize", since);
    if (!code && (why = draw(pg, info, p, o)) != NULL)
        code = fail(BAD_OUTPUT, o->output, why);
    if (!code) {
        stage("draw", since);
        printf("\n%zu pictures in %s\n", pg->ntiles, o->output);
    }
    page_free(pg);
    return code;
}

int main(int argc, char **argv)
{
    demo_options o = { getenv("CLNORM_DEVICE"), "demo.png", DEMO_PHOTO };
    const int code = parse(&o, argc, argv);
    if (code >= 0)
        return code;
    double since = stage(NULL, 0.0);
    photo p = { 0, 0, NULL };
    const char *why = photo_read(&p, o.photo);
    if (why)
        return fail(BAD_INPUT, o.photo, why);
    since = stage("read the photograph", since);

    engine *e;
    const clnorm_device *info;
    const clnorm_status status = engine_open(&e, o.device, &info);
    int result = NO_DEVICE;
    if (status) {
        const bool none = status == CLNORM_ENODEVICE || status == CLNORM_EDEVICE;
        result = fail(none ? NO_DEVICE : BAD_RUN, "device", clnorm_last_error(NULL));
    } else {
        since = stage("open the device and build the kernels", since);
        printf("\ndevice %s: %s (%s, driver %s)\n", info->id, info->name, info->platform_name, info->driver);
        result = show(e, info, &p, &o, since);
        engine_close(e);
    }
    photo_free(&p);
    return result;
}

/* page.c -- which ops the demo shows on which photograph, and the tiles that come of it. */
#include "page.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One tile: an op with its attributes and how it is shown. low = high = 0: as the job's preset or, without
 * one, the array's own range says. */
typedef struct page_case {
    engine_job job;
    const char *name, *formula, *note;
    double low, high;
} page_case;

static const page_case adaptive[] = {
    { { "totensor", NULL, 0, false }, "totensor", "y = x / 255", "fixed map, channels first", 0, 1 },
    { { "minmax", NULL, CLNORM_SCOPE_IMAGE, false },
      "minmax, image",
      "y = (x − min) / (max − min)",
      "one min and max for the image",
      0,
      1 },
    { { "minmax", NULL, CLNORM_SCOPE_CHANNEL, false },
      "minmax, channel",
      "y = (x − min) / (max − min)",
      "min and max of each channel",
      0,
      1 },
    { { "zscore", NULL, CLNORM_SCOPE_IMAGE, false },
      "zscore, image",
      "y = (x − mean) / std",
      "one mean and std for the image",
      -2.5,
      2.5 },
    { { "zscore", NULL, CLNORM_SCOPE_CHANNEL, false },
      "zscore, channel",
      "y = (x − mean) / std",
      "mean and std of each channel",
      -2.5,
      2.5 },
};

#define NORMALIZE "y = (x / 255 − mean) / std"
static const page_case fixed[] = {
    { { "symmetric", NULL, 0, false }, "symmetric", "y = 2 · x / 255 − 1", "fixed map to −1 … 1", -1, 1 },
    { { "normalize", "imagenet", 0, false }, "normalize, imagenet", NORMALIZE, NULL, 0, 0 },
    { { "normalize", "half", 0, false }, "normalize, half", NORMALIZE, NULL, 0, 0 },
    { { "normalize", "clip", 0, false }, "normalize, clip", NORMALIZE, NULL, 0, 0 },
    { { "normalize", "cifar10", 0, false }, "normalize, cifar10", NORMALIZE, NULL, 0, 0 },
    { { "denormalize", "imagenet", 0, true }, "denormalize", "x = 255 · (y · std + mean)", NULL, 0, 255 },
};
#undef NORMALIZE

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* mean and std as one reads them in papers: .485 rather than 0.485000. */
static void list_values(char *out, size_t room, const char *title, const float *v, uint32_t n)
{
    size_t used = (size_t)snprintf(out, room, "%s", title);
    for (uint32_t c = 0; c < n && used < room; c++) {
        char text[32];
        snprintf(text, sizeof text, "%.3g", (double)v[c]);
        used += (size_t)snprintf(out + used, room - used, " %s", text + (text[0] == '0' && text[1] == '.'));
    }
}

/* The note and the range of a preset: what black (0) and white (1) become in the widest channel. */
static void use_preset(tile *t, const char *preset, bool set_range)
{
    float mean[CLNORM_MAX_CHANNELS], std[CLNORM_MAX_CHANNELS];
    uint32_t n = 0;
    char means[48], stds[48];
    if (clnorm_preset(preset, mean, std, &n))
        return;
    list_values(means, sizeof means, "mean", mean, n);
    list_values(stds, sizeof stds, "std", std, n);
    snprintf(t->note, sizeof t->note, "%s · %s", means, stds);
    for (uint32_t c = 0; set_range && c < n; c++) {
        const double low = -(double)mean[c] / (double)std[c], high = (1.0 - (double)mean[c]) / (double)std[c];
        t->low = c && t->low < low ? t->low : low;
        t->high = c && t->high > high ? t->high : high;
    }
}

/* How much of the photograph came back from the way there and back. */
static void note_restored(tile *t, const float *values, const photo *p)
{
    const size_t bytes = photo_bytes(p), plane = bytes / 3;
    size_t same = 0;
    for (size_t i = 0; i < bytes; i++)
        same += values[i % 3 * plane + i / 3] == (float)p->rgb[i];
    if (same == bytes)
        snprintf(t->note, sizeof t->note, "all %zu bytes are the photo's again", bytes);
    else
        snprintf(t->note, sizeof t->note, "%zu of %zu bytes are the photo's", same, bytes);
}

static void widest_range(tile *t)
{
    t->low = t->stats[0].min;
    t->high = t->stats[0].max;
    for (int c = 1; c < TILE_CHANNELS; c++) {
        t->low = t->stats[c].min < t->low ? t->stats[c].min : t->low;
        t->high = t->stats[c].max > t->high ? t->stats[c].max : t->high;
    }
    if (!(t->high > t->low))
        t->high = t->low + 1.0;
}

/* A result as the next tile. */
static const char *add_tile(page *pg, const page_case *c, const engine_result *r, const photo *p)
{
    tile *t = &pg->tiles[pg->ntiles];
    snprintf(t->name, sizeof t->name, "%s", c->name);
    snprintf(t->formula, sizeof t->formula, "%s", c->formula);
    snprintf(t->note, sizeof t->note, "%s", c->note ? c->note : "");
    memcpy(t->stats, r->stats, sizeof t->stats);
    t->low = c->low;
    t->high = c->high;
    t->whole = c->high >= 255;
    if (r->ms > 0.0)
        snprintf(t->time, sizeof t->time, "%.2f ms", r->ms);
    if (c->job.preset)
        use_preset(t, c->job.preset, !c->job.back);
    else if (!(t->high > t->low))
        widest_range(t);
    if (c->job.back)
        note_restored(t, r->values, p);
    if (!tile_fill(t, r->values, p->width, p->height))
        return "not enough memory for the picture";
    pg->ntiles++;
    return NULL;
}

static const char *run_case(page *pg, engine *e, const char *input, const page_case *c, const photo *p)
{
    engine_result r;
    if (pg->ntiles >= PAGE_TILES)
        return "the page is full";
    if (engine_run(e, &r, &c->job, p))
        return clnorm_last_error(NULL);
    const char *plan = strchr(r.plan, ' '); /* behind "op:", which stands in the row already */
    printf("  %-13s %-20s %9.3f  %s\n", input, c->name, r.ms, plan ? plan : r.plan);
    fflush(stdout);
    const char *why = add_tile(pg, c, &r, p);
    engine_result_free(&r);
    pg->sections[pg->nsections].ntiles += !why;
    return why;
}

static void begin_section(page *pg, const char *title, const char *text)
{
    const sheet_section s = { title, text, pg->tiles + pg->ntiles, 0 };
    pg->sections[pg->nsections] = s;
}

/* A photograph as it is, then under the ops whose map depends on it. */
static const char *fill_adaptive(page *pg, engine *e, const char *input, const char *note, const photo *p)
{
    const page_case as_is = {
        { NULL, NULL, 0, false }, "input", "x: red, green, blue, one byte each", note, 0, 255
    };
    engine_result r;
    if (engine_measure(e, &r, p))
        return clnorm_last_error(NULL);
    const char *why = add_tile(pg, &as_is, &r, p);
    engine_result_free(&r);
    pg->sections[pg->nsections].ntiles += !why;
    for (size_t k = 0; !why && k < COUNT(adaptive); k++)
        why = run_case(pg, e, input, &adaptive[k], p);
    pg->nsections += !why;
    return why;
}

static bool is_shown(const char *op)
{
    for (size_t k = 0; k < COUNT(adaptive); k++)
        if (!strcmp(adaptive[k].job.op, op))
            return true;
    for (size_t k = 0; k < COUNT(fixed); k++)
        if (!strcmp(fixed[k].job.op, op))
            return true;
    return !strcmp(op, "moments"); /* its results are the numbers under the tiles */
}

/* Ops that the library has and the tables above do not: with their defaults, as far as they take a photo. */
static const char *fill_others(page *pg, engine *e, const photo *p)
{
    begin_section(pg, "And more",
                  "Further ops of the library with their defaults, shown from their least to their "
                  "largest value.");
    for (size_t k = 0; clnorm_op_at(k) && pg->ntiles < PAGE_TILES; k++) {
        const clnorm_op_info *info = clnorm_op_at(k);
        const page_case c = {
            { info->name, NULL, 0, false }, info->name, info->formula, info->reduces, 0, 0
        };
        if (info->layer || info->matrix) /* takes features, not photographs */
            continue;
        const char *why = is_shown(info->name) ? NULL : run_case(pg, e, "photograph", &c, p);
        if (why)
            printf("  %-13s %-20s %9s   not shown: %s\n", "photograph", info->name, "-", why);
    }
    pg->nsections += pg->sections[pg->nsections].ntiles > 0;
    return NULL;
}

/* The photograph and what was done to it, channel by channel. */
static const struct {
    const char *input, *note, *title, *text;
    int low[3], high[3];
} rows[] = {
    { "photograph",
      "as decoded from the file",
      "The photograph",
      "A fixed map only rescales. minmax asks for the least and the largest value; zscore moves the mean "
      "to 0, the spread to 1.",
      { 0, 0, 0 },
      { 255, 255, 255 } },
    { "low contrast",
      "0 … 255 squeezed into 96 … 160",
      "The same, low in contrast",
      "A fixed map keeps it flat. minmax and zscore measure the picture first and give back what the row "
      "above has.",
      { 96, 96, 96 },
      { 160, 160, 160 } },
    { "colour cast",
      "each channel squeezed differently",
      "The same, with a colour cast",
      "One statistic for the whole image keeps the cast. One per channel removes it: those two tiles are "
      "the first row's.",
      { 70, 34, 10 },
      { 250, 180, 100 } },
};

const char *page_fill(page *pg, engine *e, const photo *p)
{
    const char *why = NULL;
    printf("  %-13s %-20s %9s   %s\n", "input", "op", "ms", "plan");
    for (size_t k = 0; !why && k < COUNT(rows); k++) {
        photo spoilt;
        begin_section(pg, rows[k].title, rows[k].text);
        why = photo_squeezed(&spoilt, p, rows[k].low, rows[k].high);
        if (!why)
            why = fill_adaptive(pg, e, rows[k].input, rows[k].note, &spoilt);
        photo_free(&spoilt);
    }
    begin_section(pg, "What networks expect",
                  "The photograph under the constants that vision models were trained with, and the way back "
                  "to bytes.");
    for (size_t k = 0; !why && k < COUNT(fixed); k++)
        why = run_case(pg, e, "photograph", &fixed[k], p);
    pg->nsections += !why;
    return why ? why : fill_others(pg, e, p);
}

void page_free(page *pg)
{
    for (size_t k = 0; k < pg->ntiles; k++)
        tile_free(&pg->tiles[k]);
    free(pg);
}

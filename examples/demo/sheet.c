/* sheet.c -- the contact sheet: sections of tiles on one page, written as a PNG. */
#include "sheet.h"

#include "draw.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The page, in pixels. */
enum { COLUMNS = 6, MARGIN = 48, GAP = 20, PAD = 14, PICTURE = 258, CARD = PICTURE + 2 * PAD };
enum { HEADER = 140, SECTION = 62, FOOTER = 108, PAGE = 2 * MARGIN + COLUMNS * CARD + (COLUMNS - 1) * GAP };
enum { CAPTION = 70, PLOT = 66, BAR = 6, TICKS = 20, ROW = 16, NUMBERS = 4 * ROW + 6 };
enum { CARD_HEIGHT = CAPTION + PICTURE + 12 + PLOT + BAR + TICKS + NUMBERS + PAD - 2 };
enum {
    PAPER = 0xf4f3ef,
    WHITE = 0xffffff,
    EDGE = 0xdedcd5,
    SHADE = 0xd3d0c8,
    INK = 0x22252a,
    GREY = 0x6d7178
};
enum { FAINT = 0xa9acb2, RULE = 0xe8e6e0 };

static const int channel_colour[TILE_CHANNELS] = { 0xc8394b, 0x23915a, 0x2f6bd8 };

static draw_style style(draw_face face, double size, int colour)
{
    const draw_style s = { face, size, colour };
    return s;
}

static size_t section_rows(const sheet_section *s) { return (s->ntiles + COLUMNS - 1) / COLUMNS; }

static int page_height(const sheet *s)
{
    int height = HEADER + FOOTER;
    for (size_t k = 0; k < s->nsections; k++)
        height += SECTION + (int)section_rows(&s->sections[k]) * (CARD_HEIGHT + GAP);
    return height;
}

/* A number with a true minus sign; -0 is 0. */
static const char *number(char *out, size_t room, const char *format, double value)
{
    char text[40];
    snprintf(text, sizeof text, format, value);
    const bool minus = text[0] == '-' && strspn(text, "-0.") != strlen(text);
    snprintf(out, room, "%s%s", minus ? "−" : "", text + (text[0] == '-'));
    return out;
}

/* The view, fitted into the square picture field. */
static void paint_picture(draw_pen *pen, int x, int y, const tile *t)
{
    gdImagePtr view = gdImageCreateTrueColor(t->width, t->height);
    if (!view)
        return;
    const uint8_t *p = t->view;
    for (int row = 0; row < t->height; row++)
        for (int col = 0; col < t->width; col++, p += 3)
            gdImageSetPixel(view, col, row, gdTrueColor(p[0], p[1], p[2]));
    const double fit = (double)PICTURE / (t->width > t->height ? t->width : t->height);
    const int w = (int)fmax(1.0, round(t->width * fit)), h = (int)fmax(1.0, round(t->height * fit));
    draw_box(pen, x, y, PICTURE, PICTURE, PAPER);
    gdImageCopyResampled(pen->im, view, x + (PICTURE - w) / 2, y + (PICTURE - h) / 2, 0, 0, w, h, t->width,
                         t->height);
    gdImageDestroy(view);
}

static void plot_curve(gdImagePtr im, const float *curve, int colour, int scale)
{
    enum { POINTS = TILE_BINS + 2 };
    gdPoint p[POINTS];
    const int w = gdImageSX(im), h = gdImageSY(im);
    for (int i = 0; i < TILE_BINS; i++) {
        p[i].x = (int)lround((double)i * (w - 1) / (TILE_BINS - 1));
        p[i].y = h - 1 - (int)lround((double)curve[i] * (h - 1 - 2 * scale));
    }
    p[TILE_BINS].x = w - 1;
    p[TILE_BINS + 1].x = 0;
    p[TILE_BINS].y = p[TILE_BINS + 1].y = h - 1;
    gdImageSetThickness(im, 1);                              /* it counts for the lines of a fill, too */
    gdImageFilledPolygon(im, p, POINTS, colour | 108 << 24); /* 127 is fully transparent */
    gdImageSetThickness(im, scale + 1);
    for (int i = 1; i < TILE_BINS; i++)
        gdImageLine(im, p[i - 1].x, p[i - 1].y, p[i].x, p[i].y, colour);
}

/* Drawn several times too large and sampled down: gd's own lines are not smooth when they are thick. */
static void paint_plot(draw_pen *pen, int x, int y, const tile *t)
{
    enum { SCALE = 4 };
    gdImagePtr im = gdImageCreateTrueColor(PICTURE * SCALE, PLOT * SCALE);
    if (!im)
        return;
    gdImageFilledRectangle(im, 0, 0, gdImageSX(im), gdImageSY(im), WHITE);
    if (t->low < 0.0 && t->high > 0.0) {
        const int zero = (int)lround(-t->low / (t->high - t->low) * PICTURE) * SCALE;
        gdImageFilledRectangle(im, zero, 0, zero + SCALE - 1, PLOT * SCALE, EDGE);
    }
    for (int c = TILE_CHANNELS - 1; c >= 0; c--)
        plot_curve(im, t->curve[c], channel_colour[c], SCALE);
    gdImageCopyResampled(pen->im, im, x, y, 0, 0, PICTURE, PLOT, gdImageSX(im), gdImageSY(im));
    gdImageDestroy(im);
    if (t->beyond >= 0.0005) {
        char text[48];
        snprintf(text, sizeof text, "%.1f %% clipped", 100.0 * t->beyond);
        draw_text(pen, x + PICTURE, y + 9, 0, DRAW_RIGHT, style(DRAW_PLAIN, 7.0, GREY), text);
    }
}

/* The axis is the mapping itself: black at its left end, white at its right. */
static void paint_axis(draw_pen *pen, int x, int y, const tile *t)
{
    const draw_style s = style(DRAW_PLAIN, 7.5, GREY);
    const char *format = t->whole ? "%.0f" : "%.3g";
    char text[48];
    for (int i = 0; i < PICTURE; i++) {
        const int level = i * 255 / (PICTURE - 1);
        draw_box(pen, x + i, y, 1, BAR, gdTrueColor(level, level, level));
    }
    gdImageRectangle(pen->im, x, y, x + PICTURE - 1, y + BAR - 1, FAINT);
    draw_text(pen, x, y + BAR + 13, 0, DRAW_LEFT, s, number(text, sizeof text, format, t->low));
    draw_text(pen, x + PICTURE, y + BAR + 13, 0, DRAW_RIGHT, s, number(text, sizeof text, format, t->high));
    if (t->low < 0.0 && t->high > 0.0) {
        const int zero = x + (int)lround(-t->low / (t->high - t->low) * PICTURE);
        draw_text(pen, zero, y + BAR + 13, 0, DRAW_CENTRE, s, "0");
    }
}

static void paint_numbers(draw_pen *pen, int x, int y, const tile *t)
{
    static const char *const head[] = { "min", "mean", "std", "max" };
    enum { FIRST = 22, STEP = (PICTURE - FIRST) / 4 };
    const draw_style label = style(DRAW_PLAIN, 8.0, GREY), value = style(DRAW_PLAIN, 8.5, INK);
    char text[48];
    draw_box(pen, x, y, PICTURE, 1, RULE);
    y += ROW;
    for (int k = 0; k < 4; k++)
        draw_text(pen, x + FIRST + STEP * (k + 1), y, 0, DRAW_RIGHT, label, head[k]);
    for (int c = 0; c < TILE_CHANNELS; c++) {
        const tile_stats *s = &t->stats[c];
        const double v[] = { s->min, s->mean, s->std, s->max };
        const char rgb[] = { "RGB"[c], '\0' };
        y += ROW;
        draw_text(pen, x, y, 0, DRAW_LEFT, style(DRAW_BOLD, 8.5, channel_colour[c]), rgb);
        for (int k = 0; k < 4; k++) {
            const bool integer = t->whole && (k == 0 || k == 3);
            number(text, sizeof text, integer ? "%.0f" : t->whole ? "%.1f" : "%.3f", v[k]);
            draw_text(pen, x + FIRST + STEP * (k + 1), y, 0, DRAW_RIGHT, value, text);
        }
    }
}

static void paint_card(draw_pen *pen, int x, int y, const tile *t)
{
    draw_box(pen, x + 1, y + 1, CARD, CARD_HEIGHT + 1, SHADE);
    draw_box(pen, x, y, CARD, CARD_HEIGHT, EDGE);
    draw_box(pen, x + 1, y + 1, CARD - 2, CARD_HEIGHT - 2, WHITE);
    x += PAD;
    const int time =
        draw_text(pen, x + PICTURE, y + 25, 0, DRAW_RIGHT, style(DRAW_PLAIN, 8.0, GREY), t->time);
    draw_text(pen, x, y + 25, PICTURE - time - 8, DRAW_LEFT, style(DRAW_BOLD, 10.5, INK), t->name);
    draw_text(pen, x, y + 43, PICTURE, DRAW_LEFT, style(DRAW_PLAIN, 9.0, INK), t->formula);
    draw_text(pen, x, y + 59, PICTURE, DRAW_LEFT, style(DRAW_PLAIN, 8.0, GREY), t->note);
    y += CAPTION;
    paint_picture(pen, x, y, t);
    y += PICTURE + 12;
    paint_plot(pen, x, y, t);
    y += PLOT;
    paint_axis(pen, x, y, t);
    paint_numbers(pen, x, y + BAR + TICKS, t);
}

static int paint_section(draw_pen *pen, int y, const sheet_section *s)
{
    const int title = draw_text(pen, MARGIN, y + 32, 0, DRAW_LEFT, style(DRAW_BOLD, 14.0, INK), s->title);
    draw_text(pen, MARGIN + title + 16, y + 32, PAGE - 2 * MARGIN - title - 16, DRAW_LEFT,
              style(DRAW_PLAIN, 10.5, GREY), s->text);
    y += SECTION - 12;
    for (size_t k = 0; k < s->ntiles; k++)
        paint_card(pen, MARGIN + (int)(k % COLUMNS) * (CARD + GAP),
                   y + (int)(k / COLUMNS) * (CARD_HEIGHT + GAP), &s->tiles[k]);
    return y + 12 + (int)section_rows(s) * (CARD_HEIGHT + GAP);
}

static void paint_header(draw_pen *pen, const sheet *s)
{
    const int right = PAGE - MARGIN, half = (PAGE - 2 * MARGIN) / 2 - GAP;
    draw_text(pen, MARGIN - 2, 78, half, DRAW_LEFT, style(DRAW_BOLD, 34.0, INK), s->title);
    draw_text(pen, MARGIN, 108, half, DRAW_LEFT, style(DRAW_PLAIN, 13.0, GREY), s->subtitle);
    draw_text(pen, right, 62, half, DRAW_RIGHT, style(DRAW_BOLD, 11.0, INK), s->device);
    draw_text(pen, right, 85, half, DRAW_RIGHT, style(DRAW_PLAIN, 10.0, GREY), s->system);
    draw_text(pen, right, 108, half, DRAW_RIGHT, style(DRAW_PLAIN, 10.0, GREY), s->version);
    draw_box(pen, MARGIN, 128, PAGE - 2 * MARGIN, 1, SHADE);
}

static const char *save(gdImagePtr im, const char *file)
{
    char part[1024];
    if (snprintf(part, sizeof part, "%s.part", file) >= (int)sizeof part)
        return "the name of the output file is too long";
    FILE *f = fopen(part, "wb");
    if (!f)
        return "the output file cannot be written";
    gdImagePngEx(im, f, 6);
    const bool bad = ferror(f) != 0;
    if (fclose(f) || bad || rename(part, file)) {
        remove(part);
        return "the output file cannot be written";
    }
    return NULL;
}

const char *sheet_write(const sheet *s, const char *file, const char *font_dir)
{
    draw_pen pen;
    const int height = page_height(s);
    if (!draw_open(&pen, PAGE, height, PAPER, font_dir))
        return "not enough memory for the picture";
    paint_header(&pen, s);
    int y = HEADER;
    for (size_t k = 0; k < s->nsections; k++)
        y = paint_section(&pen, y, &s->sections[k]);
    draw_box(&pen, MARGIN, y, PAGE - 2 * MARGIN, 1, SHADE);
    draw_words(&pen, MARGIN, y + 32, PAGE - 2 * MARGIN, 22, style(DRAW_PLAIN, 10.0, GREY), s->footer);
    const char *why = save(pen.im, file);
    draw_close(&pen);
    return why;
}

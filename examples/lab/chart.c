/* chart.c -- the figure of a table: a line per row, a dot per seed.
 *
 * The lines are drawn several times too large and sampled down: gd's own are not smooth when they are thick.
 */
#include "chart.h"

#include "../demo/draw.h"

#include <math.h>
#include <stdio.h>

/* In pixels. */
enum { WIDTH = 720, HEIGHT = 400, LEFT = 62, RIGHT = 170, TOP = 62, BOTTOM = 58, SCALE = 4 };
enum { PLOT_WIDTH = WIDTH - LEFT - RIGHT, PLOT_HEIGHT = HEIGHT - TOP - BOTTOM, INSET = 24, EDGE = 8 };
enum { WHITE = 0xffffff, INK = 0x22252a, GREY = 0x6d7178, RULE = 0xe8e6e0 };
enum { TICKS = 5, LEADING = 17 };

static const int colours[TABLE_ROWS] = { 0x8a8d93, 0x2f6bd8, 0xc8394b, 0x23915a, 0xd98b1f, 0x7a4bb5 };

static draw_style style(draw_face face, double size, int colour)
{
    const draw_style s = { face, size, colour };
    return s;
}

/* Places in the plot, from its upper left corner. */
static double place_x(const table *t, int column)
{
    return INSET + (double)(PLOT_WIDTH - 2 * INSET) * column / (t->columns > 1 ? t->columns - 1 : 1);
}

static double place_y(const table *t, double value)
{
    return EDGE + (PLOT_HEIGHT - 2 * EDGE) * (1.0 - fmin(fmax(value / t->high, 0.0), 1.0));
}

static int large(double pixels) { return (int)lround(pixels * SCALE); }

static void plot_row(gdImagePtr im, const table *t, int row)
{
    const int colour = colours[row];
    gdImageSetThickness(im, 2 * SCALE);
    for (int c = 1; c < t->columns; c++)
        gdImageLine(im, large(place_x(t, c - 1)), large(place_y(t, table_mean(t, row, c - 1))),
                    large(place_x(t, c)), large(place_y(t, table_mean(t, row, c))), colour);
    for (int c = 0; c < t->columns; c++) {
        const int x = large(place_x(t, c));
        for (int s = 0; s < TABLE_SEEDS; s++)
            gdImageFilledEllipse(im, x, large(place_y(t, t->value[row][c][s])), 7 * SCALE, 7 * SCALE,
                                 colour | 70 << 24); /* 127 is fully transparent */
    }
}

static bool paint_plot(draw_pen *pen, const table *t)
{
    gdImagePtr im = gdImageCreateTrueColor(PLOT_WIDTH * SCALE, PLOT_HEIGHT * SCALE);
    if (!im)
        return false;
    gdImageFilledRectangle(im, 0, 0, gdImageSX(im), gdImageSY(im), WHITE);
    for (int k = 0; k <= TICKS; k++) {
        const int y = large(place_y(t, t->high * k / TICKS));
        gdImageFilledRectangle(im, 0, y - SCALE / 2, gdImageSX(im), y + SCALE / 2 - 1, RULE);
    }
    for (int r = 0; r < t->rows; r++)
        plot_row(im, t, r);
    gdImageCopyResampled(pen->im, im, LEFT, TOP, 0, 0, PLOT_WIDTH, PLOT_HEIGHT, gdImageSX(im), gdImageSY(im));
    gdImageDestroy(im);
    return true;
}

static void write_axes(draw_pen *pen, const table *t)
{
    char text[24];
    const draw_style small = style(DRAW_PLAIN, 9.0, GREY);
    for (int k = 0; k <= TICKS; k++) {
        const double value = t->high * k / TICKS;
        snprintf(text, sizeof text, "%.*f", t->high > 5.0 ? 0 : 1, value);
        draw_text(pen, LEFT - 8, TOP + (int)lround(place_y(t, value)) + 4, 0, DRAW_RIGHT, small, text);
    }
    for (int c = 0; c < t->columns; c++)
        draw_text(pen, LEFT + (int)lround(place_x(t, c)), HEIGHT - BOTTOM + 16, 0, DRAW_CENTRE, small,
                  t->column[c]);
    draw_text(pen, LEFT + PLOT_WIDTH / 2, HEIGHT - BOTTOM + 38, 0, DRAW_CENTRE, style(DRAW_PLAIN, 9.5, INK),
              t->x_title);
    draw_text(pen, 14, TOP - 8, 0, DRAW_LEFT, style(DRAW_PLAIN, 9.5, INK), t->y_title);
}

static void write_legend(draw_pen *pen, const table *t)
{
    for (int r = 0; r < t->rows; r++) {
        const int y = TOP + EDGE + 10 + r * (LEADING + 4);
        draw_box(pen, WIDTH - RIGHT + 12, y - 7, 14, 4, colours[r]);
        draw_text(pen, WIDTH - RIGHT + 32, y, RIGHT - 36, DRAW_LEFT, style(DRAW_PLAIN, 9.5, INK), t->row[r]);
    }
}

const char *chart_write(const table *t, const char *file, const char *fonts)
{
    draw_pen pen;
    if (!draw_open(&pen, WIDTH, HEIGHT, WHITE, fonts))
        return "not enough memory";
    const bool painted = paint_plot(&pen, t);
    write_axes(&pen, t);
    write_legend(&pen, t);
    draw_text(&pen, 14, 26, WIDTH - 28, DRAW_LEFT, style(DRAW_BOLD, 11.0, INK), t->title);
    FILE *f = painted ? fopen(file, "wb") : NULL;
    if (f)
        gdImagePngEx(pen.im, f, 9);
    const bool bad = f && ferror(f);
    const bool closed = f && !fclose(f);
    draw_close(&pen);
    return !painted ? "not enough memory" : bad || !closed ? "it cannot be written" : NULL;
}

/* draw.h -- text and shapes on a libgd picture: the only file of the demo that knows fonts. */
#ifndef DEMO_DRAW_H
#define DEMO_DRAW_H

#include <gd.h>
#include <stdbool.h>

typedef enum draw_face { DRAW_PLAIN, DRAW_BOLD, DRAW_FACES } draw_face;
typedef enum draw_align { DRAW_LEFT, DRAW_CENTRE, DRAW_RIGHT } draw_align;

/* How a piece of text looks; size in points. */
typedef struct draw_style {
    draw_face face;
    double size;
    int colour; /* 0xRRGGBB */
} draw_style;

/* A picture and the fonts to write on it; without a font file, gd's built-in bitmap font. */
typedef struct draw_pen {
    gdImagePtr im;
    char font[DRAW_FACES][512];
    bool has_font;
} draw_pen;

/* A pen on a new true-colour picture, looking for DejaVu in `dir` and in the usual places. False when there
 * is no memory. */
bool draw_open(draw_pen *pen, int width, int height, int background, const char *dir);
void draw_close(draw_pen *pen);

/* Width in pixels of UTF-8 text. */
int draw_width(const draw_pen *pen, draw_style style, const char *text);
/* Writes text with its baseline at y, cut with an ellipsis where it is wider than room (0: no limit).
 * Returns the width written. */
int draw_text(draw_pen *pen, int x, int y, int room, draw_align align, draw_style style, const char *text);
/* Writes words from x, y in lines of at most `room` pixels, `leading` apart; returns the number of lines. */
int draw_words(draw_pen *pen, int x, int y, int room, int leading, draw_style style, const char *text);

/* A filled box; w and h in pixels. */
void draw_box(draw_pen *pen, int x, int y, int w, int h, int colour);

#endif

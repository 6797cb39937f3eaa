/* draw.c -- text and shapes on a libgd picture: the only file of the demo that knows fonts. */
#include "draw.h"

#include <gdfontl.h>
#include <gdfonts.h>
#include <stdio.h>
#include <string.h>

enum { TEXT_ROOM = 512 };

static bool readable(const char *name)
{
    FILE *f = fopen(name, "rb");
    if (f)
        fclose(f);
    return f != NULL;
}

static bool find_fonts(draw_pen *pen, const char *dir)
{
    static const char *const file[DRAW_FACES] = { "DejaVuSans.ttf", "DejaVuSans-Bold.ttf" };
    const char *const dirs[] = { dir,
                                 "/usr/share/fonts/truetype/dejavu",
                                 "/usr/share/fonts/dejavu",
                                 "/usr/share/fonts/dejavu-sans-fonts",
                                 "/usr/share/fonts/TTF",
                                 "/usr/local/share/fonts/dejavu" };
    for (size_t d = 0; d < sizeof dirs / sizeof *dirs; d++) {
        int found = 0;
        for (int f = 0; dirs[d] && f < DRAW_FACES; f++) {
            snprintf(pen->font[f], sizeof pen->font[f], "%s/%s", dirs[d], file[f]);
            found += readable(pen->font[f]);
        }
        if (found == DRAW_FACES)
            return true;
    }
    return false;
}

bool draw_open(draw_pen *pen, int width, int height, int background, const char *dir)
{
    pen->im = gdImageCreateTrueColor(width, height);
    if (!pen->im)
        return false;
    pen->has_font = find_fonts(pen, dir);
    draw_box(pen, 0, 0, width, height, background);
    return true;
}

void draw_close(draw_pen *pen)
{
    if (pen->im)
        gdImageDestroy(pen->im);
    pen->im = NULL;
}

/* gd's own font knows Latin only: what the sheet writes beyond ASCII, and how it looks there. */
static void to_ascii(char *out, size_t room, const char *text)
{
    static const struct {
        const char *from, *to;
    } map[] = { { "−", "-" }, { "·", "*" }, { "×", "x" }, { "…", ".." }, { "→", "->" }, { "–", "-" } };
    size_t n = 0;
    while (*text && n + 3 < room) {
        size_t k = 0;
        while (k < sizeof map / sizeof *map && strncmp(text, map[k].from, strlen(map[k].from)) != 0)
            k++;
        if (k < sizeof map / sizeof *map) {
            for (const char *p = map[k].to; *p; p++)
                out[n++] = *p;
            text += strlen(map[k].from);
        } else {
            out[n++] = (unsigned char)*text < 0x80 ? *text : '?';
            text++;
        }
    }
    out[n] = '\0';
}

static gdFontPtr bitmap_font(draw_style style)
{
    return style.size > 10.5 ? gdFontGetLarge() : gdFontGetSmall();
}

int draw_width(const draw_pen *pen, draw_style style, const char *text)
{
    if (pen->has_font) {
        int box[8];
        char copy[TEXT_ROOM], font[sizeof pen->font[0]];
        snprintf(copy, sizeof copy, "%s", text);
        snprintf(font, sizeof font, "%s", pen->font[style.face]);
        if (!gdImageStringFT(NULL, box, 0, font, style.size, 0.0, 0, 0, copy))
            return box[2] - box[0];
    }
    char ascii[TEXT_ROOM];
    to_ascii(ascii, sizeof ascii, text);
    return (int)strlen(ascii) * bitmap_font(style)->w;
}

/* Drops whole UTF-8 characters from the end until the text and an ellipsis fit. */
static void cut(const draw_pen *pen, draw_style style, char *text, int room)
{
    size_t n = strlen(text);
    while (n > 0 && draw_width(pen, style, text) > room) {
        do
            n--;
        while (n > 0 && ((unsigned char)text[n] & 0xC0) == 0x80);
        snprintf(text + n, TEXT_ROOM - n, "…");
    }
}

static void write_at(draw_pen *pen, int x, int y, draw_style style, char *text)
{
    if (pen->has_font) {
        gdImageStringFT(pen->im, NULL, style.colour, pen->font[style.face], style.size, 0.0, x, y, text);
        return;
    }
    char ascii[TEXT_ROOM];
    gdFontPtr font = bitmap_font(style);
    to_ascii(ascii, sizeof ascii, text);
    gdImageString(pen->im, font, x, y - font->h + 3, (unsigned char *)ascii, style.colour);
}

int draw_text(draw_pen *pen, int x, int y, int room, draw_align align, draw_style style, const char *text)
{
    char copy[TEXT_ROOM];
    snprintf(copy, sizeof copy - 4, "%s", text);
    if (room > 0)
        cut(pen, style, copy, room);
    const int width = draw_width(pen, style, copy);
    write_at(pen, x - (align == DRAW_LEFT ? 0 : align == DRAW_CENTRE ? width / 2 : width), y, style, copy);
    return width;
}

int draw_words(draw_pen *pen, int x, int y, int room, int leading, draw_style style, const char *text)
{
    char line[TEXT_ROOM] = "", longer[TEXT_ROOM];
    int lines = 0;
    while (*text) {
        const size_t word = strcspn(text, " ");
        snprintf(longer, sizeof longer, "%s%s%.*s", line, *line ? " " : "", (int)word, text);
        if (*line && draw_width(pen, style, longer) > room) {
            draw_text(pen, x, y + leading * lines++, 0, DRAW_LEFT, style, line);
            snprintf(longer, sizeof longer, "%.*s", (int)word, text);
        }
        memcpy(line, longer, sizeof line);
        text += word + strspn(text + word, " ");
    }
    if (*line)
        draw_text(pen, x, y + leading * lines++, 0, DRAW_LEFT, style, line);
    return lines;
}

void draw_box(draw_pen *pen, int x, int y, int w, int h, int colour)
{
    gdImageFilledRectangle(pen->im, x, y, x + w - 1, y + h - 1, colour);
}

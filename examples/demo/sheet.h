/* sheet.h -- the contact sheet: sections of tiles on one page, written as a PNG. */
#ifndef DEMO_SHEET_H
#define DEMO_SHEET_H

#include "tile.h"

#include <stddef.h>

typedef struct sheet_section {
    const char *title, *text;
    const tile *tiles;
    size_t ntiles;
} sheet_section;

typedef struct sheet {
    const char *title, *subtitle;
    const char *device, *system, *version; /* the three lines at the right of the header */
    const char *footer;
    const sheet_section *sections;
    size_t nsections;
} sheet;

/* Draws the sheet into `file`, completely or not at all. font_dir may be NULL. Returns NULL, or why not. */
const char *sheet_write(const sheet *s, const char *file, const char *font_dir);

#endif

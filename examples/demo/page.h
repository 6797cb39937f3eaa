/* page.h -- which ops the demo shows on which photograph, and the tiles that come of it. */
#ifndef DEMO_PAGE_H
#define DEMO_PAGE_H

#include "engine.h"
#include "sheet.h"

enum { PAGE_SECTIONS = 5, PAGE_TILES = 48 };

typedef struct page {
    tile tiles[PAGE_TILES];
    size_t ntiles;
    sheet_section sections[PAGE_SECTIONS];
    size_t nsections;
} page;

/* Runs every op on the photograph and on its spoilt copies, printing one row of a table for each on stdout.
 * Returns NULL, or why not. */
const char *page_fill(page *pg, engine *e, const photo *p);
void page_free(page *pg);

#endif

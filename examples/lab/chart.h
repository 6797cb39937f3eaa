/* chart.h -- the figure of a table: a line per row, a dot per seed. */
#ifndef LAB_CHART_H
#define LAB_CHART_H

#include "table.h"

/* Writes a PNG. Returns NULL, or why it could not. */
const char *chart_write(const table *t, const char *file, const char *fonts);

#endif

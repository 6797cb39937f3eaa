/* table.h -- what an experiment measured: printed, drawn, and held against its claim. */
#ifndef LAB_TABLE_H
#define LAB_TABLE_H

#include <stdbool.h>

enum { TABLE_ROWS = 6, TABLE_COLUMNS = 8, TABLE_SEEDS = 3, TABLE_TEXT = 32 };

/* A cell: row, column. */
typedef struct table_cell {
    int row, column;
} table_cell;

typedef struct table {
    const char *name;  /* of the experiment, and of its figure */
    const char *title; /* the claim, in one sentence */
    const char *x_title, *y_title;
    int rows, columns;
    char row[TABLE_ROWS][TABLE_TEXT], column[TABLE_COLUMNS][TABLE_TEXT];
    double value[TABLE_ROWS][TABLE_COLUMNS][TABLE_SEEDS];
    double high; /* the upper end of the axis; the lower is 0 */
    int orders, failed;
} table;

/* Appends a row or a column; the text is as printf's. */
void table_row(table *t, const char *format, ...);
void table_column(table *t, const char *format, ...);
/* Sets `high` by the largest value, to a multiple of 10. */
void table_fit(table *t);
double table_mean(const table *t, int row, int column);
void table_print(const table *t);

/* Asserts that with its worst seed `more` is above `less` with its best, by `margin`. Says so, with the
 * distance of the means in standard errors. */
void table_above(table *t, table_cell more, table_cell less, double margin);
/* Asserts that with every seed `more` is at least `factor` times `less`. */
void table_times(table *t, table_cell more, table_cell less, double factor);
/* Asserts a list of such. */
typedef struct table_order {
    table_cell more, less;
    double margin;
} table_order;
void table_orders(table *t, const table_order *orders, int n);
/* Asserts that the means are within `within` of each other. */
void table_near(table *t, table_cell one, table_cell other, double within);
/* Asserts what only its caller can compare. */
void table_holds(table *t, bool holds, const char *format, ...);

#endif

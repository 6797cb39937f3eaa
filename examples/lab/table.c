/* table.c -- what an experiment measured: printed, and held against its claim. */
#include "table.h"

#include "digits.h"

#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

void table_row(table *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(t->row[t->rows++], TABLE_TEXT, format, args);
    va_end(args);
}

void table_column(table *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(t->column[t->columns++], TABLE_TEXT, format, args);
    va_end(args);
}

void table_fit(table *t)
{
    double largest = 0.0;
    for (int r = 0; r < t->rows; r++)
        for (int c = 0; c < t->columns; c++)
            for (int s = 0; s < TABLE_SEEDS; s++)
                largest = fmax(largest, t->value[r][c][s]);
    t->high = 10.0 * fmax(ceil(largest / 10.0), 1.0);
}

double table_mean(const table *t, int row, int column)
{
    double sum = 0.0;
    for (int s = 0; s < TABLE_SEEDS; s++)
        sum += t->value[row][column][s];
    return sum / TABLE_SEEDS;
}

void table_print(const table *t)
{
    printf("\n%s: %s\n%s against %s, mean of %d seeds\n\n%-24s", t->name, t->title, t->y_title, t->x_title,
           TABLE_SEEDS, "");
    for (int c = 0; c < t->columns; c++)
        printf(" %10s", t->column[c]);
    for (int r = 0; r < t->rows; r++) {
        printf("\n%-24s", t->row[r]);
        for (int c = 0; c < t->columns; c++)
            printf(" %10.3f", table_mean(t, r, c));
    }
    printf("\n\n");
}

static double extreme(const table *t, table_cell cell, bool largest)
{
    double found = t->value[cell.row][cell.column][0];
    for (int s = 1; s < TABLE_SEEDS; s++) {
        const double v = t->value[cell.row][cell.column][s];
        found = largest == (v > found) ? v : found;
    }
    return found;
}

/* Of the mean of an accuracy: from seed to seed, and of the choice of the test images. */
static double squared_error(const table *t, table_cell cell)
{
    const double mean = table_mean(t, cell.row, cell.column);
    double m2 = 0.0;
    for (int s = 0; s < TABLE_SEEDS; s++)
        m2 += pow(t->value[cell.row][cell.column][s] - mean, 2.0);
    return m2 / (TABLE_SEEDS - 1) / TABLE_SEEDS + fmax(mean * (1.0 - mean), 0.0) / DIGITS_TEST;
}

static void verdict(table *t, bool holds)
{
    t->orders++;
    t->failed += !holds;
    printf("  %s  ", holds ? "holds" : "FAILS");
}

void table_above(table *t, table_cell more, table_cell less, double margin)
{
    const double low = extreme(t, more, false), high = extreme(t, less, true);
    const double gap = table_mean(t, more.row, more.column) - table_mean(t, less.row, less.column);
    verdict(t, low - high >= margin);
    printf("%s at %s (%.3f and above) > %s at %s (%.3f and below) + %.2f; %.0f standard errors\n",
           t->row[more.row], t->column[more.column], low, t->row[less.row], t->column[less.column], high,
           margin, gap / sqrt(squared_error(t, more) + squared_error(t, less)));
}

void table_orders(table *t, const table_order *orders, int n)
{
    for (int k = 0; k < n; k++)
        table_above(t, orders[k].more, orders[k].less, orders[k].margin);
}

void table_near(table *t, table_cell one, table_cell other, double within)
{
    const double a = table_mean(t, one.row, one.column), b = table_mean(t, other.row, other.column);
    verdict(t, fabs(a - b) <= within);
    printf("%s at %s (%.3f) = %s at %s (%.3f) +- %.2f\n", t->row[one.row], t->column[one.column], a,
           t->row[other.row], t->column[other.column], b, within);
}

void table_times(table *t, table_cell more, table_cell less, double factor)
{
    double least = DBL_MAX;
    for (int s = 0; s < TABLE_SEEDS; s++)
        least = fmin(least, t->value[more.row][more.column][s] / t->value[less.row][less.column][s]);
    verdict(t, least >= factor);
    printf("%s at %s > %.2f x %s at %s; %.2f x with the worst seed\n", t->row[more.row],
           t->column[more.column], factor, t->row[less.row], t->column[less.column], least);
}

void table_holds(table *t, bool holds, const char *format, ...)
{
    va_list args;
    verdict(t, holds);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
}

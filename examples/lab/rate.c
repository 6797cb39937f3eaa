/* rate.c -- experiment: higher learning rates with normalization. */
#include "lab.h"

static const float rates[] = { 0.5f, 1.0f, 2.0f, 4.0f, 8.0f, 16.0f, 32.0f, 64.0f };
enum { RATE_4 = 3, RATE_16 = 5, RATES = sizeof rates / sizeof *rates };

static const table_order orders[] = {
    { { NORM_NONE, RATE_4 }, { NORM_NONE, RATE_16 }, 0.5 },
    { { NORM_BATCH, RATE_16 }, { NORM_NONE, RATE_16 }, 0.5 },
    { { NORM_LAYER, RATE_16 }, { NORM_NONE, RATE_16 }, 0.5 },
    { { NORM_GROUP, RATE_16 }, { NORM_NONE, RATE_16 }, 0.5 },
};

void lab_rate(lab *l, table *t)
{
    t->title = "Normalized networks learn at rates that break the same network without";
    t->x_title = "learning rate";
    t->y_title = "test accuracy";
    for (int k = NORM_NONE; k <= NORM_GROUP; k++)
        table_row(t, "%s", norm_name[k]);
    for (int k = 0; k < RATES; k++)
        table_column(t, "%g", (double)rates[k]);
    for (int r = 0; r < t->rows; r++)
        for (int c = 0; c < t->columns; c++)
            for (int s = 0; s < TABLE_SEEDS; s++) {
                const net_options o = NET_OPTIONS((norm_kind)r, LAB_SEED + (unsigned)s);
                const net_course course = { 4, 32, rates[c], 100u + LAB_SEED + (unsigned)s };
                t->value[r][c][s] = lab_accuracy(l, DIGITS_ZSCORE, &o, &course);
            }
    table_print(t);
    table_orders(t, orders, sizeof orders / sizeof *orders);
}

/* input.c -- experiment: input scaled or not. */
#include "lab.h"

static const float rates[] = { 0.01f, 0.03f, 0.1f, 0.3f, 1.0f, 3.0f, 10.0f };
enum { RATE_1 = 4, RATE_3 = 5, RATES = sizeof rates / sizeof *rates };

static const table_order orders[] = {
    { { DIGITS_ZSCORE, RATE_1 }, { DIGITS_BYTES, RATE_1 }, 0.5 },
    { { DIGITS_SYMMETRIC, RATE_3 }, { DIGITS_RAW, RATE_3 }, 0.5 },
    { { DIGITS_TOTENSOR, RATE_3 }, { DIGITS_RAW, RATE_3 }, 0.5 },
    { { DIGITS_ZSCORE, RATE_3 }, { DIGITS_RAW, RATE_3 }, 0.5 },
};

void lab_input(lab *l, table *t)
{
    t->title = "At the learning rates of scaled input, unscaled bytes break the network";
    t->x_title = "learning rate";
    t->y_title = "test accuracy";
    for (int k = 0; k < DIGITS_SCALINGS; k++)
        table_row(t, "%s", digits_scaling_name[k]);
    for (int k = 0; k < RATES; k++)
        table_column(t, "%g", (double)rates[k]);
    for (int r = 0; r < t->rows; r++)
        for (int c = 0; c < t->columns; c++)
            for (int s = 0; s < TABLE_SEEDS; s++) {
                const net_options o = NET_OPTIONS(NORM_NONE, LAB_SEED + (unsigned)s);
                const net_course course = { 2, 32, rates[c], 100u + LAB_SEED + (unsigned)s };
                t->value[r][c][s] = lab_accuracy(l, (digits_scaling)r, &o, &course);
            }
    table_print(t);
    table_orders(t, orders, sizeof orders / sizeof *orders);
}

/* channel.c -- experiment: one channel a thousand times the others. */
#include "lab.h"

static const float gains[] = { 1.0f, 10.0f, 100.0f, 1000.0f };
enum { GAIN_1 = 0, GAIN_1000 = 3, GAINS = sizeof gains / sizeof *gains };

static const table_order orders[] = {
    { { NORM_BATCH, GAIN_1000 }, { NORM_LAYER, GAIN_1000 }, 0.05 },
    { { NORM_GROUP, GAIN_1000 }, { NORM_LAYER, GAIN_1000 }, 0.03 },
    { { NORM_LAYER, GAIN_1 }, { NORM_LAYER, GAIN_1000 }, 0.05 },
    { { NORM_LAYER, GAIN_1000 }, { NORM_NONE, GAIN_1000 }, 0.5 },
};

void lab_channel(lab *l, table *t)
{
    t->title = "One channel times 1000 silences whoever shares a statistic with it";
    t->x_title = "gain of channel 0 before the first normalization";
    t->y_title = "test accuracy";
    for (int k = NORM_NONE; k <= NORM_GROUP; k++)
        table_row(t, "%s", norm_name[k]);
    for (int k = 0; k < GAINS; k++)
        table_column(t, "%g", (double)gains[k]);
    for (int r = 0; r < t->rows; r++)
        for (int c = 0; c < t->columns; c++)
            for (int s = 0; s < TABLE_SEEDS; s++) {
                net_options o = NET_OPTIONS((norm_kind)r, LAB_SEED + (unsigned)s);
                const net_course course = { 4, 32, 0.5f, 100u + LAB_SEED + (unsigned)s };
                o.gain = gains[c];
                t->value[r][c][s] = lab_accuracy(l, DIGITS_ZSCORE, &o, &course);
            }
    table_print(t);
    table_orders(t, orders, sizeof orders / sizeof *orders);
    const table_cell before = { NORM_BATCH, GAIN_1 }, after = { NORM_BATCH, GAIN_1000 };
    table_near(t, before, after, 0.01);
}

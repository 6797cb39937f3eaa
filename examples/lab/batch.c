/* batch.c -- experiment: no normalization, batch, layer and group normalization against the batch size. */
#include "lab.h"

static const int batches[] = { 1, 2, 4, 8, 16, 64 };
enum { BATCH_1 = 0, BATCH_2 = 1, BATCH_16 = 4, BATCHES = sizeof batches / sizeof *batches };

static const table_order orders[] = {
    { { NORM_LAYER, BATCH_1 }, { NORM_BATCH, BATCH_1 }, 0.6 },
    { { NORM_GROUP, BATCH_1 }, { NORM_BATCH, BATCH_1 }, 0.6 },
    { { NORM_NONE, BATCH_1 }, { NORM_BATCH, BATCH_1 }, 0.6 },
    { { NORM_LAYER, BATCH_2 }, { NORM_BATCH, BATCH_2 }, 0.1 },
    { { NORM_GROUP, BATCH_2 }, { NORM_BATCH, BATCH_2 }, 0.1 },
    { { NORM_BATCH, BATCH_16 }, { NORM_BATCH, BATCH_2 }, 0.1 },
};

/* The learning rate grows with the batch, so that all see the same images and move as far. */
static const float rate_per_image = 2.0f / 64;

void lab_batch(lab *l, table *t)
{
    t->title = "Batch normalization fails on batches of 1 and 2; layer and group do not";
    t->x_title = "images in a training batch";
    t->y_title = "test accuracy";
    for (int k = NORM_NONE; k <= NORM_GROUP; k++)
        table_row(t, "%s", norm_name[k]);
    for (int k = 0; k < BATCHES; k++)
        table_column(t, "%d", batches[k]);
    for (int r = 0; r < t->rows; r++)
        for (int c = 0; c < t->columns; c++)
            for (int s = 0; s < TABLE_SEEDS; s++) {
                const net_options o = NET_OPTIONS((norm_kind)r, LAB_SEED + (unsigned)s);
                const net_course course = { 2, batches[c], rate_per_image * (float)batches[c],
                                            100u + LAB_SEED + (unsigned)s };
                t->value[r][c][s] = lab_accuracy(l, DIGITS_ZSCORE, &o, &course);
            }
    table_print(t);
    table_orders(t, orders, sizeof orders / sizeof *orders);
    for (int k = NORM_LAYER; k <= NORM_GROUP; k++) {
        const table_cell one = { k, BATCH_1 }, many = { k, BATCH_16 };
        table_near(t, one, many, 0.05);
    }
}

/* inference.c -- experiment: batch normalization left in training mode at inference. */
#include "lab.h"

#include <string.h>

static const int batches[] = { 1, 2, 4, 8, 16, 32, 64 };
enum { BATCH_1 = 0, BATCH_2 = 1, BATCH_64 = 6, BATCHES = sizeof batches / sizeof *batches };

/* The ways to ask one trained network for its classes. */
enum { EVAL, TRAINING, SORTED };

static const table_order orders[] = {
    { { EVAL, BATCH_1 }, { TRAINING, BATCH_1 }, 0.6 },
    { { EVAL, BATCH_2 }, { TRAINING, BATCH_2 }, 0.1 },
    { { EVAL, BATCH_64 }, { SORTED, BATCH_64 }, 0.2 },
    { { TRAINING, BATCH_64 }, { SORTED, BATCH_64 }, 0.2 },
};

void lab_inference(lab *l, table *t)
{
    int changed = 0;
    t->title = "Left in training mode at inference, an answer depends on its batch";
    t->x_title = "images in an inference batch";
    t->y_title = "test accuracy";
    table_row(t, "eval");
    table_row(t, "training mode");
    table_row(t, "training, sorted");
    for (int k = 0; k < BATCHES; k++)
        table_column(t, "%d", batches[k]);
    for (int s = 0; s < TABLE_SEEDS; s++) {
        net n;
        uint8_t first[DIGITS_TEST], taken[DIGITS_TEST];
        const net_options o = NET_OPTIONS(NORM_BATCH, LAB_SEED + (unsigned)s);
        const net_course course = { 3, 32, 1.0f, 100u + LAB_SEED + (unsigned)s };
        lab_net(l, &n, DIGITS_ZSCORE, &o);
        net_train(&n, &course);
        for (int c = 0; c < BATCHES; c++) {
            t->value[EVAL][c][s] = net_test(&n, NORM_EVAL, batches[c], false, taken);
            t->value[TRAINING][c][s] = net_test(&n, NORM_AS_TRAINED, batches[c], false, NULL);
            t->value[SORTED][c][s] = net_test(&n, NORM_AS_TRAINED, batches[c], true, NULL);
            if (c == 0)
                memcpy(first, taken, sizeof first);
            changed += memcmp(first, taken, sizeof first) != 0;
        }
        net_close(&n);
    }
    table_print(t);
    table_orders(t, orders, sizeof orders / sizeof *orders);
    table_holds(t, changed == 0, "eval: no class changes with the batch");
}

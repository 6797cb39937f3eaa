/* collapse.c -- experiment: global response normalization against channels that have collapsed. */
#include "lab.h"

#include <math.h>
#include <stdio.h>

enum { EPOCHS = 4, MAPS = NET_CHANNELS * DIGITS_PIXELS };

/* How unlike two channels respond: 1 - cosine of their Euclidean norms over the images, mean of all pairs,
 * in thousandths. */
static double distance(net *n)
{
    static float y[NET_BATCH * MAPS];
    double g[NET_CHANNELS][NET_BATCH], length[NET_CHANNELS], sum = 0.0;
    net_responses(n, y);
    for (int c = 0; c < NET_CHANNELS; c++) {
        length[c] = 1e-30;
        for (int i = 0; i < NET_BATCH; i++) {
            double square = 0.0;
            for (int k = 0; k < DIGITS_PIXELS; k++)
                square += pow((double)y[(i * NET_CHANNELS + c) * DIGITS_PIXELS + k], 2.0);
            g[c][i] = sqrt(square);
            length[c] += square;
        }
    }
    for (int c = 0; c < NET_CHANNELS; c++)
        for (int e = 0; e < c; e++) {
            double dot = 0.0;
            for (int i = 0; i < NET_BATCH; i++)
                dot += g[c][i] * g[e][i];
            sum += 1.0 - dot / sqrt(length[c] * length[e]);
        }
    return 1e3 * sum / (NET_CHANNELS * (NET_CHANNELS - 1) / 2);
}

/* Without; with an eps so large that N is 0 and only the shift beta is left; with. */
enum { WITHOUT, SHIFT, WITH, WAYS };

static const char *const ways[WAYS] = { "none", "grn, N = 0", "grn" };

/* One row and seed, epoch after epoch; returns the accuracy at the end. */
static double measure(lab *l, table *t, int row, int seed)
{
    net n;
    net_options o = NET_OPTIONS(NORM_NONE, LAB_SEED + (unsigned)seed);
    o.conv = row == WITHOUT ? NORM_NONE : NORM_GRN;
    o.eps = row == SHIFT ? 1e20 : 0.0;
    o.collapsed = true;
    lab_net(l, &n, DIGITS_ZSCORE, &o);
    t->value[row][0][seed] = distance(&n);
    for (int e = 1; e <= EPOCHS; e++) {
        const net_course course = { 1, 32, 1.0f, 100u * (unsigned)e + LAB_SEED + (unsigned)seed };
        net_train(&n, &course);
        t->value[row][e][seed] = distance(&n);
    }
    const double accuracy = net_test(&n, NORM_EVAL, NET_BATCH, false, NULL);
    net_close(&n);
    return accuracy;
}

void lab_collapse(lab *l, table *t)
{
    t->title = "Channels that began as copies come apart sooner under grn";
    t->x_title = "epochs";
    t->y_title = "distance between the responses of channels, thousandths";
    for (int k = 0; k <= EPOCHS; k++)
        table_column(t, "%d", k);
    for (int r = 0; r < WAYS; r++) {
        double accuracy = 0.0;
        for (int s = 0; s < TABLE_SEEDS; s++)
            accuracy += measure(l, t, r, s) / TABLE_SEEDS;
        table_row(t, "%s", ways[r]);
        printf("%s%s: test accuracy %.3f at the end\n", r ? "" : "\n", ways[r], accuracy);
    }
    table_fit(t);
    table_print(t);
    const table_cell none = { WITHOUT, EPOCHS }, shift = { SHIFT, EPOCHS }, grn = { WITH, EPOCHS };
    table_times(t, grn, none, 2.0);
    table_times(t, grn, shift, 2.0);
}

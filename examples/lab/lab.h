/* lab.h -- what the experiments share. */
#ifndef LAB_LAB_H
#define LAB_LAB_H

#include "net.h"
#include "table.h"

#ifndef LAB_SEED
#define LAB_SEED 1u /* the first of the seeds; others may be tried, and hold too */
#endif

typedef struct lab {
    rig on;
    digits data;
    cl_mem images[DIGITS_SCALINGS], labels;
} lab;

/* A network on images of a scaling. */
void lab_net(lab *l, net *n, digits_scaling scaling, const net_options *o);
/* Trains a network and returns its accuracy on the test images, with running statistics where it has any. */
double lab_accuracy(lab *l, digits_scaling scaling, const net_options *o, const net_course *c);

/* One experiment each: fills the table, prints it and asserts the order. */
void lab_input(lab *l, table *t);
void lab_batch(lab *l, table *t);
void lab_rate(lab *l, table *t);
void lab_channel(lab *l, table *t);
void lab_inference(lab *l, table *t);
void lab_collapse(lab *l, table *t);

#endif

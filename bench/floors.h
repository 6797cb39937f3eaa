/* floors.h -- the rows of floors, and the orders in which their bare walks may go. */
#ifndef BENCH_FLOORS_H
#define BENCH_FLOORS_H

#include "copy.h"

/* Sets as bench/floors.cl has them. */
typedef struct floor_sets {
    size_t sets, len, runs, step, inner, outer;
} floor_sets;

/* The kernels that walk: a set twice, then the next; the next by turns with the one before; all sets for their sums, then all
 * again; pixels once. */
typedef enum floor_walk { FLOOR_BOTH, FLOOR_TURNS, FLOOR_APART, FLOOR_PIXELS } floor_walk;

/* One order of the walks. Those that keep sums of columns, which some ops must, are counted apart. */
typedef struct floor_order {
    const char *name;
    floor_sets at;
    floor_walk walk;
    size_t per; /* sets of a group */
    size_t rows, read_ahead, map_ahead, hint, read_sums, map_sums;
} floor_order;

#define FLOOR_ORDERS 6

/* A case of the suite of `clnorm bench`. */
typedef struct floor_row {
    uint32_t kind;
    int backward, last; /* whether channels lie last */
    int64_t shape[4];
    double goal;               /* x copy; 0: none */
    const floor_order *orders; /* the last has no name */
} floor_row;

extern const floor_row floor_rows[];
extern const size_t floor_row_count;

/* An order's kernels, of a program of their own. */
typedef struct floor_kernels {
    cl_program program;
    cl_kernel walks[2], reads;
    size_t groups;
} floor_kernels;

/* The program ends with `what` where something failed. */
void floor_check(int failed, const char *what);
/* mem: x, dy, y, sums; two: there is dy. */
floor_kernels floor_make(const bench_device *device, const floor_order *o, const cl_mem mem[4], int two);
void floor_launch(const bench_device *device, const floor_kernels *w, cl_kernel kernel);
/* One after the other, both walks or the one kernel that is both. */
void floor_run(const bench_device *device, const floor_kernels *w);
/* Once: all n floats of y must be written. */
void floor_verify(const bench_device *device, const floor_kernels *w, const char *order, cl_mem y, size_t n);
void floor_free(floor_kernels *w);

#endif

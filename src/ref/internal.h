/* internal.h -- what the op files of ref/ see: one element and the statistics of its set.
 *
 * An op file is its formula and a ref_op that says what it needs; ref.c owns every loop. */
#ifndef REF_INTERNAL_H
#define REF_INTERNAL_H

#include "ref/ref.h"

/* A compensated sum; what it stands for is value + carry. */
typedef struct ref_sum {
    double value, carry;
} ref_sum;

void ref_sum_add(ref_sum *s, double x);
double ref_sum_take(ref_sum *s); /* and begins anew */

/* The statistics of one set. The mean is mean + mean_rest: 1e6 +- 1 needs more digits than one double has. */
typedef struct ref_stat {
    uint64_t count;
    double mean, mean_rest, m2, min, max, rstd;
    ref_sum sum; /* of the pass at hand */
} ref_stat;

/* One element: x, its channel in y, and its set. */
typedef struct ref_point {
    const clnorm_any *desc;
    const ref_stat *stat;
    double x;
    int64_t channel;
} ref_point;

typedef struct ref_result {
    double y, scale; /* scale: S of the error measure */
} ref_result;

/* S of element i of an output, where it is wanted. */
void ref_put_scale(const ref_io *io, uint32_t slot, int64_t i, double scale, double any);

typedef enum ref_source { REF_NO_SETS, REF_OF_X, REF_GIVEN } ref_source;

typedef struct ref_op {
    uint32_t kind;
    ref_result (*formula)(const ref_point *p);
    void (*fold)(const clnorm_any *desc, ref_stat *stat); /* what follows from the statistics; or NULL */
    ref_source source;                                    /* where the statistics come from */
    bool per_set;                                         /* y has one element per set */
    size_t scope, axes, swap_rb;                          /* where in the descriptor; 0: it has none */
} ref_op;

extern const ref_op ref_minmax, ref_symmetric, ref_zscore, ref_totensor, ref_normalize, ref_denormalize,
    ref_moments;

/* A number in the descriptor; offset 0: the op has none. */
static inline uint32_t ref_field(const clnorm_any *desc, size_t offset)
{
    return offset ? *(const uint32_t *)(const void *)((const char *)desc + offset) : 0u;
}

/* The entry for a channel in a list of one or C. */
static inline double ref_listed(const float *list, uint32_t channels, int64_t channel)
{
    return list[channels == 1 ? 0 : channel];
}

#endif

/* params.h -- what a device class runs best with. */
#ifndef CLN_PARAMS_H
#define CLN_PARAMS_H

#include "tune/tuning.h"

typedef struct cln_params {
    uint32_t wg, vec;     /* work-items of a group, elements of a vector */
    uint32_t busy;        /* groups per compute unit that keep it busy to the end */
    uint32_t full;        /* elements per unit of a CPU that are worth twice as many; fewer are worth fewer */
    uint32_t set_start;   /* elements that take as long as a set of a CPU does besides its own */
    uint32_t group_start; /* and as a group does */
    uint32_t
        part; /* elements of a large set that are worth a group of a CPU; 0: groups are as many as keep units busy */
    uint32_t items;       /* work-items per compute unit whose loads keep memory busy */
    uint32_t subgroup;    /* work-items of a sub-group, where a group is of whole ones; 0: without */
    uint64_t kept_bytes;  /* of what is read, what is still in a cache when it is read again */
    uint64_t share_bytes; /* of that, a unit's */
    uint64_t slab_bytes;  /* a set this large is still in a group's cache when it is walked again */
    uint64_t near_bytes;  /* and this large in its own alone; 0: sets leave it in no time */
    uint64_t
        wide_bytes; /* outputs of what moves this much are worth stores of their own (plan.h: wide, leads) */
    /* that for gradients of short columns, of halves that no row holds, and for tiles of rows of 2 KiB is so many times less */
    uint32_t earlier;
    bool stream;         /* whose stores pass the cache by */
    double bytes_per_ns; /* of the whole device, about: for ESTIMATE */
    double launch_ns;    /* of one more stage */
    cln_tuning *tuning;  /* what was measured on this very device; NULL: nothing was */
    bool
        own_products; /* matrix products by kernels of ours, which are 1.5 times CLBlast's and more: docs/blas.md */
} cln_params;

/* The row of the device's class, cut to the device's limits. */
void cln_params_for(cln_params *out, const cln_device *device);
/* What of it follows from how many units there are, anew. */
void cln_params_of_units(cln_params *p, const cln_device *device);
/* The same as measured for a class. */
cln_params cln_params_tuned(const cln_params *params, const cln_tuned *tuned);

/* The k-th pair of a work-group and a vector that a device may be tuned to; false behind the last. They are few, so that few
 * programs are built. */
bool cln_params_pair(uint32_t *wg, uint32_t *vec, size_t k, const cln_device *device);

#endif

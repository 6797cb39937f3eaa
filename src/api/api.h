/* api.h -- the handles behind the public header. */
#ifndef CLN_API_H
#define CLN_API_H

#include "op/op.h"

#include <pthread.h>

#define CLN_RING 4 /* workspaces in flight before enqueues wait for one another, on the device */
#define CLN_RING_BYTES ((size_t)16 << 20) /* of larger ones there is one: what needs it takes long */
#define CLN_LRU 16                        /* plans that clnorm_run keeps */

/* One workspace of the ring: its next user waits (on the device) for `busy`. */
typedef struct cln_ring_place {
    cl_mem mem;
    size_t bytes;
    cl_event busy;
} cln_ring_place;

typedef struct cln_ring {
    pthread_mutex_t lock;
    cln_ring_place place[CLN_RING];
    size_t next;
} cln_ring;

struct clnorm_context {
    pthread_mutex_t lock; /* refs, the LRU, counts */
    unsigned refs;
    clnorm_options options;         /* strings are copied to the fields below */
    char *kernel_dir, *tuning_file; /* or NULL */
    char cache_dir[4096];
    cl_context cl;
    cl_command_queue queue; /* of clnorm_open, else NULL */
    cln_device device;
    cln_params params;
    cln_programs *programs;
    cln_ring ring;
    struct {
        const clnorm_plan *plan;
        uint64_t used;
    } lru[CLN_LRU];
    uint64_t tick, query_ns;
    uint32_t plans;
    bool keeps_device;   /* is among its owners */
    bool multiplies;     /* has entered CLBlast */
    bool products_ready; /* whose kernels are built */
};

struct clnorm_plan {
    pthread_mutex_t lock; /* refs and the free lists of body.variants */
    unsigned refs;
    clnorm_context *ctx;
    cln_body body[CLN_MAX_PARTS]; /* run in order; all share one workspace */
    size_t nbodies;
    size_t workspace;
    uint32_t reads, writes, required; /* slots, bit per clnorm_slot */
};

/* Whether a device cannot run what was chosen, or its compiler not build it: something smaller may do. */
static inline bool cln_does_not_fit(clnorm_status st)
{
    return st == CLNORM_EUNSUPPORTED || st == CLNORM_EBUILD;
}

/* Of ways that are tried beside others, also where it has no room for one: not where the host has none. */
static inline bool cln_is_no_way(clnorm_status st)
{
    cl_int code = 0;
    clnorm_last_error(&code);
    return cln_does_not_fit(st) || (st == CLNORM_ENOMEM && code == CL_MEM_OBJECT_ALLOCATION_FAILURE);
}

/* ---- context.c ---- */
/* The program of a body's variant. */
clnorm_status cln_context_program(clnorm_context *ctx, const cln_body *body, int variant, bool build,
                                  cl_program *out);
/* Says that it is needed soon: what is wanted with the same options becomes one program. whole: with all kernels of the
 * op, for other plans too, not those of this one alone. */
clnorm_status cln_context_want(clnorm_context *ctx, const cln_body *body, int variant, bool whole);
/* Says that plans of the context call CLBlast; ENOTREADY where its products are not built and `build` is false. */
clnorm_status cln_context_multiplies(clnorm_context *ctx, bool build);
/* Says that they are built. */
void cln_context_products_ready(clnorm_context *ctx);
clnorm_status cln_context_buffer(clnorm_context *ctx, cl_mem_flags flags, size_t bytes, const void *data,
                                 cl_mem *out);
void cln_context_buffer_free(clnorm_context *ctx, cl_mem mem);

/* ---- plan.c ---- */
/* A plan with everything decided by the caller: a choice per problem; NULL lets the planner decide. Tests
 * force each in turn. */
clnorm_status cln_plan_with(clnorm_plan **out, clnorm_context *ctx, const clnorm_op *op,
                            const cln_choice *choices, bool build);
/* Wants the programs of its plan; whole as above. */
clnorm_status cln_plan_want(clnorm_context *ctx, const clnorm_op *op, bool whole);

/* ---- check.c ---- */
clnorm_status cln_check_queue(const clnorm_plan *plan, cl_command_queue queue, bool *in_order);
/* A call's arguments, as the caller's version of the struct has them: copied, and every buffer checked. */
clnorm_status cln_check_args(clnorm_args *out, const clnorm_plan *plan, const clnorm_args *args);

/* ---- enqueue.c ---- */
/* Whether a call has use for a body; the variant that it takes; a set of its kernels, lent and given back. */
bool cln_wants(const cln_body *body, const clnorm_args *args);
int cln_pick_variant(const cln_body *body, const clnorm_args *args);
clnorm_status cln_borrow(cln_kernels **out, clnorm_plan *plan, cln_body *body, int variant);
void cln_give_back(cln_kernels *kernels, clnorm_plan *plan, cln_variant *variant, bool ran);

/* ---- ring.c ---- */
clnorm_status cln_ring_init(cln_ring *ring);
/* Makes every place, or the first one, at least this large. Called when a plan is made, never by enqueue. */
clnorm_status cln_ring_reserve(clnorm_context *ctx, size_t bytes);
/* Locks the ring and takes a place that is as large: its buffer and the event to wait for (NULL: none; else the caller's
 * now). */
cln_ring_place *cln_ring_take(cln_ring *ring, size_t bytes, cl_mem *mem, cl_event *busy);
/* Gives it back with the event of its last use (owned by the ring from then on, or NULL); unlocks the ring.
 */
void cln_ring_give(cln_ring *ring, cln_ring_place *place, cl_event busy);
/* Waits for all places, frees them. */
void cln_ring_drain(clnorm_context *ctx);

/* ---- measure.c ---- */
/* Ways of running one descriptor, timed against each other on scratch memory. */
typedef struct cln_lab {
    clnorm_context *ctx;
    const clnorm_op *op;
    cln_problems posed;
    cln_params params; /* of the context, without what was tuned */
    cl_command_queue queue;
    clnorm_args args;
    uint64_t least_ns; /* of a race */
    uint64_t left_ns;  /* of measuring: when it is over there is no other round; UINT64_MAX: no end */
    uint64_t spent_ns; /* so far */
    bool verifies;     /* the outputs of all ways, which must be the same bits */
    bool cut;          /* a race had too little time */
    bool hashed;
    uint64_t hash;
    uint32_t tried; /* ways */
} cln_lab;
#define CLN_MOST_WAYS (CLN_MAX_SOLVERS + 4)
/* One way: a choice per problem. The first of a list is what others have to beat. */
typedef struct cln_way {
    cln_choice choices[CLN_MAX_PARTS];
    cln_tuned tuned; /* how the problem that is searched runs */
    clnorm_plan *plan;
    uint64_t ns; /* of its fastest round, one launch */
} cln_way;
/* Where *empty nothing runs; close it either way. */
clnorm_status cln_lab_open(cln_lab *lab, clnorm_context *ctx, const clnorm_op *op, bool *empty);
void cln_lab_close(cln_lab *lab);
/* Plans of all, which the caller releases, and scratch; a way but the first that the device cannot run keeps none. */
clnorm_status cln_lab_ready(cln_lab *lab, cln_way list[], size_t count);
/* Times all by turn and releases them; *best is the fastest that is worth more than noise, else 0. EBUG where bits differ. */
clnorm_status cln_lab_race(cln_lab *lab, cln_way list[], size_t count, size_t *best);
/* list[0], what choices say of problem k, and every other solver of it; returns how many there are. */
size_t cln_lab_solvers(cln_way list[CLN_MOST_WAYS], const cln_lab *lab, const cln_choice choices[], size_t k);
/* The fastest choice by timing every solver; *measured is false where nothing runs. */
clnorm_status cln_measure(cln_choice choices[CLN_MAX_PARTS], clnorm_context *ctx, const clnorm_op *op,
                          bool *measured);

/* ---- tune.c ---- */
/* Who names a tuning file: nobody, CLNORM_TUNING, or the caller. */
typedef enum cln_namer { CLN_NAMED_BY_NOBODY, CLN_NAMED_BY_VARIABLE, CLN_NAMED_BY_CALLER } cln_namer;
/* The table of the context's device, with what the file at path has, if it is there; NULL: there is no file. What is wrong with
 * it is an error where the caller named it, else a line of the log; that it is not there is one where the variable did. */
clnorm_status cln_tune_init(clnorm_context *ctx, const char *path, cln_namer namer);

#endif

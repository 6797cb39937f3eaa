/* plan.h -- problem -> solver -> plan: what runs, in which stages, with which parameters. */
#ifndef CLN_PLAN_H
#define CLN_PLAN_H

#include "device/device.h"
#include "tensor/view.h"
#include "tune/params.h"

#include <stdbool.h>

#define CLN_MAX_STAGES 4
#define CLN_MAX_SLOTS 8 /* optional tensors of one op */

/* An optional tensor of an op, in the order of its kernels' arguments. */
typedef struct cln_slot_spec {
    uint32_t slot;    /* clnorm_slot */
    bool output, u64; /* u64: counts; else f32 */
} cln_slot_spec;

/* One op's row: src/op/ops.def. */
struct cln_problem;
typedef struct cln_op {
    clnorm_op_info info;
    const char *statistic;                              /* of cl/common/stat_*.clh */
    size_t stat_bytes;                                  /* room for one in the workspace */
    bool maps;                                          /* writes y per element */
    bool table;                                         /* kernels take a table of channel constants */
    cln_slot_spec slots[CLN_MAX_SLOTS];                 /* ends with slot 0 */
    clnorm_status (*check)(clnorm_any *desc);           /* completes and checks what is the op's own */
    clnorm_status (*pose)(struct cln_problem *problem); /* fills k, table, and the spec of the view */
} cln_op;

/* A checked descriptor as numbers: what the kernels are told. */
typedef struct cln_problem {
    const cln_op *op;
    clnorm_any desc;
    cln_view_spec view;
    cln_geo geo;
    float k[4];
    float table[CLNORM_MAX_CHANNELS][4];
    uint32_t required; /* slots that must be given, bit per clnorm_slot */
    uint64_t set_elements;
    uint64_t bytes;          /* the op's least traffic: x once, y once */
    size_t x_bytes, y_bytes; /* of one element */
} cln_problem;

/* The launch parameters of one plan. Results never depend on them. */
typedef struct cln_choice {
    const struct cln_solver *solver;
    uint32_t wg, vec, per, block;
    bool wide; /* also build kernels for aligned buffers; on CPUs their stores pass the cache by */
} cln_choice;

typedef struct cln_stage {
    const char *kernel; /* "<op>_" is put in front */
    size_t groups;
} cln_stage;

/* A way to run a problem. Solvers are data: choose.c lists them. */
typedef struct cln_solver {
    const char *name;
    /* NULL if it can, else why not. */
    const char *(*applicable)(const cln_problem *problem);
    /* Proposes per and block for wg, vec and the device. */
    void (*propose)(cln_choice *choice, const cln_problem *problem, const cln_params *params, uint32_t units);
    /* Bytes that go to memory, with what the cache keeps taken off. */
    double (*traffic)(const cln_problem *problem, const cln_params *params);
    /* Fills stages and per, block, parts of geo; returns how many. */
    size_t (*stages)(cln_stage *stages, cln_geo *geo, size_t *workspace, const cln_problem *problem,
                     const cln_choice *choice);
} cln_solver;

extern const cln_solver cln_solve_pointwise, cln_solve_rows, cln_solve_slab, cln_solve_split;
/* All solvers, fastest form first; ends with NULL. */
extern const cln_solver *const cln_solvers[];

/* The cheapest choice by estimate. */
void cln_choose(cln_choice *out, const cln_problem *problem, const cln_params *params,
                const cln_device *device);
/* A solver's own proposal; false where it does not apply. */
bool cln_choose_with(cln_choice *out, const cln_solver *solver, const cln_problem *problem,
                     const cln_params *params, const cln_device *device);
/* Estimated time. */
double cln_choice_ns(const cln_choice *choice, const cln_problem *problem, const cln_params *params,
                     uint32_t units);

/* ---- helpers of the solvers ---- */
uint32_t cln_ceil_div(uint64_t a, uint64_t b);
/* per, raised until ceil(work / (per * unit)) groups are few enough for one launch. */
uint32_t cln_fit_per(uint32_t per, uint64_t work, uint32_t unit);
#define CLN_MAX_GROUPS 65535u /* PoCL 3.1 compiles a second kernel, and may abort, from 65,536 on */
uint32_t cln_teams(uint32_t wg, uint32_t vec);

/* One set of kernels, for one enqueue at a time. */
typedef struct cln_kernels {
    struct cln_kernels *next;
    cl_kernel k[CLN_MAX_STAGES];
} cln_kernels;

/* The stages compiled for one build. Two per plan: plain, and wide for aligned buffers. */
typedef struct cln_variant {
    cl_program program; /* NULL: not there */
    cln_kernels *free;
} cln_variant;

enum { CLN_PLAIN, CLN_WIDE, CLN_VARIANTS };

/* What runs, without the life cycle that src/api gives it. Immutable but for the free lists, whose lock is
 * the owner's. */
typedef struct cln_body {
    cln_problem problem;
    cln_choice choice;
    cln_stage stages[CLN_MAX_STAGES];
    size_t nstages;
    cln_geo geo;
    size_t workspace;
    cl_mem table; /* of a table op, else NULL */
    cln_variant variants[CLN_VARIANTS];
} cln_body;

/* Build options of a variant, "-DWG=1 ...". */
void cln_stage_options(char *text, size_t room, const cln_body *body, const cln_params *params, int variant);
/* Whether strides leave every run aligned to vectors, where the buffers are. */
bool cln_geo_aligned(const cln_geo *g, uint32_t vec, bool writes);
/* A fresh set of kernels with all that never changes already set. */
clnorm_status cln_stage_kernels(cln_kernels **out, const cln_body *body, int variant);
void cln_stage_free(cln_kernels *kernels);
/* Sets buffers and enqueues all stages; see clnorm_enqueue. in_order: the queue is. */
clnorm_status cln_stage_enqueue(const cln_body *body, const cln_kernels *kernels, cl_command_queue queue,
                                bool in_order, const clnorm_args *args, const clnorm_buffer *workspace,
                                cl_uint nwait, const cl_event *wait, cl_event *event);

/* The plan in words; returns the length like snprintf. */
size_t cln_describe(char *text, size_t room, const cln_body *body, const cln_params *params,
                    const cln_device *device);

#endif

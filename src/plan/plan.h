/* plan.h -- problem -> solver -> plan: what runs, in which stages, with which parameters. */
#ifndef CLN_PLAN_H
#define CLN_PLAN_H

#include "device/device.h"
#include "plan/steps.h"
#include "tensor/view.h"
#include "tune/params.h"

#include <stdbool.h>

#define CLN_MAX_STAGES 6
#define CLN_MAX_SLOTS 8   /* optional tensors of one op */
#define CLN_PAIR_BYTES 12 /* pair_t of cl/common/stat_pair.clh */
#define CLN_MAX_PARTS 3   /* problems that one descriptor makes: statistics, dx, dgamma and dbeta */

/* What a kernel of a layer is for: ROLE of cl/common/roles.clh, in its order. */
typedef enum cln_role {
    CLN_ROLE_FORWARD, /* statistics, then the map */
    CLN_ROLE_GIVEN,   /* the map by earlier statistics */
    CLN_ROLE_KEEP,    /* statistics for a later problem */
    CLN_ROLE_DX,      /* gradient of x */
    CLN_ROLE_FROZEN,  /* the same where the statistics are constants */
    CLN_ROLE_PARAMS   /* gradients of gamma and beta */
} cln_role;

/* The tensors that a layer's kernels take besides x and y, in the order of their arguments. */
enum {
    CLN_BIND_D,
    CLN_BIND_R,
    CLN_BIND_E,
    CLN_BIND_GAMMA,
    CLN_BIND_BETA,
    CLN_BIND_MEAN,
    CLN_BIND_RSTD,
    CLN_BIND_MASK,
    CLN_BINDS
};
#define CLN_NO_SLOT CLNORM_SLOTS

/* An optional tensor of an op, in the order of its kernels' arguments. */
typedef struct cln_slot_spec {
    uint32_t slot;    /* clnorm_slot */
    bool output, u64; /* u64: counts; else f32 */
} cln_slot_spec;

/* One op's row: src/op/ops.def. */
struct cln_problem;
typedef struct cln_op {
    clnorm_op_info info;
    size_t stat_bytes[2];                               /* of floats, of integers; 0: it has no statistic */
    bool maps;                                          /* writes y per element */
    bool table;                                         /* kernels take a table of channel constants */
    cln_slot_spec slots[CLN_MAX_SLOTS];                 /* ends with slot 0 */
    clnorm_status (*check)(clnorm_any *desc);           /* completes and checks what is the op's own */
    clnorm_status (*pose)(struct cln_problem *problem); /* fills k, table, and what the view is made of */
    /* Of a matrix op, else NULL: pose fills reads, writes and required; the chain of a posed problem, and the shape of a slot. */
    clnorm_status (*steps)(cln_steps *out, const struct cln_problem *problem);
    bool (*slot)(const struct cln_problem *problem, uint32_t slot, clnorm_tensor *out);
    const char *singular; /* what CLNORM_FAULT_SINGULAR says of it */
} cln_op;

/* What is a layer's alone. */
typedef struct cln_layer_problem {
    cln_role role;
    uint32_t groups;          /* of channels; 0: the axis of channels is not split */
    uint32_t bind[CLN_BINDS]; /* slots, CLN_NO_SLOT: none */
    uint32_t d_dtype;         /* of d, r and e */
    uint32_t outputs;         /* slots: the problem is skipped where none is given; 0: see role */
    uint32_t saves;           /* slots that its kernels may write besides y and e */
    float post[4];            /* out_scale, out_zero, slope, 1 / out_scale */
    /* Numbers of one call: momentum, 1 - momentum, and so on; NULL: none. */
    void (*call)(float call[4], const struct cln_problem *problem, const clnorm_args *args);
    size_t d_bytes;
    uint64_t mask_bytes; /* a last stage packs a mask; 0: there is none */
    uint32_t past;       /* statistics in front of the workspace that an earlier problem has left */
    uint32_t stats; /* that this problem leaves there for a later stage or problem; parts of a set have one */
    uint32_t left;  /* floats that each set leaves behind those, for their fold or cl/common/gather.clh */
    uint32_t family;  /* sets, neighbours, whose statistics are folded once more; 0: none */
    uint32_t weights; /* sets this far apart share one, and cl/common/gather.clh its gradients; 0: none do */
    uint32_t accumulate; /* bits of cl/common/layer.clh: dx 1, dgamma 2, dbeta 4, dresidual 8 */
    float lp;            /* p of lpnorm; 0: none */
    uint64_t rest_bytes; /* of dx: what the next problem, of the weights, reads again */
    bool fuses;          /* unless `fused` takes both in one walk, which it can */
    bool leaves_dx;      /* or `sums` leaves its maps for a dx written there, which it can */
    uint32_t kept_for;   /* slots of a later problem that needs the statistics which this one makes */
    bool both;           /* dx that makes statistics where a call gives none (cl/common/both.clh) */
    bool centred;        /* a mean is subtracted, and so MEAN is a slot */
    bool by_weight;      /* a set is one weight's part of a layer's, and those are the families */
    bool reads_d, no_affine, merged, variance, zero_centred;
} cln_layer_problem;

/* A checked descriptor as numbers: what the kernels are told. */
typedef struct cln_problem {
    const cln_op *op;
    clnorm_any desc;
    cln_layer_problem layer;
    uint32_t reduced;       /* axes of x that a set spans, bit per axis */
    bool per_channel, swap; /* the map has one entry per channel; channels 0 and 2 of x trade places */
    cln_geo geo;
    bool columns;            /* geo is of sets that lie side by side */
    uint32_t window, before; /* channels that an element is summed with, and those before its own; 0: none */
    float k[4];
    float table[CLNORM_MAX_CHANNELS][4];
    uint32_t required;      /* slots that must be given, bit per clnorm_slot */
    uint32_t reads, writes; /* of a matrix op */
    size_t stat_bytes;      /* of a statistic in the workspace; 0: there is none */
    bool maps;              /* writes an element for each of x */
    uint32_t x, y;          /* slots of the stream that is read and of the one that is written */
    uint32_t y_dtype;
    uint64_t set_elements;
    uint64_t bytes;          /* the least traffic: what is read once and written once */
    size_t x_bytes, y_bytes; /* of one element */
} cln_problem;

/* The problems of one descriptor, in the order in which they run. */
typedef struct cln_problems {
    cln_problem part[CLN_MAX_PARTS];
    size_t count;
    uint32_t reads, writes, required; /* slots of all */
} cln_problems;

/* What the calls of a plan give of earlier statistics: where it is known, fewer programs are built. */
typedef enum cln_calls { CLN_CALLS_EITHER, CLN_CALLS_GIVE, CLN_CALLS_LACK } cln_calls;

/* What lies beside each other in y, or in x (MIX, BUNDLE), where elements do not: TRANSPOSED of cl/common/types.clh, in its order. */
typedef enum cln_lines {
    CLN_LINES_NONE,
    CLN_LINES_RUNS,
    CLN_LINES_MIX,
    CLN_LINES_SETS,
    CLN_LINES_BUNDLE
} cln_lines;

/* The launch parameters of one plan. Results never depend on them. */
typedef struct cln_choice {
    const struct cln_solver *solver;
    uint32_t wg, vec, per, block, cols, mapped;
    uint32_t bundle;      /* sets that are walked at once */
    uint32_t planes;      /* of x that are pixels of y; 0: none */
    cln_lines transposed; /* what is mapped 16 at a time */
    bool alone;           /* a set is written before statistics of the next one are taken */
    bool wide;            /* also build kernels for aligned buffers; on CPUs their stores pass the cache by */
    bool leads;           /* those of other buffers do so too, from y's first whole line on */
    bool leaves_there;    /* the problem before was fused: leaves of cols, or parts of split, are there */
    bool along;           /* the problem before has left dx to this one */
    bool tuned;           /* by measurement, not by estimate */
    cln_calls calls;
} cln_choice;

typedef struct cln_stage {
    const char *kernel; /* "<op>_" is put in front */
    size_t groups;
    uint32_t items; /* of a group: those that have work; 0: all */
} cln_stage;

/* What sets a solver apart where others look at it. */
enum {
    CLN_TAKES_NEXT = 1, /* what the next problem folds to gradients of weights is made on the way */
    CLN_LEAVES_DX = 2,  /* to the next problem, which has its elements at hand */
    CLN_READS_ONCE = 4, /* x of families, whose statistics others wait for */
    CLN_IN_TILES = 8,   /* of columns, the last of a row with fewer */
    CLN_IN_CHUNKS = 16, /* of sets, which groups share */
    CLN_BESIDE = 32     /* maps sets that lie beside each other at once */
};

/* A way to run a problem. Solvers are data: choose.c lists them. */
typedef struct cln_solver {
    const char *name;
    /* NULL if it can, else why not. */
    const char *(*applicable)(const cln_problem *problem);
    /* Proposes per and block for wg, vec and the device; per 0: it has no way for those. */
    void (*propose)(cln_choice *choice, const cln_problem *problem, const cln_params *params, uint32_t units);
    /* Bytes that go to memory, with what the cache keeps taken off. */
    double (*traffic)(const cln_problem *problem, const cln_params *params);
    /* Fills stages and per, block, parts of geo; returns how many. */
    size_t (*stages)(cln_stage *stages, cln_geo *geo, size_t *workspace, const cln_problem *problem,
                     const cln_choice *choice);
    uint32_t traits;
    /* Pieces that a CPU's groups take `per` of; NULL: they take something else. */
    uint32_t (*pieces)(const cln_problem *problem, uint32_t wg);
    /* Of a CPU's units, what has work to the end; NULL: as its pieces or groups have it. */
    double (*busy)(const cln_problem *problem, uint32_t units);
} cln_solver;

extern const cln_solver cln_solve_pointwise, cln_solve_rows, cln_solve_slab, cln_solve_split, cln_solve_tile,
    cln_solve_clan, cln_solve_cols, cln_solve_across, cln_solve_window, cln_solve_fused, cln_solve_sums;
/* All solvers, fastest form first; ends with NULL. */
#define CLN_MAX_SOLVERS 12 /* with the NULL */
extern const cln_solver *const cln_solvers[CLN_MAX_SOLVERS];

/* Those of a choice's solver; none where there is no choice, as of a problem without elements. */
uint32_t cln_traits(const cln_choice *choice);
/* The cheapest choice by estimate, behind that of the problem before; NULL: there is none. */
void cln_choose(cln_choice *out, const cln_problem *problem, const cln_choice *before,
                const cln_params *params, const cln_device *device);
/* The same for problem k and those behind it. */
void cln_choose_from(cln_choice choices[], size_t k, const cln_problems *posed, const cln_params *params,
                     const cln_device *device);
/* What the op moves from which on its stores are of their own, where runs start at whole vectors. */
uint64_t cln_wide_from(const cln_choice *choice, const cln_problem *problem, const cln_params *params);
/* Which stores dx or y is worth, in the problem's geometry; where it writes neither, a GPU's groups which loads. */
void cln_choose_stores(cln_choice *choice, const cln_problem *problem, const cln_params *params, bool writes);
/* Whether one walk (cl/common/fused.clh, fused_cols.clh) can do for the gradients of x and of the weights. */
bool cln_fuses(const cln_problem *x, const cln_problem *weights);
/* Whose fold the gradients of the weights take then. */
const cln_solver *cln_folds_for_fused(const cln_problem *weights);
/* The vectors that the planner looks at for it, and how many: the device's own, or those that an H200 is faster with. */
#define CLN_VECTORS 2
size_t cln_vectors(uint32_t vec[CLN_VECTORS], const cln_solver *solver, const cln_problem *problem,
                   const cln_params *params);
/* A solver's own proposal; false where it does not apply. */
bool cln_choose_with(cln_choice *out, const cln_solver *solver, const cln_problem *problem,
                     const cln_params *params, const cln_device *device);
/* Whether both run the same launches. */
bool cln_same_choice(const cln_choice *a, const cln_choice *b);
/* Whether gradients that sets share are added up in a last stage of their own: where there is no map that
 * waits for all statistics, which takes them along. */
bool cln_gathers_last(const cln_problem *problem, const cln_geo *geo);
/* Its stages and per, block, parts, mapped of geo; returns how many: the solver's, and what follows every
 * solver's. */
size_t cln_choice_stages(cln_stage *stages, cln_geo *geo, size_t *workspace, const cln_problem *problem,
                         const cln_choice *choice);
/* The class that a problem is tuned in: what it is, and its lengths to a power of two. */
void cln_problem_class(char name[CLN_CLASS_ROOM], const cln_problem *problem);
const char *cln_role_name(cln_role role);
/* The way that a line of a tuning file says; false where it cannot be had. */
bool cln_choose_tuned(cln_choice *out, const cln_tuned *tuned, const cln_problem *problem,
                      const cln_choice *before, const cln_params *params, const cln_device *device);
/* The way that the device's own table has for the problem's class; false where there is none, or it cannot be had. */
bool cln_choose_measured(cln_choice *out, const cln_problem *problem, const cln_choice *before,
                         const cln_params *params, const cln_device *device);
/* What the choice before it (NULL: there is none) changes: behind `sums` the gradients of weights write dx too. */
void cln_choose_behind(cln_choice *choice, const cln_choice *before, const cln_problem *problem,
                       const cln_params *params);
/* Why no class can be run so on the device; NULL if it can. */
const char *cln_tuned_check(const cln_tuned *tuned, const cln_device *device);
/* Estimated time. */
double cln_choice_ns(const cln_choice *choice, const cln_problem *problem, const cln_params *params,
                     uint32_t units);

/* ---- helpers of the solvers ---- */

/* Of what is read once more and so much of which a cache keeps, the share that comes from memory or takes as long. */
double cln_from_memory(uint64_t read, uint64_t kept);
/* Bytes that a second walk over all that is read brings from memory, with what the cache keeps taken off. */
double cln_read_again(const cln_problem *problem, const cln_params *params);
/* How much longer a CPU takes for two streams of halves at once, which have too few registers, than for one. */
double cln_crowded(const cln_problem *problem, const cln_params *params);
/* map.c: what one group maps so that all are busy; the stage; places of columns besides each other's sets. */
uint32_t cln_share(const cln_choice *choice, const cln_problem *problem, const cln_params *params,
                   uint32_t units);
cln_stage cln_stage_map(cln_geo *geo, const cln_problem *problem, uint32_t wg, uint32_t share);
uint32_t cln_outer(const cln_geo *geo);

/* solve_columns.c: whether so many columns of all rows are few enough for one group, of one work-item. */
bool cln_fits_tile(const cln_geo *g, uint32_t cols);

/* bundle.c: sets that a work-group of that size walks at once, 1: each by itself; how many such there are; and the geometry
 * of what a choice walks: a bundle as a set, its elements one after the other, and planes of x as one run of y. */
uint32_t cln_bundle(const cln_problem *problem, uint32_t wg);
uint32_t cln_bundles(const cln_problem *problem, uint32_t wg);
cln_geo cln_walked(const cln_problem *problem, const cln_choice *choice);
/* planes.c: channels that are planes of x and pixels of y, which vectors of so many write at once; 0: none. */
uint32_t cln_planes(const cln_problem *problem, uint32_t vec);
/* The same of sets that a CPU maps at once. */
uint32_t cln_planes_of_sets(const cln_problem *problem);
/* transposed.c, lines: fewer are planes, a bundle, or picked from whole vectors. */
#define CLN_LEAST_LINES 5
/* What a CPU's choice, of that solver, work-group, vectors, bundle and planes, maps 16 of at once; those as runs of
 * y; whether its vectors of y are whole cache lines; and whether a choice writes y element by element. */
cln_lines cln_transposed(const cln_problem *problem, const cln_choice *choice);
void cln_transposed_lay(cln_geo *geo, cln_lines lines);
bool cln_lines_stream(const cln_problem *problem, const cln_choice *choice);
bool cln_scatters(const cln_problem *problem, const cln_choice *choice);
/* Whether a CPU's group of one finds the elements of x apart in what it walks, and so takes them one by one. */
bool cln_apart(const cln_problem *problem);
/* What a kernel is told of bundles: runs that are one, how weights and earlier statistics lie along the elements. */
void cln_bundle_lay(cln_geo *geo, uint32_t bundle);

uint32_t cln_ceil_div(uint64_t a, uint64_t b);
/* Groups of a CPU that a problem is worth: fewer where there is little to do. */
uint32_t cln_worth_groups(const cln_problem *problem, const cln_params *params, uint32_t units);
/* Pieces of `work` that one of them takes, so that no unit is idle for long; a group starts in the time of `start` pieces. */
uint32_t cln_fair_per(uint32_t work, double start, const cln_problem *problem, const cln_params *params,
                      uint32_t units);
/* per, raised until ceil(work / (per * unit)) groups are few enough for one launch. */
uint32_t cln_fit_per(uint32_t per, uint64_t work, uint32_t unit);
/* The share of `pieces` that a group takes, doubled until they are few enough for one launch, `times` over. */
uint32_t cln_fit_share(uint32_t share, uint64_t times, uint64_t pieces);
/* Groups of a launch whose kernel deals work to them in turn. */
size_t cln_groups(uint64_t work);
/* Elements of a run that is written by the lines of y, at least: those at its ends are not whole. */
#define CLN_LEAST_LED 128
#define CLN_MAX_GROUPS 65535u /* PoCL 3.1 compiles a second kernel, and may abort, from 65,536 on */
#define CLN_MOST_PARTED (CLN_MAX_GROUPS / 2) /* sets that go in parts */
uint32_t cln_teams(uint32_t wg, uint32_t vec);
/* Work-items of a group that is dealt so many chunks at a time which have one. */
uint32_t cln_chunk_items(const cln_choice *choice, uint64_t chunks);

/* A kernel, and which of its arguments, a bit each, are tensors that its last call did not give: they stay so. Of those that
 * were given a handle may be another buffer's by now. */
typedef struct cln_kernel {
    cl_kernel k;
    uint64_t absent;
} cln_kernel;
/* One set of kernels, for one enqueue at a time. */
typedef struct cln_kernels {
    struct cln_kernels *next;
    size_t count;
    cln_kernel stage[]; /* of a step that CLBlast does: none */
} cln_kernels;

/* The stages compiled for one build. */
typedef struct cln_variant {
    cl_program program; /* NULL: not there */
    cln_kernels *free;
    bool used; /* its kernels have run */
} cln_variant;

/* Bits of a variant's number: for aligned buffers; for calls that give no statistics, which dx makes too. */
enum { CLN_PLAIN = 0, CLN_WIDE = 1, CLN_BOTH = 2, CLN_VARIANTS = 4 };

/* What runs, without the life cycle that src/api gives it. Immutable but for its variants, whose lock is
 * the owner's. */
typedef struct cln_body {
    cln_problem problem;
    cln_choice choice;
    cln_stage stages[CLN_MAX_STAGES];
    size_t nstages;   /* 0: nothing to do; of a matrix op its steps */
    cln_steps *steps; /* of a matrix op, else NULL */
    cln_geo geo;
    size_t workspace;
    cl_mem table; /* of a table op, else NULL */
    cln_variant variants[CLN_VARIANTS];
} cln_body;

/* The kernel of stage or step i, without the op's name; NULL: CLBlast's. */
const char *cln_body_kernel(const cln_body *body, size_t i);
/* Whether a body has kernels of that kind. */
bool cln_body_has(const cln_body *body, int variant);
/* Work-items of the sub-groups that fold its lanes: SUBGROUP of cl/common/team.clh; 0: local memory alone. */
uint32_t cln_body_subgroup(const cln_body *body, const cln_params *params);
/* Build options of a variant, "-DWG=1 ...". */
void cln_stage_options(char *text, size_t room, const cln_body *body, const cln_params *params, int variant);
/* Bytes in front of a workspace that hold what problems leave for others: the twin of KEPT_FLOATS. */
size_t cln_kept_bytes(const cln_geo *geo, const cln_problem *problem);
/* Stages behind the statistics of families (cl/common/families.clh): their fold, and the map that waited for
 * it. */
size_t cln_stage_families(cln_stage *out, cln_geo *geo, const cln_problem *problem, const cln_choice *choice);
/* Whether strides leave every run aligned to vectors, where the buffers are. */
bool cln_geo_aligned(const cln_geo *g, uint32_t vec, bool writes);
/* A fresh set of kernels with all that never changes already set. */
clnorm_status cln_stage_kernels(cln_kernels **out, const cln_body *body, int variant);
void cln_stage_free(cln_kernels *kernels);
/* A command buffer of the caller's that stages are recorded in instead; last: the sync point of the last of them. */
typedef struct cln_recording {
    const cln_commands *commands;
    cln_command_buffer buffer;
    cl_uint nwait;
    const cl_uint *wait;
    cl_uint last;
} cln_recording;
/* Where the stages of a call go, and what they wait for: the caller's events first, then each for the one
 * before it (in an out-of-order queue by `last`). */
typedef struct cln_chain {
    cl_command_queue queue;
    bool in_order;
    const clnorm_args *args;
    const clnorm_buffer *workspace;
    cl_uint nwait;
    const cl_event *wait;
    cl_event last;            /* of the last stage enqueued; NULL where nobody asked */
    cln_recording *recording; /* NULL: they are enqueued */
} cln_chain;
/* The last stage of a problem that packs a mask; returns how many, 1 or 0. It runs where MASK is given. */
size_t cln_stage_mask(cln_stage *out, const cln_problem *problem);
/* Stages that a call has use for: a last one may be idle. */
size_t cln_stage_count(const cln_body *body, const clnorm_args *args);
/* One stage in parts, for team.c: the buffers of a call; groups base to base + count, in that queue; then the kernel as it was. */
clnorm_status cln_stage_bind(cln_kernel *k, const cln_body *body, const clnorm_args *args,
                             const clnorm_buffer *workspace);
clnorm_status cln_stage_part(cl_command_queue queue, cln_kernel *k, const cln_body *body, size_t i,
                             size_t base, size_t count);
clnorm_status cln_stage_whole(cln_kernel *k, const cln_body *body);
/* One launch behind the chain, enqueued or recorded. */
clnorm_status cln_chain_launch(cln_chain *c, cl_kernel k, size_t global, size_t local, bool want);
/* Sets buffers and enqueues all stages; see clnorm_enqueue. want: leave the event of the last in chain->last.
 */
clnorm_status cln_stage_enqueue(cln_chain *chain, const cln_body *body, cln_kernels *kernels, bool want);

/* One body of a plan in words; returns the length like snprintf. */
size_t cln_describe(char *text, size_t room, const cln_body *body, const cln_params *params,
                    const cln_device *device);

#endif

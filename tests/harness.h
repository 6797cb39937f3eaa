/* harness.h -- one case: every solver and launch parameter of each of its problems forced in turn, guarded,
 * compared with the reference.
 *
 * Around every buffer lie guard bands, of which CLNORM_TEST_GUARD makes one a closed page (guard.h); outputs
 * start as NaN, gaps that strides leave must stay as they were. The outputs of all launches of one case must
 * be the same bits. */
#ifndef HARNESS_H
#define HARNESS_H

#include "api/api.h"
#include "ref/ref.h"
#include "suite.h"

#include <stdbool.h>

typedef struct harness {
    clnorm_context *ctx;
    cl_context cl;
    cl_device_id device;
    cl_command_queue queue;
    cl_command_queue unordered;
} harness;

/* Opens the device of CLNORM_TEST_DEVICE (default: the preferred). Once per process; never forks. */
harness *harness_get(void);

/* Whether CLNORM_TEST_SMALL asks for a part of the cases: for tools that are slow. */
bool harness_small(void);

/* A plan with the programs alone of calls that give earlier statistics, or of those that do not; NULL: the last error
 * says why. */
clnorm_plan *harness_plan(const clnorm_op *op, const cln_choice *choices, bool gives, bool build);

/* What x holds. The hostile kinds have the bound 1e-6, the others 5e-7. */
typedef enum data_kind {
    DATA_NORMAL, /* 0.7 + 1.3 n; integers: uniform over the type */
    DATA_CONSTANT,
    DATA_FAR,      /* 1e4 +- 1e-2 */
    DATA_FARTHER,  /* 1e6 +- 1 */
    DATA_THOUSAND, /* 1e3 +- 1e-3 */
    DATA_ZEROS,    /* zeros in front of 1e3 + n */
    DATA_OUTLIER,  /* 1e6 in front of n */
    DATA_HUGE,     /* to +-3e38 */
    DATA_SMALL,    /* 1e-20 n */
    DATA_TINY,     /* 1e-30 n */
    DATA_NAN,      /* one NaN */
    DATA_INF,      /* one inf */
    DATA_PEAK,     /* 1e25 among n: squares of one set overflow, and of its neighbours none */
    DATA_KINDS
} data_kind;

/* Which ways of running a case are forced. A work-group of many costs seconds of compiling per kernel. */
typedef enum ways {
    WAYS_OWN,  /* every solver, with the device's own work-group */
    WAYS_ONE,  /* one of them all, best one that is compiled already: harness.c */
    WAYS_WIDE, /* WAYS_OWN, and wide stores */
    WAYS_MORE, /* WAYS_WIDE, and per problem one more work-group, which the seed picks */
    WAYS_ALL   /* WAYS_WIDE, and work-groups of one and of three teams */
} ways;

typedef struct op_case {
    clnorm_any desc;
    data_kind data;
    uint32_t seed;
    ways force;
    bool in_place;   /* y in x's place, backward dx in dy's */
    bool unordered;  /* an out-of-order queue */
    bool extra;      /* no frozen hash has it: those of CLNORM_TEST_FULL alone */
    size_t offset;   /* elements in front of x and y, of a layer of all its tensors: 0 is aligned */
    uint32_t groups; /* of WAYS_ALL, which: 1 is 64x4, 2 is 48x4, 4 is 64x1; 0: all */
    bool crossed;    /* of these, only where sets lie across several axes: not PLAIN of cl/common/place.clh */
    uint32_t no_slab; /* where slab, and tile by many, is not forced: bits as above; 8: the device's own */
    const char *only; /* the solver that is forced, but by WAYS_ONE, and must be one; NULL: each */
    uint32_t absent;  /* slots that are not given, bit per clnorm_slot */
    uint32_t flags;   /* with momentum and count as in clnorm_args */
    double momentum;
    uint64_t count;
    const char *view; /* for the count: "dense", "padded", ... */
} op_case;

/* Runs a case in all forced ways and compares; fails the Check test with op, device, shape, types, choice,
 * seed, first bad index, got, want, bound. Returns the hash of the outputs' bits. */
uint64_t harness_run(harness *h, const op_case *c);

/* Prints how many launches each op x layout x types x view had, and the worst errors of f32 outputs. */
void harness_report(void);

/* main() of a suite file. */
#define SUITE_MAIN(suite)                               \
    int main(void)                                      \
    {                                                   \
        const int code = suite_run(suite(), CK_NOFORK); \
        harness_report();                               \
        harness_close();                                \
        return code;                                    \
    }
void harness_close(void);
/* A millisecond, for those who wait for another thread. */
void harness_nap(void);

/* The table of shapes, views, types and data that every op goes through: tests/table.c. */
void table_run(uint32_t kind);
TCase *table_tcase(const char *name, const TTest *test);

/* The same of layers: tests/table_layers.c. */
void layers_run(uint32_t kind);

/* That samples of a layer do not know of each other: tests/batch.c. */
void batch_run(uint32_t kind);

/* The suite file of an op that goes through a table, of a layer its batches too, and no more. */
#define RUN_MAIN(op, call)                                                           \
    START_TEST(table) { call; }                                                      \
    END_TEST                                                                         \
    static Suite *suite(void) { return suite_of(#op, table_tcase("table", table)); } \
    SUITE_MAIN(suite)
#define TABLE_MAIN(op, kind) RUN_MAIN(op, table_run(kind))
#define LAYER_MAIN(op, kind) RUN_MAIN(op, (layers_run(kind), batch_run(kind)))

#endif

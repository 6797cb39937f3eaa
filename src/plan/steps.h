/* steps.h -- a matrix op as a chain of steps.
 *
 * A plan is a chain of launches. An op of sets has stages, kernels that all take one list of arguments; a matrix op has steps,
 * each of which says what it takes: places in the call's tensors or in the workspace, tensors seen as matrices, eight numbers
 * and four constants. A step is a kernel of the op's file or a matrix product, and a product is a kernel of ours
 * (cl/common/product.clh) or a call of CLBlast (blas/gemm.h), as the device's row in src/tune/params.c says. The op writes the
 * chain from its descriptor, in the order of its paper; the rest of a plan (programs, kernels lent to enqueues, workspace,
 * waits and events) is the same for both. */
#ifndef CLN_STEPS_H
#define CLN_STEPS_H

#include "blas/gemm.h"
#include "tensor/matrix.h"
#include "tune/params.h"

#define CLN_STEP_PLACES 8
#define CLN_STEP_NUMBERS 8

/* Where a step reads or writes: AT(slot) of the call, absent where the call has none, or a part of the workspace. Kernels get a
 * pointer (NULL: absent) and the first element. */
typedef struct cln_at {
    uint32_t where; /* 0: no place; slot + 1; CLN_WORK */
    size_t first;   /* floats of the workspace in front of it; elements of the slot */
} cln_at;
#define CLN_WORK (CLNORM_SLOTS + 1)
#define CLN_AT(slot) ((cln_at){ CLNORM_##slot + 1, 0 })

typedef struct cln_step {
    const char
        *kernel; /* "<op>_" is put in front; NULL: a product of CLBlast's, of at[0] and at[1] to at[2] */
    size_t groups;
    cln_at at[CLN_STEP_PLACES]; /* end with no place */
    const cln_matrix *view[2];  /* copied; end with NULL */
    uint32_t n[CLN_STEP_NUMBERS];
    float f[4];
    uint32_t given,
        absent; /* slots: it runs only where the call gives one of `given` (0: always) and none of `absent` */
    float
        momentum; /* of a step that moves: f[2] and f[3] are a call's momentum, or this one, and what it leaves of 1 */
    bool moves;
    cln_gemm gemm;
    cln_matrix views[2]; /* the copies */
    uint32_t nviews;
} cln_step;

/* A chain being written, then run. Host memory that runs out is said by cln_steps_end. */
typedef struct cln_steps {
    const cln_params *params;
    const cln_device *device;
    cln_step *step;
    size_t count, room;
    size_t floats;              /* of the workspace that places take */
    size_t most;                /* and have taken */
    size_t scratch;             /* bytes in front of them, for CLBlast */
    uint32_t types[4];          /* SRC, DST, DTY, PAR of its kernels: dtypes; 0: f32 */
    size_t bytes[CLNORM_SLOTS]; /* of an element of each slot */
    char more[128];             /* further build options of the op's, " -DNAME=1 .." */
    bool calls;                 /* CLBlast */
    bool failed;
} cln_steps;

/* ---- writing ---- */

/* A part of the workspace. */
cln_at cln_steps_room(cln_steps *s, uint64_t floats);
/* Rooms that begin here take the place of those behind `floats` of the chain, whose steps have run. */
void cln_steps_reuse(cln_steps *s, size_t floats);
/* `floats` further into it. */
cln_at cln_at_plus(cln_at at, uint64_t floats);
/* One more step. */
void cln_steps_add(cln_steps *s, const cln_step *step);
/* at[2] = g(at[0], at[1]); given, absent as in a step. Ours takes B as it is, so tb only with CLBlast: write none. */
void cln_steps_product(cln_steps *s, const cln_gemm *g, cln_at a, cln_at b, cln_at c, uint32_t given,
                       uint32_t absent);
/* Groups for so many work-items' worth of work, each of `per`. */
size_t cln_steps_groups(const cln_steps *s, uint64_t items, uint32_t per);
/* FAULT, where it is given, says none: before the steps that look for one. */
void cln_steps_well(cln_steps *s);

/* ---- common chains: cl/common/covariance.clh ---- */

/* What the covariance of a matrix leaves: rows x columns of centred floats, their mean as two floats (mean = hi + lo; the centred
 * ones are about hi, so lo is theirs), and sum of (x - mean)^T (x - mean) / divisor, of each group of columns. */
typedef struct cln_covariance {
    cln_at centred; /* rows x columns, less hi */
    cln_at hi, lo;  /* columns each */
    cln_at matrix;  /* groups x width x width, width = columns / groups */
} cln_covariance;
/* x: the tensor's place and view. divisor as a float: rows, rows - 1, or 1 for M2. */
void cln_steps_covariance(cln_steps *s, cln_covariance *out, cln_at x, const cln_matrix *view,
                          uint32_t groups, float divisor, uint32_t given, uint32_t absent);

/* ---- running: steps.c, for plan.c and stage.c ---- */

/* Sizes scratch and, with `build`, compiles what CLBlast needs; ENOMEM where writing ran out of it. */
clnorm_status cln_steps_end(cln_steps *s, cl_context context, bool build);
void cln_steps_free(cln_steps *s);
size_t cln_steps_workspace(const cln_steps *s);
void cln_steps_options(char *text, size_t room, const cln_steps *s);
/* Whether a call has use for a step; what never changes of a kernel's arguments; step i behind the chain. */
struct cln_chain;
bool cln_step_runs(const cln_step *step, const clnorm_args *args);
clnorm_status cln_step_constants(cl_kernel k, const cln_step *step);
clnorm_status cln_step_enqueue(struct cln_chain *c, const cln_steps *s, size_t i, cl_kernel k, bool want);

#endif

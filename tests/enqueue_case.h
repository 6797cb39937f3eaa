/* enqueue_case.h -- plans of two stages and of a single one, what they are enqueued with, and what is refused. */
#ifndef ENQUEUE_CASE_H
#define ENQUEUE_CASE_H

#include "api_case.h"

#include <math.h>
#include <stdlib.h>

enum { N = 2, C = 4, H = 50, W = 101, COUNT = N * C * H * W, BYTES = COUNT * 4 };

static inline void fill(float *x, size_t n, uint32_t seed)
{
    for (size_t i = 0; i < n; i++) {
        seed = seed * 1664525u + 1013904223u;
        x[i] = (float)(seed >> 8) * 0x1p-22f + (float)(i % 7);
    }
}

static inline cl_command_queue queue_of(cl_context cl)
{
    cl_int code;
    cl_command_queue queue = clCreateCommandQueue(cl, harness_get()->device, 0, &code);
    ck_assert_int_eq(code, CL_SUCCESS);
    return queue;
}

/* One z-score over everything, by that schedule. */
static inline clnorm_plan *zscore_plan(const cln_solver *solver)
{
    harness *h = harness_get();
    clnorm_zscore d = CLNORM_ZSCORE_INIT;
    d.x = d.y = clnorm_nchw(CLNORM_F32, N, C, H, W);
    d.scope = CLNORM_SCOPE_BATCH;
    const cln_choice choice = choice_of(h->ctx, solver);
    clnorm_plan *plan;
    OK(cln_plan_with(&plan, h->ctx, &d.op, &choice, true));
    return plan;
}

/* In two stages, so that every enqueue needs a workspace. */
static inline clnorm_plan *split_plan(void)
{
    clnorm_plan *plan = zscore_plan(&cln_solve_split);
    ck_assert_uint_gt(clnorm_plan_workspace(plan), 0);
    return plan;
}

/* In one, without. */
static inline clnorm_plan *slab_plan(void)
{
    clnorm_plan *plan = zscore_plan(&cln_solve_slab);
    ck_assert_uint_eq(clnorm_plan_workspace(plan), 0);
    return plan;
}

static inline clnorm_plan *plan_of(const clnorm_op *op)
{
    clnorm_plan *plan;
    OK(clnorm_plan_create(&plan, harness_get()->ctx, op, CLNORM_ESTIMATE));
    return plan;
}

static inline clnorm_plan *scale_plan(clnorm_tensor x, clnorm_tensor y, uint32_t swap)
{
    clnorm_totensor d = CLNORM_TOTENSOR_INIT;
    d.x = x;
    d.y = y;
    d.swap_rb = swap;
    d.scale = 2;
    return plan_of(&d.op);
}

static inline void put(clnorm_args *args, uint32_t slot, cl_mem mem, size_t offset)
{
    args->slot[slot].mem = mem;
    args->slot[slot].byte_offset = offset;
}

static inline void go(const clnorm_plan *plan, cl_command_queue queue, const clnorm_args *args, cl_uint nwait,
                      const cl_event *wait, cl_event *event)
{
    OK(clnorm_enqueue(plan, queue, args, nwait, wait, event));
}

/* An enqueue of these fails with this status, says this word, and leaves no event. */
#define REFUSED(status, word, ...)                                                  \
    do {                                                                            \
        cl_event refused = (cl_event)harness_get();                                 \
        ck_assert_int_eq(clnorm_enqueue(__VA_ARGS__, 0, NULL, &refused), (status)); \
        SAYS(word);                                                                 \
        ck_assert_ptr_null(refused);                                                \
    } while (0)

static inline cl_int status_of(cl_event event)
{
    cl_int status = -1;
    ck_assert_int_eq(clGetEventInfo(event, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof status, &status, NULL),
                     CL_SUCCESS);
    return status;
}

/* z-score of x, from the plan on the ordered queue, itself compared with double. */
static inline void expected(const clnorm_plan *plan, const float *x, float *y)
{
    double mean = 0, square = 0;
    cl_mem x_mem = buffer(BYTES, x), y_mem = buffer(BYTES, NULL);
    const clnorm_args args = pair(x_mem, 0, y_mem, 0);
    go(plan, harness_get()->queue, &args, 0, NULL, NULL);
    read_back(y_mem, 0, BYTES, y);
    for (size_t i = 0; i < COUNT; i++)
        mean += (double)x[i] / COUNT;
    for (size_t i = 0; i < COUNT; i++)
        square += ((double)x[i] - mean) * ((double)x[i] - mean) / COUNT;
    for (size_t i = 0; i < COUNT; i++)
        ck_assert_double_eq_tol((double)y[i], ((double)x[i] - mean) / (sqrt(square) + 1e-8), 5e-6);
    RELEASE(x_mem, y_mem);
}

static inline clnorm_tensor tiny(void) { return clnorm_nchw(CLNORM_F32, 1, 3, 4, 5); }
enum { TINY = 3 * 4 * 5 * 4 };

/* The tests of the files of these names, parts of test_enqueue.c. */
void enqueue_overlaps(TCase *t);
void enqueue_places(TCase *t);

#endif

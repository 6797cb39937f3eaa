/* measure.c -- ways of running a descriptor, timed on scratch memory; results do not depend on who wins. */
#include "api/api.h"
#include "base/status.h"
#include "tensor/tensor.h"

#define XXH_INLINE_ALL

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define LEAST_ROUNDS 9
#define LEAST_NS 30000000u
#define WORTH 0.97              /* of the time of what is to beat: less is noise */
#define BLOCK ((size_t)1 << 20) /* bytes that are written at a time */
#define TRAIN_NS 1000000u /* a GPU works while its host waits: launches between two waits take this long */
#define MOST_TRAIN 64

/* ---- scratch ---- */

/* Halves of 0x3c00 to 0x3fff are small numbers in every type, and no two alike. */
static void make_block(uint16_t *block, uint32_t seed)
{
    for (size_t k = 0; k < BLOCK / sizeof *block; k++) {
        seed = seed * 1664525u + 1013904223u;
        block[k] = (uint16_t)(0x3c00u | seed >> 22);
    }
}

/* Outputs too: pages that nobody wrote are one page of zeros, which no memory has to bring. */
static clnorm_status fill(cln_lab *lab, const clnorm_plan *plan, uint32_t slots)
{
    uint16_t *const block = (uint16_t *)malloc(BLOCK);
    clnorm_status st = block ? CLNORM_OK : cln_fail(CLNORM_ENOMEM, "no memory for scratch data");
    for (uint32_t s = 0; s < CLNORM_SLOTS && st == CLNORM_OK; s++) {
        const size_t bytes = slots >> s & 1 ? clnorm_plan_slot_bytes(plan, s) : 0;
        assert(!bytes || lab->args.slot[s].mem);
        if (bytes)
            make_block(block, s + 1);
        for (size_t at = 0; at < bytes && st == CLNORM_OK; at += BLOCK)
            st = CLN_CL_STATUS(clEnqueueWriteBuffer(lab->queue, lab->args.slot[s].mem, CL_TRUE, at,
                                                    bytes - at < BLOCK ? bytes - at : BLOCK, block, 0, NULL,
                                                    NULL),
                               "clEnqueueWriteBuffer");
    }
    free(block);
    return st;
}

/* What the plan can read, since callers give it, and must or may write. */
static clnorm_status make_args(cln_lab *lab, const clnorm_plan *plan)
{
    const uint32_t slots = plan->required | plan->reads | plan->writes;
    for (uint32_t s = 0; s < CLNORM_SLOTS; s++) {
        const size_t bytes = slots >> s & 1 ? clnorm_plan_slot_bytes(plan, s) : 0;
        clnorm_tensor t;
        int64_t low, high;
        if (!bytes || !cln_op_slot(&plan->body[0].problem.desc, s, &t))
            continue;
        CLN_TRY(cln_context_buffer(lab->ctx, CL_MEM_READ_WRITE, bytes, NULL, &lab->args.slot[s].mem));
        cln_tensor_reach(&t, &low, &high);
        lab->args.slot[s].byte_offset = (size_t)-low * cln_slot_element(&t);
    }
    return fill(lab, plan, slots);
}

static clnorm_status hash_outputs(cln_lab *lab, const clnorm_plan *plan, uint64_t *hash)
{
    clnorm_status st = CLNORM_OK;
    *hash = 0;
    for (uint32_t s = 0; s < CLNORM_SLOTS && st == CLNORM_OK; s++) {
        const size_t bytes = plan->writes >> s & 1 ? clnorm_plan_slot_bytes(plan, s) : 0;
        void *const data = bytes ? malloc(bytes) : NULL;
        if (bytes && !data)
            return cln_fail(CLNORM_ENOMEM, "no memory for %zu bytes of an output", bytes);
        if (bytes)
            st = CLN_CL_STATUS(clEnqueueReadBuffer(lab->queue, lab->args.slot[s].mem, CL_TRUE, 0, bytes, data,
                                                   0, NULL, NULL),
                               "clEnqueueReadBuffer");
        if (bytes && st == CLNORM_OK)
            *hash = XXH3_64bits_withSeed(data, bytes, *hash);
        free(data);
    }
    return st;
}

/* That a way gives the bits of the first one, over the same outputs: some are read too. */
static clnorm_status verify(cln_lab *lab, const cln_way *way)
{
    uint64_t hash;
    CLN_TRY(fill(lab, way->plan, way->plan->writes));
    CLN_TRY(clnorm_enqueue(way->plan, lab->queue, &lab->args, 0, NULL, NULL));
    CLN_TRY(hash_outputs(lab, way->plan, &hash));
    if (lab->hashed && hash != lab->hash)
        return cln_fail(CLNORM_EBUG, "%s by %s with wg %u, vec %u does not give the bits of other schedules",
                        lab->posed.part[0].op->info.name, way->tuned.solver, way->tuned.wg, way->tuned.vec);
    lab->hash = hash;
    lab->hashed = true;
    return CLNORM_OK;
}

clnorm_status cln_lab_open(cln_lab *lab, clnorm_context *ctx, const clnorm_op *op, bool *empty)
{
    static const clnorm_args none = CLNORM_ARGS_INIT;
    cl_int code;
    memset(lab, 0, sizeof *lab);
    lab->ctx = ctx;
    lab->op = op;
    lab->args = none;
    lab->params = ctx->params;
    lab->params.tuning = NULL;
    lab->least_ns = LEAST_NS;
    lab->left_ns = UINT64_MAX;
    CLN_TRY(cln_op_pose(&lab->posed, op));
    *empty = !lab->posed.part[0].set_elements || lab->posed.part[0].op->steps; /* there is one way */
    if (*empty)
        return CLNORM_OK;
    lab->queue = clCreateCommandQueue(ctx->cl, ctx->device.id, 0, &code);
    return CLN_CL_STATUS(code, "clCreateCommandQueue");
}

void cln_lab_close(cln_lab *lab)
{
    if (lab->queue) /* where a launch failed those before it may still run, on memory that an allocator hands out again */
        clFinish(lab->queue);
    for (uint32_t s = 0; s < CLNORM_SLOTS; s++)
        cln_context_buffer_free(lab->ctx, lab->args.slot[s].mem);
    if (lab->queue)
        clReleaseCommandQueue(lab->queue);
}

/* ---- a race ---- */

static clnorm_status time_train(uint64_t *ns, const cln_lab *lab, const clnorm_plan *plan, uint32_t train)
{
    const uint64_t start = cln_now_ns();
    for (uint32_t k = 0; k < train; k++)
        CLN_TRY(clnorm_enqueue(plan, lab->queue, &lab->args, 0, NULL, NULL));
    CLN_CL(clFinish(lab->queue));
    *ns = (cln_now_ns() - start) / train;
    return CLNORM_OK;
}

static clnorm_status choose_train(uint32_t *train, const cln_lab *lab, const clnorm_plan *plan)
{
    uint64_t ns = TRAIN_NS;
    *train = 1;
    if (lab->ctx->device.cpu)
        return CLNORM_OK;
    for (int k = 0; k < 2; k++)
        CLN_TRY(time_train(&ns, lab, plan, 1));
    *train = ns * MOST_TRAIN < TRAIN_NS ? MOST_TRAIN : ns < TRAIN_NS ? (uint32_t)(TRAIN_NS / ns) : 1;
    return CLNORM_OK;
}

/* A way whose kernels the device cannot run, or not build, or for which there is no memory, is none: its plan stays NULL. */
static clnorm_status ready_one(cln_lab *lab, cln_way *way, bool first)
{
    cln_choice choices[CLN_MAX_PARTS];
    memcpy(choices, way->choices, sizeof choices);
    for (size_t k = 0; k < CLN_MAX_PARTS; k++)
        choices[k].calls = CLN_CALLS_GIVE; /* as those of make_args */
    const clnorm_status st = cln_plan_with(&way->plan, lab->ctx, lab->op, choices, true);
    way->ns = UINT64_MAX;
    if (cln_is_no_way(st) && !first)
        return CLNORM_OK;
    CLN_TRY(st);
    lab->tried += !first;
    if (!lab->args.slot[CLNORM_X].mem)
        CLN_TRY(make_args(lab, way->plan));
    return lab->verifies ? verify(lab, way) : CLNORM_OK;
}

clnorm_status cln_lab_ready(cln_lab *lab, cln_way list[], size_t count)
{
    for (size_t i = 0; i < count; i++)
        CLN_TRY(ready_one(lab, &list[i], i == 0));
    return CLNORM_OK;
}

static clnorm_status time_round(const cln_lab *lab, cln_way list[], size_t count, uint32_t train, bool counts)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t ns = UINT64_MAX;
        if (list[i].plan)
            CLN_TRY(time_train(&ns, lab, list[i].plan, train));
        if (counts && ns < list[i].ns)
            list[i].ns = ns;
    }
    return CLNORM_OK;
}

/* All by turn, so that what else the machine does meets them all. */
static clnorm_status time_all(cln_lab *lab, cln_way list[], size_t count)
{
    uint32_t train;
    uint64_t spent = 0;
    int rounds = 0;
    CLN_TRY(choose_train(&train, lab, list[0].plan));
    const uint64_t begin = cln_now_ns();
    for (; (rounds < LEAST_ROUNDS || spent < lab->least_ns) && spent < lab->left_ns; rounds++) {
        CLN_TRY(time_round(lab, list, count, train, rounds > 0)); /* the first compiles on some runtimes */
        spent = cln_now_ns() - begin;
    }
    lab->left_ns -= lab->left_ns == UINT64_MAX ? 0 : spent < lab->left_ns ? spent : lab->left_ns;
    lab->spent_ns += spent;
    lab->cut |= rounds < LEAST_ROUNDS;
    for (size_t i = 1; i < count && rounds < LEAST_ROUNDS; i++) /* too few to tell */
        list[i].ns = UINT64_MAX;
    return CLNORM_OK;
}

clnorm_status cln_lab_race(cln_lab *lab, cln_way list[], size_t count, size_t *best)
{
    *best = 0;
    lab->cut |= !lab->left_ns;
    if (!lab->left_ns)
        count = 0;
    clnorm_status st = count > 1 ? cln_lab_ready(lab, list, count) : CLNORM_OK;
    if (count > 1 && st == CLNORM_OK)
        st = time_all(lab, list, count);
    for (size_t i = 1; i < count && st == CLNORM_OK; i++)
        if (list[i].ns < list[*best].ns && (double)list[i].ns < WORTH * (double)list[0].ns)
            *best = i;
    for (size_t i = 0; i < count; i++)
        clnorm_plan_release(list[i].plan);
    return st;
}

size_t cln_lab_solvers(cln_way list[CLN_MOST_WAYS], const cln_lab *lab, const cln_choice choices[], size_t k)
{
    size_t count = 0;
    for (size_t i = 0; i == 0 || cln_solvers[i - 1]; i++) {
        cln_way *const w = &list[count];
        const cln_solver *solver = i ? cln_solvers[i - 1] : choices[k].solver;
        memset(w, 0, sizeof *w);
        memcpy(w->choices, choices, sizeof w->choices);
        if (i && (solver == choices[k].solver || !cln_choose_with(&w->choices[k], solver, &lab->posed.part[k],
                                                                  &lab->params, &lab->ctx->device)))
            continue;
        cln_choose_behind(&w->choices[k], k ? &w->choices[k - 1] : NULL, &lab->posed.part[k], &lab->params);
        cln_choose_from(w->choices, k + 1, &lab->posed, &lab->params, &lab->ctx->device);
        count++;
    }
    return count;
}

clnorm_status cln_measure(cln_choice choices[CLN_MAX_PARTS], clnorm_context *ctx, const clnorm_op *op,
                          bool *measured)
{
    cln_lab lab;
    bool empty;
    clnorm_status st = cln_lab_open(&lab, ctx, op, &empty);
    *measured = st == CLNORM_OK && !empty;
    if (*measured)
        cln_choose_from(choices, 0, &lab.posed, &ctx->params, &ctx->device);
    for (size_t k = 0; *measured && k < lab.posed.count && st == CLNORM_OK; k++) {
        cln_way list[CLN_MOST_WAYS];
        size_t best;
        if (k && cln_traits(&choices[k - 1]) & CLN_TAKES_NEXT)
            continue; /* which decides for the next */
        const size_t count = cln_lab_solvers(list, &lab, choices, k);
        st = cln_lab_race(&lab, list, count, &best);
        memcpy(choices, list[best].choices, sizeof list[best].choices);
    }
    cln_lab_close(&lab);
    *measured = *measured && st == CLNORM_OK;
    return st;
}

/* team.c -- threads of the library's own that share the groups of large enough launches, on a device that runs what is
 * enqueued at once, in the thread that enqueues it (PoCL's `basic`).
 *
 * A call opens one launch after the other. Whoever is awake takes a part of the groups of the open one until none are
 * left; the caller takes its own, waits until all are done, closes the launch, waits until nobody is inside, and only
 * then changes what a launch is. So a thread that comes late, or not at all, is not waited for. */
#define _POSIX_C_SOURCE 200809L
#include "api/api.h"
#include "base/fork.h"
#include "base/status.h"

#include <string.h>

#if defined(_WIN32)
clnorm_status clnorm_team_create(clnorm_team **out, clnorm_context *ctx, uint32_t threads)
{
    (void)ctx, (void)threads;
    if (!out)
        return cln_fail(CLNORM_EARG, "out is NULL");
    *out = NULL;
    return cln_fail(CLNORM_EUNSUPPORTED, "there are no teams on Windows yet");
}
clnorm_status clnorm_team_run(clnorm_team *team, const clnorm_plan *plan, const clnorm_args *args)
{
    (void)team, (void)args;
    return cln_fail(CLNORM_EARG, "%s is NULL", plan ? "team" : "plan"); /* nobody has a team */
}
void clnorm_team_release(clnorm_team *team) { (void)team; }
#else
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define MOST_THREADS 256u
#define SPIN_NS 100000u /* that a thread without work stays awake */
/* Two threads that enqueue at the same moment wait for each other inside PoCL 3.1, in malloc and free. So whoever comes along does so
 * when the caller has enqueued, and a call that moves fewer bytes is not shared. */
#define LAG_NS 2000u
#define WORTH_SHARING (1 << 20)

typedef struct member {
    clnorm_team *team;
    pthread_t thread; /* of all but the first, which is the caller's */
    cl_command_queue queue;
    cln_kernels *kernels; /* of the body at hand */
    bool bound;           /* to the buffers of the launch at hand */
    bool started;
} member;

struct clnorm_team {
    clnorm_context *ctx;
    member *members;
    uint32_t count;
    pthread_mutex_t turn; /* one call at a time */
    cl_mem workspace;
    size_t workspace_bytes;

    /* The launch at hand: written while it is closed and nobody is inside. */
    const cln_body *body;
    const clnorm_args *args;
    const clnorm_buffer *scratch;
    size_t stage, groups, step;

    /* Shared by atomics. */
    unsigned epoch; /* launches opened so far */
    unsigned open, inside, quit, asleep;
    size_t next, done; /* groups */
    int status;        /* a failure of a thread */
    pthread_mutex_t lock;
    pthread_cond_t work; /* for those asleep */
};

#define LOAD(p) __atomic_load_n(p, __ATOMIC_SEQ_CST)
#define STORE(p, v) __atomic_store_n(p, v, __ATOMIC_SEQ_CST)
#define ADD(p, v) __atomic_fetch_add(p, v, __ATOMIC_SEQ_CST)

static void pause_for(unsigned turns)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
    if (turns % 4096 == 4095)
        sched_yield();
}

/* ---- groups of one launch ---- */

static clnorm_status run_part(member *m, size_t at, size_t count)
{
    const clnorm_team *t = m->team;
    cln_kernel *const k = &m->kernels->stage[t->stage];
    if (!m->bound)
        CLN_TRY(cln_stage_bind(k, t->body, t->args, t->scratch));
    m->bound = true;
    CLN_TRY(cln_stage_part(m->queue, k, t->body, t->stage, at, count));
    CLN_CL(clFinish(m->queue));
    return CLNORM_OK;
}

/* Takes groups until none are left; after a failure they are passed over. Returns this thread's own. */
static clnorm_status take_groups(member *m)
{
    clnorm_team *const t = m->team;
    clnorm_status own = CLNORM_OK;
    size_t at;
    while ((at = ADD(&t->next, t->step)) < t->groups) {
        const size_t left = t->groups - at, count = left < t->step ? left : t->step;
        const clnorm_status st = LOAD(&t->status) == CLNORM_OK ? run_part(m, at, count) : CLNORM_OK;
        if (st != CLNORM_OK)
            STORE(&t->status, (int)(own = st));
        ADD(&t->done, count);
    }
    return own;
}

/* ---- the threads ---- */

/* Until there is another launch, or the end. */
static unsigned await(clnorm_team *t, unsigned seen)
{
    const uint64_t since = cln_now_ns();
    for (unsigned turns = 0; LOAD(&t->epoch) == seen && !LOAD(&t->quit); turns++) {
        pause_for(turns);
        if (turns % 1024 != 1023 || cln_now_ns() - since < SPIN_NS)
            continue;
        pthread_mutex_lock(&t->lock);
        ADD(&t->asleep, 1);
        while (LOAD(&t->epoch) == seen && !LOAD(&t->quit))
            pthread_cond_wait(&t->work, &t->lock);
        ADD(&t->asleep, -1u);
        pthread_mutex_unlock(&t->lock);
    }
    return LOAD(&t->epoch);
}

static void lag(void)
{
    const uint64_t since = cln_now_ns();
    while (cln_now_ns() - since < LAG_NS)
        pause_for(0);
}

static void *live(void *arg)
{
    member *const m = (member *)arg;
    clnorm_team *const t = m->team;
    unsigned seen = 0;
    while (seen = await(t, seen), !LOAD(&t->quit)) {
        lag();
        ADD(&t->inside, 1);
        if (LOAD(&t->open))
            take_groups(m);
        ADD(&t->inside, -1u);
    }
    return NULL;
}

static void wake(clnorm_team *t)
{
    if (!LOAD(&t->asleep))
        return;
    pthread_mutex_lock(&t->lock);
    pthread_cond_broadcast(&t->work);
    pthread_mutex_unlock(&t->lock);
}

/* ---- a call ---- */

static clnorm_status run_stage(clnorm_team *t, size_t stage, uint32_t threads)
{
    t->stage = stage;
    t->groups = t->body->stages[stage].groups;
    t->step = (t->groups + threads - 1) / threads; /* an enqueue is dear, so each takes one part */
    for (uint32_t k = 0; k < threads; k++)
        t->members[k].bound = false;
    if (threads == 1 || t->groups == 1) {
        t->members[0].bound = false;
        return run_part(&t->members[0], 0, t->groups);
    }
    STORE(&t->status, CLNORM_OK);
    STORE(&t->next, (size_t)0);
    STORE(&t->done, (size_t)0);
    STORE(&t->open, 1u);
    ADD(&t->epoch, 1);
    wake(t);
    const clnorm_status own = take_groups(&t->members[0]);
    for (unsigned turns = 0; LOAD(&t->done) < t->groups; turns++)
        pause_for(turns);
    STORE(&t->open, 0u);
    for (unsigned turns = 0; LOAD(&t->inside); turns++)
        pause_for(turns);
    const clnorm_status st = (clnorm_status)LOAD(&t->status);
    return own != CLNORM_OK  ? own
           : st == CLNORM_OK ? st
                             : cln_fail(st, "%s_%s failed in a thread of the team",
                                        t->body->problem.op->info.name, t->body->stages[stage].kernel);
}

/* Kernels are as they were lent when they are given back. */
static void give_all_back(clnorm_team *t, clnorm_plan *plan, cln_variant *variant, uint32_t threads,
                          size_t stages, bool ran)
{
    for (uint32_t k = 0; k < threads; k++) {
        cln_kernels *const set = t->members[k].kernels;
        bool whole = true;
        for (size_t i = 0; set && i < stages; i++)
            whole = cln_stage_whole(&set->stage[i], t->body) == CLNORM_OK && whole;
        if (set && whole)
            cln_give_back(set, plan, variant, ran);
        else if (set)
            cln_stage_free(set);
        t->members[k].kernels = NULL;
    }
}

/* Steps follow each other in the caller's queue, which runs them at once. */
static clnorm_status run_steps(clnorm_team *t, clnorm_plan *plan, cln_body *body)
{
    cln_chain chain = { t->members[0].queue, true, t->args, t->scratch, 0, NULL, NULL, NULL };
    cln_kernels *kernels;
    CLN_TRY(cln_borrow(&kernels, plan, body, CLN_PLAIN));
    const clnorm_status st = cln_stage_enqueue(&chain, body, kernels, false);
    const cl_int finished = clFinish(chain.queue);
    cln_give_back(kernels, plan, &body->variants[CLN_PLAIN], st == CLNORM_OK);
    return st == CLNORM_OK ? CLN_CL_STATUS(finished, "clFinish") : st;
}

static clnorm_status run_body(clnorm_team *t, clnorm_plan *plan, cln_body *body, uint32_t threads)
{
    if (body->steps)
        return run_steps(t, plan, body);
    const int variant = cln_pick_variant(body, t->args);
    const size_t stages = cln_stage_count(body, t->args);
    clnorm_status st = CLNORM_OK;
    t->body = body;
    for (uint32_t k = 0; k < threads && st == CLNORM_OK; k++)
        st = cln_borrow(&t->members[k].kernels, plan, body, variant);
    for (size_t i = 0; i < stages && st == CLNORM_OK; i++)
        st = run_stage(t, i, threads);
    give_all_back(t, plan, &body->variants[variant], threads, stages, st == CLNORM_OK);
    return st;
}

/* Room for the plan, which stays for later calls. */
static clnorm_status reserve(clnorm_team *t, size_t bytes)
{
    if (bytes <= t->workspace_bytes)
        return CLNORM_OK;
    cln_context_buffer_free(t->ctx, t->workspace);
    t->workspace = NULL;
    t->workspace_bytes = 0;
    CLN_TRY(cln_context_buffer(t->ctx, CL_MEM_READ_WRITE, bytes, NULL, &t->workspace));
    t->workspace_bytes = bytes;
    return CLNORM_OK;
}

static clnorm_status run(clnorm_team *t, clnorm_plan *plan, const clnorm_args *args)
{
    clnorm_buffer own = { NULL, 0, NULL, 0 };
    const bool shared = plan->body[0].problem.bytes >= WORTH_SHARING;
    if (plan->workspace && !args->workspace.mem)
        CLN_TRY(reserve(t, plan->workspace));
    own.mem = t->workspace;
    t->args = args;
    t->scratch = args->workspace.mem ? &args->workspace : &own;
    for (size_t k = 0; k < plan->nbodies; k++)
        if (cln_wants(&plan->body[k], args))
            CLN_TRY(run_body(t, plan, &plan->body[k], shared ? t->count : 1));
    return CLNORM_OK;
}

clnorm_status clnorm_team_run(clnorm_team *team, const clnorm_plan *plan, const clnorm_args *user_args)
{
    clnorm_args args;
    CLN_TRY(cln_fork_check());
    if (!team || !plan || !user_args)
        return cln_fail(CLNORM_EARG, "%s is NULL", !team ? "team" : !plan ? "plan" : "args");
    if (plan->ctx != team->ctx)
        return cln_fail(CLNORM_EARG, "the plan is of another context than the team");
    CLN_TRY(cln_check_args(&args, plan, user_args));
    if (!plan->body[0].nstages)
        return CLNORM_OK;
    pthread_mutex_lock(&team->turn);
    const clnorm_status st = run(team, (clnorm_plan *)(uintptr_t)plan, &args);
    pthread_mutex_unlock(&team->turn);
    return st;
}

/* ---- life ---- */

static clnorm_status start_member(clnorm_team *t, uint32_t k)
{
    member *const m = &t->members[k];
    cl_int code;
    m->team = t;
    m->queue = clCreateCommandQueue(t->ctx->cl, t->ctx->device.id, 0, &code);
    CLN_TRY(CLN_CL_STATUS(code, "clCreateCommandQueue"));
    sigset_t all, before; /* signals are for the caller's own threads */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    m->started = k && pthread_create(&m->thread, NULL, live, m) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return k && !m->started ? cln_fail(CLNORM_ENOMEM, "no thread %u of a team of %u", k + 1, t->count)
                            : CLNORM_OK;
}

static clnorm_status start(clnorm_team *t, uint32_t threads)
{
    t->members = (member *)calloc(threads, sizeof *t->members);
    if (!t->members)
        return cln_fail(CLNORM_ENOMEM, "no memory for %u threads", threads);
    t->count = threads;
    for (uint32_t k = 0; k < threads; k++)
        CLN_TRY(start_member(t, k));
    return CLNORM_OK;
}

static uint32_t cores(void)
{
    const long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : (unsigned long)n > MOST_THREADS ? MOST_THREADS : (uint32_t)n;
}

/* Such a device has no threads of its own. */
static bool runs_at_once(const cln_device *device)
{
    return device->pocl && strncmp(device->name, "basic", 5) == 0;
}

clnorm_status clnorm_team_create(clnorm_team **out, clnorm_context *ctx, uint32_t threads)
{
    if (!out)
        return cln_fail(CLNORM_EARG, "out is NULL");
    *out = NULL;
    CLN_TRY(cln_fork_check());
    if (!ctx)
        return cln_fail(CLNORM_EARG, "ctx is NULL");
    if (threads > MOST_THREADS)
        return cln_fail(CLNORM_EARG, "threads is %u; 0, one for each core, to %u are allowed", threads,
                        MOST_THREADS);
    if (!runs_at_once(&ctx->device))
        return cln_fail(CLNORM_EUNSUPPORTED,
                        "%s has threads of its own; a team is for PoCL's device basic (POCL_DEVICES=basic)",
                        ctx->device.name);
    clnorm_team *const t = (clnorm_team *)calloc(1, sizeof *t);
    if (!t || pthread_mutex_init(&t->turn, NULL) || pthread_mutex_init(&t->lock, NULL) ||
        pthread_cond_init(&t->work, NULL)) {
        free(t);
        return cln_fail(CLNORM_ENOMEM, "no memory for a team");
    }
    t->ctx = ctx;
    clnorm_context_retain(ctx);
    const clnorm_status st = start(t, threads ? threads : cores());
    if (st != CLNORM_OK) {
        clnorm_team_release(t);
        return st;
    }
    ctx->device.units = t->count; /* plans share their work out to so many from now on */
    cln_params_of_units(&ctx->params, &ctx->device);
    *out = t;
    return CLNORM_OK;
}

void clnorm_team_release(clnorm_team *team)
{
    if (!team || cln_fork_check() != CLNORM_OK)
        return;
    STORE(&team->quit, 1u);
    pthread_mutex_lock(&team->lock);
    pthread_cond_broadcast(&team->work);
    pthread_mutex_unlock(&team->lock);
    for (uint32_t k = 0; k < team->count; k++) {
        if (team->members[k].started)
            pthread_join(team->members[k].thread, NULL);
        if (team->members[k].queue)
            clReleaseCommandQueue(team->members[k].queue);
    }
    cln_context_buffer_free(team->ctx, team->workspace);
    pthread_cond_destroy(&team->work);
    pthread_mutex_destroy(&team->lock);
    pthread_mutex_destroy(&team->turn);
    clnorm_context_release(team->ctx);
    free(team->members);
    free(team);
}
#endif

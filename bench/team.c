/* team.c -- small tensors on a CPU: a team on PoCL's basic device beside that device alone and PoCL's own threads.
 *
 *   POCL_DEVICES="basic pthread" team [THREADS]
 *
 * A line for each op and size: KiB of x, then us a call to its end (median of rounds): by the team, on the basic device by clnorm_enqueue
 * and clFinish, on the pthread device likewise. One way after the other: a core that another way has used has its tensors, and 20 calls
 * would be short to fetch them back. bench/peers/small.py has PyTorch beside. */
#define _POSIX_C_SOURCE 200809L
#include "clnorm.h"
#include "timing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 200
#define CALLS 20 /* of a round, one after the other */

enum { TEAM, BASIC, QUEUE, WAYS };

typedef struct side {
    clnorm_context *ctx;
    cl_context cl;
    cl_command_queue queue;
    clnorm_plan *plan;
    clnorm_args args;
} side;

static void check(clnorm_status st)
{
    if (st == CLNORM_OK)
        return;
    fprintf(stderr, "team: %s\n", clnorm_last_error(NULL));
    exit(1);
}

static side open_side(const char *device)
{
    static const clnorm_args none = CLNORM_ARGS_INIT;
    side s = { NULL, NULL, NULL, NULL, none };
    clnorm_options o;
    memset(&o, 0, sizeof o);
    o.size = (uint32_t)sizeof o;
    o.flags = CLNORM_LAZY;
    check(clnorm_open(&s.ctx, device, &o));
    check(clnorm_context_handles(s.ctx, &s.cl, NULL, &s.queue));
    return s;
}

/* Every tensor of the call that inference has, numbers in what is read. */
static void make(side *s, const clnorm_any *d)
{
    static const clnorm_args none = CLNORM_ARGS_INIT;
    uint32_t reads, writes;
    s->args = none;
    check(clnorm_plan_create(&s->plan, s->ctx, &d->op, CLNORM_ESTIMATE));
    clnorm_op_slots(d, &reads, &writes, NULL);
    for (uint32_t k = 0; k < CLNORM_SLOTS_USED; k++) {
        const float one = 1.25f;
        const size_t bytes = clnorm_plan_slot_bytes(s->plan, k);
        if (!((reads | writes) >> k & 1) || !bytes || (k == CLNORM_MEAN && !(reads >> k & 1)) ||
            (k == CLNORM_RSTD && !(reads >> k & 1)))
            continue;
        s->args.slot[k].mem = clCreateBuffer(s->cl, CL_MEM_READ_WRITE, bytes, NULL, NULL);
        clEnqueueFillBuffer(s->queue, s->args.slot[k].mem, &one, sizeof one, 0, bytes, 0, NULL, NULL);
    }
    clFinish(s->queue);
}

static void drop(side *s)
{
    for (uint32_t k = 0; k < CLNORM_SLOTS; k++)
        if (s->args.slot[k].mem)
            clReleaseMemObject(s->args.slot[k].mem);
    clnorm_plan_release(s->plan);
}

static double time_us(const side *s, clnorm_team *team)
{
    const double start = bench_now_ms();
    for (int k = 0; k < CALLS; k++) {
        check(team ? clnorm_team_run(team, s->plan, &s->args)
                   : clnorm_enqueue(s->plan, s->queue, &s->args, 0, NULL, NULL));
        if (!team)
            clFinish(s->queue);
    }
    return (bench_now_ms() - start) * 1e3 / CALLS;
}

static void run(const char *name, const clnorm_any *d, side *basic, side *queue, clnorm_team *team)
{
    double us[WAYS][ROUNDS];
    make(basic, d);
    make(queue, d);
    for (int way = 0; way < WAYS; way++)
        for (int r = -10; r < ROUNDS; r++) {
            const double t = time_us(way == QUEUE ? queue : basic, way == TEAM ? team : NULL);
            if (r >= 0)
                us[way][r] = t;
        }
    printf("%-24s %8.0f %9.1f %9.1f %9.1f\n", name, (double)clnorm_tensor_count(&d->head.x) * 4 / 1024,
           bench_quantile(us[TEAM], ROUNDS, 0.5), bench_quantile(us[BASIC], ROUNDS, 0.5),
           bench_quantile(us[QUEUE], ROUNDS, 0.5));
    fflush(stdout);
    drop(basic);
    drop(queue);
}

int main(int argc, char **argv)
{
    static const struct {
        uint32_t kind;
        int64_t n;
    } cases[] = {
        { CLNORM_OP_BATCHNORM, 1 }, { CLNORM_OP_BATCHNORM, 4 }, { CLNORM_OP_BATCHNORM, 16 },
        { CLNORM_OP_LAYERNORM, 1 }, { CLNORM_OP_LAYERNORM, 4 }, { CLNORM_OP_LAYERNORM, 16 },
        { CLNORM_OP_GROUPNORM, 1 }, { CLNORM_OP_GROUPNORM, 4 }, { CLNORM_OP_GROUPNORM, 16 },
    };
    const double groups = 32, eval = CLNORM_EVAL;
    clnorm_team *team;
    side basic = open_side("basic"), queue = open_side("pthread");
    check(clnorm_team_create(&team, basic.ctx, argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 0));
    printf("%-24s %8s %9s %9s %9s\n", "", "KiB", "team", "basic", "pthread");
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        char name[64];
        clnorm_any d;
        check(clnorm_op_init(&d, cases[k].kind));
        d.head.x = d.head.y = cases[k].kind == CLNORM_OP_LAYERNORM
                                  ? clnorm_rows(CLNORM_F32, 196 * cases[k].n, 256)
                                  : clnorm_nchw(CLNORM_F32, cases[k].n, 64, 28, 28);
        clnorm_op_set(&d, "groups", &groups, 1);
        clnorm_op_set(&d, "mode", &eval, 1);
        check(clnorm_op_check(&d));
        snprintf(name, sizeof name, "%s %lld", clnorm_op_of(cases[k].kind)->name,
                 (long long)d.head.x.shape[0]);
        run(name, &d, &basic, &queue, team);
    }
    clnorm_team_release(team);
    clnorm_close(basic.ctx);
    clnorm_close(queue.ctx);
    return 0;
}

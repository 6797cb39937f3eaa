/* test_fork.c -- a child of fork() is refused, and its parent goes on. */
#define _XOPEN_SOURCE 700
#include "api_case.h"
#include "counted.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct parent_things {
    clnorm_context *ctx;
    clnorm_plan *plan;
    clnorm_args args;
    clnorm_totensor desc;
    clnorm_host_args io;
} parent_things;

/* Bit k is set where call k does something else than refuse. Only calls of the library. */
static unsigned child(const parent_things *p)
{
    clnorm_context *ctx = p->ctx;
    clnorm_plan *plan;
    clnorm_device device;
    clnorm_stats stats;
    clnorm_team *team;
    cl_uint point;
    size_t n;
    const clnorm_op *list[] = { &p->desc.op };
    stats.size = sizeof stats;
    const clnorm_status got[] = {
        clnorm_totensor_plan(&plan, p->ctx, &p->desc, CLNORM_ESTIMATE),
        clnorm_enqueue(p->plan, harness_get()->queue, &p->args, 0, NULL, NULL),
        clnorm_run(p->ctx, harness_get()->queue, &p->desc.op, &p->args, 0, NULL, NULL),
        clnorm_context_create(&ctx, harness_get()->cl, harness_get()->device, NULL),
        clnorm_context_prepare(p->ctx, list, 1, NULL, NULL),
        clnorm_devices(NULL, 0, &n),
        clnorm_device_find(&device, NULL),
        clnorm_open(&ctx, NULL, NULL),
        clnorm_context_handles(p->ctx, NULL, NULL, NULL),
        clnorm_tune(p->ctx, &p->desc.op, 0, NULL),
        clnorm_tuning_load(p->ctx, "none"),
        clnorm_team_create(&team, p->ctx, 1),
        clnorm_record(p->plan, harness_get()->queue, (cln_command_buffer)&point, &p->args, 0, NULL, &point),
    };
    unsigned wrong = 0;
    for (unsigned k = 0; k < CLN_COUNT(got); k++)
        wrong |= got[k] != CLNORM_EFORK ? 1u << k : 0;
    clnorm_plan_release(p->plan);
    clnorm_context_release(p->ctx);
    if (!strstr(clnorm_last_error(NULL), "fork"))
        wrong |= 1u << 15;
    return wrong;
}

/* clnorm_run_host and what only reads must refuse too; each in a child of its own: one that reaches OpenCL
 * hangs. */
static unsigned child_host(const parent_things *p)
{
    return clnorm_run_host(p->ctx, &p->desc.op, &p->io) != CLNORM_EFORK;
}
static unsigned child_stats(const parent_things *p)
{
    clnorm_stats stats;
    stats.size = sizeof stats;
    return clnorm_context_stats(p->ctx, &stats) != CLNORM_EFORK;
}

/* What a child says, within a minute. */
static unsigned forked(unsigned (*body)(const parent_things *), const parent_things *p)
{
    int ends[2], status = 0;
    unsigned wrong = 1u << 31;
    ck_assert_int_eq(pipe(ends), 0);
    fflush(stdout);
    const pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (!pid) {
        signal(SIGALRM, SIG_DFL); /* Check's handler would end the whole process group */
        alarm(60);
        const unsigned bits = body(p);
        counted_exit(write(ends[1], &bits, sizeof bits) != (ssize_t)sizeof bits);
    }
    close(ends[1]);
    if (read(ends[0], &wrong, sizeof wrong) != (ssize_t)sizeof wrong)
        wrong = 1u << 31;
    close(ends[0]);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFEXITED(status) && !WEXITSTATUS(status), "the child ended by signal %d",
                  WIFSIGNALED(status) ? WTERMSIG(status) : 0);
    return wrong;
}

static parent_things things(float *host)
{
    parent_things p;
    clnorm_options o = lazy();
    memset(&p, 0, sizeof p);
    OK(clnorm_open(&p.ctx, getenv("CLNORM_TEST_DEVICE"), &o));
    p.desc = halved(8);
    OK(clnorm_totensor_plan(&p.plan, p.ctx, &p.desc, CLNORM_ESTIMATE));
    p.args.size = sizeof p.args;
    p.io.size = sizeof p.io;
    p.io.slot[CLNORM_X] = p.io.slot[CLNORM_Y] = host;
    return p;
}

START_TEST(refused_in_a_child)
{
    static unsigned (*const bodies[])(const parent_things *) = { child, child_host, child_stats };
    for (size_t k = 0; k < CLN_COUNT(bodies); k++) {
        float host[8] = { 2, 4 };
        parent_things p = things(host);
        harness_get();
        ck_assert_msg(!forked(bodies[k], &p), "child %zu", k);
        OK(clnorm_run_host(p.ctx, &p.desc.op, &p.io)); /* the parent goes on */
        ck_assert_float_eq(host[1], 2.0f);
        clnorm_plan_release(p.plan);
        clnorm_close(p.ctx);
    }
}
END_TEST

static Suite *fork_suite(void) { return suite_of("fork", SUITE_CASE(refused_in_a_child)); }

SUITE_MAIN(fork_suite)

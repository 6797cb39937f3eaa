/* fusion_run.c -- see fusion_case.h: the ways in which a case is launched. */
#include "fusion_case.h"

#include <stdio.h>
#include <stdlib.h>

static void launch(fusion_work *w, const cln_choice *choices)
{
    clnorm_args args = CLNORM_ARGS_INIT;
    clnorm_plan *const plan = harness_plan(&w->d.op, choices, w->a[CLNORM_RSTD].host != NULL, true);
    harness *h = harness_get();
    char text[256];
    ck_assert_msg(plan != NULL, "%s", clnorm_last_error(NULL));
    for (uint32_t s = 0; s < CLNORM_SLOTS; s++)
        if (w->a[s].host) {
            snprintf(text, sizeof text, "slot %u", s);
            args.slot[s] = array_upload(&w->a[s], h->cl, text);
        }
    guard_workspace(&args, plan, h->cl);
    fusion_say(w, &choices[0], text, sizeof text);
    guard_says(text);
    OK(clnorm_enqueue(plan, h->queue, &args, 0, NULL, NULL));
    fusion_judge(w, &choices[0], &args);
    for (uint32_t s = 0; s < CLNORM_SLOTS; s++)
        if (args.slot[s].mem)
            clReleaseMemObject(args.slot[s].mem);
    if (args.workspace.mem)
        clReleaseMemObject(args.workspace.mem);
    clnorm_plan_release(plan);
}

/* The k-th way for each problem, those with fewer begin anew; false behind the last. cheap: not by slab and
 * tile, where there is another. */
static bool choose(cln_choice *out, const cln_problems *posed, const cln_params *params, size_t k, bool cheap)
{
    size_t most = 0;
    for (size_t p = 0; p < posed->count; p++) {
        cln_choice choices[8];
        size_t n = 0;
        for (int dear = 0; dear <= 1 && !(n && cheap); dear++)
            for (size_t i = 0; cln_solvers[i]; i++)
                if ((cln_solvers[i] == &cln_solve_slab || cln_solvers[i] == &cln_solve_tile) == dear)
                    n += cln_choose_with(&choices[n], cln_solvers[i], &posed->part[p], params,
                                         &harness_get()->ctx->device);
        out[p] = choices[k % n];
        most = n > most ? n : most;
    }
    return k < most;
}

/* The device's own work-group goes `most` ways, from another one on each time, and where they are two every
 * other case one; of the others, in which slab and tile compile for 10 to 60 seconds, one goes one of the
 * other ways in every sixth case. CLNORM_TEST_FULL: a case without a draw goes all ways. */
void fusion_run(const fusion *f, size_t most)
{
    static const uint32_t groups[][2] = { { 0, 0 }, { 64, 4 }, { 48, 4 }, { 64, 1 } };
    static size_t cases;
    const size_t turn = f->draw ? f->draw : cases,
                 other = turn % 6 || (most == 1 && !f->draw) ? 0 : 1 + turn / 6 % 3;
    const bool all = getenv("CLNORM_TEST_FULL") && !f->draw;
    cln_problems posed;
    fusion_work w;
    cases++;
    if (turn % 2 == 0 && most == 2)
        most = 1;
    fusion_begin(&w, f);
    OK(cln_op_pose(&posed, &w.d.op));
    for (size_t g = 0; g < CLN_COUNT(groups); g++) {
        cln_params params = harness_get()->ctx->params;
        cln_choice choices[CLN_MAX_PARTS];
        if (g) {
            params.wg = groups[g][0];
            params.vec = groups[g][1];
        }
        if (params.wg > harness_get()->ctx->device.max_wg)
            continue;
        size_t count = 0;
        while ((all || !g) && choose(choices, &posed, &params, count, false))
            count++;
        for (size_t k = 0; k < count && (all || k < most); k++) {
            choose(choices, &posed, &params, (turn + 1 + k) % count, false);
            launch(&w, choices);
        }
        if (!all && g && g == other) {
            choose(choices, &posed, &params, (turn + 1) / 6, true);
            launch(&w, choices);
        }
    }
    fusion_end(&w);
}

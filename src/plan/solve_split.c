/* solve_split.c -- few large sets: many groups share one; partial statistics, then each group folds them all
 * and maps its share. */
#include "plan/plan.h"

#define MOST_PARTS 256 /* of a set: they are folded as often */
#define FEW_PARTS 16   /* whose fold is worth doing more often */

static const char *applicable(const cln_problem *problem)
{
    return !problem->stat_bytes                  ? "there is no statistic"
           : problem->columns                    ? "sets lie side by side"
           : problem->geo.sets > CLN_MOST_PARTED ? "there are more sets than groups in a launch"
                                                 : NULL;
}

static uint32_t parts(const cln_problem *problem, uint32_t block)
{
    return cln_ceil_div(cln_geo_chunks(&problem->geo), block);
}

/* Groups. Of a CPU as many as have `part` elements each, within bounds. */
static uint64_t wanted_groups(const cln_problem *problem, const cln_params *params, uint32_t units)
{
    const uint64_t few = (uint64_t)units * params->busy, most = few * 8;
    if (!params->part)
        return few * 4;
    const uint64_t groups = problem->set_elements * problem->geo.sets / params->part;
    return groups < few ? few : groups < most ? groups : most;
}

/* Chunks that a group maps: those of its part, or fewer, where a GPU has more work-items for a map than for statistics, of which a
 * chunk's team is all. */
static uint32_t mapped_chunks(const cln_choice *choice, const cln_problem *problem, const cln_params *params,
                              uint32_t units)
{
    if (choice->wg == 1 || choice->vec == 1 || problem->layer.reads_d || problem->layer.family ||
        parts(problem, choice->block) > FEW_PARTS)
        return choice->block;
    const uint32_t fair = cln_share(choice, problem, params, units);
    return fair < choice->block ? fair : choice->block;
}

static void propose(cln_choice *choice, const cln_problem *problem, const cln_params *params, uint32_t units)
{
    const uint64_t wanted = wanted_groups(problem, params, units), sets = cln_bundles(problem, choice->wg);
    const uint32_t chunks = (uint32_t)cln_geo_chunks(&problem->geo),
                   teams = cln_teams(choice->wg, choice->vec);
    choice->block = 1;
    while (choice->block < chunks && /* few groups with work for every team, before many that idle */
           (sets * parts(problem, choice->block) > wanted || parts(problem, choice->block) > MOST_PARTS ||
            (choice->block < teams && sets * parts(problem, choice->block * 2) >= units)))
        choice->block *= 2;
    choice->per = mapped_chunks(choice, problem, params, units);
}

static double traffic(const cln_problem *problem, const cln_params *params)
{
    const bool twice = problem->maps && !problem->layer.family; /* families count their own */
    return (double)problem->bytes + (twice ? cln_read_again(problem, params) : 0);
}

/* Partial statistics and their fold. */
static size_t partial_stages(cln_stage *out, cln_geo *geo, size_t *workspace, const cln_problem *problem,
                             const cln_choice *choice)
{
    const size_t sets = cln_bundles(problem, choice->wg);
    const bool there = choice->leaves_there; /* a part is a chunk then */
    size_t n = 0;
    geo->block = there ? 1 : choice->block;
    while (!there &&
           (sets * parts(problem, geo->block) > CLN_MAX_GROUPS || parts(problem, geo->block) > MOST_PARTS))
        geo->block *= 2;
    geo->parts = parts(problem, geo->block);
    *workspace = cln_kept_bytes(geo, problem) + problem->geo.sets * (size_t)geo->parts * problem->stat_bytes;
    if (!there)
        out[n++] = (cln_stage){ "partial", sets * geo->parts, cln_chunk_items(choice, geo->block) };
    out[n++] = (cln_stage){ "foldall", sets, 0 };
    return n;
}

static size_t stages(cln_stage *out, cln_geo *geo, size_t *workspace, const cln_problem *problem,
                     const cln_choice *choice)
{
    const size_t n = partial_stages(out, geo, workspace, problem, choice);
    if (problem->maps && !problem->layer.family) {
        const uint64_t sets = cln_bundles(problem, choice->wg), chunks = cln_geo_chunks(geo);
        geo->per = cln_fit_share(choice->per, sets, chunks);
        out[1] = (cln_stage){ "apply", (size_t)(sets * cln_ceil_div(chunks, geo->per)), 0 };
    }
    return n + cln_stage_families(out + n, geo, problem, choice);
}

/* ---- the sums alone: dx comes with the gradients of the weights ---- */

static const char *sums_applicable(const cln_problem *problem)
{
    return !problem->layer.leaves_dx ? "no gradient of weights walks across its sets" : applicable(problem);
}

/* A CPU's tiles that write dx across sets are slow. */
static double sums_traffic(const cln_problem *problem, const cln_params *params)
{
    const double dx = (double)problem->geo.sets * (double)(problem->set_elements * problem->y_bytes);
    return (double)problem->bytes - (params->wg == 1 ? 0 : dx);
}

static size_t sums_stages(cln_stage *out, cln_geo *geo, size_t *workspace, const cln_problem *problem,
                          const cln_choice *choice)
{
    geo->stats = geo->sets;
    return partial_stages(out, geo, workspace, problem, choice);
}

const cln_solver cln_solve_sums = { .name = "sums",
                                    .applicable = sums_applicable,
                                    .propose = propose,
                                    .traffic = sums_traffic,
                                    .stages = sums_stages,
                                    .traits = CLN_LEAVES_DX | CLN_IN_CHUNKS };

const cln_solver cln_solve_split = { .name = "split",
                                     .applicable = applicable,
                                     .propose = propose,
                                     .traffic = traffic,
                                     .stages = stages,
                                     .traits = CLN_IN_CHUNKS | CLN_BESIDE };

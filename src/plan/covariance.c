/* covariance.c -- the chain of cl/common/covariance.clh: mean, centred floats, covariance. */
#include "plan/plan.h"

/* Rows of a part: sums of so many keep their digits, and each unit has several. */
#define PART_ROWS 4096

static uint32_t parts_of(const cln_steps *s, uint32_t rows)
{
    const uint32_t by_length = cln_ceil_div(rows, PART_ROWS), busy = s->device->units * 4;
    const uint32_t most = cln_ceil_div(rows, 64);
    return by_length > busy ? by_length : busy < most ? busy : most;
}

void cln_steps_covariance(cln_steps *s, cln_covariance *out, cln_at x, const cln_matrix *view,
                          uint32_t groups, float divisor, uint32_t given, uint32_t absent)
{
    const uint32_t rows = view->count[0], columns = view->count[1], width = columns / groups,
                   parts = parts_of(s, rows);
    const cln_at means = cln_steps_room(s, (uint64_t)parts * columns);
    out->centred = cln_steps_room(s, (uint64_t)rows * columns);
    out->hi = cln_steps_room(s, columns);
    out->lo = cln_steps_room(s, columns);
    out->matrix = cln_steps_room(s, (uint64_t)groups * width * width);
    const cln_step merge = { .kernel = "cov_merge",
                             .groups = cln_steps_groups(s, columns, 16),
                             .n = { parts, rows, columns, 0, 0, 0, 0, 0 },
                             .given = given,
                             .absent = absent };
    cln_steps_add(s, &(cln_step){ .kernel = "cov_means",
                                  .groups = cln_steps_groups(s, (uint64_t)parts * columns, 1),
                                  .at = { x, means },
                                  .view = { view },
                                  .n = { parts },
                                  .given = given,
                                  .absent = absent });
    cln_step step = merge;
    step.at[0] = means;
    step.at[1] = out->hi;
    cln_steps_add(s, &step);
    cln_steps_add(s, &(cln_step){ .kernel = "cov_centre",
                                  .groups = cln_groups((uint64_t)parts * cln_ceil_div(columns, 64)),
                                  .at = { x, out->hi, out->centred, means },
                                  .view = { view },
                                  .n = { parts },
                                  .given = given,
                                  .absent = absent });
    step.at[1] = out->lo;
    cln_steps_add(s, &step);
    const cln_gemm gram = { .ta = true,
                            .gram = true,
                            .m = width,
                            .n = width,
                            .k = rows,
                            .lda = columns,
                            .ldb = columns,
                            .ldc = width,
                            .alpha = 1.0f,
                            .batch = groups,
                            .a_step = width,
                            .b_step = width,
                            .c_step = width * width };
    cln_steps_product(s, &gram, out->centred, out->centred, out->matrix, given, absent);
    cln_steps_add(s, &(cln_step){ .kernel = "cov_finish",
                                  .groups = cln_steps_groups(s, columns, 1),
                                  .at = { out->matrix, out->lo },
                                  .n = { groups, width, rows },
                                  .f = { 1.0f / divisor },
                                  .given = given,
                                  .absent = absent });
}

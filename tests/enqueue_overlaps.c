/* enqueue_overlaps.c -- which buffers of an enqueue may overlap, and which may be one. */
#include "enqueue_case.h"

START_TEST(overlaps)
{
    harness *h = harness_get();
    const clnorm_tensor f16 = clnorm_nchw(CLNORM_F16, 1, 3, 4, 5), last = clnorm_nhwc(CLNORM_F32, 1, 3, 4, 5);
    clnorm_plan *same = scale_plan(tiny(), tiny(), 0), *swap = scale_plan(tiny(), tiny(), 1);
    clnorm_plan *half = scale_plan(tiny(), f16, 0), *turned = scale_plan(tiny(), last, 0);
    clnorm_plan *split = split_plan();
    float host[TINY / 4], back[TINY / 4];
    fill(host, CLN_COUNT(host), 1);
    cl_mem mem = buffer(2 * BYTES, NULL), x = buffer(TINY, host);
    clnorm_args args = pair(mem, 0, mem, 4);
    REFUSED(CLNORM_EBUFFER, "overlap", same, h->queue, &args);
    args = pair(mem, TINY - 4, mem, 0);
    REFUSED(CLNORM_EBUFFER, "overlap", same, h->queue, &args);
    args = pair(mem, 0, mem, 0);
    REFUSED(CLNORM_EBUFFER, "swap_rb", swap, h->queue, &args);
    REFUSED(CLNORM_EBUFFER, "overlap", half, h->queue, &args);
    REFUSED(CLNORM_EBUFFER, "overlap", turned, h->queue, &args);
    args = pair(mem, 0, mem, TINY); /* side by side */
    go(same, h->queue, &args, 0, NULL, NULL);
    args = pair(mem, TINY, mem, 0);
    go(same, h->queue, &args, 0, NULL, NULL);
    args = pair(x, 0, x, 0);
    go(same, h->queue, &args, 0, NULL, NULL);
    read_back(x, 0, TINY, back);
    for (size_t i = 0; i < CLN_COUNT(host); i++)
        ck_assert_float_eq(back[i], host[i] / 2);
    args = pair(mem, 0, mem, BYTES);
    put(&args, CLNORM_MEAN, mem, BYTES + 64);
    REFUSED(CLNORM_EBUFFER, "y and mean overlap", split, h->queue, &args);
    put(&args, CLNORM_MEAN, mem, 64);
    REFUSED(CLNORM_EBUFFER, "x and mean overlap", split, h->queue, &args);
    put(&args, CLNORM_MEAN, x, 0);
    put(&args, CLNORM_RSTD, x, 0);
    REFUSED(CLNORM_EBUFFER, "mean and rstd overlap", split, h->queue, &args);
    put(&args, CLNORM_RSTD, x, 4);
    go(split, h->queue, &args, 0, NULL, NULL);
    clFinish(h->queue);
    RELEASE(mem, x);
    clnorm_plan *const all[] = { same, swap, half, turned, split };
    for (size_t k = 0; k < CLN_COUNT(all); k++)
        clnorm_plan_release(all[k]);
}
END_TEST

START_TEST(workspace_is_not_a_tensor)
{
    harness *h = harness_get();
    clnorm_plan *plan = split_plan();
    cl_mem x = buffer(BYTES, NULL), y = buffer(BYTES, NULL);
    clnorm_args args = pair(x, 0, y, 0);
    args.workspace.mem = y;
    REFUSED(CLNORM_EBUFFER, "workspace", plan, h->queue, &args);
    args.workspace.mem = x;
    REFUSED(CLNORM_EBUFFER, "workspace", plan, h->queue, &args);
    RELEASE(x, y);
    clnorm_plan_release(plan);
}
END_TEST

/* A plan as far as its arguments are checked, without a program. */
static clnorm_plan unbuilt(const clnorm_any *d)
{
    cln_problems p;
    clnorm_plan plan;
    memset(&plan, 0, sizeof plan);
    OK(cln_op_pose(&p, &d->op));
    plan.ctx = harness_get()->ctx;
    plan.nbodies = p.count;
    plan.reads = p.reads;
    plan.writes = p.writes;
    plan.required = p.required;
    for (size_t k = 0; k < p.count; k++) {
        plan.body[k].problem = p.part[k];
        plan.body[k].nstages = 1;
    }
    return plan;
}

/* Where y never is in x's place. */
static const char never[] = "x and y overlap; y of this op may not be x";

static void refuses_place(const clnorm_any *d, uint32_t out, uint32_t in, const char *sentence)
{
    const clnorm_plan plan = unbuilt(d);
    cl_mem x = buffer(2 * TINY, NULL), y = buffer(2 * TINY, NULL), dy = buffer(2 * TINY, NULL),
           other = buffer(2 * TINY, NULL);
    clnorm_args args = pair(x, 0, NULL, 0), copy;
    for (uint32_t s = CLNORM_Y + 1; s < CLNORM_SLOTS; s++)
        put(&args, s, plan.required >> s & 1 ? other : NULL, 0);
    put(&args, in, in == CLNORM_X ? x : dy, 0);
    put(&args, out, y, 0);
    OK(cln_check_args(&copy, &plan, &args));
    put(&args, out, in == CLNORM_X ? x : dy, 0);
    ck_assert_int_eq(cln_check_args(&copy, &plan, &args), CLNORM_EBUFFER);
    ck_assert_str_eq(clnorm_last_error(NULL), sentence);
    RELEASE(x, y, dy, other);
}

/* Where an output would be in an input's place, but for a size, or for what is read again. */
START_TEST(places_that_are_not_the_same)
{
    clnorm_any d;
    OK(clnorm_op_init(&d, CLNORM_OP_TOTENSOR));
    d.head.x = clnorm_rows(CLNORM_F32, 2, 3);
    d.head.y = clnorm_rows(CLNORM_F16, 2, 3);
    d.head.y.stride[0] = 9; /* ends where x does */
    refuses_place(&d, CLNORM_Y, CLNORM_X,
                  "x and y overlap; one may be the other only with elements of one size, equal strides and "
                  "offset");
    d = small(CLNORM_OP_LRN);
    d.head.x = d.head.y = tiny();
    refuses_place(&d, CLNORM_Y, CLNORM_X,
                  "x and y overlap; a window reads its neighbours, so they must be apart");
    if (!clnorm_op_of(CLNORM_OP_WHITEN)) /* a build without CLBlast */
        return;
    d = small(CLNORM_OP_WHITEN); /* whose outputs are as many as its inputs, but not always */
    d.head.x = d.head.y = clnorm_rows(CLNORM_F32, 10, 6);
    refuses_place(&d, CLNORM_Y, CLNORM_X, never);
}
END_TEST

/* Means are never where x is, though both are Y and X; a workspace is not needed and may be anywhere. */
START_TEST(what_writes_no_element)
{
    harness *h = harness_get();
    const clnorm_any d = small(CLNORM_OP_MOMENTS);
    clnorm_plan *moments = plan_of(&d.op), *plan = scale_plan(tiny(), tiny(), 0);
    cl_mem x = buffer(2 * TINY, NULL), y = buffer(TINY, NULL);
    clnorm_args args = pair(x, 0, x, 0);
    REFUSED(CLNORM_EBUFFER, "x and y overlap", moments, h->queue, &args);
    ck_assert_str_eq(clnorm_last_error(NULL), never);
    args = pair(x, 0, y, 0);
    ck_assert_uint_eq(clnorm_plan_workspace(plan), 0);
    args.workspace.mem = y;
    go(plan, h->queue, &args, 0, NULL, NULL);
    clFinish(h->queue);
    RELEASE(x, y);
    clnorm_plan_release(moments);
    clnorm_plan_release(plan);
}
END_TEST

/* y in the residual's place, from one order of channels to the other, of numbers of them that are no whole vectors. */
START_TEST(residual_in_place)
{
    enum { PIXELS = 8 * 32, MOST = 37 * PIXELS };
    static const struct {
        uint32_t kind;
        int64_t channels;
        bool x_last;
    } cases[] = { { CLNORM_OP_LAYERNORM, 5, false },     { CLNORM_OP_LAYERNORM, 17, false },
                  { CLNORM_OP_LAYERNORM, 17, true },     { CLNORM_OP_LAYERNORM, 37, true },
                  { CLNORM_OP_INSTANCENORM, 20, false }, { CLNORM_OP_INSTANCENORM, 37, true } };
    harness *h = harness_get();
    float *x = (float *)malloc(4 * sizeof *x * MOST), *r = x + MOST, *want = r + MOST, *back = want + MOST;
    ck_assert_ptr_nonnull(x);
    fill(x, MOST, 7);
    fill(r, MOST, 8);
    for (size_t k = 0; k < CLN_COUNT(cases); k++) {
        const int64_t c = cases[k].channels;
        const clnorm_tensor first = clnorm_nchw(CLNORM_F32, 1, c, 8, 32),
                            last = clnorm_nhwc(CLNORM_F32, 1, c, 8, 32);
        const size_t bytes = sizeof *x * PIXELS * (size_t)c;
        clnorm_any d;
        clnorm_op_init(&d, cases[k].kind);
        d.head.x = cases[k].x_last ? last : first;
        d.head.y = cases[k].x_last ? first : last;
        d.layered.layer.residual = CLNORM_RESIDUAL_AFTER;
        clnorm_plan *plan = plan_of(&d.op);
        cl_mem x_mem = buffer(bytes, x), r_mem = buffer(bytes, r), y_mem = buffer(bytes, NULL);
        clnorm_args args = pair(x_mem, 0, y_mem, 0);
        put(&args, CLNORM_RESIDUAL, r_mem, 0);
        go(plan, h->queue, &args, 0, NULL, NULL);
        read_back(y_mem, 0, bytes, want);
        args = pair(x_mem, 0, r_mem, 0);
        put(&args, CLNORM_RESIDUAL, r_mem, 0);
        go(plan, h->queue, &args, 0, NULL, NULL);
        read_back(r_mem, 0, bytes, back);
        ck_assert_msg(!memcmp(want, back, bytes), "case %zu", k);
        RELEASE(x_mem, r_mem, y_mem);
        clnorm_plan_release(plan);
    }
    free(x);
}
END_TEST

void enqueue_overlaps(TCase *t)
{
    SUITE_ADD(t, overlaps, residual_in_place, workspace_is_not_a_tensor, places_that_are_not_the_same,
              what_writes_no_element);
}

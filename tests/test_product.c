/* test_product.c -- matrix products and covariances as steps, ours and CLBlast's, against double. */
#define _POSIX_C_SOURCE 200809L
#include "api_case.h"

#include "chain_rig.h"

#include <math.h>
#include <stdlib.h>

static void begin(chain_rig *r, bool own, uint32_t dtype)
{
    chain_rig_begin(r, harness_get()->ctx, own, dtype);
}
static void build(chain_rig *r) { OK(chain_rig_build(r, harness_get()->ctx, true)); }

static cl_ulong byte_of(const chain_rig *r, cln_at at) { return r->steps.scratch + at.first * sizeof(float); }

static void put(const chain_rig *r, cln_at at, const float *v, size_t n)
{
    ck_assert_int_eq(clEnqueueWriteBuffer(harness_get()->queue, r->workspace.mem, CL_TRUE, byte_of(r, at),
                                          n * 4, v, 0, NULL, NULL),
                     CL_SUCCESS);
}

static void get(const chain_rig *r, cln_at at, float *v, size_t n)
{
    ck_assert_int_eq(clEnqueueReadBuffer(harness_get()->queue, r->workspace.mem, CL_TRUE, byte_of(r, at),
                                         n * 4, v, 0, NULL, NULL),
                     CL_SUCCESS);
}

/* In that queue, behind an event of ours. */
static void run(chain_rig *r, bool in_order)
{
    const harness *h = harness_get();
    const cl_command_queue queue = in_order || !h->unordered ? h->queue : h->unordered;
    cl_int code;
    const cl_event gate = clCreateUserEvent(h->cl, &code);
    ck_assert_int_eq(code, CL_SUCCESS);
    cln_chain c = { queue, in_order, &r->args, &r->workspace, 1, &gate, NULL, NULL };
    OK(cln_stage_enqueue(&c, &r->body, r->body.variants[0].free, true));
    ck_assert_ptr_nonnull(c.last);
    clFlush(queue);
    clSetUserEventStatus(gate, CL_COMPLETE);
    ck_assert_int_eq(clWaitForEvents(1, &c.last), CL_SUCCESS);
    clReleaseEvent(c.last);
    clReleaseEvent(gate);
}

static float *numbers(size_t n, unsigned seed)
{
    float *v = (float *)malloc((n + 1) * sizeof *v);
    for (size_t i = 0; i < n; i++) {
        seed = seed * 1664525u + 1013904223u;
        v[i] = (float)(seed >> 8) / 8388608.0f - 1.0f;
    }
    return v;
}

/* ---- products ---- */

static const uint32_t shapes[][3] = { { 1, 1, 1 },     { 3, 5, 7 },      { 12, 32, 256 },   { 13, 33, 257 },
                                      { 97, 65, 300 }, { 64, 64, 9000 }, { 200, 130, 2100 } };

#define MOST_COLUMNS 300 /* of c, with those beyond n */

/* Row i of the product number `one`: got is what c, as it was before, has become. */
static void check_row(const cln_gemm *g, bool own, uint32_t one, uint32_t i, const float *a, const float *b,
                      const float *c, const float *got)
{
    double sum[MOST_COLUMNS] = { 0 }, all[MOST_COLUMNS] = { 0 };
    const size_t row = (size_t)one * g->c_step + (size_t)i * g->ldc;
    ck_assert_uint_le(g->ldc, MOST_COLUMNS);
    for (uint32_t l = 0; l < g->k; l++) { /* b by its rows, as it lies */
        const float *from = b + (size_t)one * g->b_step + (size_t)l * g->ldb;
        const double t =
            (double)a[(size_t)one * g->a_step + (g->ta ? (size_t)l * g->lda + i : (size_t)i * g->lda + l)];
        for (uint32_t j = 0; j < g->n; j++) {
            sum[j] += t * (double)from[j];
            all[j] += fabs(t * (double)from[j]);
        }
    }
    for (uint32_t j = 0; j < g->ldc; j++) {
        const double was = (double)c[row + j],
                     want = j < g->n ? (double)g->alpha * sum[j] + (double)g->beta * was : was;
        ck_assert_msg(fabs(want - (double)got[row + j]) <= (own ? 1e-6 : 1e-5) * (all[j] + 1),
                      "%s %ux%ux%u ta %d %u (%u, %u): %g, want %g", own ? "ours" : "CLBlast", g->m, g->n,
                      g->k, g->ta, one, i, j, (double)got[row + j], want);
    }
}

static void check_product(const cln_gemm *g, bool own, bool in_order)
{
    const uint32_t batch = g->batch ? g->batch : 1;
    const size_t na = (size_t)g->lda * (g->ta ? g->k : g->m) + (batch - 1) * g->a_step,
                 nb = (size_t)g->ldb * g->k + (batch - 1) * g->b_step, nc = (size_t)g->ldc * g->m * batch;
    float *a = numbers(na, 1), *b = g->gram ? a : numbers(nb, 2), *c = numbers(nc, 3), *got = numbers(nc, 4);
    chain_rig r;
    begin(&r, own, CLNORM_F32);
    const cln_at at_a = cln_steps_room(&r.steps, na), at_b = g->gram ? at_a : cln_steps_room(&r.steps, nb),
                 at_c = cln_steps_room(&r.steps, nc);
    cln_steps_product(&r.steps, g, at_a, at_b, at_c, 0, 0);
    build(&r);
    put(&r, at_a, a, na);
    put(&r, at_b, b, g->gram ? na : nb);
    put(&r, at_c, c, nc);
    run(&r, in_order);
    get(&r, at_c, got, nc);
    for (uint32_t one = 0; one < batch; one++)
        for (uint32_t i = 0; i < g->m; i++)
            check_row(g, own, one, i, a, b, c, got);
    chain_rig_end(&r);
    free(a);
    if (!g->gram)
        free(b);
    free(c);
    free(got);
}

static void products(bool own, bool in_order)
{
    for (size_t s = 0; s < CLN_COUNT(shapes); s++)
        for (int ta = 0; ta < 2; ta++)
            for (uint32_t batch = 1; batch < 4; batch += 2) {
                const uint32_t m = shapes[s][0], n = shapes[s][1], l = shapes[s][2], rows = ta ? l : m,
                               along = ta ? m : l;
                cln_gemm g = { .ta = ta,
                               .m = m,
                               .n = n,
                               .k = l,
                               .lda = along + 1,
                               .ldb = n + 2,
                               .ldc = n + (uint32_t)s % 2,
                               .alpha = 1.5f,
                               .beta = (float)ta * -0.5f,
                               .batch = batch };
                g.a_step = g.lda * rows;
                g.b_step = g.ldb * l;
                g.c_step = g.ldc * m;
                check_product(&g, own, in_order);
            }
}

static void grams(bool own)
{
    for (uint32_t width = 1; width < 140; width += 23)
        for (uint32_t rows = 50; rows < 10000; rows += 4800) {
            const cln_gemm g = { .ta = true,
                                 .gram = true,
                                 .m = width,
                                 .n = width,
                                 .k = rows,
                                 .lda = 2 * width,
                                 .ldb = 2 * width,
                                 .ldc = width,
                                 .alpha = 1,
                                 .batch = 2,
                                 .a_step = width,
                                 .b_step = width,
                                 .c_step = width * width };
            check_product(&g, own, true);
        }
}

START_TEST(ours) { products(true, true); }
END_TEST
START_TEST(ours_out_of_order) { products(true, false); }
END_TEST
START_TEST(ours_of_a_matrix_with_itself) { grams(true); }
END_TEST
START_TEST(clblast) { products(false, true); }
END_TEST
START_TEST(clblast_out_of_order) { products(false, false); }
END_TEST
START_TEST(clblast_of_a_matrix_with_itself) { grams(false); }
END_TEST

/* ---- covariance ---- */

/* far: mean over deviation. */
static void covariance(const clnorm_tensor *t, uint32_t groups, float far, bool own)
{
    const size_t count = (size_t)clnorm_tensor_count(t), bytes = clnorm_tensor_bytes(t);
    const uint32_t columns = (uint32_t)t->shape[1], rows = (uint32_t)(count / columns),
                   width = columns / groups;
    float *x = numbers(bytes / 4, 7), *got = numbers((size_t)columns * width, 1), *lo = numbers(columns, 1),
          *hi = numbers(columns, 1);
    double *dense = (double *)malloc(count * sizeof *dense), *mean = (double *)calloc(columns, sizeof *mean);
    cln_covariance cov;
    cln_matrix view;
    chain_rig r;
    cl_int code;
    for (size_t i = 0; i < bytes / 4; i++)
        x[i] += far + (i % 97 == 0 ? 3.0f : 0.0f);
    OK(cln_matrix_of(&view, t, 2));
    ck_assert_uint_eq(view.count[0], rows);
    begin(&r, own, CLNORM_F32);
    cln_steps_covariance(&r.steps, &cov, CLN_AT(X), &view, groups, (float)rows, 0, 0);
    build(&r);
    r.args.slot[CLNORM_X].mem = clCreateBuffer(harness_get()->cl, CL_MEM_COPY_HOST_PTR, bytes, x, &code);
    ck_assert_int_eq(code, CL_SUCCESS);
    run(&r, true);
    get(&r, cov.matrix, got, (size_t)columns * width);
    get(&r, cov.hi, hi, columns);
    get(&r, cov.lo, lo, columns);
    size_t i = 0;
    for (int64_t n = 0; n < t->shape[0]; n++)
        for (int64_t h = 0; h < t->shape[2]; h++)
            for (int64_t w = 0; w < t->shape[3]; w++)
                for (uint32_t c = 0; c < columns; c++, i++) {
                    dense[i] =
                        (double)x[n * t->stride[0] + c * t->stride[1] + h * t->stride[2] + w * t->stride[3]];
                    mean[c] += dense[i] / rows;
                }
    for (uint32_t c = 0; c < columns; c++)
        ck_assert_double_eq_tol((double)hi[c] + (double)lo[c], mean[c], 1e-6 + 1e-12 * fabs((double)far));
    for (uint32_t a = 0; a < columns; a++)
        for (uint32_t b = 0; b < width; b++) {
            const uint32_t other = a / width * width + b;
            double sum = 0;
            for (uint32_t l = 0; l < rows; l++)
                sum += (dense[(size_t)l * columns + a] - mean[a]) *
                       (dense[(size_t)l * columns + other] - mean[other]);
            ck_assert_double_eq_tol((double)got[(size_t)a * width + b], sum / rows, 1e-5);
        }
    clReleaseMemObject(r.args.slot[CLNORM_X].mem);
    chain_rig_end(&r);
    free(x), free(got), free(lo), free(hi), free(dense), free(mean);
}

START_TEST(covariances)
{
    static const float far[] = { 0.0f, 1e3f, 1e5f };
    for (size_t k = 0; k < CLN_COUNT(far); k++) {
        clnorm_tensor t = clnorm_nchw(CLNORM_F32, 3, 6, 17, 13);
        covariance(&t, 1, far[k], true);
        covariance(&t, 3, far[k], true);
        t = clnorm_nhwc(CLNORM_F32, 5, 70, 40, 41);
        covariance(&t, 2, far[k], true);
        t = clnorm_nchw(CLNORM_F32, 2, 5, 9, 8);
        t.stride[2] = 11; /* a row pitch */
        t.stride[1] = 11 * 9;
        t.stride[0] = 5 * 11 * 9;
        covariance(&t, 5, far[k], true);
        t = clnorm_nchw(CLNORM_F32, 1, 4, 1, 1);
        covariance(&t, 1, far[k], true);
    }
    const clnorm_tensor t = clnorm_nchw(CLNORM_F32, 3, 6, 17, 13);
    covariance(&t, 2, 10.0f, false);
}
END_TEST

/* A context that goes does not take from another what CLBlast has compiled; the last one clears it. */
START_TEST(contexts_come_and_go)
{
    const cln_gemm g = { .m = 5, .n = 6, .k = 7, .lda = 7, .ldb = 6, .ldc = 6, .alpha = 1, .a_step = 1 };
    clnorm_context *other = fresh();
    check_product(&g, false, true);
    OK(cln_context_multiplies(other, true));
    OK(cln_context_multiplies(other, true)); /* once is enough */
    clnorm_context_release(other);
    check_product(&g, false, true);
}
END_TEST

static Suite *product_suite(void)
{
    return suite_of("product", SUITE_CASE(ours, ours_out_of_order, ours_of_a_matrix_with_itself, clblast,
                                          clblast_out_of_order, clblast_of_a_matrix_with_itself,
                                          contexts_come_and_go, covariances));
}

SUITE_MAIN(product_suite)

/* products.c -- matrix products of the library's own, of CLBlast with src/blas/parameters.c or as it comes, and OpenBLAS.
 *
 *   build/bench/products [ROUNDS [plain]]    GFLOP/s of the fastest of so many rounds, all by turn; plain: as it comes */
#include "chain_rig.h"

#include <cblas.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIE(call)                                                        \
    do {                                                                 \
        if ((call) != 0) {                                               \
            fprintf(stderr, "%s: %s\n", #call, clnorm_last_error(NULL)); \
            exit(1);                                                     \
        }                                                                \
    } while (0)

typedef struct lab {
    clnorm_context *ctx;
    cl_context cl;
    cl_device_id device;
    cl_command_queue queue;
    int plain;
} lab;

static size_t room_of(const cln_gemm *g, int which)
{
    const size_t a = (size_t)g->lda * (g->ta ? g->k : g->m), b = (size_t)g->ldb * g->k,
                 c = (size_t)g->ldc * g->m;
    return which == 0 ? a : which == 1 ? b : c;
}

/* One product as steps. */
static void make(chain_rig *r, const lab *l, const cln_gemm *g, bool own)
{
    cln_at at[3];
    chain_rig_begin(r, l->ctx, own, CLNORM_F32);
    for (int k = 0; k < 3; k++)
        at[k] = k == 1 && g->gram ? at[0] : cln_steps_room(&r->steps, room_of(g, k));
    cln_steps_product(&r->steps, g, at[0], at[1], at[2], 0, 0);
    DIE(chain_rig_build(r, l->ctx, !l->plain));
    const float some = 0.25f;
    DIE(clEnqueueFillBuffer(l->queue, r->workspace.mem, &some, sizeof some, 0, cln_steps_workspace(&r->steps),
                            0, NULL, NULL));
    DIE(clFinish(l->queue));
}

static double run(chain_rig *r, const lab *l)
{
    const uint64_t start = cln_now_ns();
    cln_chain c = { l->queue, true, &r->args, &r->workspace, 0, NULL, NULL, NULL };
    DIE(cln_stage_enqueue(&c, &r->body, r->body.variants[0].free, false));
    DIE(clFinish(l->queue));
    return (double)(cln_now_ns() - start);
}

static double openblas(const cln_gemm *g, const float *a, const float *b, float *c)
{
    const uint64_t start = cln_now_ns();
    if (g->gram)
        cblas_ssyrk(CblasRowMajor, CblasLower, CblasTrans, (int)g->n, (int)g->k, 1, a, (int)g->lda, 0, c,
                    (int)g->ldc);
    else
        cblas_sgemm(CblasRowMajor, g->ta ? CblasTrans : CblasNoTrans, CblasNoTrans, (int)g->m, (int)g->n,
                    (int)g->k, 1, a, (int)g->lda, b, (int)g->ldb, 0, c, (int)g->ldc);
    return (double)(cln_now_ns() - start);
}

static float *floats(size_t n)
{
    float *v = (float *)malloc(n * sizeof *v);
    for (size_t i = 0; v && i < n; i++)
        v[i] = 0.25f;
    return v;
}

static void compare(const lab *l, const char *name, const cln_gemm *g, int rounds)
{
    double best[3] = { INFINITY, INFINITY, INFINITY };
    const double flop = 2e0 * g->m * g->n * g->k; /* of a gram too: twice what it needs */
    chain_rig ours, theirs;
    float *a = floats(room_of(g, 0)), *b = floats(room_of(g, 1)), *c = floats(room_of(g, 2));
    make(&ours, l, g, true);
    make(&theirs, l, g, false);
    for (int k = 0; k < rounds + 1; k++) {
        const double ns[] = { run(&ours, l), run(&theirs, l), openblas(g, a, b, c) };
        for (int i = 0; k && i < 3; i++)
            best[i] = fmin(best[i], ns[i]);
    }
    printf("%-28s %6u %6u %6u  %8.1f %8.1f %8.1f\n", name, g->m, g->n, g->k, flop / best[0], flop / best[1],
           flop / best[2]);
    fflush(stdout);
    chain_rig_end(&ours);
    chain_rig_end(&theirs);
    free(a);
    free(b);
    free(c);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        cln_gemm g;
    } cases[] = {
        { "Newton-Schulz", { .m = 64, .n = 64, .k = 64, .lda = 64, .ldb = 64, .ldc = 64, .alpha = 1 } },
        { "square", { .m = 256, .n = 256, .k = 256, .lda = 256, .ldb = 256, .ldc = 256, .alpha = 1 } },
        { "square", { .m = 512, .n = 512, .k = 512, .lda = 512, .ldb = 512, .ldc = 512, .alpha = 1 } },
        { "square", { .m = 1024, .n = 1024, .k = 1024, .lda = 1024, .ldb = 1024, .ldc = 1024, .alpha = 1 } },
        { "IterNorm apply", { .m = 100352, .n = 64, .k = 64, .lda = 64, .ldb = 64, .ldc = 64, .alpha = 1 } },
        { "IterNorm covariance",
          { .ta = true,
            .gram = true,
            .m = 64,
            .n = 64,
            .k = 100352,
            .lda = 64,
            .ldb = 64,
            .ldc = 64,
            .alpha = 1 } },
        { "covariance",
          { .ta = true,
            .gram = true,
            .m = 768,
            .n = 768,
            .k = 6272,
            .lda = 768,
            .ldb = 768,
            .ldc = 768,
            .alpha = 1 } },
        { "ZCA apply",
          { .m = 1000, .n = 3072, .k = 3072, .lda = 3072, .ldb = 3072, .ldc = 3072, .alpha = 1 } },
    };
    const clnorm_options options = { .size = sizeof options, .flags = CLNORM_LAZY };
    lab l;
    l.plain = argc > 2;
    DIE(clnorm_open(&l.ctx, NULL, &options));
    DIE(clnorm_context_handles(l.ctx, &l.cl, &l.device, &l.queue));
    printf("%-28s %6s %6s %6s  %8s %8s %8s  GFLOP/s\n", "", "m", "n", "k", "ours", "CLBlast", "OpenBLAS");
    for (size_t k = 0; k < CLN_COUNT(cases); k++)
        compare(&l, cases[k].name, &cases[k].g, argc > 1 ? atoi(argv[1]) : 5);
    clnorm_close(l.ctx);
    return 0;
}

/* chain_rig.h -- a plan by hand: a chain of steps whose kernels are those of an op that nobody knows, for test_product.c and
 * bench/products.c. Between begin and build the chain is written. */
#ifndef CHAIN_RIG_H
#define CHAIN_RIG_H

#include "api/api.h"
#include "base/compiler.h"
#include "base/status.h"
#include "plan/steps.h"

#include <stdlib.h>
#include <string.h>

typedef struct chain_rig {
    cln_params params;
    cln_steps steps;
    cln_op op;
    cln_body body;
    clnorm_args args;
    clnorm_buffer workspace;
} chain_rig;

/* own: products by the library's own kernels; dtype: of x. */
static inline void chain_rig_begin(chain_rig *r, const clnorm_context *ctx, bool own, uint32_t dtype)
{
    memset(r, 0, sizeof *r);
    r->params = ctx->params;
    r->params.own_products = own;
    r->steps.params = &r->params;
    r->steps.device = &ctx->device;
    r->steps.types[0] = dtype;
    for (size_t s = 0; s < CLNORM_SLOTS; s++)
        r->steps.bytes[s] = s == CLNORM_X ? clnorm_dtype_bytes(dtype) : sizeof(float);
}

/* tuned: CLBlast with the parameters of src/blas/parameters.c. The workspace has 64 bytes more than the chain takes. */
static inline clnorm_status chain_rig_build(chain_rig *r, clnorm_context *ctx, bool tuned)
{
    static const char text[] = "#define OP(name) rig_##name\n#define SOME_KERNELS 0\n"
                               "#include \"common/matrix.clh\"\n#include \"common/product.clh\"\n"
                               "#include \"common/covariance.clh\"\n";
    char options[512];
    cl_int code;
    if (r->steps.calls && tuned)
        CLN_TRY(cln_context_multiplies(ctx, true));
    CLN_TRY(cln_steps_end(&r->steps, ctx->cl, true));
    cln_steps_options(options, sizeof options, &r->steps);
    r->op.info.name = "rig";
    r->body.problem.op = &r->op;
    r->body.steps = &r->steps;
    r->body.nstages = r->steps.count;
    CLN_TRY(cln_programs_get(ctx->programs, text, text, options, true, &r->body.variants[0].program));
    CLN_TRY(cln_stage_kernels(&r->body.variants[0].free, &r->body, 0));
    r->workspace.mem =
        clCreateBuffer(ctx->cl, CL_MEM_READ_WRITE, cln_steps_workspace(&r->steps) + 64, NULL, &code);
    return CLN_CL_STATUS(code, "clCreateBuffer");
}

static inline void chain_rig_end(chain_rig *r)
{
    cln_stage_free(r->body.variants[0].free);
    clReleaseMemObject(r->workspace.mem);
    free(r->steps.step);
}

#endif

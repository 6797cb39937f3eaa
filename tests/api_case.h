/* api_case.h -- contexts without a start-up set, buffers, descriptors and sentences, for tests of the API.
 * Define _POSIX_C_SOURCE 200809L before. */
#ifndef API_CASE_H
#define API_CASE_H

#include "harness.h"

#include "base/compiler.h"
#include "guard.h"
#include "op/op.h"

#include <string.h>

#define OK(call) ck_assert_msg((call) == CLNORM_OK, "%s", clnorm_last_error(NULL))
#define SAYS(word)                                                                         \
    ck_assert_msg(strstr(clnorm_last_error(NULL), word) != NULL, "no \"%s\" in: %s", word, \
                  clnorm_last_error(NULL))

/* ---- contexts ---- */

static inline clnorm_options lazy(void)
{
    clnorm_options o;
    memset(&o, 0, sizeof o);
    o.size = sizeof o;
    o.flags = CLNORM_LAZY | CLNORM_CACHE_OFF;
    guard_options(&o);
    return o;
}

static inline clnorm_context *created(const clnorm_options *o)
{
    clnorm_context *ctx;
    OK(clnorm_context_create(&ctx, harness_get()->cl, harness_get()->device, o));
    return ctx;
}

static inline clnorm_context *fresh(void)
{
    const clnorm_options o = lazy();
    return created(&o);
}

static inline clnorm_stats stats_of(clnorm_context *ctx)
{
    clnorm_stats s;
    memset(&s, 0, sizeof s);
    s.size = sizeof s;
    OK(clnorm_context_stats(ctx, &s));
    return s;
}

static inline cl_uint owners(cl_context cl)
{
    cl_uint n = 0;
    ck_assert_int_eq(clGetContextInfo(cl, CL_CONTEXT_REFERENCE_COUNT, sizeof n, &n, NULL), CL_SUCCESS);
    return n;
}

/* A runtime may let go of a finished command's objects a moment after clFinish. */
static inline cl_uint owners_in_the_end(cl_context cl, cl_uint expected)
{
    for (int k = 0; k < 5000 && owners(cl) != expected; k++)
        harness_nap();
    return owners(cl);
}

/* ---- buffers ---- */

static inline cl_mem buffer_in(cl_context cl, cl_mem_flags flags, size_t bytes, const void *data)
{
    cl_int code;
    if (guard_where())
        return guard_buffer(cl, flags, bytes, data, "a buffer of the test");
    cl_mem mem =
        clCreateBuffer(cl, flags | (data ? CL_MEM_COPY_HOST_PTR : 0), bytes, (void *)(uintptr_t)data, &code);
    ck_assert_int_eq(code, CL_SUCCESS);
    return mem;
}

static inline cl_mem buffer(size_t bytes, const void *data)
{
    return buffer_in(harness_get()->cl, CL_MEM_READ_WRITE, bytes, data);
}

static inline void read_back(cl_mem mem, size_t offset, size_t bytes, void *out)
{
    ck_assert_int_eq(
        clEnqueueReadBuffer(harness_get()->queue, mem, CL_TRUE, offset, bytes, out, 0, NULL, NULL),
        CL_SUCCESS);
}

static inline void release_all(const cl_mem *mems)
{
    for (; *mems; mems++)
        clReleaseMemObject(*mems);
}
#define RELEASE(...) release_all((const cl_mem[]){ __VA_ARGS__, NULL })

/* ---- arguments ---- */

static inline clnorm_args pair(cl_mem x, size_t x_offset, cl_mem y, size_t y_offset)
{
    clnorm_args args = CLNORM_ARGS_INIT;
    args.slot[CLNORM_X] = (clnorm_buffer){ .mem = x, .byte_offset = x_offset };
    args.slot[CLNORM_Y] = (clnorm_buffer){ .mem = y, .byte_offset = y_offset };
    return args;
}

/* ---- descriptors and choices ---- */

static inline clnorm_totensor halved(int64_t n)
{
    clnorm_totensor d = CLNORM_TOTENSOR_INIT;
    d.x = d.y = clnorm_nchw(CLNORM_F32, 1, 1, 1, n);
    d.scale = 2;
    return d;
}

static inline clnorm_any desc_of(uint32_t kind, const clnorm_tensor *x)
{
    clnorm_any d;
    OK(clnorm_op_init(&d, kind));
    d.head.x = *x;
    d.head.x.dtype = CLNORM_F32;
    if (cln_op_of(kind)->maps)
        d.head.y = d.head.x;
    if (kind == CLNORM_OP_SYMMETRIC)
        d.symmetric.scale = 1;
    if (kind == CLNORM_OP_BATCHNORM)
        d.batchnorm.mode = CLNORM_TRAIN;
    if (kind == CLNORM_OP_GROUPNORM)
        d.groupnorm.groups = 1;
    return d;
}

static inline clnorm_any small(uint32_t kind)
{
    const clnorm_tensor x = clnorm_nchw(CLNORM_F32, 2, 3, 4, 5);
    return desc_of(kind, &x);
}

/* That schedule with the context's own work-group. */
static inline cln_choice choice_of(const clnorm_context *ctx, const cln_solver *solver)
{
    const cln_choice choice = {
        .solver = solver, .wg = ctx->params.wg, .vec = ctx->params.vec, .per = 1, .block = 1
    };
    return choice;
}

#endif

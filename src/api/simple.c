/* simple.c -- the first level: a context and queue of our own, data on the host. */
#include "api/api.h"
#include "base/fork.h"
#include "base/sized.h"
#include "base/status.h"
#include "tensor/tensor.h"

#include <stddef.h>

clnorm_status clnorm_open(clnorm_context **out, const char *device, const clnorm_options *options)
{
    clnorm_device d;
    cl_int code;
    if (!out)
        return cln_fail(CLNORM_EARG, "out is NULL");
    *out = NULL;
    CLN_TRY(clnorm_device_find(&d, device));
    const cl_context_properties properties[] = { CL_CONTEXT_PLATFORM, (cl_context_properties)d.platform, 0 };
    cl_context cl = clCreateContext(properties, 1, &d.device, NULL, NULL, &code);
    CLN_TRY(CLN_CL_STATUS(code, "clCreateContext"));
    clnorm_context *ctx;
    clnorm_status st = clnorm_context_create(&ctx, cl, d.device, options);
    clReleaseContext(cl);
    if (st != CLNORM_OK)
        return st;
    ctx->queue = clCreateCommandQueue(ctx->cl, d.device, 0, &code);
    st = CLN_CL_STATUS(code, "clCreateCommandQueue");
    if (st != CLNORM_OK)
        clnorm_context_release(ctx);
    else
        *out = ctx;
    return st;
}

void clnorm_close(clnorm_context *ctx) { clnorm_context_release(ctx); }

/* Bytes of a slot's host array; negative strides would reach before it. */
static clnorm_status host_bytes(size_t *bytes, const cln_problems *p, uint32_t slot)
{
    clnorm_tensor t;
    int64_t low, high;
    if (!cln_op_slot(&p->part[0].desc, slot, &t))
        return cln_refuse_slot(&p->part[0].desc, slot);
    cln_tensor_reach(&t, &low, &high);
    if (low < 0)
        return cln_fail(CLNORM_ESHAPE, "%s has a negative stride; host arrays allow none",
                        cln_slot_name(slot));
    *bytes = (size_t)high * cln_slot_element(&t);
    return CLNORM_OK;
}

/* An output travels in too: what its strides skip comes back as it was. */
static clnorm_status upload(clnorm_context *ctx, clnorm_args *args, const cln_problems *p,
                            const clnorm_host_args *io)
{
    for (uint32_t s = 0; s < CLNORM_SLOTS; s++) {
        size_t bytes = 0;
        if (!io->slot[s])
            continue;
        CLN_TRY(host_bytes(&bytes, p, s));
        if (!bytes)
            continue;
        CLN_TRY(cln_context_buffer(ctx, CL_MEM_READ_WRITE, bytes, NULL, &args->slot[s].mem));
        CLN_CL(clEnqueueWriteBuffer(ctx->queue, args->slot[s].mem, CL_FALSE, 0, bytes, io->slot[s], 0, NULL,
                                    NULL));
    }
    return CLNORM_OK;
}

static clnorm_status download(clnorm_context *ctx, const clnorm_args *args, const cln_problems *p,
                              const clnorm_host_args *io)
{
    for (uint32_t s = 0; s < CLNORM_SLOTS; s++) {
        size_t bytes = 0;
        if (!args->slot[s].mem || !io->slot[s] || !(p->writes >> s & 1))
            continue;
        CLN_TRY(host_bytes(&bytes, p, s));
        CLN_CL(clEnqueueReadBuffer(ctx->queue, args->slot[s].mem, CL_FALSE, 0, bytes, io->slot[s], 0, NULL,
                                   NULL));
    }
    return CLNORM_OK;
}

/* Room for what a matrix op says of its data, where the caller has none. */
static clnorm_status add_fault(clnorm_context *ctx, clnorm_args *args, const cln_problems *p)
{
    if (!(p->writes >> CLNORM_FAULT & 1) || args->slot[CLNORM_FAULT].mem || !p->part[0].set_elements)
        return CLNORM_OK;
    return cln_context_buffer(ctx, CL_MEM_READ_WRITE, sizeof(float), NULL, &args->slot[CLNORM_FAULT].mem);
}

static clnorm_status check_fault(clnorm_context *ctx, const clnorm_args *args, const cln_problems *p)
{
    float fault = 0.0f;
    if (!args->slot[CLNORM_FAULT].mem ||
        !p->part[0].set_elements) /* nothing ran: it is what the caller had there */
        return CLNORM_OK;
    CLN_CL(clEnqueueReadBuffer(ctx->queue, args->slot[CLNORM_FAULT].mem, CL_TRUE, 0, sizeof fault, &fault, 0,
                               NULL, NULL));
    return clnorm_fault_status(&p->part[0].desc, fault);
}

clnorm_status clnorm_run_host(clnorm_context *ctx, const clnorm_op *op, const clnorm_host_args *io)
{
    clnorm_args args = CLNORM_ARGS_INIT;
    clnorm_host_args own;
    cln_problems p;
    if (!ctx || !op || !io)
        return cln_fail(CLNORM_EARG, "%s is NULL", !ctx ? "ctx" : !op ? "op" : "io");
    CLN_TRY(cln_fork_check());
    if (!ctx->queue)
        return cln_fail(CLNORM_EARG, "ctx is not from clnorm_open; use clnorm_run with a queue of its own");
    CLN_TRY(cln_sized_read(&own, io, offsetof(clnorm_host_args, momentum), sizeof own, "io.size",
                           "clnorm_host_args"));
    CLN_TRY(cln_op_pose(&p, op));
    args.flags = own.flags;
    args.momentum = own.momentum;
    args.count = own.count;
    clnorm_status st = upload(ctx, &args, &p, &own);
    if (st == CLNORM_OK)
        st = add_fault(ctx, &args, &p);
    if (st == CLNORM_OK)
        st = clnorm_run(ctx, ctx->queue, op, &args, 0, NULL, NULL);
    if (st == CLNORM_OK)
        st = download(ctx, &args, &p, &own);
    const cl_int finished = clFinish(ctx->queue); /* also after a failure: host arrays may be in use */
    if (st == CLNORM_OK)
        st = CLN_CL_STATUS(finished, "clFinish");
    if (st == CLNORM_OK)
        st = check_fault(ctx, &args, &p);
    for (uint32_t s = 0; s < CLNORM_SLOTS; s++)
        cln_context_buffer_free(ctx, args.slot[s].mem);
    return st;
}

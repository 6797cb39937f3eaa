/* ring.c -- workspaces for enqueues that bring none: a few buffers, chained by event where they run out. */
#include "api/api.h"
#include "base/status.h"

clnorm_status cln_ring_init(cln_ring *ring)
{
    return pthread_mutex_init(&ring->lock, NULL) ? cln_fail(CLNORM_ENOMEM, "no memory for a lock")
                                                 : CLNORM_OK;
}

static void drop_event(cln_ring_place *p)
{
    if (p->busy)
        clReleaseEvent(p->busy);
    p->busy = NULL;
}

/* A place that must grow is replaced: commands in flight keep the old buffer alive, the new one is idle. */
static clnorm_status grow(clnorm_context *ctx, cln_ring_place *p, size_t bytes)
{
    cl_mem mem;
    if (p->bytes >= bytes)
        return CLNORM_OK;
    CLN_TRY(cln_context_buffer(ctx, CL_MEM_READ_WRITE, bytes, NULL, &mem));
    if (ctx->options.buffer_free && p->busy) /* a foreign allocator may reuse it at once */
        clWaitForEvents(1, &p->busy);
    cln_context_buffer_free(ctx, p->mem);
    drop_event(p);
    p->mem = mem;
    p->bytes = bytes;
    return CLNORM_OK;
}

clnorm_status cln_ring_reserve(clnorm_context *ctx, size_t bytes)
{
    clnorm_status st = CLNORM_OK;
    if (!bytes)
        return st;
    pthread_mutex_lock(&ctx->ring.lock);
    for (size_t k = 0; k < CLN_RING && st == CLNORM_OK; k++)
        st = grow(ctx, &ctx->ring.place[k], bytes);
    pthread_mutex_unlock(&ctx->ring.lock);
    return st;
}

cln_ring_place *cln_ring_take(cln_ring *ring, cl_mem *mem, cl_event *busy)
{
    pthread_mutex_lock(&ring->lock);
    cln_ring_place *p = &ring->place[ring->next++ % CLN_RING];
    *mem = p->mem;
    *busy = p->busy;
    p->busy = NULL;
    return p;
}

void cln_ring_give(cln_ring *ring, cln_ring_place *place, cl_event busy)
{
    place->busy = busy;
    pthread_mutex_unlock(&ring->lock);
}

void cln_ring_drain(clnorm_context *ctx)
{
    for (size_t k = 0; k < CLN_RING; k++) {
        cln_ring_place *p = &ctx->ring.place[k];
        if (p->busy)
            clWaitForEvents(1, &p->busy);
        drop_event(p);
        cln_context_buffer_free(ctx, p->mem);
    }
    pthread_mutex_destroy(&ctx->ring.lock);
}

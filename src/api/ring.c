/* ring.c -- workspaces for enqueues that bring none: a few buffers, chained by event where they run out. */
#include "api/api.h"
#include "base/status.h"

clnorm_status cln_ring_init(cln_ring *ring)
{
    return pthread_mutex_init(&ring->lock, NULL) ? cln_fail(CLNORM_ENOMEM, "no memory for a lock")
                                                 : CLNORM_OK;
}

static size_t room_of(cln_ring *ring, const cln_ring_place *p)
{
    pthread_mutex_lock(&ring->lock);
    const size_t bytes = p->bytes;
    pthread_mutex_unlock(&ring->lock);
    return bytes;
}

/* A place that must grow is replaced: commands in flight keep the old buffer alive, the new one is idle. The allocator may be the
 * application's, with locks of its own: it is called outside ours. */
static clnorm_status grow(clnorm_context *ctx, cln_ring_place *p, size_t bytes, cln_ring_place *old)
{
    cln_ring_place larger = { .bytes = bytes };
    if (room_of(&ctx->ring, p) >= bytes)
        return CLNORM_OK;
    CLN_TRY(cln_context_buffer(ctx, CL_MEM_READ_WRITE, bytes, NULL, &larger.mem));
    pthread_mutex_lock(&ctx->ring.lock);
    *old = larger;
    if (p->bytes < bytes) { /* else another thread was first */
        *old = *p;
        *p = larger;
    }
    pthread_mutex_unlock(&ctx->ring.lock);
    return CLNORM_OK;
}

static void leave(clnorm_context *ctx, cln_ring_place *p, bool wait)
{
    if (wait && p->busy)
        clWaitForEvents(1, &p->busy);
    if (p->busy)
        clReleaseEvent(p->busy);
    cln_context_buffer_free(ctx, p->mem);
}

clnorm_status cln_ring_reserve(clnorm_context *ctx, size_t bytes)
{
    clnorm_status st = CLNORM_OK;
    const size_t count = !bytes ? 0 : bytes > CLN_RING_BYTES ? 1 : CLN_RING;
    for (size_t k = 0; k < count && st == CLNORM_OK; k++) {
        cln_ring_place old = { .mem = NULL };
        st = grow(ctx, &ctx->ring.place[k], bytes, &old);
        /* A foreign allocator may reuse memory at once; enqueues go on while this waits. */
        leave(ctx, &old, ctx->options.buffer_free != NULL);
    }
    return st;
}

/* Whether a command was terminated: what waits for it would be, too. */
static bool has_failed(cl_event event)
{
    cl_int status = CL_COMPLETE;
    return clGetEventInfo(event, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof status, &status, NULL) ==
               CL_SUCCESS &&
           status < 0;
}

cln_ring_place *cln_ring_take(cln_ring *ring, size_t bytes, cl_mem *mem, cl_event *busy)
{
    pthread_mutex_lock(&ring->lock);
    cln_ring_place *p = &ring->place[ring->next++ % CLN_RING];
    if (p->bytes < bytes)
        p = &ring->place[0]; /* which every plan has made large enough */
    *mem = p->mem;
    *busy = p->busy;
    p->busy = NULL;
    if (*busy && has_failed(*busy)) {
        clReleaseEvent(*busy);
        *busy = NULL;
    }
    return p;
}

void cln_ring_give(cln_ring *ring, cln_ring_place *place, cl_event busy)
{
    place->busy = busy;
    pthread_mutex_unlock(&ring->lock);
}

void cln_ring_drain(clnorm_context *ctx)
{
    for (size_t k = 0; k < CLN_RING; k++)
        leave(ctx, &ctx->ring.place[k], true);
    pthread_mutex_destroy(&ctx->ring.lock);
}

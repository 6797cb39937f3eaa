/* array.c -- see array.h. */
#include "array.h"

#include "guard.h"
#include "ref/ref.h"
#include "tensor/tensor.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define GUARD 512

void array_make(array *a, const clnorm_tensor *t, size_t skip, bool output)
{
    int64_t low, high;
    cln_tensor_reach(t, &low, &high);
    a->t = *t;
    a->element = t->dtype ? clnorm_dtype_bytes(t->dtype) : 8;
    a->bytes = (size_t)(high - low) * a->element;
    a->first = GUARD + skip * a->element;
    a->offset = a->first + (size_t)-low * a->element;
    a->output = output;
    a->host = (unsigned char *)malloc(array_room(a));
    ck_assert_ptr_nonnull(a->host);
    memset(a->host, output ? 0xff : 0x5a, array_room(a));
}

size_t array_room(const array *a) { return a->bytes + 2 * GUARD + a->offset; }

clnorm_tensor array_image(uint32_t dtype, const int64_t n[4], bool last, int64_t pad, int64_t pixel)
{
    clnorm_tensor t = last ? clnorm_nhwc((clnorm_dtype)dtype, n[0], n[1], n[2], n[3])
                           : clnorm_nchw((clnorm_dtype)dtype, n[0], n[1], n[2], n[3]);
    if (last) {
        t.stride[3] = n[1] + pixel;
        t.stride[2] = n[3] * t.stride[3] + pad;
        t.stride[0] = n[2] * t.stride[2];
    } else {
        t.stride[2] = n[3] + pad;
        t.stride[1] = n[2] * t.stride[2];
        t.stride[0] = n[1] * t.stride[1];
    }
    return t;
}

/* What of host a buffer has. */
static size_t low_end(const array *a) { return guard_where() == GUARD_BEFORE ? a->first : 0; }
static size_t high_end(const array *a)
{
    return guard_where() == GUARD_BEHIND ? a->first + a->bytes : array_room(a);
}

clnorm_buffer array_upload(const array *a, cl_context cl, const char *name)
{
    const size_t low = low_end(a), bytes = high_end(a) - low;
    cl_int code = CL_SUCCESS;
    clnorm_buffer b = { NULL, a->offset - low, NULL, 0 };
    b.mem = guard_where()
                ? guard_buffer(cl, CL_MEM_READ_WRITE, bytes, a->host + low, name)
                : clCreateBuffer(cl, CL_MEM_READ_WRITE | CL_MEM_COPY_HOST_PTR, bytes, a->host, &code);
    ck_assert_int_eq(code, CL_SUCCESS);
    return b;
}

unsigned char *array_download(const array *a, cl_command_queue queue, cl_mem mem)
{
    const size_t low = low_end(a), bytes = high_end(a) - low;
    unsigned char *now = (unsigned char *)malloc(array_room(a));
    ck_assert_ptr_nonnull(now);
    memcpy(now, a->host, array_room(a));
    ck_assert_int_eq(clEnqueueReadBuffer(queue, mem, CL_TRUE, 0, bytes, now + low, 0, NULL, NULL),
                     CL_SUCCESS);
    return now;
}

bool array_untouched(const array *a, const unsigned char *now)
{
    unsigned char *mine = (unsigned char *)calloc(1, array_room(a));
    bool same = true;
    const int64_t n = clnorm_tensor_count(&a->t);
    for (int64_t i = 0; i < n; i++)
        memset(mine + (int64_t)a->offset + ref_place(&a->t, i) * (int64_t)a->element, 1, a->element);
    for (size_t b = 0; b < array_room(a) && same; b++)
        same = mine[b] || now[b] == a->host[b];
    free(mine);
    return same;
}

void array_same_nans(const array *a, unsigned char *now)
{
    const int64_t n = clnorm_tensor_count(&a->t);
    for (int64_t i = 0; i < n; i++) {
        unsigned char *p = now + a->offset;
        const int64_t at = ref_place(&a->t, i);
        if (a->t.dtype && isnan(ref_get(a->t.dtype, p, at)))
            memset(p + at * (int64_t)a->element, 0xff, a->element);
    }
}

uint64_t array_hash(const array *a, const unsigned char *now, uint64_t h)
{
    for (size_t i = GUARD; i < array_room(a) - GUARD; i++)
        h = (h ^ now[i]) * 1099511628211u;
    return h;
}

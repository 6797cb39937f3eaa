/* tensor.c -- makers, sizes and checks of clnorm_tensor. */
#include "tensor/tensor.h"
#include "base/status.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    size_t bytes;
} dtypes[] = { { "?", 0 },
#define DTYPE(NAME, name, value, bytes) { #name, bytes },
               CLNORM_DTYPE_MAP(DTYPE)
#undef DTYPE
};

size_t clnorm_dtype_bytes(uint32_t dtype) { return dtype < CLN_COUNT(dtypes) ? dtypes[dtype].bytes : 0; }
const char *clnorm_dtype_name(uint32_t dtype) { return dtypes[dtype < CLN_COUNT(dtypes) ? dtype : 0].name; }

static clnorm_tensor make(clnorm_dtype dtype, uint32_t ndim, const int64_t *shape, const int64_t *stride)
{
    clnorm_tensor t;
    memset(&t, 0, sizeof t);
    t.dtype = (uint32_t)dtype;
    t.ndim = ndim;
    memcpy(t.shape, shape, ndim * sizeof *shape);
    if (stride)
        memcpy(t.stride, stride, ndim * sizeof *stride);
    cln_tensor_complete(&t);
    return t;
}

/* Of lengths that nobody has checked yet: what overflows is refused by cln_tensor_check. */
static int64_t times(int64_t a, int64_t b) { return (int64_t)((uint64_t)a * (uint64_t)b); }

clnorm_tensor clnorm_nchw(clnorm_dtype dtype, int64_t n, int64_t c, int64_t h, int64_t w)
{
    const int64_t shape[] = { n, c, h, w };
    return make(dtype, 4, shape, NULL);
}

clnorm_tensor clnorm_nhwc(clnorm_dtype dtype, int64_t n, int64_t c, int64_t h, int64_t w)
{
    const int64_t shape[] = { n, c, h, w }, stride[] = { times(h, times(w, c)), 1, times(w, c), c };
    return make(dtype, 4, shape, stride);
}

clnorm_tensor clnorm_rows(clnorm_dtype dtype, int64_t n, int64_t c)
{
    const int64_t shape[] = { n, c };
    return make(dtype, 2, shape, NULL);
}

clnorm_tensor clnorm_image(clnorm_dtype dtype, int64_t c, int64_t h, int64_t w, int64_t pixel, int64_t pitch)
{
    const int64_t row = pitch ? pitch : times(w, pixel);
    const int64_t shape[] = { 1, c, h, w }, stride[] = { times(h, row), 1, row, pixel };
    return make(dtype, 4, shape, stride);
}

void cln_tensor_complete(clnorm_tensor *t)
{
    const uint32_t ndim = t->ndim <= CLNORM_MAX_DIMS ? t->ndim : 0;
    for (uint32_t i = ndim; i < CLNORM_MAX_DIMS; i++) /* whatever is left there: tensors are compared whole */
        t->shape[i] = t->stride[i] = 0;
    for (uint32_t i = 0; i < ndim; i++)
        if (t->stride[i])
            return;
    int64_t step = 1;
    for (uint32_t i = ndim; i-- > 0;) {
        t->stride[i] = step;
        step = times(step, t->shape[i] > 0 ? t->shape[i] : 1);
    }
}

/* How far a step goes, whichever way. */
static uint64_t stride_length(int64_t stride) { return stride < 0 ? 0 - (uint64_t)stride : (uint64_t)stride; }

/* Elements and bytes must fit 63 bits with room for the strides. */
static bool too_large(const clnorm_tensor *t)
{
    double reach = 1;
    for (uint32_t i = 0; i < t->ndim; i++)
        reach += ((double)t->shape[i] - 1) * (double)stride_length(t->stride[i]);
    return reach * 8 > 9e18 || clnorm_tensor_count(t) < 0;
}

int64_t clnorm_tensor_count(const clnorm_tensor *t)
{
    int64_t count = 1;
    bool empty = false;
    if (!t || t->ndim > CLNORM_MAX_DIMS)
        return -1;
    for (uint32_t i = 0; i < t->ndim; i++) {
        if (t->shape[i] < 0)
            return -1;
        if (t->shape[i] == 0)
            empty = true;
        else if (count > INT64_MAX / t->shape[i])
            return -1;
        else
            count *= t->shape[i];
    }
    return empty ? 0 : count;
}

void cln_tensor_reach(const clnorm_tensor *t, int64_t *low, int64_t *high)
{
    *low = *high = 0;
    if (clnorm_tensor_count(t) <= 0)
        return;
    *high = 1;
    for (uint32_t i = 0; i < t->ndim; i++) {
        const int64_t far = (t->shape[i] - 1) * t->stride[i];
        *(far < 0 ? low : high) += far;
    }
}

size_t clnorm_tensor_bytes(const clnorm_tensor *t)
{
    if (clnorm_tensor_count(t) <= 0)
        return 0;
    clnorm_tensor full = *t;
    int64_t low, high;
    cln_tensor_complete(&full);
    if (too_large(&full))
        return 0;
    cln_tensor_reach(&full, &low, &high);
    return (size_t)(high - low) * clnorm_dtype_bytes(t->dtype);
}

bool cln_tensor_same_shape(const clnorm_tensor *a, const clnorm_tensor *b)
{
    return a->ndim == b->ndim && !memcmp(a->shape, b->shape, a->ndim * sizeof *a->shape);
}

const char *cln_tensor_text(const clnorm_tensor *t, char *text, size_t room)
{
    size_t at = (size_t)snprintf(text, room, "(");
    for (uint32_t i = 0; i < t->ndim && i < CLNORM_MAX_DIMS && at < room; i++)
        at += (size_t)snprintf(text + at, room - at, "%s%lld", i ? "," : "", (long long)t->shape[i]);
    if (at < room)
        snprintf(text + at, room - at, ") %s", clnorm_dtype_name(t->dtype));
    return text;
}

/* Sorted by stride, every axis must step past all that the smaller ones reach. (Sufficient; layouts that
 * interleave without touching, which no user of images has, are refused too.) */
static bool visits_twice(const clnorm_tensor *t)
{
    bool used[CLNORM_MAX_DIMS] = { false };
    uint64_t reach = 0;
    for (uint32_t k = 0; k < t->ndim; k++) {
        uint32_t best = t->ndim;
        for (uint32_t i = 0; i < t->ndim; i++)
            if (!used[i] && (best == t->ndim || stride_length(t->stride[i]) < stride_length(t->stride[best])))
                best = i;
        used[best] = true;
        if (t->shape[best] > 1 && stride_length(t->stride[best]) <= reach)
            return true;
        reach += (uint64_t)(t->shape[best] - 1) * stride_length(t->stride[best]);
    }
    return false;
}

clnorm_status cln_tensor_check(const clnorm_tensor *t, const char *who, uint32_t types, bool output)
{
    char text[CLN_TENSOR_TEXT];
    if (t->ndim < 1 || t->ndim > CLNORM_MAX_DIMS)
        return cln_fail(CLNORM_ESHAPE, "%s has %u axes; 1 to %d are allowed", who, t->ndim, CLNORM_MAX_DIMS);
    if (!clnorm_dtype_bytes(t->dtype))
        return cln_fail(CLNORM_EDTYPE, "%s has the unknown type %u", who, t->dtype);
    if (!(types >> t->dtype & 1)) {
        cln_fail(CLNORM_EDTYPE, "%s is %s; allowed are", who, clnorm_dtype_name(t->dtype));
        for (uint32_t d = 1; d < CLN_COUNT(dtypes); d++)
            if (types >> d & 1)
                cln_fail_more(" %s", dtypes[d].name);
        return CLNORM_EDTYPE;
    }
    for (uint32_t i = 0; i < t->ndim; i++)
        if (t->shape[i] < 0)
            return cln_fail(CLNORM_ESHAPE, "%s has length %lld on axis %u; 0 or more is allowed", who,
                            (long long)t->shape[i], i);
    cln_tensor_text(t, text, sizeof text);
    if (too_large(t))
        return cln_fail(CLNORM_ESHAPE, "%s %s is larger than any memory", who, text);
    if (output && clnorm_tensor_count(t) > 1 && visits_twice(t))
        return cln_fail(CLNORM_ESHAPE,
                        "%s %s: its strides reach one element by two indices, and an output lies like it",
                        who, text);
    return CLNORM_OK;
}

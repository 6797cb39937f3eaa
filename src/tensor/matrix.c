/* matrix.c -- see matrix.h. */
#include "tensor/matrix.h"
#include "base/status.h"

#include <string.h>

/* Axis by axis from the innermost; one that goes on where the last ended joins it. */
static void add(cln_matrix *m, int side, int64_t length, int64_t step)
{
    const uint32_t n = m->axes[side];
    if (length == 1)
        return;
    if (n && m->step[side][n - 1] * m->length[side][n - 1] == step)
        m->length[side][n - 1] *= (uint32_t)length;
    else {
        m->length[side][n] = (uint32_t)length;
        m->step[side][n] = step;
        m->axes[side]++;
    }
}

clnorm_status cln_matrix_of(cln_matrix *out, const clnorm_tensor *t, uint32_t columns)
{
    static const char *const sides[] = { "rows", "columns" };
    int64_t count[2] = { 1, 1 };
    memset(out, 0, sizeof *out);
    for (uint32_t i = 0; i < t->ndim; i++)
        count[columns >> i & 1] *= t->shape[i];
    for (int side = 0; side < 2; side++) {
        if (count[side] > INT32_MAX)
            return cln_fail(CLNORM_ESHAPE, "a matrix has %lld %s; 2147483647 are allowed",
                            (long long)count[side], sides[side]);
        out->count[side] = (uint32_t)count[side];
    }
    for (uint32_t i = t->ndim; i-- > 0;)
        add(out, columns >> i & 1, t->shape[i], t->stride[i]);
    for (int side = 0; side < 2; side++)
        if (!out->axes[side]) {
            out->axes[side] = 1;
            out->length[side][0] = 1;
        }
    return CLNORM_OK;
}

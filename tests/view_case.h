/* view_case.h -- specs of views, and the walk that a view describes in plain loops, for tests of views. */
#ifndef VIEW_CASE_H
#define VIEW_CASE_H

#include "array.h"
#include "base/compiler.h"
#include "op/op.h"
#include "ref/ref.h"
#include "suite.h"
#include "tensor/view.h"
#include <stdlib.h>
#include <string.h>

static inline cln_view_spec spec_of(const clnorm_tensor *x, const clnorm_tensor *y, uint32_t scope)
{
    cln_view_spec spec;
    memset(&spec, 0, sizeof spec);
    spec.channel = cln_channel_axis(x);
    spec.axes.count = x->ndim;
    for (uint32_t k = 0; k < x->ndim; k++) {
        const cln_axis a = { x->shape[k],
                             { x->stride[k], y ? y->stride[k] : x->stride[k], 0, 0, 0 },
                             cln_scope_axes(x, scope) >> k & 1,
                             false };
        spec.axes.a[k] = a;
    }
    return spec;
}

static inline void reduce(cln_view_spec *spec, uint32_t axes)
{
    for (size_t k = 0; k < spec->axes.count; k++)
        spec->axes.a[k].reduced = axes >> k & 1;
}

static inline cln_geo built(const cln_view_spec *spec)
{
    cln_geo g;
    ck_assert_msg(cln_view_build(&g, spec) == CLNORM_OK, "%s", clnorm_last_error(NULL));
    return g;
}

static inline void refused(const cln_view_spec *spec, const char *word)
{
    cln_geo g;
    ck_assert_int_eq(cln_view_build(&g, spec), CLNORM_EUNSUPPORTED);
    ck_assert_msg(strstr(clnorm_last_error(NULL), word) != NULL, "no \"%s\" in: %s", word,
                  clnorm_last_error(NULL));
}

static inline void counts(const cln_geo *g, uint32_t sets, uint32_t runs, uint32_t len)
{
    ck_assert_uint_eq(g->sets, sets);
    ck_assert_uint_eq(g->runs, runs);
    ck_assert_uint_eq(g->len, len);
}

/* Where element e of run r of set s lies: the walk of cl/common/op.clh, in plain loops. */
static inline int64_t place(const cln_geo *g, uint32_t s, uint32_t r, uint32_t e, bool in_y)
{
    const cln_strides *v = &g->view[in_y ? CLN_VIEW_Y : CLN_VIEW_X];
    int64_t at = (int64_t)e * v->step + (int64_t)(r % g->mix) * v->mix;
    r /= g->mix;
    for (size_t k = CLN_COUNT(g->run); k-- > 0; r /= g->run[k])
        at += (int64_t)(r % g->run[k]) * v->run[k];
    for (size_t k = CLN_COUNT(g->kept); k-- > 0; s /= g->kept[k])
        at += (int64_t)(s % g->kept[k]) * v->kept[k];
    return at;
}

static inline int compare(const void *a, const void *b)
{
    const int64_t *p = (const int64_t *)a, *q = (const int64_t *)b;
    return p[0] != q[0] ? (p[0] < q[0] ? -1 : 1) : p[1] < q[1] ? -1 : p[1] > q[1];
}

/* The view visits the pairs (place in x, place in y) that the shape has, each once. */
static inline void visits_all(const cln_geo *g, const clnorm_tensor *x, const clnorm_tensor *y)
{
    const size_t n = (size_t)clnorm_tensor_count(x);
    int64_t(*want)[2] = (int64_t(*)[2])malloc(2 * n * sizeof *want), (*got)[2] = want + n;
    size_t k = 0;
    ck_assert_uint_eq((uint64_t)g->sets * g->runs * g->len, n);
    for (size_t i = 0; i < n; i++) {
        want[i][0] = ref_place(x, (int64_t)i);
        want[i][1] = ref_place(y, (int64_t)i);
    }
    for (uint32_t s = 0; s < g->sets; s++)
        for (uint32_t r = 0; r < g->runs; r++)
            for (uint32_t e = 0; e < g->len; e++, k++) {
                got[k][0] = place(g, s, r, e, false);
                got[k][1] = place(g, s, r, e, true);
            }
    qsort(want, n, sizeof *want, compare);
    qsort(got, n, sizeof *got, compare);
    ck_assert_int_eq(memcmp(want, got, n * sizeof *want), 0);
    free(want);
}

#endif

/* ref_layer.h -- a layer on host memory for the reference alone: its inputs in f32, its outputs in double. */
#ifndef REF_LAYER_TEST_H
#define REF_LAYER_TEST_H

#include "ref_expect.h"

#include <string.h>

#define LAYER_ROOM 64

typedef struct layer_run {
    clnorm_any d;
    ref_io io;
    float in[CLNORM_SLOTS][LAYER_ROOM];
    double out[CLNORM_SLOTS][LAYER_ROOM], scale[CLNORM_SLOTS][LAYER_ROOM], moved[2][LAYER_ROOM];
} layer_run;

static inline clnorm_any layer_init(uint32_t kind)
{
    static const clnorm_any inits[] = {
        [CLNORM_OP_BATCHNORM] = { .batchnorm = CLNORM_BATCHNORM_INIT },
        [CLNORM_OP_LAYERNORM] = { .layernorm = CLNORM_LAYERNORM_INIT },
        [CLNORM_OP_GROUPNORM] = { .groupnorm = CLNORM_GROUPNORM_INIT },
        [CLNORM_OP_INSTANCENORM] = { .instancenorm = CLNORM_INSTANCENORM_INIT },
        [CLNORM_OP_RMSNORM] = { .rmsnorm = CLNORM_RMSNORM_INIT },
        [CLNORM_OP_L2NORM] = { .l2norm = CLNORM_L2NORM_INIT },
        [CLNORM_OP_LPNORM] = { .lpnorm = CLNORM_LPNORM_INIT },
        [CLNORM_OP_MVN] = { .mvn = CLNORM_MVN_INIT },
        [CLNORM_OP_GRN] = { .grn = CLNORM_GRN_INIT },
        [CLNORM_OP_LRN] = { .lrn = CLNORM_LRN_INIT },
    };
    return inits[kind];
}

/* A layer of x, with y like it, and no slot yet. */
static inline layer_run layer_make(uint32_t kind, clnorm_tensor x)
{
    layer_run r;
    memset(&r, 0, sizeof r);
    r.d = layer_init(kind);
    r.d.head.x = r.d.head.y = x;
    return r;
}

/* An input, in the order of memory. */
static inline void layer_give(layer_run *r, clnorm_slot slot, const double *v, int64_t n)
{
    const uint32_t dtype = slot == CLNORM_X ? r->d.head.x.dtype : CLNORM_F32;
    for (int64_t i = 0; i < n; i++)
        ref_set(dtype, r->in[slot], i, v[i]);
    r->io.slot[slot] = r->in[slot];
}

static inline void layer_want(layer_run *r, clnorm_slot slot)
{
    r->io.slot[slot] = r->out[slot];
    r->io.scale[slot] = r->scale[slot];
}

static inline void expect_doubles(const layer_run *r, const char *what, const double *got, const double *want,
                                  int64_t n, double tolerance)
{
    for (int64_t i = 0; i < n; i++)
        ck_assert_msg(near(got[i], want[i], tolerance), "op %u: %s[%d] is %.17g, not %.17g", r->d.op.kind,
                      what, (int)i, got[i], want[i]);
}

#endif

/* layer.h -- what tests/layer.c counts, for those who find it by dlsym("layer_counts"). */
#ifndef LAYER_H
#define LAYER_H

typedef enum layer_call {
    LAYER_FINISH,
    LAYER_FLUSH,
    LAYER_WAIT,
    LAYER_CREATE, /* buffers and sub-buffers */
    LAYER_BLOCK,  /* reads, writes and maps that wait */
    LAYER_COPY,   /* those that do not */
    LAYER_BUILD,
    LAYER_LAUNCH, /* kernels; proves that the layer sees anything */
    LAYER_COUNTS
} layer_call;

#endif

/* norm.h -- one normalization inside the network: plans of clnorm, forward and backward, and its statistics.
 */
#ifndef LAB_NORM_H
#define LAB_NORM_H

#include "rig.h"

typedef enum norm_kind { NORM_NONE, NORM_BATCH, NORM_LAYER, NORM_GROUP, NORM_GRN, NORM_KINDS } norm_kind;
extern const char *const norm_name[NORM_KINDS];

/* NORM_EVAL uses the running statistics where the kind has any; NORM_AS_TRAINED leaves it in training mode at
 * inference: the batch's own, nothing is moved. */
typedef enum norm_mode { NORM_TRAIN, NORM_EVAL, NORM_AS_TRAINED } norm_mode;

typedef struct norm {
    norm_kind kind;
    int channels, height, width, batch;
    double eps;                               /* 0: the op's own */
    clnorm_plan *train, *eval, *back;         /* of `batch` */
    cl_mem mean, rstd;                        /* of the last forward, for the backward */
    cl_mem running_mean, running_var;         /* of the batches so far */
    clnorm_buffer gamma, beta, dgamma, dbeta; /* the caller's */
} norm;

void norm_open(norm *n, rig *r, norm_kind kind, int channels, int height, int width);
void norm_close(norm *n);
/* Plans for (batch, channels, height, width). */
void norm_plan(norm *n, rig *r, int batch);
void norm_forward(const norm *n, rig *r, norm_mode mode, cl_mem x, cl_mem y);
void norm_backward(const norm *n, rig *r, cl_mem x, cl_mem dy, cl_mem dx);

#endif

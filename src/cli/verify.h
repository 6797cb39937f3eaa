/* verify.h -- one case of `verify`: a descriptor and data, on the device and in the
 * reference. */
#ifndef CLI_VERIFY_H
#define CLI_VERIFY_H

#include "ref/bound.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct cli_case {
    clnorm_any desc;  /* checked and complete */
    const char *view; /* how x lies in memory, for sentences */
    char text[80];    /* what else there is, likewise */
    int data;         /* of cli_data_names */
    uint64_t seed;
    ref_data held;   /* to the bounds of such data, beside those of any */
    uint32_t judged; /* bits of the outputs that count; 0: all */
    uint32_t absent; /* bits of the slots that are not given, though the op has them */
    /* Element i of n of an input, in memory; NULL: as data and seed say. */
    double (*value)(const void *user, uint32_t slot, int64_t i, int64_t n);
    const void *user;
} cli_case;

/* The worst element of a case. */
typedef struct cli_worst {
    double error; /* as a multiple of the bound; <= 1 passes */
    double bound;
    double got, want;
    int64_t index; /* in the order of the axes */
    uint32_t slot;
    uint64_t lacks; /* bytes of host memory, where ENOMEM is not the library's */
} cli_worst;

/* The worst errors in what PyTorch has of an op too, its y or its gradients: |got - want| / max(1, |want|,
 * S), infinite for NaN and infinities where a number belongs. */
typedef struct cli_beside {
    struct cli_torch *torch; /* NULL: only ours is measured */
    double ours, theirs;     /* theirs below 0: PyTorch gave no answer */
} cli_beside;

/* What the library said where it did not run the case; OK where it did. A lack of memory
 * is ENOMEM. beside may be NULL. */
clnorm_status cli_case_run(clnorm_context *ctx, const cli_case *c, cli_worst *worst, cli_beside *beside);

/* ---- verify_torch.c: PyTorch in a process of its own ---- */

/* A program text that is built in; the table ends with NULL. */
typedef struct cli_script {
    const char *name, *text;
} cli_script;
extern const cli_script cli_scripts[];

/* One tensor of a case, dense in the order of its axes; data NULL: absent. */
typedef struct cli_dense {
    float *data;
    clnorm_tensor tensor;
} cli_dense;

typedef struct cli_torch cli_torch;
/* Starts python3; NULL where that has no PyTorch. */
cli_torch *cli_torch_open(void);
void cli_torch_close(cli_torch *torch);
const char *cli_torch_version(const cli_torch *torch);
/* Whether it still answers: a process that has ended or taken a minute for a case has not. */
bool cli_torch_lives(const cli_torch *torch);
/* Runs the descriptor on the slots of `in` and fills those of `out`; false where PyTorch cannot. */
bool cli_torch_run(cli_torch *torch, const clnorm_any *desc, cli_dense *slots, uint32_t in, uint32_t out);

/* ---- verify_layer.c ---- */

/* The k-th case of a layer, checked; false behind the last. view is NULL where the op lacks what the case is
 * about. */
bool cli_layer_case(cli_case *out, const clnorm_op_info *op, uint32_t direction, bool hostile, size_t k);

/* ---- verify_data.c ---- */

/* How x lies in memory; its name in cli_view_names. */
enum { CLI_NCHW, CLI_NHWC, CLI_PITCH, CLI_PIXEL, CLI_ALONE };
extern const char *const cli_view_names[];
typedef struct cli_shape {
    int64_t n, c, h, w;
    int view;
} cli_shape;
clnorm_tensor cli_shape_tensor(const cli_shape *s, uint32_t dtype);

/* The first is ordinary, the others are hostile; ends with NULL. */
extern const char *const cli_data_names[];
/* Fills n elements in memory. Integers are uniform whatever `data`. */
void cli_data_fill(uint32_t dtype, void *p, int64_t n, int data, uint64_t seed);

#endif

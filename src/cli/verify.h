/* verify.h -- one case of `verify`: a descriptor and data, on the device and in the
 * reference. */
#ifndef CLI_VERIFY_H
#define CLI_VERIFY_H

#include "clnorm.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct cli_case {
    clnorm_any desc;  /* checked and complete */
    const char *view; /* how x lies in memory, for sentences */
    char text[80];    /* what else there is, likewise */
    int data;         /* of cli_data_names */
    uint64_t seed;
    double bound;    /* of y */
    uint32_t absent; /* bits of the slots that are not given, though the op has them */
} cli_case;

/* The worst element of a case. */
typedef struct cli_worst {
    double error; /* as a multiple of the bound; <= 1 passes */
    double bound;
    double got, want;
    int64_t index; /* in the order of the axes */
    uint32_t slot;
} cli_worst;

/* What the library said where it did not run the case; OK where it did. A lack of memory
 * is ENOMEM. */
clnorm_status cli_case_run(clnorm_context *ctx, const cli_case *c, cli_worst *worst);

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

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
    int data;         /* of cli_data_names */
    uint64_t seed;
    double bound;
} cli_case;

/* The worst element of a case. */
typedef struct cli_worst {
    double error; /* as a multiple of the bound; <= 1 passes */
    double got, want;
    int64_t index; /* in the order of the axes */
    uint32_t slot;
} cli_worst;

/* What the library said where it did not run the case; OK where it did. A lack of memory
 * is ENOMEM. */
clnorm_status cli_case_run(clnorm_context *ctx, const cli_case *c, cli_worst *worst);

/* ---- verify_data.c ---- */

/* The first is ordinary, the others are hostile; ends with NULL. */
extern const char *const cli_data_names[];
/* Fills n elements in memory. Integers are uniform whatever `data`. */
void cli_data_fill(uint32_t dtype, void *p, int64_t n, int data, uint64_t seed);

#endif

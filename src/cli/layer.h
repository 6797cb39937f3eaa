/* layer.h -- what the command decides about a layer: which tensors it has, and what they span. */
#ifndef CLI_LAYER_H
#define CLI_LAYER_H

#include "cli/tensors.h"

/* Slots that an op reads, writes and cannot do without, for any mode, residual and activation (for the mode
 * of `mode` alone, unless 0). Ops that are no layers have theirs in clnorm_op_info. */
void cli_layer_slots(const clnorm_op_info *op, uint32_t direction, uint32_t mode, uint32_t *reads,
                     uint32_t *writes, uint32_t *required);
/* Which --in or --out a request may have at all. */
uint32_t cli_layer_names(const cli_request *r, bool output);
/* What the names of --in and --out say goes to the request; refuses those that have no meaning here and,
 * where it is to run, a lack of any. */
int cli_layer_words(cli_request *r, const cli_args *args, const cli_extras *e, bool run);

/* ---- layer_fit.c ---- */

/* With every --in loaded: the types of y and of the parameters, and what gamma and beta span. */
int cli_layer_fit(cli_problem *p, const cli_args *args, const cli_extras *e);
/* How a tensor of any op lies in its file, and the file's shape; returns its rank. */
uint32_t cli_layer_file(clnorm_tensor *lies, int64_t *shape, const cli_problem *p, uint32_t slot,
                        const clnorm_tensor *t);

#endif

/* clnorm_ops.h -- one documented descriptor per op, by family.
 *
 *   clnorm_ops_head.h     what all of them begin with: op, direction, meanings
 *   clnorm_ops_input.h    the input ops and moments
 *   clnorm_ops_layers.h   the layers, and what they share: gamma and beta, activation, residual
 *   clnorm_ops_matrix.h   the ops that are made of matrix products
 *   clnorm_ops_info.h     room for any descriptor, and what the library knows of its ops
 *
 * A descriptor is plain data: copy it, compare it, keep it. Each begins with op, x, y. Start from its INIT
 * (or clnorm_op_init), set the tensors and what differs from the default. Numbers for which no other range is named are
 * within 1e30. Integer results round half to even and saturate; a NaN is 0. This header gives clnorm.h too, and
 * clnorm.h gives all of these. */
#ifndef CLNORM_OPS_H
#define CLNORM_OPS_H

#include "clnorm.h"
#endif

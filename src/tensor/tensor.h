/* tensor.h -- sizes, strides and overlap of clnorm_tensor. */
#ifndef CLN_TENSOR_H
#define CLN_TENSOR_H

#include "clnorm.h"

#include <stdbool.h>

/* Fills strides that are all zero with the dense ones. */
void cln_tensor_complete(clnorm_tensor *t);
/* Refuses what no op can take: rank, lengths, type outside `types` (bit per dtype), sizes that overflow, and
 * for outputs an element that two indices reach. `who` names the tensor in the sentence. */
clnorm_status cln_tensor_check(const clnorm_tensor *t, const char *who, uint32_t types, bool output);
/* Lowest and one past the highest element that the strides reach, relative to element (0,0,..); 0, 0 if
 * empty. */
void cln_tensor_reach(const clnorm_tensor *t, int64_t *low, int64_t *high);
bool cln_tensor_same_shape(const clnorm_tensor *a, const clnorm_tensor *b);
/* "(1,3,224,224) u8" into a buffer. */
const char *cln_tensor_text(const clnorm_tensor *t, char *text, size_t room);
#define CLN_TENSOR_TEXT 128

#endif

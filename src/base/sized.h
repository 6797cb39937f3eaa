/* sized.h -- structs that begin with their size, which the caller's header had. */
#ifndef CLN_SIZED_H
#define CLN_SIZED_H

#include "clnorm.h"

/* Reads a struct of `bytes` here: fields that the caller's header does not have are 0, and what it has beyond ours must be. `least`
 * are the bytes that it has in any case; name and type are for the sentence: "args.size", "clnorm_args". out may be NULL.
 * Errors  EARG. */
clnorm_status cln_sized_read(void *out, const void *in, size_t least, size_t bytes, const char *name,
                             const char *type);

#endif

/* source.c -- the kernel text of an op, for people. */
#include "api/api.h"
#include "base/status.h"

#include <stdio.h>
#include <stdlib.h>

clnorm_status clnorm_op_source(char **out, uint32_t kind)
{
    const cln_op *op = cln_op_of(kind);
    char text[64];
    if (!out)
        return cln_fail(CLNORM_EARG, "out is NULL");
    *out = NULL;
    if (!op)
        return cln_fail(CLNORM_EARG, "the kind is %u; no op has it", kind);
    snprintf(text, sizeof text, "#include \"%s.cl\"\n", op->info.name);
    return cln_source_flatten(out, text, NULL);
}

void clnorm_free(void *text) { free(text); }

/* workload.c -- what `bench` and `tune` run, in words. */
#include "cli/workload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *cli_workload_layout(const clnorm_tensor *t)
{
    return t->ndim == 4 && t->shape[1] > 1 && t->stride[1] < t->stride[3] ? "nhwc" : "nchw";
}

/* Whose statistics; backward is training, but where they are frozen. */
static const char *mode_of(const clnorm_any *d)
{
    const clnorm_op_info *op = clnorm_op_of(d->op.kind);
    for (size_t k = 0; k < op->nattrs; k++)
        if (strcmp(op->attrs[k].name, "mode") == 0) {
            uint32_t mode;
            memcpy(&mode, (const char *)d + op->attrs[k].offset, sizeof mode);
            return mode == CLNORM_EVAL ? "eval" : "train";
        }
    return d->op.direction == CLNORM_BACKWARD ? "train" : "infer";
}

void cli_workload_head(void) { printf("%-4s %-12s %-8s %-16s %-4s %s", "", "op", "", "shape", "x", "from"); }

void cli_workload_print(const bench_case *c)
{
    const clnorm_any *d = &c->desc;
    const clnorm_tensor *x = &d->head.x;
    char shape[96] = "";
    for (uint32_t k = 0, used = 0; k < x->ndim; k++)
        used += (uint32_t)snprintf(shape + used, sizeof shape - used, "%s%lld", k ? "x" : "",
                                   (long long)x->shape[k]);
    printf("%-4s %-12s %-8s %-16s %-4s %s", c->label, clnorm_op_of(d->op.kind)->name,
           d->op.direction == CLNORM_BACKWARD ? "backward" : mode_of(d), shape, clnorm_dtype_name(x->dtype),
           cli_workload_layout(x));
}

json_t *cli_workload_json(const clnorm_any *d)
{
    const clnorm_tensor *x = &d->head.x;
    json_t *shape = json_array();
    for (uint32_t k = 0; k < x->ndim; k++)
        json_array_append_new(shape, json_integer(x->shape[k]));
    return json_pack("{s:s, s:s, s:s, s:o, s:s, s:s}", "op", clnorm_op_of(d->op.kind)->name, "direction",
                     d->op.direction == CLNORM_BACKWARD ? "backward" : "forward", "mode", mode_of(d), "shape",
                     shape, "dtype", clnorm_dtype_name(x->dtype), "layout", cli_workload_layout(x));
}

bool cli_workload_shape(int64_t shape[4], const char *text)
{
    for (int k = 0; k < 4; k++) {
        char *end;
        shape[k] = *text >= '1' && *text <= '9' ? strtoll(text, &end, 10) : 0;
        if (shape[k] < 1 || shape[k] > 1 << 24 || *end != (k < 3 ? 'x' : '\0'))
            return false;
        text = end + 1;
    }
    return true;
}

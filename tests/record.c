/* record.c -- see record.h. */
#include "record.h"

#include "data.h"
#include "tensor/tensor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_CELLS 4096

typedef struct cell {
    char key[96];
    unsigned launches;
} cell;
static cell cells[MAX_CELLS];
static size_t ncells;

static const char *layout_name(const clnorm_tensor *t)
{
    return t->ndim >= 4 && t->stride[1] < t->stride[t->ndim - 1] ? "nhwc" : "nchw";
}

static cell *cell_of(const clnorm_any *desc, const char *view)
{
    const clnorm_tensor *x = &desc->head.x, *y = &desc->head.y;
    char key[sizeof cells->key];
    snprintf(key, sizeof key, "%-12s forward %s->%s %4s->%-4s %s", clnorm_op_of(desc->op.kind)->name,
             layout_name(x), layout_name(y), clnorm_dtype_name(x->dtype), clnorm_dtype_name(y->dtype), view);
    size_t k = 0;
    while (k < ncells && strcmp(cells[k].key, key))
        k++;
    ck_assert_uint_lt(k, MAX_CELLS);
    if (k == ncells)
        memcpy(cells[ncells++].key, key, sizeof key);
    return &cells[k];
}

void record_launch(const clnorm_any *desc, const char *view) { cell_of(desc, view)->launches++; }

void harness_report(void)
{
    unsigned total = 0;
    for (size_t k = 0; k < ncells; k++) {
        printf("%-64s %6u\n", cells[k].key, cells[k].launches);
        total += cells[k].launches;
    }
    if (total)
        printf("%u launches in %zu cells\n", total, ncells);
}

void record_hash(const clnorm_any *desc, const op_case *c, uint64_t hash)
{
    static unsigned number;
    const char *name = getenv("CLNORM_TEST_HASHES");
    char x[CLN_TENSOR_TEXT], y[CLN_TENSOR_TEXT];
    FILE *f = name ? fopen(name, "a") : NULL;
    if (!f)
        return;
    fprintf(f, "%s %u x %s y %s %s data %s seed %u: %016llx\n", clnorm_op_of(desc->op.kind)->name, number++,
            cln_tensor_text(&desc->head.x, x, sizeof x), cln_tensor_text(&desc->head.y, y, sizeof y), c->view,
            data_name(c->data), c->seed, (unsigned long long)hash);
    fclose(f);
}

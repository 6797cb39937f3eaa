/* cases.h -- a problem of an op from a row of a table, and every plan of it that a GPU may make. */
#ifndef PORTABILITY_CASES_H
#define PORTABILITY_CASES_H

#include "api/api.h"

#include <stdbool.h>

enum { FIRST, LAST, LAST_IN, ROWS }; /* channels first, last, last in and first out; (N,C) */
/* Statistics: its own, given from outside, of batchnorm the running ones. */
typedef enum how { OWN, SAVED, EVAL } how;

typedef struct row {
    const char *name;
    int layout;
    uint32_t x, y;
    int64_t shape[4];
    uint64_t only; /* CLNORM_OP_BIT of the ops that it is for */
    bool all_hows; /* else with its own statistics alone */
    uint32_t scope, axes, affine, act, residual;
} row;

#define F32 CLNORM_F32, CLNORM_F32
#define F16 CLNORM_F16, CLNORM_F16
#define BF16 CLNORM_BF16, CLNORM_BF16
#define ONE(NAME) CLNORM_OP_BIT(CLNORM_OP_##NAME)
#define BUT(NAME) ~ONE(NAME)
#define EACH ~(uint64_t)0

/* Calls `take` with every plan of the rows that are for the op: each direction, each how, each solver of each
 * problem forced once. What the op cannot take, as its check says, is left out. False where a plan could not
 * be made, with a sentence on stderr. */
bool cases_plan(clnorm_context *ctx, const clnorm_op_info *op, const row *rows, size_t n,
                void (*take)(clnorm_plan *plan, const char *name));

/* The same of a matrix op, whose tasks and directions have one plan each; without CLBlast there is none. */
bool cases_matrix(clnorm_context *ctx, const clnorm_op_info *op,
                  void (*take)(clnorm_plan *plan, const char *name));

#endif

/* record.h -- what the cases of a process leave behind: launches counted by cell, hashes of outputs. */
#ifndef RECORD_H
#define RECORD_H

#include "harness.h"

/* A cell is an op, its direction, layouts, types and view. */
void record_launch(const clnorm_any *desc, const char *view);
/* CLNORM_TEST_HASHES=FILE: a line per case, to compare runtimes. */
void record_hash(const clnorm_any *desc, const op_case *c, uint64_t hash);

#endif

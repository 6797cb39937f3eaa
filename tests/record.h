/* record.h -- what the cases of a process leave behind: launches and hashes of outputs, by cell. */
#ifndef RECORD_H
#define RECORD_H

#include "harness.h"

/* A cell is an op, its direction, layouts, types and view. */
void record_launch(const clnorm_any *desc, const char *view);
/* A problem of the op has run in this schedule. */
void record_schedule(const clnorm_any *desc, const char *name);
bool record_has_run(const clnorm_op_info *op, uint32_t direction, const char *name);
/* In each direction the op has run in the schedules that it says it has, and in no other, so that `clnorm
 * kernels
 * --matrix` is what is tested. CLNORM_TEST_SMALL runs fewer. */
void record_schedules(const clnorm_op_info *op);
/* A cell is not run, and why: printed with the count. The text outlives the process's cases. */
void record_skip(const char *reason);
/* The largest error in an output, as a multiple of the bound. */
void record_error(const clnorm_any *desc, const char *slot, double error);
/* Takes the hash of a case into that of its cell. CLNORM_TEST_HASHES=FILE: a line per case, to compare
 * runtimes and builds. */
void record_hash(const clnorm_any *desc, const op_case *c, uint64_t hash);
/* The cells of an op have the bits that tests/frozen/OP.txt says, on any runtime. CLNORM_TEST_FREEZE=1 writes
 * the file instead. CLNORM_TEST_SMALL has other cases and is left out; what CLNORM_TEST_FULL adds is
 * in no line. */
void record_frozen(const clnorm_op_info *op);

#endif

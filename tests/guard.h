/* guard.h -- buffers that end, or begin, at a page that nobody may touch: CLNORM_TEST_GUARD=behind, =before.
 *
 * They are host memory (CL_MEM_USE_HOST_PTR), which kernels of PoCL use as it is: one element read or written
 * beyond a buffer ends the process, at full speed, with a line that names buffer and case. */
#ifndef GUARD_H
#define GUARD_H

#include "clnorm.h"

#include <stddef.h>

typedef enum guard_side { GUARD_NONE, GUARD_BEHIND, GUARD_BEFORE } guard_side;

/* As the environment says; fails the test on another word. */
guard_side guard_where(void);
/* Ends the process with 77 and a reason where the device's kernels do not use memory of the host. */
void guard_begin(cl_context cl, cl_command_queue queue, cl_device_id device);
/* What runs now, for the line. */
void guard_says(const char *text);

/* With what data holds; NULL: with NaNs. The pages go with the buffer. */
cl_mem guard_buffer(cl_context cl, cl_mem_flags flags, size_t bytes, const void *data, const char *name);
/* The rest changes nothing where no guard is asked for: a workspace for a call that is exactly as large as
 * needed, and a context's own buffers, but for constant tables. */
void guard_workspace(clnorm_args *args, const clnorm_plan *plan, cl_context cl);
void guard_options(clnorm_options *o);

#endif

/* fork.h -- OpenCL does not survive fork(): notice it instead of hanging. */
#ifndef CLN_FORK_H
#define CLN_FORK_H

#include "clnorm.h"

/* Call before the first use of OpenCL: from then on a forked child is marked. */
void cln_fork_watch(void);
/* EFORK with a sentence in such a child, else OK. Every entry of the API asks. */
clnorm_status cln_fork_check(void);

#endif

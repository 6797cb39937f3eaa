/* binary.h -- the machine code inside a program. */
#ifndef CLN_BINARY_H
#define CLN_BINARY_H

#include "clnorm.h"

/* The binary of a program that was built for `device` alone, malloc'ed; NULL when there is none to have. */
unsigned char *cln_binary_fetch(cl_program program, cl_device_id device, size_t *bytes);

#endif

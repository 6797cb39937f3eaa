/* device.h -- an OpenCL GPU that compiles nothing: it keeps what the library would have compiled.
 *
 * device.c defines the few calls of OpenCL that planning makes, in front of those of the loader. */
#ifndef PORTABILITY_DEVICE_H
#define PORTABILITY_DEVICE_H

#include <CL/cl.h>

/* A program: its whole text, its options, and the kernels that a plan may launch, with commas between. */
struct _cl_program {
    cl_program next;
    char *source, *options;
    char id[96], kernels[1024];
};

cl_context device_context(void);
cl_device_id device_id(void);
/* All programs, the first first. */
cl_program device_programs(void);
/* Takes the kernel into the program's list. */
void device_kernel(cl_program program, const char *name);

#endif

/* copy.h -- the limit that an op is held against: its bytes, read and written once. */
#ifndef BENCH_COPY_H
#define BENCH_COPY_H

#include "bench.h"

typedef struct bench_copy {
    cl_program program;
    cl_kernel kernel;
    cl_mem x, y;
    size_t groups, local;
} bench_copy;

/* A streaming copy (non-temporal on CPUs) of n elements of x's type to y's; y_dtype 0 reads only. */
clnorm_status bench_copy_make(bench_copy *out, const bench_device *device, uint32_t x_dtype, uint32_t y_dtype,
                              size_t n);
cl_int bench_copy_run(const bench_copy *c, cl_command_queue queue);
void bench_copy_free(bench_copy *c);
/* Device memory filled with numbers that compress nowhere. */
clnorm_status bench_memory(cl_mem *out, const bench_device *device, uint32_t dtype, size_t bytes);

#endif

/* shipped.c -- what `clnorm tune` found on devices that were at hand, without their drivers: copied from its files. */
#include "tune/tuning.h"

#include <stddef.h>

const char *const cln_tuned_shipped[] = {
    "device NVIDIA H200", /* driver 580.159.04, 2026-11-27; times in docs/gpu.md */
    "minmax forward f32 f32 rows 2^0 x 2^22 in 2^22: split wg 256 vec 4 busy 16 wide 1",
    "zscore forward f32 f32 rows 2^0 x 2^22 in 2^22: split wg 256 vec 4 busy 16 wide 1",
    "batchnorm dx f32 f32 rows 2^10 x 2^12 in 2^7: slab wg 256 vec 4 busy 16 wide 1",
    "layernorm forward f32 f32 rows 2^5 x 2^15 in 2^15: split wg 256 vec 4 busy 16 wide 1",
    "layernorm dx f32 f32 rows 2^5 x 2^15 in 2^15: split wg 256 vec 4 busy 16 wide 1",
    NULL,
};

/* shipped.c -- what `clnorm tune` found on devices that were at hand, without their drivers: copied from its files. */
#include "tune/tuning.h"

#include <stddef.h>

const char *const cln_tuned_shipped[] = {
    "device NVIDIA H200", /* driver 580.159.04, 2026-11-27 and 29; times in docs/gpu.md */
    "minmax forward f32 f32 rows 2^0 x 2^22 in 2^22: split wg 256 vec 4 busy 16 wide 1",
    "minmax forward f32 f32 rows 2^5 x 2^17 in 2^17: split wg 64 vec 1 busy 16 wide 1",
    "zscore forward f32 f32 rows 2^0 x 2^22 in 2^22: split wg 256 vec 4 busy 16 wide 1",
    "batchnorm forward f32 f32 columns 2^10 x 2^12 in 2^10: cols wg 256 vec 4 busy 16 wide 1",
    "batchnorm dx f32 f32 rows 2^10 x 2^12 in 2^7: slab wg 256 vec 4 busy 16 wide 1",
    "layernorm dx f32 f32 rows 2^5 x 2^15 in 2^15: split wg 128 vec 4 busy 16 wide 1",
    "layernorm dx f32 f32 rows 2^12 x 2^9 in 2^9: fused wg 256 vec 4 busy 16 wide 1",
    "rmsnorm dx f32 f32 rows 2^12 x 2^9 in 2^9: fused wg 256 vec 4 busy 16 wide 1",
    "groupnorm forward f16 f16 rows 2^8 x 2^15 in 2^12: slab wg 128 vec 4 busy 16 wide 1",
    "groupnorm forward bf16 bf16 rows 2^8 x 2^15 in 2^12: slab wg 128 vec 4 busy 16 wide 1",
    "instancenorm dx f32 f32 rows 2^9 x 2^14 in 2^14: slab wg 256 vec 1 busy 16 wide 1",
    "grn forward f32 f32 columns 2^13 x 2^7 in 2^8: tile wg 256 vec 4 busy 16 wide 1",
    "lrn forward f32 f32 rows 2^5 x 2^18 in 2^18: window wg 256 vec 4 busy 16 wide 1",
    NULL,
};

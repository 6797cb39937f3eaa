/* clnorm_tensor.h -- tensors, where they are in device memory, and the slots of a call. */
#ifndef CLNORM_TENSOR_H
#define CLNORM_TENSOR_H

#include "clnorm_status.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Storage types: name, value, bytes. Everything is computed in f32 whatever the storage. */
#define CLNORM_DTYPE_MAP(X) \
    X(F32, f32, 1, 4) X(F16, f16, 2, 2) X(BF16, bf16, 3, 2) X(U8, u8, 4, 1) X(U16, u16, 5, 2) X(S8, s8, 6, 1)

typedef enum clnorm_dtype {
#define CLNORM_DTYPE_ENUM(NAME, name, value, bytes) CLNORM_##NAME = value,
    CLNORM_DTYPE_MAP(CLNORM_DTYPE_ENUM)
#undef CLNORM_DTYPE_ENUM
        CLNORM_DTYPE_INT = 0x7fffffff
} clnorm_dtype;

#define CLNORM_MAX_DIMS 6

/** A tensor: type, shape and strides. Frozen at 1.0.
 *
 *  Shape    4-D is (N,C,H,W), 5-D (N,C,D,H,W): an axis means what its index says, whatever the
 *           order in memory; channels last is a matter of strides. 2-D is (N,C), 1-D (C). Length 0
 *           is allowed: nothing is launched, y is empty, and outputs that are not (gradients of gamma, counts)
 *           stay as they are.
 *  Strides  in elements; all zero means dense in the order of the axes. They may be negative, and
 *           may skip memory (a crop, a row pitch, RGB inside RGBA), but an output may not visit one
 *           element twice. */
typedef struct clnorm_tensor {
    uint32_t dtype;
    uint32_t ndim;
    int64_t shape[CLNORM_MAX_DIMS];
    int64_t stride[CLNORM_MAX_DIMS];
    uint64_t reserved;
} clnorm_tensor;

/** Dense (N,C,H,W), channels first. */
CLNORM_API clnorm_tensor clnorm_nchw(clnorm_dtype dtype, int64_t n, int64_t c, int64_t h, int64_t w);
/** Dense (N,C,H,W) stored channels last: one pixel's channels are neighbours. */
CLNORM_API clnorm_tensor clnorm_nhwc(clnorm_dtype dtype, int64_t n, int64_t c, int64_t h, int64_t w);
/** Dense rows of c elements, shape (N,C). */
CLNORM_API clnorm_tensor clnorm_rows(clnorm_dtype dtype, int64_t n, int64_t c);
/** c channels of an interleaved image as (1,C,H,W): gray 1/1, RGB and BGR 3/3, RGBA and BGRA 3/4 (alpha
 *  skipped) or 4/4. BGR orders also set swap_rb of the op.
 *
 *  pixel    elements from pixel to pixel; pitch  elements from row to row, 0 = w * pixel. */
CLNORM_API clnorm_tensor clnorm_image(clnorm_dtype dtype, int64_t c, int64_t h, int64_t w, int64_t pixel,
                                      int64_t pitch);
/** Bytes of one element; 0 for an unknown type. */
CLNORM_API size_t clnorm_dtype_bytes(uint32_t dtype);
/** "f32" and so on; "?" for an unknown type. */
CLNORM_API const char *clnorm_dtype_name(uint32_t dtype);
/** Elements in the shape; -1 where the product overflows, a length is negative, axes are more than
 *  CLNORM_MAX_DIMS, or t is NULL. */
CLNORM_API int64_t clnorm_tensor_count(const clnorm_tensor *t);
/** Bytes from the first to behind the last element in memory, strides considered; 0 when empty, larger than any
 *  memory, or no tensor (clnorm_tensor_count gives -1). */
CLNORM_API size_t clnorm_tensor_bytes(const clnorm_tensor *t);

/** A place in device memory. Frozen at 1.0.
 *
 *  mem          of the plan's context; refused otherwise.
 *  byte_offset  of element (0,0,..), a multiple of the element's size. (With a negative stride the
 *               elements before it must lie in the buffer too.)
 *  svm          reserved, NULL. */
typedef struct clnorm_buffer {
    cl_mem mem;
    size_t byte_offset;
    void *svm;
    uint64_t reserved;
} clnorm_buffer;

/** Every tensor an op can read or write: constant, name on the command line. Which of them an op takes
 *  is in its descriptor's comment and in clnorm_op_info. */
/* clang-format off */
#define CLNORM_SLOT_MAP(S)                                                                                \
    S(X, x) S(Y, y) S(GAMMA, gamma) S(BETA, beta) S(MEAN, mean) S(RSTD, rstd) S(MIN, min) S(MAX, max)     \
    S(COUNT, count) S(M2, m2) S(RUNNING_MEAN, running_mean) S(RUNNING_VAR, running_var)                   \
    S(RESIDUAL, residual) S(SUM, sum) S(MASK, mask) S(DY, dy) S(DX, dx) S(DGAMMA, dgamma) S(DBETA, dbeta) \
    S(DRESIDUAL, dresidual) S(U, u) S(V, v) S(SIGMA, sigma) S(RUNNING_WHITENER, running_whitener)  \
    S(WHITENER, whitener) S(FAULT, fault)
/* clang-format on */

typedef enum clnorm_slot {
#define CLNORM_SLOT_ENUM(NAME, name) CLNORM_##NAME,
    CLNORM_SLOT_MAP(CLNORM_SLOT_ENUM)
#undef CLNORM_SLOT_ENUM
        CLNORM_SLOTS_USED,
    CLNORM_SLOTS = 32
} clnorm_slot;

/** What a matrix op says of its data in FAULT, one float: an enqueue has ended before
 *  anybody has seen the data. 0 is well. clnorm_run_host and the command turn the
 *  others into EDATA and a sentence. */
typedef enum clnorm_fault {
    CLNORM_FAULT_NONE = 0,
    CLNORM_FAULT_NAN = 1,     /* NaN or infinity in an input: outputs that depend on it are NaN */
    CLNORM_FAULT_SINGULAR = 2 /* the op's documentation says of what, and what the outputs are then */
} clnorm_fault;

#ifdef __cplusplus
}
#endif
#endif

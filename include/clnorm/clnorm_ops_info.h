/* clnorm_ops_info.h -- what the library knows of its ops: for commands, bindings and documents. */
#ifndef CLNORM_OPS_INFO_H
#define CLNORM_OPS_INFO_H

#include "clnorm_ops_input.h"
#include "clnorm_ops_layers.h"
#include "clnorm_ops_matrix.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Room for any descriptor, for code that does not know which op it holds. */
typedef union clnorm_any {
    clnorm_op op;
    struct {
        clnorm_op op;
        clnorm_tensor x, y;
    } head;
    struct {
        clnorm_op op;
        clnorm_tensor x, y;
        clnorm_layer layer;
    } layered;
#define CLNORM_KIND_MEMBER(NAME, name, value) clnorm_##name name;
    CLNORM_KIND_MAP(CLNORM_KIND_MEMBER)
#undef CLNORM_KIND_MEMBER
} clnorm_any;

typedef enum clnorm_attr_type {
    CLNORM_ATTR_F32 = 1,
    CLNORM_ATTR_U32 = 2,
    CLNORM_ATTR_F32_LIST = 3
} clnorm_attr_type;

/** One attribute of a descriptor. */
typedef struct clnorm_attr {
    const char *name; /* the field */
    uint32_t type;    /* clnorm_attr_type; a list has CLNORM_MAX_CHANNELS places */
    uint32_t offset;  /* of the field in the descriptor */
    double low, high; /* allowed, both included */
    double preset;    /* its default; below low: none, or, of a float, what text says of 0 */
    const char *text; /* what it is, in a few words */
} clnorm_attr;

/** One op, described. Pointers stay valid for the life of the process. */
typedef struct clnorm_op_info {
    uint32_t kind, bytes;          /* descriptor's size */
    const char *name;              /* "minmax" */
    const char *title;             /* "Min-max scaling" */
    const char *formula, *reduces; /* as in SEMANTICS */
    const char *use, *avoid;       /* when to use it and when not */
    const char *source;
    uint32_t x_types, y_types;    /* bit (1 << clnorm_dtype) */
    uint32_t slots_in, slots_out; /* optional tensors, bit (1 << clnorm_slot), without x and y */
    const clnorm_attr *attrs;
    size_t nattrs;
    const char *schedules;      /* forward: "rows slab split". All that are listed are tested */
    uint32_t layer;             /* 1: the descriptor has a clnorm_layer behind y, and goes backward too */
    const char *schedules_back; /* the same backward; NULL: it goes forward only */
    const char *matches; /* what else gives the same, as the tests have compared: "torch layer_norm; .." */
    uint32_t matrix;     /* 1: its work is matrix products; schedules says "steps" */
    uint32_t reshapes;   /* 1: y has a shape of its own, which the op's documentation says */
} clnorm_op_info;

/** The k-th op, k from 0; NULL behind the last. */
CLNORM_API const clnorm_op_info *clnorm_op_at(size_t k);
/** By kind or by name; NULL when there is none. */
CLNORM_API const clnorm_op_info *clnorm_op_of(uint32_t kind);
CLNORM_API const clnorm_op_info *clnorm_op_named(const char *name);
/** Fills a descriptor with its defaults. Errors  EARG for an unknown kind. */
CLNORM_API clnorm_status clnorm_op_init(clnorm_any *desc, uint32_t kind);
/** Sets an attribute by name; n values (1, or up to CLNORM_MAX_CHANNELS for a list, which also sets
 *  `channels`; beside a longer list one of a single value holds for all its channels).
 *  Errors   EARG: no such attribute, out of range, or not whole; the sentence says what is allowed. */
CLNORM_API clnorm_status clnorm_op_set(clnorm_any *desc, const char *attr, const double *values, size_t n);
/** Mean and std of a preset: imagenet, half, clip, cifar10. channels receives 3 or 1.
 *  Errors   EARG: unknown; the sentence lists the presets. */
CLNORM_API clnorm_status clnorm_preset(const char *name, float *mean, float *std, uint32_t *channels);
/** Checks a descriptor as a plan would, and completes it: strides, y's shape where it may be absent, scale.
 *  No device is needed: what only a device refuses, or a matrix of an op made of products, is the plan's to say. */
CLNORM_API clnorm_status clnorm_op_check(clnorm_any *desc);
/** Writes the meanings and defaults of a profile into a descriptor: call it before setting single fields. What a
 *  profile before it has changed has the chapter's default again. Axes are the caller's (ONNX's LayerNormalization
 *  starts at the last one, -1).
 *  Errors   EARG for an unknown profile. */
CLNORM_API clnorm_status clnorm_op_semantics(clnorm_any *desc, uint32_t semantics);
/** Slots that a checked descriptor reads and writes in its direction and mode, bit (1 << clnorm_slot); some
 *  are in both. Running statistics of batchnorm and gradients with `accumulate` are among those that it writes, and it
 *  starts from what they hold. required: those that may not be absent. Any may be NULL. */
CLNORM_API void clnorm_op_slots(const clnorm_any *desc, uint32_t *reads, uint32_t *writes,
                                uint32_t *required);
/** Shape of an optional tensor of a checked descriptor (a u64 count has dtype 0, the bits of a mask u8):
 * false when the op has no such slot in either direction. */
CLNORM_API int clnorm_op_slot(const clnorm_any *desc, uint32_t slot, clnorm_tensor *out);
/** A value of FAULT as a status: OK, or EDATA and a sentence that says what of the op's data is wrong. */
CLNORM_API clnorm_status clnorm_fault_status(const clnorm_any *desc, float fault);
/** The kernel text of an op as the compiler sees it, includes flattened; free it with clnorm_free.
 *  Errors   EARG for an unknown kind, ENOMEM. */
CLNORM_API clnorm_status clnorm_op_source(char **out, uint32_t kind);
CLNORM_API void clnorm_free(void *text);

#ifdef __cplusplus
}
#endif
#endif

/* layer_self.h -- what every OpenCL layer says of itself, and how it begins. Define CL_TARGET_OPENCL_VERSION
 * 300 before, and end with LAYER(name, take_over). */
#ifndef LAYER_SELF_H
#define LAYER_SELF_H

#include <CL/cl_layer.h>

#include "answer.h"

static const cl_icd_dispatch *next; /* what stands behind the layer */
static cl_icd_dispatch mine;

/* clGetLayerInfo of a layer of that name. */
static inline cl_int layer_says(const char *text, cl_layer_info name, size_t room, void *value,
                                size_t *wanted)
{
    const cl_layer_api_version version = CL_LAYER_API_VERSION_100;
    return name == CL_LAYER_NAME          ? answer(text, strlen(text) + 1, room, value, wanted)
           : name == CL_LAYER_API_VERSION ? answer(&version, sizeof version, room, value, wanted)
                                          : CL_INVALID_VALUE;
}

/* clInitLayer: `mine` does what the target does, until take_over has put its own functions in. */
static inline cl_int layer_begin(cl_uint n, const cl_icd_dispatch *target, cl_uint *n_out,
                                 const cl_icd_dispatch **out, void (*take_over)(void))
{
    const cl_uint known = sizeof mine / sizeof(void *);
    if (!target || !n_out || !out)
        return CL_INVALID_VALUE;
    memcpy(&mine, target, (n < known ? n : known) * sizeof(void *));
    next = target;
    take_over();
    *n_out = known;
    *out = &mine;
    return CL_SUCCESS;
}

/* What the ICD loader looks for. */
#define LAYER_EXPORT __attribute__((visibility("default")))
#define LAYER(text, take_over)                                                                            \
    LAYER_EXPORT CL_API_ENTRY cl_int CL_API_CALL clGetLayerInfo(cl_layer_info name, size_t room,          \
                                                                void *value, size_t *wanted)              \
    {                                                                                                     \
        return layer_says(text, name, room, value, wanted);                                               \
    }                                                                                                     \
    LAYER_EXPORT CL_API_ENTRY cl_int CL_API_CALL clInitLayer(cl_uint n, const cl_icd_dispatch *target,    \
                                                             cl_uint *n_out, const cl_icd_dispatch **out) \
    {                                                                                                     \
        return layer_begin(n, target, n_out, out, take_over);                                             \
    }

#endif

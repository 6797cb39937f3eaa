/* bound.h -- how far an output may be from the reference; docs/bounds.md says why. */
#ifndef REF_BOUND_H
#define REF_BOUND_H

#include "ref/ref.h"

/* What an output was made of: anything; or the data of SEMANTICS section 4, hostile or ordinary, where it holds more. */
typedef enum ref_data { REF_ANY, REF_HOSTILE, REF_ORDINARY } ref_data;

/* The bound of an output, in f32. */
double ref_bound(uint32_t kind, uint32_t slot, ref_data data);

/* |got - want| as a multiple of that bound; <= 1 passes. s is S of such data: any[i] of ref_io for REF_ANY, else scale[i]. It
 * is ref_error, but for statistics, which are relative to themselves, where they are in the range of f32 at all, and for what
 * leaves that range: a gradient of weights, or any data whose S does, may be no number, since parts left it on both sides. */
double ref_off(uint32_t kind, uint32_t slot, ref_data data, uint32_t dtype, double got, double want,
               double s);

#endif

/* attr.c -- descriptors by name: defaults, attributes, presets, optional tensors. */
#include "base/status.h"
#include "op/op.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

static const struct {
    const char *name;
    uint32_t channels;
    float mean[3], std[3];
} presets[] = {
    { "imagenet", 3, { .485f, .456f, .406f }, { .229f, .224f, .225f } },
    { "half", 1, { .5f, 0, 0 }, { .5f, 0, 0 } },
    { "clip", 3, { .48145466f, .4578275f, .40821073f }, { .26862954f, .26130258f, .27577711f } },
    { "cifar10", 3, { .4914f, .4822f, .4465f }, { .2470f, .2435f, .2616f } },
};

clnorm_status clnorm_preset(const char *name, float *mean, float *std, uint32_t *channels)
{
    if (!mean || !std || !channels)
        return cln_fail(CLNORM_EARG, "%s is NULL", !mean ? "mean" : !std ? "std" : "channels");
    for (size_t k = 0; name && k < CLN_COUNT(presets); k++)
        if (!strcmp(presets[k].name, name)) {
            memcpy(mean, presets[k].mean, presets[k].channels * sizeof *mean);
            memcpy(std, presets[k].std, presets[k].channels * sizeof *std);
            *channels = presets[k].channels;
            return CLNORM_OK;
        }
    cln_fail(CLNORM_EARG, "the preset is %s; there are", name ? name : "NULL");
    for (size_t k = 0; k < CLN_COUNT(presets); k++)
        cln_fail_more(" %s", presets[k].name);
    return CLNORM_EARG;
}

static void put(clnorm_any *desc, const clnorm_attr *a, size_t at, double v)
{
    char *field = (char *)desc + a->offset + at * sizeof(float);
    const float f = (float)v;
    const uint32_t u = a->type == CLNORM_ATTR_U32 ? (uint32_t)v : 0;
    if (a->type == CLNORM_ATTR_U32)
        memcpy(field, &u, sizeof u);
    else
        memcpy(field, &f, sizeof f);
}

clnorm_status clnorm_op_init(clnorm_any *desc, uint32_t kind)
{
    const cln_op *op = cln_op_of(kind);
    if (!desc || !op)
        return cln_fail(CLNORM_EARG, desc ? "the kind is %u; no op has it" : "desc is NULL (kind %u)", kind);
    memset(desc, 0, sizeof *desc);
    desc->op.size = op->info.bytes;
    desc->op.kind = kind;
    for (size_t k = 0; k < op->info.nattrs; k++)
        put(desc, &op->info.attrs[k], 0, op->info.attrs[k].preset);
    return CLNORM_OK;
}

bool cln_attr_defaults(const clnorm_attr *a) { return a->type == CLNORM_ATTR_F32 && a->preset < a->low; }

/* As the field has it: a limit is of its type too. */
static double stored(const clnorm_attr *a, double v)
{
    return a->type == CLNORM_ATTR_U32 ? v : (double)(float)v;
}

clnorm_status cln_check_attr(const cln_op *op, const clnorm_attr *a, double v)
{
    const double x = stored(a, v);
    if (a->type == CLNORM_ATTR_U32 && v != floor(v))
        return cln_fail(CLNORM_EARG, "%s: %s is %g; whole numbers from %.15g to %.15g are allowed",
                        op->info.name, a->name, v, a->low, a->high);
    if ((x >= stored(a, a->low) && x <= stored(a, a->high)) || (cln_attr_defaults(a) && v == a->preset))
        return CLNORM_OK;
    return cln_fail(CLNORM_EARG,
                    a->type == CLNORM_ATTR_U32 ? "%s: %s is %.15g; %.15g to %.15g are allowed"
                                               : "%s: %s is %g; %g to %g are allowed",
                    op->info.name, a->name, v, a->low, a->high);
}

/* Ops with lists have `channels` in front of them: where. */
static size_t channels_at(uint32_t kind)
{
    return kind == CLNORM_OP_NORMALIZE ? offsetof(clnorm_normalize, channels)
                                       : offsetof(clnorm_denormalize, channels);
}

/* Whether an attribute has these bytes of a descriptor, or the count of what is in its lists. */
static bool taken(const cln_op *op, size_t at)
{
    for (size_t k = 0; k < op->info.nattrs; k++) {
        const clnorm_attr *a = &op->info.attrs[k];
        const bool list = a->type == CLNORM_ATTR_F32_LIST;
        const size_t bytes = list ? CLNORM_MAX_CHANNELS * sizeof(float) : sizeof(uint32_t);
        if (at - a->offset < bytes || (list && at == channels_at(op->info.kind)))
            return true;
    }
    return false;
}

clnorm_status cln_check_reserved(const cln_op *op, const clnorm_any *desc)
{
    const size_t first = op->info.layer ? offsetof(clnorm_layernorm, layer.act) : sizeof desc->head;
    uint32_t word = desc->op.reserved;
    const clnorm_tensor *const t = desc->head.x.reserved ? &desc->head.x : &desc->head.y;
    if (t->reserved)
        return cln_fail(CLNORM_EARG, "%s: %s.reserved is %llu; 0 is allowed", op->info.name,
                        t == &desc->head.x ? "x" : "y", (unsigned long long)t->reserved);
    for (size_t at = first; !word && at < op->info.bytes; at += sizeof word)
        if (!taken(op, at))
            memcpy(&word, (const char *)desc + at, sizeof word);
    if (word)
        return cln_fail(CLNORM_EARG, "%s: reserved is %u; 0 is allowed", op->info.name, word);
    return CLNORM_OK;
}

static const clnorm_attr *attr_named(const cln_op *op, const char *name)
{
    for (size_t k = 0; k < op->info.nattrs; k++)
        if (!strcmp(op->info.attrs[k].name, name))
            return &op->info.attrs[k];
    return NULL;
}

static uint32_t *channels_of(clnorm_any *desc)
{
    assert(desc->op.kind == CLNORM_OP_NORMALIZE || desc->op.kind == CLNORM_OP_DENORMALIZE);
    return (uint32_t *)(void *)((char *)desc + channels_at(desc->op.kind));
}

static float *list_of(clnorm_any *desc, const clnorm_attr *a)
{
    return a->type == CLNORM_ATTR_F32_LIST ? (float *)(void *)((char *)desc + a->offset) : NULL;
}

/* Whether all channels have one value in each list. */
static bool uniform(clnorm_any *desc, const cln_op *op, size_t n)
{
    for (size_t l = 0; l < op->info.nattrs; l++) {
        const float *list = list_of(desc, &op->info.attrs[l]);
        for (size_t k = 1; list && k < n; k++)
            if (list[k] != list[0])
                return false;
    }
    return true;
}

/* A list of n values beside others that are set: of a list of one, each channel has that value. */
static void put_list(clnorm_any *desc, const cln_op *op, const clnorm_attr *a, const double *values, size_t n)
{
    uint32_t *const channels = channels_of(desc);
    const size_t others = *channels <= CLNORM_MAX_CHANNELS ? *channels : 0,
                 all = n == 1 && others > 1 ? others : n;
    for (size_t l = 0; others == 1 && l < op->info.nattrs; l++) {
        float *const list = list_of(desc, &op->info.attrs[l]);
        for (size_t k = 1; list && k < n; k++)
            list[k] = list[0];
    }
    for (size_t k = 0; k < all; k++)
        put(desc, a, k, values[n == 1 ? 0 : k]);
    *channels = n == 1 && uniform(desc, op, all) ? 1 : (uint32_t)all;
}

clnorm_status clnorm_op_set(clnorm_any *desc, const char *attr, const double *values, size_t n)
{
    const cln_op *op = desc ? cln_op_of(desc->op.kind) : NULL;
    if (!desc || !attr || !values)
        return cln_fail(CLNORM_EARG, "%s is NULL", !desc ? "desc" : !attr ? "attr" : "values");
    if (!op)
        return cln_fail(CLNORM_EARG, "the descriptor's kind is %u; no op has it", desc->op.kind);
    const clnorm_attr *a = attr_named(op, attr);
    if (!a) {
        cln_fail(CLNORM_EARG, "%s has no attribute %s; it has", op->info.name, attr);
        for (size_t k = 0; k < op->info.nattrs; k++)
            cln_fail_more("%s%s", k ? ", " : " ", op->info.attrs[k].name);
        if (!op->info.nattrs)
            cln_fail_more(" none");
        return CLNORM_EARG;
    }
    const size_t most = a->type == CLNORM_ATTR_F32_LIST ? CLNORM_MAX_CHANNELS : 1;
    if (n < 1 || n > most)
        return cln_fail(CLNORM_EARG, "%s: %s got %zu values; 1 to %zu are allowed", op->info.name, attr, n,
                        most);
    for (size_t k = 0; k < n; k++)
        CLN_TRY(cln_check_attr(op, a, values[k]));
    if (a->type == CLNORM_ATTR_F32_LIST)
        put_list(desc, op, a, values, n);
    else
        put(desc, a, 0, values[0]);
    return CLNORM_OK;
}

clnorm_status cln_complete_scale(float *scale, uint32_t dtype, const char *op)
{
    if (*scale == 0.0f && dtype == CLNORM_S8)
        return cln_fail(
            CLNORM_EARG,
            "%s: scale is 0, and s8 has none of its own: the value that stands for 1 must be given", op);
    if (*scale == 0.0f)
        *scale = dtype == CLNORM_U8 ? 255.0f : dtype == CLNORM_U16 ? 65535.0f : 1.0f;
    return CLNORM_OK;
}

clnorm_status cln_check_lists(uint32_t *channels, float *mean, float *std, const clnorm_tensor *x)
{
    const int64_t c = cln_channels(x);
    const bool preset = *channels == 0;
    if (preset)
        CLN_TRY(clnorm_preset("imagenet", mean, std, channels));
    if (*channels > CLNORM_MAX_CHANNELS || (*channels != 1 && *channels != c))
        return cln_fail(CLNORM_ESHAPE,
                        "mean and std have %u values%s and x has %lld channels; 1 or as many as x, up to %d, "
                        "are allowed",
                        *channels, preset ? " (preset imagenet)" : "", (long long)c, CLNORM_MAX_CHANNELS);
    for (uint32_t k = 0; k < *channels; k++)
        if (!(mean[k] >= -1e30f && mean[k] <= 1e30f) || !(std[k] >= -1e30f && std[k] <= 1e30f) ||
            (std[k] > -1e-30f && std[k] < 1e-30f))
            return cln_fail(CLNORM_EARG,
                            "channel %u has mean %g and std %g; -1e+30 to 1e+30 are allowed, a std not "
                            "between -1e-30 and 1e-30",
                            k, (double)mean[k], (double)std[k]);
    return CLNORM_OK;
}

/* What kernels have is mean * scale and 1 / (std * scale), each an f32. */
clnorm_status cln_check_products(uint32_t channels, const float *mean, const float *std, float scale)
{
    for (uint32_t k = 0; k < channels; k++) {
        const double product = fabs((double)std[k] * (double)scale);
        if (!(fabs((double)mean[k] * (double)scale) <= (double)FLT_MAX) ||
            !(product <= 1e37 && product >= 1e-37))
            return cln_fail(CLNORM_EARG,
                            "channel %u has mean %g and std %g, and scale is %g; mean * scale must be below "
                            "3.4e+38, std * scale from 1e-37 to 1e+37",
                            k, (double)mean[k], (double)std[k], (double)scale);
    }
    return CLNORM_OK;
}

/* ---- profiles ---- */

/* What a profile changes; the chapter's are the presets of the attributes. */
static const struct {
    uint32_t semantics;
    const char *op, *attr;
    double value;
} meanings[] = {
    { CLNORM_TORCH, "layernorm", "eps", 1e-5 },
    { CLNORM_TORCH, "rmsnorm", "eps", 0x1p-23 }, /* eps=None */
    { CLNORM_TORCH, "batchnorm", "single", CLNORM_SINGLE_ERROR },
    { CLNORM_TORCH, "lrn", "k", 1 },
    { CLNORM_TORCH, "lrn", "lean", CLNORM_LEAN_LEFT },
    { CLNORM_ONNX, "batchnorm", "momentum", 0.9 },
    { CLNORM_ONNX, "batchnorm", "old_momentum", 1 },
    { CLNORM_ONNX, "batchnorm", "biased_running", 1 },
    { CLNORM_ONNX, "layernorm", "eps", 1e-5 },
    { CLNORM_ONNX, "rmsnorm", "eps", 1e-5 },
    { CLNORM_ONNX, "l2norm", "eps", 0 },
    { CLNORM_ONNX, "lpnorm", "eps", 0 },
    { CLNORM_ONNX, "lrn", "k", 1 },
    { CLNORM_ONNX, "lrn", "lean", CLNORM_LEAN_RIGHT },
    { CLNORM_PAPER, "lrn", "whole_alpha", 1 },
};

clnorm_status clnorm_op_semantics(clnorm_any *desc, uint32_t semantics)
{
    const cln_op *op = desc ? cln_op_of(desc->op.kind) : NULL;
    if (!op || semantics > CLNORM_PAPER)
        return cln_fail(CLNORM_EARG, "semantics is %u; chapter 0, torch 1, onnx 2 and paper 3 are known%s",
                        semantics, op ? "" : ", and desc must name an op");
    desc->op.semantics = semantics;
    for (size_t k = 0; k < CLN_COUNT(meanings); k++) /* what another profile may have changed */
        if (!strcmp(meanings[k].op, op->info.name)) {
            const clnorm_attr *a = attr_named(op, meanings[k].attr);
            put(desc, a, 0, a->preset);
        }
    for (size_t k = 0; k < CLN_COUNT(meanings); k++)
        if (meanings[k].semantics == semantics && !strcmp(meanings[k].op, op->info.name))
            CLN_TRY(clnorm_op_set(desc, meanings[k].attr, &meanings[k].value, 1));
    return CLNORM_OK;
}

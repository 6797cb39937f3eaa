/* verify_layer.c -- the cases of layers: few shapes times many variants, and many shapes of the plain one. */
#include "cli/verify.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Short names, so that the table is one. */
enum {
    CHANNEL = CLNORM_PER_CHANNEL,
    ELEMENT = CLNORM_PER_ELEMENT,
    SAMPLE = CLNORM_PER_SAMPLE,
    NONE = CLNORM_NO_AFFINE,
    F32 = CLNORM_F32,
    F16 = CLNORM_F16,
    BF16 = CLNORM_BF16,
    BEFORE = CLNORM_RESIDUAL_BEFORE,
    AFTER = CLNORM_RESIDUAL_AFTER,
    TRAIN = CLNORM_TRAIN,
    EVAL = CLNORM_EVAL
};

/* What an op lacks is left as it is, so that a row may be another's double. */
static const struct variant {
    uint32_t affine, act, residual, given, mode, axes;
    uint32_t x, y, param;
    uint32_t ddof, zero_centred, window;
    double p;
} variants[] = {
    { CHANNEL, 0, 0, 0, TRAIN, 0, F32, F32, F32, 0, 0, 5, 2 }, /* plain */
    { NONE, 0, 0, 0, TRAIN, 0, F16, F16, F32, 1, 0, 3, 1 },
    { CHANNEL, 0, 0, 0, TRAIN, 0, BF16, BF16, BF16, 0, 1, 5, 3 },
    { CHANNEL, 0, 0, 1, TRAIN, 0, F32, F16, F16, 0, 0, 1, 2.5 },
    { SAMPLE, CLNORM_RELU, AFTER, 0, TRAIN, 0, F32, F32, F32, 0, 0, 5, INFINITY },
    { ELEMENT, CLNORM_GELU, 0, 0, TRAIN, 0, F32, F32, F32, 0, 0, 5, 2 },
    { NONE, CLNORM_SILU, 0, 1, TRAIN, 0, F32, F32, F32, 0, 0, 5, 2 },
    { CHANNEL, CLNORM_LEAKY, BEFORE, 0, TRAIN, 0, F32, F32, F32, 0, 0, 5, 2 },
    { CHANNEL, CLNORM_GELU_TANH, AFTER, 0, TRAIN, 0, F16, F32, F32, 0, 0, 5, 2 },
    { CHANNEL, CLNORM_RELU, 0, 0, EVAL, 0, F32, F32, F32, 0, 0, 5, 2 },
    { CHANNEL, 0, AFTER, 1, EVAL, 0, F32, F32, F32, 0, 0, 5, 2 },
    { ELEMENT, 0, 0, 0, TRAIN, 1u << 3, F32, F32, F32, 0, 0, 5, 2 },
    { CHANNEL, 0, 0, 0, TRAIN, 1u << 1, F32, F32, F32, 0, 1, 5, 2 },
    { ELEMENT, 0, 0, 0, TRAIN, 1u << 1 | 1u << 3, F32, F32, F32, 0, 0, 5, 2 },
    { CHANNEL, 0, 0, 0, TRAIN, 0, F32, CLNORM_U8, F32, 0, 0, 5, 2 },
    { CHANNEL, CLNORM_RELU, 0, 0, TRAIN, 0, F32, CLNORM_S8, F32, 0, 0, 5, 2 },
};

#define EACH 2 /* of the shapes for a variant: each that is new is to be compiled */
static const cli_shape few[] = { { 3, 6, 5, 7, CLI_NCHW },
                                 { 2, 4, 9, 13, CLI_PITCH },
                                 { 3, 8, 11, 7, CLI_NHWC },
                                 { 2, 2, 67, 71, CLI_NCHW } };
static const cli_shape many[] = { { 1, 1, 1, 1, CLI_NCHW },    { 3, 4, 1, 1, CLI_NCHW },
                                  { 1, 2, 1, 4095, CLI_NCHW }, { 1, 2, 1, 4097, CLI_NCHW },
                                  { 0, 4, 4, 4, CLI_NCHW },    { 2, 4, 0, 5, CLI_NCHW },
                                  { 2, 3, 67, 71, CLI_NHWC },  { 33, 5, 7, 7, CLI_NCHW },
                                  { 9, 64, 7, 7, CLI_NHWC },   { 2, 96, 5, 17, CLI_NCHW },
                                  { 4, 16, 31, 33, CLI_NHWC } };
static const cli_shape hard[] = { { 1, 2, 1, 4096, CLI_NCHW },
                                  { 2, 4, 64, 131, CLI_NCHW },
                                  { 2, 6, 61, 37, CLI_NHWC } };

/* ---- a descriptor ---- */

/* An attribute that the op lacks is refused, which is no matter. */
static bool set(clnorm_any *desc, const char *attr, double value)
{
    return clnorm_op_set(desc, attr, &value, 1) == CLNORM_OK;
}

static bool is_quantized(const struct variant *v) { return v->y == CLNORM_U8 || v->y == CLNORM_S8; }

static void set_attributes(clnorm_any *desc, const struct variant *v, const cli_shape *s)
{
    set(desc, "affine", v->affine);
    set(desc, "param_dtype", v->param);
    set(desc, "act", v->act);
    set(desc, "slope", 0.25);
    set(desc, "residual", v->residual);
    set(desc, "given", v->given);
    set(desc, "mode", v->mode);
    set(desc, "groups", s->c % 2 ? (double)s->c : 2);
    set(desc, "ddof", v->ddof);
    set(desc, "zero_centred", v->zero_centred);
    set(desc, "window", v->window);
    set(desc, "p", v->p);
    if (is_quantized(v)) {
        set(desc, "out_scale", 1.0 / 64);
        set(desc, "out_zero", v->y == CLNORM_U8 ? 128 : -3);
    }
}

/* Whether the op can do what the variant is about; axes only where it has axes. */
static bool make(cli_case *c, const clnorm_op_info *op, uint32_t direction, const struct variant *v,
                 const cli_shape *s)
{
    clnorm_any *desc = &c->desc;
    clnorm_op_init(desc, op->kind);
    desc->op.direction = direction;
    desc->head.x = cli_shape_tensor(s, v->x);
    desc->head.y = cli_shape_tensor(s, v->y);
    set_attributes(desc, v, s);
    if ((v->axes && !set(desc, "axes", v->axes)) || (direction == CLNORM_BACKWARD && is_quantized(v)) ||
        (v->mode == EVAL && !set(desc, "mode", EVAL)))
        return false;
    snprintf(c->text, sizeof c->text, "%s, affine %u, act %u, residual %u, given %u, mode %u, axes 0x%x",
             direction == CLNORM_BACKWARD ? ", backward" : "", v->affine, v->act, v->residual, v->given,
             v->mode, v->axes);
    return clnorm_op_check(desc) == CLNORM_OK;
}

/* ---- the cases in a row ---- */

static size_t hard_cases(void)
{
    size_t n = 0;
    while (cli_data_names[n + 1])
        n++;
    return n * COUNT(hard);
}

bool cli_layer_case(cli_case *out, const clnorm_op_info *op, uint32_t direction, bool hostile, size_t k)
{
    const size_t usual = COUNT(variants) * EACH, plain = usual + COUNT(many);
    const struct variant *v = k < usual ? &variants[k / EACH] : &variants[0];
    const cli_shape *s = k < usual   ? &few[(k / EACH + k % EACH) % COUNT(few)]
                         : k < plain ? &many[k - usual]
                                     : &hard[(k - plain) % COUNT(hard)];
    if (k >= plain + (hostile ? hard_cases() : 0))
        return false;
    memset(out, 0, sizeof *out);
    out->data = k < plain ? 0 : (int)((k - plain) / COUNT(hard)) + 1;
    out->held = out->data ? REF_HOSTILE : REF_ORDINARY;
    out->absent = v->given ? 0 : 1u << CLNORM_MEAN | 1u << CLNORM_RSTD;
    out->view = make(out, op, direction, v, s) ? cli_view_names[s->view] : NULL;
    return true;
}

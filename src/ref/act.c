/* act.c -- the activations and their slopes, as clnorm_act spells them. */
#include "ref/layer.h"

#include "base/compiler.h"

#include <assert.h>

static const double root_half = 0.70710678118654752440;        /* sqrt(1 / 2) */
static const double root_two_over_pi = 0.79788456080286535588; /* sqrt(2 / pi) */
static const double cubic = 0.044715;

static double none(double z, double slope)
{
    (void)slope;
    return z;
}
static double none_slope(double z, double slope)
{
    (void)z, (void)slope;
    return 1.0;
}

static double relu(double z, double slope)
{
    (void)slope;
    return z > 0.0 || isnan(z) ? z : 0.0;
}
static double relu_slope(double z, double slope)
{
    (void)slope;
    return z > 0.0 ? 1.0 : 0.0;
}

static double leaky(double z, double slope) { return z > 0.0 ? z : slope * z; }
static double leaky_slope(double z, double slope) { return z > 0.0 ? 1.0 : slope; }

static double silu(double z, double slope)
{
    (void)slope;
    return z / (1.0 + exp(-z));
}
static double silu_slope(double z, double slope)
{
    const double s = 1.0 / (1.0 + exp(-z));
    (void)slope;
    return s + z * s * (1.0 - s);
}

/* erfc keeps the digits of the lower tail, which 1 + erf loses. */
static double gelu(double z, double slope)
{
    (void)slope;
    return z / 2.0 * erfc(-z * root_half);
}
static double gelu_slope(double z, double slope)
{
    (void)slope;
    return erfc(-z * root_half) / 2.0 + z * exp(-z * z / 2.0) * root_two_over_pi / 2.0;
}

static double gelu_tanh(double z, double slope)
{
    (void)slope;
    return z / 2.0 * (1.0 + tanh(root_two_over_pi * (z + cubic * z * z * z)));
}
static double gelu_tanh_slope(double z, double slope)
{
    const double t = tanh(root_two_over_pi * (z + cubic * z * z * z));
    (void)slope;
    return (1.0 + t) / 2.0 + z / 2.0 * (1.0 - t * t) * root_two_over_pi * (1.0 + 3.0 * cubic * z * z);
}

static const struct act {
    double (*value)(double z, double slope), (*slope)(double z, double slope);
} acts[] = {
    [CLNORM_ACT_NONE] = { none, none_slope }, [CLNORM_RELU] = { relu, relu_slope },
    [CLNORM_LEAKY] = { leaky, leaky_slope },  [CLNORM_SILU] = { silu, silu_slope },
    [CLNORM_GELU] = { gelu, gelu_slope },     [CLNORM_GELU_TANH] = { gelu_tanh, gelu_tanh_slope },
};

/* At the ends the formulas of silu and both gelu are inf / inf or 0 * inf; they go to 0 and to z. */
static bool at_end(uint32_t act, double z) { return act > CLNORM_LEAKY && isinf(z); }

double ref_act(uint32_t act, double slope, double z)
{
    assert(act < CLN_COUNT(acts));
    if (at_end(act, z))
        return z > 0.0 ? z : 0.0;
    return acts[act].value(z, slope);
}

double ref_act_slope(uint32_t act, double slope, double z)
{
    assert(act < CLN_COUNT(acts));
    if (at_end(act, z))
        return z > 0.0 ? 1.0 : 0.0;
    return acts[act].slope(z, slope);
}

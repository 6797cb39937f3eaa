/* verify_data.c -- data for `verify`: ordinary, and what breaks careless arithmetic. */
#include "cli/verify.h"
#include "ref/ref.h"

#include <math.h>
#include <string.h>

const char *const cli_view_names[] = { "nchw", "nhwc", "rows with a pitch", "RGB inside RGBA", "one axis" };

clnorm_tensor cli_shape_tensor(const cli_shape *s, uint32_t dtype)
{
    const clnorm_dtype d = (clnorm_dtype)dtype;
    clnorm_tensor t = s->view == CLI_NHWC    ? clnorm_nhwc(d, s->n, s->c, s->h, s->w)
                      : s->view == CLI_PIXEL ? clnorm_image(d, s->c, s->h, s->w, 4, 0)
                                             : clnorm_nchw(d, s->n, s->c, s->h, s->w);
    if (s->view == CLI_PITCH) {
        const int64_t row = s->w + 3, stride[] = { s->c * s->h * row, s->h * row, row, 1 };
        memcpy(t.stride, stride, sizeof stride);
    }
    if (s->view == CLI_ALONE) {
        t.ndim = 1;
        t.shape[0] = s->w;
        t.stride[0] = 1;
    }
    return t;
}

const char *const cli_data_names[] = { "ordinary",       "1e4 +- 1e-2",   "1e6 +- 1",   "1e3 +- 1e-3",
                                       "zeros in front", "1e6 in front",  "one 1e6",    "to 3e38",
                                       "near 1e-20",     "constant 1234", "constant 0", NULL };

/* splitmix64: Steele, Lea & Flood 2014. Uniform in [-1, 1). */
static double uniform(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return ldexp((double)((z ^ z >> 31) >> 11), -52) - 1.0;
}

typedef struct element {
    double u; /* uniform in [-1, 1) */
    int64_t i, n;
} element;

static double ordinary(element e) { return 0.4 + e.u; }
static double far(element e) { return 1e4 + 1e-2 * e.u; }
static double farther(element e) { return 1e6 + e.u; }
static double close(element e) { return 1e3 + 1e-3 * e.u; }
static double zeros(element e) { return e.i < e.n / 4 ? 0 : 1e4 + 1e-2 * e.u; }
static double front(element e) { return e.i == 0 ? 1e6 : e.u; }
static double outlier(element e) { return e.i == e.n / 2 ? 1e6 : e.u; }
static double huge(element e) { return 3e38 * e.u; }
static double tiny(element e) { return 1e-20 * e.u; }
static double constant(element e) { return e.u * 0 + 1234; }
static double nothing(element e) { return e.u * 0; }

static double (*const makers[])(element) = { ordinary, far,  farther, close,    zeros,  front,
                                             outlier,  huge, tiny,    constant, nothing };

void cli_data_fill(uint32_t dtype, void *p, int64_t n, int data, uint64_t seed)
{
    static const double middle[] = { [CLNORM_U8] = 127.5, [CLNORM_U16] = 32767.5, [CLNORM_S8] = 0 };
    static const double half[] = { [CLNORM_U8] = 128, [CLNORM_U16] = 32768, [CLNORM_S8] = 128 };
    uint64_t state = seed;
    for (int64_t i = 0; i < n; i++) {
        const element e = { uniform(&state), i, n };
        const bool whole = dtype >= CLNORM_U8;
        ref_set(dtype, p, i, whole ? middle[dtype] + half[dtype] * e.u : makers[data](e));
    }
}

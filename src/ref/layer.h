/* layer.h -- what the layers of ref/ see: every element in double, its set and its weights.
 *
 * A layer is y = act(gamma * xhat + beta), with what clnorm_layer adds around it. An op file is the
 * statistics of its sets, xhat of an element, and the way back from g, the gradient of xhat, to dx. layer.c
 * owns the rest: which elements make a set, the weights and their gradients, the activation, the residual. */
#ifndef REF_LAYER_H
#define REF_LAYER_H

#include "ref/internal.h"

#include <math.h>

/* One set. The mean is mean + mean_rest; rstd is what xhat is multiplied by. */
typedef struct ref_layer_set {
    int64_t count;
    double mean, mean_rest, m2, rstd;
    double norm;    /* where the way back needs it: std, |x| or G */
    double share;   /* 1 over the number of elements as large as the largest; of grn, of terms in dx / x */
    double largest; /* |x|; a NaN where there is one */
    double sum_g, sum_gx; /* of g, and of g times what the op says */
    double size;          /* of the latter: the sum of |g| * ref_reach */
    ref_sum sum;          /* of the pass at hand */
} ref_layer_set;

typedef struct ref_layer ref_layer;

/* What axes 0 reduces. */
typedef enum ref_span {
    REF_SAMPLE, /* all but N */
    REF_PLANE,  /* all but N and C */
    REF_BATCH,  /* all but C */
    REF_PIXEL   /* C */
} ref_span;

typedef struct ref_layer_op {
    uint32_t kind;
    ref_span span;
    size_t axes, groups, zero_centred; /* where in the descriptor; 0: it has none */
    bool affine;                       /* takes gamma and beta */
    bool has_mean;                     /* the mean is one of its statistics */
    bool adds_x;                       /* to y, and an absent gamma is 0 */
    bool (*measure)(ref_layer *l); /* the statistics from x; false: an input is missing; NULL: it has none */
    void (*given)(const ref_layer *l, ref_layer_set *set); /* norm, where mean and rstd are inputs; or NULL */
    double (*xhat)(const ref_layer *l, int64_t i);
    void (*backward)(ref_layer *l);
    void (*finish)(ref_layer *l); /* of a forward pass; or NULL */
} ref_layer_op;

/* Arrays of elements are dense in the order of the axes, those of sets in the order of the kept axes. */
struct ref_layer {
    const ref_layer_op *op;
    const clnorm_any *desc;
    const clnorm_tensor *tensor; /* of x */
    const ref_io *io;
    bool backward;
    bool given;              /* the statistics are inputs */
    bool frozen;             /* dx does not go through the statistics */
    int64_t channels, inner; /* C, and the elements from one channel to the next */
    int64_t elements, sets, weights;
    int64_t *set_of, *weight_of; /* of an element */
    double *x, *g, *dz, *dx;     /* dz: the gradient of gamma * xhat + beta */
    double *terms;               /* |terms| that dx is the sum of */
    double *gamma, *beta;        /* as factor and summand, whatever is absent */
    ref_layer_set *set;
};

const ref_layer_op *ref_layer_op_of(uint32_t kind); /* NULL: not a layer */
bool ref_layer_run(const ref_layer_op *op, const clnorm_any *desc, const ref_io *io);

/* ---- sets.c: what several layers share ---- */

/* The sum of a term over every set, into a double of ref_layer_set. */
void ref_sum_sets(ref_layer *l, double (*term)(const ref_layer *l, int64_t i), size_t offset);
/* The sum of squares of every set, into norm; infinite where x is. */
void ref_sum_squares(ref_layer *l);
/* size of every set. */
void ref_sum_sizes(ref_layer *l);
/* mean, M2 and rstd = 1 / sqrt(M2 / (M - ddof) + eps). */
void ref_centre(ref_layer *l, double eps, uint32_t ddof);
double ref_centred(const ref_layer *l, int64_t i); /* (x - mean) * rstd */
/* dx = rstd * (g - mean(g) - xhat * sum(g * xhat) / (M - ddof)) */
void ref_centre_back(ref_layer *l, uint32_t ddof);
double ref_degrees(int64_t count, uint32_t ddof); /* M - ddof, at least 1 */

/* rstd = 1 / max(norm, eps), or 1 / (norm + eps) where add; and norm from a given rstd. */
double ref_norm_factor(double norm, double eps, bool add);
double ref_norm_given(double rstd, double eps, bool add);
/* dx = (g - slope * sum(g * xhat)) * rstd, slope = d norm / dx; 0 where max took eps. */
void ref_norm_back(ref_layer *l, double (*slope)(const ref_layer *l, int64_t i), double eps, bool add);

/* ---- act.c ---- */

double ref_act(uint32_t act, double slope, double z);
double ref_act_slope(uint32_t act, double slope, double z); /* d act / dz */

/* 0 for 0: a set without spread has xhat 0, not NaN. */
static inline double ref_inverse(double s) { return s == 0.0 ? 0.0 : 1.0 / s; }

static inline const ref_layer_set *ref_set_at(const ref_layer *l, int64_t i) { return &l->set[l->set_of[i]]; }
static inline double ref_times_xhat(const ref_layer *l, int64_t i) { return l->g[i] * l->op->xhat(l, i); }
/* How far xhat reaches: it is off by the error of the mean even where it is 0. */
static inline double ref_reach(const ref_layer *l, double xhat)
{
    return fmax(fabs(xhat), l->op->has_mean ? 1.0 : 0.0);
}
static inline double ref_scaled(const ref_layer *l, int64_t i) { return l->x[i] * ref_set_at(l, i)->rstd; }

extern const ref_layer_op ref_batchnorm, ref_layernorm, ref_groupnorm, ref_instancenorm, ref_rmsnorm,
    ref_l2norm, ref_lpnorm, ref_mvn, ref_grn, ref_lrn;

#endif

/* fold.c -- batch normalization folded into the convolution before it. */
#include "base/sized.h"
#include "base/status.h"
#include "op/op.h"

#include <float.h>
#include <math.h>

static clnorm_status check_fold(const clnorm_fold *f)
{
    CLN_TRY(cln_sized_read(NULL, f, sizeof *f, sizeof *f, "fold: size", "clnorm_fold"));
    if (f->reserved)
        return cln_fail(CLNORM_EARG, "fold: reserved is %u; 0 is allowed", f->reserved);
    if (!f->mean || !f->var)
        return cln_fail(CLNORM_EARG, "fold: %s is NULL", f->mean ? "var" : "mean");
    if (!(f->eps >= 0.0 && f->eps <= DBL_MAX))
        return cln_fail(CLNORM_EARG, "fold: eps is %g; finite values from 0 up are allowed", f->eps);
    for (size_t o = 0; o < f->outputs; o++)
        if (!((double)f->var[o] + f->eps > 0.0))
            return cln_fail(CLNORM_EARG, "fold: var[%zu] is %g and eps %g; their sum must be above 0", o,
                            (double)f->var[o], f->eps);
    return CLNORM_OK;
}

clnorm_status clnorm_fold_batchnorm(float *weight, float *bias, const clnorm_fold *fold)
{
    if (!fold)
        return cln_fail(CLNORM_EARG, "fold is NULL");
    CLN_TRY(check_fold(fold));
    if (fold->outputs && ((!weight && fold->inputs) || !bias))
        return cln_fail(CLNORM_EARG, "%s is NULL", bias ? "weight" : "bias");
    for (size_t o = 0; o < fold->outputs; o++) {
        const double gamma = fold->gamma ? (double)fold->gamma[o] : 1.0,
                     beta = fold->beta ? (double)fold->beta[o] : 0.0;
        const double a = gamma / sqrt((double)fold->var[o] + fold->eps);
        for (size_t i = 0; i < fold->inputs; i++)
            weight[o * fold->inputs + i] = (float)((double)weight[o * fold->inputs + i] * a);
        bias[o] = (float)(((double)bias[o] - (double)fold->mean[o]) * a + beta);
    }
    return CLNORM_OK;
}

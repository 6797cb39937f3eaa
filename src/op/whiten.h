/* whiten.h -- samples of images, as whiten takes them. */
#ifndef CLN_WHITEN_H
#define CLN_WHITEN_H

#include "clnorm.h"

#include <stdbool.h>

/* What a descriptor says, in tensors of six axes: (n, down, across) is a sample, (c, row, column) a value of it. */
typedef struct cln_samples {
    clnorm_tensor image; /* the side that is images, as (N,C,H,W) */
    clnorm_tensor split; /* its samples */
    clnorm_tensor
        outputs; /* those of the whitened side, whose values are channels, or as the images'; not of FIT */
    int64_t dims, components; /* D, K */
    bool as_image;            /* the whitened side has the images' shape */
} cln_samples;

#define CLN_SAMPLE_COLUMNS 0x38u /* axes of a sample's values */
#define CLN_PLANE_COLUMNS 0x6u   /* down and across */

cln_samples cln_samples_of(const clnorm_whiten *d);
/* A tensor as (N,C,H,W): 3-D is one image, 2-D rows of channels. */
clnorm_tensor cln_as_images(const clnorm_tensor *t);
/* Whether each element of such a tensor is in one sample. */
bool cln_samples_tile(const clnorm_whiten *d, const clnorm_tensor *image);

#endif

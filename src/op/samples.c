/* samples.c -- samples of images as axes of a tensor: pixels, patches, whole images. */
#include "op/whiten.h"
#include "tensor/tensor.h"

/* A tensor as (N,C,H,W): 3-D is one image, 2-D rows of channels. */
clnorm_tensor cln_as_images(const clnorm_tensor *t)
{
    const uint32_t first[] = { 0, 0, 0, 1, 0 }; /* axis that t's first one is, by its rank */
    clnorm_tensor out = { t->dtype, 4, { 1, 1, 1, 1 }, { 0 }, 0 };
    for (uint32_t k = 0; k < t->ndim; k++) {
        out.shape[first[t->ndim] + k] = t->shape[k];
        out.stride[first[t->ndim] + k] = t->stride[k];
    }
    return out;
}

/* The windows of images: one each step, rows x columns. */
typedef struct windows {
    int64_t height, width, step;
    int64_t down, across; /* windows of an image */
} windows;

static windows windows_of(const clnorm_whiten *d, const clnorm_tensor *image)
{
    const int64_t h = image->shape[2], w = image->shape[3], p = d->patch, s = d->stride ? d->stride : p;
    const windows all[] = { [CLNORM_PIXELS] = { 1, 1, 1, h, w },
                            [CLNORM_PATCHES] = { p, p, s, s ? (h - p) / s + 1 : 0, s ? (w - p) / s + 1 : 0 },
                            [CLNORM_IMAGES] = { h, w, 1, 1, 1 } };
    return all[d->samples];
}

/* Whether no element is in two windows, and each in one. */
bool cln_samples_tile(const clnorm_whiten *d, const clnorm_tensor *image)
{
    const windows w = windows_of(d, image);
    return d->samples != CLNORM_PATCHES ||
           (w.step == w.height && image->shape[2] % w.step == 0 && image->shape[3] % w.step == 0);
}

/* Its windows as (n, down, across, c, row, column): the first three are the sample. */
static clnorm_tensor split(const clnorm_whiten *d, const clnorm_tensor *image)
{
    const windows w = windows_of(d, image);
    const int64_t down = w.down > 1 ? w.step * image->stride[2] : 0,
                  across = w.across > 1 ? w.step * image->stride[3] : 0;
    const clnorm_tensor t = { image->dtype,
                              6,
                              { image->shape[0], w.down, w.across, image->shape[1], w.height, w.width },
                              { image->stride[0], down, across, image->stride[1], image->stride[2],
                                image->stride[3] },
                              0 };
    return t;
}

/* (N,K,down,across) the same way: a sample's outputs are channels. */
static clnorm_tensor split_outputs(const clnorm_tensor *t)
{
    const clnorm_tensor i = cln_as_images(t);
    const clnorm_tensor out = { t->dtype,
                                6,
                                { i.shape[0], i.shape[2], i.shape[3], i.shape[1], 1, 1 },
                                { i.stride[0], i.stride[2], i.stride[3], i.stride[1], 0, 0 },
                                0 };
    return out;
}

static int64_t dims_of(const clnorm_tensor *split_image)
{
    return split_image->shape[3] * split_image->shape[4] * split_image->shape[5];
}

cln_samples cln_samples_of(const clnorm_whiten *d)
{
    cln_samples s;
    const clnorm_tensor *images = d->task == CLNORM_UNWHITEN ? &d->y : &d->x,
                        *other = d->task == CLNORM_UNWHITEN ? &d->x : &d->y;
    s.image = cln_as_images(images);
    s.split = split(d, &s.image);
    s.dims = dims_of(&s.split);
    s.components = d->components ? (int64_t)d->components : s.dims;
    s.as_image = d->task != CLNORM_FIT && d->samples != CLNORM_PIXELS && cln_tensor_same_shape(images, other);
    if (d->task != CLNORM_FIT) {
        const clnorm_tensor i = cln_as_images(other);
        s.outputs = s.as_image ? split(d, &i) : split_outputs(other);
    }
    return s;
}

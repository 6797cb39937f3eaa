/* digits.c -- the images: read once, normalized on the device by an input op. */
#include "digits.h"

#include "random.h"

#include <stdio.h>
#include <string.h>

const char *const digits_scaling_name[DIGITS_SCALINGS] = { "raw 0..16", "as bytes 0..256", "totensor",
                                                           "symmetric", "zscore" };

/* Reads an .npy file that holds exactly this array; the folder is the lab's own, so no other form is known.
 */
static bool read_npy(const char *folder, const char *name, const char *header, void *data, size_t bytes,
                     char why[400])
{
    char path[1024], found[128] = "";
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "rb");
    bool good = f && fread(found, 1, sizeof found, f) == sizeof found;
    found[sizeof found - 1] = '\0';
    good = good && !memcmp(found, "\x93NUMPY\x01", 7) && strstr(found + 10, header);
    good = good && fread(data, 1, bytes, f) == bytes;
    if (f)
        fclose(f);
    if (!good)
        snprintf(why, 400, "%.300s: cannot be read, or is not the lab's", path);
    return good;
}

bool digits_read(digits *d, const char *folder, char why[400])
{
    lab_random random = { 1797 };
    if (!read_npy(folder, "digits.npy", "'|u1', 'fortran_order': False, 'shape': (1797, 8, 8)", d->pixel,
                  sizeof d->pixel, why) ||
        !read_npy(folder, "digits_labels.npy", "'|u1', 'fortran_order': False, 'shape': (1797,)", d->label,
                  sizeof d->label, why))
        return false;
    for (uint32_t i = 0; i < DIGITS; i++)
        d->order[i] = i;
    random_shuffle(&random, d->order, DIGITS);
    return true;
}

/* The op of a scaling, from bytes to f32. */
static void describe(clnorm_any *desc, digits_scaling scaling)
{
    const clnorm_totensor totensor = CLNORM_TOTENSOR_INIT;
    const clnorm_symmetric symmetric = CLNORM_SYMMETRIC_INIT;
    const clnorm_zscore zscore = CLNORM_ZSCORE_INIT;
    if (scaling == DIGITS_ZSCORE)
        desc->zscore = zscore;
    else if (scaling == DIGITS_SYMMETRIC)
        desc->symmetric = symmetric;
    else
        desc->totensor = totensor;
    if (scaling == DIGITS_SYMMETRIC)
        desc->symmetric.scale = (float)DIGITS_BRIGHTEST;
    else if (scaling != DIGITS_ZSCORE)
        desc->totensor.scale = scaling == DIGITS_RAW     ? 1.0f
                               : scaling == DIGITS_BYTES ? 1.0f / DIGITS_BRIGHTEST
                                                         : (float)DIGITS_BRIGHTEST;
    desc->head.x = clnorm_nchw(CLNORM_U8, DIGITS, 1, 8, 8);
    desc->head.y = clnorm_nchw(CLNORM_F32, DIGITS, 1, 8, 8);
}

cl_mem digits_images(rig *r, const digits *d, digits_scaling scaling)
{
    clnorm_any desc;
    clnorm_args args = CLNORM_ARGS_INIT;
    const cl_mem pixels = rig_memory(r, sizeof d->pixel);
    const cl_mem images = rig_memory(r, sizeof d->pixel * sizeof(float));
    memset(&desc, 0, sizeof desc);
    describe(&desc, scaling);
    rig_write(r, pixels, d->pixel, sizeof d->pixel);
    args.slot[CLNORM_X].mem = pixels;
    args.slot[CLNORM_Y].mem = images;
    clnorm_plan *plan = rig_plan(r, &desc);
    rig_enqueue(r, plan, &args);
    clnorm_plan_release(plan);
    if (pixels)
        clReleaseMemObject(pixels); /* what is enqueued keeps it */
    return images;
}

cl_mem digits_labels(rig *r, const digits *d)
{
    const cl_mem labels = rig_memory(r, sizeof d->label);
    rig_write(r, labels, d->label, sizeof d->label);
    return labels;
}

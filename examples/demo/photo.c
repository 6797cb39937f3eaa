/* photo.c -- the demo's input: a photograph, and two spoilt copies of it. */
#include "photo.h"

#include <gd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum { LARGEST = 1024 };

size_t photo_bytes(const photo *p) { return (size_t)p->width * (size_t)p->height * 3; }

static bool make_room(photo *p, int width, int height)
{
    p->width = width;
    p->height = height;
    p->rgb = (uint8_t *)malloc(photo_bytes(p) + 1);
    return p->rgb != NULL;
}

/* Sampled down where it is large; gd works on true colour then. */
static gdImagePtr fitted(gdImagePtr im)
{
    const int w = gdImageSX(im), h = gdImageSY(im), longest = w > h ? w : h;
    if (longest <= LARGEST)
        return im;
    const int to_w = w * LARGEST / longest, to_h = h * LARGEST / longest;
    gdImagePtr small = gdImageCreateTrueColor(to_w ? to_w : 1, to_h ? to_h : 1);
    if (small)
        gdImageCopyResampled(small, im, 0, 0, 0, 0, gdImageSX(small), gdImageSY(small), w, h);
    gdImageDestroy(im);
    return small;
}

const char *photo_read(photo *p, const char *file)
{
    FILE *f = fopen(file, "rb");
    if (!f)
        return "the photograph cannot be opened";
    const int first = getc(f);
    rewind(f);
    gdImagePtr im = first == 0xFF ? gdImageCreateFromJpeg(f) : first == 0x89 ? gdImageCreateFromPng(f) : NULL;
    fclose(f);
    if (!im)
        return "the photograph is not a readable JPEG or PNG";
    im = fitted(im);
    if (!im || !make_room(p, gdImageSX(im), gdImageSY(im)))
        return "not enough memory for the photograph";
    uint8_t *to = p->rgb;
    for (int y = 0; y < p->height; y++)
        for (int x = 0; x < p->width; x++) {
            const int colour = gdImageGetTrueColorPixel(im, x, y);
            *to++ = (uint8_t)gdTrueColorGetRed(colour);
            *to++ = (uint8_t)gdTrueColorGetGreen(colour);
            *to++ = (uint8_t)gdTrueColorGetBlue(colour);
        }
    gdImageDestroy(im);
    return NULL;
}

const char *photo_squeezed(photo *out, const photo *p, const int low[3], const int high[3])
{
    if (!make_room(out, p->width, p->height))
        return "not enough memory for the photograph";
    for (size_t i = 0; i < photo_bytes(p); i++) {
        const int from = low[i % 3], to = high[i % 3];
        out->rgb[i] = (uint8_t)(from + (p->rgb[i] * (to - from) + 127) / 255);
    }
    return NULL;
}

void photo_free(photo *p)
{
    free(p->rgb);
    p->rgb = NULL;
}

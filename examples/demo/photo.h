/* photo.h -- the demo's input: a photograph, and two spoilt copies of it. */
#ifndef DEMO_PHOTO_H
#define DEMO_PHOTO_H

#include <stddef.h>
#include <stdint.h>

/* RGB, channels last. */
typedef struct photo {
    int width, height;
    uint8_t *rgb; /* photo_free */
} photo;

/* Reads a JPEG (or PNG); larger than 1024 pixels on a side, it is sampled down. NULL, or why not. */
const char *photo_read(photo *p, const char *file);
/* A copy whose channel c has the values low[c] .. high[c] in place of 0 .. 255. NULL, or why not. */
const char *photo_squeezed(photo *out, const photo *p, const int low[3], const int high[3]);
size_t photo_bytes(const photo *p);
void photo_free(photo *p);

#endif

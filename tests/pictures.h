/* pictures.h -- small image files made in memory, good ones by their libraries and bad ones by hand. */
#ifndef TEST_PICTURES_H
#define TEST_PICTURES_H

#include "files.h"

typedef struct blob {
    unsigned char *data; /* free() */
    size_t size;
} blob;

void blob_add(blob *b, const void *bytes, size_t size);
/* Puts bytes in at a place. */
void blob_insert(blob *b, size_t at, const void *bytes, size_t size);

/* cli_read of the bytes as a file without an extension. */
int picture_read(cli_array *a, const blob *b, bool rgb8);
/* Reads, expects as files_expect does, and forgets. */
void picture_expect(const blob *b, int code, const char *part, int line);
#define PICTURE_EXPECT(b, code, part) picture_expect(&(b), (code), (part), __LINE__)
/* The array is one picture of this type and size. */
void picture_shape(const cli_array *a, uint32_t dtype, int64_t height, int64_t width, int64_t channels);

/* The sample of a test picture, of so many bits. */
uint32_t picture_sample(uint32_t x, uint32_t y, uint32_t channel, int bits);

typedef struct png_form {
    uint32_t width, height;
    int bits, color; /* color as in the file: 0 gray, 2 RGB, 3 palette, 4 gray+alpha, 6 RGBA */
    bool interlaced, transparent;
} png_form;
/* Color i of a palette picture is (i, 2i, 255-i); `transparent` adds a tRNS chunk. */
blob picture_png(const png_form *form);

typedef struct jpeg_form {
    uint32_t width, height;
    int components;                            /* 1 gray, 3 RGB, 4 CMYK */
    bool progressive, arithmetic, ycck, scans; /* scans: one for each component, not progressive */
    unsigned char flat[4];                     /* the samples of a CMYK picture, as the file holds them */
} jpeg_form;
blob picture_jpeg(const jpeg_form *form);
/* Where a marker is; the last one of its kind. */
size_t jpeg_marker(const blob *b, unsigned char marker);

blob picture_webp(uint32_t width, uint32_t height, bool lossless, bool alpha);

/* A PNG by chunks, each with a right CRC. */
void png_begin(blob *b);
void png_chunk(blob *b, const char *type, const void *bytes, size_t size);
void png_ihdr(blob *b, uint32_t width, uint32_t height, int bits, int color);
/* A chunk of a head and of `zeros` zero bytes, deflated. */
void png_deflated(blob *b, const char *type, const char *head, size_t head_size, size_t zeros);
/* Puts a right CRC wherever a chunk still fits. */
void png_mend(unsigned char *bytes, size_t size);

#endif

/* array.h -- host memory of one tensor between guard bands, as a buffer holds it. With CLNORM_TEST_GUARD a
 * buffer is without the band of that side, where a closed page is. */
#ifndef ARRAY_H
#define ARRAY_H

#include "clnorm.h"

#include <stdbool.h>

typedef struct array {
    clnorm_tensor t;
    size_t element, bytes; /* of one, of the data */
    size_t first, offset;  /* of the data, of element (0,..), from host */
    unsigned char *host;   /* guard, data, guard */
    bool output;
} array;

/* A tensor (n,c,h,w), channels last or first: `pad` elements behind each row, pixels `pixel` wider than c. */
clnorm_tensor array_image(uint32_t dtype, const int64_t n[4], bool last, int64_t pad, int64_t pixel);
/* skip elements lie in front of the data; an output starts as NaN. dtype 0 is a count of 64 bits. */
void array_make(array *a, const clnorm_tensor *t, size_t skip, bool output);
size_t array_room(const array *a);
clnorm_buffer array_upload(const array *a, cl_context cl, const char *name);
/* What the buffer holds now, as host would; malloc'ed. */
unsigned char *array_download(const array *a, cl_command_queue queue, cl_mem mem);
/* Bytes that belong to no element are as before. */
bool array_untouched(const array *a, const unsigned char *now);
/* All NaNs become one value: which payload comes out is not the library's to say. */
void array_same_nans(const array *a, unsigned char *now);
/* The hash h taken on over all bytes between the guards. */
uint64_t array_hash(const array *a, const unsigned char *now, uint64_t h);

#endif

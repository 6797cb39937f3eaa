/* npy.h -- the header of an .npy file, parsed and written in memory. */
#ifndef CLI_NPY_H
#define CLI_NPY_H

#include "cli/io.h"

enum {
    CLI_NPY_PREFIX = 12,  /* magic, version and length; version 1 takes 10 of them */
    CLI_NPY_TEXT = 10000, /* the longest header text, the limit that NumPy sets too */
    CLI_NPY_HEADER = CLI_NPY_PREFIX + CLI_NPY_TEXT,
    CLI_NPY_WRITTEN = 256 /* no header of ours is longer */
};

typedef struct cli_npy {
    uint32_t dtype; /* of the array in memory, as in cli_array: `<f8` is f32, `<u8` is 0 */
    uint32_t ndim;
    int64_t shape[CLNORM_MAX_DIMS];
    size_t elements, element_bytes; /* in the file; their product fits */
    size_t data_offset;             /* of element 0 in the file */
    char why[512];                  /* the reason for a refusal, for behind "<name>: " */
} cli_npy;

/* Bytes of the header, from the first CLI_NPY_PREFIX bytes of a file; 0 and h->why where they are bad. */
size_t cli_npy_length(cli_npy *h, const unsigned char *bytes, size_t size);
/* Parses a header of cli_npy_length bytes; false and h->why where it is bad. bf16: `<u2` is bf16. */
bool cli_npy_parse(cli_npy *h, const unsigned char *bytes, size_t size, bool bf16);
/* Writes the header of a, byte for byte as numpy.save does. Returns its length. */
size_t cli_npy_format(char text[CLI_NPY_WRITTEN], const cli_array *a);

#endif

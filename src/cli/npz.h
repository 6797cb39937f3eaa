/* npz.h -- .npz files: a zip archive of .npy arrays, as numpy.savez writes them. */
#ifndef CLI_NPZ_H
#define CLI_NPZ_H

#include "cli/io.h"

enum {
    CLI_NPZ_ARRAYS = 64, /* that an archive may have */
    CLI_NPZ_NAME = 64,   /* bytes of a name, with its NUL */
    CLI_NPZ_RATIO = 1100 /* deflate gives no more bytes for one */
};

typedef struct cli_npz cli_npz;

/* Opens an archive ("-" is stdin) and reads its list of arrays. Exit 3 with the reason for anything else. */
int cli_npz_open(cli_npz **out, const char *name);
/* The array called so. Exit 3 where there is none, or it cannot be read; 6 for what would not fit memory. */
int cli_npz_read(cli_array *out, const cli_npz *z, const char *array);
void cli_npz_close(cli_npz *z); /* NULL is a no-op */

/* One array of an archive to write. */
typedef struct cli_npz_array {
    const char *name; /* letters, digits and _ */
    const cli_array *array;
} cli_npz_array;

/* The bytes of an archive, for free(): uncompressed and without dates, so that the same arrays are the same
 * bytes. `name` is for the sentence of a failure. */
int cli_npz_pack(unsigned char **bytes, size_t *size, const char *name, const cli_npz_array *list,
                 size_t count);

/* An output that ends in .npz, or "-"; then as every other of io.h. */
int cli_output_open_npz(cli_output **out, const char *name, const char *input);
int cli_output_npz(cli_output *o, const cli_npz_array *list, size_t count);

#endif

/* reading.h -- how an input is to be read, and whether it is so; how an output is to be made. */
#ifndef CLI_READING_H
#define CLI_READING_H

#include "cli/args.h"
#include "cli/layout.h"

/* --layout, --in-dtype and --rgb8. */
typedef struct cli_reading {
    int layout; /* cli_layout; -1: not given */
    bool bf16, rgb8;
} cli_reading;

/* --out-layout, --out-dtype and --effort. */
typedef struct cli_writing {
    int layout;     /* cli_layout; -1: not given */
    uint32_t dtype; /* 0: not given */
    uint32_t effort;
} cli_writing;

int cli_reading_take(cli_reading *out, const cli_args *args);
int cli_writing_take(cli_writing *out, const cli_args *args);
/* Reads `name` and refuses what contradicts the words: exit 3. images: it holds some, so that an array whose last axis looks
 * like their channels is refused until --layout says which. */
int cli_reading_read(cli_array *out, const cli_reading *r, const char *name, bool images);
/* Where the channels of an array that was read are. */
cli_layout cli_reading_layout(const cli_reading *r, const cli_array *a);

#endif

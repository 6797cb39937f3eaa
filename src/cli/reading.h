/* reading.h -- how an input is to be read, as --layout, --in-dtype and --rgb8 say, and whether it is so. */
#ifndef CLI_READING_H
#define CLI_READING_H

#include "cli/args.h"
#include "cli/layout.h"

typedef struct cli_reading {
    int layout; /* cli_layout; -1: not given */
    bool bf16, rgb8;
} cli_reading;

int cli_reading_take(cli_reading *out, const cli_args *args);
/* Reads `name` and refuses what contradicts the words: exit 3. images: it holds some, so that an array whose last axis looks
 * like their channels is refused until --layout says which. */
int cli_reading_read(cli_array *out, const cli_reading *r, const char *name, bool images);
/* Where the channels of an array that was read are. */
cli_layout cli_reading_layout(const cli_reading *r, const cli_array *a);

#endif

/* picture.h -- y as a .png. */
#ifndef CLI_PICTURE_H
#define CLI_PICTURE_H

#include "cli/problem.h"

/* Maps min..max of y to 0..255: the array becomes u8, in place. */
void cli_picture_map(cli_array *y);
/* Writes a checked problem's y, u8 and channels last; it must stay until commit. */
int cli_picture_write(cli_output *sink, const cli_problem *problem, const cli_array *y);
/* Whether y is one image of 1, 3 or 4 channels; else exit 3 with the reason. */
int cli_picture_check(const cli_problem *problem, const char *name);

#endif

/* output_case.h -- a small array to write, and what its file must be. Define _XOPEN_SOURCE 700 before. */
#ifndef OUTPUT_CASE_H
#define OUTPUT_CASE_H

#include "files.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

extern const cli_array output_array;
enum { OUTPUT_FILE = 128 + 6 * sizeof(float) }; /* bytes of output_array's file */

/* A new folder to write in, so that what is left behind can be counted. */
void output_enter(const char *folder);
/* The array goes to a file, or to what else has that name. */
void output_write(const char *name, const char *input);
void output_check(const char *name);
/* It is still the "old" that a test has put there. */
void output_check_old(const char *name);

/* The tests of the files of these names. */
void output_pipes(TCase *t);
void output_room(TCase *t);
void output_targets(TCase *t);

#endif

/* paths.h -- what a PATH of the command line stands for: a file, or the files of a folder in the order of their names. */
#ifndef CLI_PATHS_H
#define CLI_PATHS_H

/* Calls act for each, until it returns anything but EXIT_OK, which is returned. Of a folder those whose names begin with a point or
 * end in .npz are left out, and so is what is no regular file; exit 3 where nothing is left. */
int cli_paths(const char *path, int (*act)(void *user, const char *file), void *user);

#endif

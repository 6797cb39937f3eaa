/* temporary.h -- files under names of their own beside a target, which no signal leaves behind. */
#ifndef CLI_TEMPORARY_H
#define CLI_TEMPORARY_H

#include <stdbool.h>

enum { CLI_TEMPORARIES = 64 }; /* at once; as the number of a temporary: none */

/* Names change under this lock, which who removes them all because of a signal does not give back. */
void cli_temporary_lock(void);
void cli_temporary_unlock(void);
/* Each takes the number of a free temporary, and leaves CLI_TEMPORARIES and errno where it fails. */
int cli_temporary_create(int *slot, const char *target); /* a new file; returns its descriptor, or -1 */
bool cli_temporary_link(int *slot, const char *target);  /* a second name of what is at target */
/* Gives it the target's name, and with that up; false and errno where that fails. */
bool cli_temporary_rename(int *slot, const char *target);
/* Removes it, where there is one. */
void cli_temporary_remove(int *slot);

#endif

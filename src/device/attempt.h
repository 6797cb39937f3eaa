/* attempt.h -- one attempt at a program, without the table that keeps it. */
#ifndef CLN_ATTEMPT_H
#define CLN_ATTEMPT_H

#include "device/device.h"

typedef struct cln_attempt {
    cl_program program; /* NULL: it failed */
    char *key;          /* of the cache; NULL where that is off, or for want of memory, which is no failure */
    bool rejected, loaded; /* there was a binary and it is no good; it was taken */
    uint64_t ns;           /* what the last step took */
} cln_attempt;

/* From the cache, if it is there. */
void cln_attempt_cached(const cln_program_env *env, const char *source, const char *options, cln_attempt *a);
/* From the cache, else from source. */
clnorm_status cln_attempt_make(const cln_program_env *env, const char *source, const char *options,
                               cln_attempt *a);
void cln_attempt_drop(cln_attempt *a);
/* A line to the log about a program of these options. */
void cln_program_say(const cln_program_env *env, int level, const char *what, const char *options,
                     uint64_t ns);

#endif

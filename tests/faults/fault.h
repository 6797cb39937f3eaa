/* fault.h -- "the N-th call fails", for the layer and the two preloaded libraries: what each is told and what
 * it counts.
 *
 * Each exports one `fault` under its own name (clfault, mallocfault, iofault). A test of the same process
 * writes to it. A process of its own is told by the environment, NAME=N:CODE:once or N:CODE:forever in
 * capitals (N 0: only count), and leaves DIR/name behind at exit where FAULT_REPORT=DIR. README.md has
 * examples. */
#ifndef FAULT_H
#define FAULT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAULT_EXPORT __attribute__((visibility("default")))

typedef struct fault {
    int on;               /* calls count, and may fail */
    unsigned long calls;  /* counted so far */
    unsigned long at;     /* the one that fails, from 1; 0: none */
    int code;             /* what it fails with */
    int forever;          /* and all behind it */
    unsigned long fired;  /* calls that have failed */
    char what[48];        /* the first of them */
    unsigned long live;   /* objects, or bytes, that were made and not given back */
    unsigned long misuse; /* what the caller must never do: a dead object released, a limit exceeded */
    char detail[256];     /* the last misuse, or what is live */
} fault;

/* What the call must fail with, 0: nothing. The caller holds a lock. */
static inline int fault_hit(fault *f, const char *call)
{
    if (!f->on)
        return 0;
    f->calls++;
    if (!f->at || f->calls < f->at || (f->calls > f->at && !f->forever))
        return 0;
    if (!f->fired++)
        snprintf(f->what, sizeof f->what, "%s", call);
    return f->code;
}

/* From now on the n-th call fails. */
static inline void fault_arm(fault *f, unsigned long n, int code, int forever)
{
    f->calls = f->fired = 0;
    f->at = n;
    f->code = code;
    f->forever = forever;
    f->what[0] = '\0';
}

static inline void fault_from_environment(fault *f, const char *name)
{
    const char *text = getenv(name);
    unsigned long n;
    char how[16];
    int code;
    if (!text || sscanf(text, "%lu:%d:%15s", &n, &code, how) != 3)
        return;
    fault_arm(f, n, code, strcmp(how, "forever") == 0);
    f->on = 1;
}

static inline void fault_report(const fault *f, const char *name)
{
    const char *dir = getenv("FAULT_REPORT");
    char path[4096];
    if (!dir || !f->on)
        return;
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *file = fopen(path, "w");
    if (!file)
        return;
    fprintf(file, "%lu %lu %lu %lu %s\n%s\n", f->calls, f->fired, f->live, f->misuse,
            f->fired ? f->what : "-", f->detail);
    fclose(file);
}

#endif

/* world.h -- scenarios of the library, and the world in which one lives. */
#ifndef WORLD_H
#define WORLD_H

#include "clnorm.h"
#include "fault.h"

#include <stdbool.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- the three kinds of faults ---- */

enum { CL, MALLOC, IO, KINDS };
extern fault *faults[KINDS];

/* ---- a scenario and its world ---- */

typedef struct world world;
typedef clnorm_status step(world *w);

typedef struct scenario {
    char name[48];
    uint32_t kind; /* of the op */
    bool back;
    void (*adapt)(world *w); /* of the descriptor; NULL: none */
    uint32_t absent;         /* slots */
    step *steps[8];
} scenario;

struct world {
    const scenario *s;
    clnorm_any desc;
    uint32_t reads, writes;
    cl_device_id device;
    cl_context cl;
    cl_command_queue queue;
    cl_mem mem[CLNORM_SLOTS];
    size_t bytes[CLNORM_SLOTS];
    void *first[CLNORM_SLOTS], *want[CLNORM_SLOTS], *got[CLNORM_SLOTS]; /* on the host */
    clnorm_options options;
    clnorm_context *ctx;
    clnorm_plan *plan;
    char dir[64]; /* of the cache; "" without */
    bool cold;    /* it is emptied before each life */
    bool clean;   /* the first life, whose results are right */
};

/* The k-th: the special ones, then every op, then every layer backward. */
bool scenario_at(scenario *out, size_t k);
void world_make(world *w, const scenario *s);

/* Whether calls count; not while the test itself makes them. */
void count(bool on);
/* Ends with the sentence unless it is well. */
void need(bool well, const char *what);

/* ---- steps that tests know by name ---- */

step open_context, open_kept, make_plan, run_host;

#endif

/* engine.h -- the demo's use of clnorm: one op on one photograph, timed and measured. */
#ifndef DEMO_ENGINE_H
#define DEMO_ENGINE_H

#include "clnorm.h"
#include "photo.h"
#include "tile.h"

/* One op and what differs from its defaults. */
typedef struct engine_job {
    const char *op;
    const char *preset; /* of normalize and denormalize, or NULL */
    uint32_t scope;     /* of minmax and zscore */
    bool back;          /* x is the photo normalized with `preset`, y is 8 bits again */
} engine_job;

typedef struct engine_result {
    float *values; /* y, channels first; engine_result_free */
    tile_stats stats[TILE_CHANNELS];
    double ms; /* median of several runs */
    char plan[256];
} engine_result;

typedef struct engine engine;

/* On the device that `device` names. On failure, clnorm_last_error says why. */
clnorm_status engine_open(engine **out, const char *device, const clnorm_device **info);
void engine_close(engine *e);
clnorm_status engine_run(engine *e, engine_result *out, const engine_job *job, const photo *p);
/* Only the numbers of the photograph itself, as bytes. */
clnorm_status engine_measure(engine *e, engine_result *out, const photo *p);
void engine_result_free(engine_result *r);

#endif

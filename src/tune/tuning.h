/* tuning.h -- what was measured to be fastest on one device: per class of problems, in memory and in a file.
 *
 * A file is text: `clnorm tuning 1`, then for each device a line `device NAME, driver VERSION` and a line per
 * class, `CLASS: SOLVER wg N vec N busy N wide N` or `CLASS: estimate`. A device without a driver is that with any. Lines
 * that start with # say something to people. */
#ifndef CLN_TUNING_H
#define CLN_TUNING_H

#include "device/device.h"

#define CLN_CLASS_ROOM 96 /* of a class's name */

#define CLN_ESTIMATE "estimate" /* as a solver: nothing was faster than what the planner takes */

/* How to run a class. Results never depend on it. */
typedef struct cln_tuned {
    char solver[16];
    uint32_t wg, vec, busy; /* as in cln_params */
    bool wide;              /* the stores of large outputs (plan.h: wide, leads) */
} cln_tuned;

typedef struct cln_tuning cln_tuning;
/* Of an entry for this device, tuned NULL an estimate: NULL, or what is wrong with it. */
typedef const char *cln_tuned_fault(const char *name, const cln_tuned *tuned, const cln_device *device);

/* What the library knows without a file: lines of one, the first device's first; ends with NULL. */
extern const char *const cln_tuned_shipped[];
/* Release it also where this fails. */
clnorm_status cln_tuning_create(cln_tuning **out, const cln_device *device, cln_tuned_fault *fault);
void cln_tuning_release(cln_tuning *t);
/* Any thread. */
bool cln_tuning_find(cln_tuning *t, const char *name, cln_tuned *out);
clnorm_status cln_tuning_set(cln_tuning *t, const char *name, const cln_tuned *tuned);
/* Takes the file's entries for this device, over those of the same classes. EIO names the line, then nothing is taken; or, without
 * a sentence, *absent: there is no file. */
clnorm_status cln_tuning_load(cln_tuning *t, const char *path, bool *absent);
/* The file then holds this table for this device, and for others what it held before. One that is no such file is refused and
 * stays as it is. */
clnorm_status cln_tuning_save(cln_tuning *t, const char *path);

#endif

/* device_case.h -- the list of devices, and sentences. Define _XOPEN_SOURCE 700 before. */
#ifndef DEVICE_CASE_H
#define DEVICE_CASE_H

#include "device/device.h"

#include "base/compiler.h"
#include "suite.h"

#define DEVICE_MOST 16

/* What clnorm_devices lists, before each test. */
extern clnorm_device device_list[DEVICE_MOST];
extern size_t device_count;

#define SAYS(sentence, words) \
    ck_assert_msg(strstr(sentence, words) != NULL, "no \"%s\" in: %s", words, sentence)

extern const char *device_self; /* this program, to run it where there is no device */
int device_report(void);        /* what it does there, with the word report */

/* The tests of the files of these names. */
void device_find(TCase *t);
void device_processes(TCase *t);

#endif

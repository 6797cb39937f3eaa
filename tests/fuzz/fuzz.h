/* fuzz.h -- what the fuzzing targets share. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* A target: returns 0, or does not return where clnorm did what it may not. libFuzzer's name. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the process with the condition that does not hold, which is a finding. */
#define FUZZ_CHECK(condition)                                                                   \
    do {                                                                                        \
        if (!(condition)) {                                                                     \
            fprintf(stderr, "%s:%d: this does not hold: %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                                            \
        }                                                                                       \
    } while (0)

/* A directory of this process alone, made at the first call and removed at its end. */
const char *fuzz_directory(void);
/* Writes a whole file that nobody else may write to, and reads one, for free(). */
void fuzz_write(const char *path, const uint8_t *data, size_t size);
uint8_t *fuzz_read(const char *path, size_t *size);

/* From listen to heard, which returns it until the next listen, what is printed is kept: it needs to be text
 * without anything that drives a terminal. */
void fuzz_listen(void);
const char *fuzz_heard(void);

/* Mutations that put checksums right, which chance never does, are of libFuzzer's builds alone. */
#ifdef CLNORM_FUZZ
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t room);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed);
#endif

#endif

/* files.h -- for tests of the command's files: a folder to write in, what stderr was told, damaged bytes. */
#ifndef TEST_FILES_H
#define TEST_FILES_H

#include "cli/io.h"

#include "suite.h"

/* Runs the suite in a folder of its own, which goes with all that is in it. */
int files_run(Suite *suite);

void files_write(const char *name, const void *bytes, size_t size);
/* The whole file for free(), with a NUL behind it. */
unsigned char *files_read(const char *name, size_t *size);
/* Entries of a folder besides . and .. */
int files_count(const char *folder);
/* A FIFO that another process fills with the bytes and `more` zeros, then closes. */
void files_feed(const char *fifo, const void *bytes, size_t size, size_t more);

/* Runs act in another process, as nobody where we are root, who may do everything. Returns what act does. */
int files_as_nobody(int (*act)(void));

/* A clock. */
double files_seconds(void);

/* The text of an .npy header of contiguous f4, or of any type and order. */
#define FILES_NPY_F4(shape) FILES_NPY("<f4", "False", shape)
#define FILES_NPY(descr, order, shape) \
    "{'descr': '" descr "', 'fortran_order': " order ", 'shape': " shape ", }"
/* Puts magic, version and length before a header's text. Returns the size of all. */
size_t files_npy(unsigned char *to, unsigned major, const char *text, size_t length);
/* Version 1.0. */
size_t files_npy_text(unsigned char *to, const char *text);
/* A file of a header and of so many zero bytes of data; 64 KiB in all at most. */
void files_write_npy(const char *name, const char *text, size_t data);

/* Catches stderr from listen to heard, which returns it until the next call. */
void files_listen(void);
const char *files_heard(void);

/* The call returns the code, and one sentence that contains `part`; none where part is NULL. */
#define FILES_EXPECT(call, code, part) (files_listen(), files_expect((call), (code), (part), #call, __LINE__))
void files_expect(int got, int want, const char *part, const char *call, int line);

/* Damage drawn from a seed, which is printed and can be given as CLNORM_SEED. */
uint64_t files_seed(void);
uint32_t files_random(uint64_t *state);
/* A copy of exactly the bytes' size or less, so that ASan sees every read beyond it; for free(). */
unsigned char *files_damage(uint64_t *state, const unsigned char *bytes, size_t *size);

#endif

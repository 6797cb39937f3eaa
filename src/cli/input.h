/* input.h -- the bytes of an input file or stream, and the host memory to hold them. */
#ifndef CLI_INPUT_H
#define CLI_INPUT_H

#include "cli/io.h"

enum { CLI_HEAD = 16 };                    /* bytes that tell every type apart */
#define CLI_FILE_BYTES ((uint64_t)4 << 30) /* of an image, and of whatever comes without a size */

typedef struct cli_source {
    const char *name; /* quoted, for sentences */
    int fd;
    uint64_t size; /* 0 where it is not known: pipes, devices, /proc */
    unsigned char head[CLI_HEAD];
    size_t head_bytes, head_taken;
} cli_source;

/* Opens and looks at the first bytes, so that /dev/zero is refused before anything is read from it. */
int cli_source_open(cli_source *s, const char *name);
void cli_source_close(cli_source *s);
/* Reads until `room` bytes are there or the file ends. */
int cli_source_read(size_t *got, cli_source *s, void *bytes, size_t room);
/* Reads all that is left into memory for free(). */
int cli_source_all(unsigned char **bytes, size_t *size, cli_source *s);

/* malloc for what `name` needs. Exit 6 with wanted and limit where bytes and `more`, which a library will
 * take besides, are beyond what this process can ever have. */
int cli_memory(void **out, const char *name, uint64_t bytes, uint64_t more);
/* As cli_memory, of zeros. */
int cli_zeros(void **out, const char *name, uint64_t bytes);
/* The sentence alone: so many bytes were not free. Returns exit 6. */
int cli_no_memory(const char *name, uint64_t bytes);

#endif

/* io.h -- the command's files: arrays and images in, arrays and pictures out. */
#ifndef CLI_IO_H
#define CLI_IO_H

#include "clnorm.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Exit codes of the command; DESIGN section 5 is the contract. */
enum {
    EXIT_OK,
    EXIT_CHECK,
    EXIT_USAGE,
    EXIT_INPUT,
    EXIT_DEVICE,
    EXIT_OPENCL,
    EXIT_MEMORY,
    EXIT_SIGNAL = 130
};

/* Prints "clnorm: <sentence>" on stderr and returns the code, so that `return cli_fail(...)` is the whole
 * error path. File names in the sentence must have gone through cli_quote. */
int cli_fail(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The lines behind it, of a compiler. */
void cli_fail_log(const char *lines);
/* A name as it may be printed: control, non-UTF-8 and escape bytes as \xNN, cut at 200 characters. One of
 * several rotating static buffers. */
const char *cli_quote(const char *name);

/* A dense array on the host, C order, or a decoded image: then (1,H,W,C), `image` set. */
typedef struct cli_array {
    uint32_t dtype; /* clnorm_dtype; f8 in a file is rounded to f32; `<u8` (counts) has dtype 0, 8 bytes */
    uint32_t ndim;
    int64_t shape[CLNORM_MAX_DIMS];
    void *data; /* cli_array_free */
    size_t bytes;
    bool image;
} cli_array;

/* Reads `name` ("-" is stdin) by its content: .npy, PNG, JPEG, WebP, PPM, PGM. bf16: `<u2` is bf16.
 * rgb8: 3 channels of 8 bits from any image. Returns an exit code; 3 with the reason for anything that
 * cannot be read, 6 for what would not fit memory (says wanted and limit). */
int cli_read(cli_array *out, const char *name, bool bf16, bool rgb8);
/* As cli_read, only .npy. */
int cli_read_npy(cli_array *out, const char *name, bool bf16);
void cli_array_free(cli_array *a);

/* Whether an output of that name is standard output. */
bool cli_is_standard(const char *name);
/* Whether a name ends so, in either case, and has more. */
bool cli_ends_in(const char *name, const char *extension);

/* Outputs appear together or not at all: open creates temporary files beside the targets, commit renames
 * them, abandon removes them. A device, pipe or "-" (stdout) is written directly at commit. */
typedef struct cli_output cli_output;
/* Checks that the target can be written and is not `input` (same file, links followed). .npy, .png or "-". */
int cli_output_open(cli_output **out, const char *name, const char *input);
/* a must stay until commit. PNG takes u8 with 1, 3 or 4 channels last; anything else is exit 2 or 3. */
int cli_output_npy(cli_output *o, const cli_array *a);
int cli_output_png(cli_output *o, const void *u8, int64_t height, int64_t width, int channels);
int cli_output_commit(cli_output *o); /* frees */
/* All, what is written directly first, and none where one fails: files that were placed before are taken back, where the file system
 * has links. Frees all. */
int cli_output_commit_all(cli_output *const *list, size_t count);
void cli_output_abandon(cli_output *o); /* frees; NULL is a no-op */
/* Removes every temporary that is open: for signal handlers (async-signal-safe). */
void cli_output_unlink_all(void);

#endif

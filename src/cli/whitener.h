/* whitener.h -- a fitted whitener as an .npz file: what `fit-whiten` writes and `run whiten` reads. */
#ifndef CLI_WHITENER_H
#define CLI_WHITENER_H

#include "cli/reading.h"

/* What a sample was. */
typedef struct cli_sample {
    uint64_t samples; /* clnorm_samples */
    uint64_t channels, height, width;
    uint64_t stride; /* of patches */
    uint64_t form;   /* clnorm_whitening */
} cli_sample;

/* The arrays of the file: `mean` (D), `mean_rest` (D), what rounding the mean to f32 left, `whitener` (K,D), `inverse` (D,K),
 * `eigenvalues` (D), `eps` (1), `count` (1) and `sample` (6), the numbers above. y = (x - mean) @ whitener.T */
typedef struct cli_whitener {
    cli_sample sample;
    uint64_t count;
    size_t dims, outputs; /* D, K */
    float eps;
    float *mean; /* (2,D), as the op takes it */
    float *whitener, *inverse, *eigenvalues;
} cli_whitener;

/* Room for the arrays; outputs is set too. */
int cli_whitener_alloc(cli_whitener *w, size_t dims, size_t outputs);
void cli_whitener_free(cli_whitener *w);
/* Reads and checks a file: every array there, of the shapes that belong together, and finite. */
int cli_whitener_read(cli_whitener *out, const char *name);
/* Reads an input: (N,C), (C,H,W) or (N,C,H,W). images: as cli_reading_read has it. */
int cli_whitener_input(cli_array *out, const cli_reading *r, const char *name, bool images);
int cli_whitener_write(const cli_whitener *w, cli_output *sink);
/* "3 channels", "patches of 8x8 pixels of 3 channels"; a static buffer. */
const char *cli_sample_text(const cli_sample *s);

#endif

/* fuzz_npz.c -- a file that is to be a whitener: a zip archive of .npy arrays, or anything else.
 *
 * It is refused with one sentence, or is a whitener whose arrays are finite and as long as it says. */
#include "fuzz.h"

#include "cli/npz.h"
#include "cli/whitener.h"

#include <math.h>
#include <string.h>

static void check_sentence(int code, const char *text)
{
    FUZZ_CHECK(code == EXIT_OK || code == EXIT_INPUT || code == EXIT_MEMORY);
    FUZZ_CHECK((code == EXIT_OK) == !text[0]);
    FUZZ_CHECK(code == EXIT_OK || (!strncmp(text, "clnorm: ", 8) && strchr(text, '\n') == text + strlen(text) - 1));
}

static void check_floats(const float *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        FUZZ_CHECK(isfinite(list[i]));
}

static void check_whitener(const cli_whitener *w)
{
    const cli_sample *s = &w->sample;
    FUZZ_CHECK(w->outputs >= 1 && w->outputs <= w->dims && w->dims <= CLNORM_WHITEN_DIMS);
    FUZZ_CHECK(s->channels * s->height * s->width == w->dims);
    check_floats(w->mean, 2 * w->dims);
    check_floats(w->whitener, w->dims * w->outputs);
    check_floats(w->inverse, w->dims * w->outputs);
    check_floats(w->eigenvalues, w->dims);
    cli_sample_text(s);
}

/* One array alone, of any type and shape. */
static void try_array(const char *path, const char *array)
{
    cli_npz *z;
    cli_array a;
    fuzz_listen();
    int code = cli_npz_open(&z, path);
    if (code == EXIT_OK) {
        code = cli_npz_read(&a, z, array);
        FUZZ_CHECK((code == EXIT_OK) == (a.data != NULL));
        cli_array_free(&a);
    }
    cli_npz_close(z);
    check_sentence(code, fuzz_heard());
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char path[256];
    cli_whitener w;
    snprintf(path, sizeof path, "%s/input.npz", fuzz_directory());
    fuzz_write(path, data, size);
    try_array(path, "whitener");
    try_array(path, "a");
    fuzz_listen();
    const int code = cli_whitener_read(&w, path);
    check_sentence(code, fuzz_heard());
    if (code == EXIT_OK)
        check_whitener(&w);
    FUZZ_CHECK(code == EXIT_OK || !w.mean);
    cli_whitener_free(&w);
    return 0;
}

/* test_image.c -- pictures of all types cut short and damaged at random. */
#include "cli/image.h"

#include "pictures.h"

#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

typedef struct sample {
    int (*decode)(cli_array *out, const cli_file *file);
    blob b;
} sample;
enum { SAMPLES = 11 };

static void make_samples(sample out[SAMPLES])
{
    static const png_form png[] = { { 5, 4, 8, 2, false, false },
                                    { 5, 4, 4, 3, true, false },
                                    { 5, 4, 16, 6, true, false } };
    static const jpeg_form jpeg[] = { { 9, 9, 1, false, false, false, false, { 0 } },
                                      { 20, 9, 3, true, false, false, false, { 0 } },
                                      { 20, 9, 3, false, true, false, false, { 0 } },
                                      { 20, 9, 4, false, false, true, false, { 1, 2, 3, 4 } } };
    size_t n = 0;
    for (size_t i = 0; i < COUNT(png); i++)
        out[n].decode = cli_png_decode, out[n++].b = picture_png(&png[i]);
    for (size_t i = 0; i < COUNT(jpeg); i++)
        out[n].decode = cli_jpeg_decode, out[n++].b = picture_jpeg(&jpeg[i]);
    for (int i = 0; i < 2; i++)
        out[n].decode = cli_webp_decode, out[n++].b = picture_webp(9, 5, i == 0, i == 1);
    memset(out + n, 0, 2 * sizeof *out);
    blob_add(&out[n].b, "P6 # x\n2 2 255 abcdefghijkl", 27);
    out[n++].decode = cli_pnm_decode;
    blob_add(&out[n].b, "P5\n2 3\n1023 \0\1\0\2\1\0\2\xff\1\1\3\xff", 24);
    out[n++].decode = cli_pnm_decode;
    ck_assert_uint_eq(n, SAMPLES);
}

/* Decodes bytes that end where their memory does. */
static int decode(const sample *s, const unsigned char *bytes, size_t size)
{
    cli_array a;
    const cli_file file = { "x", bytes, size, size % 2 };
    memset(&a, 0, sizeof a);
    files_listen();
    const int code = s->decode(&a, &file);
    const bool said = files_heard()[0] != '\0';
    ck_assert_msg(said == (code != EXIT_OK), "code %d", code);
    cli_array_free(&a);
    return code;
}

START_TEST(every_prefix) /* 35 */
{
    sample samples[SAMPLES];
    make_samples(samples);
    for (size_t i = 0; i < SAMPLES; i++)
        for (size_t size = 2; size <= samples[i].b.size; size++) {
            unsigned char *const copy = (unsigned char *)malloc(size);
            ck_assert_ptr_nonnull(copy);
            memcpy(copy, samples[i].b.data, size);
            const int code = decode(&samples[i], copy, size);
            ck_assert_msg(code == (size < samples[i].b.size ? EXIT_INPUT : EXIT_OK),
                          "sample %zu, %zu bytes: %d", i, size, code);
            free(copy);
        }
    for (size_t i = 0; i < SAMPLES; i++)
        free(samples[i].b.data);
}
END_TEST

START_TEST(damaged)
{
    sample samples[SAMPLES];
    uint64_t state = files_seed();
    make_samples(samples);
    for (size_t n = 0; n < 2000; n++) {
        const sample *const s = &samples[n % SAMPLES];
        size_t size = s->b.size;
        unsigned char *const copy = files_damage(&state, s->b.data, &size);
        memcpy(copy, s->b.data, size < 2 ? size : 2); /* a type is only asked for what has its magic */
        if (s->decode == cli_png_decode && files_random(&state) % 4)
            png_mend(copy, size);
        if (size >= 2) {
            const int code = decode(s, copy, size);
            ck_assert(code == EXIT_OK || code == EXIT_INPUT || code == EXIT_MEMORY);
        }
        free(copy);
    }
    for (size_t i = 0; i < SAMPLES; i++)
        free(samples[i].b.data);
}
END_TEST

int main(void)
{
    TCase *const c = SUITE_CASE(every_prefix, damaged);
    tcase_set_timeout(c, 60);
    return files_run(suite_of("image", c));
}

/* test_image.c -- pictures of all types cut short and damaged at random. */
#define _XOPEN_SOURCE 700
#include "cli/image.h"

#include "pictures.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

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

/* ---- limits: nothing is decoded before they are looked at ---- */

static void put_big_endian(blob *b, size_t at, uint32_t value)
{
    b->data[at] = (unsigned char)(value >> 8);
    b->data[at + 1] = (unsigned char)value;
}

/* A small picture whose header says another size. */
static blob claimed_jpeg(uint32_t width, uint32_t height, bool progressive)
{
    const jpeg_form form = { 20, 9, 3, progressive, false, false, false, { 0 } };
    blob b = picture_jpeg(&form);
    const size_t frame = jpeg_marker(&b, progressive ? 0xc2 : 0xc0);
    put_big_endian(&b, frame + 5, height);
    put_big_endian(&b, frame + 7, width);
    return b;
}

static blob claimed_png(uint32_t width, uint32_t height, bool unused)
{
    blob b = { NULL, 0 };
    (void)unused;
    png_begin(&b);
    png_ihdr(&b, width, height, 8, 2);
    png_deflated(&b, "IDAT", "", 0, 1000);
    png_chunk(&b, "IEND", "", 0);
    return b;
}

/* 14 bits each of width - 1 and height - 1. */
static blob claimed_webp(uint32_t width, uint32_t height, bool unused)
{
    blob b = picture_webp(9, 5, true, false);
    const uint32_t bits = (width - 1) | (height - 1) << 14;
    (void)unused;
    for (size_t k = 0; k < 3; k++)
        b.data[21 + k] = (unsigned char)(bits >> 8 * k);
    b.data[24] = (unsigned char)((b.data[24] & 0xf0u) | bits >> 24);
    return b;
}

static const struct claim {
    blob (*make)(uint32_t width, uint32_t height, bool progressive);
    uint32_t width, height;
    bool progressive;
    int code;
    const char *why;
} claims[] = {
    { claimed_png, 16000, 16000, false, EXIT_MEMORY, "needs 768000000 bytes of host memory; the limit is 7" },
    { claimed_jpeg, 16000, 16000, false, EXIT_MEMORY, "needs 768000000 bytes of host memory" },
    { claimed_jpeg, 16000, 16000, true, EXIT_MEMORY,
      "needs 2304000000 bytes of host memory" }, /* coefficients too */
    { claimed_jpeg, 12000, 12000, true, EXIT_MEMORY, "needs 1296000000 bytes of host memory" },
    { claimed_webp, 16000, 16000, false, EXIT_MEMORY, "needs 1792000000 bytes of host memory" },
    { claimed_jpeg, 65500, 65500, false, EXIT_INPUT,
      "65500x65500 = 4290250000 pixels; the limit is 268435456" },
    { claimed_png, 20000, 20000, false, EXIT_INPUT,
      "20000x20000 = 400000000 pixels; the limit is 268435456" },
    { claimed_png, 1000001, 1, false, EXIT_INPUT, "1000001x1 pixels; the limit is 1000000 each way" },
};

START_TEST(limits)
{
#if !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__) /* which take more address space than there may be */
    struct rlimit limit;
    ck_assert_int_eq(getrlimit(RLIMIT_AS, &limit), 0);
    limit.rlim_cur = 700 << 20;
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);
#endif
    for (size_t i = 0; i < COUNT(claims); i++) {
        const struct claim *const c = &claims[i];
        const blob b = c->make(c->width, c->height, c->progressive);
        const double start = files_seconds();
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
        if (c->code == EXIT_INPUT)
#endif
            PICTURE_EXPECT(b, c->code, c->why);
        ck_assert_double_lt(files_seconds() - start, 1);
        free(b.data);
    }
}
END_TEST

int main(void)
{
    TCase *const c = SUITE_CASE(every_prefix, damaged, limits);
    tcase_set_timeout(c, 60);
    return files_run(suite_of("image", c));
}

/* floors_rows.c -- the rows, each with the fastest orders of those that were tried. */
#include "floors.h"

/* Sets: channels of n planes of hw elements; a tensor in pieces; tiles of len pixels, all channels; so many pixels of images. */
#define CHANNELS(n, c, hw) c, hw, n, (c) * (hw), c, 0
#define PIECES(count, elements) count, (elements) / (count), 1, 0, count, 0
#define TILES(n, c, hw, len) (n) * (hw) / (len), len, c, hw, (hw) / (len), (c) * (hw)
#define ROWS(n, c) PIECES(n, (n) * (c))
#define PLANE (224 * 224)
#define PIXELS(count) 32 * PLANE / (count), PLANE, 1, count, 1, 0
#define FRAME PIECES(96, 3 * 1080 * 1920)
#define FEATURES PIECES(128, 32 * 64 * 112 * 112)
#define SMALL CHANNELS(32, 128, 16 * 49) /* of 7x7 planes: 16 channels, whose pieces are whole vectors */
#define TILE TILES(32, 96, 56 * 56, 64)
#define TOKENS ROWS(6272, 768)

static const floor_order bytes[] = {
    { "16 pixels", { PIXELS(16) }, FLOOR_PIXELS, 2 * PLANE / 16, 1, 0, 0, 0, 0, 0 },
    { "64 pixels", { PIXELS(64) }, FLOOR_PIXELS, 4 * PLANE / 64, 1, 0, 0, 0, 0, 0 },
    { "1024 pixels", { PIXELS(1024) }, FLOOR_PIXELS, 7, 1, 0, 0, 0, 0, 0 },
    { 0 },
};
static const floor_order frame[] = {
    { "8 parts", { FRAME }, FLOOR_APART, 12, 1, 0, 0, 0, 0, 0 },
    { "2 parts", { FRAME }, FLOOR_APART, 48, 1, 0, 0, 0, 0, 0 },
    { "8 parts, 2 KiB ahead", { FRAME }, FLOOR_APART, 12, 1, 512, 0, 2, 0, 0 },
    { 0 },
};
static const floor_order channels64[] = {
    { "a channel", { CHANNELS(32, 64, 112 * 112) }, FLOOR_BOTH, 1, 1, 0, 0, 0, 0, 0 },
    { "32 channels a group", { CHANNELS(32, 64, 112 * 112) }, FLOOR_BOTH, 32, 1, 0, 0, 0, 0, 0 },
    { "the next by turns", { CHANNELS(32, 64, 112 * 112) }, FLOOR_TURNS, 8, 1, 0, 0, 0, 0, 0 },
    { 0 },
};
static const floor_order channels256[] = {
    { "a channel", { CHANNELS(32, 256, 56 * 56) }, FLOOR_BOTH, 1, 1, 0, 0, 0, 0, 0 },
    { "16 channels a group", { CHANNELS(32, 256, 56 * 56) }, FLOOR_BOTH, 16, 1, 0, 0, 0, 0, 0 },
    { "the next by turns", { CHANNELS(32, 256, 56 * 56) }, FLOOR_TURNS, 16, 1, 0, 0, 0, 0, 0 },
    { 0 },
};
static const floor_order small_planes[] = {
    { "16 channels", { SMALL }, FLOOR_BOTH, 1, 1, 0, 0, 0, 0, 0 },
    { "64 channels", { CHANNELS(32, 32, 64 * 49) }, FLOOR_BOTH, 1, 1, 0, 0, 0, 0, 0 },
    { "16 channels, the next ahead", { SMALL }, FLOOR_BOTH, 8, 1, 0, 16 * 49, 2, 0, 0 },
    { "16 channels, sums", { SMALL }, FLOOR_BOTH, 1, 1, 0, 0, 0, 16 * 49, 0 },
    { "16 channels, sums, 4 samples at once", { SMALL }, FLOOR_BOTH, 1, 4, 0, 0, 0, 16 * 49, 0 },
    { 0 },
};
static const floor_order last64[] = {
    { "16 parts", { FEATURES }, FLOOR_APART, 8, 1, 0, 0, 0, 0, 0 },
    { "16 parts, 2 KiB ahead", { FEATURES }, FLOOR_APART, 8, 1, 512, 0, 3, 0, 0 },
    { "16 parts, 8 KiB ahead", { FEATURES }, FLOOR_APART, 8, 1, 2048, 0, 2, 0, 0 },
    { "16 parts, sums", { FEATURES }, FLOOR_APART, 8, 1, 0, 0, 0, 64, 0 },
    { "16 parts, sums, 8 KiB ahead", { FEATURES }, FLOOR_APART, 8, 1, 2048, 0, 2, 64, 0 },
    { 0 },
};
static const floor_order last256[] = {
    { "16 parts", { FEATURES }, FLOOR_APART, 8, 1, 0, 0, 0, 0, 0 },
    { "16 parts, 2 KiB ahead", { FEATURES }, FLOOR_APART, 8, 1, 512, 0, 3, 0, 0 },
    { "16 parts, 8 KiB ahead", { FEATURES }, FLOOR_APART, 8, 1, 2048, 0, 2, 0, 0 },
    { "16 parts, sums", { FEATURES }, FLOOR_APART, 8, 1, 0, 0, 0, 256, 0 },
    { "16 parts, sums, 8 KiB ahead", { FEATURES }, FLOOR_APART, 8, 1, 2048, 0, 2, 256, 0 },
    { 0 },
};
static const floor_order rows[] = {
    { "a row", { TOKENS }, FLOOR_BOTH, 392, 1, 0, 0, 0, 0, 0 },
    { "a row, the next ahead", { TOKENS }, FLOOR_BOTH, 392, 1, 0, 768, 3, 0, 0 },
    { "the next by turns", { TOKENS }, FLOOR_TURNS, 392, 1, 0, 0, 0, 0, 0 },
    { 0 },
};
static const floor_order rows_back[] = {
    { "a row", { TOKENS }, FLOOR_BOTH, 392, 1, 0, 0, 0, 0, 0 },
    { "a row, the next ahead", { TOKENS }, FLOOR_BOTH, 392, 1, 0, 768, 3, 0, 0 },
    { "the next by turns", { TOKENS }, FLOOR_TURNS, 392, 1, 0, 0, 0, 0, 0 },
    { "a row, sums", { TOKENS }, FLOOR_BOTH, 392, 1, 0, 0, 0, 0, 768 },
    { "a row, sums, the next ahead", { TOKENS }, FLOOR_BOTH, 392, 1, 0, 768, 3, 0, 768 },
    { "a row, sums, 512 rows a group", { TOKENS }, FLOOR_BOTH, 512, 1, 0, 0, 0, 0, 768 },
    { 0 },
};
static const floor_order over_c[] = {
    { "64 pixels", { TILE }, FLOOR_BOTH, 98, 1, 0, 0, 0, 0, 0 },
    { "64 pixels, the next ahead", { TILE }, FLOOR_BOTH, 98, 1, 0, 64, 2, 0, 0 },
    { "64 pixels, the next by turns", { TILE }, FLOOR_TURNS, 98, 1, 0, 0, 0, 0, 0 },
    { "64 pixels, sums, the next by turns", { TILE }, FLOOR_TURNS, 98, 1, 0, 0, 0, 64, 0 },
    { 0 },
};

/* Goals are those of a machine whose last level is fast, 32 MiB of an AMD EPYC. */
const floor_row floor_rows[] = {
    { CLNORM_OP_NORMALIZE, 0, 1, { 32, 3, 224, 224 }, 1.10, bytes },
    { CLNORM_OP_TOTENSOR, 0, 1, { 32, 3, 224, 224 }, 1.10, bytes },
    { CLNORM_OP_SYMMETRIC, 0, 1, { 32, 3, 224, 224 }, 1.10, bytes },
    { CLNORM_OP_MINMAX, 0, 0, { 1, 3, 1080, 1920 }, 1.6, frame },
    { CLNORM_OP_ZSCORE, 0, 0, { 1, 3, 1080, 1920 }, 1.6, frame },
    { CLNORM_OP_BATCHNORM, 1, 0, { 32, 64, 112, 112 }, 1.35, channels64 },
    { CLNORM_OP_BATCHNORM, 1, 0, { 32, 256, 56, 56 }, 1.35, channels256 },
    { CLNORM_OP_BATCHNORM, 0, 0, { 32, 2048, 7, 7 }, 1.8, small_planes },
    { CLNORM_OP_BATCHNORM, 1, 0, { 32, 2048, 7, 7 }, 2.2, small_planes },
    { CLNORM_OP_BATCHNORM, 0, 1, { 32, 64, 112, 112 }, 1.75, last64 },
    { CLNORM_OP_BATCHNORM, 1, 1, { 32, 64, 112, 112 }, 0, last64 },
    { CLNORM_OP_BATCHNORM, 0, 1, { 32, 256, 56, 56 }, 1.8, last256 },
    { CLNORM_OP_LAYERNORM, 0, 0, { 6272, 768 }, 1.3, rows },
    { CLNORM_OP_LAYERNORM, 1, 0, { 6272, 768 }, 1.8, rows_back },
    { CLNORM_OP_LAYERNORM, 0, 0, { 32, 96, 56, 56 }, 1.45, over_c },
};
const size_t floor_row_count = sizeof floor_rows / sizeof *floor_rows;

/* test_huge.c -- tensors of more than 2^31 elements: all of a u8 result compared, to the last element.
 *
 * x is a block of a prime length again and again, so that no place 2^31 or 2^32 elements away holds the same.
 * Skipped where the device or the machine has too little memory for two buffers of 2.2 GB. */
#include "api_case.h"

#include "data.h"
#include "huge_case.h"

#define PRIME ((size_t)65521)
#define PIECE (PRIME * 256)        /* of a transfer */
#define COUNT ((size_t)2147581953) /* 65,537 rows of 32,769: 2^31 + 98,305 */
#define ROOM (COUNT + (1u << 16))

typedef unsigned char pixel;

static struct {
    cl_mem x, y;
    pixel *block, *back; /* a piece of x, and of what came back */
} the;

/* ---- data ---- */

static void write_x(void)
{
    uint32_t state = 3;
    for (size_t i = 0; i < PIECE; i++)
        the.block[i] = i < PRIME ? (pixel)(data_random(&state) * 256) : the.block[i - PRIME];
    for (size_t at = 0; at < ROOM; at += PIECE)
        ck_assert_int_eq(clEnqueueWriteBuffer(harness_get()->queue, the.x, CL_TRUE, at,
                                              at + PIECE < ROOM ? PIECE : ROOM - at, the.block, 0, NULL,
                                              NULL),
                         CL_SUCCESS);
}

static pixel x_at(size_t i) { return the.block[i % PRIME]; }

/* y as `want` has it, [0, count); behind that what was there. */
static void check_y(size_t count, pixel (*want)(size_t i))
{
    for (size_t at = 0; at < count; at += PIECE) {
        const size_t n = at + PIECE < count ? PIECE : count - at;
        read_back(the.y, at, n, the.back);
        for (size_t i = 0; i < n; i++)
            if (the.back[i] != want(at + i))
                ck_abort_msg("y[%zu] is %d, not %d", at + i, the.back[i], want(at + i));
    }
    read_back(the.y, count, ROOM - count, the.back);
    for (size_t i = 0; i < ROOM - count; i++)
        ck_assert_msg(the.back[i] == HUGE_BEFORE, "y[%zu], behind the last, was written", count + i);
}

static void run(const clnorm_op *op, const clnorm_args *args)
{
    huge_clear(the.y, ROOM);
    huge_run(op, args);
}

static void run_pair(const clnorm_op *op)
{
    clnorm_args args = CLNORM_ARGS_INIT;
    args.slot[CLNORM_X].mem = the.x;
    args.slot[CLNORM_Y].mem = the.y;
    run(op, &args);
}

/* ---- one axis ---- */

static pixel half_of(size_t i) { return (pixel)lrint(x_at(i) / 2.0); } /* half to even, as the library */

START_TEST(pointwise)
{
    clnorm_totensor d = CLNORM_TOTENSOR_INIT;
    d.x = d.y = clnorm_nchw(CLNORM_U8, 1, 1, 65537, 32769);
    d.scale = 2;
    ck_assert_uint_eq((uint64_t)clnorm_tensor_count(&d.x), COUNT);
    run_pair(&d.op);
    check_y(COUNT, half_of);
}
END_TEST

/* ---- channels last to channels first ---- */

enum { SIDE = 26755 };
#define PIXELS ((size_t)SIDE * SIDE) /* three times that is 2^31 + 6,427 */

static pixel turned(size_t i) { return half_of(i % PIXELS * 3 + i / PIXELS); }

START_TEST(channels_last_to_first)
{
    clnorm_totensor d = CLNORM_TOTENSOR_INIT;
    d.x = clnorm_nhwc(CLNORM_U8, 1, 3, SIDE, SIDE);
    d.y = clnorm_nchw(CLNORM_U8, 1, 3, SIDE, SIDE);
    d.scale = 2;
    run_pair(&d.op);
    check_y(3 * PIXELS, turned);
}
END_TEST

/* ---- statistics of many rows ---- */

enum { ROW = 4099, ROWS = 523920 }; /* 2^31 + 64,432 */

/* Bounds of the row that i lies in, kept from one call to the next. */
static void bounds(size_t i, pixel *low, pixel *high)
{
    static size_t row = SIZE_MAX;
    static pixel least, most;
    if (i / ROW != row) {
        row = i / ROW;
        least = most = x_at(row * ROW);
        for (size_t k = 1; k < ROW; k++) {
            const pixel v = x_at(row * ROW + k);
            least = v < least ? v : least;
            most = v > most ? v : most;
        }
    }
    *low = least;
    *high = most;
}

static pixel stretched(size_t i)
{
    pixel low, high;
    bounds(i, &low, &high);
    return (pixel)lrint(240.0 * (x_at(i) - low) / ((double)high - low));
}

START_TEST(rows)
{
    clnorm_minmax d = CLNORM_MINMAX_INIT;
    d.x = d.y = clnorm_nchw(CLNORM_U8, ROWS, 1, 1, ROW);
    d.lo = 0;
    d.hi = 240;
    run_pair(&d.op);
    check_y((size_t)ROWS * ROW, stretched);
}
END_TEST

/* ---- one statistic of all ---- */

START_TEST(one_set)
{
    clnorm_moments d = CLNORM_MOMENTS_INIT;
    clnorm_args args = CLNORM_ARGS_INIT;
    uint64_t count, sum = 0;
    float mean;
    d.x = clnorm_nchw(CLNORM_U8, 1, 1, 65537, 32769);
    args.slot[CLNORM_X].mem = the.x;
    args.slot[CLNORM_Y].mem = buffer(sizeof mean, NULL);
    args.slot[CLNORM_COUNT].mem = buffer(sizeof count, NULL);
    run(&d.op, &args);
    read_back(args.slot[CLNORM_Y].mem, 0, sizeof mean, &mean);
    read_back(args.slot[CLNORM_COUNT].mem, 0, sizeof count, &count);
    for (size_t i = 0; i < PRIME; i++) /* as often as a place of the block occurs */
        sum += x_at(i) * (uint64_t)((COUNT - i + PRIME - 1) / PRIME);
    ck_assert_uint_eq(count, COUNT);
    ck_assert_float_eq(mean, (float)((double)sum / (double)COUNT));
    RELEASE(args.slot[CLNORM_Y].mem, args.slot[CLNORM_COUNT].mem);
}
END_TEST

static void begin(void)
{
    the.block = (pixel *)malloc(2 * PIECE);
    ck_assert_ptr_nonnull(the.block);
    the.back = the.block + PIECE;
    the.x = buffer(ROOM, NULL);
    the.y = buffer(ROOM, NULL);
    write_x();
}

static void end(void)
{
    RELEASE(the.x, the.y);
    free(the.block);
}

int main(void)
{
    if (!huge_has_room(2, ROOM))
        return 77;
    TCase *t = SUITE_CASE(pointwise, channels_last_to_first, rows, one_set);
    tcase_set_timeout(t, 0);
    tcase_add_unchecked_fixture(t, begin, end);
    const int code = suite_run(suite_of("huge", t), CK_NOFORK);
    harness_close();
    return code;
}

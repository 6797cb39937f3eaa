/* test_long_axes.c -- every op on tensors one of whose axes is longer than 65,535: more samples, channels,
 * rows or columns than 16 bits count, or a launch has groups. */
#include "harness.h"

#include "base/compiler.h"

#include <stdlib.h>
#include <string.h>

enum { LONG = 66003 }; /* three groups of channels, no multiple of a vector */

static const int64_t shapes[][4] = {
    { LONG, 3, 1, 1 }, { 1, LONG, 1, 2 }, { 1, 3, LONG, 1 }, { 1, 3, 1, LONG }
};

static void set(clnorm_any *d, const char *attr, double value)
{
    ck_assert_msg(clnorm_op_set(d, attr, &value, 1) == CLNORM_OK, "%s", clnorm_last_error(NULL));
}

/* Statistics of a sample where there is a choice; the default preset of `normalize` has three channels. */
static void describe(clnorm_any *d, const clnorm_op_info *op, const int64_t *n, bool last)
{
    clnorm_op_init(d, op->kind);
    const uint32_t x = op->layer || op->kind == CLNORM_OP_DENORMALIZE ? CLNORM_F32 : CLNORM_U8;
    d->head.x = (last ? clnorm_nhwc : clnorm_nchw)((clnorm_dtype)x, n[0], n[1], n[2], n[3]);
    if (op->kind != CLNORM_OP_MOMENTS) {
        d->head.y = d->head.x;
        d->head.y.dtype = CLNORM_F32;
    }
    if (op->kind == CLNORM_OP_GROUPNORM)
        set(d, "groups", 3);
    if (op->kind == CLNORM_OP_BATCHNORM)
        set(d, "mode", CLNORM_TRAIN);
    if ((op->kind == CLNORM_OP_NORMALIZE || op->kind == CLNORM_OP_DENORMALIZE) && n[1] != 3) {
        set(d, "mean", 0.5);
        set(d, "std", 0.25);
    }
}

/* Backward, whose kernels take long to compile, on every other one, and never where all is to be small. */
static void run(const clnorm_op_info *op, size_t s, bool last)
{
    const bool back = op->layer && (s + last) % 2 && !harness_small();
    for (uint32_t direction = CLNORM_FORWARD; direction <= back; direction++) {
        op_case c;
        memset(&c, 0, sizeof c);
        describe(&c.desc, op, shapes[s], last);
        c.desc.op.direction = direction;
        c.seed = (uint32_t)s;
        c.force = WAYS_ONE;
        c.view = "long";
        harness_run(harness_get(), &c);
    }
}

/* The i-th op; scopes and axes are the op's own. */
START_TEST(long_axes)
{
    for (size_t s = 0; s < CLN_COUNT(shapes); s++) {
        run(clnorm_op_at((size_t)_i), s, false);
        run(clnorm_op_at((size_t)_i), s, true);
    }
}
END_TEST

/* Channels first over C: as many places as samples, side by side. */
START_TEST(over_channels)
{
    const uint32_t kinds[] = { CLNORM_OP_LAYERNORM, CLNORM_OP_RMSNORM, CLNORM_OP_MVN };
    for (uint32_t direction = CLNORM_FORWARD; direction <= CLNORM_BACKWARD; direction++)
        for (uint32_t seed = 0; seed < 2; seed++) {
            const int64_t n[] = { LONG, 3, 1, 16 };
            op_case c;
            memset(&c, 0, sizeof c);
            describe(&c.desc, clnorm_op_of(kinds[_i]), n, false);
            set(&c.desc, "axes", 1 << 1);
            c.desc.op.direction = direction;
            c.seed = seed;
            c.force = WAYS_ONE;
            c.view = "long";
            harness_run(harness_get(), &c);
        }
}
END_TEST

/* Backward of more samples than share weights in one go, whose statistics nobody saved: those of parts serve
 * dx, and those of samples the gradients of weights. */
START_TEST(more_samples_than_gathered)
{
    const uint32_t kinds[] = { CLNORM_OP_LAYERNORM, CLNORM_OP_RMSNORM, CLNORM_OP_GROUPNORM };
    for (uint32_t seed = 0; seed < 3; seed++) {
        op_case c;
        memset(&c, 0, sizeof c);
        clnorm_op_init(&c.desc, kinds[_i]);
        c.desc.head.x = c.desc.head.y = clnorm_nchw(CLNORM_F32, 4099, 4, 8, 64);
        if (kinds[_i] == CLNORM_OP_GROUPNORM)
            set(&c.desc, "groups", 2);
        c.desc.op.direction = CLNORM_BACKWARD;
        c.seed = seed;
        c.force = WAYS_ONE;
        c.absent = 1u << CLNORM_MEAN | 1u << CLNORM_RSTD;
        c.view = "many samples";
        harness_run(harness_get(), &c);
    }
}
END_TEST

static TCase *looped(const char *name, const TTest *test, int n)
{
    TCase *t = tcase_create(name);
    tcase_set_timeout(t, 0);
    tcase_add_loop_test(t, test, 0, n);
    return t;
}

static Suite *suite(void)
{
    size_t ops = 0;
    while (clnorm_op_at(ops) && !clnorm_op_at(ops)->matrix)
        ops++;
    Suite *s = suite_of("long_axes", looped("ops", long_axes, (int)ops));
    suite_add_tcase(s, looped("over channels", over_channels, 3));
    suite_add_tcase(s, looped("samples", more_samples_than_gathered, 3));
    return s;
}

SUITE_MAIN(suite)

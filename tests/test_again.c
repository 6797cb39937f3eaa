/* test_again.c -- every op again and again: the same bits each time, and whatever the number of threads.
 *
 * CLNORM_TEST_RUNS: how often, 100. CLNORM_TEST_HASHES=FILE: a line per case, which again.sh compares between numbers of
 * PoCL's threads, since a process has one; none of matrix ops, which cut sums by the number of compute units. */
#include "suite.h"

#include "base/compiler.h"
#include "clnorm.h"
#include "data.h"
#include "ref/ref.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BIT(slot) (1u << CLNORM_##slot)

/* Planes, pixels, rows, a set for many work-groups, and planes of a few elements. */
static const struct {
    int64_t n, c, h, w;
    bool last;
} shapes[] = { { 2, 6, 67, 71, false },
               { 3, 12, 33, 35, true },
               { 129, 768, 1, 1, false },
               { 1, 4, 509, 512, false },
               { 33, 16, 7, 7, false } };

typedef struct life {
    clnorm_any desc;
    uint32_t reads, writes, required;
    clnorm_host_args io;
    size_t bytes[CLNORM_SLOTS];
} life;

static clnorm_context *ctx;
static FILE *hashes;

static bool describe(life *l, const clnorm_op_info *op, uint32_t direction, size_t shape)
{
    const double numbers[] = { 1, 2, 0.5 };
    clnorm_any *d = &l->desc;
    memset(l, 0, sizeof *l);
    clnorm_op_init(d, op->kind);
    d->op.direction = direction;
    d->head.x =
        shapes[shape].last
            ? clnorm_nhwc(CLNORM_F32, shapes[shape].n, shapes[shape].c, shapes[shape].h, shapes[shape].w)
            : clnorm_nchw(CLNORM_F32, shapes[shape].n, shapes[shape].c, shapes[shape].h, shapes[shape].w);
    if (op->kind != CLNORM_OP_MOMENTS)
        d->head.y = d->head.x;
    clnorm_op_set(d, "mode", &numbers[0],
                  1); /* an attribute that the op lacks is refused, which is no matter */
    clnorm_op_set(d, "groups", &numbers[1], 1);
    clnorm_op_set(d, "scale", &numbers[1], 1);
    clnorm_op_set(d, "mean", &numbers[2], 1);
    clnorm_op_set(d, "std", &numbers[2], 1);
    if (clnorm_op_check(d) != CLNORM_OK)
        return false;
    clnorm_op_slots(d, &l->reads, &l->writes, &l->required);
    l->reads &= l->required | ~(BIT(MEAN) | BIT(RSTD) | BIT(RESIDUAL) | BIT(MASK));
    return true;
}

static void fill(life *l, uint32_t slot, const clnorm_tensor *t)
{
    uint32_t state = slot + 1;
    for (int64_t i = 0; i < clnorm_tensor_count(t); i++) /* a variance is above 0 */
        ref_set(t->dtype, l->io.slot[slot], i,
                slot == CLNORM_RUNNING_VAR ? 1 + data_random(&state) : data_bell(&state));
}

static void make(life *l)
{
    l->io.size = sizeof l->io;
    for (uint32_t slot = 0; slot < CLNORM_SLOTS_USED; slot++) {
        clnorm_tensor t;
        if (!((l->reads | l->writes) >> slot & 1u) || !clnorm_op_slot(&l->desc, slot, &t))
            continue;
        l->bytes[slot] = t.dtype ? clnorm_tensor_bytes(&t) : 8 * (size_t)clnorm_tensor_count(&t);
        l->io.slot[slot] = calloc(l->bytes[slot] + 1, 1);
        ck_assert_ptr_nonnull(l->io.slot[slot]);
        if (l->reads >> slot & 1u)
            fill(l, slot, &t);
    }
}

/* The bits of all outputs; those that are inputs too begin anew each time. */
static uint64_t run(life *l)
{
    uint64_t hash = 1469598103934665603u;
    clnorm_tensor t;
    for (uint32_t slot = 0; slot < CLNORM_SLOTS_USED; slot++)
        if (l->io.slot[slot] && l->reads & l->writes & 1u << slot && clnorm_op_slot(&l->desc, slot, &t))
            fill(l, slot, &t);
        else if (l->io.slot[slot] && l->writes >> slot & 1u)
            memset(l->io.slot[slot], 0xff, l->bytes[slot]);
    ck_assert_msg(clnorm_run_host(ctx, &l->desc.op, &l->io) == CLNORM_OK, "%s", clnorm_last_error(NULL));
    for (uint32_t slot = 0; slot < CLNORM_SLOTS_USED; slot++)
        for (size_t k = 0; l->writes >> slot & 1u && l->io.slot[slot] && k < l->bytes[slot]; k++)
            hash = (hash ^ ((const unsigned char *)l->io.slot[slot])[k]) * 1099511628211u;
    return hash;
}

static void run_again(const clnorm_op_info *op, uint32_t direction, size_t shape)
{
    const char *runs = getenv("CLNORM_TEST_RUNS");
    life l;
    if (!describe(&l, op, direction, shape))
        return;
    make(&l);
    const uint64_t first = run(&l);
    for (int k = 1; k < (runs ? atoi(runs) : 100); k++)
        ck_assert_msg(run(&l) == first, "%s direction %u, shape %zu: other bits at run %d", op->name,
                      direction, shape, k + 1);
    if (hashes && !op->matrix)
        fprintf(hashes, "%s %u %zu %016llx\n", op->name, direction, shape, (unsigned long long)first);
    for (uint32_t slot = 0; slot < CLNORM_SLOTS; slot++)
        free(l.io.slot[slot]);
}

START_TEST(every_op)
{
    const clnorm_op_info *op;
    const char *path = getenv("CLNORM_TEST_HASHES");
    hashes = path ? fopen(path, "w") : NULL;
    ck_assert(!path || hashes);
    const clnorm_options options = { .size = sizeof options, .flags = CLNORM_LAZY | CLNORM_CACHE_OFF };
    ck_assert_msg(clnorm_open(&ctx, NULL, &options) == CLNORM_OK, "%s", clnorm_last_error(NULL));
    for (size_t k = 0; (op = clnorm_op_at(k)) != NULL; k++)
        for (uint32_t way = CLNORM_FORWARD; way <= (op->schedules_back ? CLNORM_BACKWARD : CLNORM_FORWARD);
             way++)
            for (size_t shape = 0; shape < CLN_COUNT(shapes); shape++)
                run_again(op, way, shape);
    clnorm_close(ctx);
    if (hashes)
        ck_assert_int_eq(fclose(hashes), 0);
}
END_TEST

int main(void)
{
    TCase *t = SUITE_CASE(every_op);
    tcase_set_timeout(t, 0);
    return suite_run(suite_of("again", t), CK_NOFORK);
}

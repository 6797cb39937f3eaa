/* test_ref_torch.c -- the layers of the reference against a sample of PyTorch's results in float64. */
#include "ref_layer.h"

#define SAMPLE_MOVES 1      /* the running statistics are those after the batch */
#define SAMPLE_FOLLOWS 2    /* and those before it the ones after the case in front; else 0 and 1 */
#define SAMPLE_CUMULATIVE 4 /* as one of a row */

typedef struct sample {
    clnorm_any d; /* x and y are not set */
    uint32_t ndim;
    shape form;
    uint32_t flags;
    struct {
        clnorm_slot slot;
        int n;
        const double *v; /* in the order of the axes */
    } array[16];         /* n 0 is the end */
} sample;

#include "torch/sample.h"

static const uint32_t inputs = 1u << CLNORM_X | 1u << CLNORM_GAMMA | 1u << CLNORM_BETA |
                               1u << CLNORM_RESIDUAL | 1u << CLNORM_DY | 1u << CLNORM_RUNNING_MEAN |
                               1u << CLNORM_RUNNING_VAR;

static void prepare(layer_run *r, const sample *s)
{
    memset(r, 0, sizeof *r);
    r->d = s->d;
    r->d.op.size = layer_init(s->d.op.kind).op.size;
    r->d.head.x = r->d.head.y = dense(CLNORM_F32, s->ndim, s->form);
    for (size_t k = 0; s->array[k].n; k++)
        if (inputs >> s->array[k].slot & 1u)
            layer_give(r, s->array[k].slot, s->array[k].v, s->array[k].n);
        else
            layer_want(r, s->array[k].slot);
}

static void compare(const layer_run *r, const sample *s, size_t index, clnorm_slot first, clnorm_slot last)
{
    for (size_t k = 0; s->array[k].n; k++)
        for (int i = 0; i < s->array[k].n; i++) {
            const clnorm_slot slot = s->array[k].slot;
            const double got = r->out[slot][i], want = s->array[k].v[i];
            if (slot < first || slot > last || inputs >> slot & 1u)
                continue;
            ck_assert_msg(near(got, want, 1e-11), "sample %zu, op %u: slot %d [%d] is %.17g, not %.17g",
                          index, s->d.op.kind, (int)slot, i, got, want);
        }
}

/* The running statistics go from batch to batch in f32. */
static void move_running(layer_run *r, const sample *s, size_t index)
{
    static float before[2][LAYER_ROOM];
    static uint64_t count;
    count = s->flags & SAMPLE_FOLLOWS ? count + 1 : 0;
    r->io.count = count;
    r->io.cumulative = (s->flags & SAMPLE_CUMULATIVE) != 0;
    for (int k = 0; k < 2; k++) {
        for (int c = 0; !(s->flags & SAMPLE_FOLLOWS) && c < LAYER_ROOM; c++)
            before[k][c] = (float)k;
        r->io.slot[k ? CLNORM_RUNNING_VAR : CLNORM_RUNNING_MEAN] = before[k];
        r->io.moved[k] = r->moved[k];
    }
    ck_assert(ref_run(&r->d, &r->io));
    for (size_t a = 0; s->array[a].n; a++)
        for (int c = 0; c < s->array[a].n; c++) {
            const int k = s->array[a].slot == CLNORM_RUNNING_VAR;
            if (!k && s->array[a].slot != CLNORM_RUNNING_MEAN)
                continue;
            ck_assert_msg(near(r->moved[k][c], s->array[a].v[c], 5e-7),
                          "sample %zu: running %d [%d] is %.17g, not %.17g", index, k, c, r->moved[k][c],
                          s->array[a].v[c]);
            before[k][c] = (float)r->moved[k][c];
        }
}

START_TEST(agrees)
{
    static layer_run r;
    for (size_t k = 0; k < CLN_COUNT(samples); k++) {
        prepare(&r, &samples[k]);
        if (samples[k].flags & SAMPLE_MOVES)
            move_running(&r, &samples[k], k);
        ck_assert_msg(ref_run(&r.d, &r.io), "sample %zu", k);
        compare(&r, &samples[k], k, CLNORM_Y, CLNORM_RSTD);
        for (int i = 0; r.d.layered.layer.residual == CLNORM_RESIDUAL_BEFORE && i < LAYER_ROOM; i++)
            r.in[CLNORM_X][i] += r.in[CLNORM_RESIDUAL][i];
        r.io.slot[CLNORM_MEAN] = r.io.slot[CLNORM_RSTD] = NULL;
        r.d.op.direction = CLNORM_BACKWARD;
        ck_assert_msg(ref_run(&r.d, &r.io), "sample %zu, backward", k);
        compare(&r, &samples[k], k, CLNORM_DX, CLNORM_DRESIDUAL);
    }
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("all");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, agrees);
    return suite_run(suite_of("ref_torch", t), CK_FORK_GETENV);
}

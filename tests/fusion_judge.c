/* fusion_judge.c -- see fusion_case.h: what came out of a launch. */
#include "fusion_case.h"

#include "ref/bound.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

void fusion_say(const fusion_work *w, const cln_choice *ch, char *text, size_t room)
{
    const fusion *f = w->f;
    snprintf(text, room, "%s %s act %u residual %u affine %u mode %u %s->%s %s%s%s%s%s, %s wg %u vec %u",
             clnorm_op_of(f->kind)->name, f->back ? "backward" : "forward", f->act, f->residual, f->affine,
             f->mode, clnorm_dtype_name(w->d.head.x.dtype), clnorm_dtype_name(w->d.head.y.dtype),
             f->last ? "nhwc" : "nchw", f->turned ? " turned" : "", f->with_mask ? " mask" : "",
             f->adds ? " adds" : "", f->saved ? " saved" : "", ch->solver->name, ch->wg, ch->vec);
}

static bool bit(const unsigned char *mask, int64_t k) { return mask[k / 8] >> k % 8 & 1; }

/* The mask's bits are those of what y holds, which rounds a tiny z to 0. */
static void check_mask(const fusion_work *w, const char *text, const unsigned char *now)
{
    const array *y = &w->a[CLNORM_Y];
    for (int64_t i = 0; i < clnorm_tensor_count(&y->t); i++) {
        const int64_t k = ref_place(&y->t, i);
        if (fabs(w->want[CLNORM_Y][i]) > 1e-6 || w->want[CLNORM_Y][i] == 0.0)
            ck_assert_msg(bit(now, k) == bit(w->mask, k), "%s: bit %lld of the mask is %d", text,
                          (long long)k, bit(now, k));
    }
}

static void check_slot(const fusion_work *w, const char *text, uint32_t s, const unsigned char *now)
{
    const array *a = &w->a[s];
    for (int64_t i = 0; i < clnorm_tensor_count(&a->t); i++) {
        const double got = ref_get(a->t.dtype, now + a->offset, ref_place(&a->t, i)), want = w->want[s][i];
        const double error = ref_off(w->f->kind, s, REF_ORDINARY, a->t.dtype, got, want, w->scale[s][i]);
        ck_assert_msg(error <= 1, "%s: slot %u element %lld: got %.9g, want %.9g, %g times the bound", text,
                      s, (long long)i, got, want, error);
    }
}

void fusion_judge(fusion_work *w, const cln_choice *ch, const clnorm_args *args)
{
    uint64_t hash = 1469598103934665603u;
    char text[256];
    fusion_say(w, ch, text, sizeof text);
    for (uint32_t s = 0; s < CLNORM_SLOTS; s++) {
        const array *a = &w->a[s];
        if (!a->host)
            continue;
        unsigned char *now = array_download(a, harness_get()->queue, args->slot[s].mem);
        if (!a->output) {
            ck_assert_msg(!memcmp(now, a->host, array_room(a)), "%s: wrote to the input of slot %u", text, s);
        } else {
            ck_assert_msg(array_untouched(a, now), "%s: wrote outside of slot %u", text, s);
            if (s == CLNORM_MASK)
                check_mask(w, text, now + a->offset);
            else
                check_slot(w, text, s, now);
            hash = array_hash(a, now, hash);
        }
        free(now);
    }
    ck_assert_msg(!w->hashed || w->hash == hash, "%s: other bits than the launches before", text);
    w->hash = hash;
    w->hashed = true;
}

/* judge.c -- see work.h: the outputs of a launch against the reference. */
#include "base/compiler.h"
#include "data.h"
#include "record.h"
#include "ref/bound.h"
#include "tensor/tensor.h"
#include "work.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the case in words ---- */

static void say(words *s, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    const size_t room = sizeof s->text - s->used;
    const int n = vsnprintf(s->text + s->used, room, format, list);
    va_end(list);
    if (n > 0)
        s->used += (size_t)n < room ? (size_t)n : room - 1;
}

static void say_tensor(words *s, const char *name, const clnorm_tensor *t)
{
    char text[CLN_TENSOR_TEXT];
    say(s, ", %s %s strides", name, cln_tensor_text(t, text, sizeof text));
    for (uint32_t k = 0; k < t->ndim; k++)
        say(s, "%c%lld", k ? ',' : ' ', (long long)t->stride[k]);
}

/* Every attribute that is not its default, and what is left out. */
static void say_attributes(words *s, const work *w)
{
    for (size_t k = 0; k < w->op->nattrs; k++) {
        const clnorm_attr *a = &w->op->attrs[k];
        const char *field = (const char *)&w->desc + a->offset;
        float f;
        uint32_t u;
        memcpy(&f, field, sizeof f);
        memcpy(&u, field, sizeof u);
        if (a->type == CLNORM_ATTR_U32 ? u != (uint32_t)a->preset
                                       : f < (float)a->preset || f > (float)a->preset)
            say(s, ", %s %g", a->name, a->type == CLNORM_ATTR_U32 ? (double)u : (double)f);
    }
    for (uint32_t k = 0; k < CLNORM_SLOTS_USED; k++)
        if ((w->posed.reads | w->posed.writes) >> k & 1 && w->c->absent >> k & 1)
            say(s, ", no %s", work_slot_name(k));
}

static void say_choices(words *s, const work *w, const cln_choice *choices)
{
    for (size_t k = 0; k < w->posed.count; k++) {
        const cln_choice *ch = &choices[k];
        say(s, ", %s%s%s wg %u vec %u per %u block %u cols %u wide %d%s",
            w->op->layer ? cln_role_name(w->posed.part[k].layer.role) : "", w->op->layer ? ": " : "",
            ch->solver ? ch->solver->name : "none", ch->wg, ch->vec, ch->per, ch->block, ch->cols, ch->wide,
            ch->leads ? " leads" : "");
    }
}

words work_describe(const work *w, const cln_choice *choices)
{
    const char *device = getenv("CLNORM_TEST_DEVICE");
    words s = { "", 0 };
    say(&s, "%s %s on %s", w->op->name, w->desc.op.direction ? "backward" : "forward",
        device ? device : "the preferred device");
    say_tensor(&s, "x", &w->desc.head.x);
    say_tensor(&s, "y", &w->desc.head.y);
    say_attributes(&s, w);
    say(&s, ", %s%s%s, data %s, seed %u", w->c->view, w->c->in_place ? " in place" : "",
        w->c->unordered ? " unordered" : "", data_name(w->c->data), w->c->seed);
    say_choices(&s, w, choices);
    return s;
}

/* ---- errors ---- */

static ref_data held(const work *w)
{
    return w->c->data == DATA_NORMAL || w->c->data == DATA_CONSTANT ? REF_ORDINARY : REF_HOSTILE;
}

/* Held to what holds of any data too. */
static double off(const work *w, uint32_t s, int64_t i, double got, double want)
{
    const uint32_t kind = w->desc.op.kind, dtype = w->a[s].t.dtype;
    return fmax(ref_off(kind, s, REF_ANY, dtype, got, want, w->any[s][i]),
                ref_off(kind, s, held(w), dtype, got, want, w->scale[s][i]));
}

typedef struct verdict {
    double got, want, error; /* the error as a multiple of the bound */
} verdict;

static verdict judge_count(const unsigned char *p, const double *want, int64_t i)
{
    uint64_t count;
    memcpy(&count, p, sizeof count);
    const uint64_t right = ((const uint64_t *)(const void *)want)[i];
    return (verdict){ (double)count, (double)right, count == right ? 0 : 1e9 };
}

static verdict judge_mask(const unsigned char *p, const double *want, int64_t i)
{
    const unsigned char right = ((const unsigned char *)(const void *)want)[i];
    return (verdict){ *p, right, *p == right ? 0 : 1e9 };
}

static verdict judge_element(const work *w, uint32_t s, int64_t i, const unsigned char *now)
{
    const array *a = &w->a[s];
    const int64_t at = ref_place(&a->t, i);
    const unsigned char *p = now + a->offset;
    if (!a->t.dtype)
        return judge_count(p + at * 8, w->want[s], i);
    if (s == CLNORM_MASK)
        return judge_mask(p + at, w->want[s], i);
    verdict v = { ref_get(a->t.dtype, p, at), w->want[s][i], 0 };
    v.error = off(w, s, i, v.got, v.want);
    return v;
}

static void judge_array(const work *w, const cln_choice *choices, uint32_t s, const unsigned char *now)
{
    const array *a = &w->a[s];
    const bool ran = clnorm_tensor_count(&w->desc.head.x) > 0;
    const int64_t n = ran ? clnorm_tensor_count(&a->t) : 0;
    double worst = 0;
    for (int64_t i = 0; i < n; i++) {
        const verdict v = judge_element(w, s, i, now);
        worst = fmax(worst, v.error);
        if (!(v.error <= 1))
            ck_abort_msg("%s: %s[%lld]: got %.9g, want %.9g, bound %g, %g times the bound",
                         work_describe(w, choices).text, work_slot_name(s), (long long)i, v.got, v.want,
                         ref_bound(w->desc.op.kind, s, held(w)), v.error);
    }
    if (a->t.dtype == CLNORM_F32)
        record_error(&w->desc, work_slot_name(s), worst);
}

/* What judge looks at: each tensor once, by the slot that names it. */
static bool is_judged(const work *w, const clnorm_args *args, uint32_t s)
{
    return args->slot[s].mem && work_place_of(w, CLNORM_DX) != s && work_place_of(w, CLNORM_Y) != s;
}

/* The array whose host memory the slot's buffer was made from. */
static const array *made_from(const work *w, uint32_t s)
{
    const uint32_t place = work_place_of(w, s);
    return place < CLNORM_SLOTS ? &w->a[place] : &w->a[s];
}

/* All that can be said of one launch; the hash of its outputs. */
static uint64_t judge_all(const work *w, const cln_choice *choices, unsigned char *const *now)
{
    uint64_t hash = 1469598103934665603u;
    for (uint32_t s = 0; s < CLNORM_SLOTS; s++) {
        const array *a = &w->a[s];
        if (!now[s])
            continue;
        if (a->output) {
            judge_array(w, choices, s, now[s]);
            if (!array_untouched(made_from(w, s), now[s]))
                ck_abort_msg("%s: wrote outside of %s", work_describe(w, choices).text, work_slot_name(s));
            array_same_nans(a, now[s]);
            hash = array_hash(a, now[s], hash);
        } else if (memcmp(now[s], a->host, array_room(a)))
            ck_abort_msg("%s: wrote to the input %s", work_describe(w, choices).text, work_slot_name(s));
    }
    return hash;
}

/* Where a launch left the very bytes that the first one did, all has been said of them. */
void judge(work *w, const cln_choice *choices, const clnorm_args *args)
{
    unsigned char *now[CLNORM_SLOTS] = { NULL };
    bool same = w->hashed;
    for (uint32_t s = 0; s < CLNORM_SLOTS; s++)
        if (is_judged(w, args, s)) {
            const size_t room = array_room(made_from(w, s));
            now[s] = array_download(made_from(w, s), w->h->queue, args->slot[s].mem);
            if (!w->hashed) {
                w->first[s] = (unsigned char *)malloc(room);
                ck_assert_ptr_nonnull(w->first[s]);
                memcpy(w->first[s], now[s], room);
            }
            same = same && memcmp(now[s], w->first[s], room) == 0;
        }
    const uint64_t hash = same ? w->hash : judge_all(w, choices, now);
    for (uint32_t s = 0; s < CLNORM_SLOTS; s++)
        free(now[s]);
    if (!w->hashed)
        w->hash = hash;
    w->hashed = true;
    if (w->hash != hash)
        ck_abort_msg("%s: other bits than the launches before", work_describe(w, choices).text);
}

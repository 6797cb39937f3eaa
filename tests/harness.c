/* harness.c -- see harness.h. */
#include "harness.h"

#include "array.h"
#include "base/compiler.h"
#include "data.h"
#include "record.h"
#include "tensor/tensor.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static harness the;

/* ---- the device ---- */

harness *harness_get(void)
{
    if (the.ctx)
        return &the;
    clnorm_device d;
    clnorm_options o;
    cl_int code;
    memset(&o, 0, sizeof o);
    o.size = sizeof o;
    o.flags = CLNORM_LAZY | CLNORM_CACHE_OFF;
    ck_assert_msg(clnorm_device_find(&d, getenv("CLNORM_TEST_DEVICE")) == CLNORM_OK, "%s",
                  clnorm_last_error(NULL));
    the.device = d.device;
    the.cl = clCreateContext(NULL, 1, &d.device, NULL, NULL, &code);
    ck_assert_int_eq(code, CL_SUCCESS);
    the.queue = clCreateCommandQueue(the.cl, d.device, 0, &code);
    ck_assert_int_eq(code, CL_SUCCESS);
    the.unordered = clCreateCommandQueue(the.cl, d.device, CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE, &code);
    if (code != CL_SUCCESS)
        the.unordered = NULL;
    ck_assert_msg(clnorm_context_create(&the.ctx, the.cl, d.device, &o) == CLNORM_OK, "%s",
                  clnorm_last_error(NULL));
    printf("device %s %s, driver %s\n", d.id, d.name, d.driver);
    return &the;
}

void harness_close(void)
{
    if (!the.ctx)
        return;
    clnorm_context_release(the.ctx);
    if (the.unordered)
        clReleaseCommandQueue(the.unordered);
    clReleaseCommandQueue(the.queue);
    clReleaseContext(the.cl);
    memset(&the, 0, sizeof the);
}

/* ---- a case at work ---- */

typedef struct work {
    harness *h;
    const op_case *c;
    clnorm_any desc; /* completed */
    const clnorm_op_info *op;
    array a[CLNORM_SLOTS];
    double *want[CLNORM_SLOTS], *scale, largest;
    uint64_t hash;
    bool hashed;
} work;

static bool is_output(const clnorm_op_info *op, uint32_t s)
{
    return s == CLNORM_Y || op->slots_out >> s & 1;
}

/* Slots of the case: x, y, every optional output, and the inputs that the op needs. */
static bool takes(const work *w, uint32_t s)
{
    static const struct {
        uint32_t of, slots;
    } needs[] = { { CLNORM_OP_MINMAX, 1u << CLNORM_MIN | 1u << CLNORM_MAX },
                  { CLNORM_OP_ZSCORE, 1u << CLNORM_MEAN | 1u << CLNORM_RSTD } };
    if (s == CLNORM_X || is_output(w->op, s))
        return true;
    if (w->desc.op.kind == CLNORM_OP_DENORMALIZE)
        for (size_t k = 0; k < CLN_COUNT(needs); k++)
            if (w->desc.denormalize.of == needs[k].of && needs[k].slots >> s & 1)
                return true;
    return false;
}

static void fill(work *w, uint32_t s)
{
    array *a = &w->a[s];
    uint32_t state = w->c->seed + s;
    const int64_t n = clnorm_tensor_count(&a->t);
    for (int64_t i = 0; i < n; i++) {
        const double v = s == CLNORM_X      ? data_value(w->c->data, a->t.dtype, i, &state)
                         : s == CLNORM_MAX  ? 2 + data_random(&state)
                         : s == CLNORM_RSTD ? 0.5 + data_random(&state)
                                            : data_random(&state);
        ref_set(a->t.dtype, a->host + a->offset, array_place(&a->t, i), v);
    }
}

/* The largest finite |x|: what the error of a mean is measured by. */
static double largest(const work *w)
{
    const array *x = &w->a[CLNORM_X];
    const int64_t n = clnorm_tensor_count(&x->t);
    double most = 0;
    for (int64_t i = 0; i < n; i++) {
        const double v = fabs(ref_get(x->t.dtype, x->host + x->offset, array_place(&x->t, i)));
        if (v > most && !isinf(v))
            most = v;
    }
    return most;
}

static void work_begin(work *w, harness *h, const op_case *c)
{
    ref_io io = { { NULL } };
    memset(w, 0, sizeof *w);
    w->h = h;
    w->c = c;
    w->desc = c->desc;
    ck_assert_msg(clnorm_op_check(&w->desc) == CLNORM_OK, "%s", clnorm_last_error(NULL));
    w->op = clnorm_op_of(w->desc.op.kind);
    for (uint32_t s = 0; s < CLNORM_SLOTS; s++) {
        clnorm_tensor t;
        if (!takes(w, s))
            continue;
        ck_assert(clnorm_op_slot(&w->desc, s, &t));
        const size_t count = (size_t)clnorm_tensor_count(&t);
        array_make(&w->a[s], &t, s <= CLNORM_Y ? c->offset : 0, is_output(w->op, s));
        if (is_output(w->op, s)) {
            io.slot[s] = w->want[s] = (double *)calloc(count + 1, sizeof(double));
        } else {
            fill(w, s);
            io.slot[s] = w->a[s].host + w->a[s].offset;
        }
    }
    const int64_t x_count = clnorm_tensor_count(&w->desc.head.x),
                  y_count = clnorm_tensor_count(&w->desc.head.y);
    w->scale = (double *)calloc((size_t)(x_count > y_count ? x_count : y_count) + 1, sizeof(double));
    ck_assert(ref_run(&w->desc, &io, w->scale));
    w->largest = largest(w);
}

static void work_end(work *w)
{
    for (uint32_t s = 0; s < CLNORM_SLOTS; s++) {
        free(w->a[s].host);
        free(w->want[s]);
    }
    free(w->scale);
}

static void describe(const work *w, const cln_choice *ch, char *text, size_t room)
{
    char x[CLN_TENSOR_TEXT], y[CLN_TENSOR_TEXT];
    snprintf(text, room,
             "%s on %s, x %s strides %lld,%lld.. y %s, %s%s, data %s, %s wg %u vec %u per %u block %u wide "
             "%d, seed %u",
             w->op->name,
             getenv("CLNORM_TEST_DEVICE") ? getenv("CLNORM_TEST_DEVICE") : "the preferred device",
             cln_tensor_text(&w->desc.head.x, x, sizeof x), (long long)w->desc.head.x.stride[0],
             (long long)w->desc.head.x.stride[1], cln_tensor_text(&w->desc.head.y, y, sizeof y), w->c->view,
             w->c->in_place ? " in place" : "", data_name(w->c->data), ch->solver ? ch->solver->name : "none",
             ch->wg, ch->vec, ch->per, ch->block, ch->wide, w->c->seed);
}

static double bound_of(const work *w)
{
    return w->c->data == DATA_NORMAL || w->c->data == DATA_CONSTANT ? 5e-7 : 1e-6;
}

/* Statistics in f32: relative, where they are in the range of f32 at all. */
static double statistic_error(double got, double want)
{
    if (isnan(want) || isinf((float)want))
        return isnan(got) || isinf(got) ? 0 : 1e9;
    if (fabs(want) < 1e-37)
        return fabs(got) < 2e-37 ? 0 : 1e9;
    return fabs(got - want) / fabs(want) / 1e-6;
}

static void check_array(work *w, const cln_choice *ch, uint32_t s, const unsigned char *now)
{
    const array *a = &w->a[s];
    const int64_t n =
        clnorm_tensor_count(&w->desc.head.x) ? clnorm_tensor_count(&a->t) : 0; /* else nothing ran */
    char text[640];
    for (int64_t i = 0; i < n; i++) {
        const unsigned char *p = now + a->offset;
        const int64_t at = array_place(&a->t, i);
        double got, want, error;
        if (!a->t.dtype) {
            uint64_t count;
            memcpy(&count, p + at * 8, 8);
            got = (double)count;
            want = (double)((const uint64_t *)w->want[s])[i];
            error = got == want ? 0 : 1e9;
        } else {
            const bool mapped = s == CLNORM_Y && w->desc.op.kind != CLNORM_OP_MOMENTS;
            got = ref_get(a->t.dtype, p, at);
            want = w->want[s][i];
            error = mapped ? ref_error(a->t.dtype, got, want, w->scale[i], bound_of(w))
                    : s == CLNORM_Y || s == CLNORM_MEAN
                        ? ref_error(CLNORM_F32, got, want, w->largest, bound_of(w))
                        : statistic_error(got, want);
        }
        if (!(error <= 1)) {
            describe(w, ch, text, sizeof text);
            ck_abort_msg("%s: slot %u element %lld: got %.9g, want %.9g, %g times the bound", text, s,
                         (long long)i, got, want, error);
        }
    }
}

static void enqueue(work *w, const clnorm_plan *plan, const clnorm_args *args)
{
    cl_event done = NULL;
    cl_command_queue queue = w->c->unordered && w->h->unordered ? w->h->unordered : w->h->queue;
    cl_int status;
    ck_assert_msg(clnorm_enqueue(plan, queue, args, 0, NULL, &done) == CLNORM_OK, "%s",
                  clnorm_last_error(NULL));
    ck_assert_int_eq(clWaitForEvents(1, &done), CL_SUCCESS);
    clGetEventInfo(done, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof status, &status, NULL);
    ck_assert_int_eq(status, CL_COMPLETE);
    clReleaseEvent(done);
}

static void check_outputs(work *w, const cln_choice *ch, const clnorm_args *args)
{
    uint64_t hash = 1469598103934665603u;
    char text[640];
    for (uint32_t s = 0; s < CLNORM_SLOTS; s++) {
        const array *a = &w->a[s];
        if (!args->slot[s].mem || (w->c->in_place && s == CLNORM_X))
            continue;
        unsigned char *now = (unsigned char *)malloc(array_room(a));
        ck_assert_int_eq(clEnqueueReadBuffer(w->h->queue, args->slot[s].mem, CL_TRUE, 0, array_room(a), now,
                                             0, NULL, NULL),
                         CL_SUCCESS);
        describe(w, ch, text, sizeof text);
        if (a->output) {
            check_array(w, ch, s, now);
            ck_assert_msg((w->c->in_place && s == CLNORM_Y) || array_untouched(a, now),
                          "%s: wrote outside of slot %u", text, s);
            array_same_nans(a, now);
            hash = array_hash(a, now, hash);
        } else
            ck_assert_msg(!memcmp(now, a->host, array_room(a)), "%s: wrote to the input of slot %u", text, s);
        free(now);
    }
    if (!w->hashed)
        w->hash = hash;
    w->hashed = true;
    ck_assert_msg(w->hash == hash, "%s: other bits than the launches before", text);
}

static void run_choice(work *w, const cln_choice *ch)
{
    clnorm_args args = CLNORM_ARGS_INIT;
    clnorm_plan *plan;
    ck_assert_msg(cln_plan_with(&plan, w->h->ctx, &w->desc.op, ch, true) == CLNORM_OK, "%s",
                  clnorm_last_error(NULL));
    for (uint32_t s = 0; s < CLNORM_SLOTS; s++)
        if (w->a[s].host && !(w->c->in_place && s == CLNORM_Y)) {
            args.slot[s].mem = array_upload(&w->a[s], w->h->cl);
            args.slot[s].byte_offset = w->a[s].offset;
        }
    if (w->c->in_place)
        args.slot[CLNORM_Y] = args.slot[CLNORM_X];
    enqueue(w, plan, &args);
    check_outputs(w, ch, &args);
    record_launch(&w->desc, w->c->view);
    for (uint32_t s = 0; s < CLNORM_SLOTS; s++)
        if (args.slot[s].mem && !(w->c->in_place && s == CLNORM_Y))
            clReleaseMemObject(args.slot[s].mem);
    clnorm_plan_release(plan);
}

/* Every per, block and width of one solver and work-group. */
static void run_parameters(work *w, const cln_problem *problem, cln_choice ch, const cln_params *params)
{
    const uint32_t proposed[2] = { ch.per, ch.block };
    const uint32_t pers[] = { proposed[0], 1, 3 }, blocks[] = { proposed[1], 1, 4 };
    for (size_t k = 0; k < 3; k++) {
        ch.per = ch.solver == &cln_solve_split ? 1 : pers[k];
        ch.block = ch.solver == &cln_solve_split ? blocks[k] : 1;
        if (k && pers[k] == proposed[0] && blocks[k] == proposed[1])
            continue;
        ch.wide = false;
        run_choice(w, &ch);
        ch.wide = w->c->all_groups && k == 0 && w->c->offset == 0 && problem->op->maps &&
                  (ch.vec == params->vec || getenv("CLNORM_TEST_FULL")) &&
                  cln_geo_aligned(&problem->geo, ch.vec, true);
        if (ch.wide)
            run_choice(w, &ch);
    }
}

uint64_t harness_run(harness *h, const op_case *c)
{
    static const uint32_t groups[][2] = {
        { 0, 0 }, { 64, 4 }, { 48, 4 }, { 64, 1 }
    }; /* 0: the device's own */
    work w;
    cln_problem problem;
    work_begin(&w, h, c);
    ck_assert_msg(cln_op_pose(&problem, &w.desc.op) == CLNORM_OK, "%s", clnorm_last_error(NULL));
    if (!problem.set_elements) {
        const cln_choice none = { NULL, 0, 0, 0, 0, false };
        run_choice(&w, &none);
    } else
        for (size_t g = 0; g < (c->all_groups ? CLN_COUNT(groups) : 1); g++)
            for (size_t i = 0; cln_solvers[i]; i++) {
                cln_params params = h->ctx->params;
                cln_choice ch;
                if (g) {
                    params.wg = groups[g][0];
                    params.vec = groups[g][1];
                }
                if (params.wg <= h->ctx->device.max_wg &&
                    cln_choose_with(&ch, cln_solvers[i], &problem, &params, &h->ctx->device))
                    run_parameters(&w, &problem, ch, &h->ctx->params);
            }
    const uint64_t hash = w.hash;
    record_hash(&w.desc, c, w.hash);
    work_end(&w);
    return hash;
}

/* whiten.c -- whitening: samples as rows, centred, times W; the inverse; and the statistics to fit W to. */
#include "op/whiten.h"
#include "base/status.h"
#include "op/op.h"
#include "tensor/tensor.h"

#include <string.h>

#define BIT(slot) (1u << CLNORM_##slot)
#define CHUNK_FLOATS (1u << 22) /* of rows at a time: what is made of them is multiplied while in cache */

/* ---- checks -------------------------------------------------------------------------------------- */

static clnorm_status check_ndim(const clnorm_tensor *t, const char *name)
{
    return t->ndim >= 2 && t->ndim <= 4
               ? CLNORM_OK
               : cln_fail(CLNORM_ESHAPE, "whiten: %s has %u axes; (N,C), (C,H,W) and (N,C,H,W) are allowed",
                          name, t->ndim);
}

static clnorm_status check_patch(const clnorm_whiten *d)
{
    const clnorm_tensor *images = d->task == CLNORM_UNWHITEN ? &d->y : &d->x;
    const clnorm_tensor i = cln_as_images(images);
    const char *name = d->task == CLNORM_UNWHITEN ? "y" : "x";
    if (d->samples != CLNORM_PATCHES)
        return d->patch || d->stride
                   ? cln_fail(CLNORM_EARG,
                              "whiten: patch is %u and stride %u; both are 0 where samples are no patches",
                              d->patch, d->stride)
                   : CLNORM_OK;
    if (!d->patch)
        return cln_fail(CLNORM_EARG, "whiten: patch is 0; samples are patches, so 1 and more are allowed");
    if ((int64_t)d->patch > i.shape[2] || (int64_t)d->patch > i.shape[3])
        return cln_fail(CLNORM_ESHAPE, "whiten: patch is %u; an image of %s has %lldx%lld pixels", d->patch,
                        name, (long long)i.shape[3], (long long)i.shape[2]);
    if (d->task == CLNORM_UNWHITEN && !cln_samples_tile(d, &i))
        return cln_fail(
            CLNORM_ESHAPE,
            "whiten: patch %u at stride %u does not tile the %lldx%lld pixels of y; only patches side by "
            "side have an inverse",
            d->patch, d->stride ? d->stride : d->patch, (long long)i.shape[3], (long long)i.shape[2]);
    return CLNORM_OK;
}

static clnorm_status check_sizes(const cln_samples *s)
{
    if (s->dims > CLNORM_WHITEN_DIMS)
        return cln_fail(CLNORM_ESHAPE,
                        "whiten: a sample has %lld values; %d are allowed: take patches, or pixels",
                        (long long)s->dims, CLNORM_WHITEN_DIMS);
    if (s->components > s->dims)
        return cln_fail(CLNORM_EARG, "whiten: components is %lld; a sample has %lld values",
                        (long long)s->components, (long long)s->dims);
    return CLNORM_OK;
}

/* The whitened side: (N,K,down,across), or the images' own shape. */
static clnorm_status check_outputs(const clnorm_whiten *d, const cln_samples *s)
{
    const char *name = d->task == CLNORM_UNWHITEN ? "x" : "y";
    const clnorm_tensor *t = d->task == CLNORM_UNWHITEN ? &d->x : &d->y;
    char text[CLN_TENSOR_TEXT];
    if (s->as_image && s->components == s->dims && cln_samples_tile(d, &s->image))
        return CLNORM_OK;
    if (!s->as_image && !memcmp(s->outputs.shape, s->split.shape, 3 * sizeof *s->split.shape) &&
        s->outputs.shape[3] == s->components)
        return CLNORM_OK;
    return cln_fail(CLNORM_ESHAPE, "whiten: %s is %s; it may be (%lld,%lld,%lld,%lld)%s", name,
                    cln_tensor_text(t, text, sizeof text), (long long)s->split.shape[0],
                    (long long)s->components, (long long)s->split.shape[1], (long long)s->split.shape[2],
                    s->components == s->dims && cln_samples_tile(d, &s->image) ? ", or as the images" : "");
}

clnorm_status cln_whiten_check(clnorm_any *desc)
{
    clnorm_whiten *d = &desc->whiten;
    const cln_op *op = cln_op_of(CLNORM_OP_WHITEN);
    CLN_TRY(check_ndim(&d->x, "x"));
    if (d->task != CLNORM_FIT) {
        CLN_TRY(cln_tensor_check(&d->y, "y", op->info.y_types, false));
        cln_tensor_complete(&d->y);
        CLN_TRY(cln_tensor_check(&d->y, "y", op->info.y_types, true));
        CLN_TRY(check_ndim(&d->y, "y"));
    }
    CLN_TRY(check_patch(d));
    const cln_samples s = cln_samples_of(d);
    CLN_TRY(check_sizes(&s));
    return d->task == CLNORM_FIT ? CLNORM_OK : check_outputs(d, &s);
}

/* ---- slots --------------------------------------------------------------------------------------- */

clnorm_status cln_whiten_pose(cln_problem *p)
{
    const bool fits = p->desc.whiten.task == CLNORM_FIT;
    const uint32_t sums = BIT(COUNT) | BIT(MEAN) | BIT(M2);
    p->reads = BIT(X) | (fits ? sums : BIT(MEAN) | BIT(WHITENER));
    p->writes = fits ? sums : BIT(Y) | BIT(FAULT);
    p->required = BIT(X) | (fits ? sums : BIT(MEAN) | BIT(WHITENER) | BIT(Y));
    return CLNORM_OK;
}

bool cln_whiten_slot(const cln_problem *p, uint32_t slot, clnorm_tensor *out)
{
    const clnorm_whiten *d = &p->desc.whiten;
    const cln_samples s = cln_samples_of(d);
    const bool back = d->task == CLNORM_UNWHITEN;
    if (slot == CLNORM_MEAN)
        return cln_dense(out, 1, 2, s.dims);
    if (slot == CLNORM_M2)
        return cln_dense(out, 2, s.dims, s.dims);
    if (slot == CLNORM_WHITENER)
        return cln_dense(out, 1, back ? s.dims : s.components, back ? s.components : s.dims);
    cln_vector(out, 1);
    if (slot == CLNORM_COUNT)
        out->dtype = 0; /* u64 */
    return true;
}

/* ---- y = W (x - mean), and back ------------------------------------------------------------------ */

typedef struct apply {
    cln_steps *s;
    cln_matrix x, y;
    cln_at w, centred, product; /* W transposed; a chunk of rows, before and behind it */
    bool direct;                /* products lie in y as they are */
    bool back;
} apply;

/* Work-items' tiles of cl/whiten.cl: 16 rows by 64 columns, of a GPU by one, whose neighbours take the next. */
static size_t by_tiles(const cln_steps *s, uint32_t rows, uint32_t columns)
{
    return cln_steps_groups(s, (uint64_t)rows * columns, s->params->wg == 1 ? 1024 : 16);
}

static void multiply_chunk(const apply *a, uint32_t first, uint32_t rows)
{
    const uint32_t from = a->x.count[1], to = a->y.count[1];
    cln_at y = CLN_AT(Y);
    y.first = (size_t)first * to;
    cln_steps_add(a->s, &(cln_step){ .kernel = "centre",
                                     .groups = by_tiles(a->s, rows, from),
                                     .at = { CLN_AT(X), CLN_AT(MEAN), a->centred },
                                     .view = { &a->x },
                                     .n = { first, rows, from, !a->back } });
    const cln_gemm g = { .m = rows, .n = to, .k = from, .lda = from, .ldb = to, .ldc = to, .alpha = 1.0f };
    cln_steps_product(a->s, &g, a->centred, a->w, a->direct ? y : a->product, 0, 0);
    if (!a->direct)
        cln_steps_add(a->s, &(cln_step){ .kernel = "put",
                                         .groups = by_tiles(a->s, rows, to),
                                         .at = { a->product, CLN_AT(MEAN), CLN_AT(Y), CLN_AT(FAULT) },
                                         .view = { &a->y },
                                         .n = { first, rows, to, a->back } });
}

/* Pixels channels first on both sides: W times the planes of an image, which need no transpose. */
typedef struct planes {
    cln_matrix x;      /* rows (n,c), columns the pixels */
    uint32_t from, to; /* channels */
    uint32_t pixels, images;
    uint32_t to_row, to_image; /* floats of y from plane to plane, image to image */
} planes;

static clnorm_status find_planes(bool *found, planes *p, const clnorm_whiten *d, const cln_samples *of)
{
    cln_matrix y;
    const int64_t row = of->outputs.stride[3], image = of->outputs.stride[0];
    *found = false;
    if (d->task != CLNORM_WHITEN || d->samples != CLNORM_PIXELS || d->y.dtype != CLNORM_F32)
        return CLNORM_OK;
    if (of->split.shape[0] * (of->dims > of->components ? of->dims : of->components) >
        INT32_MAX) /* no matrix has as many rows */
        return CLNORM_OK;
    CLN_TRY(cln_matrix_of(&p->x, &of->split, CLN_PLANE_COLUMNS));
    CLN_TRY(cln_matrix_of(&y, &of->outputs, CLN_PLANE_COLUMNS));
    p->from = (uint32_t)of->dims;
    p->to = (uint32_t)of->components;
    p->pixels = p->x.count[1];
    p->images = (uint32_t)of->split.shape[0];
    p->to_row = (uint32_t)row;
    p->to_image = (uint32_t)image;
    *found = p->pixels > 1 && y.axes[1] == 1 && y.step[1][0] == 1 && row >= p->pixels && row <= INT32_MAX &&
             image >= 0 && image <= INT32_MAX && p->x.step[1][0] == 1 &&
             (uint64_t)p->pixels * p->from <= CHUNK_FLOATS;
    return CLNORM_OK;
}

static void write_planes(cln_steps *s, const planes *p)
{
    const uint32_t each = p->pixels * p->from, fit = CHUNK_FLOATS / each,
                   chunk = fit < p->images ? fit : p->images;
    const cln_at centred = cln_steps_room(s, (uint64_t)each * chunk);
    for (uint32_t first = 0; first < p->images; first += chunk) {
        const uint32_t images = p->images - first < chunk ? p->images - first : chunk;
        const cln_gemm g = { .m = p->to,
                             .n = p->pixels,
                             .k = p->from,
                             .lda = p->from,
                             .ldb = p->pixels,
                             .ldc = p->to_row,
                             .alpha = 1.0f,
                             .batch = images,
                             .b_step = each,
                             .c_step = p->to_image };
        cln_at y = CLN_AT(Y);
        y.first = (size_t)first * p->to_image;
        cln_steps_add(s, &(cln_step){ .kernel = "lower",
                                      .groups = cln_steps_groups(s, (uint64_t)images * each, 1024),
                                      .at = { CLN_AT(X), CLN_AT(MEAN), centred },
                                      .view = { &p->x },
                                      .n = { first * p->from, images * p->from, p->from } });
        cln_steps_product(s, &g, CLN_AT(WHITENER), centred, y, 0, 0);
    }
}

/* Integers have no NaN to look for: `put` sees what they are made of. */
static void look(const apply *a, uint32_t dtype)
{
    if (dtype != CLNORM_U8 && dtype != CLNORM_S8)
        cln_steps_add(a->s, &(cln_step){ .kernel = "look",
                                         .groups = cln_steps_groups(a->s, a->y.count[0], 1),
                                         .at = { CLN_AT(Y), CLN_AT(FAULT) },
                                         .view = { &a->y },
                                         .given = BIT(FAULT) });
}

static void write_rows(apply *a, uint32_t dtype)
{
    cln_steps *const s = a->s;
    const uint32_t rows = a->x.count[0], from = a->x.count[1], to = a->y.count[1];
    const uint32_t fit = CHUNK_FLOATS / (from + to), chunk = rows < fit ? rows : fit;
    a->direct = !a->back && dtype == CLNORM_F32 && a->y.axes[0] == 1 && a->y.axes[1] == 1 &&
                (a->y.step[1][0] == 1 || to == 1) && (rows == 1 || a->y.step[0][0] == to);
    a->w = cln_steps_room(s, (uint64_t)from * to);
    a->centred = cln_steps_room(s, (uint64_t)chunk * from);
    a->product = a->direct ? a->centred : cln_steps_room(s, (uint64_t)chunk * to);
    cln_steps_add(s, &(cln_step){ .kernel = "transpose",
                                  .groups = cln_steps_groups(s, (uint64_t)from * to, 4096),
                                  .at = { CLN_AT(WHITENER), a->w },
                                  .n = { to, from } });
    for (uint32_t first = 0; first < rows; first += chunk)
        multiply_chunk(a, first, rows - first < chunk ? rows - first : chunk);
}

static clnorm_status write_apply(cln_steps *s, const clnorm_whiten *d)
{
    const cln_samples of = cln_samples_of(d);
    apply a = { .s = s, .back = d->task == CLNORM_UNWHITEN };
    CLN_TRY(cln_matrix_of(&a.x, a.back ? &of.outputs : &of.split, CLN_SAMPLE_COLUMNS));
    CLN_TRY(cln_matrix_of(&a.y, a.back ? &of.split : &of.outputs, CLN_SAMPLE_COLUMNS));
    planes p;
    bool planar;
    CLN_TRY(find_planes(&planar, &p, d, &of));
    cln_steps_well(s);
    if (planar)
        write_planes(s, &p);
    else
        write_rows(&a, d->y.dtype);
    look(&a, d->y.dtype);
    return CLNORM_OK;
}

/* ---- statistics ---------------------------------------------------------------------------------- */

static void merge_chunk(cln_steps *s, cln_at x, const cln_matrix *view)
{
    const uint32_t rows = view->count[0], columns = view->count[1];
    const size_t before = s->floats; /* chunks follow each other in one place */
    cln_covariance c;
    cln_steps_covariance(s, &c, x, view, 1, 1.0f, 0, 0);
    cln_steps_reuse(s, before);
    const cln_step step = { .groups = cln_steps_groups(s, columns, 1), .n = { rows, columns } };
    cln_step merge = step, advance = step, counted = step;
    merge.kernel = "merge";
    memcpy(merge.at, (const cln_at[]){ CLN_AT(M2), CLN_AT(MEAN), CLN_AT(COUNT), c.hi, c.lo, c.matrix },
           6 * sizeof *merge.at);
    advance.kernel = "advance";
    memcpy(advance.at, (const cln_at[]){ CLN_AT(MEAN), CLN_AT(COUNT), c.hi, c.lo }, 4 * sizeof *advance.at);
    counted.kernel = "counted";
    counted.at[0] = CLN_AT(COUNT);
    counted.groups = 1;
    cln_steps_add(s, &merge);
    cln_steps_add(s, &advance);
    cln_steps_add(s, &counted);
}

/* Rows in chunks of at most so many, or of one index: of whole steps along the outermost axis where its inner ones fit, else within
 * each. */
static void merge_rows(cln_steps *s, cln_at x, cln_matrix part, uint32_t outer, uint32_t most)
{
    uint32_t inner = 1;
    for (uint32_t k = 0; k < outer; k++)
        inner *= part.length[0][k];
    const bool within = inner > most && outer > 0;
    const uint32_t steps = part.length[0][outer], each = within || most < inner ? 1 : most / inner;
    for (uint32_t i = 0; i < steps; i += each) {
        const uint32_t count = steps - i < each ? steps - i : each;
        cln_at from = x;
        from.first += (size_t)((int64_t)i * part.step[0][outer]);
        part.axes[0] = within ? outer : outer + 1;
        part.length[0][outer] = count;
        part.count[0] = count * inner;
        if (within)
            merge_rows(s, from, part, outer - 1, most);
        else
            merge_chunk(s, from, &part);
    }
}

/* Chunks are no shorter than M2, which each is merged into. */
static clnorm_status write_fit(cln_steps *s, const clnorm_whiten *d)
{
    const cln_samples of = cln_samples_of(d);
    cln_matrix all;
    CLN_TRY(cln_matrix_of(&all, &of.split, CLN_SAMPLE_COLUMNS));
    const uint32_t columns = all.count[1], most = CHUNK_FLOATS / columns;
    merge_rows(s, CLN_AT(X), all, all.axes[0] - 1, most > columns ? most : columns);
    return CLNORM_OK;
}

clnorm_status cln_whiten_steps(cln_steps *s, const cln_problem *p)
{
    const clnorm_whiten *d = &p->desc.whiten;
    s->types[0] = d->x.dtype;
    s->types[1] = s->types[2] = d->task == CLNORM_FIT ? CLNORM_F32 : d->y.dtype;
    return d->task == CLNORM_FIT ? write_fit(s, d) : write_apply(s, d);
}

/* jpeg.c -- JPEG by libjpeg-turbo: its default transform and upsampling, so that pixels equal everyone's.
 *
 * Gray stays gray, CMYK and YCCK become RGB as in Pillow, the rotation in EXIF is not applied. What libjpeg
 * only warns of is a failure here: it would return a picture of which a part is made up. */
#include "cli/image.h"

#include <stdio.h> /* before jpeglib.h, which needs FILE */

#include <jpeglib.h>

#include <jerror.h>
#include <setjmp.h>
#include <string.h>

typedef struct reader {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf stop;
    const cli_file *file;
    cli_array *out;
    int code; /* of a failure that has said its sentence */
    char why[JMSG_LENGTH_MAX];
} reader;

static void stop_reading(j_common_ptr jpeg)
{
    reader *const r = (reader *)jpeg->client_data;
    jpeg->err->format_message(jpeg, r->why);
    longjmp(r->stop, 1);
}

/* Two warnings are about headers that change no pixel, and cameras write such files. */
static void judge_message(j_common_ptr jpeg, int level)
{
    const int message = jpeg->err->msg_code;
    if (level < 0 && message != JWRN_JFIF_MAJOR && message != JWRN_NOT_SEQUENTIAL)
        jpeg->err->error_exit(jpeg);
}

static void stay_silent(j_common_ptr jpeg) { (void)jpeg; }

/* A small file can hold thousands of scans that each cost a pass over the whole picture. */
static void limit_scans(j_common_ptr jpeg)
{
    reader *const r = (reader *)jpeg->client_data;
    const int scan = r->jpeg.input_scan_number;
    if (scan <= CLI_JPEG_SCANS)
        return;
    r->code =
        cli_fail(EXIT_INPUT, "%s has %d scans or more; the limit is %d", r->file->name, scan, CLI_JPEG_SCANS);
    longjmp(r->stop, 1);
}

static bool is_cmyk(const reader *r)
{
    return r->jpeg.jpeg_color_space == JCS_CMYK || r->jpeg.jpeg_color_space == JCS_YCCK;
}

static void choose_form(reader *r)
{
    const bool gray = r->jpeg.jpeg_color_space == JCS_GRAYSCALE && !r->file->rgb8;
    r->jpeg.out_color_space = gray ? JCS_GRAYSCALE : is_cmyk(r) ? JCS_CMYK : JCS_RGB;
}

static int alloc(reader *r)
{
    const struct jpeg_decompress_struct *const j = &r->jpeg;
    const uint64_t pixels = (uint64_t)j->image_width * j->image_height;
    /* With several scans libjpeg keeps all coefficients. */
    const uint64_t coefficients = pixels * (uint64_t)j->num_components * sizeof(JCOEF);
    const cli_pixels picture = { j->image_width, j->image_height, j->out_color_space == JCS_GRAYSCALE ? 1 : 3,
                                 CLNORM_U8, jpeg_has_multiple_scans(&r->jpeg) ? coefficients : 0 };
    return cli_image_alloc(r->out, r->file->name, &picture);
}

/* a*b/255, rounded, for a and b up to 255. */
static int product(int a, int b)
{
    const int t = a * b + 128;
    return (t + (t >> 8)) >> 8;
}

/* Files hold ink inverted, as Adobe began it: 255 is none. */
static void rgb_of_cmyk(unsigned char *rgb, const unsigned char *cmyk, size_t pixels)
{
    for (size_t i = 0; i < pixels; i++)
        for (size_t c = 0; c < 3; c++)
            rgb[3 * i + c] =
                (unsigned char)(cmyk[4 * i + 3] - product(255 - cmyk[4 * i + c], cmyk[4 * i + 3]));
}

static void read_rows(reader *r)
{
    struct jpeg_decompress_struct *const j = &r->jpeg;
    const bool cmyk = is_cmyk(r);
    const size_t width = j->output_width, stride = width * (size_t)r->out->shape[3];
    JSAMPARRAY inks =
        cmyk ? j->mem->alloc_sarray((j_common_ptr)j, JPOOL_IMAGE, (JDIMENSION)(width * 4), 1) : NULL;
    while (j->output_scanline < j->output_height) {
        unsigned char *const row = (unsigned char *)r->out->data + j->output_scanline * stride;
        JSAMPROW target = row;
        jpeg_read_scanlines(j, cmyk ? inks : &target, 1);
        if (cmyk)
            rgb_of_cmyk(row, inks[0], width);
    }
}

/* Nothing local changes between setjmp and a longjmp, so that nothing here needs to be volatile. */
static bool read_guarded(reader *r)
{
    if (setjmp(r->stop))
        return false;
    jpeg_create_decompress(&r->jpeg);
    r->jpeg.progress = &r->progress;
    jpeg_mem_src(&r->jpeg, r->file->data, (unsigned long)r->file->size);
    jpeg_read_header(&r->jpeg, TRUE);
    choose_form(r);
    r->code = alloc(r);
    if (r->code != EXIT_OK)
        return false;
    jpeg_start_decompress(&r->jpeg);
    read_rows(r);
    jpeg_finish_decompress(&r->jpeg); /* a file without its end is half a file */
    return true;
}

int cli_jpeg_decode(cli_array *out, const cli_file *file)
{
    reader r;
    memset(&r, 0, sizeof r);
    r.file = file;
    r.out = out;
    r.jpeg.err = jpeg_std_error(&r.errors);
    r.jpeg.client_data = &r;
    r.errors.error_exit = stop_reading;
    r.errors.emit_message = judge_message;
    r.errors.output_message = stay_silent;
    r.progress.progress_monitor = limit_scans;
    const bool done = read_guarded(&r);
    const int message = r.errors.msg_code;
    jpeg_destroy_decompress(&r.jpeg);
    if (done || r.code != EXIT_OK)
        return r.code;
    if (message == JERR_OUT_OF_MEMORY)
        return cli_fail(EXIT_MEMORY, "%s: libjpeg found no memory to decode it", file->name);
    return cli_fail(EXIT_INPUT, "%s is a damaged JPEG file: %s", file->name, r.why);
}

/* pnm.c -- binary PPM and PGM.
 *
 * Samples are fractions of maxval: they are scaled to 0..255, above a maxval of 255 to 0..65535, rounded as
 * netpbm does. With rgb8, 16 bits keep their high byte, as in PNG. */
#include "cli/image.h"

#include <inttypes.h>
#include <string.h>

enum { MAXVAL_8 = 255, MAXVAL_16 = 65535, NUMBER_MAX = 100000000 /* ten times that is an uint32_t */ };

typedef struct header {
    uint32_t channels, width, height, maxval;
    size_t at; /* where the header ends */
} header;

static bool is_blank(unsigned char c) { return c && strchr(" \t\n\v\f\r", c); }

static bool is_digit(unsigned char c) { return c >= '0' && c <= '9'; }

/* A number behind blanks and comments; a comment ends with its line. */
static bool take_number(uint32_t *number, const cli_file *file, size_t *at)
{
    const unsigned char *const s = file->data;
    while (*at < file->size && (is_blank(s[*at]) || s[*at] == '#')) {
        if (s[*at] == '#')
            while (*at < file->size && s[*at] != '\n' && s[*at] != '\r')
                ++*at;
        else
            ++*at;
    }
    const size_t first = *at;
    for (*number = 0; *at < file->size && is_digit(s[*at]) && *number < NUMBER_MAX; ++*at)
        *number = *number * 10 + (uint32_t)(s[*at] - '0');
    return *at > first && *number < NUMBER_MAX;
}

static bool parse_header(header *h, const cli_file *file)
{
    h->channels = file->data[1] == '6' ? 3 : 1;
    h->at = 2;
    /* Exactly one blank lies between maxval and the samples, which may look like blanks themselves. */
    return file->size > 2 && (is_blank(file->data[2]) || file->data[2] == '#') &&
           take_number(&h->width, file, &h->at) && take_number(&h->height, file, &h->at) &&
           take_number(&h->maxval, file, &h->at) && h->at < file->size && is_blank(file->data[h->at++]);
}

static int check_samples(const header *h, const cli_file *file)
{
    if (h->maxval == 0 || h->maxval > MAXVAL_16)
        return cli_fail(EXIT_INPUT, "%s is damaged: its maxval is %" PRIu32 "; 1 to %d is possible",
                        file->name, h->maxval, MAXVAL_16);
    const int code = cli_image_check(file->name, h->width, h->height);
    if (code != EXIT_OK)
        return code;
    const uint64_t wanted = (uint64_t)h->width * h->height * h->channels * (h->maxval > MAXVAL_8 ? 2 : 1);
    const uint64_t there = file->size - h->at;
    if (wanted != there)
        return cli_fail(EXIT_INPUT,
                        "%s holds %" PRIu64 " bytes of samples; %" PRIu32 "x%" PRIu32 " pixels need %" PRIu64,
                        file->name, there, h->width, h->height, wanted);
    return EXIT_OK;
}

static uint32_t sample(const header *h, const unsigned char *s, size_t i)
{
    return h->maxval > MAXVAL_8 ? (uint32_t)s[2 * i] << 8 | s[2 * i + 1] : s[i];
}

/* Writes `copies` channels from each sample; false where one is above maxval. */
static bool convert(cli_array *out, const header *h, const unsigned char *s, size_t copies)
{
    const bool wide = h->maxval > MAXVAL_8;
    const uint32_t full = wide ? MAXVAL_16 : MAXVAL_8, cut = wide && out->dtype == CLNORM_U8 ? 8 : 0;
    const size_t samples = (size_t)h->width * h->height * h->channels;
    uint16_t *const u16 = (uint16_t *)out->data;
    uint8_t *const u8 = (uint8_t *)out->data;
    for (size_t i = 0; i < samples; i++) {
        const uint32_t v = sample(h, s, i);
        if (v > h->maxval)
            return false;
        const uint32_t scaled = (v * full + h->maxval / 2) / h->maxval;
        for (size_t k = i * copies; k < (i + 1) * copies; k++)
            if (out->dtype == CLNORM_U16)
                u16[k] = (uint16_t)scaled;
            else
                u8[k] = (uint8_t)(scaled >> cut);
    }
    return true;
}

int cli_pnm_decode(cli_array *out, const cli_file *file)
{
    header h = { 0, 0, 0, 0, 0 };
    if (!parse_header(&h, file))
        return cli_fail(EXIT_INPUT,
                        "%s is damaged: its header ends early or is not that of a binary PPM or PGM",
                        file->name);
    int code = check_samples(&h, file);
    if (code != EXIT_OK)
        return code;
    const uint32_t copies = file->rgb8 && h.channels == 1 ? 3 : 1;
    const cli_pixels picture = { h.width, h.height, h.channels * copies,
                                 h.maxval > MAXVAL_8 && !file->rgb8 ? CLNORM_U16 : CLNORM_U8, 0 };
    code = cli_image_alloc(out, file->name, &picture);
    if (code == EXIT_OK && !convert(out, &h, file->data + h.at, copies))
        code = cli_fail(EXIT_INPUT, "%s is damaged: a sample is above its maxval, %" PRIu32, file->name,
                        h.maxval);
    return code;
}

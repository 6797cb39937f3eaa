/* npy.c -- the header of an .npy file: one Python dictionary, read strictly.
 *
 * Accepted is what NumPy itself accepts and writes: any order of keys, either quote, blanks and line ends
 * between tokens, versions 1 to 3, and the 3L of Python 2. Nothing else that Python calls a literal is. */
#include "cli/npy.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the files of the command are read and written as they lie in memory: little-endian hosts only"
#endif

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define MAGIC "\x93NUMPY"
enum { MAGIC_BYTES = 6, ALIGNMENT = 64, NUMPY_GROWTH_DIGITS = 21 };

/* The first row that fits is taken, both from type name to dtype and back. */
static const struct {
    const char *descr;
    uint32_t dtype;
    size_t bytes;
} types[] = { { "<f4", CLNORM_F32, 4 },  { "<f8", CLNORM_F32, 8 }, { "<f2", CLNORM_F16, 2 },
              { "|u1", CLNORM_U8, 1 },   { "|i1", CLNORM_S8, 1 },  { "<u2", CLNORM_U16, 2 },
              { "<u2", CLNORM_BF16, 2 }, { "<u8", 0, 8 } };

/* What the letter of a type that is not read stands for. */
static const struct {
    char letter;
    const char *meaning;
} kinds[] = { { 'O', "Python objects" }, { 'b', "booleans" },     { 'c', "complex numbers" },
              { 'U', "text" },           { 'S', "byte strings" }, { 'V', "raw bytes" },
              { 'M', "dates" },          { 'm', "time spans" } };

typedef struct cursor {
    const char *at, *end;
    const char *start;
    cli_npy *h;
    bool bf16;
} cursor;

/* Keeps the reason and returns false, so that `return refuse(...)` is the whole error path. */
static bool refuse(cli_npy *h, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool refuse(cli_npy *h, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(h->why, sizeof h->why, format, args);
    va_end(args);
    return false;
}

static bool syntax(const cursor *c, const char *wanted)
{
    return refuse(c->h, "the .npy header is damaged at byte %zu: %s is missing", (size_t)(c->at - c->start),
                  wanted);
}

static void skip_blanks(cursor *c)
{
    while (c->at < c->end && *c->at && strchr(" \t\r\n\f", *c->at))
        c->at++;
}

static bool take(cursor *c, char wanted)
{
    skip_blanks(c);
    if (c->at == c->end || *c->at != wanted)
        return false;
    c->at++;
    return true;
}

static bool take_word(cursor *c, const char *word)
{
    const size_t n = strlen(word);
    skip_blanks(c);
    if ((size_t)(c->end - c->at) < n || memcmp(c->at, word, n) != 0)
        return false;
    c->at += n;
    return true;
}

/* A string in either quote; escapes are not needed in any key or type that is read. */
static bool take_string(cursor *c, char *out, size_t room)
{
    skip_blanks(c);
    const char quote = c->at < c->end ? *c->at : '\0';
    if (quote != '\'' && quote != '"')
        return syntax(c, "a string");
    size_t used = 0;
    for (c->at++; c->at < c->end && *c->at != quote; c->at++) {
        if (used + 1 == room || *c->at == '\\' || (unsigned char)*c->at < ' ')
            return syntax(c, "the end of a string");
        out[used++] = *c->at;
    }
    out[used] = '\0';
    return c->at++ < c->end || syntax(c, "the end of a string");
}

static bool take_length(cursor *c, int64_t *length)
{
    skip_blanks(c);
    const char *const first = c->at;
    if (take(c, '-'))
        return refuse(c->h, "its shape has a negative length");
    for (*length = 0; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++) {
        const int digit = *c->at - '0';
        if (*length > (INT64_MAX - digit) / 10)
            return refuse(c->h, "its shape has a length of 2^63 or more");
        *length = *length * 10 + digit;
    }
    if (c->at == first || (*first == '0' && c->at - first > 1))
        return syntax(c, "a length");
    take(c, 'L');
    return true;
}

static bool parse_shape(cursor *c)
{
    cli_npy *const h = c->h;
    bool comma = false;
    if (!take(c, '('))
        return syntax(c, "the ( of shape");
    while (!take(c, ')')) {
        int64_t length = 0;
        if (h->ndim && !comma)
            return syntax(c, "a comma in shape");
        if (h->ndim == CLNORM_MAX_DIMS)
            return refuse(h, "its shape has more than %d axes", CLNORM_MAX_DIMS);
        if (!take_length(c, &length))
            return false;
        h->shape[h->ndim++] = length;
        comma = take(c, ',');
    }
    if (h->ndim == 0)
        return refuse(h, "its shape is (), a single number; reshape it to (1,)");
    return h->ndim > 1 || comma || syntax(c, "the comma that makes (n) a shape");
}

static bool refuse_type(cli_npy *h, const char *descr)
{
    const char *const letter = descr + (*descr && strchr("<>|=", *descr) != NULL);
    const char *const hint = *descr == '>' ? ", big-endian; save x.astype(x.dtype.newbyteorder('<'))" : "";
    const char *meaning = "";
    for (size_t i = 0; i < COUNT(kinds); i++)
        if (*letter == kinds[i].letter)
            meaning = kinds[i].meaning;
    return refuse(h, "its type is '%s'%s%s%s%s; f4, f2, f8, u1, i1 and u2 are read",
                  descr[0] ? cli_quote(descr) : "", *meaning ? " (" : "", meaning, *meaning ? ")" : "", hint);
}

static bool parse_descr(cursor *c)
{
    char descr[64];
    skip_blanks(c);
    if (c->at < c->end && (*c->at == '[' || *c->at == '('))
        return refuse(c->h, "its type is structured (descr is a list of fields); save each field by itself");
    if (!take_string(c, descr, sizeof descr))
        return false;
    const char *const name = descr + (*descr && strchr("<|=", *descr) != NULL);
    for (size_t i = 0; i < COUNT(types); i++) {
        const bool bytes_have_no_order = *descr == '>' && types[i].bytes == 1;
        if (strcmp(name + bytes_have_no_order, types[i].descr + 1) != 0)
            continue;
        c->h->dtype = types[i].dtype == CLNORM_U16 && c->bf16 ? (uint32_t)CLNORM_BF16 : types[i].dtype;
        c->h->element_bytes = types[i].bytes;
        return true;
    }
    return refuse_type(c->h, descr);
}

static bool parse_order(cursor *c)
{
    if (take_word(c, "True"))
        return refuse(c->h, "it is in Fortran order; save np.ascontiguousarray(x) instead");
    return take_word(c, "False") || syntax(c, "True or False");
}

static const struct {
    const char *name;
    bool (*parse)(cursor *c);
} keys[] = { { "descr", parse_descr }, { "fortran_order", parse_order }, { "shape", parse_shape } };

static bool parse_entry(cursor *c, bool seen[COUNT(keys)])
{
    char name[64];
    if (!take_string(c, name, sizeof name))
        return false;
    if (!take(c, ':'))
        return syntax(c, "a colon");
    for (size_t k = 0; k < COUNT(keys); k++) {
        if (strcmp(name, keys[k].name) != 0)
            continue;
        if (seen[k])
            return refuse(c->h, "its .npy header has the key %s twice", name);
        seen[k] = true;
        return keys[k].parse(c);
    }
    return refuse(c->h, "its .npy header has the unknown key '%s'", cli_quote(name));
}

static bool parse_dictionary(cursor *c)
{
    bool seen[COUNT(keys)] = { false };
    bool comma = true;
    if (!take(c, '{'))
        return syntax(c, "the {");
    while (!take(c, '}')) {
        if (!comma)
            return syntax(c, "a comma");
        if (!parse_entry(c, seen))
            return false;
        comma = take(c, ',');
    }
    for (size_t k = 0; k < COUNT(keys); k++)
        if (!seen[k])
            return refuse(c->h, "its .npy header has no key %s", keys[k].name);
    skip_blanks(c);
    return c->at == c->end || syntax(c, "the end");
}

/* A length of 0 does not excuse the others: what is computed from them later may not overflow either. */
static bool count_elements(cli_npy *h)
{
    size_t product = 1;
    h->elements = 1;
    for (uint32_t i = 0; i < h->ndim; i++) {
        const uint64_t length = (uint64_t)h->shape[i];
        if (length > 1 && product > (size_t)PTRDIFF_MAX / h->element_bytes / length)
            return refuse(h, "its shape has 2^63 bytes or more");
        product *= length > 1 ? (size_t)length : 1;
        h->elements *= (size_t)length;
    }
    return true;
}

size_t cli_npy_length(cli_npy *h, const unsigned char *bytes, size_t size)
{
    memset(h, 0, sizeof *h);
    if (size < CLI_NPY_PREFIX || memcmp(bytes, MAGIC, MAGIC_BYTES) != 0)
        return refuse(h, "it ends within the .npy header, or is no .npy file");
    const unsigned major = bytes[6], minor = bytes[7];
    if (major < 1 || major > 3 || minor != 0)
        return refuse(h, "its .npy version is %u.%u; 1.0, 2.0 and 3.0 are read", major, minor);
    size_t text = bytes[8] | (size_t)bytes[9] << 8;
    if (major > 1)
        text |= (size_t)bytes[10] << 16 | (size_t)bytes[11] << 24;
    if (text > CLI_NPY_TEXT)
        return refuse(h, "its .npy header has %zu bytes; at most %d are read", text, CLI_NPY_TEXT);
    h->data_offset = (major > 1 ? 12 : 10) + text;
    if (h->data_offset < CLI_NPY_PREFIX)
        return refuse(h, "its .npy header has %zu bytes, too few", text);
    return h->data_offset;
}

bool cli_npy_parse(cli_npy *h, const unsigned char *bytes, size_t size, bool bf16)
{
    const size_t length = cli_npy_length(h, bytes, size);
    if (!length)
        return false;
    if (size < length)
        return refuse(h, "it ends within the .npy header, which has %zu bytes", length);
    const char *const start = (const char *)bytes;
    cursor c = { start + (bytes[6] > 1 ? 12 : 10), start + length, start, h, bf16 };
    return parse_dictionary(&c) && count_elements(h);
}

size_t cli_npy_format(char text[CLI_NPY_WRITTEN], const cli_array *a)
{
    const char *descr = NULL;
    for (size_t i = COUNT(types); i-- > 0;)
        if (types[i].dtype == a->dtype)
            descr = types[i].descr;
    assert(descr);
    char shape[CLNORM_MAX_DIMS * sizeof "9223372036854775807, "] = "";
    size_t used = 0;
    for (uint32_t i = 0; i < a->ndim; i++)
        used += (size_t)snprintf(shape + used, sizeof shape - used, "%s%" PRId64, i ? ", " : "", a->shape[i]);
    size_t n = MAGIC_BYTES + 4;
    n += (size_t)snprintf(text + n, CLI_NPY_WRITTEN - n,
                          "{'descr': '%s', 'fortran_order': False, 'shape': (%s%s), }", descr, shape,
                          a->ndim == 1 ? "," : "");
    /* NumPy leaves room for the first length to grow, then aligns the data. */
    const int digits = a->ndim ? snprintf(NULL, 0, "%" PRId64, a->shape[0]) : NUMPY_GROWTH_DIGITS;
    const size_t blanks = (size_t)(NUMPY_GROWTH_DIGITS - digits);
    const size_t total = (n + blanks + 1) / ALIGNMENT * ALIGNMENT + ALIGNMENT;
    assert(total <= CLI_NPY_WRITTEN);
    memset(text + n, ' ', total - n - 1);
    text[total - 1] = '\n';
    const size_t rest = total - MAGIC_BYTES - 4;
    memcpy(text, MAGIC "\x01\x00", MAGIC_BYTES + 2);
    text[8] = (char)(rest & 0xff);
    text[9] = (char)(rest >> 8);
    return total;
}
